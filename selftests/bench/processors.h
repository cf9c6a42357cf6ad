/* SPDX-License-Identifier: GPL-2.0-only */
/* Two processes that close on two processors, or share one. The table's rows. */
#ifndef BENCH_PROCESSORS_H
#define BENCH_PROCESSORS_H

/* Needs a guest of two processors, in real time. */
void bench_processors(void);

#endif /* BENCH_PROCESSORS_H */
