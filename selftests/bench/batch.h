/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A batch: connections with unacknowledged payload that are closed together. A failure ends the
 * program.
 */
#ifndef BENCH_BATCH_H
#define BENCH_BATCH_H

#include <stdint.h>

enum batch_peer {
	BATCH_VANISHED,		/* drops what arrives */
	BATCH_LATE,		/* its window is full, until it reads */
};

/* The ends to close, batch_size() of them. */
extern int *batch_clients;

/* Enter a network namespace in which TCP retransmits nothing and no limit stops a batch. */
void batch_enter(void);

/* Set the count; no connection may be open. */
void batch_size(int count);

void batch_open(enum batch_peer peer);

/* Reset them from their peers' end. */
void batch_end(void);

/*
 * Close with close(2) and this linger time, 0 for the hard close, negative for linger off. Returns
 * instructions.
 */
double batch_close(int seconds);

/*
 * Call WINSOCK_IOC_CLOSE for all, with one deadline in monotonic seconds: each socket's number is
 * its op's then. Returns instructions.
 */
double batch_begin(unsigned int flags, double deadline);

/* Wait until every record can be read, and has this outcome. */
void batch_await(uint32_t outcome);

/* Close the ops' descriptors. */
void batch_forget(void);

/* Make the late peers read all. */
void batch_read(void);

/* Returns bytes of unreclaimable slab, without the allocator's stock. */
double batch_slab(void);

#endif /* BENCH_BATCH_H */
