// SPDX-License-Identifier: GPL-2.0-only
/* Datagram and raw sockets of every family: a close is done at once and wakes sleeping threads. */
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "ends.h"
#include "net.h"

DEV_REQUIRED;

FIXTURE(datagram) {
	int dev;
	int socket;
	struct winsock_close call;
};

FIXTURE_VARIANT(datagram) {
	int family;
	int type;
	int protocol;
};

#define VARIANT(name, ...) FIXTURE_VARIANT_ADD(datagram, name) { __VA_ARGS__ }
VARIANT(udp, AF_INET, SOCK_DGRAM);
VARIANT(udp6, AF_INET6, SOCK_DGRAM);
VARIANT(udplite, AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
VARIANT(raw, AF_INET, SOCK_RAW, IPPROTO_ICMP);
VARIANT(raw6, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
VARIANT(local, AF_UNIX, SOCK_DGRAM);
VARIANT(packet, AF_PACKET, SOCK_RAW);
VARIANT(netlink, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

FIXTURE_SETUP(datagram)
{
	net_enter();
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->socket = socket(variant->family, variant->type, variant->protocol);
	/* Not every kernel has UDP-Lite; UDP stands in. */
	if (self->socket < 0 && variant->protocol == IPPROTO_UDPLITE)
		self->socket = socket(variant->family, variant->type, 0);
	ASSERT_GE(self->socket, 0);
}

FIXTURE_TEARDOWN(datagram)
{
	close(self->socket);
	close(self->dev);
}

#define CLOSE() dev_closesocket(self->dev, self->socket, &self->call)

#define EXPECT_DONE(wanted) do { \
	EXPECT_EQ(wanted, self->call.record.outcome); \
	EXPECT_FALSE(net_is_open(self->socket)); \
} while (0)

/* claims: O17 O18 */
TEST_F(datagram, linger_means_nothing)
{
	double start = net_now();
	struct winsock_query query;

	net_linger(self->socket, 1, 5);
	net_nonblock(self->socket, true);
	ASSERT_EQ(0, dev_query(self->dev, self->socket, &query));
	EXPECT_EQ(WINSOCK_QUERY_NONBLOCK, query.flags);
	EXPECT_EQ(0, query.unacked + query.unsent + query.unread);
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, self->socket));
	ASSERT_EQ(0, dev_close(self->dev, self->socket, DEV_CLOSESOCKET | WINSOCK_CLOSE_STRICT |
			       WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_NONBLOCKING,
			       5000000000ULL, &self->call));
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_LT(net_now() - start, AT_ONCE);
}

/* The kernel's part of P10 and P11. */
TEST_F(datagram, a_blocked_receive_wakes)
{
	struct ends_sleeper sleeper;
	double start;

	ends_sleep(&sleeper, self->socket, 'r');
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_LT(sleeper.woke - start, AT_ONCE);
	EXPECT_LE(sleeper.result, 0);
}

/* claims: M1 */
TEST_F(datagram, one_of_two_handles_wakes_nobody)
{
	struct ends_sleeper sleeper;
	int copy = dup(self->socket);

	ends_sleep(&sleeper, copy, 'r');
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_SHARED);
	EXPECT_FALSE(ends_woken(&sleeper, 1));
	EXPECT_TRUE(net_is_open(copy));
	self->socket = copy;
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_TRUE(ends_woken(&sleeper, 5));
}

FIXTURE(delivery) {
	int dev;
	struct winsock_close call;
};

FIXTURE_SETUP(delivery)
{
	net_enter();
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
}

FIXTURE_TEARDOWN(delivery)
{
	close(self->dev);
}

/* claims: G2 */
TEST_F(delivery, what_was_sent_arrives)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	int far = socket(AF_INET, SOCK_DGRAM, 0), near = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t size = sizeof(name);
	char block[100];

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(0, bind(far, (struct sockaddr *)&name, size));
	ASSERT_EQ(0, getsockname(far, (struct sockaddr *)&name, &size));
	ASSERT_EQ(0, connect(near, (struct sockaddr *)&name, size));
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(i + 1, send(near, block, i + 1, 0));
	net_linger(near, 1, 0);
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, near));
	ASSERT_EQ(0, dev_closesocket(self->dev, near, &self->call));
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, self->call.record.outcome);
	EXPECT_FALSE(net_is_open(near));
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(i + 1, recv(far, block, sizeof(block), MSG_DONTWAIT));
	close(far);
}

/* claims: O17 */
/*
 * A family's own number for its state is none of TCP's, and a connected datagram socket has no peer
 * to reset.
 */
TEST_F(delivery, connected_is_no_connection)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct sockaddr_in name = { .sin_family = AF_INET };
	int sockets[3], pair[2];

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	name.sin_port = htons(9);
	sockets[0] = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, connect(sockets[0], (struct sockaddr *)&name, sizeof(name)));
	sockets[1] = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	ASSERT_EQ(0, connect(sockets[1], (struct sockaddr *)&kernel, sizeof(kernel)));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	sockets[2] = pair[0];
	for (int i = 0; i < 3; i++) {
		struct winsock_query query;

		ASSERT_EQ(0, dev_query(self->dev, sockets[i], &query));
		EXPECT_EQ(7 /* CLOSE */, query.state);
		EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, sockets[i]));
		net_linger(sockets[i], 1, 0);
		ASSERT_EQ(0, dev_closesocket(self->dev, sockets[i], &self->call));
		EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, self->call.record.outcome);
		EXPECT_EQ(7, self->call.record.state);
		EXPECT_FALSE(net_is_open(sockets[i]));
	}
	close(pair[1]);
}

#define SLEEPERS	64

/* claims: P11 M2 */
TEST_F(delivery, of_many_that_sleep_each_wakes_once)
{
	int near[2] = { socket(AF_INET, SOCK_DGRAM, 0), socket(AF_PACKET, SOCK_RAW, 0) };

	for (int i = 0; i < 2; i++) {
		struct ends_sleeper sleepers[SLEEPERS];
		double start;

		ASSERT_GE(near[i], 0);
		ends_sleep_all(sleepers, SLEEPERS, near[i], 'r');
		start = net_now();
		/* The sleeping threads are not other holders. */
		ASSERT_EQ(0, dev_closesocket(self->dev, near[i], &self->call));
		EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, self->call.record.outcome);
		EXPECT_FALSE(net_is_open(near[i]));
		for (int j = 0; j < SLEEPERS; j++) {
			ASSERT_TRUE(ends_woken(&sleepers[j], 5));
			EXPECT_LE(sleepers[j].result, 0);
			EXPECT_LT(sleepers[j].woke - start, AT_ONCE);
		}
	}
}

TEST_HARNESS_MAIN
