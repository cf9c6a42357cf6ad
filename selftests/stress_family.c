// SPDX-License-Identifier: GPL-2.0-only
/*
 * Closes of IrDA's row (modules/test_irda.c) against readers, on two processors. The reader frees
 * packets without the closer's lock: the last one may be freed at any moment of the close, and a
 * close that misses it waits for the deadline.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "ends.h"
#include "net.h"

DEV_REQUIRED;

#define WORKERS	4
#define SECONDS	10
#define ROUNDS	2500	/* a debug kernel's clock stands still where it is read often */

/* A timeout that no reader exceeds. */
#define LONG_NS	60000000000ULL

struct worker {
	int dev;
	unsigned int seed;
	pthread_t thread;
	unsigned int rounds;
	unsigned int outcomes[8];
	char wrong[160];
};

static void *reader_run(void *argument)
{
	struct ends_reader *reader = argument;

	usleep(reader->delay_ms);
	reader->got = net_drain(reader->fd, &reader->error);
	return NULL;
}

static bool one_story(const struct ends_reader *reader, uint32_t outcome, size_t sent)
{
	/* The family cannot report an abort to the peer. */
	if (reader->error || reader->got > sent)
		return false;
	return outcome == WINSOCK_OUTCOME_DEADLINE || outcome == WINSOCK_OUTCOME_REQUEST ||
	       (outcome == WINSOCK_OUTCOME_GRACEFUL && reader->got == sent);
}

static uint32_t pending_end(struct worker *worker, struct winsock_close *call)
{
	struct winsock_record record = { 0 };

	if (call->op_fd < 0)
		return call->record.outcome;
	if (rand_r(&worker->seed) % 4 == 0) {
		usleep(rand_r(&worker->seed) % 200);
		ioctl(call->op_fd, WINSOCK_IOC_OP_ABORT);
	}
	if (read(call->op_fd, &record, sizeof(record)) != sizeof(record))
		record.outcome = 0;
	close(call->op_fd);
	return record.outcome;
}

static void worker_round(struct worker *worker)
{
	/* In this test the delay is in microseconds. */
	struct ends_reader reader = { .delay_ms = rand_r(&worker->seed) % 300 };
	bool in_time = rand_r(&worker->seed) % 4;
	unsigned int packets = rand_r(&worker->seed) % 20;
	static const char block[2000];
	struct winsock_close call;
	double start = net_now();
	struct ends ends;
	uint32_t outcome;
	size_t sent = 0;

	ends_pair(&ends, AF_IRDA, SOCK_STREAM);
	reader.fd = ends.far;
	for (unsigned int i = 0; i < packets; i++)
		sent += send(ends.near, block, 1 + rand_r(&worker->seed) % 2000, 0);
	if (pthread_create(&reader.thread, NULL, reader_run, &reader))
		abort();
	if (dev_close(worker->dev, ends.near, DEV_CLOSESOCKET | WINSOCK_CLOSE_TIMEOUT,
		      in_time ? LONG_NS : 1 + rand_r(&worker->seed) % 200000, &call)) {
		snprintf(worker->wrong, sizeof(worker->wrong), "the close failed");
		return;
	}
	outcome = pending_end(worker, &call);
	pthread_join(reader.thread, NULL);
	close(ends.far);
	worker->rounds++;
	worker->outcomes[outcome & 7]++;
	if (!one_story(&reader, outcome, sent) || net_now() - start > 30 ||
	    (in_time && outcome == WINSOCK_OUTCOME_DEADLINE))
		snprintf(worker->wrong, sizeof(worker->wrong),
			 "outcome %u after %.3f s, peer got %zu of %zu, errno %d",
			 outcome, net_now() - start, reader.got, sent, reader.error);
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	double end = net_now() + SECONDS;

	while (worker->rounds < ROUNDS && net_now() < end && !worker->wrong[0])
		worker_round(worker);
	return NULL;
}

/* claims: B2 B3 B7 */
TEST(no_last_packet_is_missed)
{
	struct worker workers[WORKERS] = { 0 };
	unsigned int outcomes[8] = { 0 }, rounds = 0;
	int dev = dev_open();

	ASSERT_GE(dev, 0);
	for (int i = 0; i < WORKERS; i++) {
		workers[i].dev = dev;
		workers[i].seed = i + 1;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]));
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_STREQ("", workers[i].wrong);
		for (int j = 0; j < 8; j++)
			outcomes[j] += workers[i].outcomes[j];
		rounds += workers[i].rounds;
	}
	TH_LOG("%u closes: %u graceful, %u deadline, %u request", rounds, outcomes[1],
	       outcomes[2], outcomes[3]);
	EXPECT_GT(outcomes[WINSOCK_OUTCOME_GRACEFUL], 0);
	EXPECT_GT(outcomes[WINSOCK_OUTCOME_DEADLINE], 0);
	EXPECT_GT(outcomes[WINSOCK_OUTCOME_REQUEST], 0);
	close(dev);
}

TEST_HARNESS_MAIN
