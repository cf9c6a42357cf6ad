// SPDX-License-Identifier: GPL-2.0-only
/* Completion ports. */
#include <sched.h>
#include <sys/resource.h>

#include "winsock_test.h"

#define TO_HANDLE(s) ((HANDLE)(intptr_t)(s))

struct packet {
	DWORD moved;
	ULONG_PTR key;
	LPOVERLAPPED overlapped;
};

static bool take(HANDLE port, struct packet *packet, DWORD ms)
{
	*packet = (struct packet){ 77, 77, (LPOVERLAPPED)77 };
	return GetQueuedCompletionStatus(port, &packet->moved, &packet->key, &packet->overlapped,
					 ms);
}

/* There is no packet: FALSE, with this error. */
#define EXPECT_NONE(port, ms, code) do { \
	struct packet none_; \
	EXPECT_FALSE(take(port, &none_, ms)); \
	EXPECT_EQ(code, GetLastError()); \
	EXPECT_EQ(NULL, none_.overlapped); \
} while (0)

static int receive(SOCKET s, WSAOVERLAPPED *overlapped, char *data, ULONG size)
{
	WSABUF buffer = { size, data };
	DWORD flags = 0;

	if (!WSARecv(s, &buffer, 1, NULL, &flags, overlapped, NULL))
		return 0;
	return WSAGetLastError();
}

TEST_F(winsock, posted_packets_in_their_order)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	struct packet packet;
	double begun;

	ASSERT_NE(NULL, port);
	EXPECT_NONE(port, 0, WAIT_TIMEOUT);
	begun = net_now();
	EXPECT_NONE(port, 200, WAIT_TIMEOUT);
	EXPECT_GE(net_now() - begun, 0.2);
	for (int i = 0; i < 5; i++)
		EXPECT_TRUE(PostQueuedCompletionStatus(port, i, 100 + i, (LPOVERLAPPED)(uintptr_t)i));
	for (int i = 0; i < 5; i++) {
		ASSERT_TRUE(take(port, &packet, INFINITE));
		EXPECT_EQ(i, packet.moved);
		EXPECT_EQ(100 + i, packet.key);
		EXPECT_EQ(i, (uintptr_t)packet.overlapped);
	}
	EXPECT_TRUE(CloseHandle(port));
	EXPECT_FALSE(PostQueuedCompletionStatus(port, 1, 1, NULL));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
	EXPECT_NONE(port, 0, ERROR_INVALID_HANDLE);
}

/* claims: H4 */
TEST_F(winsock, the_peers_reset_has_the_systems_name_at_a_port)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	WSAOVERLAPPED overlapped = { 0 };
	struct packet packet;
	DWORD moved, flags;
	char data[16];

	ASSERT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped, data, 16));
	set_linger(self->server, 1, 0);
	ASSERT_EQ(0, closesocket(self->server));
	EXPECT_FALSE(take(port, &packet, 5000));
	EXPECT_EQ(ERROR_NETNAME_DELETED, GetLastError());
	EXPECT_EQ(&overlapped, packet.overlapped);
	EXPECT_FALSE(WSAGetOverlappedResult(self->client, &overlapped, &moved, FALSE, &flags));
	EXPECT_EQ(WSAECONNRESET, WSAGetLastError());
	for (int i = 0; i < 2; i++) {
		EXPECT_FALSE(GetOverlappedResult(TO_HANDLE(self->client), &overlapped, &moved,
						 FALSE));
		EXPECT_EQ(ERROR_NETNAME_DELETED, GetLastError());
		closesocket(self->client);
	}
}

TEST_F(winsock, several_sockets_told_apart_by_their_keys)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	WSAOVERLAPPED overlapped[2] = { 0 };
	struct packet packet;
	char data[2][16];

	ASSERT_NE(NULL, port);
	EXPECT_EQ(port, CreateIoCompletionPort(TO_HANDLE(self->server), port, 22, 0));
	EXPECT_EQ(NULL, CreateIoCompletionPort(TO_HANDLE(self->server), port, 33, 0));
	EXPECT_EQ(ERROR_INVALID_PARAMETER, GetLastError());
	EXPECT_EQ(NULL, CreateIoCompletionPort(TO_HANDLE(999), port, 33, 0));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
	EXPECT_EQ(NULL, CreateIoCompletionPort(TO_HANDLE(self->listener), TO_HANDLE(77), 1, 0));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
	EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped[0], data[0], 16));
	EXPECT_EQ(WSA_IO_PENDING, receive(self->server, &overlapped[1], data[1], 16));
	ASSERT_EQ(3, send(self->client, "one", 3, 0));
	ASSERT_TRUE(take(port, &packet, 5000));
	EXPECT_EQ(22, packet.key);
	EXPECT_EQ(3, packet.moved);
	EXPECT_EQ(&overlapped[1], packet.overlapped);
	ASSERT_EQ(4, send(self->server, "four", 4, 0));
	ASSERT_TRUE(take(port, &packet, 5000));
	EXPECT_EQ(11, packet.key);
	EXPECT_EQ(4, packet.moved);
	EXPECT_EQ(&overlapped[0], packet.overlapped);
	EXPECT_NONE(port, 50, WAIT_TIMEOUT);
}

/* claims: P1 P2 P3 P5 */
TEST_F(winsock, a_close_completes_what_is_pending_and_nothing_else)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	WSAOVERLAPPED overlapped[3] = { 0 };
	struct packet packet;
	char data[3][16];

	CreateIoCompletionPort(TO_HANDLE(self->server), port, 22, 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped[i], data[i], 16));
	ASSERT_EQ(0, closesocket(self->client));
	for (int i = 0; i < 3; i++) {
		EXPECT_FALSE(take(port, &packet, 5000));
		EXPECT_EQ(WSA_OPERATION_ABORTED, GetLastError());
		EXPECT_EQ(0, packet.moved);
		EXPECT_EQ(11, packet.key);
		ASSERT_GE((void *)packet.overlapped, (void *)overlapped);
		ASSERT_LT((void *)packet.overlapped, (void *)(overlapped + 3));
		/* Each packet comes once. */
		EXPECT_EQ(NULL, packet.overlapped->hEvent);
		packet.overlapped->hEvent = port;
	}
	EXPECT_NONE(port, 50, WAIT_TIMEOUT);
	/* The other socket has no pending operation: no packet comes. */
	ASSERT_EQ(0, closesocket(self->server));
	EXPECT_NONE(port, 50, WAIT_TIMEOUT);
}

/* claims: P1 */
TEST_F(winsock, what_finished_first_is_a_success)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	WSAOVERLAPPED overlapped = { 0 };
	struct packet packet;
	char data[16];

	EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped, data, 16));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	net_sleep(100);
	ASSERT_EQ(0, closesocket(self->client));
	ASSERT_TRUE(take(port, &packet, 5000));
	EXPECT_EQ(5, packet.moved);
	EXPECT_EQ(0, memcmp(data, "hello", 5));
	EXPECT_NONE(port, 50, WAIT_TIMEOUT);
}

TEST_F(winsock, by_event_and_not_to_the_port)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	WSAOVERLAPPED overlapped = { 0 };
	WSAEVENT event = WSACreateEvent();
	struct packet packet;
	char data[16];

	/* A completion goes to port and event; with the low bit set to the event alone. */
	overlapped.hEvent = event;
	EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped, data, 16));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(1, &event, FALSE, 5000, FALSE));
	ASSERT_TRUE(take(port, &packet, 5000));
	overlapped.hEvent = (HANDLE)((uintptr_t)event | 1);
	EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped, data, 16));
	EXPECT_EQ(WSA_WAIT_TIMEOUT, WSAWaitForMultipleEvents(1, &event, FALSE, 50, FALSE));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(1, &event, FALSE, 5000, FALSE));
	EXPECT_NONE(port, 50, WAIT_TIMEOUT);
}

struct worker {
	HANDLE port;
	pthread_t thread;
	unsigned int taken;
	DWORD error;
};

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	struct packet packet;

	while (take(worker->port, &packet, INFINITE))
		worker->taken++;
	worker->error = GetLastError();
	return NULL;
}

TEST_F(winsock, several_threads_share_a_port_until_it_is_closed)
{
	enum { WORKERS = 4, PACKETS = 1000 };
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	struct worker workers[WORKERS] = { 0 };
	WSAOVERLAPPED overlapped[8] = { 0 };
	unsigned int taken = 0;
	char data[8];

	for (int i = 0; i < WORKERS; i++) {
		workers[i].port = port;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]));
	}
	net_sleep(50);
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped[i], &data[i], 1));
	for (int i = 0; i < PACKETS; i++)
		EXPECT_TRUE(PostQueuedCompletionStatus(port, 0, i, NULL));
	ASSERT_EQ(8, send(self->server, "12345678", 8, 0));
	net_sleep(500);
	EXPECT_TRUE(CloseHandle(port));
	for (int i = 0; i < WORKERS; i++) {
		ASSERT_EQ(0, pthread_join(workers[i].thread, NULL));
		EXPECT_EQ(ERROR_ABANDONED_WAIT_0, workers[i].error);
		taken += workers[i].taken;
	}
	EXPECT_EQ(PACKETS + 8, taken);
	/* The socket works without the port. */
	EXPECT_EQ(0, closesocket(self->client));
}

/* The helper waits beside the worker, and must not take the event that is to wake it. */
TEST_F(winsock, the_helper_leaves_a_workers_wake_up_to_it)
{
	enum { ROUNDS = 500, SWITCHES = 10 };
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	struct worker worker = { .port = port };
	WSAOVERLAPPED overlapped = { 0 };
	struct rusage before, after;
	char data;

	ASSERT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped, &data, 1));
	ASSERT_EQ(0, pthread_create(&worker.thread, NULL, worker_run, &worker));
	net_sleep(1000);
	getrusage(RUSAGE_SELF, &before);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(1, send(self->server, "x", 1, 0));
		while (*(volatile unsigned int *)&worker.taken <= i)
			usleep(20);
		if (i + 1 < ROUNDS)
			receive(self->client, &overlapped, &data, 1);
	}
	getrusage(RUSAGE_SELF, &after);
	EXPECT_LE(after.ru_nvcsw - before.ru_nvcsw, ROUNDS * SWITCHES);
	EXPECT_TRUE(CloseHandle(port));
	pthread_join(worker.thread, NULL);
}

/* CPU time that this process takes in half a second, s. */
static double busy(void)
{
	struct timespec before, after;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	net_sleep(500);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	return after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) / 1e9;
}

/* What the socket is ready for is not what the operation waits for. */
TEST_F(winsock, the_helper_sleeps_while_an_operation_waits_beside_events)
{
	WSAOVERLAPPED received = { 0 }, sent = { 0 };
	WSAEVENT event = WSACreateEvent();
	static char block[1 << 20];
	WSABUF buffer = { sizeof(block), block };
	WSANETWORKEVENTS events;
	DWORD moved, flags;
	char data;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_CLOSE));
	ASSERT_EQ(WSA_IO_PENDING, receive(self->client, &received, &data, 1));
	EXPECT_LT(busy(), 0.1);
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	EXPECT_TRUE(WSAGetOverlappedResult(self->client, &received, &moved, TRUE, &flags));
	EXPECT_EQ('x', data);

	stuff(self->client);
	ASSERT_EQ(SOCKET_ERROR, WSASend(self->client, &buffer, 1, NULL, 0, &sent, NULL));
	ASSERT_EQ(WSA_IO_PENDING, WSAGetLastError());
	ASSERT_EQ(1, send(self->server, "y", 1, 0));
	EXPECT_LT(busy(), 0.1);
	set_linger(self->server, 1, 0);
	ASSERT_EQ(0, closesocket(self->server));
	EXPECT_FALSE(WSAGetOverlappedResult(self->client, &sent, &moved, TRUE, &flags));
	EXPECT_EQ(WSAECONNRESET, WSAGetLastError());
	/* The send has had the error; the event's is no less. */
	EXPECT_TRUE(is_set(event));
	ASSERT_EQ(0, WSAEnumNetworkEvents(self->client, event, &events));
	EXPECT_EQ(FD_CLOSE, events.lNetworkEvents);
	EXPECT_EQ(WSAECONNABORTED, events.iErrorCode[FD_CLOSE_BIT]);
}

/* A port has the system's names of errors, WSAGetOverlappedResult() Winsock's. */
TEST_F(winsock, a_datagrams_errors_have_the_systems_names_at_a_port)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	SOCKET s[2] = { socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_DGRAM, 0) };
	struct sockaddr_in names[2] = { loopback(0), loopback(0) };
	WSAOVERLAPPED overlapped = { 0 };
	struct packet packet;
	char data[2];

	for (int i = 0; i < 2; i++) {
		int size = sizeof(names[i]);

		ASSERT_EQ(0, bind(s[i], (struct sockaddr *)&names[i], size));
		ASSERT_EQ(0, getsockname(s[i], (struct sockaddr *)&names[i], &size));
	}
	ASSERT_EQ(port, CreateIoCompletionPort(TO_HANDLE(s[0]), port, 1, 0));
	ASSERT_EQ(0, connect(s[0], (struct sockaddr *)&names[1], sizeof(names[1])));
	ASSERT_EQ(WSA_IO_PENDING, receive(s[0], &overlapped, data, 2));
	ASSERT_EQ(3, sendto(s[1], "abc", 3, 0, (struct sockaddr *)&names[0], sizeof(names[0])));
	EXPECT_FALSE(take(port, &packet, 5000));
	EXPECT_EQ(ERROR_MORE_DATA, GetLastError());
	EXPECT_EQ(2, packet.moved);

	ASSERT_EQ(WSA_IO_PENDING, receive(s[0], &overlapped, data, 2));
	ASSERT_EQ(0, closesocket(s[1]));
	ASSERT_EQ(1, send(s[0], "x", 1, 0));
	EXPECT_FALSE(take(port, &packet, 5000));
	EXPECT_EQ(ERROR_PORT_UNREACHABLE, GetLastError());
	EXPECT_FALSE(GetOverlappedResult(TO_HANDLE(s[0]), &overlapped, &packet.moved, FALSE));
	EXPECT_EQ(ERROR_PORT_UNREACHABLE, GetLastError());
}

struct last_in {
	HANDLE port;
	ULONG_PTR key;
	pthread_t thread;
};

static void *last_in_run(void *argument)
{
	struct last_in *worker = argument;
	struct packet packet;

	if (take(worker->port, &packet, 5000))
		worker->key = packet.key;
	return NULL;
}

TEST_F(winsock, who_came_last_is_woken_first)
{
	enum { WORKERS = 4 };
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	struct last_in workers[WORKERS] = { 0 };

	for (int i = 0; i < WORKERS; i++) {
		workers[i].port = port;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, last_in_run, &workers[i]));
		net_sleep(100);
	}
	for (int i = 0; i < WORKERS; i++) {
		EXPECT_TRUE(PostQueuedCompletionStatus(port, 0, i + 1, NULL));
		net_sleep(100);
		ASSERT_EQ(0, pthread_join(workers[WORKERS - 1 - i].thread, NULL));
		EXPECT_EQ(i + 1, workers[WORKERS - 1 - i].key);
	}
}

static void count(ULONG_PTR data)
{
	++*(unsigned int *)data;
}

TEST_F(winsock, several_at_once_and_alertable)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	WSAOVERLAPPED overlapped = { 0 };
	OVERLAPPED_ENTRY entries[4];
	unsigned int runs = 0;
	ULONG removed;
	char data[16];

	for (int i = 0; i < 6; i++)
		PostQueuedCompletionStatus(port, i, i, NULL);
	ASSERT_TRUE(GetQueuedCompletionStatusEx(port, entries, 4, &removed, 1000, FALSE));
	EXPECT_EQ(4, removed);
	EXPECT_EQ(3, entries[3].lpCompletionKey);
	ASSERT_TRUE(GetQueuedCompletionStatusEx(port, entries, 4, &removed, 1000, TRUE));
	EXPECT_EQ(2, removed);
	QueueUserAPC(count, GetCurrentThread(), (ULONG_PTR)&runs);
	EXPECT_FALSE(GetQueuedCompletionStatusEx(port, entries, 4, &removed, 100, FALSE));
	EXPECT_EQ(WAIT_TIMEOUT, GetLastError());
	EXPECT_EQ(0, runs);
	EXPECT_FALSE(GetQueuedCompletionStatusEx(port, entries, 4, &removed, INFINITE, TRUE));
	EXPECT_EQ(WAIT_IO_COMPLETION, GetLastError());
	EXPECT_EQ(0, removed);
	EXPECT_EQ(1, runs);
	/* In an alertable wait the helper does the work. */
	EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped, data, 16));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	ASSERT_TRUE(GetQueuedCompletionStatusEx(port, entries, 4, &removed, 5000, TRUE));
	EXPECT_EQ(1, removed);
	EXPECT_EQ(5, entries[0].dwNumberOfBytesTransferred);
	EXPECT_EQ(0, entries[0].Internal);
}

static int threads(void)
{
	char line[128];
	int count = -1;
	FILE *status = fopen("/proc/self/status", "r");

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "Threads: %d", &count);
	if (status)
		fclose(status);
	return count;
}

TEST_F(winsock, no_helper_thread_before_the_first_overlapped_call)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	WSAOVERLAPPED overlapped = { 0 };
	WSAEVENT event = WSACreateEvent();
	struct packet packet;
	char data[16];

	PostQueuedCompletionStatus(port, 0, 0, NULL);
	ASSERT_TRUE(take(port, &packet, 100));
	EXPECT_EQ(WSA_WAIT_TIMEOUT, WSAWaitForMultipleEvents(1, &event, FALSE, 10, TRUE));
	EXPECT_EQ(1, threads());
	EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped, data, 16));
	EXPECT_EQ(2, threads());
}

TEST_F(winsock, events_one_and_all)
{
	WSAEVENT events[3];

	for (int i = 0; i < 3; i++)
		events[i] = WSACreateEvent();
	EXPECT_EQ(WSA_WAIT_TIMEOUT, WSAWaitForMultipleEvents(3, events, FALSE, 0, FALSE));
	WSASetEvent(events[2]);
	EXPECT_EQ(WSA_WAIT_EVENT_0 + 2, WSAWaitForMultipleEvents(3, events, FALSE, 0, FALSE));
	EXPECT_EQ(WSA_WAIT_TIMEOUT, WSAWaitForMultipleEvents(3, events, TRUE, 100, FALSE));
	WSASetEvent(events[0]);
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(3, events, FALSE, INFINITE, FALSE));
	WSASetEvent(events[1]);
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(3, events, TRUE, INFINITE, FALSE));
	WSAResetEvent(events[1]);
	EXPECT_EQ(WSA_WAIT_TIMEOUT, WSAWaitForMultipleEvents(3, events, TRUE, 0, FALSE));
	EXPECT_EQ(WSA_WAIT_FAILED, WSAWaitForMultipleEvents(0, events, TRUE, 0, FALSE));
	EXPECT_EQ(WSA_INVALID_PARAMETER, WSAGetLastError());
	EXPECT_EQ(WSA_WAIT_FAILED, WSAWaitForMultipleEvents(65, events, TRUE, 0, FALSE));
	events[1] = events[2];
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(3, events, FALSE, 0, FALSE));
	EXPECT_EQ(WSA_WAIT_FAILED, WSAWaitForMultipleEvents(3, events, TRUE, 0, FALSE));
	EXPECT_EQ(WSA_INVALID_PARAMETER, WSAGetLastError());
	events[1] = TO_HANDLE(self->client);
	EXPECT_EQ(WSA_WAIT_FAILED, WSAWaitForMultipleEvents(3, events, TRUE, 0, FALSE));
	EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
}

TEST_F(winsock, an_event_that_is_set_comes_before_a_routine)
{
	WSAEVENT event = WSACreateEvent();
	unsigned int runs = 0;

	WSASetEvent(event);
	QueueUserAPC(count, GetCurrentThread(), (ULONG_PTR)&runs);
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(1, &event, FALSE, 1000, TRUE));
	EXPECT_EQ(0, runs);
	WSAResetEvent(event);
	EXPECT_EQ(WSA_WAIT_IO_COMPLETION, WSAWaitForMultipleEvents(1, &event, FALSE, 0, TRUE));
	EXPECT_EQ(1, runs);
}

/* claims: M5 B3 */
TEST_F(winsock, closehandle_on_a_socket_leaves_the_wait_to_the_kernel)
{
	double begun = net_now();

	stuff(self->client);
	set_linger(self->client, 1, 3);
	EXPECT_TRUE(CloseHandle(TO_HANDLE(self->client)));
	EXPECT_LT(net_now() - begun, AT_ONCE);
	EXPECT_FALSE(net_is_open(self->client));
	EXPECT_EQ(0, RSTS());
	EXPECT_EQ(0, net_left_wait(self->client_port, self->port, 0, 5000));
	EXPECT_GE(net_now() - begun, 3);
	EXPECT_EQ(1, RSTS());
}

/* claims: M5 */
TEST_F(winsock, closehandle_on_a_socket_is_a_plain_close)
{
	WSAOVERLAPPED overlapped = { 0 };
	DWORD moved, flags;
	char data[16];

	stuff(self->client);
	set_linger(self->client, 1, 30);
	set_nonblock(self->client, 1);
	EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped, data, 16));
	/*
	 * CloseHandle() does not refuse as closesocket() would; the socket is attached, so the
	 * kernel lingers.
	 */
	EXPECT_TRUE(CloseHandle(TO_HANDLE(self->client)));
	EXPECT_FALSE(net_is_open(self->client));
	EXPECT_FALSE(WSAGetOverlappedResult(self->client, &overlapped, &moved, TRUE, &flags));
	EXPECT_EQ(WSA_OPERATION_ABORTED, WSAGetLastError());
	EXPECT_FALSE(CloseHandle(TO_HANDLE(self->client)));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
}

struct sleeper {
	HANDLE port;
	pthread_t thread;
	struct packet packet;
	bool good;
	double woken;
};

static void *sleeper_run(void *argument)
{
	struct sleeper *sleeper = argument;

	sleeper->good = take(sleeper->port, &sleeper->packet, 20000);
	sleeper->woken = net_now();
	return NULL;
}

/* claims: P2 */
TEST_F(winsock, a_send_that_is_done_at_once_wakes_who_sleeps_at_the_port)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	WSAOVERLAPPED overlapped[2] = { 0 };
	struct sleeper sleeper = { port };
	WSABUF text = { 5, "hello" };
	double begun;

	/* From the first operation on a waiting thread sleeps in epoll_wait(2). */
	ASSERT_EQ(0, WSASend(self->client, &text, 1, NULL, 0, &overlapped[0], NULL));
	ASSERT_TRUE(take(port, &sleeper.packet, 5000));
	ASSERT_EQ(0, pthread_create(&sleeper.thread, NULL, sleeper_run, &sleeper));
	net_sleep(200);
	begun = net_now();
	ASSERT_EQ(0, WSASend(self->client, &text, 1, NULL, 0, &overlapped[1], NULL));
	ASSERT_EQ(0, pthread_join(sleeper.thread, NULL));
	EXPECT_LT(sleeper.woken - begun, 5.0);
	ASSERT_TRUE(sleeper.good);
	EXPECT_EQ(5, sleeper.packet.moved);
	EXPECT_EQ(11, sleeper.packet.key);
	EXPECT_EQ(&overlapped[1], sleeper.packet.overlapped);
	EXPECT_NONE(port, 50, WAIT_TIMEOUT);
}

#define EXPECT_PACKET(port, wanted, size, operation) do { \
	struct packet packet_; \
	EXPECT_TRUE(take(port, &packet_, 5000)); \
	EXPECT_EQ(wanted, packet_.key); \
	EXPECT_EQ(size, packet_.moved); \
	EXPECT_EQ(operation, packet_.overlapped); \
} while (0)

/* claims: A10 P1 V1 */
TEST_F(winsock, a_number_that_close_gave_up_comes_back_with_nothing_of_its_past)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	struct sockaddr_in name = loopback(self->port);
	WSAOVERLAPPED overlapped[3] = { 0 };
	WSAEVENT event = WSACreateEvent();
	struct packet packet;
	char data[3][16];
	SOCKET s, visitor;

	/* The program closes the number without the library, which has much state of it. */
	EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped[0], data[0], 16));
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_CLOSE));
	ASSERT_EQ(0, shutdown(self->client, SD_SEND));
	ASSERT_EQ(0, close(self->client));
	s = open_pair(self->listener, self->port, &self->server);
	ASSERT_EQ(self->client, s);
	EXPECT_FALSE(take(port, &packet, 5000));
	EXPECT_EQ(WSA_OPERATION_ABORTED, GetLastError());
	EXPECT_EQ(11, packet.key);
	EXPECT_EQ(&overlapped[0], packet.overlapped);
	set_nonblock(s, 0);
	EXPECT_EQ(port, CreateIoCompletionPort(TO_HANDLE(s), port, 22, 0));
	EXPECT_EQ(WSA_IO_PENDING, receive(s, &overlapped[1], data[1], 16));
	ASSERT_EQ(3, send(self->server, "one", 3, 0));
	EXPECT_PACKET(port, 22, 3, &overlapped[1]);
	EXPECT_EQ(5, send(s, "hello", 5, 0));
	EXPECT_EQ(WSA_WAIT_TIMEOUT, WSAWaitForMultipleEvents(1, &event, FALSE, 100, FALSE));
	/* The same when accept() returns the number. */
	visitor = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, close(s));
	ASSERT_EQ(0, connect(visitor, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(s, accept(self->listener, NULL, NULL));
	EXPECT_EQ(port, CreateIoCompletionPort(TO_HANDLE(s), port, 33, 0));
	EXPECT_EQ(WSA_IO_PENDING, receive(s, &overlapped[2], data[2], 16));
	ASSERT_EQ(5, send(visitor, "again", 5, 0));
	EXPECT_PACKET(port, 33, 5, &overlapped[2]);
	EXPECT_NONE(port, 50, WAIT_TIMEOUT);
}

#define MANY	64

/*
 * The library's threads run when both sockets are ready: this thread sends before them, on one
 * processor. AF_UNIX has the data at the peer when the send is over.
 */
TEST_F(winsock, a_socket_with_much_to_do_leaves_others_their_turn)
{
	static const struct sched_param first = { .sched_priority = 1 };
	static WSAOVERLAPPED busy[MANY], other;
	static char data[MANY + 1];
	int ends[2][2], place = -1;
	struct packet packet;
	cpu_set_t one;
	HANDLE port;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first));
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]));
		ASSERT_EQ(port, CreateIoCompletionPort(TO_HANDLE(ends[i][0]), port, i, 0));
	}
	for (int i = 0; i < MANY; i++)
		ASSERT_EQ(WSA_IO_PENDING, receive(ends[0][0], &busy[i], &data[i], 1));
	ASSERT_EQ(WSA_IO_PENDING, receive(ends[1][0], &other, &data[MANY], 1));
	ASSERT_EQ(MANY, send(ends[0][1], data, MANY, 0));
	ASSERT_EQ(1, send(ends[1][1], data, 1, 0));
	for (int i = 0; i <= MANY; i++) {
		ASSERT_TRUE(take(port, &packet, 60000));
		if (packet.key == 1)
			place = i;
	}
	EXPECT_GT(MANY, place);
	EXPECT_LE(0, place);
}

static void no_routine(DWORD error, DWORD moved, LPWSAOVERLAPPED overlapped, DWORD flags)
{
}

TEST_F(winsock, a_routine_is_refused_where_there_is_a_port)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 5, 0);
	WSAOVERLAPPED overlapped = { 0 };
	char data[8];
	WSABUF buffer = { sizeof(data), data };
	DWORD flags = 0;

	ASSERT_NE(NULL, port);
	EXPECT_WSA(WSAEINVAL, WSARecv(self->client, &buffer, 1, NULL, &flags, &overlapped,
				      no_routine));
	EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->server, &buffer, 1, NULL, &flags, &overlapped,
					   no_routine));
}

TEST_HARNESS_MAIN
