// SPDX-License-Identifier: GPL-2.0-only
/* pthread_cancel(): no lock stays taken, no list keeps an entry on a stack that has ended. */
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

struct victim {
	SOCKET s;
	WSAOVERLAPPED *overlapped;
};

static void *waits_for_result(void *argument)
{
	struct victim *victim = argument;
	DWORD moved, flags;

	WSAGetOverlappedResult(victim->s, victim->overlapped, &moved, TRUE, &flags);
	pthread_testcancel();
	return NULL;
}

static void *waits_at_port(void *argument)
{
	OVERLAPPED_ENTRY entry;
	ULONG count;

	GetQueuedCompletionStatusEx(port, &entry, 1, &count, INFINITE, TRUE);
	pthread_testcancel();
	return NULL;
}

/* The cancellation acts when the call is over, and leaves nothing. */
TEST_F(winsock, in_the_middle_of_a_wait)
{
	WSAOVERLAPPED overlapped = { 0 }, second = { 0 };
	WSABUF buffer = { 1, (char[1]){ 0 } };
	struct victim victim = { self->client, &overlapped };
	DWORD moved, flags = 0;
	pthread_t threads[2];
	void *result;

	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->client, &buffer, 1, NULL, &flags, &overlapped,
					   NULL));
	ASSERT_EQ(0, pthread_create(&threads[0], NULL, waits_for_result, &victim));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, waits_at_port, NULL));
	net_sleep(100);
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_cancel(threads[i]));
	net_sleep(100);
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	EXPECT_TRUE(PostQueuedCompletionStatus(port, 1, 2, NULL));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &result));
		EXPECT_EQ(PTHREAD_CANCELED, result);
	}
	EXPECT_TRUE(PostQueuedCompletionStatus(port, 1, 2, NULL));
	EXPECT_EQ(0, WSASend(self->client, &buffer, 1, NULL, 0, &second, NULL));
	EXPECT_TRUE(WSAGetOverlappedResult(self->client, &second, &moved, TRUE, &flags));
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
