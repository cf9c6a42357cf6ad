// SPDX-License-Identifier: GPL-2.0-only
/*
 * Overlapped operations on a completion port against every kind of close, peers that send, read and
 * reset, and cancels, on two processors, while a thread opens and closes files. Each operation
 * completes once, each connection ends, and no resource is left.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "net.h"
#include "usage.h"

#include <winsock_ext.h>

DEV_REQUIRED;

#define WORKERS		4
#define TAKERS		2
#define SECONDS		6
#define CLOSES		40	/* at least, so that each way is among them on slow machines too */
#define OPERATIONS	6
#define CONTESTED	40

enum conduct { SENDS, READS, RESETS, CONDUCTS };
enum way { GRACEFUL, HARD, LINGERING, NONBLOCKING, WAYS };

struct operation {
	WSAOVERLAPPED overlapped;	/* first: a packet leads back to it */
	bool begun;
	_Atomic unsigned int told;
	_Atomic unsigned int error;
	char data[64];
};

struct worker {
	pthread_t thread;
	unsigned int number;
	unsigned int seed;
	unsigned int rounds;
	unsigned int ways[WAYS];
	unsigned int done, aborted, refused;
	char wrong[160];
};

static HANDLE port;
static SOCKET listener;
static uint16_t listener_port;
static atomic_bool over;
static _Atomic unsigned int strangers;

static void *taker_run(void *argument)
{
	LPOVERLAPPED overlapped;
	ULONG_PTR key;
	DWORD moved;

	for (;;) {
		bool good = GetQueuedCompletionStatus(port, &moved, &key, &overlapped, INFINITE);
		struct operation *operation = (struct operation *)overlapped;

		if (!good && !operation)
			return NULL;
		operation->error = good ? 0 : GetLastError();
		operation->told++;
	}
}

/* Check that the files which this thread opens stay its own until it closes them. */
static void *guard_run(void *argument)
{
	struct stat before, after;
	int ends[2];

	while (!over) {
		if (pipe2(ends, O_CLOEXEC) || fstat(ends[0], &before))
			abort();
		usleep(100);
		if (fstat(ends[0], &after) || before.st_ino != after.st_ino ||
		    close(ends[0]) || close(ends[1]))
			strangers++;
	}
	return NULL;
}

static void pair_open(SOCKET *client, SOCKET *server)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(listener_port) };

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*client = socket(AF_INET, SOCK_STREAM, 0);
	pthread_mutex_lock(&lock);
	if (connect(*client, (struct sockaddr *)&name, sizeof(name)))
		abort();
	*server = accept(listener, NULL, NULL);
	pthread_mutex_unlock(&lock);
	if (*server == INVALID_SOCKET)
		abort();
}

static void linger_set(SOCKET s, int on, int seconds)
{
	struct linger linger = { on, seconds };

	setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger));
}

struct peer {
	SOCKET s;
	enum conduct conduct;
	unsigned int delay_us;
	bool ended;
};

/* The peer must see the end of the connection before the longest close is over. */
static void *peer_run(void *argument)
{
	static const char data[40];
	struct peer *peer = argument;
	DWORD patience = 20000;
	char block[8192];
	int got;

	usleep(peer->delay_us);
	peer->ended = true;
	if (peer->conduct == RESETS)
		linger_set(peer->s, 1, 0);
	for (int i = 0; peer->conduct == SENDS && i < 3; i++)
		send(peer->s, data, sizeof(data), 0);
	if (peer->conduct != RESETS) {
		setsockopt(peer->s, SOL_SOCKET, SO_RCVTIMEO, (char *)&patience, sizeof(patience));
		do {
			got = recv(peer->s, block, sizeof(block), 0);
		} while (got > 0);
		peer->ended = !got || WSAGetLastError() != WSAETIMEDOUT;
	}
	if (closesocket(peer->s))
		peer->ended = false;
	return NULL;
}

static void operation_begin(struct operation *operation, SOCKET s, bool sends)
{
	static char block[300000];
	WSABUF buffer = { sizeof(operation->data), operation->data };
	DWORD flags = 0;

	operation->begun = true;
	if (sends) {
		buffer = (WSABUF){ sizeof(block), block };
		if (WSASend(s, &buffer, 1, NULL, 0, &operation->overlapped, NULL) &&
		    WSAGetLastError() != WSA_IO_PENDING)
			operation->begun = false;
	} else if (WSARecv(s, &buffer, 1, NULL, &flags, &operation->overlapped, NULL) &&
		   WSAGetLastError() != WSA_IO_PENDING) {
		operation->begun = false;
	}
}

static const char *close_by(SOCKET s, enum way way)
{
	u_long nonblocking = 1;
	int tries;

	switch (way) {
	case HARD:
		linger_set(s, 1, 0);
		break;
	case LINGERING:
		linger_set(s, 1, 1);
		break;
	case NONBLOCKING:
		linger_set(s, 1, 1);
		ioctlsocket(s, FIONBIO, &nonblocking);
		for (tries = 0; tries < 5; tries++) {
			if (!closesocket(s))
				return NULL;
			if (WSAGetLastError() != WSAEWOULDBLOCK)
				return "refused, but not with WSAEWOULDBLOCK";
			usleep(200);
		}
		linger_set(s, 0, 0);
		break;
	default:
		break;
	}
	return closesocket(s) ? "refused" : NULL;
}

/* Check that each operation has completed once, and a little later still once. */
static const char *operations_check(struct operation *operations, int count)
{
	bool all = false;

	for (int ms = 0; ms < 5000 && !all; ms++) {
		if (ms)
			usleep(1000);
		all = true;
		for (int i = 0; i < count; i++)
			all = all && (!operations[i].begun || operations[i].told);
	}
	for (int i = 0; i < count; i++) {
		if (operations[i].begun && !operations[i].told)
			return "an operation never completed";
		if (operations[i].told != operations[i].begun)
			return "an operation completed twice, or was not begun";
	}
	return NULL;
}

static void worker_round(struct worker *worker)
{
	struct operation *operations = calloc(OPERATIONS, sizeof(*operations));
	enum way way = (worker->number + worker->rounds) % WAYS;
	const char *wrong, *lost;
	struct peer peer;
	pthread_t thread;
	SOCKET client;

	pair_open(&client, &peer.s);
	peer.conduct = rand_r(&worker->seed) % CONDUCTS;
	peer.delay_us = rand_r(&worker->seed) % 1000;
	if (!CreateIoCompletionPort((HANDLE)(intptr_t)client, port, 1, 0) ||
	    pthread_create(&thread, NULL, peer_run, &peer))
		abort();
	for (int i = 0; i < OPERATIONS; i++)
		operation_begin(&operations[i], client, i % 3 == 2);
	if (rand_r(&worker->seed) % 2)
		usleep(rand_r(&worker->seed) % 1500);
	if (rand_r(&worker->seed) % 2)
		CancelIoEx((HANDLE)(intptr_t)client, &operations[rand_r(&worker->seed) %
								 OPERATIONS].overlapped);
	wrong = close_by(client, way);
	lost = operations_check(operations, OPERATIONS);
	pthread_join(thread, NULL);
	if (!peer.ended)
		lost = "the peer never saw the end";
	if (wrong || lost)
		snprintf(worker->wrong, sizeof(worker->wrong), "way %d, peer %d: %s", way,
			 peer.conduct, wrong ?: lost);
	worker->rounds++;
	worker->ways[way]++;
	for (int i = 0; i < OPERATIONS; i++) {
		worker->refused += !operations[i].begun;
		worker->aborted += operations[i].error == WSA_OPERATION_ABORTED;
		worker->done += operations[i].begun && !operations[i].error;
	}
	free(operations);
}

struct issuer {
	SOCKET s;
	pthread_mutex_t stay;
	struct operation operations[CONTESTED];
};

static void *issuer_run(void *argument)
{
	struct issuer *issuer = argument;

	for (int i = 0; i < CONTESTED; i++)
		operation_begin(&issuer->operations[i], issuer->s, false);
	/* The thread's end would cancel what is left (P22). */
	pthread_mutex_lock(&issuer->stay);
	pthread_mutex_unlock(&issuer->stay);
	return NULL;
}

/* Use numbers that the kernel does not give to others while the issuer may still use them. */
static void contested_round(struct worker *worker)
{
	struct issuer *issuer = calloc(1, sizeof(*issuer));
	struct peer peer = { .conduct = READS };
	pthread_t issuing, reading;
	const char *wrong = NULL;
	SOCKET client;

	pair_open(&client, &peer.s);
	issuer->s = fcntl(client, F_DUPFD_CLOEXEC, 500 + 100 * worker->number);
	CloseHandle((HANDLE)(intptr_t)client);
	pthread_mutex_init(&issuer->stay, NULL);
	pthread_mutex_lock(&issuer->stay);
	if (pthread_create(&issuing, NULL, issuer_run, issuer) ||
	    pthread_create(&reading, NULL, peer_run, &peer))
		abort();
	usleep(rand_r(&worker->seed) % 100);
	if (closesocket(issuer->s))
		wrong = "refused";
	pthread_join(reading, NULL);
	for (int i = 0; i < CONTESTED && !wrong; i++)
		if (issuer->operations[i].begun &&
		    !HasOverlappedIoCompleted(&issuer->operations[i].overlapped))
			wrong = "an operation is pending on a closed socket";
	if (!peer.ended)
		wrong = "the socket stays open";
	pthread_mutex_unlock(&issuer->stay);
	pthread_join(issuing, NULL);
	pthread_mutex_destroy(&issuer->stay);
	free(issuer);
	worker->rounds++;
	if (wrong)
		snprintf(worker->wrong, sizeof(worker->wrong), "%s", wrong);
}

static void (*round_run)(struct worker *worker);

static void *worker_run(void *argument)
{
	struct worker *worker = argument;

	while (!over && !worker->wrong[0])
		round_run(worker);
	return NULL;
}

/* Count TCP sockets, orphans included, without TIME_WAIT. */
static int sockets(void)
{
	return usage_sockets("inuse");
}

static int references(void)
{
	return dev_references(0);
}

static int settled(int (*count)(void), int before)
{
	for (int ms = 0; ms < 5000 && count() > before; ms++)
		net_sleep(1);
	return count();
}

FIXTURE(stress) {
	struct worker workers[WORKERS];
	int descriptors, references, sockets;
};

FIXTURE_SETUP(stress)
{
	struct operation first = { 0 };
	SOCKET client, server;
	WSADATA data;

	net_enter();
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	listener = net_listen(NET_V4, &listener_port);
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	ASSERT_NE(NULL, port);
	over = false;
	/* The library keeps descriptors from the first operation on: no leak. */
	pair_open(&client, &server);
	operation_begin(&first, client, false);
	ASSERT_EQ(0, closesocket(client));
	ASSERT_TRUE(HasOverlappedIoCompleted(&first.overlapped));
	ASSERT_EQ(0, closesocket(server));
	self->sockets = settled(sockets, 1);
	self->descriptors = usage_descriptors();
	self->references = references();
	memset(self->workers, 0, sizeof(self->workers));
}

FIXTURE_TEARDOWN(stress)
{
	WSACleanup();
}

static void workers_run(struct worker *workers, void (*run)(struct worker *worker))
{
	pthread_t takers[TAKERS], guard;
	unsigned int rounds;
	bool wrong = false;

	round_run = run;
	for (int i = 0; i < TAKERS; i++)
		if (pthread_create(&takers[i], NULL, taker_run, NULL))
			abort();
	if (pthread_create(&guard, NULL, guard_run, NULL))
		abort();
	for (int i = 0; i < WORKERS; i++) {
		workers[i].number = i;
		workers[i].seed = i + 1;
		if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]))
			abort();
	}
	do {
		net_sleep(SECONDS * 1000);
		rounds = 0;
		for (int i = 0; i < WORKERS; i++) {
			rounds += workers[i].rounds;
			wrong |= workers[i].wrong[0];
		}
	} while (rounds < CLOSES && !wrong);
	over = true;
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_join(guard, NULL);
	CloseHandle(port);
	for (int i = 0; i < TAKERS; i++)
		pthread_join(takers[i], NULL);
}

#define EXPECT_NOTHING_LEFT() do { \
	for (int i_ = 0; i_ < WORKERS; i_++) \
		EXPECT_STREQ("", self->workers[i_].wrong); \
	EXPECT_EQ(0, strangers); \
	EXPECT_EQ(self->descriptors, settled(usage_descriptors, self->descriptors)); \
	EXPECT_EQ(self->references, settled(references, self->references)); \
	EXPECT_EQ(self->sockets, settled(sockets, self->sockets)); \
} while (0)

/* claims: P1 P2 P3 P4 N5 G2 H6 */
TEST_F_TIMEOUT(stress, every_operation_completes_once, 120)
{
	struct worker sum = { 0 };

	workers_run(self->workers, worker_round);
	for (int i = 0; i < WORKERS; i++) {
		sum.rounds += self->workers[i].rounds;
		sum.done += self->workers[i].done;
		sum.aborted += self->workers[i].aborted;
		sum.refused += self->workers[i].refused;
		for (int way = 0; way < WAYS; way++)
			sum.ways[way] += self->workers[i].ways[way];
	}
	TH_LOG("%u closes: %u graceful, %u hard, %u lingering, %u non-blocking", sum.rounds,
	       sum.ways[GRACEFUL], sum.ways[HARD], sum.ways[LINGERING], sum.ways[NONBLOCKING]);
	TH_LOG("operations: %u done, %u aborted, %u refused", sum.done, sum.aborted, sum.refused);
	EXPECT_NOTHING_LEFT();
	for (int way = 0; way < WAYS; way++)
		EXPECT_GT(sum.ways[way], 0);
	EXPECT_GT(sum.done, 0);
	EXPECT_GT(sum.aborted, 0);
}

/* claims: P1 B8 */
TEST_F_TIMEOUT(stress, operations_begun_while_it_closes_do_not_hold_it, 120)
{
	unsigned int rounds = 0;

	workers_run(self->workers, contested_round);
	for (int i = 0; i < WORKERS; i++)
		rounds += self->workers[i].rounds;
	TH_LOG("%u closes", rounds);
	EXPECT_NOTHING_LEFT();
	EXPECT_GT(rounds, 0);
}

TEST_HARNESS_MAIN
