// SPDX-License-Identifier: GPL-2.0-only
/* Linger with a timeout on a non-blocking socket: would-block leaves no trace. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "closing.h"

/* claims: N1 N4 N6 */
TEST_F(closing, unsent_data_would_block_without_a_trace)
{
	double start;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	net_nonblock(self->pair.client, true);
	start = net_now();
	for (int i = 0; i < 20; i++) {
		EXPECT_WOULDBLOCK(CLOSE());
	}
	EXPECT_LT(net_now() - start, AT_ONCE);
	/* The linger time passes, and nothing has begun. */
	net_sleep(1500);
	EXPECT_WOULDBLOCK(CLOSE());
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: N2 */
TEST_F(closing, idle_closes_at_once)
{
	int error;

	net_linger(self->pair.client, 1, 5);
	net_nonblock(self->pair.client, true);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: N3 N5 */
TEST_F(closing, the_descriptor_works_afterwards)
{
	struct linger linger;
	socklen_t size = sizeof(linger);
	struct sockaddr_storage name;
	socklen_t name_size = sizeof(name);
	struct pollfd polled;
	char text[8];

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 7);
	net_nonblock(self->pair.client, true);
	EXPECT_WOULDBLOCK(CLOSE());

	ASSERT_EQ(0, getsockopt(self->pair.client, SOL_SOCKET, SO_LINGER, &linger, &size));
	EXPECT_EQ(1, linger.l_onoff);
	EXPECT_EQ(7, linger.l_linger);
	EXPECT_TRUE(fcntl(self->pair.client, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, getpeername(self->pair.client, (struct sockaddr *)&name, &name_size));
	EXPECT_EQ(-1, recv(self->pair.client, text, sizeof(text), 0));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, 0));
	polled.fd = self->pair.client;
	polled.events = POLLIN;
	EXPECT_EQ(1, poll(&polled, 1, 2000));
	EXPECT_EQ(POLLIN, polled.revents);
	EXPECT_EQ(5, recv(self->pair.client, text, sizeof(text), 0));
}

/* claims: N4 N7 */
TEST_F(closing, after_the_drain_it_closes)
{
	size_t queued = net_stuff(self->pair.client);
	pid_t reader;
	int error, result;

	net_linger(self->pair.client, 1, 5);
	net_nonblock(self->pair.client, true);
	EXPECT_WOULDBLOCK(CLOSE());
	reader = net_drain_later(&self->pair, 20);
	/* Close as Cygwin does: try again every 10 ms. */
	for (int tries = 0; tries < 1000; tries++) {
		result = CLOSE();
		if (result != -EWOULDBLOCK)
			break;
		net_sleep(10);
	}
	EXPECT_EQ(0, result);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued, net_drain_result(reader, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: N8 */
TEST_F(closing, blocking_again_it_waits_from_this_call)
{
	double start;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	net_nonblock(self->pair.client, true);
	EXPECT_WOULDBLOCK(CLOSE());
	net_sleep(700);
	net_nonblock(self->pair.client, false);
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_LE(net_now() - start, 2.0);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
}

/* claims: N9 */
TEST_F(closing, made_hard_it_resets)
{
	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 5);
	net_nonblock(self->pair.client, true);
	EXPECT_WOULDBLOCK(CLOSE());
	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
}

/* claims: N10 */
TEST_F(closing, linger_off_closes_in_the_background)
{
	size_t queued = net_stuff(self->pair.client);
	int error;

	net_linger(self->pair.client, 1, 5);
	net_nonblock(self->pair.client, true);
	EXPECT_WOULDBLOCK(CLOSE());
	net_linger(self->pair.client, 0, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, RSTS());
}

/* claims: N13 */
TEST_F(closing, the_mode_is_the_callers_to_say)
{
	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	/* The file is blocking and the call non-blocking, and the reverse. */
	EXPECT_WOULDBLOCK(dev_close(self->dev, self->pair.client,
				    DEV_CLOSESOCKET | WINSOCK_CLOSE_NONBLOCKING, 0, &self->call));
	net_nonblock(self->pair.client, true);
	ASSERT_EQ(0, dev_close_wait(self->dev, self->pair.client,
				    DEV_CLOSESOCKET | WINSOCK_CLOSE_BLOCKING, 0, &self->call));
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
}

/* claims: N14 */
TEST_F(closing, ignored_the_connection_stays)
{
	int error;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	net_nonblock(self->pair.client, true);
	EXPECT_WOULDBLOCK(CLOSE());
	net_nonblock(self->pair.server, true);
	net_drain(self->pair.server, &error);
	EXPECT_EQ(EAGAIN, error);
	net_sleep(3000);
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
}

/* claims: N2 M8 */
TEST_F(closing, strict_by_the_call)
{
	uint16_t port;
	int listener = net_listen(variant->family, &port);

	net_linger(self->pair.client, 1, 5);
	net_nonblock(self->pair.client, true);
	EXPECT_WOULDBLOCK(dev_close(self->dev, self->pair.client,
				    DEV_CLOSESOCKET | WINSOCK_CLOSE_STRICT, 0, &self->call));
	/* Strict would-block does not depend on the state. */
	net_linger(listener, 1, 5);
	net_nonblock(listener, true);
	EXPECT_EQ(-EWOULDBLOCK, dev_close(self->dev, listener,
					  DEV_CLOSESOCKET | WINSOCK_CLOSE_STRICT, 0,
					  &self->call));
	ASSERT_EQ(0, dev_closesocket(self->dev, listener, &self->call));
	EXPECT_FALSE(net_is_open(listener));
	/* With linger off the mode does not matter. */
	net_linger(self->pair.client, 0, 0);
	ASSERT_EQ(0, dev_close(self->dev, self->pair.client,
			       DEV_CLOSESOCKET | WINSOCK_CLOSE_STRICT, 0, &self->call));
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
}

static int strict_set(const char *value)
{
	int fd = open("/proc/sys/net/winsock/strict", O_WRONLY);
	int good = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);

	if (fd >= 0)
		close(fd);
	return good ? 0 : -1;
}

/* claims: N2 */
TEST_F(closing, strict_by_the_namespace)
{
	struct winsock_query query;

	net_linger(self->pair.client, 1, 5);
	net_nonblock(self->pair.client, true);
	EXPECT_EQ(-1, strict_set("2"));
	ASSERT_EQ(0, strict_set("1"));
	ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query));
	EXPECT_TRUE(query.flags & WINSOCK_QUERY_STRICT);
	EXPECT_WOULDBLOCK(CLOSE());
	ASSERT_EQ(0, strict_set("0"));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
}

TEST_HARNESS_MAIN
