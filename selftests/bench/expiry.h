/* SPDX-License-Identifier: GPL-2.0-only */
/* Many deadlines at one moment: the time that a processor is busy with them. The table's rows. */
#ifndef BENCH_EXPIRY_H
#define BENCH_EXPIRY_H

void bench_expiry(void);

#endif /* BENCH_EXPIRY_H */
