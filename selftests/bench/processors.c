// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same work of two processes on two processors and, with the second one off, on one: pending
 * closes begun and ended, {1,0} closes, and a loop without system calls, which shows what the
 * machine gives. In real time, in steps of some milliseconds: the shortest of many ran undisturbed.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "bench.h"
#include "count.h"
#include "dev.h"
#include "net.h"
#include "processors.h"

#define PROCESSORS_TURNS	4	/* of the second processor, off and on */
#define PROCESSORS_ROUNDS	20	/* in each */
#define PROCESSORS_COUNT	100	/* closes of each process */
#define PROCESSORS_LOOP		1000000
#define PROCESSORS_GRACE	0.3	/* s, to begin them */

enum processors_work { PROCESSORS_PENDING, PROCESSORS_HARD, PROCESSORS_SPIN, PROCESSORS_WORKS };

/* Times are seconds. */
struct processors_pair {
	_Atomic double start;		/* of both, monotonic, when both are ready */
	atomic_int ready;
	double taken[2][2];		/* by each, for each of two steps */
};

static struct processors_pair *pair;

static void processors_do(enum processors_work work, double *taken)
{
	double deadline = pair->start + PROCESSORS_GRACE;

	if (work == PROCESSORS_PENDING) {
		batch_begin(0, deadline);
		taken[0] = net_now() - pair->start;
		batch_await(WINSOCK_OUTCOME_DEADLINE);
		taken[1] = net_now() - deadline;
		return;
	}
	if (work == PROCESSORS_HARD)
		batch_close(0);
	for (volatile int i = work == PROCESSORS_SPIN ? PROCESSORS_LOOP : 0; i > 0; i--)
		;
	taken[0] = net_now() - pair->start;
	taken[1] = 0;
}

static void processors_run(enum processors_work work, double *taken, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	bench_must(sched_setaffinity(0, sizeof(set), &set), "affinity");
	batch_size(PROCESSORS_COUNT);
	if (work != PROCESSORS_SPIN)
		batch_open(BATCH_VANISHED);
	atomic_fetch_add(&pair->ready, 1);
	while (!pair->start)
		usleep(100);
	while (net_now() < pair->start)
		;
	processors_do(work, taken);
}

/* The slower process counts. */
static void processors_round(enum processors_work work, bool both, struct count_series *steps)
{
	int status;

	pair->start = 0;
	pair->ready = 0;
	for (int which = 0; which < 2; which++)
		if (!fork()) {
			processors_run(work, pair->taken[which], both ? which : 0);
			exit(0);
		}
	/* A process that fails prints why, and ends. */
	while (pair->ready < 2)
		bench_must(waitpid(-1, NULL, WNOHANG) ? -1 : usleep(1000), "a process");
	pair->start = net_now() + 0.002;
	for (int which = 0; which < 2; which++)
		bench_must(wait(&status) < 0 || status ? -1 : 0, "a process");
	for (int step = 0; step < 2; step++)
		count_add(&steps[step], pair->taken[0][step] > pair->taken[1][step] ?
				pair->taken[0][step] : pair->taken[1][step]);
}

static void processors_row(enum processors_work work, struct count_series *one,
			   struct count_series *two)
{
	static const struct {
		const char *key;
		const char *what;
		double limit;
	} works[PROCESSORS_WORKS] = {
		{ "pending", "pending closes begun and ended", -1.8 },
		{ "hard", "{1,0} closes" },
		{ "spin", "an empty loop" },
	};

	bench_row(&(struct bench_row){
		.key = bench_name("processors.%s", works[work].key),
		.what = bench_name("%s on two processors, best of %d (medians: %.2f times)",
				   works[work].what, PROCESSORS_TURNS * PROCESSORS_ROUNDS,
				   (count_median(&one[0]) + count_median(&one[1])) /
				   (count_median(&two[0]) + count_median(&two[1]))),
		.unit = "a ms",
		.value = 2e-3 * PROCESSORS_COUNT / (count_least(&two[0]) + count_least(&two[1])),
		.against = "on one",
		.base = 2e-3 * PROCESSORS_COUNT / (count_least(&one[0]) + count_least(&one[1])),
		.limit = works[work].limit,
	});
}

void bench_processors(void)
{
	struct count_series steps[2][PROCESSORS_WORKS][2] = { 0 };

	pair = mmap(NULL, sizeof(*pair), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	batch_enter();
	for (int turn = 0; turn < 2 * PROCESSORS_TURNS; turn++) {
		bool both = turn % 2;

		bench_setting("/sys/devices/system/cpu/cpu1/online", both ? "1" : "0");
		for (int i = 0; i < PROCESSORS_ROUNDS; i++)
			for (enum processors_work work = 0; work < PROCESSORS_WORKS; work++)
				processors_round(work, both, steps[both][work]);
		printf("bench: turn %d of %d\n", turn + 1, 2 * PROCESSORS_TURNS);
		fflush(stdout);
	}
	for (enum processors_work work = 0; work < PROCESSORS_WORKS; work++)
		processors_row(work, steps[false][work], steps[true][work]);
}
