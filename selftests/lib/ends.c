// SPDX-License-Identifier: GPL-2.0-only
/* The two ends of a connection of any family. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ends.h"
#include "net.h"

static int must(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "# set-up failed: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}

void ends_pair(struct ends *ends, int family, int type)
{
	int fds[2];

	must(socketpair(family, type, 0, fds), "socketpair");
	ends->near = fds[0];
	ends->far = fds[1];
}

int ends_listen(int family, int type, int protocol, const struct sockaddr *address,
		socklen_t size)
{
	int listener = must(socket(family, type, protocol), "socket");

	must(bind(listener, address, size), "bind");
	must(listen(listener, 4), "listen");
	return listener;
}

void ends_accept(struct ends *ends, int family, int type, int protocol,
		 const struct sockaddr *address, socklen_t size)
{
	int listener = ends_listen(family, type, protocol, address, size);
	struct sockaddr_storage bound;

	size = sizeof(bound);
	must(getsockname(listener, (struct sockaddr *)&bound, &size), "getsockname");
	ends->near = must(socket(family, type, protocol), "socket");
	must(connect(ends->near, (struct sockaddr *)&bound, size), "connect");
	ends->far = must(accept(listener, NULL, NULL), "accept");
	close(listener);
}

void ends_close(struct ends *ends)
{
	if (ends->near >= 0)
		close(ends->near);
	if (ends->far >= 0)
		close(ends->far);
}

static void *reader_run(void *argument)
{
	struct ends_reader *reader = argument;

	net_sleep(reader->delay_ms);
	reader->got = net_drain(reader->fd, &reader->error);
	return NULL;
}

void ends_read_later(struct ends_reader *reader, int fd, unsigned int delay_ms)
{
	reader->fd = fd;
	reader->delay_ms = delay_ms;
	must(-pthread_create(&reader->thread, NULL, reader_run, reader), "pthread_create");
}

void ends_read_done(struct ends_reader *reader)
{
	pthread_join(reader->thread, NULL);
}

static void *sleeper_run(void *argument)
{
	struct ends_sleeper *sleeper = argument;
	static char block[4 << 20];

	errno = 0;
	if (sleeper->call == 'r')
		sleeper->result = recv(sleeper->fd, block, 100, 0);
	else if (sleeper->call == 's')
		do
			sleeper->result = send(sleeper->fd, block, 4096, MSG_NOSIGNAL);
		while (sleeper->result > 0);
	else
		sleeper->result = accept(sleeper->fd, NULL, NULL);
	sleeper->error = sleeper->result < 0 ? errno : 0;
	sleeper->woke = net_now();
	return NULL;
}

void ends_sleep(struct ends_sleeper *sleeper, int fd, char call)
{
	ends_sleep_all(sleeper, 1, fd, call);
}

void ends_sleep_all(struct ends_sleeper *sleepers, unsigned int count, int fd, char call)
{
	for (unsigned int i = 0; i < count; i++) {
		struct ends_sleeper *sleeper = sleepers + i;

		sleeper->fd = fd;
		sleeper->call = call;
		must(-pthread_create(&sleeper->thread, NULL, sleeper_run, sleeper),
		     "pthread_create");
	}
	net_sleep(200);
}

bool ends_woken(struct ends_sleeper *sleeper, unsigned int seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	return !pthread_timedjoin_np(sleeper->thread, NULL, &until);
}
