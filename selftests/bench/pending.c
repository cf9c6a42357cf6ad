// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many lingering closes pending in one process: the cost to begin and to hold each, the time until
 * all have expired or drained, and whether these grow with their number; beside ways without the
 * module.
 */
#include <liburing.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "batch.h"
#include "bench.h"
#include "count.h"
#include "dev.h"
#include "net.h"
#include "pending.h"

#define PENDING_STACK	(32 << 10)	/* of a thread that only closes */
#define PENDING_MANY	1000
#define PENDING_GRACE	20e-6		/* s, to begin one */

/**
 * struct pending_cost - the cost of each of @count pending closes
 * @count:	how many
 * @begin:	instructions until it is pending
 * @expiry:	from the common deadline to the last record
 * @held:	bytes, with the op's descriptor
 */
struct pending_cost {
	unsigned int count;
	double begin;
	double expiry;
	double held;
};

static void pending_row(unsigned int count, const char *what, const char *key, const char *unit,
			double value, const char *against, double base, double limit)
{
	bench_row(&(struct bench_row){
		.key = bench_name("pending.%s.%u", key, count),
		.what = bench_name("%u pending: %s", count, what),
		.unit = unit,
		.value = value,
		.against = against,
		.base = base,
		.limit = limit,
	});
}

/* Let all expire at one moment. */
static void pending_expire(struct pending_cost *cost)
{
	double deadline, slab;

	batch_size(cost->count);
	batch_open(BATCH_VANISHED);
	slab = batch_slab();
	deadline = net_now() + 1 + cost->count * PENDING_GRACE;
	cost->begin = batch_begin(0, deadline) / cost->count;
	cost->held = (batch_slab() - slab) / cost->count;
	batch_await(WINSOCK_OUTCOME_DEADLINE);
	cost->expiry = (net_now() - deadline) * 1e9 / cost->count;
	batch_forget();
	batch_end();
}

/* Compare with as many {1,0} closes. */
static void pending_expire_rows(const struct pending_cost *cost)
{
	double hard;

	batch_open(BATCH_VANISHED);
	hard = batch_close(0);
	batch_end();
	pending_row(cost->count, "begin, each", "begin", "instructions", cost->begin,
		    "{1,0} close, each", hard / cost->count, 0);
	pending_row(cost->count, "all expired", "expiry", "instructions",
		    cost->expiry * cost->count, "as many {1,0} closes", hard,
		    cost->count > 1 ? 1.2 : 0);
}

static void pending_end_all(int references)
{
	while (dev_references(0) > references)
		usleep(10);
}

/* Let all drain: the peers read. */
static void pending_drain(unsigned int count)
{
	int references = dev_references(0);
	double plain, drained;
	uint64_t start;

	batch_open(BATCH_LATE);
	plain = batch_close(-1);
	start = count_now();
	batch_read();
	plain += count_now() - start;
	batch_end();

	batch_open(BATCH_LATE);
	drained = batch_begin(WINSOCK_CLOSE_DETACH, net_now() + 1000);
	batch_forget();
	/* Files are freed after a grace period. */
	sleep(1);
	start = count_now();
	batch_read();
	pending_end_all(references);
	drained += count_now() - start;
	batch_end();
	pending_row(count, "begun and drained, each", "drain", "instructions", drained / count,
		    "close(2), linger off, each", plain / count, 0);
}

/* Measure the memory of a close whose descriptor is closed. */
static void pending_memory(const struct pending_cost *cost)
{
	int references = dev_references(0);
	double slab;

	batch_open(BATCH_VANISHED);
	slab = batch_slab();
	batch_begin(WINSOCK_CLOSE_DETACH, net_now() + 10);
	batch_forget();
	sleep(1);
	slab = batch_slab() - slab;
	pending_end_all(references);
	batch_end();
	pending_row(cost->count, "memory, each", "memory", "bytes", slab / cost->count, "bound",
		    512, 1);
	pending_row(cost->count, "memory with the op's descriptor, each", "held", "bytes",
		    cost->held, "without", slab / cost->count, 0);
}

static void *pending_thread(void *argument)
{
	close(*(int *)argument);
	return NULL;
}

/* The way without the module: a thread for each close, native linger. */
static void pending_threads(const struct pending_cost *cost)
{
	pthread_t *threads = calloc(cost->count, sizeof(*threads));
	size_t size = (size_t)cost->count * PENDING_STACK;
	char *stacks = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	double before, taken;
	pthread_attr_t attributes;
	uint64_t start;

	batch_open(BATCH_VANISHED);
	for (unsigned int i = 0; i < cost->count; i++)
		net_linger(batch_clients[i], 1, 10 + cost->count / 1000);
	before = bench_memory("MemFree");
	pthread_attr_init(&attributes);
	start = count_now();
	for (unsigned int i = 0; i < cost->count; i++) {
		pthread_attr_setstack(&attributes, stacks + (size_t)i * PENDING_STACK,
				      PENDING_STACK);
		bench_must(-pthread_create(&threads[i], &attributes, pending_thread,
					   &batch_clients[i]), "thread");
	}
	usleep(1000);
	taken = count_now() - start - 1000000;
	before -= bench_memory("MemFree");
	for (unsigned int i = 0; i < cost->count; i++)
		pthread_join(threads[i], NULL);
	batch_end();
	munmap(stacks, size);
	free(threads);
	pending_row(cost->count, "begin, each", "begin.threads", "ns", cost->begin,
		    "a thread for each close(2)", taken / cost->count, 0);
	if (cost->count > 1)
		pending_row(cost->count, "memory, each, at most", "memory.threads", "bytes", 512,
			    "a thread for each close(2)", before / cost->count, 0);
}

/* The same by io_uring: its workers sleep in the closes, and it completes too early. */
static void pending_ring(const struct pending_cost *cost)
{
	struct io_uring_cqe *done;
	struct io_uring ring;
	uint64_t start;

	bench_must(io_uring_queue_init(PENDING_MANY, &ring, 0), "io_uring");
	batch_open(BATCH_VANISHED);
	for (unsigned int i = 0; i < cost->count; i++)
		net_linger(batch_clients[i], 1, 1);
	start = count_now();
	for (unsigned int i = 0; i < cost->count; i++) {
		struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

		io_uring_prep_close(entry, batch_clients[i]);
		io_uring_sqe_set_flags(entry, IOSQE_ASYNC);
	}
	bench_must(io_uring_submit(&ring), "submit");
	pending_row(cost->count, "begin, each", "begin.uring", "ns", cost->begin,
		    "io_uring close, async", (double)(count_now() - start) / cost->count, 0);
	for (unsigned int i = 0; i < cost->count; i++) {
		bench_must(io_uring_wait_cqe(&ring, &done), "wait");
		bench_must(done->res, "close");
		io_uring_cqe_seen(&ring, done);
	}
	io_uring_queue_exit(&ring);
	batch_end();
}

void bench_pending(void)
{
	struct pending_cost costs[] = { { 1 }, { PENDING_MANY } };

	batch_enter();
	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		pending_expire(&costs[i]);
		pending_expire_rows(&costs[i]);
		pending_drain(costs[i].count);
		pending_ring(&costs[i]);
		pending_threads(&costs[i]);
	}
}

static double pending_field(const struct pending_cost *cost, size_t field)
{
	return *(const double *)((const char *)cost + field);
}

/* Compare the highest cost with the lowest; @field is its offset. */
static void pending_spread(const struct pending_cost *costs, int count, size_t field,
			   const char *key, const char *what, const char *unit)
{
	const struct pending_cost *most = costs, *least = costs;

	for (const struct pending_cost *cost = costs; cost < costs + count; cost++) {
		if (pending_field(cost, field) > pending_field(most, field))
			most = cost;
		if (pending_field(cost, field) < pending_field(least, field))
			least = cost;
	}
	bench_row(&(struct bench_row){
		.key = bench_name("growth.%s", key),
		.what = bench_name("dearest of %u to %u pending: %u, %s", costs[0].count,
				   costs[count - 1].count, most->count, what),
		.unit = unit,
		.value = pending_field(most, field),
		.against = bench_name("cheapest: %u", least->count),
		.base = pending_field(least, field),
		.limit = 1.2,
	});
}

static void pending_growth(struct pending_cost *costs, int count)
{
	for (int i = 0; i < count; i++) {
		pending_expire(&costs[i]);
		printf("bench: %u pending: begin %.0f, expired %.0f, bytes %.0f\n",
		       costs[i].count, costs[i].begin, costs[i].expiry, costs[i].held);
		fflush(stdout);
	}
	pending_spread(costs, count, offsetof(struct pending_cost, begin), "begin",
		       "begin, each", "instructions");
	pending_spread(costs, count, offsetof(struct pending_cost, expiry), "expiry",
		       "expired, each", "instructions");
	pending_spread(costs, count, offsetof(struct pending_cost, held), "held",
		       "memory with the op's descriptor, each", "bytes");
}

void bench_growth(void)
{
	struct pending_cost costs[] = { { PENDING_MANY }, { 10000 }, { 100000 } };

	batch_enter();
	pending_growth(costs, 3);
	pending_expire_rows(&costs[2]);
	pending_memory(&costs[2]);
}

void bench_million(void)
{
	struct pending_cost costs[] = { { PENDING_MANY }, { 1000000 } };

	batch_enter();
	pending_growth(costs, 2);
}
