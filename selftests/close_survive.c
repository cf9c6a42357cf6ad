// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pending closes and their surroundings: neither deadline nor outcome depends on path, owner, clock
 * or namespace.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "pending.h"

TEST_F(closing, the_owner_may_die)
{
	for (int detach = 0; detach < 2; detach++) {
		pid_t child;

		net_stuff(self->pair.client);
		child = fork();
		ASSERT_GE(child, 0);
		if (!child) {
			pending_begin(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD |
			      (detach ? WINSOCK_CLOSE_DETACH : 0), SECOND_NS, &self->call);
			raise(SIGKILL);
		}
		close(self->pair.client);
		waitpid(child, NULL, 0);
		net_sleep(300);
		EXPECT_EQ(detach ? TCP_ESTABLISHED : 0, LEFT());
		EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0,
					   2000));
		EXPECT_EQ(0, FINS());
		EXPECT_EQ(1, RSTS());
		close(self->pair.server);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

/* claims: B5 */
TEST_F(closing, tcps_own_timeout_may_come_first)
{
	struct winsock_record record;
	int ms = 700;

	ASSERT_EQ(0, setsockopt(self->pair.client, SOL_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)));
	net_pair_into(&self->pair, TCP_ESTABLISHED, true);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 100 * SECOND_NS);
	ASSERT_TRUE(pending_is_final(self->call.op_fd, 20000));
	ASSERT_EQ(sizeof(record), read(self->call.op_fd, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_PEER, record.outcome);
	EXPECT_EQ(ETIMEDOUT, record.error);
	EXPECT_EQ(7, record.unacked);
	EXPECT_EQ(0, LEFT());
	close(self->call.op_fd);
}

static int survive_set_lo(bool up)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = up ? IFF_UP | IFF_RUNNING : 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int result = ioctl(fd, SIOCSIFFLAGS, &request);

	close(fd);
	return result;
}

/* claims: B3 */
TEST_F(closing, with_the_interface_down_the_deadline_holds)
{
	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS);
	ASSERT_EQ(0, survive_set_lo(false));
	EXPECT_FALSE(pending_is_final(self->call.op_fd, 500));
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 2000));
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(0, LEFT());
	ASSERT_EQ(0, survive_set_lo(true));
	close(self->call.op_fd);
}

/* claims: B2 */
TEST_F(closing, down_and_up_again_it_drains)
{
	size_t queued = net_stuff(self->pair.client);
	pid_t reader;
	int error;

	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	ASSERT_EQ(0, survive_set_lo(false));
	reader = net_drain_later(&self->pair, 0);
	net_sleep(1000);
	ASSERT_EQ(0, survive_set_lo(true));
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 50000));
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued, net_drain_result(reader, &error));
	EXPECT_EQ(0, error);
	close(self->call.op_fd);
}

TEST_F(closing, pending_it_holds_module_and_namespace)
{
	int before;
	pid_t child;

	close(self->dev);
	before = dev_references(0);
	ASSERT_EQ(0, before);
	self->dev = dev_open();
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		/* A network namespace in which no process is left. */
		struct net_pair pair;

		net_enter();
		net_pair_open(&pair, variant->family, variant->accepted);
		net_pair_into(&pair, TCP_ESTABLISHED, true);
		_exit(pending_begin(self->dev, pair.client, WINSOCK_CLOSE_DROP_FD |
			    WINSOCK_CLOSE_DETACH, SECOND_NS, &self->call));
	}
	waitpid(child, NULL, 0);
	close(self->dev);
	EXPECT_EQ(1, dev_references(1));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "winsock", O_NONBLOCK));
	EXPECT_EQ(dev_references(-1) < 0 ? ENOENT : EWOULDBLOCK, errno);
	net_sleep(1500);
	EXPECT_EQ(0, dev_references(0));
	self->dev = dev_open();
}

static uint16_t survive_checksum(const void *data, size_t size)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

static bool survive_icmp4(const struct net_pair *pair, uint32_t seq)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		uint16_t from, to;
		uint32_t seq;
	} __attribute__((packed, aligned(4))) error = {
		.icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_HOST_UNREACH },
		.ip = {
			.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
			.tot_len = htons(47),
			.saddr = htonl(INADDR_LOOPBACK), .daddr = htonl(INADDR_LOOPBACK),
		},
		.from = htons(pair->client_port), .to = htons(pair->server_port),
		.seq = htonl(seq),
	};
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	ssize_t sent;

	error.icmp.checksum = survive_checksum(&error, sizeof(error));
	sent = sendto(fd, &error, sizeof(error), 0, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	return sent == sizeof(error);
}

static bool survive_icmp6(const struct net_pair *pair, uint32_t seq)
{
	struct {
		struct icmp6_hdr icmp;
		struct ip6_hdr ip;
		uint16_t from, to;
		uint32_t seq;
		uint8_t rest[12];
	} __attribute__((packed, aligned(4))) error = {
		.icmp = { .icmp6_type = ICMP6_DST_UNREACH, .icmp6_code = ICMP6_DST_UNREACH_ADDR },
		.ip = {
			.ip6_vfc = 6 << 4, .ip6_hlim = 64, .ip6_nxt = IPPROTO_TCP,
			.ip6_plen = htons(27),
			.ip6_src = IN6ADDR_LOOPBACK_INIT, .ip6_dst = IN6ADDR_LOOPBACK_INIT,
		},
		.from = htons(pair->client_port), .to = htons(pair->server_port),
		.seq = htonl(seq),
	};
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	ssize_t sent = sendto(fd, &error, sizeof(error), 0, (struct sockaddr *)&to, sizeof(to));

	close(fd);
	return sent == sizeof(error);
}

/* Send ICMP unreachable for the client's segments in flight, as a router does. */
static bool survive_icmp(struct wire *wire, const struct net_pair *pair,
			 enum net_family family)
{
	uint32_t seq = 0;

	wire_collect(wire);
	for (size_t i = 0; i < wire->count; i++)
		if (wire->segments[i].from == pair->client_port && wire->segments[i].payload)
			seq = wire->segments[i].seq;
	return family == NET_V6 ? survive_icmp6(pair, seq) : survive_icmp4(pair, seq);
}

/* claims: B2 */
TEST_F(closing, icmp_errors_do_not_end_it)
{
	int on = 1, error = 0;

	for (int report = 0; report < 2; report++) {
		socklen_t size = sizeof(error);

		net_pair_into(&self->pair, TCP_ESTABLISHED, true);
		if (report)
			ASSERT_EQ(0, variant->family == NET_V6 ?
				  setsockopt(self->pair.client, SOL_IPV6, IPV6_RECVERR, &on, 4) :
				  setsockopt(self->pair.client, SOL_IP, IP_RECVERR, &on, 4));
		BEGIN(0, 20 * SECOND_NS);
		ASSERT_TRUE(survive_icmp(&self->wire, &self->pair, variant->family));
		EXPECT_FALSE(pending_is_final(self->call.op_fd, 100));
		/* The error has arrived. */
		ASSERT_EQ(0, getsockopt(self->pair.client, SOL_SOCKET, SO_ERROR, &error, &size));
		EXPECT_EQ(EHOSTUNREACH, error);
		net_unmute(self->pair.server);
		EXPECT_TRUE(pending_is_final(self->call.op_fd, 10000));
		EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_GRACEFUL);
		EXPECT_EQ(1, FINS());
		EXPECT_EQ(0, RSTS());
		close(self->call.op_fd);
		net_pair_close(&self->pair);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

/* claims: B3 */
TEST_F(closing, keepalive_does_not_end_it)
{
	int one = 1;

	ASSERT_EQ(0, setsockopt(self->pair.client, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)));
	ASSERT_EQ(0, setsockopt(self->pair.client, SOL_TCP, TCP_KEEPIDLE, &one, sizeof(one)));
	ASSERT_EQ(0, setsockopt(self->pair.client, SOL_TCP, TCP_KEEPINTVL, &one, sizeof(one)));
	ASSERT_EQ(0, setsockopt(self->pair.client, SOL_TCP, TCP_KEEPCNT, &one, sizeof(one)));
	net_pair_into(&self->pair, TCP_ESTABLISHED, true);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 5 * SECOND_NS);
	EXPECT_FALSE(pending_is_final(self->call.op_fd, 4500));
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 2000));
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
	close(self->call.op_fd);
}

/* claims: B3 */
TEST_F(closing, a_stopped_owner_does_not_hold_the_deadline_up)
{
	int status;
	pid_t child;

	net_stuff(self->pair.client);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		pending_begin(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD, SECOND_NS,
			      &self->call);
		raise(SIGSTOP);
		_exit(pending_is_final(self->call.op_fd, 1000) ? 0 : 1);
	}
	close(self->pair.client);
	ASSERT_EQ(child, waitpid(child, NULL, WUNTRACED));
	net_sleep(500);
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 1000));
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
	/* The process reads the outcome. */
	kill(child, SIGCONT);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

#define GROUP	"/tmp/cgroup/opener"

static int survive_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	return file && fputs(text, file) >= 0 ? fclose(file) : -1;
}

/* Enter a new memory cgroup. */
static bool survive_enter(void)
{
	mkdir("/tmp/cgroup", 0755);
	return !mount("none", "/tmp/cgroup", "cgroup2", 0, NULL) &&
	       !survive_write("/tmp/cgroup/cgroup.subtree_control", "+memory") &&
	       !mkdir(GROUP, 0755) && !survive_write(GROUP "/cgroup.procs", "0");
}

static bool survive_leave(void)
{
	return !survive_write("/tmp/cgroup/cgroup.procs", "0") && !rmdir(GROUP) &&
	       !umount("/tmp/cgroup");
}

/* Returns a number of the cgroup's memory.stat, or -1. */
static long survive_memory(const char *name)
{
	char key[32];
	long value, result = -1;
	FILE *file = fopen(GROUP "/memory.stat", "r");

	while (file && fscanf(file, "%31s %ld", key, &value) == 2)
		if (!strcmp(key, name))
			result = value;
	if (file)
		fclose(file);
	return result;
}

/* The memory of an op is charged to the cgroup of the process that began it. */
TEST_F_TIMEOUT(closing, memory_is_charged_to_the_opener, 150)
{
	enum { COUNT = 2000 };
	static struct net_pair pairs[COUNT];
	static int ops[COUNT];
	long before, after;

	if (variant->family != NET_V4 || variant->accepted)
		return;
	net_pairs_vanished(pairs, COUNT);
	ASSERT_TRUE(survive_enter());
	before = survive_memory("slab");
	ASSERT_GE(before, 0);
	for (int i = 0; i < COUNT; i++) {
		ASSERT_EQ(0, pending_begin(self->dev, pairs[i].client, 0, 100 * SECOND_NS,
					   &self->call));
		ops[i] = self->call.op_fd;
	}
	/* The kernel updates the statistics now and then, at the latest after 2 s. */
	net_sleep(3000);
	after = survive_memory("slab");
	TH_LOG("%ld B of slab for each op and its file", (after - before) / COUNT);
	EXPECT_GE((after - before) / COUNT, 600);
	for (int i = 0; i < COUNT; i++) {
		close(ops[i]);
		net_pair_close(&pairs[i]);
	}
	ASSERT_TRUE(survive_leave());
}

/* So is its place in the list: a user that ends all but every 64th keeps a node for each. */
TEST_F_TIMEOUT(closing, the_list_is_charged_to_the_opener, 150)
{
	enum { COUNT = 300, NODE = 64 };
	static struct net_pair pairs[COUNT];
	static int ops[COUNT];
	long before, after;

	if (variant->family != NET_V4 || variant->accepted)
		return;
	net_pairs_vanished(pairs, COUNT);
	ASSERT_TRUE(survive_enter());
	before = survive_memory("slab_reclaimable");
	ASSERT_GE(before, 0);
	for (int i = 0; i < COUNT; i++) {
		for (int number = 0; number < NODE; number++) {
			ASSERT_EQ(0, pending_begin(self->dev, pairs[i].client, 0,
						   100 * SECOND_NS, &self->call));
			ops[i] = self->call.op_fd;
			if (number == NODE - 1)
				break;
			ASSERT_EQ(0, ioctl(ops[i], WINSOCK_IOC_OP_CANCEL));
			close(ops[i]);
		}
	}
	net_sleep(3000);
	after = survive_memory("slab_reclaimable");
	TH_LOG("%ld B of slab for each place", (after - before) / COUNT);
	/* The node's slots, and at least eight words more. */
	EXPECT_GE((after - before) / COUNT, (NODE + 8) * (long)sizeof(void *));
	for (int i = 0; i < COUNT; i++) {
		close(ops[i]);
		net_pair_close(&pairs[i]);
	}
	ASSERT_TRUE(survive_leave());
}

TEST_HARNESS_MAIN
