// SPDX-License-Identifier: GPL-2.0-only
/* Linger off: the close is immediate, the connection ends in the background. */
#include <pthread.h>

#include "closing.h"

/* claims: G1 G5 A1 */
TEST_F(closing, idle_sends_fin_and_returns)
{
	double start = net_now();
	int error;

	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
	close(self->pair.server);
	self->pair.server = -1;
	EXPECT_EQ(TCP_TIME_WAIT, net_left_wait(self->pair.client_port,
					       self->pair.server_port,
					       TCP_TIME_WAIT, 1000));
}

/* claims: G1 G2 */
TEST_F(closing, queued_data_arrives_before_the_fin)
{
	size_t queued = net_stuff(self->pair.client);
	double start = net_now();
	int error;

	ASSERT_GT(queued, 100000);
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_GT(self->call.record.unacked, 0);
	EXPECT_EQ(queued, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, RSTS());
}

/* claims: G2 */
TEST_F(closing, queued_data_of_a_nonblocking_socket_arrives)
{
	size_t queued = net_stuff(self->pair.client);
	int error;

	net_nonblock(self->pair.client, true);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, RSTS());
}

struct closer {
	int dev;
	int fd;
	int result;
};

static void *closer_run(void *argument)
{
	struct closer *closer = argument;
	struct winsock_close call;

	closer->result = dev_closesocket(closer->dev, closer->fd, &call);
	return NULL;
}

/* claims: G3 */
TEST_F(closing, queued_data_outlives_the_thread)
{
	size_t queued = net_stuff(self->pair.client);
	struct closer closer = { self->dev, self->pair.client, -1 };
	pthread_t thread;
	int error;

	ASSERT_EQ(0, pthread_create(&thread, NULL, closer_run, &closer));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, closer.result);
	EXPECT_EQ(queued, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
}

/* claims: G4 */
TEST_F(closing, queued_data_outlives_the_process)
{
	size_t queued = net_stuff(self->pair.client);
	pid_t child = fork();
	int status, error;

	ASSERT_GE(child, 0);
	if (!child) {
		/* The parent closes its copy first. */
		net_sleep(50);
		_exit(CLOSE() || self->call.record.outcome != WINSOCK_OUTCOME_GRACEFUL);
	}
	close(self->pair.client);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(queued, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, RSTS());
}

/* claims: G6 */
TEST_F(closing, timeout_without_linger_is_ignored)
{
	size_t queued = net_stuff(self->pair.client);
	double start = net_now();
	int error;

	net_linger(self->pair.client, 1, 30);
	net_linger(self->pair.client, 0, 30);
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
}

/* claims: G7 */
TEST_F(closing, unread_data_turns_the_fin_into_a_reset)
{
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, 0));
	net_sleep(50);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_UNREAD);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, LEFT());
}

/* claims: G7 */
/* TCP's close checks for data behind the last byte read, wherever the urgent mark is. */
TEST_F(closing, unread_data_at_an_urgent_mark_resets)
{
	for (int seen = 0; seen < 2; seen++) {
		struct winsock_query query;
		char byte;

		ASSERT_EQ(1, send(self->pair.server, "a", 1, MSG_OOB));
		net_sleep(50);
		if (seen) {
			ASSERT_EQ(1, recv(self->pair.client, &byte, 1, MSG_OOB));
		} else {
			ASSERT_EQ(3, send(self->pair.server, "bcd", 3, 0));
		}
		net_sleep(50);
		ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query));
		EXPECT_EQ(seen ? 1 : 4, query.unread);
		ASSERT_EQ(0, CLOSE());
		EXPECT_DONE(WINSOCK_OUTCOME_UNREAD);
		EXPECT_EQ(0, FINS());
		EXPECT_EQ(1, RSTS());
		EXPECT_EQ(0, LEFT());
		self->pair.client = -1;
		net_pair_close(&self->pair);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

/* claims: G8 */
TEST_F(closing, data_after_the_close_is_reset)
{
	ASSERT_EQ(0, CLOSE());
	net_sleep(20);
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, MSG_NOSIGNAL));
	net_sleep(50);
	EXPECT_EQ(1, FINS());
	EXPECT_GE(RSTS(), 1);
}

/* claims: G10 X4 */
TEST_F(closing, after_shutdown_no_second_fin)
{
	int error;

	ASSERT_EQ(0, shutdown(self->pair.client, SHUT_WR));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: G11 */
TEST_F(closing, after_the_peer_there_is_no_time_wait)
{
	close(self->pair.server);
	self->pair.server = -1;
	net_sleep(50);
	EXPECT_EQ(TCP_CLOSE_WAIT, net_state(self->pair.client));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 500));
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: G12 */
TEST_F(closing, after_the_peers_reset_nothing_goes_out)
{
	net_linger(self->pair.server, 1, 0);
	close(self->pair.server);
	self->pair.server = -1;
	net_sleep(50);
	wire_reset(&self->wire);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_PEER);
	EXPECT_EQ(ECONNRESET, self->call.record.error);
	net_sleep(50);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(0, RSTS());
}

TEST_HARNESS_MAIN
