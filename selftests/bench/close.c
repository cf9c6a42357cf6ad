// SPDX-License-Identifier: GPL-2.0-only
/* The cost of a close. See close.h. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define WINSOCK_KEEP_LIBC_NAMES
#include <winsock_ext.h>
#undef linger

#include "bench.h"
#include "close.h"
#include "count.h"
#include "dev.h"
#include "net.h"
#include "ulp.h"

#define CLOSE_ROUNDS	300
#define CLOSE_WARMUP	20
#define CLOSE_BYTES	4096

const char *const close_state_names[CLOSE_STATES] = {
	[CLOSE_IDLE]	= "linger off, idle",
	[CLOSE_QUEUED]	= "linger off, data queued",
	[CLOSE_HARD]	= "{1,0}",
	[CLOSE_TIMED]	= "{1,5}, idle",
};

static int close_dev, close_listener;
static uint16_t close_port;

static void close_prepare(enum close_state state, enum close_way way, int client, int server)
{
	static char bytes[CLOSE_BYTES];

	if (way == CLOSE_ATTACHED)
		bench_must(ulp_attach(client), "attach");
	if (state == CLOSE_QUEUED) {
		net_mute(server);
		bench_must(send(client, bytes, sizeof(bytes), 0), "send");
	} else if (state != CLOSE_IDLE) {
		net_linger(client, 1, state == CLOSE_HARD ? 0 : 5);
	}
}

static double close_once(enum close_state state, enum close_way way)
{
	int client = net_connect(NET_V4, close_port, false), result = -1;
	int server = accept(close_listener, NULL, NULL);
	struct winsock_close call = {
		.fd = client,
		.flags = DEV_CLOSESOCKET,
	};
	uint64_t start;

	bench_must(server, "accept");
	close_prepare(state, way, client, server);
	start = count_now();
	switch (way) {
	case CLOSE_IOCTL:
		result = ioctl(close_dev, WINSOCK_IOC_CLOSE, &call);
		break;
	case CLOSE_LIBRARY:
		result = closesocket(client);
		break;
	default:
		result = close(client);
		break;
	}
	start = count_now() - start;
	bench_must(result, "close");
	/* Reset, so that nothing remains for the next rounds. */
	net_linger(server, 1, 0);
	close(server);
	return start;
}

void close_measure(unsigned int rounds, double medians[CLOSE_STATES][CLOSE_WAYS])
{
	close_dev = dev_open();
	bench_must(close_dev, WINSOCK_DEVICE);
	close_listener = net_listen(NET_V4, &close_port);
	for (int state = 0; state < CLOSE_STATES; state++) {
		struct count_series series[CLOSE_WAYS] = { 0 };

		for (unsigned int i = 0; i < rounds + CLOSE_WARMUP; i++)
			for (int way = 0; way < CLOSE_WAYS; way++) {
				double count = close_once(state, way);

				if (i >= CLOSE_WARMUP)
					count_add(&series[way], count);
			}
		for (int way = 0; way < CLOSE_WAYS; way++) {
			medians[state][way] = count_median(&series[way]);
			count_free(&series[way]);
		}
	}
	close(close_listener);
	close(close_dev);
}

void bench_close(void)
{
	static const struct {
		const char *key;
		const char *what;
		double limit;
	} ways[CLOSE_WAYS] = {
		[CLOSE_IOCTL]	 = { "ioctl", "closesocket by ioctl", 1.05 },
		[CLOSE_LIBRARY]	 = { "library", "closesocket()", 1.05 },
		[CLOSE_ATTACHED] = { "attached", "close(2), attached", 1.02 },
	};
	static const char *const states[CLOSE_STATES] = { "idle", "queued", "hard", "timed" };
	double medians[CLOSE_STATES][CLOSE_WAYS];
	WSADATA data;

	net_enter();
	bench_must(-WSAStartup(MAKEWORD(2, 2), &data), "WSAStartup");
	close_measure(CLOSE_ROUNDS, medians);
	WSACleanup();
	for (int way = CLOSE_IOCTL; way < CLOSE_WAYS; way++)
		for (int state = 0; state < CLOSE_STATES; state++)
			bench_row(&(struct bench_row){
				.key = bench_name("close.%s.%s", ways[way].key, states[state]),
				.what = bench_name("%s, %s", ways[way].what,
						   close_state_names[state]),
				.unit = "instructions",
				.value = medians[state][way],
				.against = "close(2)",
				.base = medians[state][CLOSE_PLAIN],
				.limit = ways[way].limit,
			});
}
