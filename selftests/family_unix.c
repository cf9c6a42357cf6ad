// SPDX-License-Identifier: GPL-2.0-only
/* AF_UNIX: what was sent is ours until the peer has read it. */
#include <stdio.h>
#include <sys/un.h>

#include "lingering.h"

static void unix_stream(struct ends *ends)
{
	ends_pair(ends, AF_UNIX, SOCK_STREAM);
}

static void unix_packets(struct ends *ends)
{
	ends_pair(ends, AF_UNIX, SOCK_SEQPACKET);
}

/* The kernel finds an abstract name. */
static const struct sockaddr_un unnamed = { .sun_family = AF_UNIX };

static void unix_accepted(struct ends *ends)
{
	ends_accept(ends, AF_UNIX, SOCK_STREAM, 0, (struct sockaddr *)&unnamed,
		    sizeof(sa_family_t));
}

static int unix_listen(void)
{
	return ends_listen(AF_UNIX, SOCK_STREAM, 0, (struct sockaddr *)&unnamed,
			   sizeof(sa_family_t));
}

FIXTURE_VARIANT_ADD(lingering, stream) {
	.open = unix_stream,
	.abort_error = ECONNRESET,
};

FIXTURE_VARIANT_ADD(lingering, packets) {
	.open = unix_packets,
	.abort_error = ECONNRESET,
};

FIXTURE_VARIANT_ADD(lingering, accepted) {
	.open = unix_accepted,
	.listen = unix_listen,
	.abort_error = ECONNRESET,
};

/* claims: G7 */
TEST_F(lingering, unread_data_resets)
{
	char byte;

	ASSERT_EQ(1, send(self->ends.far, "x", 1, 0));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_UNREAD);
	EXPECT_EQ(-1, recv(self->ends.far, &byte, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
}

/* The kernel's half of P10 and P11. */
TEST_F(lingering, a_blocked_send_wakes)
{
	struct ends_sleeper sleeper;

	ends_sleep(&sleeper, self->ends.near, 's');
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_EQ(ECONNABORTED, sleeper.error);
}

/* claims: G11 G12 B12 */
TEST_F(lingering, a_dead_or_missing_peer_ends_at_once)
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

/* What is reset is not waited for, although the peer may still read. */
TEST_F(lingering, nothing_is_waited_for_after_a_reset)
{
	double start = net_now();

	net_stuff(self->ends.near);
	ASSERT_EQ(0, dev_abort(self->dev, self->ends.near));
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, self->ends.near));
	net_linger(self->ends.near, 1, 5);
	ASSERT_EQ(0, CLOSE());
	EXPECT_FALSE(net_is_open(self->ends.near));
	self->ends.near = -1;
	EXPECT_LT(net_now() - start, AT_ONCE);
}

/* A packet that is read in part is not drained. */
TEST_F(lingering, the_last_byte_counts)
{
	struct winsock_query query;
	char byte;

	ASSERT_EQ(2, send(self->ends.near, "xy", 2, 0));
	ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
	EXPECT_EQ(WINSOCK_QUERY_WOULD_BLOCK, query.flags);
	EXPECT_EQ(1 /* ESTABLISHED */, query.state);
	ASSERT_EQ(0, dev_query(self->dev, self->ends.far, &query));
	EXPECT_EQ(2, query.unread);
	ASSERT_EQ(1, recv(self->ends.far, &byte, 1, 0));
	if (variant->open != unix_packets) {
		ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
		EXPECT_EQ(WINSOCK_QUERY_WOULD_BLOCK, query.flags);
		ASSERT_EQ(1, recv(self->ends.far, &byte, 1, 0));
	}
	ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
	EXPECT_EQ(0, query.flags);
	EXPECT_EQ(0, query.unacked);
}

TEST_HARNESS_MAIN
