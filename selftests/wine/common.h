/* SPDX-License-Identifier: GPL-2.0-only */
/* What the Windows programs here have in common. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char block[65536];

static double now(void)
{
	LARGE_INTEGER count, frequency;

	QueryPerformanceCounter(&count);
	QueryPerformanceFrequency(&frequency);
	return (double)count.QuadPart / frequency.QuadPart;
}

static int linger(SOCKET s, int onoff, int seconds)
{
	struct linger value = { onoff, seconds };

	return setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&value, sizeof(value));
}

static int nonblocking(SOCKET s, u_long on)
{
	return ioctlsocket(s, FIONBIO, &on);
}

static int peer_error;

/* Read the peer's end: how many bytes came; peer_error says how it ended (0: FIN). */
static long long drain(SOCKET s)
{
	long long total = 0;
	int got;

	nonblocking(s, 0);
	while ((got = recv(s, block, sizeof(block), 0)) > 0)
		total += got;
	peer_error = got ? WSAGetLastError() : 0;
	return total;
}

/* How long another request of the session took at most, in these seconds. */
static double longest_request(double seconds)
{
	double end = now() + seconds, longest = 0, before, after;

	while ((before = now()) < end) {
		CloseHandle(CreateEvent(NULL, FALSE, FALSE, NULL));
		after = now();
		if (after - before > longest)
			longest = after - before;
		Sleep(10);
	}
	return longest;
}
