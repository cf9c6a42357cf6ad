/* SPDX-License-Identifier: GPL-2.0-only */
/* The cost of a close, by way and by state of the connection. */
#ifndef BENCH_CLOSE_H
#define BENCH_CLOSE_H

enum close_way {
	CLOSE_PLAIN,		/* close(2) */
	CLOSE_IOCTL,		/* WINSOCK_IOC_CLOSE as libwinsock calls it */
	CLOSE_LIBRARY,		/* closesocket() */
	CLOSE_ATTACHED,		/* close(2) on a socket that has the ULP */
	CLOSE_WAYS
};

enum close_state {
	CLOSE_IDLE,		/* linger off, nothing queued */
	CLOSE_QUEUED,		/* linger off, data unacknowledged */
	CLOSE_HARD,		/* linger {1,0} */
	CLOSE_TIMED,		/* linger {1,5}, nothing queued */
	CLOSE_STATES
};

extern const char *const close_state_names[CLOSE_STATES];

/*
 * Close @rounds connections in each state by each way, in turns, and fill @medians with
 * instructions. Called in a network namespace of the caller's own, after WSAStartup().
 */
void close_measure(unsigned int rounds, double medians[CLOSE_STATES][CLOSE_WAYS]);

/* The table's rows. */
void bench_close(void);

#endif /* BENCH_CLOSE_H */
