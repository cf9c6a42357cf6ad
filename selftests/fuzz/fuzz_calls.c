// SPDX-License-Identifier: GPL-2.0-only
/*
 * A coverage-guided fuzzer of the ioctls, the socket options and sequences of socket
 * calls. A string of bytes is a sequence of calls; strings that reach code of the
 * module that none has reached before (KCOV) are kept and varied. It finds reports of
 * the kernel, above all of KASAN and lockdep, and calls that change the descriptor
 * table or the module's references.
 *
 * fuzz_calls [SECONDS [SEED]]; the sequences to begin with are in corpus.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/kcov.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "ends.h"
#include "net.h"
#include "ulp.h"

#include "corpus.h"

#define COVER		(64 << 10)	/* PCs of one sequence */
#define LENGTH		64		/* bytes of one sequence */
#define KEPT		512
#define SEEN		(1U << 16)	/* hash table of PCs */
#define SLOTS		3

struct slot {
	int client;
	int copy;
	int server;
	int op;
	bool dropped;	/* the op has the client's number */
};

struct fuzz {
	int dev;
	struct slot slots[SLOTS];
	const unsigned char *next;
	const unsigned char *end;
};

static unsigned char fuzz_byte(struct fuzz *fuzz)
{
	return fuzz->next < fuzz->end ? *fuzz->next++ : 0;
}

static void fuzz_drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Like the library's, but may fail without ending the program. */
static void fuzz_linger(int fd, int on, int seconds)
{
	struct linger linger = { on, seconds };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* Mute the peer, so that data stays unacknowledged, or unmute it. */
static void fuzz_deafen(int fd, bool deaf)
{
	struct sock_filter drop = { 0x06, 0, 0, 0 };	/* return 0 */
	struct sock_fprog program = { 1, &drop };

	setsockopt(fd, SOL_SOCKET, deaf ? SO_ATTACH_FILTER : SO_DETACH_FILTER, &program,
		   sizeof(program));
}

/* Open connections of other families than TCP's. */
static void fuzz_open_other(struct slot *slot, unsigned char how)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
	struct ends ends;

	ends_pair(&ends, AF_UNIX, types[how % 3]);
	slot->client = ends.near;
	slot->server = ends.far;
}

static void fuzz_open(struct slot *slot, unsigned char how)
{
	struct net_pair pair;

	fuzz_drop(&slot->client);
	fuzz_drop(&slot->server);
	if (how & 8) {
		fuzz_open_other(slot, how >> 4);
		return;
	}
	net_pair_open(&pair, how % 3, how & 4);
	slot->client = pair.client;
	slot->server = pair.server;
}

static void fuzz_close(struct fuzz *fuzz, struct slot *slot)
{
	static const unsigned long long times[] = { 0, 1, 1000000, 20000000, 1000000000,
						    1ULL << 62, -1ULL, 2147483648000000000ULL };
	unsigned char what = fuzz_byte(fuzz), flags = fuzz_byte(fuzz), time = fuzz_byte(fuzz);
	struct {
		struct winsock_close call;
		unsigned long long more[4];
	} room = {
		.call = {
			.fd = slot->client, .flags = flags,
			.timeout_ns = times[time % 8], .tag = time,
		},
		.more[2] = !(what & 12),
	};
	/*
	 * The size is from 16 bytes below the structure's to 32 above, the last 16 of which may be
	 * zero.
	 */
	size_t size = sizeof(room.call) + (what >> 4) % 7 * 8 - 16;

	if (!(what >> 4))
		size = sizeof(room.call);
	/* Without TIMEOUT the close decides by SO_LINGER, which is short here. */
	if (!(flags & WINSOCK_CLOSE_TIMEOUT) && what & 4)
		room.call.timeout_ns = 0;
	if (what & 1)
		room.call.cookie = dev_cookie(slot->client) + (what >> 1 & 1);
	if (ioctl(fuzz->dev, _IOC(_IOC_READ | _IOC_WRITE, WINSOCK_IOC_MAGIC, 2, size),
		  &room.call))
		return;
	if (room.call.op_fd >= 0) {
		fuzz_drop(&slot->op);
		slot->op = room.call.op_fd;
		slot->dropped = flags & WINSOCK_CLOSE_DROP_FD;
	}
	if (flags & WINSOCK_CLOSE_DROP_FD)
		slot->client = -1;
}

static void fuzz_cancel(struct slot *slot)
{
	if (ioctl(slot->op, WINSOCK_IOC_OP_CANCEL) || !slot->dropped)
		return;
	/* The cancel has put the socket back. */
	fuzz_drop(&slot->client);
	slot->client = slot->op;
	slot->op = -1;
}

static void fuzz_garbage(struct fuzz *fuzz, int fd)
{
	unsigned char number = fuzz_byte(fuzz), size = fuzz_byte(fuzz), where = fuzz_byte(fuzz);
	static char memory[260];
	void *pointers[] = { NULL, memory, (void *)8, (void *)-1, memory + 1 };

	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = where * i;
	/* The first field must not be a valid descriptor by accident. */
	memset(memory, 0xff, 4);
	ioctl(fd, _IOC(size >> 6, WINSOCK_IOC_MAGIC, number % 24, (size & 63) * 4),
	      pointers[where % 5]);
}

static void fuzz_option(struct fuzz *fuzz, int fd, bool set)
{
	unsigned char name = fuzz_byte(fuzz), size = fuzz_byte(fuzz), value = fuzz_byte(fuzz);
	int words[16] = { (signed char)value, value };
	socklen_t length = size % 80;

	/* Keep the linger below some seconds. */
	if (name % 6 == WINSOCK_SO_LINGER)
		words[0] = (value & 1) | (value & 2) << 15;
	if (set)
		setsockopt(fd, SOL_WINSOCK, name % 6, value == 9 ? NULL : words,
			   length > sizeof(words) ? sizeof(words) : length);
	else
		getsockopt(fd, SOL_WINSOCK, name % 6, value == 9 ? NULL : words, &length);
}

static void fuzz_step(struct fuzz *fuzz)
{
	unsigned char what = fuzz_byte(fuzz), how = fuzz_byte(fuzz);
	struct slot *slot = &fuzz->slots[how % SLOTS];
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct winsock_query query;
	char record[96] = "";

	how /= SLOTS;
	switch (what % 24) {
	case 0:
		fuzz_open(slot, how);
		break;
	case 1:
		ulp_attach(how & 1 ? slot->server : slot->client);
		break;
	case 2:
		fuzz_linger(slot->client, how & 1, how >> 1 & 1);
		break;
	case 3:
		fuzz_option(fuzz, slot->client, true);
		break;
	case 4:
		fuzz_option(fuzz, slot->client, false);
		break;
	case 5:
		fcntl(slot->client, F_SETFL, how & 1 ? O_NONBLOCK : 0);
		break;
	case 6:
		send(slot->client, record, how % sizeof(record), MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 7:
		fuzz_deafen(slot->server, true);
		send(slot->client, record, sizeof(record), MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 8:
		fuzz_deafen(slot->server, false);
		while (recv(slot->server, record, sizeof(record), MSG_DONTWAIT) > 0)
			;
		break;
	case 9:
		fuzz_linger(slot->server, how & 1, 0);
		fuzz_drop(&slot->server);
		break;
	case 10:
		fuzz_drop(&slot->copy);
		slot->copy = dup(slot->client);
		break;
	case 11:
		fuzz_drop(how & 1 ? &slot->copy : &slot->client);
		break;
	case 12:
	case 13:
		fuzz_close(fuzz, slot);
		break;
	case 14:
		dev_query(fuzz->dev, slot->client, &query);
		break;
	case 15:
		dev_abort(fuzz->dev, how & 1 ? slot->server : slot->client);
		break;
	case 16:
		fuzz_cancel(slot);
		break;
	case 17:
		ioctl(slot->op, WINSOCK_IOC_OP_ABORT);
		break;
	case 18:
		if (!fcntl(slot->op, F_SETFL, O_NONBLOCK) &&
		    read(slot->op, record, how) > (ssize_t)sizeof(struct winsock_record))
			abort();
		break;
	case 19:
		fuzz_drop(&slot->op);
		break;
	case 20:
		shutdown(how & 4 ? slot->server : slot->client, how % 3);
		break;
	case 21:
		net_sleep(how % 32);
		break;
	case 22:
		fuzz_garbage(fuzz, how & 1 && slot->op >= 0 ? slot->op : fuzz->dev);
		break;
	case 23:
		connect(slot->client, &none, sizeof(none));
		if (how & 1)
			listen(slot->client, 1);
		break;
	}
}

/* Run a sequence, and release everything. */
static void fuzz_run(int dev, const unsigned char *bytes, size_t length)
{
	struct fuzz fuzz = { .dev = dev, .next = bytes, .end = bytes + length };
	struct slot *slot;

	for (slot = fuzz.slots; slot < fuzz.slots + SLOTS; slot++)
		*slot = (struct slot){ -1, -1, -1, -1, false };
	fuzz_open(&fuzz.slots[0], 0);
	while (fuzz.next < fuzz.end)
		fuzz_step(&fuzz);
	for (slot = fuzz.slots; slot < fuzz.slots + SLOTS; slot++) {
		fuzz_drop(&slot->op);
		fuzz_drop(&slot->copy);
		fuzz_drop(&slot->client);
		fuzz_drop(&slot->server);
	}
}

static unsigned long seen[SEEN];
static unsigned int seen_count;

/* Returns how many of the PCs are new. */
static unsigned int fuzz_note(const unsigned long *cover)
{
	unsigned long count = __atomic_load_n(&cover[0], __ATOMIC_RELAXED);
	unsigned int fresh = 0;

	for (unsigned long i = 1; i <= count && i < COVER; i++) {
		unsigned int at = cover[i] * 2654435761UL % SEEN;

		while (seen[at] && seen[at] != cover[i])
			at = (at + 1) % SEEN;
		if (!seen[at] && seen_count < SEEN / 2) {
			seen[at] = cover[i];
			seen_count++;
			fresh++;
		}
	}
	return fresh;
}

struct sample {
	unsigned char bytes[LENGTH];
	size_t length;
};

static struct sample kept[KEPT];
static unsigned int kept_count;

static void fuzz_keep(const struct sample *sample)
{
	kept[kept_count < KEPT ? kept_count++ : rand() % KEPT] = *sample;
}

static struct sample fuzz_vary(void)
{
	struct sample sample = kept[rand() % kept_count];
	const struct sample *other = &kept[rand() % kept_count];
	size_t at;

	for (int i = 1 + rand() % 4; i; i--) {
		at = sample.length ? rand() % sample.length : 0;
		switch (rand() % 5) {
		case 0:
			sample.bytes[at] = rand();
			break;
		case 1:
			sample.bytes[at] ^= 1 << rand() % 8;
			break;
		case 2:
			if (sample.length < LENGTH)
				sample.bytes[sample.length++] = rand();
			break;
		case 3:
			if (sample.length > 2)
				sample.length -= 1 + rand() % 2;
			break;
		case 4:
			memcpy(sample.bytes + at, other->bytes, LENGTH - at);
			sample.length = at + other->length < LENGTH ? at + other->length : LENGTH;
			break;
		}
	}
	return sample;
}

/* TCP's own orphans hold the module, too: make TCP drop them soon. */
static void fuzz_hurry(const char *name)
{
	int fd = open(name, O_WRONLY);

	if (fd >= 0 && write(fd, "1", 1) == 1)
		close(fd);
}

static int fuzz_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

int main(int count, char **arguments)
{
	double end = net_now() + (count > 1 ? atoi(arguments[1]) : 100);
	unsigned int seed = count > 2 ? atoi(arguments[2]) : 1, runs = 0;
	int dev, kcov, before, after, references;
	unsigned long *cover;

	dev_require();
	kcov = open("/sys/kernel/debug/kcov", O_RDWR);
	if (kcov < 0 || ioctl(kcov, KCOV_INIT_TRACE, COVER)) {
		printf("ok 1 # SKIP no KCOV in this kernel\n");
		return 4;
	}
	cover = mmap(NULL, COVER * sizeof(*cover), PROT_READ | PROT_WRITE, MAP_SHARED, kcov, 0);
	net_enter();
	fuzz_hurry("/proc/sys/net/ipv4/tcp_orphan_retries");
	dev = dev_open();
	srand(seed);
	if (cover == MAP_FAILED || dev < 0 || ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC))
		return 1;

	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		struct sample sample = { .length = corpus[i].length };

		memcpy(sample.bytes, corpus[i].bytes, sample.length);
		fuzz_keep(&sample);
	}
	before = fuzz_descriptors();
	while (net_now() < end) {
		struct sample sample = runs < kept_count ? kept[runs] : fuzz_vary();

		__atomic_store_n(&cover[0], 0, __ATOMIC_RELAXED);
		fuzz_run(dev, sample.bytes, sample.length);
		runs++;
		if (fuzz_note(cover))
			fuzz_keep(&sample);
	}
	after = fuzz_descriptors();
	ioctl(kcov, KCOV_DISABLE, 0);
	close(dev);
	for (int ms = 0; ms < 100000 && dev_references(0) > 0; ms++)
		net_sleep(1);
	references = dev_references(0);
	printf("# seed %u: %u sequences, %u places of the module reached, %u sequences kept\n",
	       seed, runs, seen_count, kept_count);
	printf("%s 1 fuzz: descriptors are as before\n", before == after ? "ok" : "not ok");
	printf("%s 2 fuzz: nothing holds the module\n", references ? "not ok" : "ok");
	printf("%s 3 fuzz: it reached more than the corpus did\n",
	       kept_count > sizeof(corpus) / sizeof(corpus[0]) ? "ok" : "not ok");
	return before != after || references;
}
