// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program with kTLS, for winsock-run. Without arguments it asks for kTLS on a connection;
 * "linger": sets SO_LINGER before; "run COMMAND...": sets it after, and runs the command with that
 * connection as descriptor 9.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), client;
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct linger linger = { 1, 5 };
	socklen_t size = sizeof(name);

	client = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&name, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&name, &size) ||
	    connect(client, (struct sockaddr *)&name, size))
		return 1;
	if (count == 2 && setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return 1;
	if (setsockopt(client, SOL_TCP, TCP_ULP, "tls", sizeof("tls"))) {
		perror("kTLS");
		return 3;
	}
	if (count < 3)
		return 0;
	if (setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return 1;
	dup2(client, 9);
	execvp(arguments[2], arguments + 2);
	return 1;
}
