// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that knows nothing of winsock, for winsock-run: it closes a non-blocking,
 * lingering connection whose peer reads late. 0: close(2) did what it does on Linux;
 * 3: it failed with EWOULDBLOCK, and worked after the peer had read; else it broke.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), small = 4096, client, server;
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct linger linger = { 1, 5 };
	socklen_t size = sizeof(name);
	static char block[65536];

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(listener, (struct sockaddr *)&name, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&name, &size))
		return 1;
	client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(client, (struct sockaddr *)&name, size))
		return 1;
	server = accept(listener, NULL, NULL);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	fcntl(client, F_SETFL, O_NONBLOCK);
	while (send(client, block, sizeof(block), 0) > 0)
		;
	if (!close(client))
		return fcntl(client, F_GETFD) < 0 ? 0 : 1;
	if (errno != EWOULDBLOCK || fcntl(client, F_GETFD) < 0)
		return 1;
	fcntl(server, F_SETFL, O_NONBLOCK);
	while (recv(server, block, sizeof(block), 0) > 0 || !usleep(1000)) {
		if (!close(client)) {
			puts("would block, still open, closed when drained");
			return 3;
		}
		if (errno != EWOULDBLOCK)
			return 1;
	}
	return 1;
}
