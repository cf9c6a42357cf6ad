/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmarks: each is a function that measures and hands in rows. One line of
 * output for each row, fields by tabs, which the host's table is made of:
 *
 *	@row KEY UNIT VALUE BASE LIMIT WHAT AGAINST
 */
#ifndef BENCH_H
#define BENCH_H

/**
 * struct bench_row - one comparison
 * @key:	its name in the stored numbers
 * @what:	what was measured
 * @unit:	of @value and @base. Counts of "instructions" are held against the
 *		stored numbers, everything else is a ratio of this run
 * @value:	the module's or the library's
 * @against:	the thing that it is compared with
 * @base:	the value of @against, measured in the same run, or a bound
 * @limit:	@value / @base is to be at most this; at least, if negative; 0: no target
 */
struct bench_row {
	const char *key;
	const char *what;
	const char *unit;
	double value;
	const char *against;
	double base;
	double limit;
};

void bench_row(const struct bench_row *row);

/* Returns a formatted string, valid to the end of the program. */
const char *bench_name(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* End the program if the set-up failed: @result is negative. */
void bench_must(int result, const char *what);

/*
 * Seed the kernel's random numbers: without a seed a guest computes longer for each, and slabs are
 * laid out at random.
 */
void bench_random(void);

/* Write a setting under /proc/sys or /sys. */
void bench_setting(const char *path, const char *value);

/* Returns @name of /proc/meminfo, in bytes. */
double bench_memory(const char *name);

#endif /* BENCH_H */
