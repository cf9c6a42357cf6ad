/* SPDX-License-Identifier: GPL-2.0-only */
/* Lingering closes: how soon after the last ACK, at what cost, how near the deadline. */
#ifndef BENCH_DRAIN_H
#define BENCH_DRAIN_H

void bench_drain(void);
void bench_deadline(void);

#endif /* BENCH_DRAIN_H */
