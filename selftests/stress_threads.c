// SPDX-License-Identifier: GPL-2.0-only
/* Threads that come to a wait, or end in one, in the moment in which something happens. */
#include "winsock_test.h"

#define ROUNDS	300

static SOCKET client;
static HANDLE port;
static WSAEVENT event;
static int taken;

static void *takes_a_packet(void *unused)
{
	LPOVERLAPPED overlapped;
	ULONG_PTR key;
	DWORD moved;

	taken += GetQueuedCompletionStatus(port, &moved, &key, &overlapped, INFINITE);
	return NULL;
}

static void *takes_a_byte(void *unused)
{
	char byte;

	taken += recv(client, &byte, 1, 0) == 1;
	return NULL;
}

static void *takes_an_event(void *unused)
{
	taken += WaitForSingleObject(event, INFINITE) == WAIT_OBJECT_0;
	return NULL;
}

/* What a cancelled thread has not taken the next one gets, also where both come at once. */
TEST_F_TIMEOUT(winsock, nothing_is_lost_with_a_thread, 120)
{
	static void *(*const all[])(void *) = { takes_a_packet, takes_a_byte, takes_an_event };
	WSAOVERLAPPED pending;
	char data[1];
	WSABUF buffer = { 1, data };
	DWORD flags, limit = 5000;
	SOCKET server, other;
	LPOVERLAPPED overlapped;
	pthread_t threads[3];
	ULONG_PTR key;
	DWORD moved;
	char byte;

	client = self->client;
	ASSERT_EQ(0, setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, (char *)&limit, sizeof(limit)));
	other = open_pair(self->listener, self->port, &server);
	port = CreateIoCompletionPort((HANDLE)(intptr_t)other, NULL, 0, 0);
	event = CreateEvent(NULL, FALSE, FALSE, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		flags = 0;
		taken = 0;
		pending = (WSAOVERLAPPED){ 0 };
		EXPECT_WSA(WSA_IO_PENDING, WSARecv(other, &buffer, 1, NULL, &flags, &pending,
						   NULL));
		for (int j = 0; j < 3; j++)
			ASSERT_EQ(0, pthread_create(&threads[j], NULL, all[j], NULL));
		net_sleep(i % 4);
		for (int j = 0; j < 3; j++) {
			if (j == 0)
				ASSERT_EQ(1, send(server, "x", 1, 0));
			if (j == 1)
				ASSERT_EQ(1, send(self->server, "x", 1, 0));
			if (j == 2)
				ASSERT_TRUE(SetEvent(event));
			ASSERT_EQ(0, pthread_cancel(threads[j]));
			ASSERT_EQ(0, pthread_join(threads[j], NULL));
			if (!taken && j == 0)
				taken = GetQueuedCompletionStatus(port, &moved, &key, &overlapped,
								  limit);
			if (!taken && j == 1)
				taken = recv(client, &byte, 1, 0);
			if (!taken && j == 2)
				taken = WaitForSingleObject(event, limit) == WAIT_OBJECT_0;
			ASSERT_EQ(1, taken) {
				TH_LOG("round %d, thread %d", i, j);
			}
			taken = 0;
		}
		ASSERT_FALSE(GetQueuedCompletionStatus(port, &moved, &key, &overlapped, 0));
		ASSERT_EQ(WAIT_TIMEOUT, WaitForSingleObject(event, 0));
	}
}

static volatile bool enters;

static void *wait_alertably(void *port)
{
	OVERLAPPED_ENTRY entry;
	ULONG removed;

	enters = true;
	if (GetQueuedCompletionStatusEx(port, &entry, 1, &removed, INFINITE, TRUE))
		return NULL;
	return (void *)(uintptr_t)GetLastError();
}

/* Whether the thread is there already or not. */
TEST_F_TIMEOUT(winsock, a_port_that_is_closed_ends_an_alertable_wait, 120)
{
	pthread_t thread;
	void *error;

	for (int i = 0; i < 2000; i++) {
		HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);

		enters = false;
		ASSERT_EQ(0, pthread_create(&thread, NULL, wait_alertably, port));
		while (!enters)
			sched_yield();
		for (volatile int j = 0; j < i % 100; j++)
			;
		EXPECT_TRUE(CloseHandle(port));
		ASSERT_EQ(0, pthread_join(thread, &error));
		if ((uintptr_t)error != ERROR_INVALID_HANDLE)
			EXPECT_EQ(ERROR_ABANDONED_WAIT_0, (uintptr_t)error);
	}
}

TEST_HARNESS_MAIN
