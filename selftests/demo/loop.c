// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server with one thread answers a client's pings and has stuck connections to
 * close, 1 s of linger each. The client measures how long it waits for an answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "loop.h"
#include "net.h"

#define LOOP_STUCK	1000
#define LOOP_NATIVE	5	/* with close(2) a thousand would take 17 minutes */

struct loop_seen {
	double longest;		/* wait of the client, s */
	double total;		/* from the first close to the last end, s */
	unsigned int resets;
};

static struct loop_seen *loop_seen;
static struct net_pair loop_stuck[LOOP_STUCK];

/* The client sends a ping each 10 ms until the server closes. */
static void loop_client(int fd)
{
	char byte = 'p';

	for (;;) {
		double start = net_now(), waited;

		if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1)
			_exit(0);
		waited = net_now() - start;
		if (waited > loop_seen->longest)
			loop_seen->longest = waited;
		net_sleep(10);
	}
}

static void loop_answer(int fd)
{
	char byte;

	if (recv(fd, &byte, 1, MSG_DONTWAIT) == 1)
		send(fd, &byte, 1, MSG_NOSIGNAL);
}

/* Begin the closes. Returns how many are pending. */
static unsigned int loop_close(int dev, int loop, unsigned int number)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct winsock_close call;

	net_linger(loop_stuck[number].client, 1, 1);
	if (dev < 0) {
		close(loop_stuck[number].client);
		return 0;
	}
	if (dev_close(dev, loop_stuck[number].client, WINSOCK_CLOSE_DROP_FD, 0, &call) ||
	    call.op_fd < 0)
		return 0;
	event.data.fd = call.op_fd;
	epoll_ctl(loop, EPOLL_CTL_ADD, call.op_fd, &event);
	return 1;
}

static void loop_end(int op)
{
	struct winsock_record record;

	if (read(op, &record, sizeof(record)) == sizeof(record))
		loop_seen->resets += record.outcome == WINSOCK_OUTCOME_DEADLINE;
	close(op);
}

static void loop_serve(int dev, unsigned int count)
{
	struct epoll_event event = { .events = EPOLLIN }, events[16];
	int loop = epoll_create1(0);
	unsigned int begun = 0, pending = 0;
	struct net_pair served;
	double start = 0;

	net_pair_open(&served, NET_V4, false);
	for (unsigned int i = 0; i < count; i++) {
		net_pair_open(&loop_stuck[i], NET_V4, false);
		net_mute(loop_stuck[i].server);
		send(loop_stuck[i].client, "stuck", 5, 0);
	}
	if (!fork()) {
		/* The client must not hold the sockets that are closed. */
		for (unsigned int i = 0; i < count; i++)
			close(loop_stuck[i].client);
		loop_client(served.server);
	}
	net_sleep(20);
	event.data.fd = served.client;
	epoll_ctl(loop, EPOLL_CTL_ADD, served.client, &event);

	while (begun < count || pending) {
		int ready = epoll_wait(loop, events, 16, begun < count ? 0 : -1);

		for (int i = 0; i < ready; i++) {
			if (events[i].data.fd == served.client) {
				loop_answer(served.client);
			} else {
				loop_end(events[i].data.fd);
				pending--;
			}
		}
		if (!begun)
			start = net_now();
		if (begun < count)
			pending += loop_close(dev, loop, begun++);
	}
	loop_seen->total = net_now() - start;
	/* Answer a ping that came during the last close. */
	loop_answer(served.client);
	net_sleep(50);
	shutdown(served.client, SHUT_RDWR);
	wait(NULL);
}

static bool loop_run(bool winsock, unsigned int count)
{
	struct rlimit limit = { 8192, 8192 };
	pid_t child;
	int status;

	memset(loop_seen, 0, sizeof(*loop_seen));
	fflush(stdout);
	child = fork();
	if (!child) {
		setrlimit(RLIMIT_NOFILE, &limit);
		net_enter();
		loop_serve(winsock ? dev_open() : -1, count);
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && !status;
}

bool loop_show(unsigned int number)
{
	bool ok;

	loop_seen = mmap(NULL, sizeof(*loop_seen), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (loop_seen == MAP_FAILED)
		return false;
	printf("\n%u. an event loop answers a client and closes stuck connections, 1 s of linger each\n"
	       "   no page says this: closes that never block, whose end a descriptor tells\n",
	       number);
	ok = loop_run(false, LOOP_NATIVE);
	printf("   close(2)       %4u connections in %6.3f s   the client waited up to %.3f s for an answer\n",
	       LOOP_NATIVE, loop_seen->total, loop_seen->longest);
	ok = loop_run(true, LOOP_STUCK) && ok;
	printf("   winsock        %4u connections in %6.3f s   the client waited up to %.3f s for an answer\n"
	       "                  %u were reset at their deadline\n",
	       LOOP_STUCK, loop_seen->total, loop_seen->longest, loop_seen->resets);
	return ok && loop_seen->resets == LOOP_STUCK && loop_seen->longest < 0.5;
}
