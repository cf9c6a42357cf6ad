/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting instructions: under QEMU's -icount shift=0 the time-stamp counter advances
 * by one for each instruction of the guest, in user space and in the kernel.
 */
#ifndef COUNT_H
#define COUNT_H

#include <stdbool.h>
#include <stdint.h>
#ifdef __x86_64__
#include <x86intrin.h>
#else
/* Other processors have no such counter, see count_is_exact(). */
#define __rdtsc() 0
#endif

static inline uint64_t count_now(void)
{
	return __rdtsc();
}

/* Does the counter count instructions here? */
bool count_is_exact(void);

/* Numbers for a median; all zero is an empty series. */
struct count_series {
	double *values;
	unsigned int count;
	unsigned int room;
};

void count_add(struct count_series *series, double value);

/* Returns the median of a series that is not empty; sorts it. */
double count_median(struct count_series *series);
double count_least(struct count_series *series);
double count_most(struct count_series *series);

void count_free(struct count_series *series);

#endif /* COUNT_H */
