// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_VSOCK over its loopback transport: what send took has room at the peer, so a
 * close waits for the transport at most; an abort is an RST packet.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/vm_sockets.h>
#include <linux/vsockmon.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "ends.h"
#include "net.h"

DEV_REQUIRED;

static const struct sockaddr_vm local = {
	.svm_family = AF_VSOCK,
	.svm_cid = VMADDR_CID_LOCAL,
	.svm_port = VMADDR_PORT_ANY,
};

FIXTURE(vsock) {
	int dev;
	int capture;
	struct ends ends;
	uint32_t port;
	struct winsock_close call;
};

FIXTURE_VARIANT(vsock) {
	int type;
};

FIXTURE_VARIANT_ADD(vsock, stream) {
	.type = SOCK_STREAM,
};

FIXTURE_VARIANT_ADD(vsock, packets) {
	.type = SOCK_SEQPACKET,
};

/* The kernel's own monitor, where it has one; the guest's init has set it up. */
static int vsock_capture(void)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int capture = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), room = 16 << 20;

	setsockopt(capture, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	name.sll_ifindex = if_nametoindex("vsockmon0");
	if (!name.sll_ifindex || bind(capture, (struct sockaddr *)&name, sizeof(name))) {
		close(capture);
		return -1;
	}
	return capture;
}

FIXTURE_SETUP(vsock)
{
	struct sockaddr_vm name;
	socklen_t size = sizeof(name);

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	ends_accept(&self->ends, AF_VSOCK, variant->type, 0, (struct sockaddr *)&local,
		    sizeof(local));
	ASSERT_EQ(0, getsockname(self->ends.near, (struct sockaddr *)&name, &size));
	self->port = name.svm_port;
	self->capture = vsock_capture();
}

FIXTURE_TEARDOWN(vsock)
{
	ends_close(&self->ends);
	close(self->capture);
	close(self->dev);
}

/* Packets of the near end with such an operation, since the last look. */
static unsigned int vsock_packets(int capture, uint32_t port, unsigned int op)
{
	struct {
		struct af_vsockmon_hdr monitor;
		struct virtio_vsock_hdr header;
	} __attribute__((packed)) packet;
	unsigned int count = 0;

	net_sleep(20);
	while (recv(capture, &packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC) > 0)
		count += packet.header.src_port == port && packet.header.op == op;
	return count;
}

/* Without a monitor the far end's view has to do. */
#define EXPECT_PACKETS(count, op) do { \
	if (self->capture >= 0) { \
		EXPECT_EQ(count, vsock_packets(self->capture, self->port, op)); \
	} \
} while (0)

#define CLOSE() dev_closesocket(self->dev, self->ends.near, &self->call)

#define EXPECT_DONE(wanted) do { \
	EXPECT_EQ(WINSOCK_RESULT_DONE, self->call.result); \
	EXPECT_EQ(wanted, self->call.outcome); \
	EXPECT_FALSE(net_is_open(self->ends.near)); \
	self->ends.near = -1; \
} while (0)

/* claims: G1 G2 */
TEST_F(vsock, off_is_graceful)
{
	size_t queued = net_stuff(self->ends.near);
	int error;

	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_PACKETS(1, VIRTIO_VSOCK_OP_SHUTDOWN);
	EXPECT_EQ(queued, net_drain(self->ends.far, &error));
	EXPECT_EQ(0, error);
}

/* claims: H1 H2 */
TEST_F(vsock, zero_is_a_reset)
{
	size_t queued = net_stuff(self->ends.near);
	int error;

	net_linger(self->ends.near, 1, 0);
	net_nonblock(self->ends.near, true);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_PACKETS(1, VIRTIO_VSOCK_OP_RST);
	/* The family tells the end of the stream. */
	EXPECT_EQ(queued, net_drain(self->ends.far, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(-1, send(self->ends.far, "x", 1, MSG_NOSIGNAL));
	EXPECT_EQ(EPIPE, errno);
}

/* claims: H1 */
TEST_F(vsock, zero_sends_no_shutdown)
{
	net_linger(self->ends.near, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_PACKETS(0, VIRTIO_VSOCK_OP_SHUTDOWN);
}

/* claims: B1 B2 B4 */
TEST_F(vsock, a_timed_close_waits_for_the_transport_only)
{
	size_t queued = net_stuff(self->ends.near);
	double start = net_now();
	int error;

	net_linger(self->ends.near, 1, 5);
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, self->call.unacked);
	EXPECT_EQ(queued, net_drain(self->ends.far, &error));
	EXPECT_EQ(0, error);
}

/* A close begun before the transport has taken the data ends by the tick. */
TEST_F(vsock, a_timed_close_right_behind_a_send)
{
	double start = net_now();
	char byte;

	net_linger(self->ends.near, 1, 20);
	ASSERT_EQ(1, send(self->ends.near, "x", 1, 0));
	ASSERT_EQ(0, CLOSE());
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(1, recv(self->ends.far, &byte, 1, 0));
	EXPECT_EQ(0, recv(self->ends.far, &byte, 1, 0));
}

/* claims: N1 N2 N7 */
TEST_F(vsock, nonblocking_is_done_when_the_transport_is)
{
	net_linger(self->ends.near, 1, 5);
	net_nonblock(self->ends.near, true);
	ASSERT_EQ(1, send(self->ends.near, "x", 1, 0));
	net_sleep(100);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
}

/* The kernel's half of P10 and P11. */
TEST_F(vsock, a_blocked_receive_wakes)
{
	struct ends_sleeper sleeper;

	ends_sleep(&sleeper, self->ends.near, 'r');
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_LE(sleeper.result, 0);
}

/* The kernel's half of P10 and P11. */
TEST_F(vsock, a_blocked_send_wakes)
{
	struct ends_sleeper sleeper;

	ends_sleep(&sleeper, self->ends.near, 's');
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_EQ(-1, sleeper.result);
}

static void on_signal(int number)
{
}

/* claims: M8 */
/* Only a signal ends the accept of this family; but nothing comes to it any more. */
TEST_F(vsock, a_blocked_accept_accepts_nothing)
{
	int listener = ends_listen(AF_VSOCK, variant->type, 0, (struct sockaddr *)&local,
				   sizeof(local));
	struct sigaction action = { .sa_handler = on_signal };
	struct ends_sleeper sleeper;
	struct sockaddr_vm name;
	socklen_t size = sizeof(name);

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, getsockname(listener, (struct sockaddr *)&name, &size));
	net_linger(listener, 1, 5);
	ends_sleep(&sleeper, listener, 'a');
	ASSERT_EQ(0, dev_closesocket(self->dev, listener, &self->call));
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, self->call.outcome);
	EXPECT_FALSE(net_is_open(listener));
	listener = socket(AF_VSOCK, variant->type, 0);
	EXPECT_EQ(-1, connect(listener, (struct sockaddr *)&name, size));
	EXPECT_EQ(ECONNRESET, errno);
	close(listener);
	EXPECT_FALSE(ends_woken(&sleeper, 1));
	ASSERT_EQ(0, pthread_kill(sleeper.thread, SIGUSR1));
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_EQ(-1, sleeper.result);
}

/* claims: M1 */
TEST_F(vsock, one_of_two_handles_disturbs_nobody)
{
	int copy = dup(self->ends.near);
	char byte;

	net_linger(copy, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_SHARED);
	self->ends.near = copy;
	EXPECT_PACKETS(0, VIRTIO_VSOCK_OP_RST);
	ASSERT_EQ(1, send(copy, "x", 1, 0));
	EXPECT_EQ(1, recv(self->ends.far, &byte, 1, 0));
}

/* claims: G11 */
TEST_F(vsock, query_and_abort)
{
	struct winsock_query query;
	char byte;

	ASSERT_EQ(3, send(self->ends.far, "abc", 3, 0));
	net_sleep(50);
	ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
	EXPECT_EQ(0, query.flags);
	EXPECT_EQ(1 /* ESTABLISHED */, query.state);
	EXPECT_EQ(3, query.unread);
	ASSERT_EQ(0, dev_abort(self->dev, self->ends.near));
	EXPECT_PACKETS(1, VIRTIO_VSOCK_OP_RST);
	EXPECT_EQ(0, recv(self->ends.far, &byte, 1, 0));
	EXPECT_GT(1, recv(self->ends.near, &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, self->ends.near));
	/* Neither is reset once more, nor is anything waited for. */
	net_linger(self->ends.near, 1, 5);
	ASSERT_EQ(0, CLOSE());
	EXPECT_FALSE(net_is_open(self->ends.near));
	self->ends.near = -1;
	EXPECT_PACKETS(0, VIRTIO_VSOCK_OP_RST);
}

static void vsock_priority(int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO };

	if (sched_setscheduler(0, policy, &param))
		abort();
}

/*
 * A packet wakes a thread, and the socket is reset before that thread runs: the same
 * packet wakes us, on the same processor, and we go first.
 */
static int vsock_reset_before_it_runs(struct ends *ends, struct ends_sleeper *sleeper,
				      int dev, bool hard)
{
	struct pollfd polled = { .fd = ends->near, .events = POLLIN };
	struct winsock_close call;
	int result = -ETIMEDOUT;

	ends_sleep(sleeper, ends->near, 'r');
	net_linger(ends->near, 1, 0);
	vsock_priority(SCHED_FIFO);
	if (send(ends->far, "hello", 5, 0) == 5 && poll(&polled, 1, 5000) == 1)
		result = hard ? dev_close(dev, ends->near, WINSOCK_MODE_FROM_FILE, 0, 0, &call)
			      : dev_abort(dev, ends->near);
	vsock_priority(SCHED_OTHER);
	return result;
}

/* claims: H1 */
TEST_F(vsock, reset_between_a_packet_and_who_it_wakes)
{
	unsigned int caught = 0;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	for (int round = 0; round < 20; round++) {
		struct ends_sleeper sleeper = { 0 };

		ASSERT_EQ(0, vsock_reset_before_it_runs(&self->ends, &sleeper, self->dev,
							round % 2));
		ASSERT_TRUE(ends_woken(&sleeper, 5));
		caught += sleeper.result <= 0;
		/* Late it has read all; else nothing, of which packets do not tell why. */
		if (sleeper.result > 0) {
			EXPECT_EQ(5, sleeper.result);
		} else {
			EXPECT_EQ(variant->type == SOCK_STREAM ? ECONNRESET : 0, sleeper.error);
		}
		ends_close(&self->ends);
		ends_accept(&self->ends, AF_VSOCK, variant->type, 0, (struct sockaddr *)&local,
			    sizeof(local));
	}
	TH_LOG("%u of 20 were reset in between", caught);
	EXPECT_GE(caught, 10);
}

TEST_HARNESS_MAIN
