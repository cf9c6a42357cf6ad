// SPDX-License-Identifier: GPL-2.0-only
/* One of several handles: only the last close is a close. */
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "closing.h"

/* Set the worst case for a mistake: hard close, data queued, non-blocking. */
static void arm(struct net_pair *pair, bool hard)
{
	net_stuff(pair->client);
	net_linger(pair->client, 1, hard ? 0 : 1);
	if (!hard)
		net_nonblock(pair->client, true);
}

/* claims: M1 M2 M3 O23 */
TEST_F(closing, a_dup_goes_without_effect)
{
	for (int hard = 0; hard < 2; hard++) {
		struct linger linger;
		socklen_t size = sizeof(linger);
		int copy = dup(self->pair.client);

		arm(&self->pair, hard);
		ASSERT_EQ(0, CLOSE());
		EXPECT_DONE(WINSOCK_OUTCOME_SHARED);
		EXPECT_EQ(TCP_ESTABLISHED, net_state(copy));
		ASSERT_EQ(0, getsockopt(copy, SOL_SOCKET, SO_LINGER, &linger, &size));
		EXPECT_EQ(1, linger.l_onoff);
		EXPECT_EQ(hard ? 0 : 1, linger.l_linger);
		EXPECT_EQ(0, FINS() + RSTS());
		self->pair.client = copy;
	}
	/* The last close obeys the present options: hard. */
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_EQ(1, RSTS());
}

/* Without DROP_FD the record says SHARED, and the descriptor stays. */
TEST_F(closing, told_and_not_dropped)
{
	int copy = dup(self->pair.client);

	arm(&self->pair, true);
	ASSERT_EQ(0, dev_close(self->dev, self->pair.client, WINSOCK_CLOSE_IF_LAST, 0,
			       &self->call));
	EXPECT_EQ(WINSOCK_OUTCOME_SHARED, self->call.record.outcome);
	EXPECT_TRUE(net_is_open(self->pair.client));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(copy));
	EXPECT_EQ(0, FINS() + RSTS());
	close(copy);
	ASSERT_EQ(0, dev_close(self->dev, self->pair.client, WINSOCK_CLOSE_IF_LAST, 0,
			       &self->call));
	EXPECT_EQ(WINSOCK_OUTCOME_REQUEST, self->call.record.outcome);
	EXPECT_TRUE(net_is_open(self->pair.client));
	EXPECT_EQ(1, RSTS());
}

/* claims: M1 */
TEST_F(closing, a_forked_copy_goes_without_effect)
{
	pid_t child;
	int status;

	arm(&self->pair, true);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child)
		_exit(CLOSE() || self->call.record.outcome != WINSOCK_OUTCOME_SHARED);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
	EXPECT_EQ(0, FINS() + RSTS());
}

/* Start a child that has the connection and does nothing until @ends[1] wakes it. */
static pid_t worker_start(struct __test_metadata *_metadata, int ends[2], bool own_session)
{
	pid_t worker;
	char byte;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	worker = fork();
	ASSERT_GE(worker, 0);
	if (worker)
		return worker;
	if (own_session)
		setsid();
	if (write(ends[0], "x", 1) != 1 || read(ends[0], &byte, 1) != 1)
		_exit(1);
	return 0;
}

/* claims: M1 M2 */
TEST_F(closing, a_worker_keeps_the_connection)
{
	for (int own_session = 0; own_session < 2; own_session++) {
		int ends[2], status;
		pid_t worker;
		char text[8];

		net_linger(self->pair.client, 1, own_session ? 0 : 5);
		worker = worker_start(_metadata, ends, own_session);
		if (!worker) {
			if (send(self->pair.client, "work", 4, 0) != 4)
				_exit(2);
			net_linger(self->pair.client, 0, 0);
			_exit(CLOSE() || self->call.record.outcome != WINSOCK_OUTCOME_GRACEFUL);
		}
		ASSERT_EQ(1, read(ends[1], text, 1));
		ASSERT_EQ(0, CLOSE());
		EXPECT_DONE(WINSOCK_OUTCOME_SHARED);
		EXPECT_EQ(0, FINS() + RSTS());
		ASSERT_EQ(1, write(ends[1], "x", 1));
		ASSERT_EQ(4, recv(self->pair.server, text, sizeof(text), 0));
		ASSERT_EQ(worker, waitpid(worker, &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_EQ(0, recv(self->pair.server, text, sizeof(text), 0));
		close(ends[0]);
		close(ends[1]);
		close(self->pair.server);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

/* A child in a session of its own closes its copies; its parent is the caller. */
/* claims: M1 */
TEST_F(closing, a_daemon_closes_what_it_inherited)
{
	pid_t child;
	int status;

	arm(&self->pair, true);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		setsid();
		_exit(CLOSE() || self->call.record.outcome != WINSOCK_OUTCOME_SHARED);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
	EXPECT_EQ(0, FINS() + RSTS());
}

/* The kernel finds a dup far away in the table, too. */
/* claims: M1 */
TEST_F(closing, a_dup_is_a_holder_wherever_it_is)
{
	static const int numbers[] = { 40, 300, 700, 900 };

	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int copy = fcntl(self->pair.client, F_DUPFD, numbers[i]);

		ASSERT_EQ(numbers[i], copy);
		arm(&self->pair, true);
		ASSERT_EQ(0, CLOSE());
		EXPECT_DONE(WINSOCK_OUTCOME_SHARED);
		EXPECT_EQ(0, FINS() + RSTS());
		/* Move it back. */
		self->pair.client = fcntl(copy, F_DUPFD, 3);
		ASSERT_GE(self->pair.client, 3);
		ASSERT_EQ(0, dev_closesocket(self->dev, copy, &self->call));
		EXPECT_EQ(WINSOCK_OUTCOME_SHARED, self->call.record.outcome);
		EXPECT_FALSE(net_is_open(copy));
	}
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_EQ(1, RSTS());
}

static int pass(int channel, int fd)
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

static int receive(int channel)
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
TEST_F(closing, a_copy_in_flight_is_a_holder)
{
	int channel[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	arm(&self->pair, true);
	ASSERT_EQ(1, pass(channel[0], self->pair.client));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_SHARED);
	EXPECT_EQ(0, FINS() + RSTS());
	self->pair.client = receive(channel[1]);
	ASSERT_GE(self->pair.client, 0);
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_EQ(1, RSTS());
	close(channel[0]);
	close(channel[1]);
}

/* A request of the program's own cannot be taken out of its ring. */
/* claims: M1 */
TEST_F(closing, a_pending_request_is_a_holder)
{
	struct io_uring ring;
	char byte;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	io_uring_prep_recv(io_uring_get_sqe(&ring), self->pair.client, &byte, 1, 0);
	ASSERT_EQ(1, io_uring_submit(&ring));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_SHARED);
	EXPECT_EQ(0, FINS() + RSTS());
	/* When the request ends the connection ends. */
	io_uring_queue_exit(&ring);
	EXPECT_EQ(0, recv(self->pair.server, &byte, 1, 0));
}

enum call { CALL_RECV, CALL_SEND, CALL_POLL, CALL_SELECT };

struct blocked {
	int fd;
	enum call call;
	ssize_t result;
	int error;
	double ended;
};

static void *blocked_run(void *argument)
{
	struct blocked *blocked = argument;
	struct pollfd polled = { blocked->fd, POLLIN };
	static char block[4 << 20];
	fd_set set;

	switch (blocked->call) {
	case CALL_RECV:
		blocked->result = recv(blocked->fd, block, 100, 0);
		break;
	case CALL_SEND:
		blocked->result = send(blocked->fd, block, sizeof(block), MSG_NOSIGNAL);
		break;
	case CALL_POLL:
		blocked->result = poll(&polled, 1, 20000);
		break;
	case CALL_SELECT:
		FD_ZERO(&set);
		FD_SET(blocked->fd, &set);
		blocked->result = select(blocked->fd + 1, &set, NULL, NULL, NULL);
		break;
	}
	blocked->error = errno;
	blocked->ended = net_now();
	return NULL;
}

/* claims: M2 */
TEST_F(closing, a_thread_in_a_call_is_no_holder)
{
	for (enum call call = CALL_RECV; call <= CALL_SELECT; call++) {
		struct blocked blocked = { self->pair.client, call };
		pthread_t thread;
		double closed;

		ASSERT_EQ(0, pthread_create(&thread, NULL, blocked_run, &blocked));
		net_sleep(200);
		if (call == CALL_SEND)
			net_linger(self->pair.client, 1, 0);
		ASSERT_EQ(0, CLOSE());
		closed = net_now();
		EXPECT_DONE(call == CALL_SEND ? WINSOCK_OUTCOME_REQUEST
					      : WINSOCK_OUTCOME_GRACEFUL);
		/* WINSOCK_CLOSE_CANCEL wakes the thread, and the connection ends. */
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_LT(blocked.ended - closed, AT_ONCE);
		if (call == CALL_RECV) {
			EXPECT_EQ(-1, blocked.result);
			EXPECT_EQ(ECONNABORTED, blocked.error);
		} else if (call == CALL_SEND) {
			EXPECT_LT(blocked.result, 4 << 20);
		} else {
			EXPECT_EQ(1, blocked.result);
		}
		net_sleep(50);
		EXPECT_EQ(call == CALL_SEND ? 0 : 1, FINS());
		EXPECT_EQ(call == CALL_SEND ? 1 : 0, RSTS());
		close(self->pair.server);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

/* Only the first thread gets the error, and the other one does not sleep on. */
/* claims: H4 M2 */
TEST_F(closing, both_directions_end)
{
	enum end { END_HARD, END_DEADLINE, END_ABORT, ENDS };

	for (int round = 0; round < 2 * ENDS; round++) {
		struct blocked calls[2] = {
			{ self->pair.client, round & 1 ? CALL_RECV : CALL_SEND },
			{ self->pair.client, round & 1 ? CALL_SEND : CALL_RECV },
		};
		enum end end = round / 2;
		pthread_t threads[2];
		double closed;

		for (int i = 0; i < 2; i++) {
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, blocked_run, &calls[i]));
			net_sleep(200);
		}
		if (end == END_ABORT) {
			ASSERT_EQ(0, dev_abort(self->dev, self->pair.client));
		} else {
			net_linger(self->pair.client, 1, end == END_DEADLINE);
			ASSERT_EQ(0, CLOSE());
		}
		closed = net_now();
		while (net_now() < closed + 3 && !(calls[0].ended && calls[1].ended))
			net_sleep(10);
		ASSERT_NE(0, calls[0].ended);
		ASSERT_NE(0, calls[1].ended);
		for (int i = 0; i < 2; i++) {
			pthread_join(threads[i], NULL);
			EXPECT_LT(calls[i].result, 4 << 20);
		}
		EXPECT_EQ(1, RSTS());
		EXPECT_EQ(0, FINS());
		if (end == END_ABORT)
			close(self->pair.client);
		close(self->pair.server);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

struct busy {
	int fd;
	volatile bool stop;
	volatile unsigned int rounds;
};

static void *busy_run(void *argument)
{
	struct busy *busy = argument;
	struct tcp_info info;
	socklen_t size;
	char byte;
	int count;

	for (; !busy->stop; busy->rounds++) {
		recv(busy->fd, &byte, 1, MSG_DONTWAIT);
		size = sizeof(info);
		getsockopt(busy->fd, SOL_TCP, TCP_INFO, &info, &size);
		ioctl(busy->fd, FIONREAD, &count);
	}
	return NULL;
}

/* The thread is nearly always inside a call, never asleep; stress_holders does it more often. */
/* claims: M2 N1 */
TEST_F(closing, a_busy_thread_is_no_holder)
{
	struct busy busy = { self->pair.client };
	pthread_t thread;

	arm(&self->pair, false);
	ASSERT_EQ(0, pthread_create(&thread, NULL, busy_run, &busy));
	while (!busy.rounds)
		net_sleep(1);
	for (int round = 0; round < 100; round++) {
		EXPECT_WOULDBLOCK(CLOSE());
	}
	busy.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, FINS() + RSTS());
}

/* claims: M1 */
TEST_F(closing, would_block_wakes_nobody)
{
	struct blocked blocked = { self->pair.client, CALL_RECV };
	pthread_t thread;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 5);
	ASSERT_EQ(0, pthread_create(&thread, NULL, blocked_run, &blocked));
	net_sleep(100);
	EXPECT_WOULDBLOCK(dev_close(self->dev, self->pair.client,
				    DEV_CLOSESOCKET | WINSOCK_CLOSE_NONBLOCKING, 0, &self->call));
	net_sleep(300);
	EXPECT_EQ(0, blocked.ended);
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, 0));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(5, blocked.result);
}

/* claims: M1 */
TEST_F(closing, a_dup_under_a_blocked_thread_is_a_holder)
{
	struct blocked blocked = { self->pair.client, CALL_RECV };
	int copy = dup(self->pair.client);
	pthread_t thread;

	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, blocked_run, &blocked));
	net_sleep(100);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_SHARED);
	net_sleep(100);
	EXPECT_EQ(0, blocked.ended);
	EXPECT_EQ(0, FINS() + RSTS());
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, 0));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	self->pair.client = copy;
}

/* claims: M2 */
TEST_F(closing, an_epoll_watch_is_no_holder)
{
	struct epoll_event event = { .events = EPOLLIN };
	int watch = epoll_create1(0);

	ASSERT_EQ(0, epoll_ctl(watch, EPOLL_CTL_ADD, self->pair.client, &event));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	net_sleep(50);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, epoll_wait(watch, &event, 1, 0));
	close(watch);
}

struct racer {
	int dev;
	int fd;
	pthread_barrier_t *start;
	int result;
	struct winsock_close call;
};

static void *racer_run(void *argument)
{
	struct racer *racer = argument;

	pthread_barrier_wait(racer->start);
	racer->result = dev_closesocket(racer->dev, racer->fd, &racer->call);
	return NULL;
}

/* claims: A9 */
TEST_F(closing, of_two_threads_one_closes)
{
	for (int round = 0; round < 50; round++) {
		pthread_barrier_t start;
		struct racer racers[2];
		pthread_t threads[2];
		int closed = 0;

		pthread_barrier_init(&start, NULL, 2);
		for (int i = 0; i < 2; i++) {
			racers[i] = (struct racer){ self->dev, self->pair.client, &start };
			pthread_create(&threads[i], NULL, racer_run, &racers[i]);
		}
		for (int i = 0; i < 2; i++) {
			pthread_join(threads[i], NULL);
			closed += !racers[i].result;
			if (racers[i].result)
				EXPECT_EQ(-EBADF, racers[i].result);
		}
		EXPECT_GE(closed, 1);
		EXPECT_FALSE(net_is_open(self->pair.client));
		close(self->pair.server);
		net_pair_open(&self->pair, variant->family, variant->accepted);
	}
}

struct reuser {
	volatile bool stop;
	volatile int opened;
};

static void *reuser_run(void *argument)
{
	struct reuser *reuser = argument;

	/* This thread takes each number that becomes free, and must keep it. */
	while (!reuser->stop) {
		int fd = open("/dev/null", O_RDONLY);

		/*
		 * sched_yield() would not do: the debug kernel's clock stands still while a thread
		 * runs.
		 */
		usleep(1);
		if (fcntl(fd, F_GETFD) < 0)
			return (void *)1;
		close(fd);
		reuser->opened++;
	}
	return NULL;
}

/* claims: A9 A10 */
TEST_F(closing, a_strangers_descriptor_is_never_closed)
{
	struct reuser reuser = { 0 };
	pthread_t thread;
	void *stolen;

	ASSERT_EQ(0, pthread_create(&thread, NULL, reuser_run, &reuser));
	while (!reuser.opened)
		net_sleep(1);
	for (int round = 0; round < 100; round++) {
		ASSERT_EQ(0, CLOSE());
		/* A second close of the value would hit the stranger's file: the kernel refuses. */
		EXPECT_NE(0, CLOSE());
		close(self->pair.server);
		net_pair_open(&self->pair, variant->family, variant->accepted);
	}
	reuser.stop = true;
	ASSERT_EQ(0, pthread_join(thread, &stolen));
	EXPECT_EQ(NULL, stolen);
	EXPECT_GT(reuser.opened, 0);
}

/* claims: A10 */
TEST_F(closing, a_number_reused_in_the_wait_is_left_alone)
{
	struct winsock_record record;
	int null, copy, error;
	pid_t reader;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 10);
	reader = net_drain_later(&self->pair, 1000);
	ASSERT_EQ(0, dev_close(self->dev, self->pair.client, DEV_CLOSESOCKET, 0, &self->call));
	ASSERT_EQ(self->pair.client, self->call.op_fd);
	copy = dup(self->call.op_fd);
	/* Against the rules the program puts another file there. */
	null = open("/dev/null", O_RDONLY);
	ASSERT_EQ(self->pair.client, dup2(null, self->pair.client));
	ASSERT_EQ(sizeof(record), read(copy, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, record.outcome);
	EXPECT_EQ(0, read(self->pair.client, &record, sizeof(record)));
	net_drain_result(reader, &error);
	EXPECT_EQ(0, error);
	close(copy);
	close(null);
}

/* claims: M7 M8 */
TEST_F(closing, a_listener_resets_what_was_not_accepted)
{
	uint16_t port;
	int listener = net_listen(variant->family, &port);
	int waiting, accepted, first, error;

	first = net_connect(variant->family, port, false);
	accepted = accept(listener, NULL, NULL);
	waiting = net_connect(variant->family, port, false);
	net_linger(listener, 1, 5);
	net_nonblock(listener, true);
	ASSERT_EQ(0, dev_closesocket(self->dev, listener, &self->call));
	EXPECT_EQ(0, net_drain(waiting, &error));
	EXPECT_EQ(ECONNRESET, error);
	EXPECT_EQ(1, send(first, "x", 1, 0));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(accepted));
	close(first);
	close(accepted);
	close(waiting);
}

TEST_HARNESS_MAIN
