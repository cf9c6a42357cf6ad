// SPDX-License-Identifier: GPL-2.0-only
/* closesocket() on sockets that are not TCP, through the library. */
#include <sys/syscall.h>
#include <sys/un.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "ends.h"
#include "net.h"

#include <winsock_ext.h>
#include <af_irda.h>

DEV_REQUIRED;

FIXTURE(family) {
	struct ends ends;
	struct winsock_record report;
};

FIXTURE_VARIANT(family) {
	int type;
};

FIXTURE_VARIANT_ADD(family, stream) {
	.type = SOCK_STREAM,
};

FIXTURE_VARIANT_ADD(family, packets) {
	.type = SOCK_SEQPACKET,
};

FIXTURE_SETUP(family)
{
	WSADATA data;

	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	ends_pair(&self->ends, AF_UNIX, variant->type);
}

FIXTURE_TEARDOWN(family)
{
	ends_close(&self->ends);
	WSACleanup();
}

static int set_linger(SOCKET s, unsigned int onoff, unsigned int seconds)
{
	struct linger linger = { onoff, seconds };

	return setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger));
}

static int set_nonblocking(SOCKET s, u_long on)
{
	return ioctlsocket(s, FIONBIO, &on);
}

/* claims: O3 B1 N2 H1 */
TEST_F(family, the_page_goes_for_local_connections)
{
	struct winsock_query query;
	size_t queued;
	int error;

	for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
		queued = net_stuff(self->ends.near);
		ASSERT_EQ(0, set_linger(self->ends.near, 1, 5));
		ASSERT_EQ(0, set_nonblocking(self->ends.near, nonblocking));
		ASSERT_EQ(0, winsock_query(self->ends.near, &query));
		EXPECT_EQ(0, query.unacked);
		ASSERT_EQ(0, winsock_closesocket(self->ends.near, 0, &self->report));
		EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, self->report.outcome);
		EXPECT_EQ(queued, net_drain(self->ends.far, &error));
		EXPECT_EQ(0, error);
		close(self->ends.far);
		ends_pair(&self->ends, AF_UNIX, variant->type);
	}
	queued = net_stuff(self->ends.near);
	ASSERT_EQ(0, set_linger(self->ends.near, 1, 0));
	ASSERT_EQ(0, winsock_closesocket(self->ends.near, 0, &self->report));
	EXPECT_EQ(WINSOCK_OUTCOME_REQUEST, self->report.outcome);
	EXPECT_FALSE(net_is_open(self->ends.near));
	self->ends.near = -1;
	/* The peer may read first what it has. */
	EXPECT_LE(net_drain(self->ends.far, &error), queued);
	EXPECT_EQ(ECONNRESET, error);
}

FIXTURE(library) {
	int unused;
};

FIXTURE_SETUP(library)
{
	WSADATA data;

	net_enter();
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
}

FIXTURE_TEARDOWN(library)
{
	WSACleanup();
}

/* claims: O17 O18 */
TEST_F(library, linger_is_refused_where_nothing_lingers)
{
	static const struct { int family, type, protocol; } sockets[] = {
		{ AF_INET, SOCK_DGRAM, 0 },
		{ AF_INET6, SOCK_DGRAM, 0 },
		{ AF_INET, SOCK_RAW, IPPROTO_ICMP },
		{ AF_UNIX, SOCK_DGRAM, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(sockets); i++) {
		SOCKET s = socket(sockets[i].family, sockets[i].type, sockets[i].protocol);

		ASSERT_GE(s, 0);
		EXPECT_EQ(SOCKET_ERROR, set_linger(s, 1, 5));
		EXPECT_EQ(WSAENOPROTOOPT, WSAGetLastError());
		EXPECT_EQ(0, closesocket(s));
		EXPECT_FALSE(net_is_open(s));
	}
}

/* The kernel's part of P10 and P11. */
TEST_F(library, a_blocked_recvfrom_wakes)
{
	SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ends_sleeper sleeper;
	double start;

	ends_sleep(&sleeper, s, 'r');
	start = net_now();
	ASSERT_EQ(0, closesocket(s));
	ASSERT_TRUE(ends_woken(&sleeper, 5));
	EXPECT_LT(sleeper.woke - start, AT_ONCE);
	EXPECT_FALSE(net_is_open(s));
}

/* claims: M8 */
TEST_F(library, a_listener_of_local_connections)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	SOCKET s = socket(AF_UNIX, SOCK_STREAM, 0);

	ASSERT_EQ(0, bind(s, (struct sockaddr *)&name, sizeof(name.sun_family)));
	ASSERT_EQ(0, listen(s, 4));
	ASSERT_EQ(0, set_linger(s, 1, 5));
	ASSERT_EQ(0, set_nonblocking(s, 1));
	EXPECT_EQ(0, closesocket(s));
}

/* Linux answers EAGAIN, which is no connect that goes on. */
TEST_F(library, a_full_backlog_refuses)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	SOCKET listener = socket(AF_UNIX, SOCK_STREAM, 0), s;
	int size = sizeof(name);

	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&name, sizeof(name.sun_family)));
	ASSERT_EQ(0, listen(listener, 1));
	ASSERT_EQ(0, getsockname(listener, (struct sockaddr *)&name, &size));
	for (int i = 0; i < 2; i++) {
		s = socket(AF_UNIX, SOCK_STREAM, 0);
		ASSERT_EQ(0, connect(s, (struct sockaddr *)&name, size));
	}
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, set_nonblocking(s, i));
		EXPECT_EQ(SOCKET_ERROR, connect(s, (struct sockaddr *)&name, size));
		EXPECT_EQ(WSAECONNREFUSED, WSAGetLastError());
	}
}

/* A datagram socket without a peer, and a receiver that has no room. */
struct crowd {
	SOCKET sender, receiver;
	struct sockaddr_un name;
	int size;
	int sent;
};

static void crowd_make(struct crowd *crowd)
{
	crowd->name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	crowd->size = sizeof(crowd->name);
	crowd->sender = socket(AF_UNIX, SOCK_DGRAM, 0);
	crowd->receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
	bind(crowd->receiver, (struct sockaddr *)&crowd->name, sizeof(crowd->name.sun_family));
	getsockname(crowd->receiver, (struct sockaddr *)&crowd->name, &crowd->size);
	set_nonblocking(crowd->sender, 1);
	while (sendto(crowd->sender, "x", 1, 0, (struct sockaddr *)&crowd->name, crowd->size) == 1)
		;
	set_nonblocking(crowd->sender, 0);
}

static void *crowd_send(void *argument)
{
	struct crowd *crowd = argument;

	crowd->sent = sendto(crowd->sender, "y", 1, 0, (struct sockaddr *)&crowd->name,
			     crowd->size);
	return NULL;
}

/* The library's system calls. */
static _Atomic unsigned int sends;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	sends++;
	return syscall(SYS_sendmsg, fd, message, flags);
}

/* How many times does the library try in a while, beyond one a millisecond of two threads? */
static unsigned int sends_too_many(void)
{
	unsigned int before = sends, tries, allowed;
	double start = net_now();

	usleep(300000);
	tries = sends - before;
	allowed = 2 * 1000 * (net_now() - start);
	return tries < allowed ? 0 : tries - allowed;
}

/* Linux calls such a sender writable. */
TEST_F(library, a_send_to_a_full_receiver_rests_between_its_tries)
{
	WSABUF buffer = { 1, "y" };
	WSAOVERLAPPED overlapped = { 0 };
	struct crowd crowd;
	DWORD sent, flags;
	pthread_t thread;
	char byte;

	crowd_make(&crowd);
	EXPECT_EQ(SOCKET_ERROR, WSASendTo(crowd.sender, &buffer, 1, &sent, 0,
					  (struct sockaddr *)&crowd.name, crowd.size, &overlapped,
					  NULL));
	ASSERT_EQ(WSA_IO_PENDING, WSAGetLastError());
	EXPECT_LT(sends_too_many(), 64);
	ASSERT_EQ(1, recv(crowd.receiver, &byte, 1, 0));
	EXPECT_TRUE(WSAGetOverlappedResult(crowd.sender, &overlapped, &sent, TRUE, &flags));
	EXPECT_EQ(1, sent);

	ASSERT_EQ(0, pthread_create(&thread, NULL, crowd_send, &crowd));
	EXPECT_LT(sends_too_many(), 64);
	ASSERT_EQ(1, recv(crowd.receiver, &byte, 1, 0));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, crowd.sent);
	EXPECT_EQ(0, closesocket(crowd.sender));
	EXPECT_EQ(0, closesocket(crowd.receiver));
}

TEST_F(library, an_accepted_socket_has_packets_as_its_listener)
{
	SOCKET s = socket(AF_UNIX, SOCK_SEQPACKET, 0), near, far;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int size = sizeof(name);
	char byte;

	ASSERT_EQ(0, bind(s, (struct sockaddr *)&name, sizeof(name.sun_family)));
	ASSERT_EQ(0, listen(s, 4));
	ASSERT_EQ(0, getsockname(s, (struct sockaddr *)&name, &size));
	near = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ASSERT_EQ(0, connect(near, (struct sockaddr *)&name, size));
	far = accept(s, NULL, NULL);
	ASSERT_EQ(2, send(near, "xy", 2, 0));
	EXPECT_EQ(SOCKET_ERROR, recv(far, &byte, 1, 0));
	EXPECT_EQ(WSAEMSGSIZE, WSAGetLastError());
	EXPECT_EQ(0, closesocket(near));
	EXPECT_EQ(0, closesocket(far));
	EXPECT_EQ(0, closesocket(s));
}

/* claims: X7 X8 */
TEST_F(library, a_family_that_is_not_there)
{
	bool irda = !access("/sys/module/test_irda", F_OK);
	bool atm = !access("/proc/net/atm", F_OK);
	SOCKET s = socket(AF_IRDA, SOCK_STREAM, IRDA_PROTO_SOCK_STREAM);

	EXPECT_EQ(irda, s >= 0);
	if (irda) {
		EXPECT_EQ(0, closesocket(s));
	} else {
		EXPECT_EQ(WSAEAFNOSUPPORT, WSAGetLastError());
	}
	s = socket(AF_ATMPVC, SOCK_DGRAM, 0);
	EXPECT_EQ(atm, s >= 0);
	if (atm) {
		EXPECT_EQ(0, closesocket(s));
	} else {
		EXPECT_EQ(WSAEAFNOSUPPORT, WSAGetLastError());
	}
}

TEST_HARNESS_MAIN
