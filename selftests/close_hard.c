// SPDX-License-Identifier: GPL-2.0-only
/* Linger on with timeout zero: the connection is reset. */
#include "closing.h"

/* The connection is reset, nothing remains, and the port can be bound at once. */
#define EXPECT_RESET_AND_GONE() do { \
	EXPECT_EQ(0, FINS()); \
	EXPECT_EQ(1, RSTS()); \
	EXPECT_EQ(0, LEFT()); \
} while (0)

/* claims: H1 H4 B7 */
TEST_F(closing, blocking_resets_and_frees_the_port)
{
	double start = net_now();
	int error;

	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_EQ(0, net_drain(self->pair.server, &error));
	EXPECT_EQ(ECONNRESET, error);
	EXPECT_EQ(-1, send(self->pair.server, "x", 1, MSG_NOSIGNAL));
	EXPECT_RESET_AND_GONE();
	EXPECT_EQ(0, net_bind_error(variant->family, self->pair.client_port));
}

/* claims: H2 */
TEST_F(closing, nonblocking_resets_too)
{
	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 0);
	net_nonblock(self->pair.client, true);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_RESET_AND_GONE();
}

/* claims: H3 */
TEST_F(closing, queued_data_is_lost)
{
	size_t queued = net_stuff(self->pair.client), got;
	double start = net_now();
	int error;

	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_GT(self->call.record.unacked, 0);
	got = net_drain(self->pair.server, &error);
	EXPECT_LT(got, queued);
	EXPECT_EQ(ECONNRESET, error);
	EXPECT_RESET_AND_GONE();
}

/* claims: H3 */
TEST_F(closing, a_vanished_peer_is_reset_at_once)
{
	double start;

	net_pair_into(&self->pair, TCP_ESTABLISHED, true);
	start = net_now();
	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_EQ(7, self->call.record.unacked);
	EXPECT_RESET_AND_GONE();
}

/* claims: H8 */
TEST_F(closing, unread_data_makes_no_second_reset)
{
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, 0));
	net_sleep(50);
	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_RESET_AND_GONE();
}

/* claims: H9 */
TEST_F(closing, close_wait_is_reset)
{
	net_pair_into(&self->pair, TCP_CLOSE_WAIT, false);
	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_RESET_AND_GONE();
}

/* claims: H10 */
TEST_F(closing, after_shutdown_it_still_resets)
{
	net_pair_into(&self->pair, TCP_FIN_WAIT2, false);
	net_linger(self->pair.client, 1, 0);
	wire_reset(&self->wire);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_RESET_AND_GONE();
}

/* claims: H11 */
TEST_F(closing, accepted_sockets_inherit_it)
{
	uint16_t port;
	int listener = net_listen(variant->family, &port);
	int fd, error;

	net_linger(listener, 1, 0);
	fd = net_connect(variant->family, port, false);
	close(self->pair.client);
	self->pair.client = accept(listener, NULL, NULL);
	ASSERT_GE(self->pair.client, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_EQ(0, net_drain(fd, &error));
	EXPECT_EQ(ECONNRESET, error);
	close(fd);
	close(listener);
}

/* claims: H12 */
TEST_F(closing, any_onoff_but_zero_is_on)
{
	net_linger(self->pair.client, 0xffff, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_RESET_AND_GONE();
}

TEST_HARNESS_MAIN
