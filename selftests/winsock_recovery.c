// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sequences by which real programs go on after WSAEWOULDBLOCK (N6 to N11), rewritten. Each must end
 * in a closed socket. And closes without the descriptors or memory that they would use.
 */
#include <sys/resource.h>

#include "winsock_test.h"

/* Asio's close: a destructor drops a linger that the user has set; otherwise back to blocking. */
static int asio_close(SOCKET s, bool destructor)
{
	struct linger none = { 0, 0 };
	u_long blocking = 0;
	int result;

	if (destructor)
		setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&none, sizeof(none));
	result = closesocket(s);
	if (result == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK) {
		ioctlsocket(s, FIONBIO, &blocking);
		result = closesocket(s);
	}
	return result;
}

/* .NET's abort: cancel, close; blocking, close; {1,0}, close. Returns the steps it took. */
static int dotnet_close(SOCKET s)
{
	struct linger hard = { 1, 0 };
	u_long blocking = 0;

	CancelIoEx((HANDLE)(intptr_t)s, NULL);
	if (!closesocket(s))
		return 1;
	if (WSAGetLastError() != WSAEWOULDBLOCK)
		return -1;
	if (ioctlsocket(s, FIONBIO, &blocking) == 0 && !closesocket(s))
		return 2;
	if (setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&hard, sizeof(hard)) &&
	    WSAGetLastError() != WSAEINVAL && WSAGetLastError() != WSAENOPROTOOPT)
		return -2;
	return closesocket(s) ? -3 : 3;
}

/* Cygwin's close: again every 10 ms, on a socket that network events keep non-blocking. */
static int cygwin_close(SOCKET s)
{
	int rounds = 0;

	while (closesocket(s)) {
		if (WSAGetLastError() != WSAEWOULDBLOCK)
			return -1;
		SleepEx(10, TRUE);
		rounds++;
	}
	return rounds;
}

static void arm(SOCKET s, int seconds)
{
	stuff(s);
	set_linger(s, 1, seconds);
	set_nonblock(s, 1);
}

/* claims: N8 N10 G2 */
TEST_F(winsock, asio)
{
	double begun = net_now();
	int error;

	arm(self->client, 1);
	EXPECT_EQ(0, asio_close(self->client, false));
	EXPECT_GE(net_now() - begun, 1.0);
	EXPECT_FALSE(net_is_open(self->client));
	net_drain(self->server, &error);
	EXPECT_EQ(104 /* ECONNRESET */, error);
	closesocket(self->server);

	self->client = open_pair(self->listener, self->port, &self->server);
	arm(self->client, 30);
	begun = net_now();
	EXPECT_EQ(0, asio_close(self->client, true));
	EXPECT_LT(net_now() - begun, 1.0);
	EXPECT_FALSE(net_is_open(self->client));
	net_drain(self->server, &error);
	EXPECT_EQ(0, error);
}

/* claims: N8 N9 P1 */
TEST_F(winsock, dotnet)
{
	WSAEVENT event = WSACreateEvent();
	WSAOVERLAPPED overlapped = { .hEvent = event };
	WSABUF buffer = { 16, (char[16]){ 0 } };
	DWORD flags = 0;

	arm(self->client, 1);
	EXPECT_EQ(SOCKET_ERROR, WSARecv(self->client, &buffer, 1, NULL, &flags, &overlapped, NULL));
	EXPECT_EQ(2, dotnet_close(self->client));
	EXPECT_FALSE(net_is_open(self->client));
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(1, &event, FALSE, 2000, FALSE));
	closesocket(self->server);
	/* If the socket cannot become blocking the third step closes it. */
	self->client = open_pair(self->listener, self->port, &self->server);
	arm(self->client, 30);
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ));
	EXPECT_EQ(3, dotnet_close(self->client));
	EXPECT_FALSE(net_is_open(self->client));
}

/* claims: N6 N7 N11 */
TEST_F(winsock, cygwin)
{
	WSAEVENT event = WSACreateEvent();
	struct net_pair pair = { .client = self->client, .server = self->server };
	pid_t reader;
	int error;

	arm(self->client, 240);
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_CLOSE));
	reader = net_drain_later(&pair, 300);
	EXPECT_GT(cygwin_close(self->client), 10);
	EXPECT_FALSE(net_is_open(self->client));
	net_drain_result(reader, &error);
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, RSTS());
}

/* Use up all numbers, until RLIMIT_NOFILE is restored. Returns the former limit. */
static struct rlimit use_up(void)
{
	struct rlimit before, little;
	int used = dup(0);

	close(used);
	getrlimit(RLIMIT_NOFILE, &before);
	little = (struct rlimit){ used, before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &little);
	return before;
}

static void *close_it(void *s)
{
	return (void *)(intptr_t)closesocket(*(SOCKET *)s);
}

/* claims: B3 */
TEST_F(winsock, without_a_free_descriptor)
{
	struct rlimit before;
	pthread_t thread;
	double begun;
	void *result;

	set_linger(self->client, 1, 2);
	stuff(self->client);
	before = use_up();
	EXPECT_EQ(-1, dup(0));
	begun = net_now();
	/* A new thread has no descriptor for its wake-up, either. */
	ASSERT_EQ(0, pthread_create(&thread, NULL, close_it, &self->client));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
	EXPECT_GE(net_now() - begun, 2.0);
	EXPECT_LT(net_now() - begun, 2 + AT_ONCE);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
	EXPECT_FALSE(net_is_open(self->client));
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
}

static void *receive_it(void *argument)
{
	char byte;

	return (void *)(intptr_t)recv(*(SOCKET *)argument, &byte, 1, 0);
}

/* A waiting thread has no descriptor to wake it: it looks now and then. */
TEST_F(winsock, without_a_free_descriptor_a_call_waits_and_a_close_ends_it)
{
	struct rlimit before = use_up();
	pthread_t thread;
	void *result;

	EXPECT_EQ(-1, dup(0));
	for (int closes = 0; closes < 2; closes++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, receive_it, &self->client));
		net_sleep(200);
		if (closes) {
			ASSERT_EQ(0, closesocket(self->client));
		} else {
			ASSERT_EQ(1, send(self->server, "x", 1, 0));
		}
		ASSERT_EQ(0, pthread_join(thread, &result));
		EXPECT_EQ(closes ? SOCKET_ERROR : 1, (intptr_t)result);
	}
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
}

struct alert {
	HANDLE thread;
	unsigned int runs;
};

static void alert_cancel(ULONG_PTR data)
{
	((struct alert *)data)->runs++;
	WSACancelBlockingCall();
}

static void *alert_run(void *argument)
{
	struct alert *alert = argument;

	net_sleep(500);
	QueueUserAPC(alert_cancel, alert->thread, (ULONG_PTR)alert);
	return NULL;
}

/* claims: A14 B9 */
TEST_F(winsock, without_a_free_descriptor_a_close_waits_alertably_and_is_taken_back)
{
	struct alert alert = { .thread = winsock_thread_self() };
	struct rlimit before;
	pthread_t thread;
	double begun;

	set_linger(self->client, 1, 20);
	stuff(self->client);
	before = use_up();
	EXPECT_EQ(-1, dup(0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, alert_run, &alert));
	begun = net_now();
	EXPECT_WSA(WSAEINTR, closesocket(self->client));
	EXPECT_LT(net_now() - begun, 5.0);
	EXPECT_EQ(1, alert.runs);
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->client));
	EXPECT_EQ(0, FINS() + RSTS());
	ASSERT_EQ(0, pthread_join(thread, NULL));
	set_linger(self->client, 1, 0);
	EXPECT_EQ(0, closesocket(self->client));
	EXPECT_FALSE(net_is_open(self->client));
	EXPECT_EQ(1, RSTS());
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
}

/* More than the helper thread's stack. */
static __thread char local[256 * 1024];

TEST_F(winsock, overlapped_in_a_program_with_much_thread_local_data)
{
	WSAOVERLAPPED overlapped = { .hEvent = WSACreateEvent() };
	WSABUF buffer = { 1, local + sizeof(local) - 1 };
	DWORD moved, flags = 0;

	EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->client, &buffer, 1, &moved, &flags, &overlapped,
					   NULL));
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, 2000,
							     FALSE));
	EXPECT_EQ('x', local[sizeof(local) - 1]);
}

TEST_HARNESS_MAIN
