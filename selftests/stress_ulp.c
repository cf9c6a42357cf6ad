// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ULP on two processors: closes that linger meet peers that read or reset, a
 * listener is attached in the middle of a rush.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "closing.h"
#include "ulp.h"

#define WORKERS		4
#define SECONDS		8

struct worker {
	pthread_t thread;
	unsigned int seed;
	unsigned int whole;
	unsigned int reset;
	const char *wrong;
};

struct reader {
	int fd;
	unsigned int delay_us;
	bool resets;
	size_t got;
	int error;
	double ended;
};

static void *reader_run(void *argument)
{
	struct reader *reader = argument;

	usleep(reader->delay_us);
	if (reader->resets)
		net_linger(reader->fd, 1, 0);
	else
		reader->got = net_drain(reader->fd, &reader->error);
	reader->ended = net_now();
	close(reader->fd);
	return NULL;
}

static const char *worker_round(struct worker *worker)
{
	struct reader reader = { .resets = rand_r(&worker->seed) % 4 == 0,
				 .delay_us = rand_r(&worker->seed) % 3000 };
	bool slow = rand_r(&worker->seed) % 16 == 0;
	static char block[60000];
	int linger = 1 + rand_r(&worker->seed) % 2;
	struct net_pair pair;
	pthread_t other;
	double closed;
	ssize_t sent;

	net_pair_open(&pair, NET_V4, rand_r(&worker->seed) & 1);
	if (ulp_attach(pair.client))
		return "cannot attach";
	net_linger(pair.client, 1, linger);
	net_nonblock(pair.client, rand_r(&worker->seed) % 2);
	reader.fd = pair.server;
	/* A delay near the deadline: both coincide. */
	if (slow)
		reader.delay_us += 998000;
	if (pthread_create(&other, NULL, reader_run, &reader))
		abort();
	sent = send(pair.client, block, rand_r(&worker->seed) % sizeof(block),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (rand_r(&worker->seed) % 4 == 0)
		pthread_kill(pthread_self(), SIGUSR1);
	closed = net_now();
	close(pair.client);
	pthread_join(other, NULL);
	if (reader.resets || sent < 0)
		return NULL;
	if (!reader.error)
		worker->whole++;
	else
		worker->reset++;
	if (!reader.error && reader.got != (size_t)sent)
		return "a graceful end without all of the data";
	if (reader.error && (reader.error != ECONNRESET || reader.ended < closed + linger))
		return "a reset before the deadline";
	return NULL;
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	double end = net_now() + SECONDS;

	while (net_now() < end && !worker->wrong)
		worker->wrong = worker_round(worker);
	return NULL;
}

static void on_signal(int number)
{
}

static int references_wait(int count)
{
	for (int ms = 0; ms < 5000 && dev_references(count) > count; ms++)
		net_sleep(1);
	return dev_references(count);
}

/* claims: B2 B3 B5 */
TEST(a_lingering_close_ends_whole_or_reset)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct worker workers[WORKERS] = { 0 };
	unsigned int whole = 0, reset = 0;

	net_enter();
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < WORKERS; i++) {
		workers[i].seed = i + 1;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]));
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_EQ(NULL, workers[i].wrong) TH_LOG("%s", workers[i].wrong);
		whole += workers[i].whole;
		reset += workers[i].reset;
	}
	TH_LOG("%u closes ended whole, %u reset", whole, reset);
	EXPECT_GT(whole, 0);
	EXPECT_EQ(0, references_wait(0));
}

struct rush {
	int listener;
	uint16_t port;
	atomic_bool over;
};

static void *rush_connect(void *argument)
{
	struct rush *rush = argument;

	while (!atomic_load(&rush->over)) {
		int fd = net_connect(NET_V4, rush->port, true);

		usleep(200);
		net_linger(fd, 1, 0);
		close(fd);
	}
	return NULL;
}

static void *rush_accept(void *argument)
{
	struct rush *rush = argument;
	int fd;

	while (!atomic_load(&rush->over)) {
		fd = accept4(rush->listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

TEST(a_listener_is_attached_in_a_rush)
{
	unsigned int seed = 5;

	net_enter();
	ASSERT_EQ(0, references_wait(0));
	for (int round = 0; round < 60; round++) {
		struct rush rush = { .over = false };
		pthread_t threads[3];

		rush.listener = net_listen(NET_V4, &rush.port);
		net_nonblock(rush.listener, true);
		for (int i = 0; i < 3; i++)
			ASSERT_EQ(0, pthread_create(&threads[i], NULL,
						    i ? rush_connect : rush_accept, &rush));
		usleep(rand_r(&seed) % 20000);
		EXPECT_EQ(0, ulp_attach(rush.listener));
		usleep(rand_r(&seed) % 10000);
		atomic_store(&rush.over, true);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		close(rush.listener);
	}
	EXPECT_EQ(0, references_wait(0));
}

TEST_HARNESS_MAIN
