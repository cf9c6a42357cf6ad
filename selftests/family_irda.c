// SPDX-License-Identifier: GPL-2.0-only
/*
 * IrDA's row of the table, with the stand-in family of modules/test_irda.c: the close lingers until
 * the peer's receive queue is empty (X7).
 */
#include <poll.h>
#include <sys/ioctl.h>

#include "connected.h"

#define SECOND_NS	1000000000ULL

static void irda_open(struct ends *ends)
{
	ends_pair(ends, AF_IRDA, SOCK_STREAM);
}

/* The family cannot report an abort to the peer. */
FIXTURE_VARIANT_ADD(connected, irda) {
	.open = irda_open,
};

/* claims: X7 */
TEST_F(connected, the_peer_reads_all_before_the_end)
{
	struct winsock_query query;
	struct ends_reader reader;
	static char block[100];

	net_linger(self->ends.near, 1, 20);
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(100, send(self->ends.near, block, sizeof(block), 0));
	ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
	EXPECT_GT(query.unacked, 0);
	ends_read_later(&reader, self->ends.far, 300);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_GT(self->call.record.elapsed_ns, 200000000ULL);
	ends_read_done(&reader);
	EXPECT_EQ(500, reader.got);
	EXPECT_EQ(0, reader.error);
}

/* claims: B2 B4 B7 */
TEST_F(connected, drained_in_time_is_graceful)
{
	size_t queued = net_stuff(self->ends.near);
	struct ends_reader reader;
	double start = net_now();

	net_linger(self->ends.near, 1, 20);
	ends_read_later(&reader, self->ends.far, 500);
	ASSERT_EQ(0, CLOSE());
	EXPECT_GT(net_now() - start, 0.4);
	EXPECT_LT(net_now() - start, 10.0);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, self->call.record.unacked);
	ends_read_done(&reader);
	EXPECT_EQ(queued, reader.got);
	EXPECT_EQ(0, reader.error);
}

/* claims: B3 B6 */
TEST_F(connected, the_deadline_aborts)
{
	size_t queued = net_stuff(self->ends.near);
	double start = net_now();

	net_linger(self->ends.near, 1, 1);
	ASSERT_EQ(0, CLOSE());
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_LE(net_now() - start, 2.0);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_GT(self->call.record.unacked, 0);
	EXPECT_ABORTED(queued);
}

/* claims: B5 B7 */
TEST_F(connected, the_peers_abort_ends_the_wait)
{
	double start;
	pid_t child;

	net_stuff(self->ends.near);
	net_linger(self->ends.near, 1, 20);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		close(self->ends.near);
		net_sleep(500);
		/* The peer exits with data unread. */
		_exit(0);
	}
	close(self->ends.far);
	self->ends.far = -1;
	net_sleep(50);
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_GT(net_now() - start, 0.3);
	EXPECT_LT(net_now() - start, 10.0);
	EXPECT_DONE(WINSOCK_OUTCOME_PEER);
	EXPECT_EQ(ECONNRESET, self->call.record.error);
	EXPECT_GT(self->call.record.unacked, 0);
	waitpid(child, NULL, 0);
}

/* claims: N1 N3 N4 N6 N7 */
TEST_F(connected, nonblocking_would_block)
{
	struct winsock_query query;
	size_t queued = net_stuff(self->ends.near), got = 0;
	char block[65536];
	ssize_t piece;

	net_linger(self->ends.near, 1, 1);
	net_nonblock(self->ends.near, true);
	for (int again = 0; again < 2; again++) {
		EXPECT_EQ(-EWOULDBLOCK, CLOSE());
		ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
		EXPECT_EQ(WINSOCK_QUERY_LINGER | WINSOCK_QUERY_NONBLOCK |
			  WINSOCK_QUERY_WOULD_BLOCK, query.flags);
		EXPECT_EQ(SECOND_NS, query.linger_ns);
		EXPECT_GT(query.unacked, 0);
	}
	while (got < queued) {
		piece = recv(self->ends.far, block, sizeof(block), 0);
		ASSERT_GT(piece, 0);
		got += piece;
	}
	/* The connection still works in both directions. */
	ASSERT_EQ(3, send(self->ends.far, "abc", 3, 0));
	net_nonblock(self->ends.near, false);
	EXPECT_EQ(3, recv(self->ends.near, block, sizeof(block), 0));
	net_nonblock(self->ends.near, true);
	net_sleep(1000);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, recv(self->ends.far, block, sizeof(block), 0));
}

/* claims: B13 H10 */
TEST_F(connected, shutdown_before_changes_nothing)
{
	size_t queued = net_stuff(self->ends.near);
	double start;

	ASSERT_EQ(0, shutdown(self->ends.near, SHUT_WR));
	net_linger(self->ends.near, 1, 1);
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_ABORTED(queued);
}

static bool irda_is_final(int op, int timeout_ms)
{
	struct pollfd polled = { .fd = op, .events = POLLIN };

	return poll(&polled, 1, timeout_ms) == 1 && polled.revents == POLLIN;
}

#define BEGIN(seconds) do { \
	ASSERT_EQ(0, dev_close(self->dev, self->ends.near, \
			       DEV_CLOSESOCKET | WINSOCK_CLOSE_TIMEOUT, (seconds) * SECOND_NS, \
			       &self->call)); \
	ASSERT_EQ(self->ends.near, self->call.op_fd); \
} while (0)

TEST_F(connected, a_pending_close_is_taken_back)
{
	size_t queued = net_stuff(self->ends.near);
	struct winsock_record record;
	int copy, error;

	BEGIN(20);
	copy = dup(self->call.op_fd);
	ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL));
	ASSERT_EQ(sizeof(record), read(copy, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_CANCELLED, record.outcome);
	close(copy);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued, net_drain(self->ends.far, &error));
	EXPECT_EQ(0, error);
}

TEST_F(connected, a_pending_close_tells_its_end)
{
	size_t queued = net_stuff(self->ends.near), got;
	struct winsock_record record;
	int error;

	BEGIN(20);
	EXPECT_FALSE(irda_is_final(self->call.op_fd, 200));
	got = net_drain(self->ends.far, &error);
	EXPECT_EQ(queued, got);
	EXPECT_EQ(0, error);
	ASSERT_TRUE(irda_is_final(self->call.op_fd, 5000));
	ASSERT_EQ(sizeof(record), read(self->call.op_fd, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, record.outcome);
	EXPECT_EQ(0, record.unacked);
	close(self->call.op_fd);
}

TEST_F(connected, a_pending_close_is_aborted)
{
	size_t queued = net_stuff(self->ends.near);
	struct winsock_record record;

	BEGIN(20);
	ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_ABORT));
	ASSERT_EQ(sizeof(record), read(self->call.op_fd, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_REQUEST, record.outcome);
	close(self->call.op_fd);
	EXPECT_ABORTED(queued);
}

TEST_HARNESS_MAIN
