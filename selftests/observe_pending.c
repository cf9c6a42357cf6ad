// SPDX-License-Identifier: GPL-2.0-only
/* The list of pending closes: its content, the users that may read it, and a thousand entries. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "pending.h"
#include "ulp.h"

#define USER	1000

struct entry {
	unsigned int uid;
	int pid;
	char comm[64];
	char local[64];
	char remote[64];
	unsigned int state;
	unsigned int unacked;
	long long elapsed_ms;
	long long left_ms;
	unsigned long long tag;
	unsigned int id;
};

/* Read the list as the calling thread sees it. Returns the entries, -1 for a wrong format. */
static int list(struct entry *entries, int room)
{
	FILE *file = fopen("/proc/thread-self/net/winsock_pending", "r");
	char line[512];
	int count = 0;

	if (!file || !fgets(line, sizeof(line), file) ||
	    strcmp(line, "uid pid comm local remote state unacked elapsed_ms left_ms tag id\n"))
		return -1;
	for (; fgets(line, sizeof(line), file); count++) {
		struct entry entry;

		if (sscanf(line, "%u %d %63s %63s %63s %u %u %lld %lld %llu %u", &entry.uid,
			   &entry.pid, entry.comm, entry.local, entry.remote, &entry.state,
			   &entry.unacked, &entry.elapsed_ms, &entry.left_ms, &entry.tag,
			   &entry.id) != 11)
			return -1;
		if (count < room)
			entries[count] = entry;
	}
	fclose(file);
	return count;
}

/* Count the entries that a child with other credentials sees. */
static int seen_by(uid_t user, int spaces)
{
	int status;
	pid_t child = fork();

	if (!child) {
		if (setresuid(user, user, user) || unshare(spaces))
			_exit(99);
		_exit(list(NULL, 0));
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

TEST_F(closing, a_pending_close_is_listed_until_it_ends)
{
	struct entry entry;
	char local[32];

	EXPECT_EQ(0, list(NULL, 0));
	prctl(PR_SET_NAME, "a b\nc");
	net_stuff(self->pair.client);
	self->call = (struct winsock_close){
		.fd = self->pair.client,
		.flags = WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DROP_FD,
		.timeout_ns = 3 * SECOND_NS,
		.tag = 77,
	};
	ASSERT_EQ(0, ioctl(self->dev, WINSOCK_IOC_CLOSE, &self->call));
	net_sleep(500);
	ASSERT_EQ(1, list(&entry, 1));
	EXPECT_EQ(0, entry.uid);
	EXPECT_EQ(getpid(), entry.pid);
	EXPECT_STREQ("a\\040b\\012c", entry.comm);
	snprintf(local, sizeof(local), ":%u", self->pair.client_port);
	EXPECT_NE(NULL, strstr(entry.local, local));
	snprintf(local, sizeof(local), ":%u", self->pair.server_port);
	EXPECT_NE(NULL, strstr(entry.remote, local));
	EXPECT_EQ(TCP_ESTABLISHED, entry.state);
	EXPECT_GT(entry.unacked, 0);
	EXPECT_GE(entry.elapsed_ms, 500);
	EXPECT_LE(entry.left_ms, 2500);
	EXPECT_GT(entry.left_ms, 1000);
	EXPECT_EQ(77, entry.tag);

	EXPECT_TRUE(pending_is_final(self->call.op_fd, 5000));
	EXPECT_EQ(0, list(NULL, 0));
	close(self->call.op_fd);
}

static int abort_id(int dev, unsigned int id, unsigned int flags)
{
	struct winsock_abort_id call = { .id = id, .flags = flags };

	return ioctl(dev, WINSOCK_IOC_ABORT_ID, &call) ? -errno : 0;
}

/* The administrator, and no other, ends a pending close by its number. */
TEST_F(closing, a_pending_close_is_aborted_by_its_number)
{
	struct entry entry;
	int status, error;
	pid_t child;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, pending_begin(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD,
				   WINSOCK_TIMEOUT_MAX_NS, &self->call));
	ASSERT_EQ(1, list(&entry, 1));
	EXPECT_EQ(-ENOENT, abort_id(self->dev, entry.id + 1, 0));
	EXPECT_EQ(-EINVAL, abort_id(self->dev, entry.id, 1));
	child = fork();
	if (!child)
		_exit(setresuid(USER, USER, USER) ||
		      abort_id(self->dev, entry.id, 0) != -EPERM);
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
	EXPECT_FALSE(pending_is_final(self->call.op_fd, 0));

	EXPECT_EQ(0, abort_id(self->dev, entry.id, 0));
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_REQUEST);
	EXPECT_EQ(-ENOENT, abort_id(self->dev, entry.id, 0));
	net_drain(self->pair.server, &error);
	EXPECT_EQ(ECONNRESET, error);
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, FINS());
	close(self->call.op_fd);
}

/* The longest deadline is cut when no process is left that could end the close. */
TEST_F(closing, what_everybody_has_left_does_not_last_for_ever)
{
	struct winsock_close other;
	struct entry entry;
	int server, status;
	pid_t child;

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_DETACH, WINSOCK_TIMEOUT_MAX_NS);
	ASSERT_EQ(1, list(&entry, 1));
	EXPECT_GT(entry.left_ms, 66000000);
	close(self->call.op_fd);
	ASSERT_EQ(1, list(&entry, 1));
	EXPECT_LE(entry.left_ms, 65535000);
	EXPECT_GT(entry.left_ms, 65000000);
	/* The peer's reset ends it. */
	net_linger(self->pair.server, 1, 0);
	close(self->pair.server);
	self->pair.server = -1;

	/* The process of the op descriptor ends. */
	net_pair_open(&self->pair, variant->family, variant->accepted);
	server = self->pair.server;
	net_stuff(self->pair.client);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		pending_begin(self->dev, self->pair.client, WINSOCK_CLOSE_DETACH,
			      WINSOCK_TIMEOUT_MAX_NS, &other);
		pause();
	}
	net_sleep(300);
	ASSERT_EQ(1, list(&entry, 1));
	EXPECT_GT(entry.left_ms, 66000000);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	ASSERT_EQ(1, list(&entry, 1));
	EXPECT_LE(entry.left_ms, 65535000);
	net_linger(server, 1, 0);
	close(server);
	self->pair.server = -1;
	net_sleep(100);
	EXPECT_EQ(0, list(NULL, 0));
}

static void *close_it(void *argument)
{
	close(*(int *)argument);
	return NULL;
}

TEST_F(closing, every_way_to_wait_is_listed)
{
	struct winsock_close other;
	pthread_t thread;
	pid_t child;

	/* A thread waits for the close. */
	net_stuff(self->pair.client);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		dev_close_wait(self->dev, self->pair.client, WINSOCK_CLOSE_TIMEOUT, SECOND_NS,
			       &other);
		_exit(0);
	}
	net_sleep(300);
	EXPECT_EQ(1, list(NULL, 0));
	waitpid(child, NULL, 0);
	EXPECT_EQ(0, list(NULL, 0));
	net_pair_close(&self->pair);

	/* A thread is in close(2) of an attached socket. */
	net_pair_open(&self->pair, variant->family, variant->accepted);
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	net_linger(self->pair.client, 1, 1);
	net_stuff(self->pair.client);
	ASSERT_EQ(0, pthread_create(&thread, NULL, close_it, &self->pair.client));
	net_sleep(300);
	EXPECT_EQ(1, list(NULL, 0));
	pthread_join(thread, NULL);
	self->pair.client = -1;
	EXPECT_EQ(0, list(NULL, 0));
}

TEST_F(closing, one_sees_ones_own_and_the_administrator_all)
{
	pid_t child;

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		struct winsock_close call;
		struct net_pair other;

		/* The socket's user counts, not that of the closing process. */
		if (setresuid(USER, USER, USER))
			_exit(1);
		net_pair_open(&other, variant->family, false);
		net_stuff(other.client);
		if (pending_begin(self->dev, other.client, WINSOCK_CLOSE_DROP_FD,
				  60 * SECOND_NS, &call))
			_exit(1);
		pause();
	}
	net_sleep(300);
	EXPECT_EQ(2, seen_by(0, 0));
	EXPECT_EQ(1, seen_by(USER, 0));
	EXPECT_EQ(0, seen_by(USER + 1, 0));
	/* Root of another user namespace sees nothing of this network; a new network is empty. */
	EXPECT_EQ(1, seen_by(USER, CLONE_NEWUSER));
	EXPECT_EQ(0, seen_by(USER + 1, CLONE_NEWUSER));
	EXPECT_EQ(0, seen_by(0, CLONE_NEWNET));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(self->call.op_fd);
}

/* Root of a user namespace, in a network that belongs to it, sees other users' uids unmapped. */
TEST(who_owns_the_network_sees_all)
{
	int ready[2], go[2], status, space, dev = dev_open();
	struct winsock_close call;
	struct net_pair pair;
	char path[64], byte;
	pid_t child;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		struct entry entry;

		if (setresuid(USER, USER, USER) || unshare(CLONE_NEWUSER))
			_exit(1);
		net_enter();
		if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(2);
		_exit(list(&entry, 1) == 1 && entry.uid == 65534 ? 0 : 3);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", child);
	space = open(path, O_RDONLY);
	ASSERT_GE(space, 0);
	ASSERT_EQ(0, setns(space, CLONE_NEWNET));
	net_pair_open(&pair, NET_V4, false);
	net_stuff(pair.client);
	ASSERT_EQ(0, pending_begin(dev, pair.client, WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS,
				   &call));
	ASSERT_EQ(1, write(go[1], "g", 1));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	close(call.op_fd);
	close(pair.server);
}

/* A thread that no other may hold up, and the longest time for which one did. */
struct hurried {
	pthread_t thread;
	_Atomic bool done;
	double late;
};

static void *hurried_run(void *argument)
{
	const struct sched_param param = { .sched_priority = 1 };
	const struct timespec pause = { 0, 100000 };
	struct hurried *hurried = argument;

	pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	while (!hurried->done) {
		double begun = net_now(), late;

		nanosleep(&pause, NULL);
		late = net_now() - begun - pause.tv_nsec / 1e9;
		if (late > hurried->late)
			hurried->late = late;
	}
	return NULL;
}

/* The part of the time to pass over the list for which it holds a thread up: the least of some. */
static double held_up(void)
{
	double least = 1;

	for (int round = 0; round < 5; round++) {
		int fd = open("/proc/thread-self/net/winsock_pending", O_RDONLY);
		struct hurried hurried = { .done = false };
		double took;

		if (pthread_create(&hurried.thread, NULL, hurried_run, &hurried))
			return 1;
		net_sleep(2);
		hurried.late = 0;
		took = net_now();
		if (lseek(fd, 1LL << 40, SEEK_SET) < 0)
			return 1;
		took = net_now() - took;
		hurried.done = true;
		pthread_join(hurried.thread, NULL);
		close(fd);
		/* On the debug kernel no time passes. */
		if (hurried.late < least * took || !took)
			least = took ? hurried.late / took : 0;
	}
	return least;
}

/* The list exceeds one read, and some closes end during the reads. */
TEST_F_TIMEOUT(closing, a_thousand_are_listed_once_each, 150)
{
	enum { COUNT = 1000 };
	static struct winsock_close calls[COUNT];
	static struct net_pair pairs[COUNT];
	static struct entry entries[COUNT];
	static bool seen[65536];
	unsigned int twice = 0;

	if (variant->family != NET_V4 || variant->accepted)
		return;
	net_pairs_vanished(pairs, COUNT);
	for (int i = 0; i < COUNT; i++)
		ASSERT_EQ(0, pending_begin(self->dev, pairs[i].client, WINSOCK_CLOSE_DROP_FD,
					   60 * SECOND_NS, &calls[i]));
	EXPECT_EQ(COUNT, list(entries, COUNT));
	for (int i = 0; i < COUNT; i++) {
		unsigned int port = atoi(strrchr(entries[i].local, ':') + 1);

		twice += seen[port & 0xffff];
		seen[port & 0xffff] = true;
		EXPECT_EQ(7, entries[i].unacked);
	}
	EXPECT_EQ(0, twice);
	EXPECT_LT(held_up(), 0.3);
	for (int i = 0; i < COUNT; i += 2)
		close(calls[i].op_fd);
	net_sleep(200);
	EXPECT_EQ(COUNT / 2, list(NULL, 0));
	for (int i = 1; i < COUNT; i += 2)
		close(calls[i].op_fd);
	net_sleep(200);
	EXPECT_EQ(0, list(NULL, 0));
	for (int i = 0; i < COUNT; i++)
		close(pairs[i].server);
}

TEST_HARNESS_MAIN
