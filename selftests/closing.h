/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the close tests: a connection in a network namespace of its own,
 * captured, in each address family and from both ends. The end to close is always
 * called the client.
 */
#ifndef CLOSING_H
#define CLOSING_H

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "net.h"
#include "wire.h"

DEV_REQUIRED;

FIXTURE(closing) {
	int dev;
	struct net_pair pair;
	struct wire wire;
	struct winsock_close call;
};

FIXTURE_VARIANT(closing) {
	enum net_family family;
	bool accepted;
};

FIXTURE_VARIANT_ADD(closing, v4) {
	.family = NET_V4,
};

FIXTURE_VARIANT_ADD(closing, v4_accepted) {
	.family = NET_V4,
	.accepted = true,
};

FIXTURE_VARIANT_ADD(closing, v6) {
	.family = NET_V6,
};

FIXTURE_VARIANT_ADD(closing, v6_accepted) {
	.family = NET_V6,
	.accepted = true,
};

FIXTURE_VARIANT_ADD(closing, mapped) {
	.family = NET_MAPPED,
};

FIXTURE_SETUP(closing)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	net_enter();
	wire_open(&self->wire);
	net_pair_open(&self->pair, variant->family, variant->accepted);
}

FIXTURE_TEARDOWN(closing)
{
	net_pair_close(&self->pair);
	wire_close(&self->wire);
	close(self->dev);
}

/* closesocket on the client: what the library would do. */
#define CLOSE() dev_closesocket(self->dev, self->pair.client, &self->call)

/* FINs that the client sent; a repeated FIN counts once. */
#define FINS() wire_distinct(&self->wire, self->pair.client_port, \
			     self->pair.server_port, WIRE_FIN)
/*
 * RSTs of the client with ACK, or all if none has it: after its reset the client answers a segment
 * that was on its way with another RST, without ACK.
 */
#define RESETS(flags) wire_count(&self->wire, self->pair.client_port, \
				 self->pair.server_port, WIRE_RST | (flags))
#define RSTS() (RESETS(WIRE_ACK) ?: RESETS(0))

/* State of the client's end; 0 if nothing is left. */
#define LEFT() net_left(self->pair.client_port, self->pair.server_port)

#define EXPECT_DONE(wanted) do { \
	EXPECT_EQ(wanted, self->call.record.outcome); \
	EXPECT_EQ(-1, self->call.op_fd); \
	EXPECT_FALSE(net_is_open(self->pair.client)); \
} while (0)

/* A call that would have to wait: nothing was begun. */
#define EXPECT_WOULDBLOCK(result) do { \
	EXPECT_EQ(-EWOULDBLOCK, result); \
	EXPECT_TRUE(net_is_open(self->pair.client)); \
} while (0)

#endif /* CLOSING_H */
