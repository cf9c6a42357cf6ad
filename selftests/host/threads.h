/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library under ThreadSanitizer, helgrind, ASan and UBSan: parties that use it
 * without end from several threads, all at the same time. The tools look for races; the
 * parties themselves count that nothing is lost and nothing comes twice.
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
 * @rounds:	how often it was
 * @seed:	see rand_r(3)
 */
struct party {
	const char *name;
	void (*round)(struct party *party);
	unsigned int rounds;
	unsigned int seed;
	pthread_t thread;
};

/* Said once, printed at the end, and the check fails. */
void threads_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define THREADS_EXPECT(what) do { \
	if (!(what)) \
		threads_wrong("%s:%d: " #what " (error %d)", __FILE_NAME__, __LINE__, \
			      WSAGetLastError()); \
} while (0)

/* A connection of the library's sockets. */
struct threads_pair {
	SOCKET client;
	SOCKET server;
};
void threads_pair_open(struct threads_pair *pair);

/*
 * Give a socket a number that nobody else gets in the meantime: the party's threads
 * may still use it after the close.
 */
SOCKET threads_private(SOCKET s);

SOCKET threads_listen(int backlog, struct sockaddr_in *name);
void threads_linger(SOCKET s, int on, int seconds);
void threads_nonblock(SOCKET s, u_long on);
/* Lingering and non-blocking, a few times: closed, or with linger off again. */
bool threads_close_refused(SOCKET s);
/* Send until nothing more is taken; the mode is blocking again after it. */
void threads_stuff(SOCKET s);

pthread_t threads_begin(void *(*run)(void *), void *argument);
unsigned int threads_random(struct party *party, unsigned int below);
/* Up to so many us, mostly much less. */
void threads_pause(struct party *party, unsigned int us);

/* Rounds; each file has the parties of one kind. */
void blocked_round(struct party *party);
void alerted_round(struct party *party);
void blocked_accept_round(struct party *party);
void blocked_connect_round(struct party *party);
void option_round(struct party *party);
void ported_round(struct party *party);
void contested_round(struct party *party);
void accepted_round(struct party *party);
void twice_closed_round(struct party *party);
void evented_round(struct party *party);
void order_round(struct party *party);
void netevent_round(struct party *party);
void apc_round(struct party *party);
void fork_round(struct party *party);
void fork_port_round(struct party *party);
void duplicate_round(struct party *party);

/* The port that ported_round() shares; its threads end with it. */
void ported_start(bool alertable);
void ported_stop(void);

#endif /* THREADS_H */
