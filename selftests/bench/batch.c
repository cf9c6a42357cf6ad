// SPDX-License-Identifier: GPL-2.0-only
/* Many connections that are closed together. See batch.h. */
#include <arpa/inet.h>
#include <glob.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "batch.h"
#include "bench.h"
#include "count.h"
#include "dev.h"
#include "net.h"

#define BATCH_SOURCES	64		/* addresses, for enough local ports */
#define BATCH_RCVBUF	4096		/* of peers that read late */
#define BATCH_BYTES	8192		/* sent to these */

int *batch_clients;

static int batch_count, batch_dev;
static int batch_listener;	/* of peers that have vanished, else -1 */
static int *batch_servers;

void batch_enter(void)
{
	bench_setting("/proc/sys/fs/file-max", "4000000");
	bench_setting("/proc/sys/fs/nr_open", "4000000");
	/* These apply to all namespaces, and exist in the first one only. */
	bench_setting("/proc/sys/net/ipv4/tcp_mem", "4000000 6000000 8000000");
	bench_setting("/proc/sys/net/ipv4/tcp_max_orphans", "4000000");
	bench_setting("/sys/module/winsock/parameters/orphans_max", "4000000");
	net_enter();
	bench_setting("/proc/sys/net/core/somaxconn", "4000000");
	bench_setting("/proc/sys/net/winsock/ops_max", "4000000");
	bench_setting("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
	/*
	 * Retransmissions must not be measured; segments have a common size, so that small windows
	 * move. By path: busybox has an ip of its own.
	 */
	bench_must(-system("/bin/ip link set lo mtu 1500 && for to in 127.0.0.0/8 127.0.0.1; do "
			   "/bin/ip route change local $to dev lo table local proto kernel "
			   "scope host src 127.0.0.1 rto_min 100s; done"), "ip");
	batch_dev = dev_open();
	bench_must(batch_dev, WINSOCK_DEVICE);
}

void batch_size(int count)
{
	struct rlimit limit = { 2 * count + 100, 2 * count + 100 };

	bench_must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	batch_count = count;
	batch_clients = realloc(batch_clients, count * sizeof(int));
	batch_servers = realloc(batch_servers, count * sizeof(int));
}

/*
 * A peer that has vanished is never accepted, and inherits this filter of the listener: it passes
 * the handshake, but no payload, FIN or RST.
 */
static void batch_mute(int listener)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_FIN | TH_RST, 6, 0),
		/* Is the segment longer than its header? */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, -1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	bench_must(setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)),
		   "SO_ATTACH_FILTER");
}

static int batch_listen(struct sockaddr_in *name, enum batch_peer peer)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), room = BATCH_RCVBUF;
	socklen_t size = sizeof(*name);

	*name = (struct sockaddr_in){ .sin_family = AF_INET };
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (peer == BATCH_LATE)
		setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	else
		batch_mute(listener);
	bench_must(bind(listener, (struct sockaddr *)name, size), "bind");
	bench_must(listen(listener, batch_count), "listen");
	bench_must(getsockname(listener, (struct sockaddr *)name, &size), "getsockname");
	return listener;
}

static int batch_connect(const struct sockaddr_in *name, int i)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	bench_must(fd, "socket");
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + i % BATCH_SOURCES);
	setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	bench_must(bind(fd, (struct sockaddr *)&from, sizeof(from)), "bind source");
	bench_must(connect(fd, (const struct sockaddr *)name, sizeof(*name)), "connect");
	return fd;
}

void batch_open(enum batch_peer peer)
{
	static char bytes[BATCH_BYTES];
	struct sockaddr_in name;

	batch_listener = batch_listen(&name, peer);
	for (int i = 0; i < batch_count; i++) {
		batch_clients[i] = batch_connect(&name, i);
		if (peer == BATCH_LATE) {
			batch_servers[i] = accept(batch_listener, NULL, NULL);
			bench_must(batch_servers[i], "accept");
		}
	}
	if (peer == BATCH_LATE) {
		close(batch_listener);
		batch_listener = -1;
	}
	/* Close these last: TCP sends unacknowledged data again after 100 s. */
	for (int i = 0; i < batch_count; i++)
		bench_must(send(batch_clients[i], bytes, peer == BATCH_LATE ? BATCH_BYTES : 7, 0),
			   "send");
}

void batch_end(void)
{
	if (batch_listener >= 0) {
		close(batch_listener);
		return;
	}
	for (int i = 0; i < batch_count; i++) {
		net_linger(batch_servers[i], 1, 0);
		close(batch_servers[i]);
	}
}

double batch_close(int seconds)
{
	uint64_t start;

	for (int i = 0; i < batch_count; i++)
		net_linger(batch_clients[i], seconds >= 0, seconds > 0 ? seconds : 0);
	start = count_now();
	for (int i = 0; i < batch_count; i++)
		close(batch_clients[i]);
	return count_now() - start;
}

double batch_begin(unsigned int flags, double deadline)
{
	uint64_t start = count_now();

	for (int i = 0; i < batch_count; i++) {
		struct winsock_close call;

		bench_must(dev_close(batch_dev, batch_clients[i],
				     WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DROP_FD | flags,
				     (deadline - net_now()) * 1e9, &call), "close");
		bench_must(call.op_fd, "not pending");
	}
	return count_now() - start;
}

void batch_await(uint32_t outcome)
{
	for (int i = 0; i < batch_count; i++) {
		struct winsock_record record = { 0 };

		bench_must(read(batch_clients[i], &record, sizeof(record)) == sizeof(record) ?
			   0 : -1, "record");
		bench_must(record.outcome == outcome ? 0 : -1, "another outcome");
	}
}

void batch_forget(void)
{
	for (int i = 0; i < batch_count; i++)
		close(batch_clients[i]);
}

void batch_read(void)
{
	static char bytes[BATCH_BYTES];

	for (int i = 0; i < batch_count; i++)
		bench_must(recv(batch_servers[i], bytes, sizeof(bytes), MSG_WAITALL) ==
			   BATCH_BYTES ? 0 : -1, "recv");
}

double batch_slab(void)
{
	glob_t caches;

	bench_must(-glob("/sys/kernel/slab/*/shrink", 0, NULL, &caches), "slab caches");
	for (size_t i = 0; i < caches.gl_pathc; i++)
		bench_setting(caches.gl_pathv[i], "1");
	globfree(&caches);
	return bench_memory("SUnreclaim");
}
