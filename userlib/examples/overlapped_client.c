// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Send and receive at the same time by events: compiles for Windows as it is. Sends a
 * megabyte to an echo server, checks what comes back, and closes so that what was not
 * acknowledged within three seconds is reset.
 *
 * overlapped_client [PORT]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#define SIZE	(1 << 20)

static char sent[SIZE], received[SIZE];

enum way { SEND, RECEIVE, WAYS };

/* Begin to move what is left. Returns 0 if it has begun. */
static int begin(SOCKET s, enum way way, size_t done, WSAOVERLAPPED *overlapped)
{
	WSABUF buffer;
	DWORD flags = 0;
	int result;

	buffer.buf = (way == SEND ? sent : received) + done;
	buffer.len = (ULONG)(SIZE - done);
	if (way == SEND)
		result = WSASend(s, &buffer, 1, NULL, 0, overlapped, NULL);
	else
		result = WSARecv(s, &buffer, 1, NULL, &flags, overlapped, NULL);
	return result == SOCKET_ERROR && WSAGetLastError() != WSA_IO_PENDING;
}

/* Send and receive to the end. Returns 0 if all has come back. */
static int exchange(SOCKET s)
{
	WSAOVERLAPPED overlapped[WAYS];
	size_t done[WAYS] = { 0, 0 };
	WSAEVENT events[WAYS];
	DWORD moved, flags, way;

	memset(overlapped, 0, sizeof(overlapped));
	for (way = 0; way < WAYS; way++) {
		events[way] = overlapped[way].hEvent = WSACreateEvent();
		if (begin(s, (enum way)way, 0, &overlapped[way]))
			return 1;
	}
	while (done[RECEIVE] < SIZE) {
		way = WSAWaitForMultipleEvents(WAYS, events, FALSE, 10000, FALSE) - WSA_WAIT_EVENT_0;
		if (way >= WAYS)
			return 1;
		WSAResetEvent(events[way]);
		if (!WSAGetOverlappedResult(s, &overlapped[way], &moved, FALSE, &flags) || !moved)
			return 1;
		done[way] += moved;
		if (done[way] < SIZE && begin(s, (enum way)way, done[way], &overlapped[way]))
			return 1;
	}
	for (way = 0; way < WAYS; way++)
		WSACloseEvent(events[way]);
	return memcmp(sent, received, SIZE) != 0;
}

int main(int argc, char **argv)
{
	struct linger linger = { 1, 3 };
	struct sockaddr_in to;
	int failed = 1;
	WSADATA data;
	SOCKET s;
	size_t i;

	if (WSAStartup(MAKEWORD(2, 2), &data)) {
		fprintf(stderr, "Winsock is not there\n");
		return 1;
	}
	for (i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 7 + i / 4096);
	memset(&to, 0, sizeof(to));
	to.sin_family = AF_INET;
	to.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 7777));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof(linger));
	if (connect(s, (struct sockaddr *)&to, sizeof(to)) != SOCKET_ERROR)
		failed = exchange(s);
	if (failed)
		fprintf(stderr, "error %d\n", WSAGetLastError());
	/* closesocket() cancels what is pending. */
	if (closesocket(s) == SOCKET_ERROR)
		failed = 1;
	WSACleanup();
	return failed;
}
