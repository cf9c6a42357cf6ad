// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many lingering closes pending in one process: what each costs to begin and to hold,
 * and how long it takes until all have expired, beside as many {1,0} closes.
 *
 *   pending [COUNT]		without it 1, 1,000 and 100,000
 *
 * Under -icount the times are instructions at 1 GHz and repeat; elsewhere only the
 * ratios mean something.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "net.h"

#define PENDING_SOURCES	8	/* addresses, for enough local ports */

static int *clients, *servers, *ops;

static void knob(const char *path, const char *value)
{
	FILE *file = fopen(path, "w");

	if (file) {
		fputs(value, file);
		fclose(file);
	}
}

/* Unreclaimable kernel memory, bytes. */
static double slab(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	double kilobytes = 0;

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "SUnreclaim: %lf", &kilobytes) == 1)
			break;
	fclose(file);
	return kilobytes * 1024;
}

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

/* COUNT connections with unacknowledged payload and peers that have vanished. */
static void connect_all(int count)
{
	struct sockaddr_in name = { .sin_family = AF_INET }, from = name;
	socklen_t size = sizeof(name);
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(bind(listener, (struct sockaddr *)&name, sizeof(name)), "bind");
	must(listen(listener, 1024), "listen");
	must(getsockname(listener, (struct sockaddr *)&name, &size), "getsockname");
	for (int i = 0; i < count; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		must(clients[i], "socket");
		from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + i % PENDING_SOURCES);
		setsockopt(clients[i], SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		must(bind(clients[i], (struct sockaddr *)&from, sizeof(from)), "bind source");
		must(connect(clients[i], (struct sockaddr *)&name, sizeof(name)), "connect");
		servers[i] = accept(listener, NULL, NULL);
		must(servers[i], "accept");
		net_mute(servers[i]);
		must(send(clients[i], "payload", 7, 0), "send");
	}
	close(listener);
}

static void disconnect_all(int count)
{
	for (int i = 0; i < count; i++)
		close(servers[i]);
}

static double close_hard(int count)
{
	double start;

	for (int i = 0; i < count; i++)
		net_linger(clients[i], 1, 0);
	start = net_now();
	for (int i = 0; i < count; i++)
		close(clients[i]);
	return net_now() - start;
}

/* All deadlines in one moment; the time from it to the last record. */
static double close_async(int dev, int count, double *begin, double *memory)
{
	double deadline = net_now() + 1 + count * 60e-6, before = slab(), start = net_now();
	unsigned int wrong = 0;

	for (int i = 0; i < count; i++) {
		struct winsock_close call;

		must(dev_close(dev, clients[i], WINSOCK_MODE_BLOCKING, WINSOCK_CLOSE_ASYNC |
			       WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DROP_FD,
			       (deadline - net_now()) * 1e9, &call), "close");
		ops[i] = call.op_fd;
		wrong += call.result != WINSOCK_RESULT_PENDING;
	}
	*begin = (net_now() - start) / count;
	*memory = (slab() - before) / count;
	for (int i = 0; i < count; i++) {
		struct winsock_record record = { 0 };

		if (read(ops[i], &record, sizeof(record)) != sizeof(record) ||
		    record.outcome != WINSOCK_OUTCOME_DEADLINE)
			wrong++;
	}
	deadline = net_now() - deadline;
	for (int i = 0; i < count; i++)
		close(ops[i]);
	if (wrong) {
		printf("%u closes did not end at the deadline\n", wrong);
		exit(1);
	}
	return deadline;
}

static void run(int count)
{
	struct rlimit limit = { 3 * count + 100, 3 * count + 100 };
	double hard, expiry, begin, memory;
	int dev = dev_open();

	must(dev, WINSOCK_DEVICE);
	knob("/proc/sys/fs/file-max", "2000000");
	must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	net_enter();
	knob("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
	knob("/proc/sys/net/ipv4/tcp_mem", "1000000 1500000 2000000");
	clients = calloc(count, sizeof(int));
	servers = calloc(count, sizeof(int));
	ops = calloc(count, sizeof(int));

	connect_all(count);
	hard = close_hard(count);
	disconnect_all(count);
	connect_all(count);
	expiry = close_async(dev, count, &begin, &memory);
	disconnect_all(count);
	printf("%7d pending: begin %6.2f us each, %4.0f bytes each with its file; all expired "
	       "%.3f s after the deadline, %d {1,0} closes take %.3f s: ratio %.2f\n",
	       count, begin * 1e6, memory, expiry, count, hard, expiry / hard);
}

int main(int argc, char **argv)
{
	static const int counts[] = { 1, 1000, 100000 };
	int status;

	if (argc > 1) {
		run(atoi(argv[1]));
		return 0;
	}
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		fflush(stdout);
		if (!fork()) {
			run(counts[i]);
			exit(0);
		}
		if (wait(&status) < 0 || status)
			return 1;
	}
	return 0;
}
