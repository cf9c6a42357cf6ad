// SPDX-License-Identifier: GPL-2.0-only
/* Linger with a timeout on a blocking socket: drain, then disconnect. */
#include <pthread.h>
#include <sys/resource.h>

#include "closing.h"

/* The close is never early; the slack is for a slow machine. */
#define EXPECT_ELAPSED(start, seconds) do { \
	double elapsed_ = net_now() - (start); \
	EXPECT_GE(elapsed_, (seconds)); \
	EXPECT_LE(elapsed_, (seconds) + 1.0); \
} while (0)

/* claims: B1 B4 */
TEST_F(closing, idle_returns_at_once)
{
	double start;
	int error;

	net_linger(self->pair.client, 1, 5);
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: B1 B4 */
TEST_F(closing, idle_does_not_wait_for_a_vanished_peer)
{
	double start;

	net_linger(self->pair.client, 1, 5);
	net_mute(self->pair.server);
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
	/* TCP goes on with the FIN. */
	EXPECT_EQ(TCP_FIN_WAIT1, LEFT());
}

/* Count how often the thread has slept. */
static long sleeps(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? -1 : usage.ru_nvcsw;
}

/* claims: B2 B7 */
TEST_F(closing, drained_in_time_is_graceful)
{
	size_t queued = net_stuff(self->pair.client);
	double start, elapsed;
	long slept;
	pid_t reader;
	int error;

	net_linger(self->pair.client, 1, 10);
	reader = net_drain_later(&self->pair, 1000);
	start = net_now();
	slept = sleeps();
	ASSERT_EQ(0, CLOSE());
	slept = sleeps() - slept;
	elapsed = net_now() - start;
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, self->call.record.unacked);
	/* The end wakes the thread, not each acknowledgement; one sleep is a lock's. */
	EXPECT_GE(slept, 1);
	EXPECT_LE(slept, 2);
	EXPECT_GT(elapsed, 0.8);
	EXPECT_LT(elapsed, 5.0);
	EXPECT_EQ(queued, net_drain_result(reader, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: B3 B6 B7 */
TEST_F(closing, the_deadline_resets_before_the_return)
{
	size_t queued = net_stuff(self->pair.client), got;
	int left, error;
	double start;

	net_linger(self->pair.client, 1, 2);
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	left = LEFT();
	EXPECT_ELAPSED(start, 2.0);
	EXPECT_EQ(0, left);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_GT(self->call.record.unacked, 0);
	EXPECT_GE(self->call.record.elapsed_ns, 2000000000ULL);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, net_bind_error(variant->family, self->pair.client_port));
	got = net_drain(self->pair.server, &error);
	EXPECT_LT(got, queued);
	EXPECT_EQ(ECONNRESET, error);
}

/* claims: B3 B6 */
TEST_F(closing, a_vanished_peer_is_reset_at_the_deadline)
{
	double start;

	net_pair_into(&self->pair, TCP_ESTABLISHED, true);
	net_linger(self->pair.client, 1, 1);
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_ELAPSED(start, 1.0);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(7, self->call.record.unacked);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, LEFT());
}

/* claims: B5 B7 */
TEST_F(closing, the_peers_reset_ends_the_wait)
{
	double start;
	pid_t child;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 10);
	net_linger(self->pair.server, 1, 0);
	child = net_fork_without(self->pair.client);
	if (!child) {
		net_sleep(500);
		_exit(0);
	}
	close(self->pair.server);
	self->pair.server = -1;
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, 3.0);
	EXPECT_GT(net_now() - start, 0.3);
	EXPECT_DONE(WINSOCK_OUTCOME_PEER);
	EXPECT_EQ(ECONNRESET, self->call.record.error);
	EXPECT_GT(self->call.record.unacked, 0);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(0, LEFT());
	waitpid(child, NULL, 0);
}

struct second {
	int dev;
	int fd;
	int result;
	struct winsock_close call;
};

static void *second_run(void *argument)
{
	struct second *second = argument;

	net_sleep(300);
	second->result = dev_closesocket(second->dev, second->fd, &second->call);
	return NULL;
}

/* claims: B8 */
TEST_F(closing, a_second_close_in_the_wait_finds_no_socket)
{
	struct second second = { self->dev, self->pair.client };
	struct winsock_query query;
	pthread_t thread;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query));
	EXPECT_EQ(0, query.flags & WINSOCK_QUERY_CLOSING);
	net_linger(self->pair.client, 1, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, second_run, &second));
	ASSERT_EQ(0, CLOSE());
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(-ENOTSOCK, second.result);
	EXPECT_EQ(1, RSTS());
}

/* claims: B11 O19 */
TEST_F(closing, the_longest_linger_is_not_cut)
{
	struct winsock_query query;
	pid_t reader;
	int error;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 65535);
	ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query));
	EXPECT_EQ(65535000000000ULL, query.linger_ns);
	EXPECT_TRUE(query.flags & WINSOCK_QUERY_WOULD_BLOCK);
	reader = net_drain_later(&self->pair, 2000);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_GE(self->call.record.elapsed_ns, 1000000000ULL);
	net_drain_result(reader, &error);
	EXPECT_EQ(0, error);
}

/* claims: B13 */
TEST_F(closing, after_shutdown_it_waits_and_resets)
{
	double start;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, shutdown(self->pair.client, SHUT_WR));
	net_linger(self->pair.client, 1, 1);
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_ELAPSED(start, 1.0);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, LEFT());
}

/* claims: B2 B4 */
TEST_F(closing, a_corked_tail_is_pushed)
{
	int on = 1, error;
	char text[8];

	ASSERT_EQ(0, setsockopt(self->pair.client, SOL_TCP, TCP_CORK, &on, sizeof(on)));
	ASSERT_EQ(4, send(self->pair.client, "tail", 4, 0));
	net_linger(self->pair.client, 1, 5);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	/* The tail does not wait for the cork's own 200 ms. */
	EXPECT_LT(self->call.record.elapsed_ns, 150000000ULL);
	EXPECT_EQ(4, recv(self->pair.server, text, sizeof(text), 0));
	EXPECT_EQ(0, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
}

/* claims: B6 */
TEST_F(closing, the_calls_own_timeout_leaves_the_option_alone)
{
	struct linger linger = { 9, 9 };
	socklen_t size = sizeof(linger);
	int copy;
	double start;

	net_stuff(self->pair.client);
	copy = dup(self->pair.client);
	start = net_now();
	ASSERT_EQ(0, dev_close_wait(self->dev, self->pair.client, WINSOCK_CLOSE_TIMEOUT,
				    250000000, &self->call));
	EXPECT_GE(net_now() - start, 0.25);
	EXPECT_LE(net_now() - start, 1.25);
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, self->call.record.outcome);
	/* Without DROP_FD the descriptor stays. */
	EXPECT_TRUE(net_is_open(self->pair.client));
	ASSERT_EQ(0, getsockopt(copy, SOL_SOCKET, SO_LINGER, &linger, &size));
	EXPECT_EQ(0, linger.l_onoff);
	close(copy);
}

/* claims: B4 */
TEST_F(closing, more_data_in_the_wait_is_waited_for)
{
	pid_t reader;
	size_t queued;
	pid_t writer;
	int error, status, room = 1 << 20;

	/* A buffer so large that the writer runs while the reader drains it. */
	ASSERT_EQ(0, setsockopt(self->pair.client, SOL_SOCKET, SO_SNDBUFFORCE, &room,
				sizeof(room)));
	queued = net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 20);
	reader = net_drain_later(&self->pair, 1000);
	writer = fork();
	ASSERT_GE(writer, 0);
	if (!writer) {
		/* This send blocks until the reader makes room, in the middle of the wait. */
		static char block[200000];

		_exit(send(self->pair.client, block, sizeof(block), 0) != sizeof(block));
	}
	net_sleep(10);
	/* No IF_LAST: the writer's descriptor is another holder. */
	ASSERT_EQ(0, dev_close_wait(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD, 0,
				    &self->call));
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	ASSERT_EQ(writer, waitpid(writer, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(queued + 200000, net_drain_result(reader, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, RSTS());
}

TEST_HARNESS_MAIN
