// SPDX-License-Identifier: LGPL-2.1-or-later
/* An echo server with non-blocking closes: compiles for Windows as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winsock2.h>
#include <ws2tcpip.h>

/* Close without ever blocking: would-block means that the client still reads. */
static int try_close(SOCKET s)
{
	if (closesocket(s) != SOCKET_ERROR)
		return 1;
	return WSAGetLastError() != WSAEWOULDBLOCK;
}

static void serve(SOCKET s)
{
	struct linger linger = { 1, 10 };
	u_long nonblocking = 1;
	char buffer[4096];
	int got;

	while ((got = recv(s, buffer, sizeof(buffer), 0)) > 0)
		if (send(s, buffer, got, 0) == SOCKET_ERROR)
			break;
	setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof(linger));
	ioctlsocket(s, FIONBIO, &nonblocking);
	while (!try_close(s)) {
		struct timeval tenth = { 0, 100000 };
		fd_set set;

		/* A real server would serve other clients here. */
		FD_ZERO(&set);
		FD_SET(s, &set);
		select((int)s + 1, NULL, NULL, &set, &tenth);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in name;
	WSADATA data;
	SOCKET listener, s;

	if (WSAStartup(MAKEWORD(2, 2), &data)) {
		fprintf(stderr, "Winsock is not there\n");
		return 1;
	}
	memset(&name, 0, sizeof(name));
	name.sin_family = AF_INET;
	name.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 7777));
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	if (bind(listener, (struct sockaddr *)&name, sizeof(name)) == SOCKET_ERROR ||
	    listen(listener, SOMAXCONN) == SOCKET_ERROR) {
		fprintf(stderr, "error %d\n", WSAGetLastError());
		return 1;
	}
	while ((s = accept(listener, NULL, NULL)) != INVALID_SOCKET)
		serve(s);
	closesocket(listener);
	WSACleanup();
	return 0;
}
