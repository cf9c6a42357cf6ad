// SPDX-License-Identifier: GPL-2.0-only
/* closesocket() itself: the page's table through the library. */
#include <netinet/tcp.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "dev.h"
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
	struct winsock_report report;
	double start;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, set_linger(self->pair.client, 1, 1));
	start = net_now();
	ASSERT_EQ(0, winsock_closesocket(self->pair.client, 0, &report));
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, report.outcome);
	EXPECT_GT(report.unacked, 0);
	EXPECT_GE(report.elapsed_ns, 1000000000ULL);
	EXPECT_EQ(0, net_left(self->pair.client_port, self->pair.server_port));
	EXPECT_EQ(1, RSTS());
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
	/* Asio's way out. */
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
	/* .NET's way out, the last of its steps. */
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
	struct winsock_report report;
	int op = -7, idle;
	SOCKET s;

	net_stuff(self->pair.client);
	options.flags = WINSOCK_CLOSE_STRICT;
	EXPECT_EQ(SOCKET_ERROR, winsock_close_begin(self->pair.client, &options, &op, NULL));
	EXPECT_EQ(WSAEINVAL, WSAGetLastError());
	options.flags = WINSOCK_CLOSE_TIMEOUT;
	ASSERT_EQ(0, winsock_close_begin(self->pair.client, &options, &op, NULL));
	ASSERT_GE(op, 0);
	EXPECT_EQ(SOCKET_ERROR, winsock_close_result(op, 0, &report));
	EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
	EXPECT_EQ(SOCKET_ERROR, winsock_close_result(op, 100, &report));
	EXPECT_EQ(WSAETIMEDOUT, WSAGetLastError());
	ASSERT_EQ(0, winsock_close_cancel(op, &s));
	ASSERT_EQ(0, winsock_close_result(op, 0, &report));
	EXPECT_EQ(WINSOCK_OUTCOME_CANCELLED, report.outcome);
	EXPECT_EQ(SOCKET_ERROR, winsock_close_abort(op));
	EXPECT_EQ(WSAEALREADY, WSAGetLastError());
	close(op);

	ASSERT_EQ(0, winsock_close_begin(s, &options, &op, NULL));
	ASSERT_EQ(0, winsock_close_result(op, -1, &report));
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, report.outcome);
	EXPECT_EQ(77, report.tag);
	EXPECT_EQ(1, RSTS());
	close(op);

	/* Nothing to wait for: final at once. */
	idle = socket(AF_INET, SOCK_STREAM, 0);
	options.flags = 0;
	options.timeout_ns = 0;
	ASSERT_EQ(0, winsock_close_begin(idle, &options, &op, &report));
	EXPECT_EQ(-1, op);
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, report.outcome);
	EXPECT_EQ(77, report.tag);
	EXPECT_FALSE(net_is_open(idle));
}

/*
 * What stays as on Linux although Windows has it otherwise: Documentation/differences.rst
 * names these tests.
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

/* X6: neither what is queued nor what comes later resets. */
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
