// SPDX-License-Identifier: GPL-2.0-only
/* ATM, permanent circuits: a close releases the circuit, whatever linger says (X8). */
#include <errno.h>
#include <linux/atm.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "atm.h"
#include "dev.h"
#include "ends.h"
#include "net.h"

DEV_REQUIRED;

#define SECOND_NS	1000000000ULL
#define NEAR_VCI	100
#define FAR_VCI		101

FIXTURE(pvc) {
	int dev;
	struct ends ends;
	struct winsock_close call;
};

FIXTURE_SETUP(pvc)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	atm_hold(false);
	self->ends.near = atm_permanent(NEAR_VCI);
	self->ends.far = atm_permanent(FAR_VCI);
	ASSERT_GE(self->ends.near, 0);
	ASSERT_GE(self->ends.far, 0);
}

FIXTURE_TEARDOWN(pvc)
{
	atm_hold(false);
	ends_close(&self->ends);
	close(self->dev);
}

#define CLOSE() dev_closesocket(self->dev, self->ends.near, &self->call)

/* Only one socket can have a circuit, so a second one shows whether it was released. */
#define EXPECT_RELEASED(released) do { \
	int again_ = atm_permanent(NEAR_VCI); \
	EXPECT_EQ(released, again_ >= 0); \
	if (again_ >= 0) \
		close(again_); \
} while (0)

#define EXPECT_DONE(wanted) do { \
	EXPECT_EQ(wanted, self->call.record.outcome); \
	EXPECT_FALSE(net_is_open(self->ends.near)); \
	self->ends.near = -1; \
	EXPECT_RELEASED(true); \
} while (0)

#define EXPECT_READABLE() do { \
	char block_[100]; \
	EXPECT_EQ(5, recv(self->ends.far, block_, sizeof(block_), MSG_DONTWAIT)); \
} while (0)

/* claims: X8 */
TEST_F(pvc, graceful_or_not_the_circuit_goes_and_the_data_stays)
{
	for (int linger = 0; linger < 3; linger++) {
		net_linger(self->ends.near, linger > 0, linger == 2 ? 5 : 0);
		EXPECT_RELEASED(false);
		ASSERT_EQ(5, send(self->ends.near, "hello", 5, 0));
		ASSERT_EQ(0, CLOSE());
		EXPECT_DONE(linger == 1 ? WINSOCK_OUTCOME_REQUEST : WINSOCK_OUTCOME_GRACEFUL);
		EXPECT_READABLE();
		self->ends.near = atm_permanent(NEAR_VCI);
		ASSERT_GE(self->ends.near, 0);
	}
}

/* claims: X8 B2 B4 */
TEST_F(pvc, a_timed_close_waits_for_the_driver)
{
	double start = net_now();
	pid_t child;

	atm_hold(true);
	ASSERT_EQ(5, send(self->ends.near, "hello", 5, 0));
	net_linger(self->ends.near, 1, 20);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		close(self->ends.near);
		net_sleep(500);
		atm_hold(false);
		_exit(0);
	}
	net_sleep(50);
	ASSERT_EQ(0, CLOSE());
	EXPECT_GE(net_now() - start, 0.4);
	EXPECT_LT(net_now() - start, 10.0);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_READABLE();
	waitpid(child, NULL, 0);
}

/* claims: B3 N1 N6 */
TEST_F(pvc, the_deadline_releases)
{
	struct winsock_query query;
	double start;

	atm_hold(true);
	ASSERT_EQ(5, send(self->ends.near, "hello", 5, 0));
	net_linger(self->ends.near, 1, 1);
	net_nonblock(self->ends.near, true);
	ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
	EXPECT_EQ(WINSOCK_QUERY_LINGER | WINSOCK_QUERY_NONBLOCK | WINSOCK_QUERY_WOULD_BLOCK,
		  query.flags);
	EXPECT_EQ(1 /* ESTABLISHED */, query.state);
	EXPECT_EQ(-EWOULDBLOCK, CLOSE());
	EXPECT_RELEASED(false);
	net_nonblock(self->ends.near, false);
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_LE(net_now() - start, 2.0);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
}

/* The kernel's part of P10 and P11. */
TEST_F(pvc, a_blocked_receive_wakes)
{
	struct ends_sleeper sleeper;

	ends_sleep(&sleeper, self->ends.near, 'r');
	ASSERT_EQ(0, CLOSE());
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, self->call.record.outcome);
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_LE(sleeper.result, 0);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
}

/* claims: X8 */
TEST_F(pvc, an_abort_releases_and_leaves_the_descriptor)
{
	struct atm_qos qos = { .aal = ATM_AAL5 };
	struct winsock_query query;
	char block[100];

	ASSERT_EQ(5, send(self->ends.near, "hello", 5, 0));
	ASSERT_EQ(5, send(self->ends.far, "world", 5, 0));
	ASSERT_EQ(0, dev_abort(self->dev, self->ends.near));
	EXPECT_RELEASED(true);
	EXPECT_READABLE();
	EXPECT_TRUE(net_is_open(self->ends.near));
	EXPECT_EQ(-1, send(self->ends.near, "x", 1, MSG_NOSIGNAL));
	EXPECT_EQ(ENOTCONN, errno);
	EXPECT_EQ(-1, recv(self->ends.near, block, sizeof(block), MSG_DONTWAIT));
	EXPECT_EQ(ENOTCONN, errno);
	setsockopt(self->ends.near, SOL_ATM, SO_ATMQOS, &qos, sizeof(qos));
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, self->ends.near));
	ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
	EXPECT_EQ(7 /* CLOSE */, query.state);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
}

/* A close for all handles releases for all. */
TEST_F(pvc, a_close_for_all_handles_releases)
{
	int copy = dup(self->ends.near);

	ASSERT_EQ(0, dev_close_wait(self->dev, self->ends.near, WINSOCK_CLOSE_DROP_FD, 0,
				    &self->call));
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(-1, send(copy, "x", 1, MSG_NOSIGNAL));
	close(copy);
}

/* claims: M1 */
TEST_F(pvc, one_of_two_handles_disturbs_nobody)
{
	int copy = dup(self->ends.near);

	ASSERT_EQ(0, CLOSE());
	EXPECT_EQ(WINSOCK_OUTCOME_SHARED, self->call.record.outcome);
	EXPECT_RELEASED(false);
	self->ends.near = copy;
	EXPECT_EQ(5, send(copy, "hello", 5, 0));
	EXPECT_READABLE();
}

TEST_HARNESS_MAIN
