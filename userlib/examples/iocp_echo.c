// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An echo server on a completion port: compiles for Windows as it is. One operation of
 * each connection is under way at any time, so any number of threads may run serve();
 * here main() is the only one, as the two systems have no call in common that starts one.
 *
 * iocp_echo [PORT [CONNECTIONS]]: after so many connections it ends by itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winsock2.h>
#include <ws2tcpip.h>

enum step { RECEIVING, SENDING };

struct connection {
	OVERLAPPED overlapped;	/* first: a packet leads back to the connection */
	SOCKET s;
	enum step step;
	WSABUF buffer;
	char data[4096];
};

static HANDLE port;

/* Would-block means that the client still reads: the kernel has all data, let it linger. */
static void finish(struct connection *connection)
{
	struct linger off = { 0, 0 };

	if (closesocket(connection->s) == SOCKET_ERROR &&
	    WSAGetLastError() == WSAEWOULDBLOCK) {
		setsockopt(connection->s, SOL_SOCKET, SO_LINGER, (const char *)&off, sizeof(off));
		closesocket(connection->s);
	}
	free(connection);
}

/* Returns 0 if it has begun: the port gets its completion, even if it is done at once. */
static int begin(struct connection *connection, enum step step, DWORD size)
{
	DWORD flags = 0;
	int result;

	memset(&connection->overlapped, 0, sizeof(connection->overlapped));
	connection->step = step;
	connection->buffer.buf = connection->data;
	connection->buffer.len = size;
	if (step == RECEIVING)
		result = WSARecv(connection->s, &connection->buffer, 1, NULL, &flags,
				 &connection->overlapped, NULL);
	else
		result = WSASend(connection->s, &connection->buffer, 1, NULL, 0,
				 &connection->overlapped, NULL);
	return result == SOCKET_ERROR && WSAGetLastError() != WSA_IO_PENDING;
}

static void welcome(SOCKET s)
{
	struct connection *connection = (struct connection *)calloc(1, sizeof(*connection));

	if (!connection) {
		closesocket(s);
		return;
	}
	connection->s = s;
	if (!CreateIoCompletionPort((HANDLE)(ULONG_PTR)s, port, 1, 0) ||
	    begin(connection, RECEIVING, sizeof(connection->data)))
		finish(connection);
}

/* Serve until the last packet, or until nothing happens for @ms. */
static void serve(DWORD ms, int *open)
{
	struct connection *connection;
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD moved;
	BOOL good;

	while (*open) {
		good = GetQueuedCompletionStatus(port, &moved, &key, &overlapped, ms);
		if (!overlapped)
			return;
		connection = (struct connection *)overlapped;
		/* The end of the stream, a reset, or the next step. */
		if (!good || !moved ||
		    begin(connection, connection->step == RECEIVING ? SENDING : RECEIVING,
			  connection->step == RECEIVING ? moved :
							  (DWORD)sizeof(connection->data))) {
			finish(connection);
			(*open)--;
		}
	}
}

static SOCKET listen_at(unsigned short number)
{
	SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	struct sockaddr_in name;

	memset(&name, 0, sizeof(name));
	name.sin_family = AF_INET;
	name.sin_port = htons(number);
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(s, (struct sockaddr *)&name, sizeof(name)) == SOCKET_ERROR ||
	    listen(s, SOMAXCONN) == SOCKET_ERROR) {
		fprintf(stderr, "error %d\n", WSAGetLastError());
		exit(1);
	}
	return s;
}

int main(int argc, char **argv)
{
	int left = argc > 2 ? atoi(argv[2]) : -1, open = 0;
	u_long nonblocking = 1;
	SOCKET listener, s;
	WSADATA data;

	if (WSAStartup(MAKEWORD(2, 2), &data)) {
		fprintf(stderr, "Winsock is not there\n");
		return 1;
	}
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	listener = listen_at((unsigned short)(argc > 1 ? atoi(argv[1]) : 7777));
	ioctlsocket(listener, FIONBIO, &nonblocking);
	while (left) {
		struct timeval moment = { open ? 0 : 1, 0 };
		fd_set set;

		FD_ZERO(&set);
		FD_SET(listener, &set);
		if (select((int)listener + 1, &set, NULL, NULL, &moment) > 0 &&
		    (s = accept(listener, NULL, NULL)) != INVALID_SOCKET) {
			welcome(s);
			open++;
			left -= left > 0;
		}
		serve(10, &open);
	}
	/* Accept no more; serve the open ones to their end. */
	closesocket(listener);
	serve(INFINITE, &open);
	CloseHandle(port);
	WSACleanup();
	return 0;
}
