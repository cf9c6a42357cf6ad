// SPDX-License-Identifier: GPL-2.0-only
/* The cost of the ULP while a connection lives: attaching, accepting, moving data. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "count.h"
#include "data.h"
#include "net.h"
#include "ulp.h"

#define DATA_ROUNDS	200
#define DATA_WARMUP	20
#define DATA_BATCH	20		/* operations between two readings */
#define DATA_BULK	(64 << 10)

enum { DATA_PLAIN, DATA_ATTACHED, DATA_KINDS };

struct data_link {
	int listener;
	int client;
	int server;
	struct sockaddr_in name;
};

static void data_listen(struct data_link *link, int kind)
{
	socklen_t size = sizeof(link->name);

	link->name = (struct sockaddr_in){ .sin_family = AF_INET };
	link->name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	link->listener = socket(AF_INET, SOCK_STREAM, 0);
	bench_must(bind(link->listener, (struct sockaddr *)&link->name, size), "bind");
	bench_must(getsockname(link->listener, (struct sockaddr *)&link->name, &size), "name");
	if (kind == DATA_ATTACHED)
		bench_must(ulp_attach(link->listener), "attach the listener");
	bench_must(listen(link->listener, 64), "listen");
}

static void data_connect(struct data_link *link)
{
	bench_must(connect(link->client, (struct sockaddr *)&link->name, sizeof(link->name)),
		   "connect");
}

static void data_accept(struct data_link *link)
{
	link->server = accept(link->listener, NULL, NULL);
	bench_must(link->server, "accept");
}

static void data_disconnect(struct data_link *link)
{
	net_linger(link->client, 1, 0);
	close(link->client);
	close(link->server);
}

static void data_ping(struct data_link *link)
{
	char byte = 0;

	bench_must(send(link->client, &byte, 1, 0), "send");
	bench_must(recv(link->server, &byte, 1, 0), "recv");
	bench_must(send(link->server, &byte, 1, 0), "send");
	bench_must(recv(link->client, &byte, 1, 0), "recv");
}

static void data_bulk(struct data_link *link)
{
	static char bytes[DATA_BULK];

	bench_must(send(link->client, bytes, sizeof(bytes), 0), "send");
	bench_must(recv(link->server, bytes, sizeof(bytes), MSG_WAITALL), "recv");
}

static double data_batch(struct data_link *link, void (*move)(struct data_link *link))
{
	uint64_t start = count_now();

	for (unsigned int i = 0; i < DATA_BATCH; i++)
		move(link);
	return (double)(count_now() - start) / DATA_BATCH;
}

static void data_row(const char *key, const char *what, struct count_series *series)
{
	bench_row(&(struct bench_row){
		.key = key,
		.what = what,
		.unit = "instructions",
		.value = count_median(&series[DATA_ATTACHED]),
		.against = "not attached",
		.base = count_median(&series[DATA_PLAIN]),
		.limit = 1.005,
	});
}

static void data_path(struct data_link *links, void (*move)(struct data_link *link),
		      const char *key, const char *what)
{
	struct count_series series[DATA_KINDS] = { 0 };

	for (unsigned int i = 0; i < DATA_ROUNDS + DATA_WARMUP; i++)
		for (int kind = 0; kind < DATA_KINDS; kind++) {
			double count = data_batch(&links[kind], move);

			if (i >= DATA_WARMUP)
				count_add(&series[kind], count);
		}
	data_row(key, what, series);
}

void bench_data(void)
{
	struct data_link links[DATA_KINDS];

	net_enter();
	for (int kind = 0; kind < DATA_KINDS; kind++) {
		struct data_link *link = &links[kind];

		data_listen(link, kind);
		link->client = socket(AF_INET, SOCK_STREAM, 0);
		if (kind == DATA_ATTACHED)
			bench_must(ulp_attach(link->client), "attach");
		data_connect(link);
		data_accept(link);
	}
	data_path(links, data_ping, "data.ping", "1 byte there and back, both ends attached");
	data_path(links, data_bulk, "data.bulk", "64 KiB sent and received, both ends attached");
}

/* Measure accept() from an attached listener, and attaching. */
void bench_accept(void)
{
	struct count_series accepted[DATA_KINDS] = { 0 }, made = { 0 }, attached = { 0 };
	struct data_link links[DATA_KINDS];

	net_enter();
	for (int kind = 0; kind < DATA_KINDS; kind++)
		data_listen(&links[kind], kind);
	for (unsigned int i = 0; i < DATA_ROUNDS + DATA_WARMUP; i++)
		for (int kind = 0; kind < DATA_KINDS; kind++) {
			struct data_link *link = &links[kind];
			uint64_t start = count_now(), count;

			link->client = socket(AF_INET, SOCK_STREAM, 0);
			data_connect(link);
			count = count_now() - start;
			data_accept(link);
			if (i >= DATA_WARMUP) {
				count_add(&accepted[kind], count_now() - start);
				count_add(&made, count);
			}
			if (kind == DATA_PLAIN) {
				start = count_now();
				bench_must(ulp_attach(link->client), "attach");
				if (i >= DATA_WARMUP)
					count_add(&attached, count_now() - start);
			}
			data_disconnect(link);
		}
	data_row("data.accept", "socket(), connect() and accept(), listener attached", accepted);
	bench_row(&(struct bench_row){
		.key = "attach",
		.what = "attaching",
		.unit = "instructions",
		.value = count_median(&attached),
		.against = "socket() and connect()",
		.base = count_median(&made),
		.limit = 0.05,
	});
}
