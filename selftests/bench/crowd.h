/* SPDX-License-Identifier: GPL-2.0-only */
/* Closes in a crowd: among many descriptors, and beside many threads. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#define CROWD_MANY	20000	/* descriptors */
#define CROWD_FIRST	100	/* the first of them; what the program has is below */

/* What holds the socket besides. */
enum crowd_beside {
	CROWD_ALONE,
	CROWD_SLEEPER,		/* a thread of this process, in recv() */
	CROWD_DUP,
	CROWD_CHILD,
	CROWD_BESIDES
};

extern const char *const crowd_names[CROWD_BESIDES];

/* Open sockets until so many have numbers from CROWD_FIRST on; none is free below. */
void crowd_open(int count);

/*
 * Instructions of WINSOCK_IOC_CLOSE of a datagram socket by libwinsock's flags, IF_LAST
 * among them: the median. Datagram sockets are the cheapest to close.
 */
double crowd_cost(int dev, enum crowd_beside beside);

/* The table's rows. */
void bench_crowd(void);
void bench_blocked(void);

#endif /* BENCH_CROWD_H */
