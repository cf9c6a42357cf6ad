// SPDX-License-Identifier: GPL-2.0-only
/* An orphan ends by number, by memory, or without progress; and only then. */
#include "villain.h"

/* Orphans whose receive queues are more than the processors keep of the count. */
#define READERS		64

FIXTURE(limit) {
};

FIXTURE_SETUP(limit)
{
	ASSERT_TRUE(state_open());
}

FIXTURE_TEARDOWN(limit)
{
	EXPECT_EQ(0, write_to(LIMIT, state.limit));
}

TEST_F_TIMEOUT(limit, more_orphans_than_there_may_be_are_reset, 200)
{
	unsigned int resets = 0;

	ASSERT_EQ(0, write_to(LIMIT, "1"));
	ASSERT_TRUE(ended(START(lose_by_kill)));
	EXPECT_EQ(1, orphans_wait(1, 3));
	EXPECT_EQ(1, listed_wait(1, 3));
	EXPECT_STREQ("Forced 3 Begun 4 Orphans 1", mib_changes(&state.mib));
	/* The deaf peers have received the reset; the vanished ones receive nothing. */
	for (int i = 0; i < PAIRS; i += 2)
		resets += net_state(state.servers[i]) == TCP_CLOSE;
	EXPECT_GE(resets, 1);
	EXPECT_NOTHING();
}

/* A close that a descriptor names is no orphan, and is not counted. */
TEST_F_TIMEOUT(limit, a_close_with_its_descriptor_is_no_orphan, 200)
{
	struct winsock_close calls[PAIRS];
	struct net_pair pairs[PAIRS];
	int dev = dev_open();

	ASSERT_EQ(0, write_to(LIMIT, "0"));
	net_pairs_vanished(pairs, PAIRS);
	for (int i = 0; i < PAIRS; i++)
		ASSERT_EQ(0, pending_begin(dev, pairs[i].client, DETACHED, WINSOCK_TIMEOUT_MAX_NS,
					   &calls[i]));
	net_sleep(1000);
	EXPECT_EQ(0, orphans());
	EXPECT_EQ(PAIRS, listed());
	/* Without a descriptor the close would be over by now. */
	net_sleep(1000 * (NO_PROGRESS + 5));
	EXPECT_EQ(PAIRS, listed());
	for (int i = 0; i < PAIRS; i++) {
		EXPECT_FALSE(pending_is_final(calls[i].op_fd, 0));
		close(calls[i].op_fd);
		state.servers[i] = pairs[i].server;
	}
	EXPECT_EQ(0, orphans_wait(0, 3));
	close(dev);
	EXPECT_NOTHING();
}

/* tcp_mem is set in the first network namespace. */
static int tcp_mem(int space, const char *text)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(setns(space, CLONE_NEWNET) ||
		      write_to("/proc/sys/net/ipv4/tcp_mem", text));
	waitpid(child, &status, 0);
	return status;
}

static int tcp_mem_read(int space, char *text, size_t size)
{
	int ends[2], status;
	ssize_t got;
	pid_t child;

	if (pipe(ends))
		return -1;
	child = fork();
	if (!child) {
		int file = setns(space, CLONE_NEWNET) ? -1 :
			   open("/proc/sys/net/ipv4/tcp_mem", O_RDONLY);

		got = read(file, text, size);
		_exit(got <= 0 || write(ends[1], text, got) != got);
	}
	waitpid(child, &status, 0);
	got = status ? 0 : read(ends[0], text, size - 1);
	text[got > 0 ? got : 0] = 0;
	close(ends[0]);
	close(ends[1]);
	return status;
}

/* Each processor counts pages, and adds its count to the sum by the hundred. */
static void lose_with_much(struct villain *villain)
{
	int room = 4 << 20;

	for (int i = 0; i < PAIRS; i++) {
		setsockopt(villain->clients[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		net_stuff(villain->clients[i]);
	}
	lose_by_kill(villain);
}

TEST_F_TIMEOUT(limit, under_pressure_they_go_first, 200)
{
	char before[128];

	ASSERT_EQ(0, tcp_mem_read(state.first, before, sizeof(before)));
	ASSERT_TRUE(ended(START(lose_with_much)));
	EXPECT_EQ(PAIRS, orphans_wait(PAIRS, 3));
	net_sleep(1000);
	EXPECT_EQ(PAIRS, orphans());
	/* Make TCP's memory exceed its limit. */
	ASSERT_EQ(0, tcp_mem(state.first, "1 2 3"));
	EXPECT_EQ(0, orphans_wait(0, 3));
	ASSERT_EQ(0, tcp_mem(state.first, before));
	EXPECT_STREQ("Forced 4 Begun 4", mib_changes(&state.mib));
	EXPECT_NOTHING();
}

/* As TCP's own do not: no process receives from them. */
TEST_F_TIMEOUT(limit, what_they_have_received_counts, 200)
{
	static struct winsock_close calls[READERS];
	static struct net_pair pairs[READERS];
	int dev = dev_open(), room = 16384;
	char before[128];

	ASSERT_EQ(0, tcp_mem_read(state.first, before, sizeof(before)));
	for (int i = 0; i < READERS; i++) {
		net_pair_open(&pairs[i], NET_V4, false);
		setsockopt(pairs[i].server, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		ASSERT_GT(net_stuff(pairs[i].server), 20000);
		net_mute(pairs[i].server);
		ASSERT_EQ(7, send(pairs[i].client, "payload", 7, 0));
		ASSERT_EQ(0, pending_begin(dev, pairs[i].client, DETACHED, WINSOCK_TIMEOUT_MAX_NS,
					   &calls[i]));
		close(calls[i].op_fd);
	}
	EXPECT_EQ(READERS, orphans_wait(READERS, 3));
	ASSERT_EQ(0, tcp_mem(state.first, "1 2 3"));
	EXPECT_EQ(0, orphans_wait(0, 3));
	ASSERT_EQ(0, tcp_mem(state.first, before));
	for (int i = 0; i < READERS; i++)
		close(pairs[i].server);
	close(dev);
}

static void lose_without_detach(struct villain *villain)
{
	villain_begin(villain, WINSOCK_CLOSE_DROP_FD);
}

/* A shorter TCP_USER_TIMEOUT of the user's is kept. */
static void lose_with_a_timeout(struct villain *villain)
{
	int ms = 20000;

	for (int i = 0; i < PAIRS; i++)
		setsockopt(villain->clients[i], SOL_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	lose_by_kill(villain);
}

TEST_F_TIMEOUT(limit, a_shorter_timeout_of_the_users_is_kept, 200)
{
	double start = net_now();

	ASSERT_TRUE(ended(START(lose_with_a_timeout)));
	EXPECT_EQ(PAIRS, orphans_wait(PAIRS, 3));
	EXPECT_EQ(0, orphans_wait(0, 60));
	EXPECT_LT(net_now() - start, 60);
	EXPECT_NOTHING();
}

/* claims: B2 G4 */
TEST_F_TIMEOUT(limit, progress_keeps_one_alive, 250)
{
	int error, room = 30000;
	char block[65536];

	ASSERT_TRUE(ended(START(lose_with_much)));
	EXPECT_EQ(PAIRS, orphans_wait(PAIRS, 3));
	/*
	 * TCP's timer of a closed window goes on while the first segment in the queue exceeds the
	 * window that opens: receive buffer and window have to hold one.
	 */
	for (int j = 0; j < PAIRS; j += 2) {
		setsockopt(state.servers[j], SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
		setsockopt(state.servers[j], SOL_TCP, TCP_WINDOW_CLAMP, &room, sizeof(room));
	}
	/* The deaf peers read a little now and then, the vanished ones never. */
	for (int i = 0; i < 3; i++) {
		net_sleep(45000);
		for (int j = 0; j < PAIRS; j += 2)
			for (ssize_t got, sum = 0; sum < 20000; sum += got) {
				got = recv(state.servers[j], block, sizeof(block), 0);
				ASSERT_GT(got, 0);
			}
	}
	EXPECT_EQ(PAIRS / 2, orphans());
	for (int j = 0; j < PAIRS; j += 2) {
		net_drain(state.servers[j], &error);
		EXPECT_EQ(0, error);
	}
	EXPECT_EQ(0, orphans_wait(0, 3));
	EXPECT_STREQ("Graceful 2 Peer 2 Begun 4", mib_changes(&state.mib));
	EXPECT_NOTHING();
}

/* The socket's owner pays, once, and until the end. */
TEST_F_TIMEOUT(limit, the_user_pays_until_the_end, 100)
{
	int servers[PAIRS], dev;
	struct winsock_close call;
	struct net_pair pair;

	ASSERT_EQ(0, write_to("/proc/sys/net/winsock/ops_max", "4"));
	ASSERT_TRUE(ended(START(lose_by_kill)));
	memcpy(servers, state.servers, sizeof(servers));
	EXPECT_EQ(PAIRS, orphans_wait(PAIRS, 3));
	/* Another user can: here root. */
	dev = dev_open();
	net_pair_open(&pair, NET_V4, false);
	net_stuff(pair.client);
	EXPECT_EQ(0, pending_begin(dev, pair.client, WINSOCK_CLOSE_DROP_FD, SECOND_NS, &call));
	close(call.op_fd);
	close(pair.server);
	close(dev);
	/* The user can have no more. */
	EXPECT_FALSE(ended(START(lose_by_kill)));
	/* The user can when these are over. */
	for (int i = 0; i < PAIRS; i++) {
		net_linger(servers[i], 1, 0);
		close(servers[i]);
	}
	EXPECT_EQ(0, orphans_wait(0, 3));
	EXPECT_TRUE(ended(START(lose_without_detach)));
}

TEST_HARNESS_MAIN
