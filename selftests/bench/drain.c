// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lingering close that has to wait, by the module and by code that does without it. Times are of
 * the guest's clock, an instruction a nanosecond.
 */
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "count.h"
#include "dev.h"
#include "drain.h"
#include "emulate.h"
#include "net.h"
#include "ulp.h"

#define DRAIN_ROUNDS	9
#define DRAIN_BYTES	(4 << 20)
#define DRAIN_LATE_MS	2000		/* when the reader starts */
#define DRAIN_LINGER	30		/* s, not reached */
#define DRAIN_DEADLINE	1		/* s, reached */
#define DRAIN_SECOND	1000000000LL

enum drain_way {
	DRAIN_IOCTL,
	DRAIN_ATTACHED,
	DRAIN_NATIVE,
	DRAIN_POLL_1MS,
	DRAIN_POLL_10MS,
	DRAIN_NOTIFIED,
	DRAIN_WAYS
};

static const struct {
	const char *key;
	const char *what;
} drain_ways[DRAIN_WAYS] = {
	[DRAIN_IOCTL]	  = { "ioctl", "lingering closesocket" },
	[DRAIN_ATTACHED]  = { "attached", "lingering close(2), attached" },
	[DRAIN_NATIVE]	  = { "native", "lingering close(2)" },
	[DRAIN_POLL_1MS]  = { "poll1", "SIOCOUTQ each ms, then close" },
	[DRAIN_POLL_10MS] = { "poll10", "SIOCOUTQ each 10 ms, then close" },
	[DRAIN_NOTIFIED]  = { "notified", "armed for ACK time stamps, then close" },
};

static int drain_dev;

static long long drain_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * DRAIN_SECOND + now.tv_nsec;
}

static void drain_prepare(int fd, enum drain_way way, int seconds)
{
	if (way == DRAIN_ATTACHED)
		bench_must(ulp_attach(fd), "attach");
	if (way <= DRAIN_NATIVE)
		net_linger(fd, 1, seconds);
	if (way == DRAIN_NOTIFIED)
		emulate_arm(fd);
}

static void drain_close(int fd, enum drain_way way, int seconds)
{
	long long timeout = seconds * DRAIN_SECOND;
	struct winsock_close call;

	switch (way) {
	case DRAIN_IOCTL:
		bench_must(dev_closesocket(drain_dev, fd, &call), "closesocket");
		break;
	case DRAIN_POLL_1MS:
		bench_must(emulate_poll(fd, timeout, 1000000), "close");
		break;
	case DRAIN_POLL_10MS:
		bench_must(emulate_poll(fd, timeout, 10000000), "close");
		break;
	case DRAIN_NOTIFIED:
		bench_must(emulate_notified(fd, timeout), "close");
		break;
	default:
		bench_must(close(fd), "close");
		break;
	}
}

/* The late reader. Its start varies, so that no polling phase is lucky. */
struct drain_reader {
	pthread_t thread;
	int fd;
	unsigned int round;
};

static void *drain_read(void *argument)
{
	static char bytes[64 << 10];
	struct drain_reader *reader = argument;
	unsigned int us = reader->round * 7919 % 10000;
	struct timespec late = { DRAIN_LATE_MS / 1000, us * 1000 };

	nanosleep(&late, NULL);
	while (recv(reader->fd, bytes, sizeof(bytes), 0) > 0)
		;
	return NULL;
}

/* Capture on lo, for the time of the last acknowledgement. */
static int drain_capture(void)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)), on = 1, room = 64 << 20;

	bench_must(fd, "packet socket");
	bench_must(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)), "time stamps");
	bench_must(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), "room");
	return fd;
}

/* Returns the time of the first segment to @port that acknowledges all, by CLOCK_REALTIME. */
static long long drain_last_ack(int capture, uint16_t port)
{
	uint8_t packet[128] __attribute__((aligned(8))), control[256];
	const struct iphdr *ip = (const void *)packet;
	struct iovec part = { packet, sizeof(packet) };
	uint32_t end = 0;
	long long when = 0;

	for (;;) {
		struct msghdr message = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		const struct tcphdr *tcp;
		struct timespec stamp;

		if (recvmsg(capture, &message, MSG_DONTWAIT) < 40)
			break;
		tcp = (const void *)(packet + ip->ihl * 4);
		if (ip->protocol != IPPROTO_TCP)
			continue;
		if (ntohs(tcp->source) == port && tcp->syn)
			end = ntohl(tcp->seq) + 1 + DRAIN_BYTES;
		if (when || ntohs(tcp->dest) != port || tcp->syn || !end ||
		    (int32_t)(ntohl(tcp->ack_seq) - end) < 0)
			continue;
		memcpy(&stamp, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(stamp));
		when = stamp.tv_sec * DRAIN_SECOND + stamp.tv_nsec;
	}
	bench_must(when ? 0 : -1, "no acknowledgement captured");
	return when;
}

struct drain_cost {
	struct count_series late;	/* ns from the last ACK to the return */
	struct count_series thread;	/* ns of CPU of the closing thread */
	struct count_series process;	/* and of the reader, in which ACKs are processed */
};

static void drain_pair(struct net_pair *pair, enum drain_way way, int seconds, size_t bytes)
{
	int room = 2 * DRAIN_BYTES;
	char *data = calloc(1, bytes + 1);

	net_pair_open(pair, NET_V4, false);
	drain_prepare(pair->client, way, seconds);
	bench_must(setsockopt(pair->client, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)),
		   "SO_SNDBUFFORCE");
	if (bytes)
		bench_must(send(pair->client, data, bytes, 0) == (ssize_t)bytes ? 0 : -1, "send");
	free(data);
}

static void drain_once(enum drain_way way, unsigned int round, struct drain_cost *cost)
{
	struct drain_reader reader = { .round = round };
	long long thread, process, back;
	int capture = drain_capture();
	struct net_pair pair;

	drain_pair(&pair, way, DRAIN_LINGER, DRAIN_BYTES);
	reader.fd = pair.server;
	process = drain_clock(CLOCK_PROCESS_CPUTIME_ID);
	thread = drain_clock(CLOCK_THREAD_CPUTIME_ID);
	bench_must(-pthread_create(&reader.thread, NULL, drain_read, &reader), "thread");
	drain_close(pair.client, way, DRAIN_LINGER);
	back = drain_clock(CLOCK_REALTIME);
	count_add(&cost->thread, drain_clock(CLOCK_THREAD_CPUTIME_ID) - thread);
	pthread_join(reader.thread, NULL);
	count_add(&cost->process, drain_clock(CLOCK_PROCESS_CPUTIME_ID) - process);
	count_add(&cost->late, back - drain_last_ack(capture, pair.client_port));
	close(pair.server);
	close(capture);
}

/* Measure a close that has nothing to wait for, with the thread that it needs. */
static double drain_idle(enum drain_way way)
{
	struct count_series series = { 0 };

	for (unsigned int i = 0; i < DRAIN_ROUNDS; i++) {
		struct drain_reader reader = { .fd = -1 };
		struct net_pair pair;
		long long thread;

		drain_pair(&pair, way == DRAIN_NATIVE ? DRAIN_POLL_1MS : way, DRAIN_LINGER, 0);
		thread = drain_clock(CLOCK_THREAD_CPUTIME_ID);
		bench_must(-pthread_create(&reader.thread, NULL, drain_read, &reader), "thread");
		drain_close(pair.client, way, DRAIN_LINGER);
		count_add(&series, drain_clock(CLOCK_THREAD_CPUTIME_ID) - thread);
		pthread_join(reader.thread, NULL);
		close(pair.server);
	}
	return count_median(&series);
}

struct drain_result {
	double late;
	double waiting;
	double process;
};

static void drain_row(const char *what, const char *key, enum drain_way way, double value,
		      enum drain_way than, double base, double limit)
{
	bench_row(&(struct bench_row){
		.key = bench_name("drain.%s.%s.%s", key, drain_ways[way].key,
				  drain_ways[than].key),
		.what = bench_name("%s of 4 MB: %s", drain_ways[way].what, what),
		.unit = "us",
		.value = value / 1e3,
		.against = drain_ways[than].what,
		.base = base / 1e3,
		.limit = limit,
	});
}

void bench_drain(void)
{
	struct drain_result results[DRAIN_WAYS], *ours = &results[DRAIN_IOCTL], *theirs;

	net_enter();
	drain_dev = dev_open();
	for (int way = 0; way < DRAIN_WAYS; way++) {
		struct drain_cost cost = { 0 };

		for (unsigned int i = 0; i < DRAIN_ROUNDS; i++)
			drain_once(way, i, &cost);
		results[way].late = count_median(&cost.late);
		results[way].waiting = count_median(&cost.thread) - drain_idle(way);
		results[way].process = count_median(&cost.process);
	}
	for (int way = DRAIN_IOCTL; way <= DRAIN_ATTACHED; way++)
		drain_row("last ACK to return", "late", way, results[way].late, DRAIN_NATIVE,
			  results[DRAIN_NATIVE].late, 1);
	for (int than = DRAIN_POLL_1MS; than < DRAIN_WAYS; than++)
		drain_row("last ACK to return", "late", DRAIN_IOCTL, ours->late, than,
			  results[than].late, 1);
	for (int than = DRAIN_POLL_1MS; than < DRAIN_WAYS; than++) {
		theirs = &results[than];
		drain_row("CPU in 2 s of waiting", "cpu", DRAIN_IOCTL, ours->waiting, than,
			  theirs->waiting, than == DRAIN_NOTIFIED ? 0 : 0.01);
	}
	drain_row("CPU, the reader's too", "process", DRAIN_IOCTL, ours->process, DRAIN_NATIVE,
		  results[DRAIN_NATIVE].process, 0);
}

/* The peer never answers: measure the time from the deadline to the return. */
void bench_deadline(void)
{
	double tick;
	struct timespec resolution;

	net_enter();
	drain_dev = dev_open();
	/* This clock moves with the tick. */
	clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
	tick = resolution.tv_nsec;
	for (int way = 0; way < DRAIN_WAYS; way++) {
		struct count_series late = { 0 };

		for (unsigned int i = 0; i < DRAIN_ROUNDS; i++) {
			struct timespec phase = { 0, i * 791900 % 10000000 };
			struct net_pair pair;
			long long start;

			drain_pair(&pair, way, DRAIN_DEADLINE, 0);
			net_mute(pair.server);
			bench_must(send(pair.client, &pair, 1, 0), "send");
			nanosleep(&phase, NULL);
			start = drain_clock(CLOCK_MONOTONIC);
			drain_close(pair.client, way, DRAIN_DEADLINE);
			count_add(&late, drain_clock(CLOCK_MONOTONIC) - start -
					 DRAIN_DEADLINE * DRAIN_SECOND);
			close(pair.server);
		}
		bench_must(way > DRAIN_ATTACHED || count_least(&late) >= 0 ? 0 : -1,
			   "back before the deadline");
		bench_row(&(struct bench_row){
			.key = bench_name("deadline.%s", drain_ways[way].key),
			.what = bench_name("%s, stuck peer: latest return after the deadline",
					   drain_ways[way].what),
			.unit = "us",
			.value = count_most(&late) / 1e3,
			.against = "two ticks",
			.base = 2 * tick / 1e3,
			.limit = way <= DRAIN_ATTACHED ? 1 : 0,
		});
		count_free(&late);
	}
}
