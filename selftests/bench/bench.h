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
 * @value:	ours
 * @against:	what it is compared with
 * @base:	that, measured in the same run, or a bound
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

/* A formatted string that lives as long as the program. */
const char *bench_name(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Set-up that fails ends the program; negative is failure. */
void bench_must(int result, const char *what);

/*
 * The kernel's random numbers are seeded. A guest that has gathered nothing yet works for
 * each of them, and slabs are laid out at random.
 */
void bench_random(void);

/* Write a setting under /proc/sys or /sys. */
void bench_setting(const char *path, const char *value);

/* What /proc/meminfo says of @name, bytes. */
double bench_memory(const char *name);

#endif /* BENCH_H */
