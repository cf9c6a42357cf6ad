// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random closes against random peers, on two processors: deadline, drain, the peer's reset, signals
 * and a second close coincide. Outcome, the peer's view and the descriptor must agree.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "closing.h"
#include "usage.h"

#define WORKERS		4
#define SECONDS		10

/* Every fourth timeout is so long that the peer ends the close, however slow the machine is. */
#define TIMEOUT_NS(seed, us) \
	(rand_r(seed) % 4 ? 1 + rand_r(seed) % (us) * 1000ULL : 60 * 1000000000ULL)

enum conduct { READS, READS_LATE, RESETS, CONDUCTS };

struct party {
	int fd;
	enum conduct conduct;
	unsigned int delay_us;
	size_t received;
	int error;
};

struct worker {
	int dev;
	unsigned int seed;
	pthread_t thread;
	unsigned int rounds;
	unsigned int outcomes[8];
	unsigned int refused;
	unsigned int would_block;
	char wrong[160];
};

static void *party_run(void *argument)
{
	struct party *party = argument;
	sigset_t signals;

	/* The signals are for the closes: a read that one ends would leave the rest unread. */
	sigfillset(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	usleep(party->delay_us);
	if (party->conduct == RESETS) {
		net_linger(party->fd, 1, 0);
		close(party->fd);
		return NULL;
	}
	party->received = net_drain(party->fd, &party->error);
	close(party->fd);
	return NULL;
}

struct rival {
	int dev;
	int fd;
	unsigned int delay_us;
	int result;
	struct winsock_close call;
};

static void *rival_run(void *argument)
{
	struct rival *rival = argument;

	usleep(rival->delay_us);
	rival->result = dev_closesocket(rival->dev, rival->fd, &rival->call);
	return NULL;
}

static void on_signal(int number)
{
}

/* Does the end that the peer saw agree with the outcome? */
static bool one_story(const struct party *party, uint32_t outcome, size_t sent)
{
	switch (outcome) {
	case WINSOCK_OUTCOME_GRACEFUL:
		return party->conduct == RESETS || (!party->error && party->received == sent);
	case WINSOCK_OUTCOME_DEADLINE:
	case WINSOCK_OUTCOME_REQUEST:
		return party->conduct == RESETS || party->error == ECONNRESET;
	case WINSOCK_OUTCOME_PEER:
		return party->conduct == RESETS;
	default:
		return false;
	}
}

static void worker_round(struct worker *worker)
{
	struct party party = { .conduct = rand_r(&worker->seed) % CONDUCTS,
			       .delay_us = rand_r(&worker->seed) % 4000 };
	bool would_block = rand_r(&worker->seed) % 8 == 0;
	bool signalled = rand_r(&worker->seed) % 3 == 0;
	unsigned long long timeout = TIMEOUT_NS(&worker->seed, 5000);
	size_t size = rand_r(&worker->seed) % 60000, sent = 0;
	static char block[60000];
	struct winsock_close call;
	struct net_pair pair;
	pthread_t other;
	ssize_t got;
	int result;

	net_pair_open(&pair, NET_V4, rand_r(&worker->seed) & 1);
	party.fd = pair.server;
	if (pthread_create(&other, NULL, party_run, &party))
		abort();
	got = send(pair.client, block, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	sent = got > 0 ? got : 0;
	if (signalled)
		pthread_kill(pthread_self(), SIGUSR1);
	if (would_block) {
		result = dev_close(worker->dev, pair.client, DEV_CLOSESOCKET |
				   WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_NONBLOCKING, 1000000,
				   &call);
		if (result == -EWOULDBLOCK) {
			worker->would_block++;
			would_block = false;
		}
	}
	if (!would_block)
		result = dev_close_wait(worker->dev, pair.client,
					DEV_CLOSESOCKET | WINSOCK_CLOSE_TIMEOUT, timeout, &call);
	pthread_join(other, NULL);
	worker->rounds++;
	if (result) {
		snprintf(worker->wrong, sizeof(worker->wrong), "result %d", result);
		return;
	}
	worker->outcomes[call.record.outcome & 7]++;
	if (call.op_fd != -1 || !one_story(&party, call.record.outcome, sent))
		snprintf(worker->wrong, sizeof(worker->wrong),
			 "outcome %u error %d unacked %llu op %d, peer %d got %zu of %zu, errno %d",
			 call.record.outcome, call.record.error,
			 (unsigned long long)call.record.unacked, call.op_fd,
			 party.conduct, party.received, sent, party.error);
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	double end = net_now() + SECONDS;

	while (net_now() < end && !worker->wrong[0])
		worker_round(worker);
	return NULL;
}

/* claims: B2 B3 B5 B7 N6 */
TEST(outcome_and_wire_tell_one_story)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct worker workers[WORKERS] = { 0 };
	unsigned int outcomes[8] = { 0 }, rounds = 0, blocked = 0;
	double end = net_now() + SECONDS;
	int dev = dev_open(), before;

	ASSERT_GE(dev, 0);
	net_enter();
	sigaction(SIGUSR1, &action, NULL);
	before = usage_descriptors();
	for (int i = 0; i < WORKERS; i++) {
		workers[i].dev = dev;
		workers[i].seed = i + 1;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]));
	}
	/* Send signals to waiting threads. */
	while (net_now() < end) {
		net_sleep(20);
		kill(getpid(), SIGUSR1);
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_STREQ("", workers[i].wrong);
		for (int j = 0; j < 8; j++)
			outcomes[j] += workers[i].outcomes[j];
		rounds += workers[i].rounds;
		blocked += workers[i].would_block;
	}
	TH_LOG("%u closes: %u graceful, %u deadline, %u request, %u peer; %u would-block",
	       rounds, outcomes[1], outcomes[2], outcomes[3], outcomes[4], blocked);
	EXPECT_EQ(before, usage_descriptors());
	EXPECT_GT(outcomes[WINSOCK_OUTCOME_GRACEFUL], 0);
	EXPECT_GT(outcomes[WINSOCK_OUTCOME_DEADLINE], 0);
	EXPECT_GT(outcomes[WINSOCK_OUTCOME_PEER], 0);
	close(dev);
}

/* claims: A9 B8 */
TEST(rivals_for_one_socket)
{
	int dev = dev_open(), before;
	double end = net_now() + SECONDS;
	unsigned int seed = 7;

	ASSERT_GE(dev, 0);
	net_enter();
	before = usage_descriptors();
	for (int round = 0; round < 500 && net_now() < end; round++) {
		struct rival rivals[3];
		pthread_t threads[3];
		struct net_pair pair;
		int closed = 0;

		net_pair_open(&pair, NET_V4, false);
		send(pair.client, "payload", 7, 0);
		net_linger(pair.client, 1, rand_r(&seed) % 2);
		for (int i = 0; i < 3; i++) {
			rivals[i] = (struct rival){ dev, pair.client, rand_r(&seed) % 200 };
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, rival_run, &rivals[i]));
		}
		for (int i = 0; i < 3; i++) {
			pthread_join(threads[i], NULL);
			closed += !rivals[i].result;
			/*
			 * The socket is closed, or its close is pending; in the wait the number is
			 * the op's (B8).
			 */
			if (rivals[i].result)
				EXPECT_TRUE(rivals[i].result == -EBADF ||
					    rivals[i].result == -EBUSY ||
					    rivals[i].result == -ENOTSOCK);
		}
		EXPECT_GE(closed, 1);
		EXPECT_FALSE(net_is_open(pair.client));
		close(pair.server);
	}
	EXPECT_EQ(before, usage_descriptors());
	close(dev);
}

/* Cancel, abort or drop an op while it completes. */
static const char *op_round(int dev, unsigned int *seed, unsigned int *outcomes)
{
	struct party party = { .conduct = rand_r(seed) % 2 ? READS_LATE : RESETS,
			       .delay_us = rand_r(seed) % 2000 };
	struct winsock_record record = { .outcome = 99 }, again = { .outcome = 99 };
	unsigned int deed = rand_r(seed) % 4;
	static char block[30000];
	struct winsock_close call;
	struct net_pair pair;
	const char *wrong = NULL;
	pthread_t other;
	int done = -1;
	ssize_t got;
	size_t sent;

	net_pair_open(&pair, NET_V4, false);
	party.fd = pair.server;
	got = send(pair.client, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL);
	sent = got > 0 ? got : 0;
	if (pthread_create(&other, NULL, party_run, &party))
		abort();
	if (dev_close(dev, pair.client, (DEV_CLOSESOCKET & ~WINSOCK_CLOSE_DETACH) |
		      WINSOCK_CLOSE_TIMEOUT, TIMEOUT_NS(seed, 2000), &call))
		wrong = "the start failed";
	if (!wrong && call.op_fd >= 0) {
		/* After a cancel the op has its number no more. */
		int op = dup(call.op_fd);

		usleep(rand_r(seed) % 2000);
		if (deed == 0)
			done = ioctl(call.op_fd, WINSOCK_IOC_OP_CANCEL);
		else if (deed == 1)
			done = ioctl(call.op_fd, WINSOCK_IOC_OP_ABORT);
		if (deed != 3 && (read(op, &record, sizeof(record)) != sizeof(record) ||
				  read(op, &again, sizeof(again)) != sizeof(again) ||
				  memcmp(&record, &again, sizeof(record))))
			wrong = "the record is not one record";
		outcomes[record.outcome & 7] += deed != 3;
		if (deed == 0 && !done != (record.outcome == WINSOCK_OUTCOME_CANCELLED))
			wrong = "cancel and record disagree";
		if (deed == 0 && !done && !dev_cookie(pair.client))
			wrong = "cancel did not put the socket back";
		if (deed == 1 && !done != (record.outcome == WINSOCK_OUTCOME_REQUEST))
			wrong = "abort and record disagree";
		if (close(call.op_fd) || close(op))
			wrong = "the op descriptor was not ours";
	}
	pthread_join(other, NULL);
	/* After a cancel and close(2) everything arrives. */
	if (!wrong && deed == 0 && !done && party.conduct != RESETS &&
	    (party.error || party.received != sent))
		wrong = "a cancelled close lost data";
	if (!wrong && record.outcome <= WINSOCK_OUTCOME_PEER && deed != 3 &&
	    record.outcome && !one_story(&party, record.outcome, sent))
		wrong = "outcome and peer tell two stories";
	return wrong;
}

struct op_worker {
	int dev;
	unsigned int seed;
	pthread_t thread;
	unsigned int outcomes[8];
	const char *wrong;
};

static void *op_worker_run(void *argument)
{
	struct op_worker *worker = argument;
	double end = net_now() + SECONDS;

	while (net_now() < end && !worker->wrong)
		worker->wrong = op_round(worker->dev, &worker->seed, worker->outcomes);
	return NULL;
}

/* claims: A14 B3 B5 */
TEST(cancel_and_abort_against_completion)
{
	struct op_worker workers[WORKERS] = { 0 };
	unsigned int outcomes[8] = { 0 };
	int dev = dev_open(), before;

	ASSERT_GE(dev, 0);
	net_enter();
	before = usage_descriptors();
	for (int i = 0; i < WORKERS; i++) {
		workers[i].dev = dev;
		workers[i].seed = 100 + i;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, op_worker_run,
					    &workers[i]));
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_STREQ("", workers[i].wrong ?: "");
		for (int j = 0; j < 8; j++)
			outcomes[j] += workers[i].outcomes[j];
	}
	TH_LOG("%u graceful, %u deadline, %u request, %u peer, %u cancelled", outcomes[1],
	       outcomes[2], outcomes[3], outcomes[4], outcomes[7]);
	EXPECT_EQ(before, usage_descriptors());
	for (int j = 1; j < 5; j++)
		EXPECT_GT(outcomes[j], 0);
	EXPECT_GT(outcomes[WINSOCK_OUTCOME_CANCELLED], 0);
	close(dev);
}

struct opener {
	int number;
	_Atomic bool stop;
	unsigned long opened;
	unsigned long taken;
};

/* This thread opens the lowest free number again and again. */
static void *opener_run(void *argument)
{
	struct opener *opener = argument;

	while (!opener->stop) {
		int fd = open("/dev/null", O_RDONLY);

		opener->taken += fd == opener->number;
		opener->opened++;
		close(fd);
		/* Some clocks stand still while a thread runs. */
		if (opener->opened % 100 == 0)
			usleep(1);
	}
	return NULL;
}

/* claims: A14 */
TEST(the_number_is_never_free)
{
	double end = net_now() + SECONDS;
	struct opener opener = { 0 };
	int dev = dev_open(), rounds;
	struct winsock_close call;
	struct net_pair pair;
	pthread_t thread;

	ASSERT_GE(dev, 0);
	net_enter();
	net_pair_open(&pair, NET_V4, false);
	net_stuff(pair.client);
	/* Below any free number. */
	opener.number = pair.client;
	ASSERT_EQ(0, pthread_create(&thread, NULL, opener_run, &opener));
	for (rounds = 0; rounds < 20000 && net_now() < end; rounds++) {
		if (rounds % 100 == 0)
			usleep(1);
		ASSERT_EQ(0, dev_close(dev, pair.client, DEV_CLOSESOCKET | WINSOCK_CLOSE_TIMEOUT,
				       60000000000ULL, &call));
		ASSERT_EQ(pair.client, call.op_fd);
		ASSERT_EQ(0, ioctl(call.op_fd, WINSOCK_IOC_OP_CANCEL));
	}
	/* Wait to the end, and a little longer. */
	ASSERT_EQ(0, dev_close(dev, pair.client, DEV_CLOSESOCKET | WINSOCK_CLOSE_TIMEOUT, 1000000,
			       &call));
	net_sleep(500);
	opener.stop = true;
	pthread_join(thread, NULL);
	TH_LOG("%d closes taken back beside %lu files", rounds, opener.opened);
	EXPECT_EQ(0, opener.taken);
	EXPECT_GT(opener.opened, 0);
	close(call.op_fd);
	close(pair.server);
	close(dev);
}

TEST_HARNESS_MAIN
