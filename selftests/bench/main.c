// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmarks, each in a process of its own; it enters a network namespace of its own.
 *
 *	bench [NAME[,NAME...]]		without names all that the guest is made for
 */
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "close.h"
#include "count.h"
#include "crowd.h"
#include "data.h"
#include "drain.h"
#include "echo.h"
#include "expiry.h"
#include "herd.h"
#include "pending.h"
#include "processors.h"

static const struct {
	const char *name;
	void (*run)(void);
	bool by_name;		/* needs a guest of its own */
} bench_all[] = {
	{ "close", bench_close },
	{ "data", bench_data },
	{ "accept", bench_accept },
	{ "drain", bench_drain },
	{ "deadline", bench_deadline },
	{ "echo", bench_echo },
	{ "crowd", bench_crowd },
	{ "blocked", bench_blocked },
	{ "herd", bench_herd },
	{ "expiry", bench_expiry },
	{ "pending", bench_pending },
	{ "growth", bench_growth },
	{ "processors", bench_processors, .by_name = true },
	{ "million", bench_million, .by_name = true },
};

/* Is it among @names? */
static bool bench_wanted(const char *name, const char *names)
{
	size_t length = strlen(name);

	while (names) {
		if (!strncmp(names, name, length) && (!names[length] || names[length] == ','))
			return true;
		names = strchr(names, ',');
		if (names)
			names++;
	}
	return false;
}

int main(int argc, char **argv)
{
	int status;

	if (!count_is_exact())
		printf("bench: the counter counts no instructions here: ratios only\n");
	bench_random();
	for (size_t i = 0; i < sizeof(bench_all) / sizeof(bench_all[0]); i++) {
		if (argc > 1 ? !bench_wanted(bench_all[i].name, argv[1]) : bench_all[i].by_name)
			continue;
		printf("bench: %s\n", bench_all[i].name);
		fflush(stdout);
		if (!fork()) {
			/* The guest's first process group has the kernel's threads. */
			setsid();
			bench_all[i].run();
			exit(0);
		}
		if (wait(&status) < 0 || status) {
			printf("bench: %s failed\n", bench_all[i].name);
			return 1;
		}
	}
	return 0;
}
