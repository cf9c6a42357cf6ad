/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of what every family with connections promises: included by a program for each family,
 * which adds the variants, and tests of its own.
 */
#ifndef CONNECTED_H
#define CONNECTED_H

#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "ends.h"
#include "net.h"

DEV_REQUIRED;

FIXTURE(connected) {
	int dev;
	struct ends ends;
	struct winsock_close call;
};

/**
 * open:	make a connection
 * abort_error:	error that the far end gets from an abort, after the data that it can
 *		still read; 0 for a family without one
 */
FIXTURE_VARIANT(connected) {
	void (*open)(struct ends *ends);
	int abort_error;
};

FIXTURE_SETUP(connected)
{
	net_enter();
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	variant->open(&self->ends);
}

FIXTURE_TEARDOWN(connected)
{
	ends_close(&self->ends);
	close(self->dev);
}

#define CLOSE() dev_closesocket(self->dev, self->ends.near, &self->call)

#define EXPECT_DONE(wanted) do { \
	EXPECT_EQ(wanted, self->call.record.outcome); \
	EXPECT_FALSE(net_is_open(self->ends.near)); \
	self->ends.near = -1; \
} while (0)

/* The far end reads at most @queued bytes and then gets the abort. */
#define EXPECT_ABORTED(queued) do { \
	int error_; \
	EXPECT_LE(net_drain(self->ends.far, &error_), queued); \
	EXPECT_EQ(variant->abort_error, error_); \
} while (0)

/* claims: G1 G2 G6 */
TEST_F(connected, off_delivers_in_the_background)
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
TEST_F(connected, zero_aborts_at_once)
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
TEST_F(connected, idle_returns_at_once)
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

/* claims: M1 M2 */
TEST_F(connected, one_of_two_handles_disturbs_nobody)
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

/* Without WINSOCK_CLOSE_IF_LAST a close decides for all holders. */
TEST_F(connected, a_close_for_all_handles_aborts_for_all)
{
	int copy = dup(self->ends.near);
	size_t queued = net_stuff(self->ends.near);

	ASSERT_EQ(0, dev_close(self->dev, self->ends.near,
			       WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_TIMEOUT, 0, &self->call));
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_GT(1, send(copy, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
	close(copy);
	EXPECT_ABORTED(queued);
}

/* The kernel's part of P10 and P11. */
TEST_F(connected, a_blocked_receive_wakes)
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

TEST_F(connected, an_abort_leaves_the_descriptor)
{
	size_t queued = net_stuff(self->ends.near);

	ASSERT_EQ(0, dev_abort(self->dev, self->ends.near));
	EXPECT_TRUE(net_is_open(self->ends.near));
	EXPECT_GT(1, send(self->ends.near, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
	/* Let the close at the end of the test not wait. */
	net_linger(self->ends.near, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_FALSE(net_is_open(self->ends.near));
	self->ends.near = -1;
	EXPECT_ABORTED(queued);
}

#endif /* CONNECTED_H */
