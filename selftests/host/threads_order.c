// SPDX-License-Identifier: GPL-2.0-only
/* Plain calls and shutdown() behind operations, against cancels and closes. See threads.h. */
#include <string.h>

#include "threads.h"

#define SENDS	3

struct order_end {
	SOCKET s;
	bool resets;
	unsigned int delay_us;
};

/* The other end: no byte of an operation may come behind a byte of a plain call. */
static void *order_peer(void *argument)
{
	struct order_end *end = argument;
	bool later = false;
	char data[4096];
	int got;

	usleep(end->delay_us);
	send(end->s, "12", 2, 0);
	if (end->resets)
		threads_linger(end->s, 1, 0);
	while (!end->resets && (got = recv(end->s, data, sizeof(data), 0)) > 0)
		for (int i = 0; i < got; i++) {
			THREADS_EXPECT(!later || data[i] == 'B');
			later = later || data[i] == 'B';
		}
	closesocket(end->s);
	return NULL;
}

static void *order_send(void *argument)
{
	SOCKET s = *(SOCKET *)argument;
	char bs[3000];

	memset(bs, 'B', sizeof(bs));
	while (send(s, bs, sizeof(bs), 0) > 0)
		;
	return NULL;
}

static void *order_receive(void *argument)
{
	SOCKET s = *(SOCKET *)argument;
	char byte;

	while (recv(s, &byte, 1, 0) > 0)
		;
	return NULL;
}

static void *order_shutdown(void *argument)
{
	struct order_end *end = argument;

	usleep(end->delay_us);
	shutdown(end->s, SD_SEND);
	return NULL;
}

/* The operation must complete, whatever happens to the socket. */
static void order_await(SOCKET s, WSAOVERLAPPED *overlapped, bool begun)
{
	DWORD moved, flags;

	if (begun && !WSAGetOverlappedResult(s, overlapped, &moved, TRUE, &flags))
		THREADS_EXPECT(WSAGetLastError() != WSA_IO_INCOMPLETE);
}

static bool order_begun(int result)
{
	return !result || WSAGetLastError() == WSA_IO_PENDING;
}

static void order_close(struct party *party, SOCKET s)
{
	switch (threads_random(party, 3)) {
	case 0:
		threads_linger(s, 1, 0);
		break;
	case 1:
		if (threads_close_refused(s))
			return;
		break;
	}
	THREADS_EXPECT(!closesocket(s));
}

void order_round(struct party *party)
{
	static char block[100000];
	WSABUF sent = { sizeof(block), block }, got = { 1, (char[1]){ 0 } };
	WSAOVERLAPPED overlapped[SENDS + 1];
	bool begun[SENDS + 1];
	struct order_end peer, half;
	struct threads_pair pair;
	pthread_t threads[5];
	DWORD flags = 0;
	SOCKET client;

	memset(overlapped, 0, sizeof(overlapped));
	threads_pair_open(&pair);
	client = pair.client = threads_private(pair.client);
	peer = (struct order_end){ pair.server, !threads_random(party, 3),
				    threads_random(party, 1500) };
	half = (struct order_end){ .s = client, .delay_us = threads_random(party, 3000) };
	for (int i = 0; i < SENDS; i++)
		begun[i] = order_begun(WSASend(client, &sent, 1, NULL, 0, &overlapped[i], NULL));
	begun[SENDS] = order_begun(WSARecv(client, &got, 1, NULL, &flags, &overlapped[SENDS],
					   NULL));
	threads[0] = threads_begin(order_peer, &peer);
	threads[1] = threads_begin(order_send, &client);
	threads[2] = threads_begin(order_receive, &client);
	threads[3] = threads_begin(order_send, &client);
	threads[4] = threads_begin(order_shutdown, &half);
	threads_pause(party, 3000);
	if (!threads_random(party, 3))
		CancelIoEx((HANDLE)(intptr_t)client, &overlapped[threads_random(party, SENDS)]);
	threads_pause(party, 1000);
	order_close(party, client);
	for (int i = 0; i <= SENDS; i++)
		order_await(client, &overlapped[i], begun[i]);
	THREADS_EXPECT(!got.buf[0] || got.buf[0] == '1');
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
}

#define DEPARTING	2

/* What a thread that ends leaves pending, in memory of its own. */
struct departing {
	SOCKET s;
	unsigned int delay_us;
	struct {
		WSAOVERLAPPED overlapped;
		char data[4];
	} receives[DEPARTING];
};

static void *depart(void *argument)
{
	struct departing *departing = argument;

	for (int i = 0; i < DEPARTING; i++) {
		WSABUF buffer = { sizeof(departing->receives[i].data), departing->receives[i].data };
		DWORD flags = 0;

		THREADS_EXPECT(order_begun(WSARecv(departing->s, &buffer, 1, NULL, &flags,
						   &departing->receives[i].overlapped, NULL)));
	}
	usleep(departing->delay_us);
	return NULL;
}

/* Behind the thread's end nothing writes to its operations (P22): ASan sees what does. */
void departed_round(struct party *party)
{
	struct departing *departing = calloc(1, sizeof(*departing));
	struct threads_pair pair;
	pthread_t thread;

	threads_pair_open(&pair);
	departing->s = pair.client;
	departing->delay_us = threads_random(party, 500);
	thread = threads_begin(depart, departing);
	threads_pause(party, 500);
	send(pair.server, "data", 4, 0);
	pthread_join(thread, NULL);
	for (int i = 0; i < DEPARTING; i++)
		THREADS_EXPECT(HasOverlappedIoCompleted(&departing->receives[i].overlapped));
	free(departing);
	THREADS_EXPECT(!closesocket(pair.client));
	THREADS_EXPECT(!closesocket(pair.server));
}
