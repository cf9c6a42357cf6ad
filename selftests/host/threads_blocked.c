// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads in calls on a socket while another thread closes it, or sets its options. See threads.h.
 */
#include <string.h>

#include "threads.h"

static void *block_receive(void *argument)
{
	SOCKET s = *(SOCKET *)argument;
	char byte;

	while (recv(s, &byte, 1, 0) > 0)
		;
	return NULL;
}

static void *block_send(void *argument)
{
	SOCKET s = *(SOCKET *)argument;
	static const char block[65536];

	while (send(s, block, sizeof(block), 0) > 0)
		;
	return NULL;
}

static void *block_select(void *argument)
{
	SOCKET s = *(SOCKET *)argument;
	struct timeval time = { 5, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s, &set);
	THREADS_EXPECT(select(0, &set, NULL, NULL, &time) != 0);
	return NULL;
}

static void *block_poll(void *argument)
{
	WSAPOLLFD polled = { .fd = *(SOCKET *)argument, .events = POLLIN };

	THREADS_EXPECT(WSAPoll(&polled, 1, 5000) != 0);
	return NULL;
}

void blocked_round(struct party *party)
{
	static void *(*const calls[])(void *) = {
		block_receive, block_send, block_select, block_poll,
	};
	unsigned int way = threads_random(party, 4);
	struct threads_pair pair;
	pthread_t threads[4];
	SOCKET client;

	threads_pair_open(&pair);
	client = pair.client = threads_private(pair.client);
	for (int i = 0; i < 4; i++)
		threads[i] = threads_begin(calls[i], &client);
	threads_pause(party, 2000);
	if (!threads_random(party, 3))
		send(pair.server, "data", 4, 0);
	if (way == 1) {
		threads_linger(pair.client, 1, 1);
		/* The close would block and wakes no thread; then it is hard. */
		threads_nonblock(pair.client, 1);
		closesocket(pair.server);
		if (closesocket(pair.client)) {
			THREADS_EXPECT(WSAGetLastError() == WSAEWOULDBLOCK);
			threads_linger(pair.client, 1, 0);
			THREADS_EXPECT(!closesocket(pair.client));
		}
	} else {
		if (way == 2)
			threads_linger(pair.client, 1, 0);
		THREADS_EXPECT(!closesocket(pair.client));
		closesocket(pair.server);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

#define ALERTED	3

/* A receive that runs routines, one of several on its socket. */
struct alerted {
	SOCKET s;
	HANDLE thread;		/* under alerted_lock, as the members below */
	unsigned int ran;
	bool closed;
};

static pthread_mutex_t alerted_lock = PTHREAD_MUTEX_INITIALIZER;

static void alerted_routine(ULONG_PTR data)
{
	pthread_mutex_lock(&alerted_lock);
	((struct alerted *)data)->ran++;
	pthread_mutex_unlock(&alerted_lock);
}

static void *alerted_receive(void *argument)
{
	struct alerted *alerted = argument;
	HANDLE self = winsock_thread_self();
	char byte;

	pthread_mutex_lock(&alerted_lock);
	alerted->thread = self;
	pthread_mutex_unlock(&alerted_lock);
	THREADS_EXPECT(recv(alerted->s, &byte, 1, 0) == SOCKET_ERROR &&
		       WSAGetLastError() == WSAECONNABORTED);
	return NULL;
}

static void *alerted_close(void *argument)
{
	struct alerted *alerted = argument;

	/* A thread that has run a routine is certainly waiting. */
	for (int i = 0; i < ALERTED; i++) {
		unsigned int ran = 0;

		while (!ran) {
			usleep(50);
			pthread_mutex_lock(&alerted_lock);
			ran = alerted[i].ran;
			pthread_mutex_unlock(&alerted_lock);
		}
	}
	THREADS_EXPECT(!closesocket(alerted->s));
	pthread_mutex_lock(&alerted_lock);
	alerted->closed = true;
	pthread_mutex_unlock(&alerted_lock);
	return NULL;
}

static HANDLE alerted_thread(struct alerted *alerted)
{
	HANDLE thread = NULL;

	while (!thread) {
		usleep(50);
		pthread_mutex_lock(&alerted_lock);
		thread = alerted->thread;
		pthread_mutex_unlock(&alerted_lock);
	}
	return thread;
}

/* A close must find a call that lets another one poll during its routines. */
void alerted_round(struct party *party)
{
	struct alerted alerted[ALERTED] = { 0 };
	pthread_t threads[ALERTED + 1];
	HANDLE handles[ALERTED];
	struct threads_pair pair;
	bool closed = false, few;

	(void)party;
	threads_pair_open(&pair);
	pair.client = threads_private(pair.client);
	for (int i = 0; i < ALERTED; i++) {
		alerted[i].s = pair.client;
		threads[i] = threads_begin(alerted_receive, &alerted[i]);
		handles[i] = alerted_thread(&alerted[i]);
	}
	threads[ALERTED] = threads_begin(alerted_close, alerted);
	for (unsigned int turn = 0; !closed; turn += few) {
		struct alerted *one = &alerted[turn % ALERTED];

		pthread_mutex_lock(&alerted_lock);
		few = turn / ALERTED < one->ran + 4;
		closed = alerted->closed;
		pthread_mutex_unlock(&alerted_lock);
		if (few)
			QueueUserAPC(alerted_routine, handles[one - alerted], (ULONG_PTR)one);
	}
	for (int i = 0; i <= ALERTED; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < ALERTED; i++)
		THREADS_EXPECT(CloseHandle(handles[i]));
	closesocket(pair.server);
}

static void *block_accept(void *argument)
{
	SOCKET s = accept(*(SOCKET *)argument, NULL, NULL);

	if (s != INVALID_SOCKET)
		closesocket(s);
	return NULL;
}

void blocked_accept_round(struct party *party)
{
	SOCKET s, visitor = INVALID_SOCKET;
	struct sockaddr_in name;
	pthread_t threads[3];

	s = threads_private(threads_listen(8, &name));
	for (int i = 0; i < 3; i++)
		threads[i] = threads_begin(block_accept, &s);
	if (threads_random(party, 2)) {
		visitor = socket(AF_INET, SOCK_STREAM, 0);
		connect(visitor, (struct sockaddr *)&name, sizeof(name));
	}
	threads_pause(party, 2000);
	THREADS_EXPECT(!closesocket(s));
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	if (visitor != INVALID_SOCKET)
		closesocket(visitor);
}

struct block_connect {
	SOCKET s;
	struct sockaddr_in name;
};

static void *block_connect(void *argument)
{
	struct block_connect *call = argument;

	connect(call->s, (struct sockaddr *)&call->name, sizeof(call->name));
	return NULL;
}

/* A listener with a full queue does not answer. */
void blocked_connect_round(struct party *party)
{
	struct block_connect call;
	SOCKET full[3], listener = threads_listen(0, &call.name);
	pthread_t thread;

	for (int i = 0; i < 3; i++) {
		full[i] = socket(AF_INET, SOCK_STREAM, 0);
		threads_nonblock(full[i], 1);
		connect(full[i], (struct sockaddr *)&call.name, sizeof(call.name));
	}
	call.s = threads_private(socket(AF_INET, SOCK_STREAM, 0));
	thread = threads_begin(block_connect, &call);
	threads_pause(party, 5000);
	THREADS_EXPECT(!closesocket(call.s));
	pthread_join(thread, NULL);
	for (int i = 0; i < 3; i++)
		closesocket(full[i]);
	closesocket(listener);
}

static void *option_set(void *argument)
{
	SOCKET s = *(SOCKET *)argument;

	for (int i = 0; i < 500; i++)
		threads_linger(s, 0, i);
	return NULL;
}

/* An option that is set at the same time must not clear what was seen of the socket (H4). */
void option_round(struct party *party)
{
	struct threads_pair pair;
	pthread_t thread;
	char byte;

	threads_pair_open(&pair);
	threads_linger(pair.server, 1, 0);
	thread = threads_begin(option_set, &pair.client);
	threads_pause(party, 200);
	closesocket(pair.server);
	for (int i = 0; i < 3; i++)
		THREADS_EXPECT(recv(pair.client, &byte, 1, 0) == SOCKET_ERROR &&
			       WSAGetLastError() == WSAECONNRESET);
	pthread_join(thread, NULL);
	THREADS_EXPECT(recv(pair.client, &byte, 1, 0) == SOCKET_ERROR &&
		       WSAGetLastError() == WSAECONNRESET);
	THREADS_EXPECT(!closesocket(pair.client));
}
