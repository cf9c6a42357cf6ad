// SPDX-License-Identifier: GPL-2.0-only
/* Counting instructions. See count.h. */
#include <stdlib.h>

#include "count.h"

#define COUNT_PROBE	10000

/* Time a loop of two instructions: no other counter gives this ratio twice. */
static uint64_t count_probe(void)
{
	uint64_t turns = COUNT_PROBE, start = count_now();

#ifdef __x86_64__
	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(turns) : : "cc");
#else
	turns = 0;
#endif
	return count_now() - start;
}

bool count_is_exact(void)
{
	unsigned int exact = 0;

	/* An interrupt may disturb one of the loops. */
	for (unsigned int i = 0; i < 5; i++)
		exact += count_probe() / 10 == 2 * COUNT_PROBE / 10;
	return exact >= 3;
}

void count_add(struct count_series *series, double value)
{
	if (series->count == series->room) {
		series->room = series->room ? 2 * series->room : 256;
		series->values = realloc(series->values,
					 series->room * sizeof(*series->values));
		if (!series->values)
			abort();
	}
	series->values[series->count++] = value;
}

static int count_compare(const void *first, const void *second)
{
	double a = *(const double *)first, b = *(const double *)second;

	return (a > b) - (a < b);
}

static void count_sort(struct count_series *series)
{
	qsort(series->values, series->count, sizeof(*series->values), count_compare);
}

double count_median(struct count_series *series)
{
	count_sort(series);
	return series->values[series->count / 2];
}

double count_least(struct count_series *series)
{
	count_sort(series);
	return series->values[0];
}

double count_most(struct count_series *series)
{
	count_sort(series);
	return series->values[series->count - 1];
}

void count_free(struct count_series *series)
{
	free(series->values);
	*series = (struct count_series){ 0 };
}
