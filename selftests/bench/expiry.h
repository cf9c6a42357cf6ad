/* SPDX-License-Identifier: GPL-2.0-only */
/* Many deadlines in one moment: how long a processor is away. The table's rows. */
#ifndef BENCH_EXPIRY_H
#define BENCH_EXPIRY_H

void bench_expiry(void);

#endif /* BENCH_EXPIRY_H */
