// SPDX-License-Identifier: GPL-2.0-only
/* Every outcome has its counter, however the socket is closed. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "mib.h"
#include "pending.h"
#include "ulp.h"

FIXTURE(counters) {
	int dev;
	struct net_pair pair;
	struct winsock_close call;
	struct mib mib;
};

FIXTURE_SETUP(counters)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	net_enter();
	net_pair_open(&self->pair, NET_V4, false);
	mib_read(&self->mib);
}

FIXTURE_TEARDOWN(counters)
{
	net_pair_close(&self->pair);
	close(self->dev);
}

#define COUNTED(text) EXPECT_STREQ(text, mib_changes(&self->mib))

#define ATTACHED(seconds) do { \
	ASSERT_EQ(0, ulp_attach(self->pair.client)); \
	net_linger(self->pair.client, (seconds) >= 0, (seconds) >= 0 ? seconds : 0); \
} while (0)

#define CLOSE_PLAINLY() do { \
	close(self->pair.client); \
	self->pair.client = -1; \
} while (0)

/* Orphans is the seventeenth line, and no counter. */
TEST_F(counters, there_are_sixteen_and_none_counts_by_itself)
{
	EXPECT_EQ(17, self->mib.count);
	EXPECT_STREQ("Orphans", self->mib.names[16]);
	COUNTED("");
	for (unsigned int i = 0; i < self->mib.count; i++)
		EXPECT_EQ(0, self->mib.values[i]);
}

/* claims: G1 B1 */
TEST_F(counters, graceful)
{
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	COUNTED("Graceful 1");
}

/* claims: H1 */
TEST_F(counters, the_hard_close)
{
	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	COUNTED("Request 1");
}

/* claims: G7 */
TEST_F(counters, unread_data)
{
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, 0));
	net_sleep(50);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_UNREAD);
	COUNTED("Unread 1");
}

/* claims: B5 */
TEST_F(counters, the_peers_reset_before_and_during_the_wait)
{
	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	net_linger(self->pair.server, 1, 0);
	close(self->pair.server);
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 5000));
	COUNTED("Peer 1 Begun 1");
	close(self->call.op_fd);

	net_pair_open(&self->pair, NET_V4, false);
	net_linger(self->pair.server, 1, 0);
	close(self->pair.server);
	self->pair.server = -1;
	net_sleep(50);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_PEER);
	COUNTED("Peer 1");
}

/* claims: M1 */
TEST_F(counters, not_the_last_handle)
{
	int copy = dup(self->pair.client);

	ASSERT_EQ(0, CLOSE());
	EXPECT_EQ(WINSOCK_OUTCOME_SHARED, self->call.record.outcome);
	COUNTED("Shared 1");
	self->pair.client = copy;
	ASSERT_EQ(0, CLOSE());
	COUNTED("Graceful 1");
}

/* claims: N1 */
TEST_F(counters, would_block)
{
	net_stuff(self->pair.client);
	net_nonblock(self->pair.client, true);
	net_linger(self->pair.client, 1, 3);
	for (int i = 0; i < 3; i++) {
		EXPECT_WOULDBLOCK(CLOSE());
	}
	COUNTED("WouldBlock 3");
}

/* claims: B3 */
TEST_F(counters, the_deadline)
{
	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	COUNTED("Deadline 1 Begun 1");
}

/* claims: B2 */
TEST_F(counters, a_wait_that_drains)
{
	pid_t reader;
	int error;

	net_stuff(self->pair.client);
	reader = net_drain_later(&self->pair, 200);
	net_linger(self->pair.client, 1, 30);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	net_drain_result(reader, &error);
	COUNTED("Graceful 1 Begun 1");
}

TEST_F(counters, cancelled_and_aborted)
{
	net_stuff(self->pair.client);
	BEGIN(0, 60 * SECOND_NS);
	COUNTED("Begun 1");
	ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL));
	close(self->call.op_fd);
	COUNTED("Cancelled 1");
	BEGIN(0, 60 * SECOND_NS);
	ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_ABORT));
	close(self->call.op_fd);
	COUNTED("Request 1 Begun 1");
	ASSERT_EQ(-ENOTCONN, dev_abort(self->dev, self->pair.client));
	COUNTED("");
	net_pair_close(&self->pair);
	net_pair_open(&self->pair, NET_V4, false);
	ASSERT_EQ(0, dev_abort(self->dev, self->pair.client));
	COUNTED("Aborted 1");
}

TEST_F(counters, refused_while_another_waits)
{
	struct winsock_close other;

	net_stuff(self->pair.client);
	BEGIN(0, 60 * SECOND_NS);
	EXPECT_EQ(-EBUSY, dev_closesocket(self->dev, self->pair.client, &other));
	close(self->call.op_fd);
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 1000));
	COUNTED("Request 1 Begun 1 Busy 1");
}

static int limit_to(const char *value)
{
	FILE *knob = fopen("/proc/sys/net/winsock/ops_max", "w");

	return knob && fputs(value, knob) >= 0 ? fclose(knob) : -1;
}

TEST_F(counters, over_the_limit)
{
	ASSERT_EQ(0, limit_to("0"));
	net_stuff(self->pair.client);
	EXPECT_EQ(-ENOSPC, pending_begin(self->dev, self->pair.client, 0, SECOND_NS,
					 &self->call));
	COUNTED("Limit 1");
	/* close(2) cannot refuse: it resets. */
	ATTACHED(5);
	CLOSE_PLAINLY();
	EXPECT_EQ(0, LEFT());
	COUNTED("Forced 1 Limit 1");
}

static void no_action(int signal)
{
}

TEST_F(counters, a_waiter_that_leaves)
{
	struct sigaction action = { .sa_handler = no_action };
	struct itimerval timer = { .it_value = { 0, 200000 } };

	sigaction(SIGALRM, &action, NULL);
	net_stuff(self->pair.client);
	ATTACHED(1);
	setitimer(ITIMER_REAL, &timer, NULL);
	CLOSE_PLAINLY();
	COUNTED("Begun 1 Left 1 Orphans 1");
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 3000));
	COUNTED("Deadline 1 Orphans -1");
	net_pair_close(&self->pair);

	/* A signal ends the read of an op descriptor, and nothing is counted. */
	net_pair_open(&self->pair, NET_V4, false);
	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	setitimer(ITIMER_REAL, &timer, NULL);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	COUNTED("Deadline 1 Begun 1");
}

/* claims: G1 */
TEST_F(counters, close_of_an_attached_socket_that_does_not_linger)
{
	ATTACHED(-1);
	CLOSE_PLAINLY();
	COUNTED("Plain 1");
}

/* claims: B1 B4 H1 G7 */
TEST_F(counters, close_of_an_attached_socket_that_need_not_wait)
{
	ATTACHED(5);
	CLOSE_PLAINLY();
	COUNTED("Graceful 1");
	net_pair_close(&self->pair);

	net_pair_open(&self->pair, NET_V4, false);
	ATTACHED(0);
	CLOSE_PLAINLY();
	COUNTED("Request 1");
	net_pair_close(&self->pair);

	net_pair_open(&self->pair, NET_V4, false);
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, 0));
	net_sleep(50);
	ATTACHED(5);
	CLOSE_PLAINLY();
	COUNTED("Unread 1");
}

/* claims: B3 B7 */
TEST_F(counters, close_of_an_attached_socket_that_waits)
{
	pid_t child;

	net_stuff(self->pair.client);
	ATTACHED(1);
	CLOSE_PLAINLY();
	COUNTED("Deadline 1 Begun 1");
	net_pair_close(&self->pair);

	/* After the kill no thread waits, and the close ends all the same. */
	net_pair_open(&self->pair, NET_V4, false);
	net_stuff(self->pair.client);
	ATTACHED(1);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		pause();
		_exit(0);
	}
	CLOSE_PLAINLY();
	COUNTED("");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 3000));
	COUNTED("Deadline 1 Begun 1");
}

/* The device decides, then TCP's close follows with the descriptor: one close is counted. */
TEST_F(counters, an_attached_socket_counts_once)
{
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	COUNTED("Graceful 1");
	net_pair_close(&self->pair);

	net_pair_open(&self->pair, NET_V4, false);
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS / 4);
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 5000));
	close(self->call.op_fd);
	COUNTED("Deadline 1 Begun 1");
}

/* claims: H1 */
/* TCP's release resets, the module resets, or the reset comes before the last release. */
TEST_F(counters, a_hard_close_of_an_attached_socket_counts_once)
{
	int states[] = { TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_FIN_WAIT2 }, copy;

	for (int plainly = 0; plainly < 2; plainly++)
		for (int i = 0; i < 3; i++) {
			net_pair_into(&self->pair, states[i], false);
			ATTACHED(0);
			if (plainly) {
				CLOSE_PLAINLY();
			} else {
				ASSERT_EQ(0, CLOSE());
				EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
				self->pair.client = -1;
			}
			COUNTED("Request 1");
			net_pair_close(&self->pair);
			net_pair_open(&self->pair, NET_V4, false);
		}

	copy = dup(self->pair.client);
	ATTACHED(0);
	ASSERT_EQ(0, dev_close(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD, 0,
			       &self->call));
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	COUNTED("Request 1");
	close(copy);
	COUNTED("");
	self->pair.client = -1;
}

/* A listener was closed and listens again: its children were not closed. */
TEST_F(counters, a_child_of_a_closed_listener_counts)
{
	uint16_t port;
	int listener = net_listen(NET_V4, &port), far, near;
	struct sockaddr_in name;
	socklen_t size = sizeof(name);

	ASSERT_EQ(0, ulp_attach(listener));
	ASSERT_EQ(0, dev_close(self->dev, listener, 0, 0, &self->call));
	COUNTED("Graceful 1");
	/* The close has released the port. */
	ASSERT_EQ(0, listen(listener, 4));
	ASSERT_EQ(0, getsockname(listener, (struct sockaddr *)&name, &size));
	far = net_connect(NET_V4, ntohs(name.sin_port), false);
	near = accept(listener, NULL, NULL);
	ASSERT_GE(near, 0);
	close(near);
	COUNTED("Plain 1");
	close(far);
	close(listener);
}

TEST_F(counters, a_namespace_has_its_own)
{
	ASSERT_EQ(0, CLOSE());
	net_pair_close(&self->pair);
	net_enter();
	mib_read(&self->mib);
	for (unsigned int i = 0; i < self->mib.count; i++)
		EXPECT_EQ(0, self->mib.values[i]);
	net_pair_open(&self->pair, NET_V6, false);
	ASSERT_EQ(0, CLOSE());
	COUNTED("Graceful 1");
}

TEST_HARNESS_MAIN
