// SPDX-License-Identifier: GPL-2.0-only
/*
 * An echo server's round trip: the library's completion port beside plain code for epoll and
 * liburing. The client is the same, in another process; with one processor the counter counts both,
 * and the switches between them.
 */
#include <errno.h>
#include <liburing.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINSOCK_KEEP_LIBC_NAMES
#include <winsock_ext.h>
#undef linger

#include "bench.h"
#include "count.h"
#include "echo.h"
#include "net.h"

#define ECHO_ROUNDS	200
#define ECHO_WARMUP	20
#define ECHO_BATCH	20
#define ECHO_ROOM	4096

static char echo_bytes[ECHO_ROOM];

static void echo_epoll(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	int set = epoll_create1(0);
	ssize_t got;

	net_nonblock(fd, true);
	bench_must(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), "epoll");
	while (epoll_wait(set, &event, 1, -1) == 1) {
		while ((got = recv(fd, echo_bytes, sizeof(echo_bytes), 0)) > 0)
			bench_must(send(fd, echo_bytes, got, MSG_NOSIGNAL), "send");
		if (!got)
			return;
	}
}

/* One call submits the answer and the next receive, and waits. */
static void echo_uring(int fd)
{
	struct io_uring_cqe *completion;
	struct io_uring_sqe *entry;
	struct io_uring ring;
	int got;

	bench_must(io_uring_queue_init(8, &ring, 0), "io_uring");
	entry = io_uring_get_sqe(&ring);
	io_uring_prep_recv(entry, fd, echo_bytes, sizeof(echo_bytes), 0);
	io_uring_sqe_set_data(entry, echo_bytes);
	for (;;) {
		bench_must(io_uring_submit_and_wait(&ring, 1), "submit");
		while (!io_uring_peek_cqe(&ring, &completion)) {
			bool received = io_uring_cqe_get_data(completion);

			got = completion->res;
			io_uring_cqe_seen(&ring, completion);
			if (!received)
				continue;
			if (got <= 0)
				return;
			entry = io_uring_get_sqe(&ring);
			io_uring_prep_send(entry, fd, echo_bytes, got, MSG_NOSIGNAL);
			io_uring_sqe_set_data(entry, NULL);
			entry->flags |= IOSQE_IO_LINK;
			entry = io_uring_get_sqe(&ring);
			io_uring_prep_recv(entry, fd, echo_bytes, sizeof(echo_bytes), 0);
			io_uring_sqe_set_data(entry, echo_bytes);
		}
	}
}

static void echo_receive(int fd, WSAOVERLAPPED *overlapped)
{
	WSABUF buffer = { sizeof(echo_bytes), echo_bytes };
	DWORD flags = 0;

	if (WSARecv(fd, &buffer, 1, NULL, &flags, overlapped, NULL) &&
	    WSAGetLastError() != WSA_IO_PENDING)
		bench_must(-1, "WSARecv");
}

static void echo_port(int fd)
{
	WSAOVERLAPPED receiving = { 0 }, sending = { 0 };
	LPOVERLAPPED done;
	ULONG_PTR key;
	WSADATA data;
	HANDLE port;
	DWORD got;

	bench_must(-WSAStartup(MAKEWORD(2, 2), &data), "WSAStartup");
	port = CreateIoCompletionPort((HANDLE)(intptr_t)fd, NULL, 0, 0);
	echo_receive(fd, &receiving);
	while (GetQueuedCompletionStatus(port, &got, &key, &done, INFINITE)) {
		WSABUF buffer = { got, echo_bytes };

		if (done != &receiving)
			continue;
		if (!got)
			return;
		if (WSASend(fd, &buffer, 1, NULL, 0, &sending, NULL))
			bench_must(-1, "WSASend");
		echo_receive(fd, &receiving);
	}
}

static void echo_round(int fd, size_t size)
{
	static char bytes[ECHO_ROOM];

	bench_must(send(fd, bytes, size, 0), "send");
	bench_must(recv(fd, bytes, size, MSG_WAITALL), "recv");
}

static double echo_measure(void (*serve)(int fd), size_t size)
{
	struct count_series series = { 0 };
	struct net_pair pair;
	uint64_t start;
	pid_t server;

	net_pair_open(&pair, NET_V4, false);
	server = fork();
	bench_must(server, "fork");
	if (!server) {
		close(pair.client);
		serve(pair.server);
		_exit(0);
	}
	close(pair.server);
	for (unsigned int i = 0; i < ECHO_ROUNDS + ECHO_WARMUP; i++) {
		start = count_now();
		for (unsigned int round = 0; round < ECHO_BATCH; round++)
			echo_round(pair.client, size);
		if (i >= ECHO_WARMUP)
			count_add(&series, (double)(count_now() - start) / ECHO_BATCH);
	}
	close(pair.client);
	waitpid(server, NULL, 0);
	return count_median(&series);
}

void bench_echo(void)
{
	static const size_t sizes[] = { 1, 1024 };

	net_enter();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		double epoll = echo_measure(echo_epoll, sizes[i]);
		double uring = echo_measure(echo_uring, sizes[i]);
		double port = echo_measure(echo_port, sizes[i]);

		/* Throughput is the reciprocal: 0.9 x of liburing's is 1 / 0.9 of its cost. */
		bench_row(&(struct bench_row){
			.key = bench_name("echo.%zu", sizes[i]),
			.what = bench_name("echo of %zu B by a completion port", sizes[i]),
			.unit = "instructions",
			.value = port,
			.against = "liburing",
			.base = uring,
			.limit = 1 / 0.9,
		});
		bench_row(&(struct bench_row){
			.key = bench_name("echo.epoll.%zu", sizes[i]),
			.what = bench_name("the same"),
			.unit = "instructions",
			.value = port,
			.against = "epoll",
			.base = epoll,
		});
	}
}
