/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every family promises that lingers, as tests: included by a program for each
 * family, which adds the variants.
 */
#ifndef LINGERING_H
#define LINGERING_H

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "ends.h"
#include "net.h"

DEV_REQUIRED;

#define SECOND_NS	1000000000ULL

FIXTURE(lingering) {
	int dev;
	struct ends ends;
	struct winsock_close call;
};

/**
 * open:	make a connection
 * listen:	a listening socket, or NULL for a family without
 * abort_error:	what the far end is told of an abort, after what it can still read; 0
 *		for a family that has no word for it
 */
FIXTURE_VARIANT(lingering) {
	void (*open)(struct ends *ends);
	int (*listen)(void);
	int abort_error;
};

FIXTURE_SETUP(lingering)
{
	net_enter();
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	variant->open(&self->ends);
}

FIXTURE_TEARDOWN(lingering)
{
	ends_close(&self->ends);
	close(self->dev);
}

#define CLOSE() dev_closesocket(self->dev, self->ends.near, &self->call)

#define EXPECT_DONE(wanted) do { \
	EXPECT_EQ(WINSOCK_RESULT_DONE, self->call.result); \
	EXPECT_EQ(wanted, self->call.outcome); \
	EXPECT_FALSE(net_is_open(self->ends.near)); \
	self->ends.near = -1; \
} while (0)

/* The far end reads something, or nothing, and then hears of the abort. */
#define EXPECT_ABORTED(queued) do { \
	int error_; \
	EXPECT_LE(net_drain(self->ends.far, &error_), queued); \
	EXPECT_EQ(variant->abort_error, error_); \
} while (0)

/* claims: G1 G2 G6 */
TEST_F(lingering, off_delivers_in_the_background)
{
	size_t queued = net_stuff(self->ends.near);
	double start = net_now();
	int error;

	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued, net_drain(self->ends.far, &error));
	EXPECT_EQ(0, error);
}

/* claims: H1 H2 H3 */
TEST_F(lingering, zero_aborts_at_once)
{
	size_t queued = net_stuff(self->ends.near);
	double start = net_now();

	net_linger(self->ends.near, 1, 0);
	net_nonblock(self->ends.near, true);
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_ABORTED(queued);
}

/* claims: B1 N2 */
TEST_F(lingering, idle_returns_at_once)
{
	double start = net_now();
	int error;

	net_linger(self->ends.near, 1, 5);
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, net_drain(self->ends.far, &error));
	EXPECT_EQ(0, error);
}

/* claims: B2 B4 B7 */
TEST_F(lingering, drained_in_time_is_graceful)
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
	EXPECT_EQ(0, self->call.unacked);
	ends_read_done(&reader);
	EXPECT_EQ(queued, reader.got);
	EXPECT_EQ(0, reader.error);
}

/* claims: B3 B6 */
TEST_F(lingering, the_deadline_aborts)
{
	size_t queued = net_stuff(self->ends.near);
	double start = net_now();

	net_linger(self->ends.near, 1, 1);
	ASSERT_EQ(0, CLOSE());
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_LE(net_now() - start, 2.0);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_GT(self->call.unacked, 0);
	EXPECT_ABORTED(queued);
}

/* claims: B5 B7 */
TEST_F(lingering, the_peers_abort_ends_the_wait)
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
		/* With data unread. */
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
	EXPECT_EQ(ECONNRESET, self->call.error);
	EXPECT_GT(self->call.unacked, 0);
	waitpid(child, NULL, 0);
}

/* claims: N1 N3 N4 N6 N7 */
TEST_F(lingering, nonblocking_would_block)
{
	struct winsock_query query;
	size_t queued = net_stuff(self->ends.near), got = 0;
	char block[65536];
	ssize_t piece;

	net_linger(self->ends.near, 1, 1);
	net_nonblock(self->ends.near, true);
	for (int again = 0; again < 2; again++) {
		ASSERT_EQ(0, CLOSE());
		EXPECT_EQ(WINSOCK_RESULT_WOULDBLOCK, self->call.result);
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
	/* Still a connection, in both directions. */
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
TEST_F(lingering, shutdown_before_changes_nothing)
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

/* claims: M1 M2 */
TEST_F(lingering, one_of_two_handles_disturbs_nobody)
{
	int copy = dup(self->ends.near), error;
	size_t queued = net_stuff(self->ends.near);

	net_linger(self->ends.near, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_SHARED);
	self->ends.near = copy;
	net_linger(copy, 0, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued, net_drain(self->ends.far, &error));
	EXPECT_EQ(0, error);
}

/* A close decides for all holders unless it is told otherwise. */
TEST_F(lingering, a_close_for_all_handles_aborts_for_all)
{
	int copy = dup(self->ends.near);
	size_t queued = net_stuff(self->ends.near);

	ASSERT_EQ(0, dev_close(self->dev, self->ends.near, WINSOCK_MODE_BLOCKING,
			       WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_TIMEOUT, 0, &self->call));
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_GT(1, send(copy, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
	close(copy);
	EXPECT_ABORTED(queued);
}

/* The kernel's half of P10 and P11. */
TEST_F(lingering, a_blocked_receive_wakes)
{
	struct ends_sleeper sleeper;
	int error;

	ends_sleep(&sleeper, self->ends.near, 'r');
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_LE(sleeper.result, 0);
	EXPECT_EQ(0, net_drain(self->ends.far, &error));
	EXPECT_EQ(0, error);
}

/* claims: M8 */
TEST_F(lingering, a_blocked_accept_wakes)
{
	struct ends_sleeper sleeper;
	int listener;

	if (!variant->listen)
		return;
	listener = variant->listen();
	net_linger(listener, 1, 5);
	ends_sleep(&sleeper, listener, 'a');
	ASSERT_EQ(0, dev_closesocket(self->dev, listener, &self->call));
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, self->call.outcome);
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_EQ(-1, sleeper.result);
	EXPECT_FALSE(net_is_open(listener));
}

static bool lingering_is_final(int op, int timeout_ms)
{
	struct pollfd polled = { .fd = op, .events = POLLIN };

	return poll(&polled, 1, timeout_ms) == 1 && polled.revents == POLLIN;
}

#define BEGIN(seconds) do { \
	ASSERT_EQ(0, dev_close(self->dev, self->ends.near, WINSOCK_MODE_BLOCKING, \
			       DEV_CLOSESOCKET | WINSOCK_CLOSE_ASYNC | WINSOCK_CLOSE_TIMEOUT, \
			       (seconds) * SECOND_NS, &self->call)); \
	ASSERT_EQ(WINSOCK_RESULT_PENDING, self->call.result); \
	EXPECT_FALSE(net_is_open(self->ends.near)); \
	self->ends.near = -1; \
} while (0)

TEST_F(lingering, a_pending_close_is_taken_back)
{
	size_t queued = net_stuff(self->ends.near);
	struct winsock_record record;
	int error;

	BEGIN(20);
	ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL, &self->ends.near));
	ASSERT_EQ(sizeof(record), read(self->call.op_fd, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_CANCELLED, record.outcome);
	close(self->call.op_fd);
	ASSERT_GE(self->ends.near, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued, net_drain(self->ends.far, &error));
	EXPECT_EQ(0, error);
}

TEST_F(lingering, a_pending_close_tells_its_end)
{
	size_t queued = net_stuff(self->ends.near), got;
	struct winsock_record record;
	int error;

	BEGIN(20);
	EXPECT_FALSE(lingering_is_final(self->call.op_fd, 200));
	got = net_drain(self->ends.far, &error);
	EXPECT_EQ(queued, got);
	EXPECT_EQ(0, error);
	ASSERT_TRUE(lingering_is_final(self->call.op_fd, 5000));
	ASSERT_EQ(sizeof(record), read(self->call.op_fd, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, record.outcome);
	EXPECT_EQ(0, record.unacked);
	close(self->call.op_fd);
}

TEST_F(lingering, a_pending_close_is_aborted)
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

TEST_F(lingering, an_abort_leaves_the_descriptor)
{
	size_t queued = net_stuff(self->ends.near);

	ASSERT_EQ(0, dev_abort(self->dev, self->ends.near));
	EXPECT_TRUE(net_is_open(self->ends.near));
	EXPECT_GT(1, send(self->ends.near, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
	/* Nothing to wait for any more. */
	net_linger(self->ends.near, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_FALSE(net_is_open(self->ends.near));
	self->ends.near = -1;
	EXPECT_ABORTED(queued);
}

#endif /* LINGERING_H */
