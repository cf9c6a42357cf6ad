/* SPDX-License-Identifier: GPL-2.0-only */
/* The cost of the ULP while a connection lives: the table's rows. */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

void bench_data(void);
void bench_accept(void);

#endif /* BENCH_DATA_H */
