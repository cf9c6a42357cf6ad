// SPDX-License-Identifier: GPL-2.0-only
/*
 * The search for holders runs beside processes that take references all the time and hold nothing:
 * a reader of /proc, a thread inside calls, a thread that starts programs. Then beside real
 * holders: two that close at the same moment, and one that hands over.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define WINSOCK_KEEP_LIBC_NAMES
#include <winsock_ext.h>
#undef linger

#include "closing.h"
#include "usage.h"

/* The result of a close. */
enum answer { CLOSED, SHARED, REFUSED, FAILED };

static enum answer close_raw(int dev, int fd)
{
	struct winsock_close call;
	int result = dev_closesocket(dev, fd, &call);

	if (result)
		return result == -EWOULDBLOCK ? REFUSED : FAILED;
	return call.record.outcome == WINSOCK_OUTCOME_SHARED ? SHARED : CLOSED;
}

static enum answer close_library(int dev, int fd)
{
	struct winsock_record record;

	if (winsock_closesocket(fd, 0, &record))
		return WSAGetLastError() == WSAEWOULDBLOCK ? REFUSED : FAILED;
	return record.outcome == WINSOCK_OUTCOME_SHARED ? SHARED : CLOSED;
}

FIXTURE(holders) {
	int dev;
	int rounds;
	struct net_pair pair;
	/* Shared with children. */
	struct beside {
		atomic_bool stop;
		atomic_int rounds;
		atomic_int arrived;
	} *beside;
};

FIXTURE_VARIANT(holders) {
	enum answer (*close)(int dev, int fd);
	int rounds;
};

FIXTURE_VARIANT_ADD(holders, ioctl) {
	.close = close_raw,
	.rounds = 20000,
};

FIXTURE_VARIANT_ADD(holders, library) {
	.close = close_library,
	.rounds = 1000,
};

/* Set linger 5 s, non-blocking, something unacknowledged: CLOSE refuses. */
static void pair_arm(struct net_pair *pair)
{
	net_pair_open(pair, NET_V4, false);
	fcntl(pair->client, F_SETFD, FD_CLOEXEC);
	fcntl(pair->server, F_SETFD, FD_CLOEXEC);
	net_mute(pair->server);
	net_linger(pair->client, 1, 5);
	net_nonblock(pair->client, true);
	if (send(pair->client, "x", 1, 0) != 1)
		abort();
}

FIXTURE_SETUP(holders)
{
	WSADATA data;

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->rounds = usage_enough(variant->rounds);
	net_enter();
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	self->beside = mmap(NULL, sizeof(*self->beside), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->beside);
	pair_arm(&self->pair);
}

FIXTURE_TEARDOWN(holders)
{
	net_linger(self->pair.client, 1, 0);
	EXPECT_EQ(CLOSED, variant->close(self->dev, self->pair.client));
	close(self->pair.server);
	WSACleanup();
	close(self->dev);
}

static void wait_for_rounds(struct beside *beside, int more)
{
	int wanted = beside->rounds + more;

	while (beside->rounds < wanted)
		net_sleep(1);
}

/* CLOSE refuses every time, and the activity beside it goes on. */
#define EXPECT_REFUSED_ALWAYS() do { \
	int refused = 0; \
	wait_for_rounds(self->beside, 1); \
	while (refused < self->rounds && \
	       variant->close(self->dev, self->pair.client) == REFUSED) \
		refused++; \
	ASSERT_EQ(self->rounds, refused); \
	ASSERT_TRUE(net_is_open(self->pair.client)); \
	wait_for_rounds(self->beside, 1); \
} while (0)

/* Read /proc as ss -p, lsof and the like do. */
static void read_proc(pid_t pid, struct beside *beside)
{
	char path[300], text[300];
	struct dirent *entry;
	struct stat status;
	DIR *directory;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!beside->stop) {
		snprintf(path, sizeof(path), "/proc/%d/fd", pid);
		directory = opendir(path);
		while (directory && (entry = readdir(directory))) {
			snprintf(path, sizeof(path), "/proc/%d/fd/%.20s", pid, entry->d_name);
			if (readlink(path, text, sizeof(text)) < 0 || stat(path, &status))
				continue;
			snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.20s", pid, entry->d_name);
			fd = open(path, O_RDONLY);
			if (fd >= 0 && read(fd, text, sizeof(text)) > 0)
				beside->rounds++;
			close(fd);
		}
		closedir(directory);
	}
}

/* claims: N1 M2 */
TEST_F_TIMEOUT(holders, a_reader_of_proc_is_none, 200)
{
	pid_t process = getpid(), children[2];

	for (int i = 0; i < 2; i++) {
		children[i] = net_fork_without(self->pair.client);
		if (!children[i]) {
			read_proc(process, self->beside);
			_exit(0);
		}
	}
	EXPECT_REFUSED_ALWAYS();
	self->beside->stop = true;
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(children[i], waitpid(children[i], NULL, 0));
}

struct busy {
	int fd;
	struct beside *beside;
	pthread_t thread;
};

/* A thread that is inside a call nearly always, but never asleep. */
static void *busy_run(void *argument)
{
	struct busy *busy = argument;
	struct tcp_info info;
	socklen_t size;
	char byte;
	int count;

	while (!busy->beside->stop) {
		recv(busy->fd, &byte, 1, MSG_DONTWAIT);
		size = sizeof(info);
		getsockopt(busy->fd, SOL_TCP, TCP_INFO, &info, &size);
		ioctl(busy->fd, FIONREAD, &count);
		busy->beside->rounds++;
	}
	return NULL;
}

/* Put the file of @fd at the busy thread's number, from which it reads. */
static int busy_move(const struct busy *busy, int fd)
{
	if (fd == busy->fd)
		return fd;
	if (dup2(fd, busy->fd) != busy->fd || close(fd))
		return -1;
	return busy->fd;
}

/* claims: N1 M2 B3 */
TEST_F_TIMEOUT(holders, a_thread_that_is_busy_with_the_socket_is_none, 200)
{
	struct busy busy = { self->pair.client, self->beside };
	double start;

	ASSERT_EQ(0, pthread_create(&busy.thread, NULL, busy_run, &busy));
	EXPECT_REFUSED_ALWAYS();
	/* A close that lingers does not return early. */
	for (int i = 0; i < 3; i++) {
		net_nonblock(self->pair.client, false);
		net_linger(self->pair.client, 1, 1);
		start = net_now();
		ASSERT_EQ(CLOSED, variant->close(self->dev, self->pair.client));
		EXPECT_GE(net_now() - start, 1);
		/* The number must not be that of the netlink socket which net_left() opens. */
		ASSERT_EQ(busy.fd, busy_move(&busy, open("/dev/null", O_RDONLY)));
		EXPECT_EQ(0, net_left(self->pair.client_port, self->pair.server_port));
		close(self->pair.server);
		pair_arm(&self->pair);
		self->pair.client = busy_move(&busy, self->pair.client);
		ASSERT_EQ(busy.fd, self->pair.client);
	}
	self->beside->stop = true;
	ASSERT_EQ(0, pthread_join(busy.thread, NULL));
}

static void *spawn_run(void *argument)
{
	char *arguments[] = { "/bin/busybox", "true", NULL };
	struct beside *beside = argument;
	pid_t child;

	while (!beside->stop) {
		if (posix_spawn(&child, arguments[0], NULL, NULL, arguments, environ))
			abort();
		waitpid(child, NULL, 0);
		beside->rounds++;
	}
	return NULL;
}

/* claims: N1 M2 */
TEST_F_TIMEOUT(holders, a_program_that_is_being_started_is_none, 200)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, spawn_run, self->beside));
	EXPECT_REFUSED_ALWAYS();
	self->beside->stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

/* Meet the other process, more closely than by the wake-up of a barrier. */
static void meet(struct beside *beside, int round)
{
	beside->arrived++;
	while (beside->arrived < 2 * round)
		sched_yield();
}

struct holder {
	int dev;
	int rounds;
	enum answer (*close)(int dev, int fd);
	struct beside *beside;
	int fd;
	enum answer answer;
};

static void *holder_run(void *argument)
{
	struct holder *holder = argument;

	for (int round = 1; round <= holder->rounds; round++) {
		meet(holder->beside, 2 * round - 1);
		holder->answer = holder->close(holder->dev, holder->fd);
		meet(holder->beside, 2 * round);
	}
	return NULL;
}

/* claims: M1 M2 N1 */
TEST_F_TIMEOUT(holders, of_two_that_close_in_the_same_moment_one_is_the_last, 200)
{
	struct holder other = { self->dev, self->rounds / 2, variant->close, self->beside };
	pthread_t thread;
	int last[2] = { 0 };

	ASSERT_EQ(0, pthread_create(&thread, NULL, holder_run, &other));
	for (int round = 1; round <= other.rounds; round++) {
		enum answer answer;

		other.fd = fcntl(self->pair.client, F_DUPFD_CLOEXEC, 0);
		meet(self->beside, 2 * round - 1);
		answer = variant->close(self->dev, self->pair.client);
		meet(self->beside, 2 * round);
		/* The refused one keeps the socket, the other one has dropped it. */
		ASSERT_EQ(REFUSED + SHARED, answer + other.answer);
		ASSERT_NE(FAILED, answer);
		ASSERT_NE(FAILED, other.answer);
		last[answer == SHARED]++;
		if (answer == SHARED)
			self->pair.client = other.fd;
		ASSERT_TRUE(net_is_open(self->pair.client));
	}
	TH_LOG("the one %d times, the other one %d times", last[0], last[1]);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
}

/* claims: M1 M2 N1 */
TEST_F_TIMEOUT(holders, of_two_processes_one_is_the_last, 200)
{
	for (int round = 1; round <= 200; round++) {
		enum answer answer;
		pid_t child;
		int status;

		self->beside->arrived = 0;
		child = fork();
		ASSERT_GE(child, 0);
		meet(self->beside, 1);
		answer = variant->close(self->dev, self->pair.client);
		if (!child) {
			/* The socket is closed with the process, and must not linger there. */
			if (answer == REFUSED)
				net_linger(self->pair.client, 1, 0);
			_exit(answer);
		}
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_TRUE(WIFEXITED(status));
		ASSERT_NE(FAILED, answer);
		ASSERT_EQ(REFUSED + SHARED, answer + WEXITSTATUS(status));
		if (answer == REFUSED)
			continue;
		close(self->pair.server);
		pair_arm(&self->pair);
	}
}

static int channel_send(int channel, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec text = { "x", 1 };
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	return sendmsg(channel, &message, 0);
}

static int channel_receive(int channel)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	char byte;
	struct iovec text = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space),
	};
	int fd = -1;

	if (recvmsg(channel, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

/* claims: M1 M2 */
TEST_F_TIMEOUT(holders, a_connection_that_is_handed_over_is_not_cut, 200)
{
	int channel[2], rounds = 500, status;
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	child = net_fork_without(self->pair.client);
	if (!child) {
		int fd;

		close(channel[0]);
		/* Send over the received socket, and close gracefully. */
		while ((fd = channel_receive(channel[1])) >= 0) {
			net_linger(fd, 0, 0);
			if (send(fd, "y", 1, MSG_NOSIGNAL) != 1)
				_exit(1);
			close(fd);
		}
		_exit(0);
	}
	close(channel[1]);
	for (int round = 0; round < rounds; round++) {
		struct net_pair pair;
		char text[8];

		net_pair_open(&pair, NET_V4, false);
		net_linger(pair.client, 1, round % 2 ? 5 : 0);
		net_nonblock(pair.client, true);
		ASSERT_EQ(1, send(pair.client, "x", 1, 0));
		ASSERT_EQ(1, channel_send(channel[0], pair.client));
		/*
		 * Another handle is in flight or received, unless the receiver has closed it by
		 * now.
		 */
		ASSERT_NE(REFUSED, variant->close(self->dev, pair.client));
		ASSERT_EQ(1, recv(pair.server, text, 1, MSG_WAITALL));
		ASSERT_EQ(1, recv(pair.server, text, 1, MSG_WAITALL));
		ASSERT_EQ(0, recv(pair.server, text, 1, 0));
		close(pair.server);
	}
	close(channel[0]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
