// SPDX-License-Identifier: GPL-2.0-only
/*
 * One connection, many holders: processes that fork, dup, pass the descriptor on, exec, exit and
 * are killed, and close by closesocket() or close(2), in any order. The peer must see what the
 * model allows. Then ten thousand connections linger at once.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "closing.h"
#include "ulp.h"
#include "usage.h"

#define ROUNDS	200
#define MANY	10000

enum lingering { OFF, HARD, TIMED, LINGERS };

static int references_wait(int count)
{
	for (int ms = 0; ms < 10000 && dev_references(count) > count; ms++)
		net_sleep(1);
	return dev_references(count);
}

/* Put the descriptor in flight without a receiver; the sockets that carry it release it. */
static void pass_on(int fd)
{
	char room[CMSG_SPACE(sizeof(fd))] = "", byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	sendmsg(ends[0], &message, 0);
	usleep(200);
	close(ends[0]);
	close(ends[1]);
}

/* The life of a holder. */
static void hold(int dev, int fd, unsigned int seed)
{
	char *arguments[] = { "/bin/busybox", "true", NULL };
	struct winsock_close call;

	usleep(rand_r(&seed) % 3000);
	if (rand_r(&seed) % 3 == 0)
		dup(fd);
	if (rand_r(&seed) % 3 == 0)
		pass_on(fd);
	switch (rand_r(&seed) % 6) {
	case 0:
		raise(SIGKILL);
		break;
	case 1:
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		execv(arguments[0], arguments);
		break;
	case 2:
		dup2(STDERR_FILENO, fd);
		break;
	case 3:
		close(fd);
		break;
	case 4:
		dev_closesocket(dev, fd, &call);
		break;
	}
	_exit(0);
}

struct reader {
	int fd;
	unsigned int delay_us;
	size_t got;
	int error;
};

static void *reader_run(void *argument)
{
	struct reader *reader = argument;

	usleep(reader->delay_us);
	reader->got = net_drain(reader->fd, &reader->error);
	close(reader->fd);
	return NULL;
}

/* Returns what is wrong with the end, or NULL. */
static const char *judge(const struct reader *reader, enum lingering linger, bool attached,
			 bool deaf, size_t sent)
{
	bool whole = !reader->error && reader->got == sent;

	if (reader->error && reader->error != ECONNRESET)
		return "the peer got another error";
	if (!reader->error && reader->got != sent)
		return "the end of the stream came early";
	switch (linger) {
	case OFF:
		return whole ? NULL : "linger off ended in a reset";
	case HARD:
		return reader->error ? NULL : "a hard close ended in a FIN";
	default:
		if (!deaf)
			return whole ? NULL : "a reset although the peer read in time";
		return attached && whole ? "no reset at the deadline" : NULL;
	}
}

static const char *round_run(int dev, unsigned int *seed)
{
	enum lingering linger = rand_r(seed) % LINGERS;
	bool attached = rand_r(seed) % 2, deaf = linger == TIMED && rand_r(seed) % 12 == 0;
	struct reader reader = { .delay_us = deaf ? 3000000 : rand_r(seed) % 3000 };
	unsigned int holders = rand_r(seed) % 4;
	static char block[60000];
	struct winsock_close call;
	struct net_pair pair;
	pid_t children[4];
	pthread_t thread;
	ssize_t sent;

	net_pair_open(&pair, NET_V4, rand_r(seed) % 2);
	if (attached && ulp_attach(pair.client))
		return "cannot attach";
	if (linger != OFF)
		net_linger(pair.client, 1, linger == TIMED ? 2 : 0);
	net_nonblock(pair.client, rand_r(seed) % 2);
	/* Send more than fits into the buffer of a peer that does not read, or less. */
	if (deaf)
		sent = net_stuff(pair.client);
	else
		sent = send(pair.client, block, 1 + rand_r(seed) % sizeof(block),
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	for (unsigned int i = 0; i < holders; i++) {
		children[i] = fork();
		if (!children[i]) {
			close(pair.server);
			hold(dev, pair.client, rand_r(seed) + i);
		}
	}
	/* This process reads: the holders must not keep the server's end. */
	reader.fd = pair.server;
	if (pthread_create(&thread, NULL, reader_run, &reader))
		abort();
	usleep(rand_r(seed) % 3000);
	/* After would-block close by close(2). */
	if (rand_r(seed) % 2 || dev_closesocket(dev, pair.client, &call))
		close(pair.client);
	for (unsigned int i = 0; i < holders; i++)
		waitpid(children[i], NULL, 0);
	pthread_join(thread, NULL);
	return judge(&reader, linger, attached, deaf, sent);
}

FIXTURE(handles) {
	int dev;
};

FIXTURE_SETUP(handles)
{
	struct rlimit many = { 3 * MANY, 3 * MANY };

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &many));
	net_enter();
}

FIXTURE_TEARDOWN(handles)
{
	close(self->dev);
	EXPECT_EQ(0, references_wait(0));
}

/* claims: M1 M2 M3 G1 H1 B2 B3 */
TEST_F_TIMEOUT(handles, however_they_go_the_peer_sees_what_is_allowed, 200)
{
	unsigned int seed = 11;

	for (int round = 0; round < ROUNDS; round++) {
		const char *wrong = round_run(self->dev, &seed);

		ASSERT_EQ(NULL, wrong) TH_LOG("round %d: %s", round, wrong);
	}
}

/* claims: B3 */
/* Set the module's limit of orphans, and return the former one in @before. */
static int limit_set(unsigned int limit, unsigned int *before)
{
	FILE *file = fopen("/sys/module/winsock/parameters/orphans_max", "r+");
	int good;

	if (!file)
		return -1;
	good = fscanf(file, "%u", before) == 1;
	rewind(file);
	good &= fprintf(file, "%u\n", limit) > 0;
	return fclose(file) || !good ? -1 : 0;
}

TEST_F_TIMEOUT(handles, ten_thousand_linger_at_once, 200)
{
	unsigned int limit;
	static struct net_pair pairs[MANY];
	uint16_t port;
	int listener = net_listen(NET_V4, &port), linger;
	double start = net_now();
	int many = usage_enough(MANY);

	/* A small machine's limit is lower. */
	ASSERT_EQ(0, limit_set(2 * many, &limit));
	for (int i = 0; i < many; i++) {
		pairs[i].client = net_connect(NET_V4, port, false);
		pairs[i].server = accept(listener, NULL, NULL);
		ASSERT_GE(pairs[i].server, 0);
		net_mute(pairs[i].server);
		ASSERT_EQ(0, ulp_attach(pairs[i].client));
		net_nonblock(pairs[i].client, true);
		ASSERT_EQ(1, send(pairs[i].client, "x", 1, 0));
	}
	/* A linger time longer than closing all of them takes; opening them took longer still. */
	linger = 2 + net_now() - start;
	for (int i = 0; i < many; i++)
		net_linger(pairs[i].client, 1, linger);
	start = net_now();
	for (int i = 0; i < many; i++)
		close(pairs[i].client);
	EXPECT_GE(dev_references(many), many);
	/* The module cannot be unloaded with closes pending. */
	EXPECT_EQ(-1, syscall(SYS_delete_module, "winsock", O_NONBLOCK));
	EXPECT_EQ(EAGAIN, errno);
	close(self->dev);
	net_sleep(linger * 1000);
	EXPECT_EQ(0, references_wait(0));
	self->dev = dev_open();
	EXPECT_GE(net_now() - start, linger);
	EXPECT_EQ(0, limit_set(limit, &limit));
	TH_LOG("%d ended %.1f s after the first close", many, net_now() - start);
	/* Reset them: later programs would count these orphans for minutes. */
	for (int i = 0; i < many; i++) {
		net_linger(pairs[i].server, 1, 0);
		close(pairs[i].server);
	}
	close(listener);
}

TEST_HARNESS_MAIN
