// SPDX-License-Identifier: GPL-2.0-only
/* Closes in a process with many descriptors. See crowd.h. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "count.h"
#include "crowd.h"
#include "dev.h"
#include "ends.h"

#define CROWD_ROUNDS	15
#define CROWD_FEW	20

const char *const crowd_names[CROWD_BESIDES] = {
	[CROWD_ALONE]	= "nobody",
	[CROWD_SLEEPER]	= "a thread in recv()",
	[CROWD_DUP]	= "a dup",
	[CROWD_CHILD]	= "a child",
};

void crowd_open(int count)
{
	struct rlimit limit = { 2 * CROWD_FIRST + count, 2 * CROWD_FIRST + count };
	int fd;

	bench_must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	do {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		bench_must(fd, "socket");
	} while (fd < CROWD_FIRST + count - 1);
}

static double crowd_once(int dev, enum crowd_beside beside)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), copy = -1;
	struct ends_sleeper sleeper;
	struct winsock_close call;
	pid_t child = -1;
	uint64_t start;

	bench_must(fd, "socket");
	if (beside == CROWD_SLEEPER)
		ends_sleep(&sleeper, fd, 'r');
	else if (beside == CROWD_DUP)
		copy = dup(fd);
	else if (beside == CROWD_CHILD && !(child = fork()))
		pause();
	start = count_now();
	bench_must(dev_closesocket(dev, fd, &call), "closesocket");
	start = count_now() - start;
	bench_must((call.record.outcome == WINSOCK_OUTCOME_SHARED) ==
		   (beside == CROWD_DUP || beside == CROWD_CHILD) ? 0 : -1, "another outcome");
	if (beside == CROWD_SLEEPER)
		bench_must(ends_woken(&sleeper, 5) ? 0 : -1, "asleep");
	close(copy);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return start;
}

double crowd_cost(int dev, enum crowd_beside beside)
{
	struct count_series series = { 0 };
	double median;

	for (int i = 0; i < CROWD_ROUNDS; i++)
		count_add(&series, crowd_once(dev, beside));
	median = count_median(&series);
	count_free(&series);
	return median;
}

void bench_crowd(void)
{
	static const char *const keys[CROWD_BESIDES] = { "alone", "sleeper", "dup", "child" };
	double few[CROWD_BESIDES];
	int dev = dev_open();

	bench_must(dev, WINSOCK_DEVICE);
	crowd_open(CROWD_FEW);
	for (enum crowd_beside beside = 0; beside < CROWD_BESIDES; beside++)
		few[beside] = crowd_cost(dev, beside);
	crowd_open(CROWD_MANY);
	for (enum crowd_beside beside = 0; beside < CROWD_BESIDES; beside++)
		bench_row(&(struct bench_row){
			.key = bench_name("crowd.%s", keys[beside]),
			.what = bench_name("IF_LAST close among %d descriptors, beside %s",
					   CROWD_MANY, crowd_names[beside]),
			.unit = "instructions",
			.value = crowd_cost(dev, beside),
			.against = bench_name("among %d", CROWD_FEW),
			.base = few[beside],
			.limit = 1.1,
		});
	close(dev);
}
