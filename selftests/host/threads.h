/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library under ThreadSanitizer, helgrind, ASan and UBSan: parties that use it without end from
 * several threads, all at the same time. The tools find races; the parties check that nothing is
 * lost and nothing comes twice.
 */
#ifndef THREADS_H
#define THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <winsock_ext.h>

/**
 * struct party - one thread's life
 * @name:	for the result
 * @round:	called until the time is up, with a seed of its own
 * @rounds:	number of calls so far
 * @seed:	see rand_r(3)
 */
struct party {
	const char *name;
	void (*round)(struct party *party);
	unsigned int rounds;
	unsigned int seed;
	pthread_t thread;
};

/* Report a failure: the first one is printed at the end, and the check fails. */
void threads_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define THREADS_EXPECT(what) do { \
	if (!(what)) \
		threads_wrong("%s:%d: " #what " (error %d)", __FILE_NAME__, __LINE__, \
			      WSAGetLastError()); \
} while (0)

/* A connection of library sockets. */
struct threads_pair {
	SOCKET client;
	SOCKET server;
};
void threads_pair_open(struct threads_pair *pair);

/*
 * Give a socket a number that no other thread gets: the party's threads may still use it after the
 * close.
 */
SOCKET threads_private(SOCKET s);

SOCKET threads_listen(int backlog, struct sockaddr_in *name);
void threads_linger(SOCKET s, int on, int seconds);
void threads_nonblock(SOCKET s, u_long on);
/*
 * Try to close a lingering non-blocking socket a few times. Returns true if it is closed; otherwise
 * linger is off again.
 */
bool threads_close_refused(SOCKET s);
/* Send until nothing more is accepted; sets blocking mode. */
void threads_stuff(SOCKET s);

pthread_t threads_begin(void *(*run)(void *), void *argument);
unsigned int threads_random(struct party *party, unsigned int below);
/* Sleep up to @us, mostly much less. */
void threads_pause(struct party *party, unsigned int us);

/* The rounds; each file has the parties of one kind. */
void blocked_round(struct party *party);
void alerted_round(struct party *party);
void blocked_accept_round(struct party *party);
void blocked_connect_round(struct party *party);
void option_round(struct party *party);
void ported_round(struct party *party);
void contested_round(struct party *party);
void accepted_round(struct party *party);
void served_round(struct party *party);
void twice_closed_round(struct party *party);
void evented_round(struct party *party);
void order_round(struct party *party);
void departed_round(struct party *party);
void netevent_round(struct party *party);
void apc_round(struct party *party);
void fork_round(struct party *party);
void fork_port_round(struct party *party);
void duplicate_round(struct party *party);

/* Make the port of ported_round(); its threads end with it. */
void ported_start(bool alertable);
void ported_stop(void);

#endif /* THREADS_H */
