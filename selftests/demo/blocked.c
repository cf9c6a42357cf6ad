// SPDX-License-Identifier: GPL-2.0-only
/* Threads blocked on a socket that is closed. See blocked.h. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINSOCK_KEEP_LIBC_NAMES
#include <winsock_ext.h>
#undef linger

#include "blocked.h"
#include "net.h"

/* The demo waits so long for a thread to wake. */
#define BLOCKED_PATIENCE_MS	1000

enum call { CALL_RECV, CALL_ACCEPT, CALL_OVERLAPPED, CALLS };

static const struct {
	const char *name;
	const char *code_name;
	int code;
} calls[CALLS] = {
	[CALL_RECV] = { "recv()", "WSAECONNABORTED", WSAECONNABORTED },
	[CALL_ACCEPT] = { "accept()", "WSAEINTR", WSAEINTR },
	[CALL_OVERLAPPED] = { "WSARecv(), overlapped", "WSA_OPERATION_ABORTED",
			      WSA_OPERATION_ABORTED },
};

struct blocked {
	enum call call;
	bool native;
	int fd;
	volatile double woken;
	ssize_t result;
	int error;
};

static void blocked_overlapped(struct blocked *blocked)
{
	WSAEVENT event = WSACreateEvent();
	WSAOVERLAPPED overlapped = { .hEvent = event };
	char byte;
	WSABUF buffer = { 1, &byte };
	DWORD flags = 0, moved = 0;

	WSARecv(blocked->fd, &buffer, 1, NULL, &flags, &overlapped, NULL);
	WSAWaitForMultipleEvents(1, &event, FALSE, INFINITE, FALSE);
	blocked->result = WSAGetOverlappedResult(blocked->fd, &overlapped, &moved, FALSE, &flags);
}

static void *blocked_run(void *argument)
{
	struct blocked *blocked = argument;
	char byte;

	if (blocked->native)
		blocked->result = blocked->call == CALL_RECV ? recv(blocked->fd, &byte, 1, 0)
							     : accept(blocked->fd, NULL, NULL);
	else if (blocked->call == CALL_RECV)
		blocked->result = winsock_recv(blocked->fd, &byte, 1, 0);
	else if (blocked->call == CALL_ACCEPT)
		blocked->result = winsock_accept(blocked->fd, NULL, NULL);
	else
		blocked_overlapped(blocked);
	blocked->error = blocked->native ? errno : WSAGetLastError();
	blocked->woken = net_now();
	return NULL;
}

/* Runs in a process of its own: a thread that does not wake ends with it. */
static void blocked_measure(struct blocked *blocked)
{
	struct net_pair pair;
	pthread_t thread;
	uint16_t port;
	WSADATA data;
	double closed;

	net_enter();
	if (!blocked->native && WSAStartup(MAKEWORD(2, 2), &data))
		_exit(1);
	net_pair_open(&pair, NET_V4, false);
	blocked->fd = blocked->call == CALL_ACCEPT ? net_listen(NET_V4, &port) : pair.client;
	pthread_create(&thread, NULL, blocked_run, blocked);
	net_sleep(200);
	closed = net_now();
	if (blocked->native ? close(blocked->fd) : closesocket(blocked->fd))
		_exit(1);
	for (int ms = 0; ms < BLOCKED_PATIENCE_MS && !blocked->woken; ms += 10)
		net_sleep(10);
	if (blocked->woken)
		blocked->woken -= closed;
	else
		blocked->woken = -1;
	_exit(0);
}

static bool blocked_line(enum call call, bool native)
{
	struct blocked *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct blocked seen = { 0 };
	pid_t child;

	fflush(stdout);
	if (shared == MAP_FAILED)
		return false;
	*shared = (struct blocked){ .call = call, .native = native };
	child = fork();
	if (!child)
		blocked_measure(shared);
	waitpid(child, NULL, 0);
	seen = *shared;
	munmap(shared, sizeof(*shared));

	printf("   %-14s %-22s ", native ? "close(2)" : "closesocket()", calls[call].name);
	if (seen.woken <= 0) {
		printf("still blocked after %d ms\n", BLOCKED_PATIENCE_MS);
		return native;
	}
	printf("woken after %.3f s: %s\n", seen.woken,
	       seen.error == calls[call].code ? calls[call].code_name :
	       native ? strerror(seen.error) : "another code");
	return native || (seen.woken < 0.1 && seen.error == calls[call].code);
}

bool blocked_show(unsigned int number)
{
	bool good = true;

	printf("\n%u. a thread is blocked on the socket that another one closes\n"
	       "   the page: pending operations are cancelled, each with its code\n", number);
	for (enum call call = 0; call < CALLS; call++) {
		if (call != CALL_OVERLAPPED)
			blocked_line(call, true);
		good = blocked_line(call, false) && good;
	}
	printf("   closesocket() %s\n",
	       good ? "did what the page says" : "DID NOT DO WHAT THE PAGE SAYS");
	return good;
}
