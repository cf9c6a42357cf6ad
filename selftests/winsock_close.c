// SPDX-License-Identifier: GPL-2.0-only
/* closesocket() itself: the page's table through the library. */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "mib.h"
#include "net.h"
#include "wire.h"

#include <winsock_ext.h>

DEV_REQUIRED;

FIXTURE(library) {
	struct net_pair pair;
	struct wire wire;
};

FIXTURE_SETUP(library)
{
	WSADATA data;

	net_enter();
	wire_open(&self->wire);
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	net_pair_open(&self->pair, NET_V4, false);
}

FIXTURE_TEARDOWN(library)
{
	net_pair_close(&self->pair);
	wire_close(&self->wire);
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

#define RSTS() wire_count(&self->wire, self->pair.client_port, \
			  self->pair.server_port, WIRE_RST)
#define FINS() wire_distinct(&self->wire, self->pair.client_port, \
			     self->pair.server_port, WIRE_FIN)

/* claims: A1 G2 */
TEST_F(library, linger_off)
{
	size_t queued = net_stuff(self->pair.client);
	int error;

	ASSERT_EQ(0, closesocket(self->pair.client));
	EXPECT_EQ(queued, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, RSTS());
}

/* claims: H1 */
TEST_F(library, hard)
{
	int error;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, set_linger(self->pair.client, 1, 0));
	ASSERT_EQ(0, closesocket(self->pair.client));
	net_drain(self->pair.server, &error);
	EXPECT_EQ(104 /* ECONNRESET */, error);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
}

/* claims: B3 B7 */
TEST_F(library, the_deadline)
{
	struct winsock_record record;
	double start;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, set_linger(self->pair.client, 1, 1));
	start = net_now();
	ASSERT_EQ(0, winsock_closesocket(self->pair.client, 0, &record));
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, record.outcome);
	EXPECT_GT(record.unacked, 0);
	EXPECT_GE(record.elapsed_ns, 1000000000ULL);
	EXPECT_EQ(0, net_left(self->pair.client_port, self->pair.server_port));
	EXPECT_EQ(1, RSTS());
}

/* The counters agree with the program: a close that waits was never refused. */
TEST_F(library, the_kernel_is_asked_once)
{
	struct mib mib;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, set_linger(self->pair.client, 1, 1));
	ASSERT_EQ(0, set_nonblocking(self->pair.client, 1));
	mib_read(&mib);
	EXPECT_EQ(SOCKET_ERROR, closesocket(self->pair.client));
	EXPECT_STREQ("WouldBlock 1", mib_changes(&mib));
	ASSERT_EQ(0, set_nonblocking(self->pair.client, 0));
	ASSERT_EQ(0, closesocket(self->pair.client));
	EXPECT_STREQ("Deadline 1 Begun 1", mib_changes(&mib));
}

/* claims: N1 N3 N8 A2 */
TEST_F(library, would_block_and_then_blocking)
{
	double start;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, set_linger(self->pair.client, 1, 1));
	ASSERT_EQ(0, set_nonblocking(self->pair.client, 1));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(SOCKET_ERROR, closesocket(self->pair.client));
		EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
	}
	EXPECT_EQ(0, FINS() + RSTS());
	/* Go on as Asio does. */
	ASSERT_EQ(0, set_nonblocking(self->pair.client, 0));
	start = net_now();
	EXPECT_EQ(0, closesocket(self->pair.client));
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_EQ(1, RSTS());
}

/* claims: N9 N10 */
TEST_F(library, would_block_and_then_other_options)
{
	int error;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, set_linger(self->pair.client, 1, 5));
	ASSERT_EQ(0, set_nonblocking(self->pair.client, 1));
	EXPECT_EQ(SOCKET_ERROR, closesocket(self->pair.client));
	/* Go on as .NET does in its last step. */
	ASSERT_EQ(0, set_linger(self->pair.client, 1, 0));
	EXPECT_EQ(0, closesocket(self->pair.client));
	EXPECT_EQ(1, RSTS());
	close(self->pair.server);

	net_pair_open(&self->pair, NET_V4, false);
	net_stuff(self->pair.client);
	ASSERT_EQ(0, set_linger(self->pair.client, 1, 5));
	ASSERT_EQ(0, set_nonblocking(self->pair.client, 1));
	EXPECT_EQ(SOCKET_ERROR, closesocket(self->pair.client));
	{
		int on = 1;

		ASSERT_EQ(0, setsockopt(self->pair.client, SOL_SOCKET, SO_DONTLINGER,
					(char *)&on, sizeof(on)));
	}
	EXPECT_EQ(0, closesocket(self->pair.client));
	EXPECT_GT(net_drain(self->pair.server, &error), 100000);
	EXPECT_EQ(0, error);
}

/* claims: N2 */
TEST_F(library, strict)
{
	struct winsock_query query;

	ASSERT_EQ(0, set_linger(self->pair.client, 1, 5));
	ASSERT_EQ(0, set_nonblocking(self->pair.client, 1));
	EXPECT_EQ(SOCKET_ERROR, winsock_closesocket(self->pair.client, WINSOCK_CLOSE_STRICT,
						    NULL));
	EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
	EXPECT_EQ(SOCKET_ERROR, winsock_closesocket(self->pair.client, WINSOCK_CLOSE_CANCEL,
						    NULL));
	EXPECT_EQ(WSAEINVAL, WSAGetLastError());
	ASSERT_EQ(0, winsock_query(self->pair.client, &query));
	EXPECT_EQ(0, query.flags & WINSOCK_QUERY_WOULD_BLOCK);
	EXPECT_EQ(0, closesocket(self->pair.client));
}

/* claims: B2 */
TEST_F(library, begun_it_is_told_later)
{
	struct winsock_close_options options = { .flags = WINSOCK_CLOSE_TIMEOUT,
						 .timeout_ns = 500000000, .tag = 77 };
	struct winsock_record record;
	int op = -7, idle;

	net_stuff(self->pair.client);
	options.flags = WINSOCK_CLOSE_STRICT;
	EXPECT_EQ(SOCKET_ERROR, winsock_close_begin(self->pair.client, &options, &op, NULL));
	EXPECT_EQ(WSAEINVAL, WSAGetLastError());
	options.flags = WINSOCK_CLOSE_TIMEOUT;
	ASSERT_EQ(0, winsock_close_begin(self->pair.client, &options, &op, NULL));
	ASSERT_EQ(self->pair.client, op);
	EXPECT_EQ(SOCKET_ERROR, winsock_close_result(op, 0, &record));
	EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
	EXPECT_EQ(SOCKET_ERROR, winsock_close_result(op, 100, &record));
	EXPECT_EQ(WSAETIMEDOUT, WSAGetLastError());
	for (int again = 0; again < 2; again++) {
		ASSERT_EQ(0, winsock_close_result(op, -1, &record));
		EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, record.outcome);
		EXPECT_EQ(77, record.tag);
	}
	EXPECT_EQ(1, RSTS());
	close(op);
	self->pair.client = -1;

	/* There is nothing to wait for: the close is final at once. */
	idle = socket(AF_INET, SOCK_STREAM, 0);
	options.flags = 0;
	options.timeout_ns = 0;
	ASSERT_EQ(0, winsock_close_begin(idle, &options, &op, &record));
	EXPECT_EQ(-1, op);
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, record.outcome);
	EXPECT_EQ(77, record.tag);
	EXPECT_FALSE(net_is_open(idle));
}

static int begin(SOCKET s, int *op)
{
	struct winsock_close_options options = { .flags = WINSOCK_CLOSE_TIMEOUT,
						 .timeout_ns = 60000000000ULL };

	return winsock_close_begin(s, &options, op, NULL);
}

/* claims: N3 */
TEST_F(library, taken_back_the_socket_is_at_its_number)
{
	struct winsock_record record;
	int op, copy;
	SOCKET s;

	net_stuff(self->pair.client);
	for (int flags = 0; flags <= FD_CLOEXEC; flags += FD_CLOEXEC) {
		ASSERT_EQ(0, fcntl(self->pair.client, F_SETFD, flags));
		ASSERT_EQ(0, begin(self->pair.client, &op));
		ASSERT_EQ(self->pair.client, op);
		EXPECT_EQ(FD_CLOEXEC, fcntl(op, F_GETFD));
		copy = dup(op);
		ASSERT_EQ(0, winsock_close_cancel(op, &s));
		EXPECT_EQ(self->pair.client, s);
		EXPECT_EQ(flags, fcntl(s, F_GETFD));
		EXPECT_EQ(TCP_ESTABLISHED, net_state(s));
		/* A copy of the op descriptor gives the record. */
		ASSERT_EQ(0, winsock_close_result(copy, 0, &record));
		EXPECT_EQ(WINSOCK_OUTCOME_CANCELLED, record.outcome);
		EXPECT_EQ(SOCKET_ERROR, winsock_close_abort(copy));
		EXPECT_EQ(WSAEALREADY, WSAGetLastError());
		close(copy);
	}
	/* A number that is a socket again is no op: its data is not read as a record. */
	ASSERT_EQ(64, send(self->pair.server, (char[64]){ 0 }, 64, 0));
	EXPECT_EQ(SOCKET_ERROR, winsock_close_result(s, 100, &record));
	EXPECT_EQ(WSAEINVAL, WSAGetLastError());
	EXPECT_EQ(64, recv(s, (char[64]){ 0 }, 64, 0));
	EXPECT_EQ(0, FINS() + RSTS());
}

/* Returns a library socket whose send buffer is full, or -1. */
static SOCKET open_stuffed(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	uint16_t port;

	net_listen(NET_V4, &port);
	name.sin_port = htons(port);
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(s, (struct sockaddr *)&name, sizeof(name)))
		return INVALID_SOCKET;
	net_stuff(s);
	return s;
}

/* claims: N5 */
TEST_F(library, taken_back_it_is_what_it_was)
{
	struct linger linger = { 0 };
	SOCKET s = open_stuffed();
	int size, op, one = 1;

	/* An option that the kernel does not store. */
	ASSERT_EQ(0, setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&one, sizeof(one)));
	ASSERT_EQ(0, set_linger(s, 7, 60));
	ASSERT_EQ(0, shutdown(s, SD_SEND));
	ASSERT_EQ(0, begin(s, &op));
	ASSERT_EQ(s, op);
	ASSERT_EQ(0, winsock_close_cancel(op, &s));
	size = sizeof(linger);
	EXPECT_EQ(0, getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, &size));
	EXPECT_EQ(7, linger.l_onoff);
	size = sizeof(one);
	one = 0;
	EXPECT_EQ(0, getsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&one, &size));
	EXPECT_EQ(1, one);
	EXPECT_EQ(SOCKET_ERROR, send(s, "x", 1, 0));
	EXPECT_EQ(WSAESHUTDOWN, WSAGetLastError());
}

/* claims: X2 */
TEST_F(library, the_last_cleanup_leaves_a_begun_close_alone)
{
	struct winsock_record record;
	SOCKET s = open_stuffed();
	WSADATA data;
	int op;

	ASSERT_EQ(0, begin(s, &op));
	ASSERT_EQ(0, WSACleanup());
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	EXPECT_EQ(SOCKET_ERROR, winsock_close_result(op, 0, &record));
	EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
	ASSERT_EQ(0, winsock_close_cancel(op, &s));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(s));
}

TEST_F(library, taken_back_by_nobody_but_who_began_and_while_the_number_is_the_ops)
{
	struct winsock_record record;
	int op, copy, status;
	pid_t child;
	SOCKET s;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, begin(self->pair.client, &op));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child)
		_exit(winsock_close_cancel(op, &s) == SOCKET_ERROR ? WSAGetLastError() % 256 : 0);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(WSAEACCES % 256, WEXITSTATUS(status));
	copy = dup(op);
	ASSERT_EQ(op, dup2(self->pair.server, op));
	EXPECT_EQ(SOCKET_ERROR, winsock_close_cancel(copy, &s));
	EXPECT_EQ(WSAEACCES, WSAGetLastError());
	EXPECT_EQ(0, FINS() + RSTS());
	/* Any holder may reset it. */
	ASSERT_EQ(0, winsock_close_abort(copy));
	ASSERT_EQ(0, winsock_close_result(copy, -1, &record));
	EXPECT_EQ(WINSOCK_OUTCOME_REQUEST, record.outcome);
	EXPECT_EQ(1, RSTS());
	close(copy);
}

/*
 * Behaviour that stays as on Linux although Windows differs: Documentation/differences.rst names
 * these tests.
 */

/* X1: Windows would reset. */
TEST_F(library, a_process_that_ends_sends_fin)
{
	size_t queued = net_stuff(self->pair.client);
	pid_t child = fork();
	int error;

	ASSERT_GE(child, 0);
	if (!child)
		_exit(0);
	close(self->pair.client);
	self->pair.client = -1;
	ASSERT_EQ(child, waitpid(child, NULL, 0));
	EXPECT_EQ(queued, net_drain(self->pair.server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* X6: neither queued nor later data resets. */
TEST_F(library, shutdown_of_receiving_resets_nothing)
{
	ASSERT_EQ(5, send(self->pair.server, "early", 5, 0));
	ASSERT_EQ(0, shutdown(self->pair.client, SD_RECEIVE));
	ASSERT_EQ(4, send(self->pair.server, "late", 4, 0));
	net_sleep(100);
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.server));
	EXPECT_EQ(0, RSTS());
}

TEST_HARNESS_MAIN
