// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many lingering closes pending in one process: what each costs to begin and to hold,
 * what it takes until all have expired or drained; beside what one would do instead.
 */
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "count.h"
#include "dev.h"
#include "net.h"
#include "pending.h"

#define PENDING_SOURCES	8		/* addresses, for enough local ports */
#define PENDING_RCVBUF	4096		/* of peers that read late */
#define PENDING_BYTES	8192		/* what they are sent */
#define PENDING_STACK	(32 << 10)	/* of a thread that only closes */
#define PENDING_MANY	1000
#define PENDING_STORM	100000
#define PENDING_GRACE	60e-6		/* s, to begin one */

enum pending_peer {
	PENDING_VANISHED,	/* drops what arrives */
	PENDING_LATE,		/* its window is full */
};

static int pending_count, pending_dev;
static int *clients, *servers, *ops;

/* Kernel memory by name in /proc/meminfo, bytes. */
static double pending_memory(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "r");
	size_t length = strlen(name);
	char line[128];
	double kilobytes = 0;

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, length) && line[length] == ':')
			kilobytes = atof(line + length + 1);
	fclose(file);
	return kilobytes * 1024;
}

/* Unreclaimable slab. */
static double pending_slab(void)
{
	return pending_memory("SUnreclaim");
}

static int pending_listen(struct sockaddr_in *name, enum pending_peer peer)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), room = PENDING_RCVBUF;
	socklen_t size = sizeof(*name);

	*name = (struct sockaddr_in){ .sin_family = AF_INET };
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (peer == PENDING_LATE)
		setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	bench_must(bind(listener, (struct sockaddr *)name, size), "bind");
	bench_must(listen(listener, 1024), "listen");
	bench_must(getsockname(listener, (struct sockaddr *)name, &size), "getsockname");
	return listener;
}

static int pending_connect(const struct sockaddr_in *name, int i)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	bench_must(fd, "socket");
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + i % PENDING_SOURCES);
	setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	bench_must(bind(fd, (struct sockaddr *)&from, sizeof(from)), "bind source");
	bench_must(connect(fd, (const struct sockaddr *)name, sizeof(*name)), "connect");
	return fd;
}

/* Connections with unacknowledged payload. */
static void pending_open(enum pending_peer peer)
{
	static char bytes[PENDING_BYTES];
	struct sockaddr_in name;
	int listener = pending_listen(&name, peer);

	for (int i = 0; i < pending_count; i++) {
		clients[i] = pending_connect(&name, i);
		servers[i] = accept(listener, NULL, NULL);
		bench_must(servers[i], "accept");
		if (peer == PENDING_VANISHED)
			net_mute(servers[i]);
		bench_must(send(clients[i], bytes, peer == PENDING_LATE ? PENDING_BYTES : 7, 0),
			   "send");
	}
	close(listener);
}

static void pending_end(void)
{
	for (int i = 0; i < pending_count; i++) {
		net_linger(servers[i], 1, 0);
		close(servers[i]);
	}
}

/* @seconds 0: the hard close. Instructions for each. */
static double pending_close(int seconds)
{
	uint64_t start;

	for (int i = 0; i < pending_count; i++)
		net_linger(clients[i], seconds >= 0, seconds > 0 ? seconds : 0);
	start = count_now();
	for (int i = 0; i < pending_count; i++)
		close(clients[i]);
	return (double)(count_now() - start) / pending_count;
}

/* Begin all, with one deadline. Instructions for each; *@memory what each then holds. */
static double pending_begin(unsigned int flags, double deadline, double *memory)
{
	double before = pending_slab();
	uint64_t start = count_now(), taken;

	for (int i = 0; i < pending_count; i++) {
		struct winsock_close call;

		bench_must(dev_close(pending_dev, clients[i],
				     WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DROP_FD | flags,
				     (deadline - net_now()) * 1e9, &call), "close");
		bench_must(call.op_fd, "not pending");
		ops[i] = call.op_fd;
	}
	taken = count_now() - start;
	*memory = (pending_slab() - before) / pending_count;
	return (double)taken / pending_count;
}

/* Every record is there and says this. */
static void pending_await(uint32_t outcome)
{
	for (int i = 0; i < pending_count; i++) {
		struct winsock_record record = { 0 };

		bench_must(read(ops[i], &record, sizeof(record)) == sizeof(record) ? 0 : -1,
			   "record");
		bench_must(record.outcome == outcome ? 0 : -1, "another outcome");
	}
}

static void pending_forget(void)
{
	for (int i = 0; i < pending_count; i++)
		close(ops[i]);
}

/* The late peers read. */
static void pending_read(void)
{
	static char bytes[PENDING_BYTES];

	for (int i = 0; i < pending_count; i++)
		bench_must(recv(servers[i], bytes, sizeof(bytes), MSG_WAITALL) == PENDING_BYTES ?
			   0 : -1, "recv");
}

static void pending_row(const char *what, const char *key, const char *unit, double value,
			const char *against, double base, double limit)
{
	bench_row(&(struct bench_row){
		.key = bench_name("pending.%s.%d", key, pending_count),
		.what = bench_name("%d pending: %s", pending_count, what),
		.unit = unit,
		.value = value,
		.against = against,
		.base = base,
		.limit = limit,
	});
}

/*
 * All expire, at one moment. What beginning them costs is returned, and compared with
 * @fewer, the same of fewer, if there is one.
 */
static double pending_expire(double fewer)
{
	double hard, begin, memory, deadline, expiry;

	pending_open(PENDING_VANISHED);
	hard = pending_close(0) * pending_count;
	pending_end();

	pending_open(PENDING_VANISHED);
	deadline = net_now() + 1 + pending_count * PENDING_GRACE;
	begin = pending_begin(0, deadline, &memory);
	pending_await(WINSOCK_OUTCOME_DEADLINE);
	expiry = (net_now() - deadline) * 1e9;
	pending_forget();
	pending_end();

	if (fewer > 0)
		pending_row("begin, each", "begin", "instructions", begin,
			    bench_name("%d pending", PENDING_MANY), fewer, 1.1);
	else
		pending_row("begin, each", "begin", "instructions", begin, "{1,0} close, each",
			    hard / pending_count, 0);
	pending_row("all expired", "expiry", "instructions", expiry, "as many {1,0} closes", hard,
		    pending_count > 1 ? 1.2 : 0);
	return begin;
}

/* All drain, as soon as their peers read; and what they hold until then. */
static void pending_drain(void)
{
	double plain, drained, memory, without;
	int references = dev_references();
	uint64_t start;

	pending_open(PENDING_LATE);
	plain = pending_close(-1) * pending_count;
	start = count_now();
	pending_read();
	plain += count_now() - start;
	pending_end();

	pending_open(PENDING_LATE);
	drained = pending_begin(WINSOCK_CLOSE_DETACH, net_now() + 1000, &memory) *
		  pending_count;
	without = pending_slab();
	pending_forget();
	/* Files are freed after a grace period. */
	sleep(1);
	without = memory - (without - pending_slab()) / pending_count;
	start = count_now();
	pending_read();
	while (dev_references() > references)
		usleep(10);
	drained += count_now() - start;
	pending_end();

	pending_row("begun and drained, each", "drain", "instructions", drained / pending_count,
		    "close(2), linger off, each", plain / pending_count, 0);
	/* Of few the allocator's pages are more than the objects in them. */
	if (pending_count < PENDING_STORM)
		return;
	pending_row("memory, each", "memory", "bytes", without, "bound", 512, 1);
	pending_row("memory with the op's descriptor, each", "held", "bytes", memory,
		    "bound without it", 512, 0);
}

static void *pending_thread(void *argument)
{
	close(*(int *)argument);
	return NULL;
}

/* What one would do without: a thread for each close, native linger. */
static void pending_threads(double begin)
{
	pthread_t *threads = calloc(pending_count, sizeof(*threads));
	size_t size = (size_t)pending_count * PENDING_STACK;
	char *stacks = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	double before, taken;
	pthread_attr_t attributes;
	uint64_t start;

	pending_open(PENDING_VANISHED);
	for (int i = 0; i < pending_count; i++)
		net_linger(clients[i], 1, 10 + pending_count / 1000);
	before = pending_memory("MemFree");
	pthread_attr_init(&attributes);
	start = count_now();
	for (int i = 0; i < pending_count; i++) {
		pthread_attr_setstack(&attributes, stacks + (size_t)i * PENDING_STACK,
				      PENDING_STACK);
		bench_must(-pthread_create(&threads[i], &attributes, pending_thread, &clients[i]),
			   "thread");
	}
	usleep(1000);
	taken = (double)(count_now() - start - 1000000) / pending_count;
	before = (before - pending_memory("MemFree")) / pending_count;
	for (int i = 0; i < pending_count; i++)
		pthread_join(threads[i], NULL);
	pending_end();
	munmap(stacks, size);
	free(threads);
	pending_row("begin, each", "begin.threads", "ns", begin, "a thread for each close(2)",
		    taken, 0);
	if (pending_count > 1)
		pending_row("memory, each, at most", "memory.threads", "bytes", 512,
			    "a thread for each close(2)", before, 0);
}

/* The same by io_uring: its workers sleep in the closes, and it tells too early. */
static void pending_ring(double begin)
{
	struct io_uring_cqe *done;
	struct io_uring ring;
	uint64_t start;
	double submitted;

	bench_must(io_uring_queue_init(PENDING_MANY, &ring, 0), "io_uring");
	pending_open(PENDING_VANISHED);
	for (int i = 0; i < pending_count; i++)
		net_linger(clients[i], 1, 1);
	start = count_now();
	for (int i = 0; i < pending_count; i++) {
		struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

		io_uring_prep_close(entry, clients[i]);
		io_uring_sqe_set_flags(entry, IOSQE_ASYNC);
	}
	bench_must(io_uring_submit(&ring), "submit");
	submitted = (double)(count_now() - start) / pending_count;
	pending_row("begin, each", "begin.uring", "ns", begin, "io_uring close, async",
		    submitted, 0);
	for (int i = 0; i < pending_count; i++) {
		bench_must(io_uring_wait_cqe(&ring, &done), "wait");
		bench_must(done->res, "close");
		io_uring_cqe_seen(&ring, done);
	}
	io_uring_queue_exit(&ring);
	pending_end();
}

static void pending_size(int count)
{
	struct rlimit limit = { 3 * count + 100, 3 * count + 100 };

	bench_must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	pending_count = count;
	clients = realloc(clients, count * sizeof(int));
	servers = realloc(servers, count * sizeof(int));
	ops = realloc(ops, count * sizeof(int));
}

static void pending_enter(void)
{
	bench_setting("/proc/sys/fs/file-max", "2000000");
	/* These two are all namespaces', and only seen in the first. */
	bench_setting("/proc/sys/net/ipv4/tcp_mem", "1000000 1500000 2000000");
	bench_setting("/proc/sys/net/ipv4/tcp_max_orphans", "400000");
	bench_setting("/sys/module/winsock/parameters/orphans_max", "400000");
	net_enter();
	bench_setting("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
	/*
	 * TCP's own retransmissions are not what is measured; and segments of a common
	 * size, so that small windows move. By path: busybox has an ip of its own.
	 */
	bench_must(-system("/bin/ip link set lo mtu 1500 && for to in 127.0.0.0/8 127.0.0.1; do "
			   "/bin/ip route change local $to dev lo table local proto kernel "
			   "scope host src 127.0.0.1 rto_min 100s; done"), "ip");
	pending_dev = dev_open();
	bench_must(pending_dev, WINSOCK_DEVICE);
}

void bench_pending(void)
{
	static const int counts[] = { 1, PENDING_MANY };

	pending_enter();
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		double begin;

		pending_size(counts[i]);
		begin = pending_expire(0);
		pending_drain();
		pending_ring(begin);
		pending_threads(begin);
	}
}

void bench_storm(void)
{
	double fewer, memory;

	pending_enter();
	pending_size(PENDING_MANY);
	pending_open(PENDING_VANISHED);
	fewer = pending_begin(0, net_now() + 1000, &memory);
	pending_forget();
	pending_end();
	pending_size(PENDING_STORM);
	pending_expire(fewer);
	pending_drain();
}
