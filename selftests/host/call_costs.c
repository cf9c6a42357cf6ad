// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls for call_costs.sh to measure, with a stand-in for the device, or (LIBC) libc's own.
 *
 * call_costs select COUNT: select() of so many sockets that are all readable
 * call_costs calls: send, recv with data, recv that waits, 16 such recv behind it, recv with data
 *	behind those; getppid() before and after each
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef LIBC
#include <netinet/in.h>
#include <sys/select.h>
#include <sys/socket.h>

typedef int SOCKET;
#else
#include <winsock2.h>
#endif

#define MOST	64

static SOCKET listener, sockets[MOST], peers[MOST];

static int open_pair(int i)
{
	struct sockaddr_in name = { 0 };
#ifdef LIBC
	socklen_t size = sizeof(name);
#else
	int size = sizeof(name);
#endif

	sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
	if (getsockname(listener, (struct sockaddr *)&name, &size) ||
	    connect(sockets[i], (struct sockaddr *)&name, size))
		return -1;
	peers[i] = accept(listener, NULL, NULL);
	return send(peers[i], "x", 1, 0) == 1 ? 0 : -1;
}

/* Fill the set and ask. */
static inline int ask(int count)
{
	struct timeval none = { 0 };
	fd_set set;

#ifdef LIBC
	FD_ZERO(&set);
	for (int i = 0; i < count; i++)
		FD_SET(sockets[i], &set);
	return select(sockets[count - 1] + 1, &set, NULL, NULL, &none);
#else
	set.fd_count = count;
	memcpy(set.fd_array, sockets, count * sizeof(*sockets));
	return select(0, &set, NULL, NULL, &none);
#endif
}

/* callgrind counts the instructions of this function. */
__attribute__((noinline)) static int measured(int count)
{
	return ask(count);
}

/* Wait until another process sleeps; strace stops it before and after each call. */
static void await_sleep(pid_t pid)
{
	char path[32], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (state != 'S') {
		usleep(1000);
		file = fopen(path, "r");
		if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			_exit(1);
		fclose(file);
	}
}

/* Receive what a child sends as soon as this process sleeps. */
static int receive_late(void)
{
	char byte;

	if (!fork()) {
		await_sleep(getppid());
		_exit(send(peers[0], "x", 1, 0) != 1);
	}
	getppid();
	return recv(sockets[0], &byte, 1, 0) != 1;
}

static int calls(void)
{
	sigset_t child;
	char byte;
	int wrong;

	/* A child's end would interrupt a call. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	getppid();
	wrong = send(sockets[0], "x", 1, 0) != 1;
	getppid();
	wrong |= recv(sockets[0], &byte, 1, 0) != 1;
	getppid();
	for (int i = 0; i < 17; i++) {
		wrong |= receive_late();
		getppid();
	}
	wrong |= send(peers[0], "x", 1, 0) != 1;
	getppid();
	wrong |= recv(sockets[0], &byte, 1, 0) != 1;
	getppid();
	return wrong;
}

int main(int argc, char **argv)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	int count = argc > 2 ? atoi(argv[2]) : 1;

#ifndef LIBC
	WSADATA data;

	if (WSAStartup(MAKEWORD(2, 2), &data))
		return 1;
#endif
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&name, sizeof(name)) || listen(listener, MOST))
		return 1;
	for (int i = 0; i < count; i++)
		if (open_pair(i))
			return 1;
	if (argc > 2)
		return ask(count) != count || measured(count) != count;
	return calls();
}
