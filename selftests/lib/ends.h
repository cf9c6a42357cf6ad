/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two ends of a connection of any family, and a reader of the far one. If the set-up fails the
 * program ends, as in net.h.
 */
#ifndef ENDS_H
#define ENDS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/**
 * struct ends - a connection
 * @near:	the end that tests close
 * @far:	the other one
 */
struct ends {
	int near;
	int far;
};

/* Open a connection by socketpair(2). */
void ends_pair(struct ends *ends, int family, int type);

/* Open a connection by listening on @address, which may be one without a port. */
void ends_accept(struct ends *ends, int family, int type, int protocol,
		 const struct sockaddr *address, socklen_t size);

/* Returns a listening socket bound to @address. */
int ends_listen(int family, int type, int protocol, const struct sockaddr *address,
		socklen_t size);

/* Close the open ends; a descriptor of -1 is skipped. */
void ends_close(struct ends *ends);

/**
 * struct ends_reader - a thread that reads until the end or an error
 * @fd:		the descriptor to read
 * @delay_ms:	pause before the first read
 * @got:	bytes read
 * @error:	errno at the end, or 0
 * @thread:	the thread
 */
struct ends_reader {
	int fd;
	unsigned int delay_ms;
	size_t got;
	int error;
	pthread_t thread;
};

void ends_read_later(struct ends_reader *reader, int fd, unsigned int delay_ms);
void ends_read_done(struct ends_reader *reader);

/**
 * struct ends_sleeper - a thread that sleeps in a call on a socket
 * @fd:		the socket
 * @call:	'r'eceives, 's'ends or 'a'ccepts
 * @result:	of the call
 * @error:	errno, or 0
 * @woke:	when it returned, by net_now()
 * @thread:	the thread
 */
struct ends_sleeper {
	int fd;
	char call;
	long result;
	int error;
	double woke;
	pthread_t thread;
};

/* Returns when the thread sleeps. */
void ends_sleep(struct ends_sleeper *sleeper, int fd, char call);

/* Start @count threads that sleep. */
void ends_sleep_all(struct ends_sleeper *sleepers, unsigned int count, int fd, char call);

/* Wait for its end, @seconds at most. Returns false, and leaves the thread, if it sleeps on. */
bool ends_woken(struct ends_sleeper *sleeper, unsigned int seconds);

#endif /* ENDS_H */
