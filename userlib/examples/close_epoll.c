// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An epoll loop that lingers without waiting: connects to a port, sends, begins to close, and goes
 * on until the op descriptor is readable. Linux only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <winsock_ext.h>

int main(int argc, char **argv)
{
	struct linger linger = { 1, 3 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct epoll_event event = { .events = EPOLLIN };
	struct winsock_record record;
	WSADATA data;
	int loop, op;
	SOCKET s;

	if (WSAStartup(MAKEWORD(2, 2), &data)) {
		fprintf(stderr, "%s\n", winsock_startup_error());
		return 1;
	}
	to.sin_port = htons(argc > 1 ? atoi(argv[1]) : 7777);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger));
	if (connect(s, (struct sockaddr *)&to, sizeof(to)) || send(s, "hello", 5, 0) < 0 ||
	    winsock_close_begin(s, NULL, &op, &record)) {
		fprintf(stderr, "error %d\n", WSAGetLastError());
		return 1;
	}
	loop = epoll_create1(EPOLL_CLOEXEC);
	if (op >= 0) {
		epoll_ctl(loop, EPOLL_CTL_ADD, op, &event);
		/* A server would serve other descriptors here, too. */
		while (epoll_wait(loop, &event, 1, 1000) < 1)
			printf("still lingering\n");
		winsock_close_result(op, 0, &record);
		close(op);
	}
	printf("outcome %u after %.3f s, %llu bytes unacknowledged\n", record.outcome,
	       record.elapsed_ns / 1e9, (unsigned long long)record.unacked);
	return WSACleanup();
}
