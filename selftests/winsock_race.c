// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that meet in the middle of a close. This program defines the ioctl(2) and getsockopt(2)
 * that the library calls: in these it does what another thread does just before the kernel closes,
 * just after it, or when a socket's cookie was read.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "winsock_test.h"

/* Called by the next WINSOCK_IOC_CLOSE of the thread, before the kernel and after it. */
static __thread void (*before)(void);
static __thread void (*after)(void);
/* Called by the next read of SO_COOKIE, after the kernel. */
static __thread void (*known)(void);

static void call_once(void (**hook)(void))
{
	void (*called)(void) = *hook;

	*hook = NULL;
	if (called)
		called();
}

int ioctl(int fd, unsigned long request, ...)
{
	bool closes = request == WINSOCK_IOC_CLOSE;
	void *argument;
	va_list list;
	int result;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (closes)
		call_once(&before);
	result = syscall(SYS_ioctl, fd, request, argument);
	if (closes && after) {
		int saved = errno;

		call_once(&after);
		errno = saved;
	}
	return result;
}

int libc_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
	__asm__("getsockopt");
int libc_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	int result = syscall(SYS_getsockopt, fd, level, name, value, size);

	if (level == SOL_SOCKET && name == SO_COOKIE)
		call_once(&known);
	return result;
}

/* A call in a thread of its own: its result, and its error. */
struct call {
	SOCKET s;
	int (*function)(struct call *call);
	int result;
	int error;
	pthread_t thread;
	HANDLE handle;
	atomic_bool over;
};

static int call_recv(struct call *call)
{
	char byte;

	call->handle = winsock_thread_self();
	return recv(call->s, &byte, 1, 0);
}

static int call_close(struct call *call)
{
	return closesocket(call->s);
}

static int call_cleanup(struct call *call)
{
	return WSACleanup();
}

static void *call_run(void *argument)
{
	struct call *call = argument;

	call->result = call->function(call);
	call->error = call->result ? WSAGetLastError() : 0;
	call->over = true;
	return NULL;
}

/* Start the call, which usually has reached its wait when this returns. */
static void call_begin(struct call *call)
{
	call->over = false;
	pthread_create(&call->thread, NULL, call_run, call);
	net_sleep(200);
}

/* Wait for the end of the call, but not for ever. Returns its error. */
static int call_end(struct call *call)
{
	for (int i = 0; i < 100 && !call->over; i++)
		net_sleep(100);
	if (!call->over)
		return -1;
	pthread_join(call->thread, NULL);
	return call->error;
}

/* The calls of the hooks. */
static struct call second, receiver;
static SOCKET listener, number, peer;
static uint16_t listener_port;

static void begin_second(void)
{
	call_begin(&second);
}

/* claims: A10 P10 */
TEST_F(winsock, of_two_closes_at_once_one_is_done_and_ends_the_calls)
{
	/* The second close lingers if the kernel gets it first. */
	for (int seconds = 0; seconds < 2; seconds++) {
		receiver = (struct call){ self->client, call_recv };
		second = (struct call){ self->client, call_close };
		call_begin(&receiver);
		if (seconds) {
			stuff(self->client);
			set_linger(self->client, 1, seconds);
		}
		before = begin_second;
		EXPECT_EQ(0, closesocket(self->client));
		EXPECT_EQ(WSAENOTSOCK, call_end(&second));
		EXPECT_EQ(WSAECONNABORTED, call_end(&receiver));
		EXPECT_FALSE(net_is_open(self->client));
		closesocket(self->server);
		self->client = open_pair(self->listener, self->port, &self->server);
	}
}

static void close_natively(void)
{
	close(number);
}

/* claims: A10 */
TEST_F(winsock, what_was_closed_by_other_ways_ends_calls_and_operations)
{
	WSAOVERLAPPED overlapped = { .hEvent = WSACreateEvent() };
	WSABUF buffer = { 1, (char[1]){ 0 } };
	DWORD moved, flags = 0;

	receiver = (struct call){ self->client, call_recv };
	call_begin(&receiver);
	EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->client, &buffer, 1, NULL, &flags, &overlapped,
					   NULL));
	number = self->client;
	before = close_natively;
	EXPECT_WSA(WSAENOTSOCK, closesocket(self->client));
	EXPECT_EQ(WSAECONNABORTED, call_end(&receiver));
	ASSERT_TRUE(is_set(overlapped.hEvent));
	EXPECT_FALSE(WSAGetOverlappedResult(self->client, &overlapped, &moved, FALSE, &flags));
	EXPECT_EQ(WSA_OPERATION_ABORTED, WSAGetLastError());
}

static atomic_bool first_is_over;

static void wait_for_first(void)
{
	while (!first_is_over)
		net_sleep(10);
}

static int call_close_late(struct call *call)
{
	before = wait_for_first;
	return call_close(call);
}

/* Another socket gets the number that the close has freed, and its close is refused. */
static void refuse_second(void)
{
	number = open_pair(listener, listener_port, &peer);
	stuff(number);
	set_linger(number, 7, 30);
	set_nonblock(number, 1);
	second = (struct call){ number, call_close_late };
	call_begin(&second);
}

/* claims: N5 */
TEST_F(winsock, a_close_leaves_the_next_ones_socket_alone)
{
	struct linger linger = { 0 };
	int size = sizeof(linger);

	listener = self->listener;
	listener_port = self->port;
	first_is_over = false;
	after = refuse_second;
	ASSERT_EQ(0, closesocket(self->client));
	first_is_over = true;
	ASSERT_EQ(self->client, number);
	EXPECT_EQ(WSAEWOULDBLOCK, call_end(&second));
	/* The refused close has restored its state. */
	EXPECT_EQ(0, getsockopt(number, SOL_SOCKET, SO_LINGER, (char *)&linger, &size));
	EXPECT_EQ(7, linger.l_onoff);
}

static void *end_first(void *unused)
{
	net_sleep(200);
	first_is_over = true;
	return unused;
}

/* The close is refused or done a while later: calls on the socket wait for that. */
static void begin_second_and_leave_it(void)
{
	pthread_t thread;

	call_begin(&second);
	pthread_create(&thread, NULL, end_first, NULL);
	pthread_detach(thread);
}

/* claims: P1 */
TEST_F(winsock, what_is_noted_of_a_socket_does_not_hide_that_it_is_being_closed)
{
	SOCKET s = net_connect(NET_V4, self->port, false);
	WSABUF buffer = { 1, (char[1]){ 0 } };
	WSAOVERLAPPED overlapped = { 0 };
	DWORD flags = 0, ms = 1000;

	second = (struct call){ s, call_close_late };
	first_is_over = false;
	known = begin_second_and_leave_it;
	ASSERT_EQ(0, setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (char *)&ms, sizeof(ms)));
	EXPECT_EQ(NULL, known);
	/* Otherwise the operation would never end. */
	EXPECT_WSA(WSAENOTSOCK, WSARecv(s, &buffer, 1, NULL, &flags, &overlapped, NULL));
	EXPECT_EQ(0, call_end(&second));
}

static WSAOVERLAPPED pending;

static int call_receive(struct call *call)
{
	static char byte;
	WSABUF buffer = { 1, &byte };
	DWORD flags = 0;

	memset(&pending, 0, sizeof(pending));
	return WSARecv(call->s, &buffer, 1, NULL, &flags, &pending, NULL);
}

static int call_select_events(struct call *call)
{
	return WSAEventSelect(call->s, WSACreateEvent(), FD_READ);
}

static int call_set_linger(struct call *call)
{
	set_linger(call->s, 7, 30);
	return 0;
}

/* claims: N3 N5 */
TEST_F(winsock, a_refused_close_is_not_seen_by_calls_of_other_threads)
{
	static const struct { int (*function)(struct call *call), error; } calls[] = {
		{ call_receive, WSA_IO_PENDING }, { call_select_events, 0 }, { call_set_linger, 0 },
	};
	struct linger linger = { 0 };
	int size = sizeof(linger);

	stuff(self->client);
	set_linger(self->client, 1, 30);
	set_nonblock(self->client, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		second = (struct call){ self->client, calls[i].function };
		before = begin_second;
		EXPECT_WSA(WSAEWOULDBLOCK, closesocket(self->client));
		EXPECT_EQ(calls[i].error, call_end(&second));
	}
	EXPECT_EQ(0, getsockopt(self->client, SOL_SOCKET, SO_LINGER, (char *)&linger, &size));
	EXPECT_EQ(7, linger.l_onoff);
}

static atomic_bool may_end;

static int call_receive_and_end(struct call *call)
{
	int result = call_receive(call);

	while (!may_end)
		net_sleep(10);
	return result;
}

static void end_receiver(void)
{
	may_end = true;
	net_sleep(200);
}

/* The close has its answer; its next look at a cookie is for the socket's other handle. */
static void end_receiver_soon(void)
{
	known = end_receiver;
}

/* claims: P22 P7 */
TEST_F(winsock, a_thread_waits_for_its_operations_while_a_close_moves_them)
{
	WSAPROTOCOL_INFOA info;
	SOCKET twin;
	char byte;

	ASSERT_EQ(0, WSADuplicateSocketA(self->client, GetCurrentProcessId(), &info));
	twin = WSASocketA(-1, -1, -1, &info, 0, 0);
	ASSERT_GE(twin, 0);
	may_end = false;
	receiver = (struct call){ self->client, call_receive_and_end };
	call_begin(&receiver);
	after = end_receiver_soon;
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_TRUE(may_end);
	may_end = true;
	EXPECT_EQ(WSA_IO_PENDING, call_end(&receiver));
	EXPECT_TRUE(HasOverlappedIoCompleted(&pending));
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	EXPECT_EQ(1, recv(twin, &byte, 1, 0));
}

static void routine(ULONG_PTR data)
{
	(void)data;
}

static void wake_receiver(void)
{
	number = open_pair(listener, listener_port, &peer);
	send(peer, "x", 1, 0);
	QueueUserAPC(routine, receiver.handle, 0);
	net_sleep(200);
}

/* claims: P10 A10 */
TEST_F(winsock, a_call_that_looks_in_the_close_takes_nothing_of_the_next_socket)
{
	char byte;

	listener = self->listener;
	listener_port = self->port;
	receiver = (struct call){ self->client, call_recv };
	call_begin(&receiver);
	after = wake_receiver;
	ASSERT_EQ(0, closesocket(self->client));
	ASSERT_EQ(self->client, number);
	EXPECT_EQ(WSAECONNABORTED, call_end(&receiver));
	set_nonblock(number, 1);
	EXPECT_EQ(1, recv(number, &byte, 1, 0));
}

static void close_second(void)
{
	number = open_pair(listener, listener_port, &peer);
	receiver = (struct call){ number, call_recv };
	call_begin(&receiver);
	second = (struct call){ number, call_close };
	call_begin(&second);
}

/* claims: P10 */
TEST_F(winsock, a_call_on_the_next_socket_is_ended_by_its_close)
{
	listener = self->listener;
	listener_port = self->port;
	after = close_second;
	ASSERT_EQ(0, closesocket(self->client));
	ASSERT_EQ(self->client, number);
	EXPECT_EQ(0, call_end(&second));
	EXPECT_EQ(WSAECONNABORTED, call_end(&receiver));
}

/* claims: X2 A10 */
TEST_F(winsock, of_two_last_cleanups_at_once_one_resets_all)
{
	SOCKET other, server;
	int error;

	other = open_pair(self->listener, self->port, &server);
	server = dup(server);
	peer = dup(self->server);
	second = (struct call){ .function = call_cleanup };
	before = begin_second;
	EXPECT_EQ(0, WSACleanup());
	EXPECT_EQ(WSANOTINITIALISED, call_end(&second));
	EXPECT_FALSE(net_is_open(self->client) || net_is_open(other));
	net_drain(peer, &error);
	EXPECT_EQ(104 /* ECONNRESET */, error);
	net_drain(server, &error);
	EXPECT_EQ(104, error);
}

TEST_HARNESS_MAIN
