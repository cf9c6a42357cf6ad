/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A batch: as many connections with unacknowledged payload as are wanted, and all of them
 * closed together. Failures end the program.
 */
#ifndef BENCH_BATCH_H
#define BENCH_BATCH_H

#include <stdint.h>

enum batch_peer {
	BATCH_VANISHED,		/* drops what arrives */
	BATCH_LATE,		/* its window is full, until it reads */
};

/* The ends that are closed, as many as batch_size() said. */
extern int *batch_clients;

/* A network namespace in which TCP sends nothing twice, and limits that stop no batch. */
void batch_enter(void);

/* Sets the count; none may be open. */
void batch_size(int count);

void batch_open(enum batch_peer peer);

/* Reset them from their peers' end. */
void batch_end(void);

/* close(2) with this linger time, 0 for the hard close, negative for linger off; instructions. */
double batch_close(int seconds);

/*
 * WINSOCK_IOC_CLOSE of all, with one deadline, monotonic seconds: each socket's number is
 * its op's then. Instructions.
 */
double batch_begin(unsigned int flags, double deadline);

/* Wait until every record is there, and says this. */
void batch_await(uint32_t outcome);

/* Close the ops' descriptors. */
void batch_forget(void);

/* The late peers read all. */
void batch_read(void);

/* Unreclaimable slab, bytes, without what the allocator keeps in store. */
double batch_slab(void);

#endif /* BENCH_BATCH_H */
