/* SPDX-License-Identifier: GPL-2.0-only */
/* Many lingering closes pending in one process. */
#ifndef BENCH_PENDING_H
#define BENCH_PENDING_H

/* 1 and 1,000, and what one would do instead. */
void bench_pending(void);

/* 100,000: wants 8 GB, and some minutes. */
void bench_storm(void);

#endif /* BENCH_PENDING_H */
