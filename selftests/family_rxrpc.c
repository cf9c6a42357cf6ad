// SPDX-License-Identifier: GPL-2.0-only
/*
 * Datagram sockets with states of their own numbers: a bound client of AF_RXRPC has the number of
 * TCP's SYN_SENT, but no connect to abort.
 */
#include <linux/rxrpc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "dev.h"
#include "net.h"

DEV_REQUIRED;

/* claims: O17 */
TEST(there_is_nothing_to_abort)
{
	struct sockaddr_rxrpc name = {
		.srx_family = AF_RXRPC,
		.transport_type = SOCK_DGRAM,
		.transport_len = sizeof(struct sockaddr_in),
		.transport.sin.sin_family = AF_INET,
	};
	struct winsock_query query;
	struct winsock_close call;
	int dev = dev_open(), client;

	ASSERT_GE(dev, 0);
	client = socket(AF_RXRPC, SOCK_DGRAM, AF_INET);
	ASSERT_GE(client, 0);
	ASSERT_EQ(0, bind(client, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, dev_query(dev, client, &query));
	EXPECT_EQ(7 /* CLOSE */, query.state);
	EXPECT_EQ(-ENOTCONN, dev_abort(dev, client));
	ASSERT_EQ(0, dev_closesocket(dev, client, &call));
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, call.record.outcome);
	EXPECT_EQ(7, call.record.state);
	EXPECT_FALSE(net_is_open(client));
	close(dev);
}

TEST_HARNESS_MAIN
