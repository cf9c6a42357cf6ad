/* SPDX-License-Identifier: GPL-2.0-only */
/* Many lingering closes pending in one process: the table's rows. */
#ifndef BENCH_PENDING_H
#define BENCH_PENDING_H

/* 1 and 1,000, and what one would do instead. */
void bench_pending(void);

/* What each of up to 100,000 costs: wants 8 GB, and some minutes. */
void bench_growth(void);

/* Of up to 1,000,000, which wants 16 GB. */
void bench_million(void);

#endif /* BENCH_PENDING_H */
