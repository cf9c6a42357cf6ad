// SPDX-License-Identifier: GPL-2.0-only
/* Closes beside many threads that sleep in the library's recv(). See crowd.h. */
#include <winsock2.h>

#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "count.h"
#include "crowd.h"
#include "dev.h"
#include "net.h"

#define BLOCKED_THREADS	3000
#define BLOCKED_ROUNDS	200

static void *blocked_run(void *argument)
{
	char byte;

	recv(*(SOCKET *)argument, &byte, 1, 0);
	return NULL;
}

/*
 * Measure socket() and its close: by the library, or the kernel's part by the calls that it makes.
 */
static double blocked_cost(int dev, bool library)
{
	struct count_series series = { 0 };
	struct winsock_close call;
	double median;

	for (int i = 0; i < BLOCKED_ROUNDS; i++) {
		uint64_t start = count_now();
		int result;

		if (library)
			result = closesocket(socket(AF_INET, SOCK_STREAM, 0));
		else
			result = dev_closesocket(dev, syscall(SYS_socket, AF_INET, SOCK_STREAM, 0),
						 &call);
		count_add(&series, count_now() - start);
		bench_must(result, "close");
	}
	median = count_median(&series);
	count_free(&series);
	return median;
}

void bench_blocked(void)
{
	static const char *const names[] = { "the ioctl", "closesocket()" };
	/* The library may need descriptors for threads that wait. */
	struct rlimit limit = { 4 * BLOCKED_THREADS, 4 * BLOCKED_THREADS };
	struct sockaddr_in any = { .sin_family = AF_INET };
	double alone[2];
	pthread_t thread;
	WSADATA data;
	SOCKET s;
	int dev;

	net_enter();
	bench_must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	dev = dev_open();
	bench_must(dev, WINSOCK_DEVICE);
	bench_must(-WSAStartup(MAKEWORD(2, 2), &data), "WSAStartup");
	for (int i = 0; i < 2; i++)
		alone[i] = blocked_cost(dev, i);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	bench_must(bind(s, (struct sockaddr *)&any, sizeof(any)), "bind");
	for (int i = 0; i < BLOCKED_THREADS; i++)
		bench_must(-pthread_create(&thread, NULL, blocked_run, &s), "thread");
	net_sleep(1000);
	for (int i = 0; i < 2; i++)
		bench_row(&(struct bench_row){
			.key = bench_name("blocked.%s", i ? "library" : "ioctl"),
			.what = bench_name("socket() and %s beside %d threads in recv()", names[i],
					   BLOCKED_THREADS),
			.unit = "instructions",
			.value = blocked_cost(dev, i),
			.against = "beside none",
			.base = alone[i],
			.limit = 1.1,
		});
}
