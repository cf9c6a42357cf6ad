// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets whose lock a thread holds inside send(), asleep on memory that never arrives. A close of
 * such a socket is decided later; closes of other sockets must not wait for it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tls.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "pending.h"
#include "ulp.h"
#include "usage.h"

#define PAGE	4096
/* More than a workqueue runs at a time, which is 256 until 6.8. */
#define HELD	300

struct holder {
	pthread_t thread;
	int fd;
	char *page;
	ssize_t sent;
};

static void *holder_run(void *argument)
{
	struct holder *holder = argument;

	holder->sent = send(holder->fd, holder->page, 100, MSG_NOSIGNAL);
	return NULL;
}

/* Make pages that are missing. Returns the userfaultfd that provides them. */
static int pages_missing(char *pages)
{
	struct uffdio_register range = {
		.range = { (unsigned long)pages, HELD * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		return -1;
	return fd;
}

/* claims: B3 */
TEST_F(closing, nobody_elses_deadline_waits)
{
	char *pages = mmap(NULL, HELD * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_zeropage give = { .range = { (unsigned long)pages, HELD * PAGE } };
	static struct holder holders[HELD];
	static struct winsock_close calls[HELD];
	static struct net_pair pairs[HELD];
	pthread_attr_t attributes;
	int missing;

	if (variant->family != NET_V4 || variant->accepted)
		return;
	ASSERT_NE(MAP_FAILED, pages);
	missing = pages_missing(pages);
	ASSERT_GE(missing, 0);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	net_pairs_vanished(pairs, HELD);
	for (int i = 0; i < HELD; i++) {
		ASSERT_EQ(0, pending_begin(self->dev, pairs[i].client, 0, SECOND_NS, &calls[i]));
		holders[i] = (struct holder){ .fd = pairs[i].client, .page = pages + i * PAGE };
		ASSERT_EQ(0, pthread_create(&holders[i].thread, &attributes, holder_run,
					    &holders[i]));
	}
	net_sleep(1500);
	for (int i = 0; i < HELD; i++)
		EXPECT_FALSE(pending_is_final(calls[i].op_fd, 0));

	net_pair_into(&self->pair, TCP_ESTABLISHED, true);
	BEGIN(0, SECOND_NS);
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 3000));
	EXPECT_EQ(1, RSTS());

	/* The held ones are decided when the lock is free, by the deadline that has passed. */
	ASSERT_EQ(0, ioctl(missing, UFFDIO_ZEROPAGE, &give));
	for (int i = 0; i < HELD; i++) {
		pthread_join(holders[i].thread, NULL);
		EXPECT_EQ(100, holders[i].sent);
		EXPECT_TRUE(pending_is_final(calls[i].op_fd, 5000));
		EXPECT_RECORD(calls[i].op_fd, WINSOCK_OUTCOME_DEADLINE);
		close(calls[i].op_fd);
		net_pair_close(&pairs[i]);
	}
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	close(self->call.op_fd);
	close(missing);
}

/* A close waits for the lock of its own socket only. */
TEST_F(closing, the_end_comes_with_the_lock)
{
	char *pages = mmap(NULL, HELD * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_zeropage give = { .range = { (unsigned long)pages, PAGE } };
	struct holder holder = { .fd = self->pair.client, .page = pages };
	struct winsock_record record;
	int missing = pages_missing(pages);

	ASSERT_GE(missing, 0);
	net_pair_into(&self->pair, TCP_ESTABLISHED, true);
	BEGIN(0, SECOND_NS / 4);
	ASSERT_EQ(0, pthread_create(&holder.thread, NULL, holder_run, &holder));
	net_sleep(1000);
	EXPECT_FALSE(pending_is_final(self->call.op_fd, 0));
	EXPECT_EQ(0, RSTS());
	ASSERT_EQ(0, ioctl(missing, UFFDIO_ZEROPAGE, &give));
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 1000));
	ASSERT_EQ(sizeof(record), read(self->call.op_fd, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, record.outcome);
	EXPECT_GE(record.elapsed_ns, 900000000);
	pthread_join(holder.thread, NULL);
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, FINS());
	close(self->call.op_fd);
	close(missing);
	munmap(pages, HELD * PAGE);
}

struct joiner {
	pthread_t thread;
	struct group_req *group;
	int error;
};

/* The kernel copies the group with the RTNL's mutex held. */
static void *joiner_run(void *argument)
{
	struct joiner *joiner = argument;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	joiner->error = setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, joiner->group,
				   sizeof(*joiner->group));
	close(fd);
	return NULL;
}

/* The release of a group's member waits for a mutex that any user can hold: no deadline does. */
TEST_F(closing, a_member_of_a_group_is_reset_in_time)
{
	char *pages = mmap(NULL, HELD * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_zeropage give = { .range = { (unsigned long)pages, PAGE } };
	int missing = pages_missing(pages), level = IPPROTO_IP;
	struct joiner joiner = { .group = (struct group_req *)pages };
	struct group_req group = { .gr_interface = if_nametoindex("lo") };
	struct sockaddr_in6 *name6 = (struct sockaddr_in6 *)&group.gr_group;
	struct sockaddr_in *name = (struct sockaddr_in *)&group.gr_group;

	ASSERT_GE(missing, 0);
	name->sin_family = AF_INET;
	name->sin_addr.s_addr = inet_addr("239.1.2.3");
	if (variant->family == NET_V6) {
		level = IPPROTO_IPV6;
		name6->sin6_family = AF_INET6;
		ASSERT_EQ(1, inet_pton(AF_INET6, "ff15::1234", &name6->sin6_addr));
	}
	ASSERT_EQ(0, setsockopt(self->pair.client, level, MCAST_JOIN_GROUP, &group,
				sizeof(group)));
	net_pair_into(&self->pair, TCP_ESTABLISHED, true);
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS / 4);
	ASSERT_EQ(0, pthread_create(&joiner.thread, NULL, joiner_run, &joiner));
	ASSERT_TRUE(pending_is_final(self->call.op_fd, 5000));
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, FINS());
	ASSERT_EQ(0, ioctl(missing, UFFDIO_ZEROPAGE, &give));
	pthread_join(joiner.thread, NULL);
	EXPECT_EQ(-1, joiner.error);
	close(self->call.op_fd);
	close(missing);
	munmap(pages, HELD * PAGE);
}

/*
 * The release of a file that inotify watches takes that instance's locks: the close is final before
 * the release, as an epoll lists in this order what becomes ready. The debug kernel has no inotify.
 */
TEST_F(closing, no_deadline_waits_for_a_strangers_inotify)
{
	struct pollfd watch = { inotify_init1(IN_CLOEXEC), POLLIN };
	struct epoll_event event = { .events = EPOLLIN }, events[2];
	int order = epoll_create1(EPOLL_CLOEXEC);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->pair.client);
	if (watch.fd < 0) {
		ASSERT_EQ(ENOSYS, errno);
	} else {
		ASSERT_LT(0, inotify_add_watch(watch.fd, path, IN_CLOSE));
	}
	net_pair_into(&self->pair, TCP_ESTABLISHED, true);
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS / 4);
	event.data.fd = self->call.op_fd;
	ASSERT_EQ(0, epoll_ctl(order, EPOLL_CTL_ADD, self->call.op_fd, &event));
	event.data.fd = watch.fd;
	if (watch.fd >= 0)
		ASSERT_EQ(0, epoll_ctl(order, EPOLL_CTL_ADD, watch.fd, &event));
	ASSERT_TRUE(pending_is_final(self->call.op_fd, 5000));
	if (watch.fd >= 0)
		ASSERT_EQ(1, poll(&watch, 1, 5000));
	/* Behind its event inotify has yet to wake the epoll. */
	net_sleep(200);
	ASSERT_EQ(1 + (watch.fd >= 0), epoll_wait(order, events, 2, 0));
	EXPECT_EQ(self->call.op_fd, events[0].data.fd);
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, FINS());
	close(self->call.op_fd);
	close(order);
	close(watch.fd);
}

struct watcher {
	pthread_t thread;
	int epoll;
	struct epoll_event *events;
};

static void *watcher_run(void *argument)
{
	struct watcher *watcher = argument;

	epoll_wait(watcher->epoll, watcher->events, HELD, -1);
	return NULL;
}

/*
 * Dropping the last reference to a file that an epoll watches waits for the epoll's mutex, which a
 * thread holds while it copies events to memory that never arrives. The close of another process
 * ends and is final, though that process watches the socket by an epoll of its own; a cancel leaves
 * nothing behind.
 */
TEST_F(closing, no_deadline_waits_for_a_strangers_epoll)
{
	char *pages = mmap(NULL, HELD * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_zeropage give = { .range = { (unsigned long)pages, HELD * PAGE } };
	struct epoll_event event = { .events = EPOLLOUT };
	static struct winsock_close calls[HELD];
	static struct net_pair pairs[HELD];
	struct watcher watcher;
	int missing, stranger, error;
	pid_t reader;

	net_pairs_vanished(pairs, HELD);
	watcher.epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_GE(watcher.epoll, 0);
	for (int i = 0; i < HELD; i++)
		ASSERT_EQ(0, epoll_ctl(watcher.epoll, EPOLL_CTL_ADD, pairs[i].client, &event));
	missing = pages_missing(pages);
	ASSERT_GE(missing, 0);
	watcher.events = (struct epoll_event *)pages;
	ASSERT_EQ(0, pthread_create(&watcher.thread, NULL, watcher_run, &watcher));
	net_sleep(200);
	for (int i = 0; i < HELD; i++)
		ASSERT_EQ(0, pending_begin(self->dev, pairs[i].client, WINSOCK_CLOSE_DROP_FD,
					   SECOND_NS / 100, &calls[i]));
	net_sleep(1000);
	EXPECT_EQ(0, net_left(pairs[0].client_port, pairs[0].server_port));
	stranger = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_GE(stranger, 0);
	net_pair_into(&self->pair, TCP_ESTABLISHED, true);
	ASSERT_EQ(0, epoll_ctl(stranger, EPOLL_CTL_ADD, self->pair.client, &event));

	net_linger(self->pair.client, 1, 9);
	net_nonblock(self->pair.client, true);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 9 * SECOND_NS);
	EXPECT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL));
	EXPECT_WOULDBLOCK(CLOSE());

	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS / 10);
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 5000));
	EXPECT_EQ(1, RSTS());
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	net_pair_close(&self->pair);

	net_pair_open(&self->pair, variant->family, variant->accepted);
	wire_reset(&self->wire);
	ASSERT_EQ(0, epoll_ctl(stranger, EPOLL_CTL_ADD, self->pair.client, &event));
	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 20 * SECOND_NS);
	reader = net_drain_later(&self->pair, 0);
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 15000));
	net_drain_result(reader, &error);
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_GRACEFUL);
	close(self->call.op_fd);

	ASSERT_EQ(0, ioctl(missing, UFFDIO_ZEROPAGE, &give));
	pthread_join(watcher.thread, NULL);
	for (int i = 0; i < HELD; i++) {
		EXPECT_TRUE(pending_is_final(calls[i].op_fd, 10000));
		close(calls[i].op_fd);
		pairs[i].client = -1;
		net_pair_close(&pairs[i]);
	}
	close(stranger);
	close(watcher.epoll);
	close(missing);
	munmap(pages, HELD * PAGE);
}

/* What waits for an epoll is still its user's: the limit bounds it, too. */
TEST_F(closing, the_user_pays_until_the_file_is_dropped)
{
	char *pages = mmap(NULL, HELD * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_zeropage give = { .range = { (unsigned long)pages, HELD * PAGE } };
	FILE *limit = fopen("/proc/sys/net/winsock/ops_max", "w");
	struct epoll_event event = { .events = EPOLLOUT };
	struct watcher watcher = { .events = (struct epoll_event *)pages };
	struct winsock_close call;
	struct net_pair pair;
	int missing;

	ASSERT_NE(NULL, limit);
	fputs("1", limit);
	ASSERT_EQ(0, fclose(limit));
	net_pairs_vanished(&pair, 1);
	net_stuff(self->pair.client);
	watcher.epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_EQ(0, epoll_ctl(watcher.epoll, EPOLL_CTL_ADD, pair.client, &event));
	missing = pages_missing(pages);
	ASSERT_GE(missing, 0);
	ASSERT_EQ(0, pthread_create(&watcher.thread, NULL, watcher_run, &watcher));
	net_sleep(200);
	ASSERT_EQ(0, pending_begin(self->dev, pair.client, WINSOCK_CLOSE_DROP_FD, SECOND_NS / 10,
				   &call));
	EXPECT_TRUE(pending_is_final(call.op_fd, 5000));
	close(call.op_fd);
	EXPECT_EQ(-ENOSPC, pending_begin(self->dev, self->pair.client, 0, SECOND_NS, &self->call));

	ASSERT_EQ(0, ioctl(missing, UFFDIO_ZEROPAGE, &give));
	pthread_join(watcher.thread, NULL);
	net_sleep(500);
	BEGIN(0, SECOND_NS);
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	close(self->call.op_fd);
	close(pair.server);
	close(watcher.epoll);
	close(missing);
	munmap(pages, HELD * PAGE);
}

/* Many connections for which TCP takes little, and larger records of kTLS. */
#define RECORDS		40
#define RECORD_SIZE	16384

static void record_pair_open(struct net_pair *pair)
{
	int room = 8192, least = 1, segment = 1000, on = 1;
	int listener = net_listen(NET_V4, &pair->server_port);
	struct sockaddr_in name = {
		.sin_family = AF_INET,
		.sin_port = htons(pair->server_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	pair->client = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(pair->client, SOL_TCP, TCP_MAXSEG, &segment, sizeof(segment));
	setsockopt(pair->client, SOL_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(pair->client, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	connect(pair->client, (struct sockaddr *)&name, sizeof(name));
	pair->server = accept(listener, NULL, NULL);
	close(listener);
}

/* Send a record of which TCP takes a part, by a send() that its timeout ends. */
static int record_send(int fd)
{
	struct tls12_crypto_info_aes_gcm_128 key = {
		.info = { TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128 },
	};
	struct timeval soon = { .tv_usec = 5000 }, never = { 0 };
	static char record[RECORD_SIZE];

	if (ulp_attach_name(fd, "tls") || setsockopt(fd, SOL_TLS, TLS_TX, &key, sizeof(key)))
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	send(fd, record, sizeof(record), MSG_NOSIGNAL);
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &never, sizeof(never));
}

struct workers {
	const char *workqueue;
	int count;
};

static void worker_count(const char *directory, const char *name, void *argument)
{
	struct workers *workers = argument;
	const char *item = strchr(name, '+');

	workers->count += item && !strcmp(item + 1, workers->workqueue);
}

/* Count workers inside an item of the workqueue, which sleep, as nothing computes. */
static int workers_of(const char *workqueue)
{
	struct workers workers = { workqueue };

	usage_workers(worker_count, &workers);
	return workers.count;
}

/* The release of kTLS sends the rest of a record, and waits for room without a limit. */
TEST_F_TIMEOUT(closing, no_deadline_waits_for_a_record_of_ktls, 120)
{
	static struct winsock_close calls[RECORDS];
	static struct net_pair pairs[RECORDS];
	static char bytes[4096];

	if (variant->family != NET_V4 || variant->accepted)
		return;
	for (int i = 0; i < RECORDS; i++) {
		struct pollfd polled = { .events = POLLOUT };

		record_pair_open(&pairs[i]);
		polled.fd = pairs[i].client;
		/* Stop when the peer's window is full, not when an ACK is late. */
		do {
			while (send(pairs[i].client, bytes, 512, MSG_DONTWAIT) > 0)
				continue;
		} while (poll(&polled, 1, 100) > 0);
		ASSERT_EQ(0, pending_begin(self->dev, pairs[i].client, 0, 3 * SECOND_NS,
					   &calls[i]));
		ASSERT_GE(calls[i].op_fd, 0);
		while (!poll(&polled, 1, 1) && recv(pairs[i].server, bytes, 64, MSG_DONTWAIT) > 0)
			continue;
		if (record_send(pairs[i].client))
			SKIP(return, "no kTLS in this kernel");
		close(pairs[i].client);
	}
	for (int i = 0; i < RECORDS; i++)
		for (int reads = 0; reads < 1 + i % 6; reads++)
			recv(pairs[i].server, bytes, 500 + 300 * (i % 7), MSG_DONTWAIT);
	net_sleep(5000);
	TH_LOG("%d of %d wait for room", workers_of("winsock_relock"), RECORDS);
	EXPECT_EQ(0, workers_of("winsock"));
	for (int i = 0; i < RECORDS; i++) {
		net_linger(pairs[i].server, 1, 0);
		close(pairs[i].server);
		if (calls[i].op_fd >= 0)
			EXPECT_TRUE(pending_is_final(calls[i].op_fd, 5000));
		close(calls[i].op_fd);
	}
}

enum request { CLOSE_IT, ABORT_IT, CANCEL_OP, ABORT_OP, REQUESTS };

/*
 * The asking process, which is killed in its request: reports when it is about to ask, and waits
 * for the go.
 */
static void asker_run(int dev, int fd, enum request request, int ready, int go)
{
	struct winsock_close call;
	char byte = 'r';

	if (request >= CANCEL_OP && pending_begin(dev, fd, 0, 60 * SECOND_NS, &call))
		_exit(1);
	if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		_exit(2);
	if (request == CLOSE_IT)
		pending_begin(dev, fd, WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS, &call);
	else if (request == ABORT_IT)
		dev_abort(dev, fd);
	else
		ioctl(call.op_fd, request == CANCEL_OP ? WINSOCK_IOC_OP_CANCEL :
		      WINSOCK_IOC_OP_ABORT);
	_exit(3);
}

/*
 * Hold the lock in another process, so that it stays when the asking one is killed; it ends after
 * @seconds.
 */
static pid_t holder_fork(int fd, unsigned int seconds)
{
	pid_t child = fork();

	if (!child) {
		char *pages = mmap(NULL, HELD * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (pages_missing(pages) < 0)
			_exit(1);
		alarm(seconds);
		_exit(send(fd, pages, 100, MSG_NOSIGNAL) < 0);
	}
	return child;
}

/* claims: B9 */
TEST_F(closing, whoever_waits_for_the_lock_can_be_killed)
{
	for (enum request request = 0; request < REQUESTS; request++) {
		int ready[2], go[2], status;
		struct winsock_query query;
		pid_t asker, holder;
		double start;
		char byte;

		net_pair_into(&self->pair, TCP_ESTABLISHED, true);
		ASSERT_EQ(0, pipe(ready));
		ASSERT_EQ(0, pipe(go));
		asker = fork();
		ASSERT_GE(asker, 0);
		if (!asker)
			asker_run(self->dev, self->pair.client, request, ready[1], go[0]);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		holder = holder_fork(self->pair.client, 0);
		ASSERT_GE(holder, 0);
		net_sleep(300);
		ASSERT_EQ(1, write(go[1], &byte, 1));
		net_sleep(300);
		/* The process sleeps: nothing has begun, and nothing has ended. */
		ASSERT_EQ(0, waitpid(asker, &status, WNOHANG));
		EXPECT_EQ(0, FINS() + RSTS());
		start = net_now();
		kill(asker, SIGKILL);
		ASSERT_EQ(asker, waitpid(asker, &status, 0));
		EXPECT_LT(net_now() - start, AT_ONCE);
		EXPECT_TRUE(WIFSIGNALED(status));
		kill(holder, SIGKILL);
		ASSERT_EQ(holder, waitpid(holder, &status, 0));
		net_sleep(100);
		ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query));
		EXPECT_FALSE(query.flags & WINSOCK_QUERY_CLOSING);
		/*
		 * The op's descriptor is closed with the process: reset, also after a killed
		 * cancel.
		 */
		EXPECT_EQ(request >= CANCEL_OP ? TCP_CLOSE : TCP_ESTABLISHED, query.state);
		EXPECT_EQ(0, FINS());
		EXPECT_EQ(request >= CANCEL_OP, RSTS());
		for (int i = 0; i < 2; i++) {
			close(ready[i]);
			close(go[i]);
		}
		net_pair_close(&self->pair);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

/* As with close(2): the thread inside a call may be another user's, and stay there. */
/* claims: M1 */
TEST_F(closing, nobody_waits_to_give_up_one_of_two_handles)
{
	for (int seconds = 0; seconds < 2; seconds++) {
		double start;
		pid_t holder;
		int status;

		net_pair_into(&self->pair, TCP_ESTABLISHED, true);
		net_linger(self->pair.client, 1, seconds);
		holder = holder_fork(self->pair.client, 5);
		ASSERT_GE(holder, 0);
		net_sleep(300);
		start = net_now();
		ASSERT_EQ(0, dev_close(self->dev, self->pair.client, DEV_CLOSESOCKET, 0,
				       &self->call));
		EXPECT_LT(net_now() - start, 3);
		EXPECT_EQ(WINSOCK_OUTCOME_SHARED, self->call.record.outcome);
		EXPECT_FALSE(net_is_open(self->pair.client));
		EXPECT_EQ(0, FINS() + RSTS());
		ASSERT_EQ(holder, waitpid(holder, &status, 0));
		close(self->pair.server);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

static void nothing(int number)
{
	(void)number;
}

static void *receiver_run(void *argument)
{
	char byte;

	recv(*(int *)argument, &byte, 1, 0);
	return NULL;
}

/*
 * A thread that a signal has woken in recv() waits for the lock before it leaves the socket's
 * queue. It has one reference, which the kernel must not count twice.
 */
/* claims: M1 */
TEST_F(closing, who_stands_in_two_queues_is_one_holder)
{
	struct sigaction restart = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	pthread_t receivers[3];
	int copy, status;
	pid_t holder;

	copy = dup(self->pair.client);
	net_pair_into(&self->pair, TCP_ESTABLISHED, true);
	net_linger(self->pair.client, 1, 5);
	sigaction(SIGUSR1, &restart, NULL);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&receivers[i], NULL, receiver_run,
					    &self->pair.client));
	net_sleep(200);
	holder = holder_fork(self->pair.client, 3);
	ASSERT_GE(holder, 0);
	net_sleep(300);
	for (int i = 0; i < 3; i++)
		pthread_kill(receivers[i], SIGUSR1);
	net_sleep(300);
	ASSERT_EQ(0, dev_close(self->dev, self->pair.client,
			       DEV_CLOSESOCKET | WINSOCK_CLOSE_NONBLOCKING, 0, &self->call));
	EXPECT_EQ(WINSOCK_OUTCOME_SHARED, self->call.record.outcome);
	ASSERT_EQ(holder, waitpid(holder, &status, 0));
	EXPECT_EQ(0, FINS() + RSTS());
	shutdown(copy, SHUT_RDWR);
	for (int i = 0; i < 3; i++)
		pthread_join(receivers[i], NULL);
	self->pair.client = copy;
}

TEST_HARNESS_MAIN
