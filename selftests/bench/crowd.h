/* SPDX-License-Identifier: GPL-2.0-only */
/* Closes in a crowd: among many descriptors, and beside many threads. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#define CROWD_MANY	20000	/* descriptors */
#define CROWD_FIRST	100	/* the first of them; the program's own are below */

/* Another holder or user of the socket. */
enum crowd_beside {
	CROWD_ALONE,
	CROWD_SLEEPER,		/* a thread of this process, in recv() */
	CROWD_DUP,
	CROWD_CHILD,
	CROWD_BESIDES
};

extern const char *const crowd_names[CROWD_BESIDES];

/* Open sockets until @count have numbers from CROWD_FIRST on; none is free below. */
void crowd_open(int count);

/*
 * Returns the median instructions of WINSOCK_IOC_CLOSE for a datagram socket, which is the cheapest
 * to close, by libwinsock's flags with IF_LAST.
 */
double crowd_cost(int dev, enum crowd_beside beside);

/* The table's rows. */
void bench_crowd(void);
void bench_blocked(void);

#endif /* BENCH_CROWD_H */
