// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many threads at one completion port, or in recvfrom() on one socket, and one message at a time:
 * how often does the process switch for each? Then what one user of the library costs another: a
 * large send a post, and a thread that polls a port a receive that an event reports. See herd.h.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINSOCK_KEEP_LIBC_NAMES
#include <winsock_ext.h>
#undef linger

#include "bench.h"
#include "count.h"
#include "herd.h"
#include "net.h"

#define HERD_ROUNDS	500
#define HERD_WARMUP	300
#define HERD_RECEIVERS	64
#define HERD_LARGE	(256u << 20)

/* In a server's process. */
static HANDLE herd_port;
static SOCKET herd_socket;
static atomic_bool herd_over;
/* Written by a server, read by its client. */
static double *herd_result;

/* A message was taken; no other comes before the answer. */
static void herd_count(void)
{
	static struct count_series series;
	static unsigned int messages;
	static long before;
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	if (++messages > HERD_WARMUP)
		count_add(&series, usage.ru_nvcsw - before);
	before = usage.ru_nvcsw;
	if (messages == HERD_WARMUP + HERD_ROUNDS)
		*herd_result = count_median(&series);
}

static void herd_receive(WSAOVERLAPPED *overlapped)
{
	static char byte;
	WSABUF buffer = { 1, &byte };
	DWORD flags = 0;

	if (WSARecv(herd_socket, &buffer, 1, NULL, &flags, overlapped, NULL) &&
	    WSAGetLastError() != WSA_IO_PENDING)
		bench_must(-1, "WSARecv");
}

static void *herd_take(void *unused)
{
	LPOVERLAPPED done;
	ULONG_PTR key;
	DWORD got;

	while (GetQueuedCompletionStatus(herd_port, &got, &key, &done, INFINITE) && got) {
		herd_count();
		herd_receive(done);
		bench_must(winsock_send(herd_socket, "x", 1, 0), "send");
	}
	return unused;
}

static void *herd_recvfrom(void *unused)
{
	struct sockaddr_in name;
	int size = sizeof(name);
	char byte;

	while (winsock_recvfrom(herd_socket, &byte, 1, 0, (struct sockaddr *)&name, &size) == 1) {
		herd_count();
		bench_must(winsock_sendto(herd_socket, "x", 1, 0, (struct sockaddr *)&name, size),
			   "sendto");
	}
	return unused;
}

static void herd_start(void *(*run)(void *), int threads)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	while (threads--)
		bench_must(-pthread_create(&thread, &small, run, NULL), "thread");
}

static void herd_enter(int fd)
{
	WSADATA data;

	bench_must(-WSAStartup(MAKEWORD(2, 2), &data), "WSAStartup");
	herd_socket = fd;
}

/*
 * Serve a client's messages by so many threads. Returns the server's context switches for one: the
 * median, as a tick may take the processor from a thread that has a lock.
 */
static double herd_measure(int server, int client, bool datagrams, int threads)
{
	WSAOVERLAPPED overlapped = { 0 };
	pid_t pid = fork();
	char byte;

	bench_must(pid, "fork");
	if (!pid) {
		herd_enter(server);
		if (!datagrams) {
			herd_port = CreateIoCompletionPort((HANDLE)(intptr_t)server, NULL, 0, 0);
			herd_receive(&overlapped);
		}
		herd_start(datagrams ? herd_recvfrom : herd_take, threads);
		for (;;)
			pause();
	}
	net_sleep(1000);
	for (int i = 0; i < HERD_WARMUP + HERD_ROUNDS; i++) {
		bench_must(send(client, "x", 1, 0), "send");
		bench_must(recv(client, &byte, 1, 0), "recv");
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return *herd_result;
}

static void herd_row(const char *what, double switches, double bound)
{
	bench_row(&(struct bench_row){
		.key = "herd",
		.what = what,
		.unit = "switches",
		.value = switches,
		.against = "bound",
		.base = bound,
		.limit = 1,
	});
}

static void herd_ports(void)
{
	static const int workers[] = { 1, 16, 256 };

	for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
		struct net_pair pair;

		net_pair_open(&pair, NET_V4, false);
		herd_row(bench_name("a completion, %d at the port", workers[i]),
			 herd_measure(pair.server, pair.client, false, workers[i]), 2);
		close(pair.server);
		close(pair.client);
	}
}

static void herd_datagrams(void)
{
	int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name = { .sin_family = AF_INET };
	socklen_t size = sizeof(name);

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bench_must(bind(server, (struct sockaddr *)&name, size), "bind");
	bench_must(getsockname(server, (struct sockaddr *)&name, &size), "getsockname");
	bench_must(connect(client, (struct sockaddr *)&name, size), "connect");
	herd_row(bench_name("a datagram, %d in recvfrom()", HERD_RECEIVERS),
		 herd_measure(server, client, true, HERD_RECEIVERS), 3);
}

/* Of a higher priority, so that only a lock can hold it up. Returns the longest post, in us. */
static void *herd_post(void *unused)
{
	struct sched_param first = { .sched_priority = 1 };
	static double longest;
	LPOVERLAPPED done;
	ULONG_PTR key;
	DWORD got;

	bench_must(-pthread_setschedparam(pthread_self(), SCHED_FIFO, &first), "SCHED_FIFO");
	(void)unused;
	while (!herd_over) {
		double start = net_now(), took;

		PostQueuedCompletionStatus(herd_port, 0, 0, NULL);
		took = 1e6 * (net_now() - start);
		longest = took > longest ? took : longest;
		GetQueuedCompletionStatus(herd_port, &got, &key, &done, 0);
		usleep(100);
	}
	return &longest;
}

static void herd_large(void)
{
	WSAOVERLAPPED overlapped = { .hEvent = WSACreateEvent() };
	WSABUF buffer = { HERD_LARGE, calloc(1, HERD_LARGE) };
	struct net_pair pair;
	pthread_t thread;
	void *longest;
	pid_t reader;
	DWORD sent;
	int error;

	net_pair_open(&pair, NET_V4, false);
	reader = net_drain_later(&pair, 0);
	herd_port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	bench_must(-pthread_create(&thread, NULL, herd_post, NULL), "thread");
	if (WSASend(pair.client, &buffer, 1, &sent, 0, &overlapped, NULL) &&
	    WSAGetLastError() != WSA_IO_PENDING)
		bench_must(-1, "WSASend");
	WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, WSA_INFINITE, FALSE);
	herd_over = true;
	pthread_join(thread, &longest);
	shutdown(pair.client, SHUT_WR);
	if (net_drain_result(reader, &error) != HERD_LARGE || error)
		bench_must(-1, "the reader");
	bench_row(&(struct bench_row){
		.key = "herd",
		.what = "the longest PostQueuedCompletionStatus() beside a WSASend() of 256 MB",
		.unit = "us",
		.value = *(double *)longest,
		.against = "bound",
		.base = 1000,
		.limit = 1,
	});
}

static void *herd_look(void *unused)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	LPOVERLAPPED done;
	ULONG_PTR key;
	DWORD got;

	for (;;) {
		GetQueuedCompletionStatus(port, &got, &key, &done, 0);
		usleep(4000);
	}
	return unused;
}

/* The median of round trips that an event reports, in instructions. */
static double herd_trips(int client)
{
	WSAOVERLAPPED overlapped = { .hEvent = WSACreateEvent() };
	struct count_series series = { 0 };
	DWORD got, flags;

	herd_socket = client;
	for (int i = 0; i < HERD_WARMUP + HERD_ROUNDS; i++) {
		uint64_t start = count_now();

		herd_receive(&overlapped);
		bench_must(winsock_send(client, "x", 1, 0), "send");
		WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, WSA_INFINITE, FALSE);
		WSAGetOverlappedResult(client, &overlapped, &got, TRUE, &flags);
		if (i >= HERD_WARMUP)
			count_add(&series, count_now() - start);
	}
	return count_median(&series);
}

static void herd_events(void)
{
	struct net_pair pair;
	double alone;
	pid_t pid;
	char byte;

	net_pair_open(&pair, NET_V4, false);
	pid = fork();
	bench_must(pid, "fork");
	if (!pid) {
		close(pair.client);
		while (recv(pair.server, &byte, 1, 0) == 1)
			bench_must(send(pair.server, &byte, 1, 0), "send");
		_exit(0);
	}
	alone = herd_trips(pair.client);
	herd_start(herd_look, 1);
	net_sleep(50);
	bench_row(&(struct bench_row){
		.key = "herd",
		.what = "a round trip by an event, beside a thread that polls a port",
		.unit = "ns",
		.value = herd_trips(pair.client),
		.against = "alone",
		.base = alone,
		.limit = 1.05,
	});
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void bench_herd(void)
{
	herd_result = mmap(NULL, sizeof(*herd_result), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	net_enter();
	herd_ports();
	herd_datagrams();
	herd_enter(INVALID_SOCKET);
	herd_large();
	herd_events();
}
