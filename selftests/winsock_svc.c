// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATM, switched circuits, through the library: closesocket() and shutdown() for
 * sending or both send RELEASE, as the kernel's signalling daemon sees it (X8).
 */
#include "kselftest_harness.h"

#include "atm.h"
#include "dev.h"
#include "ends.h"
#include "net.h"

#include <winsock_ext.h>

DEV_REQUIRED;

#define NEAR_VCI	200
#define FAR_VCI		201

FIXTURE(svc) {
	struct atm_daemon daemon;
	SOCKET near;
	int far;
};

FIXTURE_SETUP(svc)
{
	WSADATA data;

	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	atm_hold(false);
	atm_daemon_start(&self->daemon, NEAR_VCI);
	self->far = atm_permanent(FAR_VCI);
	ASSERT_GE(self->far, 0);
	self->near = atm_switched();
	ASSERT_EQ(5, send(self->near, "hello", 5, 0));
	EXPECT_EQ(0, self->daemon.closes);
}

FIXTURE_TEARDOWN(svc)
{
	close(self->near);
	close(self->far);
	atm_daemon_stop(&self->daemon);
	WSACleanup();
}

#define EXPECT_READABLE() do { \
	char block_[100]; \
	EXPECT_EQ(5, recv(self->far, block_, sizeof(block_), MSG_DONTWAIT)); \
} while (0)

/* claims: X8 */
TEST_F(svc, closesocket_releases)
{
	ASSERT_EQ(0, closesocket(self->near));
	EXPECT_EQ(1, self->daemon.closes);
	EXPECT_FALSE(net_is_open(self->near));
	EXPECT_READABLE();
	self->near = -1;
}

/* claims: X8 */
TEST_F(svc, abortive_and_graceful_send_the_same_release)
{
	struct atmsvc_msg graceful;

	ASSERT_EQ(0, closesocket(self->near));
	graceful = self->daemon.last;
	self->near = atm_switched();
	/* The library refuses the option for such sockets (O18); set it natively. */
	net_linger(self->near, 1, 0);
	ASSERT_EQ(0, closesocket(self->near));
	self->near = -1;
	EXPECT_EQ(2, self->daemon.closes);
	/* Compare everything except the circuit. */
	memcpy(&graceful.vcc, &self->daemon.last.vcc, sizeof(graceful.vcc));
	EXPECT_EQ(0, memcmp(&graceful, &self->daemon.last, sizeof(graceful)));
}

/* claims: X8 */
TEST_F(svc, shutdown_for_sending_ends_both_directions)
{
	static const int hows[] = { SD_SEND, SD_BOTH };
	char block[100];

	for (unsigned int i = 0; i < ARRAY_SIZE(hows); i++) {
		ASSERT_EQ(5, send(self->far, "world", 5, 0));
		ASSERT_EQ(0, shutdown(self->near, hows[i]));
		EXPECT_EQ(i + 1, self->daemon.closes);
		EXPECT_READABLE();
		EXPECT_TRUE(net_is_open(self->near));
		EXPECT_EQ(SOCKET_ERROR, send(self->near, "x", 1, 0));
		EXPECT_EQ(SOCKET_ERROR, recv(self->near, block, sizeof(block), 0));
		ASSERT_EQ(0, closesocket(self->near));
		EXPECT_EQ(i + 1, self->daemon.closes);
		self->near = atm_switched();
		ASSERT_EQ(5, send(self->near, "hello", 5, 0));
	}
}

/* claims: X8 */
TEST_F(svc, shutdown_for_receiving_releases_nothing)
{
	ASSERT_EQ(0, shutdown(self->near, SD_RECEIVE));
	EXPECT_EQ(0, self->daemon.closes);
	EXPECT_EQ(5, send(self->near, "again", 5, 0));
}

/* claims: O17 O18 */
TEST_F(svc, linger_is_no_option)
{
	struct linger linger = { 1, 5 };
	int size = sizeof(linger);

	EXPECT_EQ(SOCKET_ERROR, setsockopt(self->near, SOL_SOCKET, SO_LINGER,
					   (char *)&linger, sizeof(linger)));
	EXPECT_EQ(WSAENOPROTOOPT, WSAGetLastError());
	EXPECT_EQ(SOCKET_ERROR, getsockopt(self->near, SOL_SOCKET, SO_LINGER,
					   (char *)&linger, &size));
	EXPECT_EQ(WSAENOPROTOOPT, WSAGetLastError());
}

TEST_HARNESS_MAIN
