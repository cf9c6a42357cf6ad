// SPDX-License-Identifier: GPL-2.0-only
/* pthread_cancel(): no lock stays taken, no list keeps an entry on a stack that has ended. */
#include <fcntl.h>

#include "winsock_test.h"

static SOCKET listener;
static HANDLE port, target;

/* A cancelled thread makes a call; the call does not begin, or completes. */
static void *accepts(void *unused)
{
	pthread_cancel(pthread_self());
	accept(listener, NULL, NULL);
	return NULL;
}

static void *starts(void *unused)
{
	WSADATA data;

	pthread_cancel(pthread_self());
	WSAStartup(MAKEWORD(2, 2), &data);
	pthread_testcancel();
	return NULL;
}

static void nothing(ULONG_PTR unused)
{
}

static void *queues(void *unused)
{
	pthread_cancel(pthread_self());
	QueueUserAPC(nothing, target, 0);
	pthread_testcancel();
	return NULL;
}

static void ends(struct __test_metadata *_metadata, void *(*run)(void *))
{
	pthread_t thread;
	void *result;

	ASSERT_EQ(0, pthread_create(&thread, NULL, run, NULL));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(PTHREAD_CANCELED, result);
}

TEST_F(winsock, before_a_call)
{
	struct sockaddr_in name = loopback(self->port);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	int status;
	pid_t child;

	listener = self->listener;
	target = winsock_thread_self();
	ends(_metadata, accepts);
	ends(_metadata, starts);
	ends(_metadata, queues);
	/* The locks of these calls are free. */
	EXPECT_EQ(WAIT_IO_COMPLETION, SleepEx(1000, TRUE));
	ASSERT_EQ(0, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_GE(accept(self->listener, NULL, NULL), 0);
	child = fork();
	if (!child)
		_exit(0);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	WSACleanup();
}

#define MANY	100

static SOCKET client, many[MANY];
static WSAOVERLAPPED pending;
static WSAEVENT events[2];
static int op, returned;
static uint16_t mute;
static char block[8 << 20];

static void receives(void)
{
	recv(client, block, 1, 0);
}

static void receives_all(void)
{
	recv(client, block, 100, MSG_WAITALL);
}

static void receives_into_buffers(void)
{
	WSABUF buffers[2] = { { 1, block }, { 1, block + 1 } };
	DWORD moved, flags = 0;

	WSARecv(client, buffers, 2, &moved, &flags, NULL, NULL);
}

static void sends(void)
{
	send(client, block, sizeof(block), 0);
}

static void accepts_one(void)
{
	accept(listener, NULL, NULL);
}

static void connects(void)
{
	struct sockaddr_in name = loopback(mute);

	connect(many[0], (struct sockaddr *)&name, sizeof(name));
}

static void selects(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(client, &set);
	select(0, &set, NULL, NULL, NULL);
}

static void selects_many(void)
{
	fd_set set;

	set.fd_count = MANY;
	memcpy(set.fd_array, many, sizeof(many));
	select(0, &set, NULL, NULL, NULL);
}

static void polls(void)
{
	WSAPOLLFD polled[2] = {
		{ .fd = client, .events = POLLIN }, { .fd = listener, .events = POLLIN }
	};

	WSAPoll(polled, 2, -1);
}

static void waits_for_result(void)
{
	DWORD moved, flags;

	WSAGetOverlappedResult(many[1], &pending, &moved, TRUE, &flags);
}

static void waits_at_port(void)
{
	LPOVERLAPPED overlapped;
	ULONG_PTR key;
	DWORD moved;

	GetQueuedCompletionStatus(port, &moved, &key, &overlapped, INFINITE);
}

static void waits_at_port_alertably(void)
{
	OVERLAPPED_ENTRY entry;
	ULONG count;

	GetQueuedCompletionStatusEx(port, &entry, 1, &count, INFINITE, TRUE);
}

static void waits_for_an_event(void)
{
	WSAWaitForMultipleEvents(2, events, FALSE, INFINITE, FALSE);
}

static void waits_for_all_events(void)
{
	WSAWaitForMultipleEvents(2, events, TRUE, INFINITE, TRUE);
}

static void sleeps_alertably(void)
{
	SleepEx(INFINITE, TRUE);
}

static void sleeps_long(void)
{
	Sleep(INFINITE);
}

static void waits_for_a_pending_close(void)
{
	struct winsock_record record;

	winsock_close_result(op, -1, &record);
}

static void *waits(void *wait)
{
	(*(void (**)(void))wait)();
	returned++;
	return NULL;
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* The thread ends in the call. What the call had on its stack is in no list, and no lock is held. */
TEST_F(winsock, in_the_middle_of_a_wait)
{
	static void (*const all[])(void) = {
		receives, receives_all, receives_into_buffers, accepts_one, connects, selects,
		selects_many, polls, waits_for_result, waits_at_port, waits_at_port_alertably,
		waits_for_an_event, waits_for_all_events, sleeps_alertably, sleeps_long,
		waits_for_a_pending_close, sends,
	};
	struct winsock_close_options options = { WINSOCK_CLOSE_TIMEOUT, 60000000000, 0 };
	DWORD moved, flags = 0, limit = 5000;
	WSABUF buffer = { 1, block };
	struct winsock_record record;
	LPOVERLAPPED overlapped;
	SOCKET peers[2], muted;
	pthread_t thread;
	ULONG_PTR key;
	void *result;
	int before;

	client = self->client;
	listener = self->listener;
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	for (int i = 0; i < 2; i++)
		events[i] = CreateEvent(NULL, FALSE, FALSE, NULL);
	muted = net_listen(NET_V4, &mute);
	net_mute(muted);
	many[0] = socket(AF_INET, SOCK_STREAM, 0);
	many[1] = open_pair(self->listener, self->port, &peers[0]);
	for (int i = 2; i < MANY; i++)
		many[i] = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_WSA(WSA_IO_PENDING, WSARecv(many[1], &buffer, 1, NULL, &flags, &pending, NULL));
	op = open_pair(self->listener, self->port, &peers[1]);
	net_mute(peers[1]);
	ASSERT_EQ(1, send(op, "x", 1, 0));
	ASSERT_EQ(0, winsock_close_begin(op, &options, &op, NULL));
	before = open_descriptors();
	returned = 0;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, waits, (void *)&all[i]));
		net_sleep(50);
		ASSERT_EQ(0, pthread_cancel(thread));
		ASSERT_EQ(0, pthread_join(thread, &result));
		EXPECT_EQ(PTHREAD_CANCELED, result);
		EXPECT_EQ(before, open_descriptors()) {
			TH_LOG("wait %zu", i);
		}
	}
	EXPECT_EQ(0, returned);

	/* All of it is as if those threads had not been. */
	ASSERT_EQ(0, setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, (char *)&limit, sizeof(limit)));
	ASSERT_EQ(1, send(self->server, "y", 1, 0));
	EXPECT_EQ(1, recv(client, block, 1, 0));
	EXPECT_EQ('y', block[0]);
	ASSERT_EQ(1, send(peers[0], "z", 1, 0));
	EXPECT_TRUE(WSAGetOverlappedResult(many[1], &pending, &moved, TRUE, &flags));
	EXPECT_EQ('z', block[0]);
	EXPECT_GE(open_pair(self->listener, self->port, &peers[0]), 0);
	EXPECT_GE(peers[0], 0);
	EXPECT_TRUE(PostQueuedCompletionStatus(port, 1, 2, NULL));
	EXPECT_TRUE(GetQueuedCompletionStatus(port, &moved, &key, &overlapped, 5000));
	EXPECT_TRUE(SetEvent(events[1]));
	EXPECT_EQ(WAIT_OBJECT_0 + 1, WSAWaitForMultipleEvents(2, events, FALSE, 5000, FALSE));
	EXPECT_WSA(WSAEWOULDBLOCK, winsock_close_result(op, 0, &record));
	EXPECT_EQ(0, winsock_close_abort(op));
	EXPECT_EQ(0, winsock_close_result(op, 5000, &record));
	EXPECT_EQ(WINSOCK_OUTCOME_REQUEST, record.outcome);
	set_linger(client, 1, 0);
	EXPECT_EQ(0, closesocket(client));
	EXPECT_FALSE(net_is_open(client));
	EXPECT_EQ(1, RSTS());
}

static void *ends_behind_a_call(void *unused)
{
	char byte;

	recv(client, &byte, 1, 0);
	pthread_cancel(pthread_self());
	return NULL;
}

/* What the library has for the thread goes also if the cancellation comes in between. */
TEST_F(winsock, a_thread_that_ends_leaves_no_descriptor)
{
	int before = open_descriptors();
	pthread_t thread;

	client = self->client;
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, ends_behind_a_call, NULL));
		net_sleep(50);
		ASSERT_EQ(1, send(self->server, "x", 1, 0));
		ASSERT_EQ(0, pthread_join(thread, NULL));
	}
	EXPECT_EQ(before, open_descriptors());
}

static void leaves(ULONG_PTR unused)
{
	pthread_exit(NULL);
}

static void *leaves_in_a_routine(void *unused)
{
	QueueUserAPC(leaves, GetCurrentThread(), 0);
	waits_at_port_alertably();
	return NULL;
}

TEST_F(winsock, a_routine_that_ends_its_thread_leaves_the_port_in_order)
{
	LPOVERLAPPED overlapped;
	pthread_t thread;
	ULONG_PTR key;
	DWORD moved;

	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, leaves_in_a_routine, NULL));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_TRUE(PostQueuedCompletionStatus(port, 1, 2, NULL));
		EXPECT_TRUE(GetQueuedCompletionStatus(port, &moved, &key, &overlapped, 5000));
	}
}

/* closesocket() is not ended: half a close has no owner. */
static int closed;

static void *closes(void *s)
{
	closed = closesocket(*(SOCKET *)s);
	pthread_testcancel();
	return NULL;
}

/* claims: B3 */
TEST_F(winsock, a_lingering_close_goes_on)
{
	struct linger linger = { 1, 1 };
	pthread_t thread;
	void *result;

	client = self->client;
	net_mute(self->server);
	ASSERT_EQ(1, send(client, "x", 1, 0));
	ASSERT_EQ(0, setsockopt(client, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger)));
	closed = -1;
	ASSERT_EQ(0, pthread_create(&thread, NULL, closes, &client));
	net_sleep(100);
	ASSERT_EQ(0, pthread_cancel(thread));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(PTHREAD_CANCELED, result);
	EXPECT_EQ(0, closed);
	EXPECT_FALSE(net_is_open(client));
	EXPECT_EQ(1, RSTS());
}

static int ran;

static void cancels_and_tests(ULONG_PTR data)
{
	pthread_cancel(pthread_self());
	pthread_testcancel();
	ran++;
}

static void *sleeps(void *unused)
{
	QueueUserAPC(cancels_and_tests, GetCurrentThread(), 0);
	SleepEx(100, TRUE);
	ran++;
	pthread_testcancel();
	return NULL;
}

TEST_F(winsock, a_routine_is_not_cut_short)
{
	ran = 0;
	ends(_metadata, sleeps);
	EXPECT_EQ(2, ran);
}

TEST_HARNESS_MAIN
