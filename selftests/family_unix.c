// SPDX-License-Identifier: GPL-2.0-only
/* AF_UNIX: sent bytes are in the peer's queue, so a close never waits. */
#include <stdio.h>
#include <sys/un.h>

#include "connected.h"

static void unix_stream(struct ends *ends)
{
	ends_pair(ends, AF_UNIX, SOCK_STREAM);
}

static void unix_packets(struct ends *ends)
{
	ends_pair(ends, AF_UNIX, SOCK_SEQPACKET);
}

/* The kernel chooses an abstract name. */
static const struct sockaddr_un unnamed = { .sun_family = AF_UNIX };

static void unix_accepted(struct ends *ends)
{
	ends_accept(ends, AF_UNIX, SOCK_STREAM, 0, (struct sockaddr *)&unnamed,
		    sizeof(sa_family_t));
}

FIXTURE_VARIANT_ADD(connected, stream) {
	.open = unix_stream,
	.abort_error = ECONNRESET,
};

FIXTURE_VARIANT_ADD(connected, packets) {
	.open = unix_packets,
	.abort_error = ECONNRESET,
};

FIXTURE_VARIANT_ADD(connected, accepted) {
	.open = unix_accepted,
	.abort_error = ECONNRESET,
};

/* claims: G7 */
TEST_F(connected, unread_data_resets)
{
	char byte;

	ASSERT_EQ(1, send(self->ends.far, "x", 1, 0));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_UNREAD);
	EXPECT_EQ(-1, recv(self->ends.far, &byte, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
}

/* The kernel's part of P10 and P11. */
TEST_F(connected, a_blocked_send_wakes)
{
	struct ends_sleeper sleeper;

	ends_sleep(&sleeper, self->ends.near, 's');
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_EQ(ECONNABORTED, sleeper.error);
}

/* claims: G11 G12 B12 */
TEST_F(connected, a_dead_or_missing_peer_ends_at_once)
{
	struct winsock_query query;
	double start = net_now();

	net_linger(self->ends.near, 1, 5);
	close(self->ends.far);
	self->ends.far = -1;
	ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
	EXPECT_EQ(WINSOCK_QUERY_LINGER, query.flags);
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, self->ends.near));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);

	self->ends.near = socket(AF_UNIX, SOCK_STREAM, 0);
	net_linger(self->ends.near, 1, 5);
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, self->ends.near));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_LT(net_now() - start, AT_ONCE);
}

/* After a reset the connection is over, although the peer may still read. */
TEST_F(connected, there_is_nothing_to_abort_twice)
{
	size_t queued = net_stuff(self->ends.near);

	ASSERT_EQ(0, dev_abort(self->dev, self->ends.near));
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, self->ends.near));
	EXPECT_ABORTED(queued);
}

/* claims: B1 B13 N2 */
TEST_F(connected, what_was_sent_is_sent)
{
	struct winsock_query query;
	double start = net_now();

	for (int round = 0; round < 4; round++) {
		size_t queued = net_stuff(self->ends.near);
		int error;

		net_linger(self->ends.near, 1, 5);
		net_nonblock(self->ends.near, round & 1);
		if (round & 2) {
			ASSERT_EQ(0, shutdown(self->ends.near, SHUT_WR));
		}
		ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
		EXPECT_EQ(WINSOCK_QUERY_LINGER | (round & 1 ? WINSOCK_QUERY_NONBLOCK : 0),
			  query.flags);
		EXPECT_EQ(1 /* ESTABLISHED */, query.state);
		EXPECT_EQ(0, query.unacked + query.unsent + query.unread);
		ASSERT_EQ(0, dev_query(self->dev, self->ends.far, &query));
		EXPECT_EQ(queued, query.unread);
		ASSERT_EQ(0, CLOSE());
		EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
		EXPECT_EQ(0, self->call.record.unacked);
		EXPECT_EQ(queued, net_drain(self->ends.far, &error));
		EXPECT_EQ(0, error);
		close(self->ends.far);
		variant->open(&self->ends);
	}
	EXPECT_LT(net_now() - start, 5.0);
}

/* claims: M8 */
TEST_F(connected, a_blocked_accept_wakes)
{
	struct ends_sleeper sleeper;
	int listener = ends_listen(AF_UNIX, SOCK_STREAM, 0, (struct sockaddr *)&unnamed,
				   sizeof(sa_family_t));

	net_linger(listener, 1, 5);
	ends_sleep(&sleeper, listener, 'a');
	ASSERT_EQ(0, dev_closesocket(self->dev, listener, &self->call));
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, self->call.record.outcome);
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_EQ(-1, sleeper.result);
	EXPECT_FALSE(net_is_open(listener));
}

TEST_HARNESS_MAIN
