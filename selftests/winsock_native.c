// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_VSOCK and SCTP, which the module does not know: its calls fail with EOPNOTSUPP and change
 * nothing, and closesocket() is the kernel's close(2), blocking or not.
 */
#include <asm/byteorder.h>
#include <netinet/in.h>
#include <linux/vm_sockets.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "ends.h"
#include "net.h"

#include <winsock_ext.h>

DEV_REQUIRED;

FIXTURE(native) {
	int dev;
	struct ends ends;
	struct winsock_record record;
};

FIXTURE_VARIANT(native) {
	int family, type, protocol;
};

FIXTURE_VARIANT_ADD(native, sctp) {
	AF_INET, SOCK_STREAM, IPPROTO_SCTP,
};

FIXTURE_VARIANT_ADD(native, vsock) {
	AF_VSOCK, SOCK_STREAM,
};

FIXTURE_VARIANT_ADD(native, vsock_packets) {
	AF_VSOCK, SOCK_SEQPACKET,
};

static void native_open(struct ends *ends, const FIXTURE_VARIANT(native) *variant)
{
	static const struct sockaddr_in loopback = {
		.sin_family = AF_INET, .sin_addr.s_addr = __constant_htonl(INADDR_LOOPBACK),
	};
	static const struct sockaddr_vm local = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL,
		.svm_port = VMADDR_PORT_ANY,
	};

	if (variant->family == AF_VSOCK)
		ends_accept(ends, AF_VSOCK, variant->type, 0, (struct sockaddr *)&local,
			    sizeof(local));
	else
		ends_accept(ends, AF_INET, variant->type, variant->protocol,
			    (struct sockaddr *)&loopback, sizeof(loopback));
}

FIXTURE_SETUP(native)
{
	WSADATA data;

	net_enter();
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	native_open(&self->ends, variant);
}

FIXTURE_TEARDOWN(native)
{
	ends_close(&self->ends);
	close(self->dev);
	WSACleanup();
}

static int set_linger(SOCKET s, unsigned int on, unsigned int seconds)
{
	struct linger linger = { on, seconds };

	return setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger));
}

/* Read the kernel's setting. */
static int getsockopt_native(int fd, void *value, socklen_t *size)
{
	return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_LINGER, value, size);
}

#define EXPECT_EXCHANGE(from, to) do { \
	char block_[8]; \
	EXPECT_EQ(5, send(from, "hello", 5, 0)); \
	EXPECT_EQ(5, recv(to, block_, sizeof(block_), 0)); \
} while (0)

TEST_F(native, the_device_knows_nothing_of_it)
{
	struct winsock_query query;
	struct winsock_close call;
	int op;

	net_linger(self->ends.near, 1, 0);
	EXPECT_EQ(-EOPNOTSUPP, dev_query(self->dev, self->ends.near, &query));
	EXPECT_EQ(-EOPNOTSUPP, dev_abort(self->dev, self->ends.near));
	EXPECT_EQ(-EOPNOTSUPP, dev_closesocket(self->dev, self->ends.near, &call));
	EXPECT_EQ(SOCKET_ERROR, winsock_query(self->ends.near, &query));
	EXPECT_EQ(WSAEOPNOTSUPP, WSAGetLastError());
	EXPECT_EQ(SOCKET_ERROR, winsock_close_begin(self->ends.near, NULL, &op, NULL));
	EXPECT_EQ(WSAEOPNOTSUPP, WSAGetLastError());
	net_linger(self->ends.near, 0, 0);
	EXPECT_EXCHANGE(self->ends.near, self->ends.far);
	EXPECT_EXCHANGE(self->ends.far, self->ends.near);
}

/* claims: A1 G2 */
/* With linger off the number is free at once, and the data arrives. */
TEST_F(native, closesocket_is_close)
{
	for (u_long nonblocking = 0; nonblocking < 2; nonblocking++) {
		double start = net_now();
		size_t queued;
		int error;

		ASSERT_EQ(0, ioctlsocket(self->ends.near, FIONBIO, &nonblocking));
		queued = net_stuff(self->ends.near);
		ASSERT_GT(queued, 0);
		ASSERT_EQ(0, winsock_closesocket(self->ends.near, 0, &self->record));
		EXPECT_LT(net_now() - start, AT_ONCE);
		EXPECT_EQ(0, self->record.outcome);
		EXPECT_FALSE(net_is_open(self->ends.near));
		EXPECT_EQ(queued, net_drain(self->ends.far, &error));
		EXPECT_EQ(0, error);
		EXPECT_EQ(SOCKET_ERROR, closesocket(self->ends.near));
		EXPECT_EQ(WSAENOTSOCK, WSAGetLastError());
		close(self->ends.far);
		native_open(&self->ends, variant);
	}
}

/* The library keeps the timeout: close(2) does not wait for it, whatever the mode. */
TEST_F(native, a_timeout_holds_up_nobody)
{
	socklen_t length;
	struct { int onoff, seconds; } native;

	for (u_long nonblocking = 0; nonblocking < 2; nonblocking++) {
		size_t queued;
		double start;
		int error;

		queued = net_stuff(self->ends.near);
		ASSERT_EQ(0, set_linger(self->ends.near, 1, 10));
		length = sizeof(native);
		ASSERT_EQ(0, getsockopt_native(self->ends.near, &native, &length));
		EXPECT_EQ(0, native.onoff);
		ASSERT_EQ(0, ioctlsocket(self->ends.near, FIONBIO, &nonblocking));
		start = net_now();
		ASSERT_EQ(0, closesocket(self->ends.near));
		EXPECT_LT(net_now() - start, AT_ONCE);
		EXPECT_FALSE(net_is_open(self->ends.near));
		EXPECT_EQ(queued, net_drain(self->ends.far, &error));
		EXPECT_EQ(0, error);
		close(self->ends.far);
		native_open(&self->ends, variant);
	}
}

struct blocked {
	SOCKET s;
	int result;
	int error;
};

static void *blocked_run(void *argument)
{
	struct blocked *blocked = argument;
	char block[8];

	blocked->result = recv(blocked->s, block, sizeof(block), 0);
	blocked->error = WSAGetLastError();
	return NULL;
}

/* claims: P10 P11 */
TEST_F(native, a_blocked_receive_of_the_library_fails)
{
	struct blocked blocked = { .s = self->ends.near };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, blocked_run, &blocked));
	net_sleep(200);
	ASSERT_EQ(0, closesocket(self->ends.near));
	EXPECT_FALSE(net_is_open(self->ends.near));
	self->ends.near = -1;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(SOCKET_ERROR, blocked.result);
	EXPECT_EQ(variant->type == SOCK_STREAM ? WSAECONNABORTED : WSAEINTR, blocked.error);
}

TEST_F(native, the_other_calls_work)
{
	WSAPOLLFD polled = { .fd = self->ends.near, .events = POLLIN };
	struct linger linger;
	int size = sizeof(linger);
	char byte;

	EXPECT_EXCHANGE(self->ends.near, self->ends.far);
	ASSERT_EQ(0, set_linger(self->ends.near, 1, 7));
	ASSERT_EQ(0, getsockopt(self->ends.near, SOL_SOCKET, SO_LINGER, (char *)&linger, &size));
	EXPECT_EQ(1, linger.l_onoff);
	EXPECT_EQ(7, linger.l_linger);
	ASSERT_EQ(0, set_linger(self->ends.near, 0, 0));
	EXPECT_EQ(0, WSAPoll(&polled, 1, 0));
	ASSERT_EQ(1, send(self->ends.far, "x", 1, 0));
	EXPECT_EQ(1, WSAPoll(&polled, 1, 5000));
	EXPECT_EQ(1, recv(self->ends.near, &byte, 1, 0));
	EXPECT_EQ(0, shutdown(self->ends.near, SD_SEND));
	EXPECT_EQ(0, recv(self->ends.far, &byte, 1, 0));
	EXPECT_EQ(0, closesocket(self->ends.near));
	self->ends.near = -1;
}

TEST_HARNESS_MAIN
