// SPDX-License-Identifier: GPL-2.0-only
/* Operations by port, event and routine against cancels and closes. See threads.h. */
#include <string.h>

#include <mswsock.h>

#include "threads.h"

#define OPERATIONS	6
#define TAKERS		3

/* An operation, and how often it completed. */
struct operation {
	WSAOVERLAPPED overlapped;	/* first, for casts */
	unsigned int told;
	bool begun;
	char data[64];
};

static pthread_mutex_t pending_lock = PTHREAD_MUTEX_INITIALIZER;
static HANDLE ported;
static pthread_t takers[TAKERS];
/* Under pending_lock, as @told of every operation. */
static unsigned int posted, taken;

#define POSTED	((ULONG_PTR)1)	/* the key of posted packets */
#define SOCKETS	((ULONG_PTR)2)

static void pending_tell(LPOVERLAPPED overlapped)
{
	pthread_mutex_lock(&pending_lock);
	((struct operation *)overlapped)->told++;
	pthread_mutex_unlock(&pending_lock);
}

static void pending_take(ULONG_PTR key, LPOVERLAPPED overlapped)
{
	if (key == SOCKETS) {
		pending_tell(overlapped);
		return;
	}
	THREADS_EXPECT(key == POSTED);
	pthread_mutex_lock(&pending_lock);
	taken++;
	pthread_mutex_unlock(&pending_lock);
}

static void *take_one(void *argument)
{
	LPOVERLAPPED overlapped;
	ULONG_PTR key;
	DWORD moved;

	(void)argument;
	for (;;) {
		if (GetQueuedCompletionStatus(ported, &moved, &key, &overlapped,
					      rand() % 2 ? INFINITE : 3) || overlapped) {
			pending_take(key, overlapped);
		} else if (GetLastError() != WAIT_TIMEOUT) {
			THREADS_EXPECT(GetLastError() == ERROR_ABANDONED_WAIT_0 ||
				       GetLastError() == ERROR_INVALID_HANDLE);
			return NULL;
		}
	}
}

static void *take_several(void *argument)
{
	OVERLAPPED_ENTRY entries[4];
	ULONG count;

	(void)argument;
	for (;;) {
		if (GetQueuedCompletionStatusEx(ported, entries, 4, &count, 10, TRUE)) {
			for (ULONG i = 0; i < count; i++)
				pending_take(entries[i].lpCompletionKey, entries[i].lpOverlapped);
		} else if (GetLastError() != WAIT_TIMEOUT &&
			   GetLastError() != WAIT_IO_COMPLETION) {
			THREADS_EXPECT(GetLastError() == ERROR_ABANDONED_WAIT_0 ||
				       GetLastError() == ERROR_INVALID_HANDLE);
			return NULL;
		}
	}
}

void ported_start(bool alertable)
{
	ported = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	THREADS_EXPECT(ported);
	for (int i = 0; i < TAKERS; i++)
		takers[i] = threads_begin(i && !alertable ? take_one : take_several, NULL);
}

void ported_stop(void)
{
	for (int i = 0; i < 6000; i++) {
		bool all;

		pthread_mutex_lock(&pending_lock);
		all = taken == posted;
		pthread_mutex_unlock(&pending_lock);
		if (all)
			break;
		usleep(10000);
	}
	THREADS_EXPECT(CloseHandle(ported));
	for (int i = 0; i < TAKERS; i++)
		pthread_join(takers[i], NULL);
	THREADS_EXPECT(taken == posted);
}

/* Wait until each has completed, then a little for a second completion. */
static void pending_check(struct operation *operations, int count)
{
	bool all = false;

	for (int turn = 0; turn < 12000 && !all; turn++) {
		if (turn)
			usleep(5000);
		all = true;
		pthread_mutex_lock(&pending_lock);
		for (int i = 0; i < count; i++)
			all = all && (!operations[i].begun || operations[i].told);
		pthread_mutex_unlock(&pending_lock);
	}
	usleep(200);
	pthread_mutex_lock(&pending_lock);
	for (int i = 0; i < count; i++) {
		if (operations[i].told != operations[i].begun)
			threads_wrong("operation %d of %d: begun %d, told %u", i, count,
				      operations[i].begun, operations[i].told);
		if (operations[i].begun && !HasOverlappedIoCompleted(&operations[i].overlapped))
			threads_wrong("told before it was complete");
	}
	pthread_mutex_unlock(&pending_lock);
}

static void operation_begin(struct operation *operation, SOCKET s, bool sends,
			    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	static char block[100000];
	WSABUF buffer = { sizeof(operation->data), operation->data };
	DWORD flags = 0;
	int result;

	if (sends)
		buffer = (WSABUF){ sizeof(block), block };
	operation->begun = true;
	result = sends ? WSASend(s, &buffer, 1, NULL, 0, &operation->overlapped, routine)
		       : WSARecv(s, &buffer, 1, NULL, &flags, &operation->overlapped, routine);
	if (result && WSAGetLastError() != WSA_IO_PENDING)
		operation->begun = false;
}

struct peer {
	SOCKET s;
	unsigned int conduct;
	unsigned int delay_us;
};

/* The other end: reads, sends, or resets. */
static void *peer_run(void *argument)
{
	struct peer *peer = argument;
	char data[4096];

	usleep(peer->delay_us);
	switch (peer->conduct) {
	case 0:
		threads_linger(peer->s, 1, 0);
		break;
	case 1:
		for (int i = 0; i < 3; i++)
			send(peer->s, data, 40, 0);
		break;
	case 2:
		while (recv(peer->s, data, sizeof(data), 0) > 0)
			;
		break;
	}
	closesocket(peer->s);
	return NULL;
}

static void pending_close(struct party *party, SOCKET s)
{
	switch (threads_random(party, 4)) {
	case 0:
		threads_linger(s, 1, 0);
		break;
	case 1:
		threads_linger(s, 1, 1);
		break;
	case 2:
		if (threads_close_refused(s))
			return;
		break;
	}
	THREADS_EXPECT(!closesocket(s));
}

void ported_round(struct party *party)
{
	struct operation operations[OPERATIONS];
	struct threads_pair pair;
	struct peer peer;
	pthread_t thread;

	memset(operations, 0, sizeof(operations));
	threads_pair_open(&pair);
	peer = (struct peer){ pair.server, threads_random(party, 3),
			      threads_random(party, 1500) };
	thread = threads_begin(peer_run, &peer);
	THREADS_EXPECT(CreateIoCompletionPort((HANDLE)(intptr_t)pair.client, ported, SOCKETS, 0));
	for (int i = 0; i < OPERATIONS; i++)
		operation_begin(&operations[i], pair.client, i % 3 == 2, NULL);
	pthread_mutex_lock(&pending_lock);
	posted++;
	pthread_mutex_unlock(&pending_lock);
	THREADS_EXPECT(PostQueuedCompletionStatus(ported, 1, POSTED, NULL));
	threads_pause(party, 2000);
	if (threads_random(party, 2))
		CancelIoEx((HANDLE)(intptr_t)pair.client,
			   &operations[threads_random(party, OPERATIONS)].overlapped);
	pending_close(party, pair.client);
	pthread_join(thread, NULL);
	pending_check(operations, OPERATIONS);
}

#define CONTESTED	40

struct issuer {
	SOCKET s;
	pthread_mutex_t stay;
	struct operation operations[CONTESTED];
};

static void *issuer_run(void *argument)
{
	struct issuer *issuer = argument;

	for (int i = 0; i < CONTESTED; i++)
		operation_begin(&issuer->operations[i], issuer->s, false, NULL);
	/* The operations would end with the thread (P22). */
	pthread_mutex_lock(&issuer->stay);
	pthread_mutex_unlock(&issuer->stay);
	return NULL;
}

/* In any order the socket is closed, and nothing of the library holds it open. */
void contested_round(struct party *party)
{
	bool tells = threads_random(party, 2);
	struct issuer issuer;
	struct threads_pair pair;
	DWORD patience = 60000;
	pthread_t thread;
	char byte;
	int got;

	memset(&issuer, 0, sizeof(issuer));
	threads_pair_open(&pair);
	issuer.s = pair.client = threads_private(pair.client);
	if (tells)
		CreateIoCompletionPort((HANDLE)(intptr_t)issuer.s, ported, SOCKETS, 0);
	pthread_mutex_init(&issuer.stay, NULL);
	pthread_mutex_lock(&issuer.stay);
	thread = threads_begin(issuer_run, &issuer);
	threads_pause(party, 400);
	THREADS_EXPECT(!closesocket(pair.client));
	setsockopt(pair.server, SOL_SOCKET, SO_RCVTIMEO, (char *)&patience, sizeof(patience));
	got = recv(pair.server, &byte, 1, 0);
	THREADS_EXPECT(!got || WSAGetLastError() == WSAECONNRESET);
	pthread_mutex_unlock(&issuer.stay);
	pthread_join(thread, NULL);
	pthread_mutex_destroy(&issuer.stay);
	for (int i = 0; i < CONTESTED && !tells; i++)
		issuer.operations[i].told += issuer.operations[i].begun;
	pending_check(issuer.operations, CONTESTED);
	closesocket(pair.server);
}

static void tell_routine(DWORD error, DWORD moved, LPWSAOVERLAPPED overlapped, DWORD flags)
{
	(void)error;
	(void)moved;
	(void)flags;
	pending_tell(overlapped);
}

struct waiter {
	SOCKET s;
	struct operation *operation;
};

/* Another thread waits for the result. */
static void *waiter_run(void *argument)
{
	struct waiter *waiter = argument;
	DWORD moved, flags;

	if (!WSAGetOverlappedResult(waiter->s, &waiter->operation->overlapped, &moved, TRUE,
				    &flags))
		THREADS_EXPECT(WSAGetLastError() != WSA_IO_INCOMPLETE);
	return NULL;
}

static void *close_run(void *argument)
{
	struct peer *peer = argument;

	usleep(peer->delay_us);
	THREADS_EXPECT(!closesocket(peer->s));
	return NULL;
}

/* This thread has the events and routines; another one closes. */
void evented_round(struct party *party)
{
	struct operation operations[4];
	WSAEVENT events[2] = { WSACreateEvent(), WSACreateEvent() };
	struct threads_pair pair;
	struct waiter waiter;
	struct peer peer, closer;
	pthread_t threads[3];
	bool told = false;

	memset(operations, 0, sizeof(operations));
	threads_pair_open(&pair);
	peer = (struct peer){ pair.server, threads_random(party, 3),
			      threads_random(party, 1500) };
	closer = (struct peer){ .s = pair.client, .delay_us = threads_random(party, 1500) };
	for (int i = 0; i < 2; i++) {
		operations[i].overlapped.hEvent = events[i];
		operation_begin(&operations[i], pair.client, false, NULL);
	}
	operation_begin(&operations[2], pair.client, false, tell_routine);
	operation_begin(&operations[3], pair.client, true, tell_routine);
	waiter = (struct waiter){ pair.client, &operations[0] };
	threads[0] = threads_begin(peer_run, &peer);
	threads[1] = threads_begin(close_run, &closer);
	threads[2] = threads_begin(waiter_run, &waiter);
	for (int i = 0; i < 2; i++) {
		DWORD end = 0;

		while (operations[i].begun &&
		       (end = WSAWaitForMultipleEvents(1, &events[i], FALSE, 10000, TRUE)) ==
			       WSA_WAIT_IO_COMPLETION)
			;
		THREADS_EXPECT(end == WSA_WAIT_EVENT_0);
		operations[i].told += operations[i].begun;
	}
	for (int turn = 0; turn < 2000 && !told; turn++) {
		SleepEx(5, TRUE);
		pthread_mutex_lock(&pending_lock);
		told = operations[2].told == operations[2].begun &&
		       operations[3].told == operations[3].begun;
		pthread_mutex_unlock(&pending_lock);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	pending_check(operations, 4);
	WSACloseEvent(events[0]);
	WSACloseEvent(events[1]);
}

/* Make and close handles of one socket, with operations on each. */
void duplicate_round(struct party *party)
{
	struct operation operations[4];
	WSAPROTOCOL_INFO info;
	struct threads_pair pair;
	SOCKET handles[2];

	memset(operations, 0, sizeof(operations));
	threads_pair_open(&pair);
	handles[0] = pair.client;
	THREADS_EXPECT(!WSADuplicateSocket(pair.client, GetCurrentProcessId(), &info));
	handles[1] = WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
			       &info, 0, 0);
	THREADS_EXPECT(handles[1] != INVALID_SOCKET);
	for (int i = 0; i < 2; i++)
		THREADS_EXPECT(CreateIoCompletionPort((HANDLE)(intptr_t)handles[i], ported,
						      SOCKETS, 0));
	for (int i = 0; i < 4; i++)
		operation_begin(&operations[i], handles[i % 2], false, NULL);
	/* The first handle's operations are still pending, and complete by data. */
	THREADS_EXPECT(!closesocket(handles[0]));
	threads_pause(party, 1000);
	THREADS_EXPECT(send(pair.server, "data", 4, 0) == 4);
	threads_pause(party, 1000);
	THREADS_EXPECT(!closesocket(handles[1]));
	pending_check(operations, 4);
	closesocket(pair.server);
}

#define ACCEPTS		4
#define ACCEPT_DATA	8
#define ACCEPT_ROOM	(sizeof(struct sockaddr_in) + 16)

static void *connector_run(void *argument)
{
	struct sockaddr_in *name = argument;

	for (int i = 0; i < ACCEPTS; i++) {
		SOCKET s = socket(AF_INET, SOCK_STREAM, 0);

		if (!connect(s, (struct sockaddr *)name, sizeof(*name)) && i % 2)
			send(s, "data", 4, 0);
		closesocket(s);
	}
	return NULL;
}

/* AcceptEx() while the listener, or its sockets, are closed. */
void accepted_round(struct party *party)
{
	char buffers[ACCEPTS][ACCEPT_DATA + 2 * ACCEPT_ROOM];
	struct operation operations[ACCEPTS];
	struct sockaddr_in name;
	SOCKET listener = threads_listen(ACCEPTS, &name), sockets[ACCEPTS];
	unsigned int first = threads_random(party, ACCEPTS + 1);
	pthread_t connector;

	memset(operations, 0, sizeof(operations));
	CreateIoCompletionPort((HANDLE)(intptr_t)listener, ported, SOCKETS, 0);
	for (int i = 0; i < ACCEPTS; i++) {
		sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
		operations[i].begun = true;
		if (!AcceptEx(listener, sockets[i], buffers[i],
			      threads_random(party, 2) ? ACCEPT_DATA : 0, ACCEPT_ROOM, ACCEPT_ROOM,
			      NULL, &operations[i].overlapped) &&
		    WSAGetLastError() != WSA_IO_PENDING)
			operations[i].begun = false;
		THREADS_EXPECT(operations[i].begun);
	}
	connector = threads_begin(connector_run, &name);
	for (unsigned int i = 0; i <= ACCEPTS; i++) {
		threads_pause(party, 2000);
		if (i == first)
			THREADS_EXPECT(!closesocket(listener));
		if (i < ACCEPTS)
			THREADS_EXPECT(!closesocket(sockets[i]));
	}
	pending_check(operations, ACCEPTS);
	pthread_join(connector, NULL);
}

static void *closer_run(void *argument)
{
	return (void *)(intptr_t)(closesocket(*(SOCKET *)argument) ? WSAGetLastError() : 0);
}

/* One of two closes succeeds, the other one finds no socket; pending operations end once. */
void twice_closed_round(struct party *party)
{
	struct operation operation;
	struct threads_pair pair;
	pthread_t closer;
	void *error;
	int own;

	memset(&operation, 0, sizeof(operation));
	threads_pair_open(&pair);
	pair.client = threads_private(pair.client);
	CreateIoCompletionPort((HANDLE)(intptr_t)pair.client, ported, SOCKETS, 0);
	operation_begin(&operation, pair.client, false, NULL);
	closer = threads_begin(closer_run, &pair.client);
	threads_pause(party, 300);
	own = (int)(intptr_t)closer_run(&pair.client);
	pthread_join(closer, &error);
	THREADS_EXPECT((own == 0 && (intptr_t)error == WSAENOTSOCK) ||
		       (own == WSAENOTSOCK && !error));
	pending_check(&operation, 1);
	THREADS_EXPECT(!closesocket(pair.server));
}
