// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of a close in instructions of the guest, compared with close(2). Documentation/
 * benchmarks.rst has the figures; a change that exceeds these bounds fails.
 */
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <kselftest_harness.h>

#define WINSOCK_KEEP_LIBC_NAMES
#include <winsock_ext.h>
#undef linger

#include "bench/close.h"
#include "bench/crowd.h"
#include "count.h"
#include "dev.h"
#include "ends.h"
#include "net.h"
#include "usage.h"

DEV_REQUIRED;

#define ROUNDS		60
#define IOCTL_MORE	470	/* more than close(2) and an empty ioctl */
#define LIBRARY_MORE	330	/* more than the ioctl: handle state, pending operations */
#define ATTACHED_MORE	200	/* some 1.02 x, a counter included */
#define RT_MORE		1.25	/* factor: locks that sleep; close(2) takes 1.28 x, too */
#define SLEEPER_MORE	60	/* for one entry of the wait queue */
#define NEWER_MORE	1.06	/* factor on that and on IOCTL_MORE, kernels from 7 on */
#define INHERITED_MORE	8	/* factor on close(2), for a copy that a child closes */
#define HELD_FEW	600	/* more than a round looks at */
#define HELD_MANY	1800

/* Measure an empty ioctl, which differs between kernels and security modules. */
static double ioctl_entry(int dev)
{
	struct count_series series = { 0 };
	double median;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = count_now();

		ioctl(dev, _IO(WINSOCK_IOC_MAGIC, 0xff));
		count_add(&series, count_now() - start);
	}
	median = count_median(&series);
	count_free(&series);
	return median;
}

static bool is_real_time(void)
{
	struct utsname name;

	return !uname(&name) && strstr(name.version, "PREEMPT_RT");
}

static double newer_more(void)
{
	struct utsname name;

	return !uname(&name) && atoi(name.release) >= 7 ? NEWER_MORE : 1;
}

TEST(no_dearer_than_it_has_to_be)
{
	double more = is_real_time() ? RT_MORE : 1;
	double medians[CLOSE_STATES][CLOSE_WAYS];
	double entry;
	WSADATA data;
	int dev;

	if (!count_is_exact())
		SKIP(return, "the time-stamp counter counts no instructions here");
	net_enter();
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	close_measure(ROUNDS, medians);
	dev = dev_open();
	entry = ioctl_entry(dev);
	close(dev);
	WSACleanup();
	for (int state = 0; state < CLOSE_STATES; state++) {
		const double *way = medians[state];

		TH_LOG("%s: close(2) %.0f, closesocket() %.0f, attached %.0f",
		       close_state_names[state], way[CLOSE_PLAIN], way[CLOSE_LIBRARY],
		       way[CLOSE_ATTACHED]);
		EXPECT_LE(way[CLOSE_IOCTL], way[CLOSE_PLAIN] + entry + more * newer_more() * IOCTL_MORE);
		EXPECT_LE(way[CLOSE_LIBRARY], way[CLOSE_IOCTL] + LIBRARY_MORE);
		EXPECT_LE(way[CLOSE_ATTACHED], way[CLOSE_PLAIN] + more * ATTACHED_MORE);
	}
	/* A drained close does not wait for the FIN's acknowledgement (B4). */
	EXPECT_LE(medians[CLOSE_TIMED][CLOSE_LIBRARY], medians[CLOSE_IDLE][CLOSE_PLAIN] * 1.2);
	EXPECT_LE(medians[CLOSE_TIMED][CLOSE_ATTACHED], medians[CLOSE_IDLE][CLOSE_PLAIN] * 1.2);
}

/* Measure a QUERY's search for other handles, which has to answer @shared. */
static double look_cost(int dev, int fd, unsigned int shared)
{
	struct count_series series = { 0 };
	struct winsock_query query;
	double least;

	for (int i = 0; i < 9; i++) {
		uint64_t start = count_now();

		if (dev_query(dev, fd, &query) || (query.flags & WINSOCK_QUERY_SHARED) != shared)
			abort();
		count_add(&series, count_now() - start);
	}
	least = count_least(&series);
	count_free(&series);
	return least;
}

#define FEW		64
#define MANY		512

FIXTURE(crowd) {
	int dev;
};

FIXTURE_SETUP(crowd)
{
	if (!count_is_exact())
		SKIP(return, "the time-stamp counter counts no instructions here");
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
}

FIXTURE_TEARDOWN(crowd)
{
	close(self->dev);
}

/* claims: M2 */
TEST(a_sleeper_costs_the_same_among_many)
{
	static struct ends_sleeper sleepers[MANY];
	int dev = dev_open(), near = socket(AF_INET, SOCK_DGRAM, 0);
	struct winsock_close call;
	double few, many;

	if (!count_is_exact())
		SKIP(return, "the time-stamp counter counts no instructions here");
	ends_sleep_all(sleepers, FEW, near, 'r');
	few = look_cost(dev, near, 0);
	ends_sleep_all(sleepers + FEW, MANY - FEW, near, 'r');
	many = look_cost(dev, near, 0);
	TH_LOG("%d asleep %.0f, %d asleep %.0f", FEW, few, MANY, many);
	EXPECT_LE(many, few + (MANY - FEW) * newer_more() * SLEEPER_MORE);
	ASSERT_EQ(0, dev_closesocket(dev, near, &call));
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, call.record.outcome);
	for (int i = 0; i < MANY; i++)
		ASSERT_TRUE(ends_woken(&sleepers[i], 5));
	close(dev);
}

static void polls_add(struct io_uring *ring, int fd, int count)
{
	for (int i = 0; i < count; i++)
		io_uring_prep_poll_add(io_uring_get_sqe(ring), fd, POLLIN);
	if (io_uring_submit(ring) != count)
		abort();
}

/* An entry that belongs to no thread is not searched among the threads. */
TEST(a_poll_costs_the_same_among_many_threads)
{
	enum { THREADS = 200, LOOKS = 281 };	/* looks of one QUERY */
	static struct ends_sleeper sleepers[THREADS];
	int dev = dev_open(), away = socket(AF_INET, SOCK_DGRAM, 0);
	int near = socket(AF_INET, SOCK_DGRAM, 0);
	struct io_uring ring;
	double few, many;

	if (!count_is_exact())
		SKIP(return, "the time-stamp counter counts no instructions here");
	ends_sleep_all(sleepers, THREADS, away, 'r');
	ASSERT_EQ(0, io_uring_queue_init(MANY, &ring, 0));
	polls_add(&ring, near, FEW);
	few = look_cost(dev, near, WINSOCK_QUERY_SHARED);
	polls_add(&ring, near, MANY - FEW);
	many = look_cost(dev, near, WINSOCK_QUERY_SHARED);
	TH_LOG("%d polls %.0f, %d polls %.0f", FEW, few, MANY, many);
	EXPECT_LE(many, few + (MANY - FEW) * LOOKS * SLEEPER_MORE);
	io_uring_queue_exit(&ring);
	close(near);
	close(away);
	close(dev);
}

/* Measure a child's close of @count inherited copies, per copy: by close(2) or by the ioctl. */
static double inherited_cost(int dev, unsigned int count, bool plain)
{
	uint64_t *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct winsock_close call;
	pid_t child = fork();
	int status;

	if (!child) {
		uint64_t start = count_now();

		for (int fd = CROWD_FIRST; fd < CROWD_FIRST + (int)count; fd++)
			if (plain ? close(fd) : dev_closesocket(dev, fd, &call) ||
						call.record.outcome != WINSOCK_OUTCOME_SHARED)
				_exit(1);
		*shared = count_now() - start;
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		abort();
	return (double)*shared / count;
}

/* claims: M1 */
TEST_F(crowd, a_child_closes_what_it_inherited_in_linear_time)
{
	double plain, few, many;

	crowd_open(CROWD_MANY);
	plain = inherited_cost(self->dev, CROWD_MANY, true);
	few = inherited_cost(self->dev, CROWD_MANY / 10, false);
	many = inherited_cost(self->dev, CROWD_MANY, false);
	TH_LOG("each of %d by close(2) %.0f, by closesocket() %.0f, of %d %.0f",
	       CROWD_MANY, plain, many, CROWD_MANY / 10, few);
	EXPECT_LE(many, 2 * few);
	EXPECT_LE(many, INHERITED_MORE * plain);
}

TEST_F(crowd, a_close_costs_the_same_among_many_descriptors)
{
	double few[CROWD_BESIDES], many[CROWD_BESIDES];

	for (enum crowd_beside beside = 0; beside < CROWD_BESIDES; beside++)
		few[beside] = crowd_cost(self->dev, beside);
	crowd_open(CROWD_MANY);
	for (enum crowd_beside beside = 0; beside < CROWD_BESIDES; beside++) {
		many[beside] = crowd_cost(self->dev, beside);
		TH_LOG("beside %s: among few %.0f, among %d %.0f", crowd_names[beside],
		       few[beside], CROWD_MANY, many[beside]);
		EXPECT_LE(many[beside], 1.1 * few[beside]);
	}
}

static void worker_time(const char *directory, const char *name, void *sum)
{
	char path[48];
	double time;
	FILE *file;

	snprintf(path, sizeof(path), "%s/schedstat", directory);
	file = fopen(path, "r");
	if (!file)
		return;
	if (fscanf(file, "%lf", &time) == 1)
		*(double *)sum += time;
	fclose(file);
}

/* What the kernel's workers have computed, ns. */
static double workers_time(void)
{
	double sum = 0;

	usage_workers(worker_time, &sum);
	return sum;
}

/*
 * The same for 2 s, with more closes pending that no descriptor names; the sockets stay. The least
 * of some: the kernel has other work for its workers now and then.
 */
static double held_cost(int dev, int *held, int count)
{
	struct winsock_close call;
	struct net_pair pair;
	double least = 0;

	for (; *held < count; ++*held) {
		net_pairs_vanished(&pair, 1);
		/* It ends with this process. */
		net_linger(pair.server, 1, 0);
		if (dev_close(dev, pair.client, WINSOCK_CLOSE_BLOCKING | WINSOCK_CLOSE_TIMEOUT |
			      WINSOCK_CLOSE_DETACH, 60000000000ULL, &call) || call.op_fd < 0)
			abort();
		close(call.op_fd);
	}
	net_sleep(1000);
	for (int i = 0; i < 3; i++) {
		double start = workers_time(), spent;

		net_sleep(2000);
		spent = workers_time() - start;
		if (!i || spent < least)
			least = spent;
	}
	return least;
}

TEST(a_look_at_what_others_hold_costs_the_same_among_many)
{
	struct rlimit files = { 3 * HELD_MANY, 3 * HELD_MANY };
	int dev = dev_open(), held = 0;
	double few, many;

	if (!count_is_exact())
		SKIP(return, "time is not counted in instructions here");
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	net_enter();
	few = held_cost(dev, &held, HELD_FEW);
	many = held_cost(dev, &held, HELD_MANY);
	TH_LOG("us in 2 s: %d held %.0f, %d held %.0f", HELD_FEW, few / 1000, HELD_MANY,
	       many / 1000);
	EXPECT_LE(many, 1.2 * few);
	close(dev);
}

TEST_HARNESS_MAIN
