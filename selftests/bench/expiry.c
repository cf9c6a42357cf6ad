// SPDX-License-Identifier: GPL-2.0-only
/*
 * 20,000 deadlines at one moment. How long are interrupts off at a time? A timer of perf
 * interrupts the processor throughout, and each interrupt leaves a time stamp: a longer
 * distance shows that interrupts were off. And how long do interrupts and softirqs keep a
 * thread of the first priority from running? Compared with as many timerfds. The resets come
 * after that thread, from workers: compared with as many {1,0} closes.
 */
#include <linux/perf_event.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "batch.h"
#include "bench.h"
#include "count.h"
#include "dev.h"
#include "expiry.h"
#include "net.h"

#define EXPIRY_COUNT	20000
#define EXPIRY_PERIOD	20000	/* ns between interrupts */
#define EXPIRY_ROOM	(4 << 20)	/* bytes of time stamps, a power of two */
#define EXPIRY_LEAD	0.01	/* s before the deadline */
#define EXPIRY_SPIN	0.2	/* s after it */
#define EXPIRY_FREED	0.6	/* s after the last close, in which RCU frees what they had */

struct expiry_watch {
	int fd;
	struct perf_event_mmap_page *page;
};

static void expiry_watch(struct expiry_watch *watch)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = EXPIRY_PERIOD,
		.sample_type = PERF_SAMPLE_TIME,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};

	watch->fd = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	bench_must(watch->fd, "perf_event_open");
	watch->page = mmap(NULL, getpagesize() + EXPIRY_ROOM, PROT_READ | PROT_WRITE, MAP_SHARED,
			   watch->fd, 0);
	bench_must(watch->page == MAP_FAILED ? -1 : 0, "mmap");
}

/* Returns the longest time between two interrupts, s. Ends the watch. */
static double expiry_gap(struct expiry_watch *watch)
{
	const char *data = (const char *)watch->page + watch->page->data_offset;
	uint64_t end = watch->page->data_head, last = 0, longest = 0;

	ioctl(watch->fd, PERF_EVENT_IOC_DISABLE, 0);
	bench_must(end && end < EXPIRY_ROOM - 4096 ? 0 : -1, "time stamps");
	for (uint64_t at = 0; at < end;) {
		const struct perf_event_header *header = (const void *)(data + at);
		uint64_t now;

		bench_must(header->type == PERF_RECORD_SAMPLE ? 0 : -1, "another record");
		now = *(const uint64_t *)(header + 1);
		if (last && now - last > longest)
			longest = now - last;
		last = now;
		at += header->size;
	}
	munmap(watch->page, getpagesize() + EXPIRY_ROOM);
	close(watch->fd);
	return longest * 1e-9;
}

/* Returns the longest time, s, that a thread of the first priority did not run until then. */
static double expiry_absence(double until)
{
	struct sched_param first = { .sched_priority = 99 }, none = { 0 };
	double last = net_now(), now, longest = 0;

	bench_must(sched_setscheduler(0, SCHED_FIFO, &first), "SCHED_FIFO");
	while (last < until) {
		now = net_now();
		if (now - last > longest)
			longest = now - last;
		last = now;
	}
	bench_must(sched_setscheduler(0, SCHED_OTHER, &none), "SCHED_OTHER");
	return longest;
}

struct expiry_cost {
	double off;		/* us */
	double away;
	double resets;		/* us, interrupts off */
};

static void expiry_timers(double deadline)
{
	struct itimerspec at = { .it_value = {
		.tv_sec = deadline,
		.tv_nsec = (deadline - (time_t)deadline) * 1e9,
	} };

	for (int i = 0; i < EXPIRY_COUNT; i++) {
		int fd = timerfd_create(CLOCK_MONOTONIC, 0);

		bench_must(fd, "timerfd_create");
		bench_must(timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL), "timerfd_settime");
	}
}

/*
 * The same in us, until RCU has freed the closes. The thread spins, as an idle processor has no
 * tick and perf stops its timer.
 */
static double expiry_gap_when_freed(struct expiry_watch *watch)
{
	double end = net_now() + EXPIRY_FREED;

	while (net_now() < end)
		;
	return expiry_gap(watch) * 1e6;
}

static void expiry_measure(bool timers, struct expiry_cost *cost)
{
	struct expiry_watch watch;
	double deadline;

	if (!timers)
		batch_open(BATCH_VANISHED);
	deadline = net_now() + 1;
	if (timers)
		expiry_timers(deadline);
	else
		batch_begin(0, deadline);
	while (net_now() < deadline - EXPIRY_LEAD)
		usleep(1000);
	expiry_watch(&watch);
	cost->away = expiry_absence(deadline + EXPIRY_SPIN) * 1e6;
	cost->off = expiry_gap(&watch) * 1e6;
	if (timers)
		return;
	expiry_watch(&watch);
	batch_await(WINSOCK_OUTCOME_DEADLINE);
	cost->resets = expiry_gap_when_freed(&watch);
}

/* Measure the time with interrupts off, us, during and after as many {1,0} closes. */
static double expiry_closes(void)
{
	struct expiry_watch watch;

	batch_open(BATCH_VANISHED);
	expiry_watch(&watch);
	batch_close(0);
	return expiry_gap_when_freed(&watch);
}

void bench_expiry(void)
{
	struct expiry_cost closes, timers;
	double hard;

	batch_enter();
	/* Let a thread of the first priority run without a limit. */
	bench_setting("/proc/sys/kernel/sched_rt_runtime_us", "-1");
	batch_size(EXPIRY_COUNT);
	expiry_measure(false, &closes);
	batch_forget();
	batch_end();
	hard = expiry_closes();
	batch_end();
	expiry_measure(true, &timers);
	bench_row(&(struct bench_row){
		.key = "expiry.off",
		.what = bench_name("%d deadlines in one moment: interrupts off, at most",
				   EXPIRY_COUNT),
		.unit = "us",
		.value = closes.off,
		.against = "bound",
		.base = 1000,
		.limit = 1,
	});
	bench_row(&(struct bench_row){
		.key = "expiry.off.timers",
		.what = "the same",
		.unit = "us",
		.value = closes.off,
		.against = "as many timerfds",
		.base = timers.off,
	});
	bench_row(&(struct bench_row){
		.key = "expiry.away",
		.what = bench_name("%d deadlines in one moment: threads stand still, at most",
				   EXPIRY_COUNT),
		.unit = "us",
		.value = closes.away,
		.against = "as many timerfds",
		.base = timers.away,
	});
	bench_row(&(struct bench_row){
		.key = "expiry.resets",
		.what = bench_name("%d resets: interrupts off, at most", EXPIRY_COUNT),
		.unit = "us",
		.value = closes.resets,
		.against = "as many {1,0} closes",
		.base = hard,
	});
}
