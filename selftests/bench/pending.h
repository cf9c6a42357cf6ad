/* SPDX-License-Identifier: GPL-2.0-only */
/* Many lingering closes pending in one process: the table's rows. */
#ifndef BENCH_PENDING_H
#define BENCH_PENDING_H

/* Measure 1 and 1,000, and the ways without the module. */
void bench_pending(void);

/* Measure each of up to 100,000: needs 8 GB, and some minutes. */
void bench_growth(void);

/* Measure each of up to 1,000,000: needs 16 GB. */
void bench_million(void);

#endif /* BENCH_PENDING_H */
