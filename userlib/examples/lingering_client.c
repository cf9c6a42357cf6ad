// SPDX-License-Identifier: LGPL-2.1-or-later
/* Send everything or reset after three seconds: compiles for Windows as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winsock2.h>
#include <ws2tcpip.h>

int main(int argc, char **argv)
{
	struct linger linger = { 1, 3 };
	struct sockaddr_in to;
	WSADATA data;
	SOCKET s;

	if (WSAStartup(MAKEWORD(2, 2), &data)) {
		fprintf(stderr, "Winsock is not there\n");
		return 1;
	}
	memset(&to, 0, sizeof(to));
	to.sin_family = AF_INET;
	to.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 7777));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof(linger));
	if (connect(s, (struct sockaddr *)&to, sizeof(to)) == SOCKET_ERROR ||
	    send(s, "hello", 5, 0) == SOCKET_ERROR)
		fprintf(stderr, "error %d\n", WSAGetLastError());
	if (closesocket(s) == SOCKET_ERROR)
		fprintf(stderr, "closesocket: %d\n", WSAGetLastError());
	WSACleanup();
	return 0;
}
