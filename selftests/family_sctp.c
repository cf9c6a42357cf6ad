// SPDX-License-Identifier: GPL-2.0-only
/* SCTP: drained is acknowledged, an abort is an ABORT chunk, graceful a SHUTDOWN. */
#include <asm/byteorder.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>

#include "lingering.h"

#define SCTP_ABORT_CHUNK	6
#define SCTP_SHUTDOWN_CHUNK	7

static const struct sockaddr_in loopback = {
	.sin_family = AF_INET,
	.sin_addr.s_addr = __constant_htonl(INADDR_LOOPBACK),
};

static const struct sockaddr_in6 loopback6 = {
	.sin6_family = AF_INET6,
	.sin6_addr = IN6ADDR_LOOPBACK_INIT,
};

static void sctp_open(struct ends *ends)
{
	ends_accept(ends, AF_INET, SOCK_STREAM, IPPROTO_SCTP, (struct sockaddr *)&loopback,
		    sizeof(loopback));
}

static void sctp_open6(struct ends *ends)
{
	ends_accept(ends, AF_INET6, SOCK_STREAM, IPPROTO_SCTP, (struct sockaddr *)&loopback6,
		    sizeof(loopback6));
}

static int sctp_listen(void)
{
	return ends_listen(AF_INET, SOCK_STREAM, IPPROTO_SCTP, (struct sockaddr *)&loopback,
			   sizeof(loopback));
}

FIXTURE_VARIANT_ADD(lingering, sctp) {
	.open = sctp_open,
	.listen = sctp_listen,
	.abort_error = ECONNRESET,
};

FIXTURE_VARIANT_ADD(lingering, sctp6) {
	.open = sctp_open6,
	.abort_error = ECONNRESET,
};

static int sctp_capture(void)
{
	int capture = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL)), room = 16 << 20;

	setsockopt(capture, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return capture;
}

/* How many packets so far begin with such a chunk; each goes over lo once. */
static unsigned int sctp_chunks(int capture, unsigned int type)
{
	unsigned char packet[65536];
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	unsigned int count = 0;

	while (recvfrom(capture, packet, sizeof(packet), MSG_DONTWAIT,
			(struct sockaddr *)&from, &size) > 32)
		count += from.sll_pkttype == PACKET_OUTGOING && packet[9] == IPPROTO_SCTP &&
			 packet[(packet[0] & 15) * 4 + 12] == type;
	return count;
}

FIXTURE(sctp) {
	int dev;
	int capture;
	struct ends ends;
	struct winsock_close call;
};

FIXTURE_SETUP(sctp)
{
	net_enter();
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->capture = sctp_capture();
	ASSERT_GE(self->capture, 0);
	sctp_open(&self->ends);
}

FIXTURE_TEARDOWN(sctp)
{
	ends_close(&self->ends);
	close(self->capture);
	close(self->dev);
}

/* claims: B3 */
TEST_F(sctp, the_deadline_is_an_abort_on_the_wire)
{
	net_stuff(self->ends.near);
	net_linger(self->ends.near, 1, 1);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(1, sctp_chunks(self->capture, SCTP_ABORT_CHUNK));
}

/* claims: H1 */
TEST_F(sctp, zero_is_an_abort_on_the_wire)
{
	net_linger(self->ends.near, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_EQ(1, sctp_chunks(self->capture, SCTP_ABORT_CHUNK));
}

/* claims: B1 */
TEST_F(sctp, graceful_is_a_shutdown_on_the_wire)
{
	net_linger(self->ends.near, 1, 5);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(1, sctp_chunks(self->capture, SCTP_SHUTDOWN_CHUNK));
}

/* claims: G7 */
TEST_F(sctp, unread_data_aborts)
{
	ASSERT_EQ(1, send(self->ends.far, "x", 1, 0));
	net_sleep(50);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_UNREAD);
	EXPECT_EQ(1, sctp_chunks(self->capture, SCTP_ABORT_CHUNK));
}

FIXTURE(many) {
	int dev;
	int capture;
	int near;
	int far[2];
	size_t queued;
	struct winsock_close call;
};

/* One socket, two associations, data queued on both. */
FIXTURE_SETUP(many)
{
	static char block[4096];

	net_enter();
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->capture = sctp_capture();
	ASSERT_GE(self->capture, 0);
	self->near = socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
	ASSERT_GE(self->near, 0);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in name;
		socklen_t size = sizeof(name);
		int room = 8192;

		self->far[i] = sctp_listen();
		ASSERT_EQ(0, setsockopt(self->far[i], SOL_SOCKET, SO_RCVBUF, &room,
					sizeof(room)));
		ASSERT_EQ(0, getsockname(self->far[i], (struct sockaddr *)&name, &size));
		for (int j = 0; j < 10; j++)
			ASSERT_EQ(sizeof(block), sendto(self->near, block, sizeof(block), 0,
							(struct sockaddr *)&name, size));
	}
	net_sleep(500);
}

FIXTURE_TEARDOWN(many)
{
	close(self->near);
	close(self->far[0]);
	close(self->far[1]);
	close(self->capture);
	close(self->dev);
}

/* claims: B3 */
TEST_F(many, the_deadline_aborts_every_association)
{
	struct winsock_query query;
	double start;

	net_linger(self->near, 1, 1);
	ASSERT_EQ(0, dev_query(self->dev, self->near, &query));
	EXPECT_EQ(WINSOCK_QUERY_LINGER | WINSOCK_QUERY_WOULD_BLOCK, query.flags);
	start = net_now();
	ASSERT_EQ(0, dev_closesocket(self->dev, self->near, &self->call));
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, self->call.outcome);
	EXPECT_EQ(2, sctp_chunks(self->capture, SCTP_ABORT_CHUNK));
}

/* claims: B5 */
TEST_F(many, a_wait_ends_when_the_last_peer_is_gone)
{
	double start = net_now();
	pid_t child = fork();

	ASSERT_GE(child, 0);
	if (!child) {
		close(self->near);
		net_sleep(500);
		_exit(0);
	}
	close(self->far[0]);
	close(self->far[1]);
	self->far[0] = -1;
	self->far[1] = -1;
	net_sleep(50);
	net_linger(self->near, 1, 20);
	ASSERT_EQ(0, dev_closesocket(self->dev, self->near, &self->call));
	EXPECT_GT(net_now() - start, 0.3);
	EXPECT_LT(net_now() - start, 10.0);
	EXPECT_EQ(WINSOCK_RESULT_DONE, self->call.result);
	EXPECT_NE(WINSOCK_OUTCOME_DEADLINE, self->call.outcome);
	waitpid(child, NULL, 0);
}

TEST_HARNESS_MAIN
