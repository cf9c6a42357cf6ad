/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An unprivileged user begins closes with the longest timeout, to peers that never read, and loses
 * the process in one of many ways: checks on the orphans that remain.
 */
#ifndef VILLAIN_H
#define VILLAIN_H

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "mib.h"
#include "pass.h"
#include "pending.h"
#include "usage.h"

#define USER		1000
#define PAIRS		4

/* Seconds without progress after which TCP ends an orphan; more pass on a slow machine. */
#define NO_PROGRESS	100.0
#define SLACK		12.0

/**
 * struct villain - the process that is lost
 * @dev:	the device, opened by an unprivileged user
 * @channel:	the far ends are sent here
 * @clients:	connections to peers that read nothing; half of these have vanished
 * @ops:	their op descriptors, once begun
 */
struct villain {
	int dev;
	int channel;
	int clients[PAIRS];
	int ops[PAIRS];
};

static inline void villain_must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "# the user could not: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static inline void villain_open(struct villain *villain)
{
	int room = 16384;

	villain_must(!setresgid(USER, USER, USER) && !setresuid(USER, USER, USER), "setresuid");
	villain->dev = dev_open();
	villain_must(villain->dev >= 0, "open the device");
	for (int i = 0; i < PAIRS; i++) {
		struct net_pair pair;

		net_pair_open(&pair, NET_V4, false);
		/* Small buffers: many connections must fit into TCP's memory. */
		setsockopt(pair.client, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		net_stuff(pair.client);
		villain_must(pass_send(villain->channel, pair.server) == 1, "pass");
		close(pair.server);
		villain->clients[i] = pair.client;
		villain->ops[i] = -1;
	}
	close(villain->channel);
}

static inline void villain_begin(struct villain *villain, unsigned int flags)
{
	struct winsock_close call;

	for (int i = 0; i < PAIRS; i++) {
		villain_must(!pending_begin(villain->dev, villain->clients[i], flags,
					    WINSOCK_TIMEOUT_MAX_NS, &call) && call.op_fd >= 0,
			     "begin");
		villain->ops[i] = call.op_fd;
	}
}

#define DETACHED	(WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_DETACH)

static inline void lose_by_kill(struct villain *villain)
{
	villain_begin(villain, DETACHED);
	raise(SIGKILL);
}

/**
 * struct state - state of the running test; each test is a process
 * @villain:	the process that is lost, before that
 * @mib:	the counters at the start
 * @first:	the network namespace that this process came from
 * @servers:	the far ends, held here
 * @orphans:	TCP's orphans at the start
 * @limit:	the module's limit, to be restored
 */
static struct {
	struct villain villain;
	struct mib mib;
	int first;
	int servers[PAIRS];
	int orphans;
	char limit[32];
} state;

#define LIMIT	"/sys/module/winsock/parameters/orphans_max"

static inline int write_to(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	return file && fputs(text, file) >= 0 ? fclose(file) : -1;
}

/* Read Orphans from /proc/net/winsock; -1 if there is no such line. */
static inline int orphans(void)
{
	struct mib mib;

	mib_read(&mib);
	for (unsigned int i = 0; i < mib.count; i++)
		if (!strcmp(mib.names[i], "Orphans"))
			return mib.values[i];
	return -1;
}

static inline int orphans_wait(int wanted, double seconds)
{
	double end = net_now() + seconds;
	int count;

	while ((count = orphans()) != wanted && net_now() < end)
		net_sleep(50);
	return count;
}

/* Count the pending closes in the list. */
static inline int listed(void)
{
	FILE *file = fopen("/proc/thread-self/net/winsock_pending", "r");
	int count = -1, byte;

	while (file && (byte = fgetc(file)) != EOF)
		count += byte == '\n';
	if (file)
		fclose(file);
	return count;
}

static inline int listed_wait(int wanted, double seconds)
{
	double end = net_now() + seconds;

	while (listed() != wanted && net_now() < end)
		net_sleep(50);
	return listed();
}

static inline int references_wait(int wanted)
{
	double end = net_now() + 5;

	while (dev_references(wanted) != wanted && net_now() < end)
		net_sleep(50);
	return dev_references(wanted);
}

/* Does the module add to the count that sockstat shows? 6.12 and older let modules do so. */
static inline bool sockstat_counts(void)
{
	struct utsname name;
	int major, minor;

	if (IN_TREE)
		return true;
	uname(&name);
	return sscanf(name.release, "%d.%d", &major, &minor) == 2 && major == 6 && minor <= 12;
}

static inline bool state_open(void)
{
	FILE *file = fopen(LIMIT, "r");
	bool good = file && fgets(state.limit, sizeof(state.limit), file) && !dev_references(0);

	if (file)
		fclose(file);
	/* Distributions shipped this default for years; without it users have FUSE. */
	good &= !write_to("/proc/sys/vm/unprivileged_userfaultfd", "1");
	state.orphans = usage_sockets("orphan");
	state.first = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	net_enter();
	mib_read(&state.mib);
	return good;
}

/* Start the other user's process; this one gets the far ends, and does not read them. */
#define START(way) ({ \
	int channel_[2]; \
	pid_t child_; \
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, channel_)); \
	child_ = fork(); \
	ASSERT_GE(child_, 0); \
	if (!child_) { \
		close(channel_[0]); \
		state.villain.channel = channel_[1]; \
		villain_open(&state.villain); \
		(way)(&state.villain); \
		_exit(0); \
	} \
	close(channel_[1]); \
	for (int i_ = 0; i_ < PAIRS; i_++) { \
		state.servers[i_] = pass_receive(channel_[0]); \
		ASSERT_GE(state.servers[i_], 0); \
		if (i_ & 1) \
			net_mute(state.servers[i_]); \
	} \
	close(channel_[0]); \
	child_; \
})

/* Wait for its end. True if it did its work. */
static inline bool ended(pid_t child)
{
	int ends[2], status = -1;

	waitpid(child, &status, 0);
	/* The close of an AF_UNIX socket starts the search for cycles. */
	if (!socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
		close(ends[0]);
		close(ends[1]);
	}
	return WIFSIGNALED(status) || !WEXITSTATUS(status);
}

/* After resets by the peers: nothing pending or counted, no TCP socket, the module unused. */
#define EXPECT_NOTHING() do { \
	for (int i_ = 0; i_ < PAIRS; i_++) { \
		net_linger(state.servers[i_], 1, 0); \
		close(state.servers[i_]); \
	} \
	EXPECT_EQ(0, orphans_wait(0, 3)); \
	EXPECT_EQ(0, listed_wait(0, 3)); \
	EXPECT_EQ(0, references_wait(0)); \
	EXPECT_EQ(0, usage_sockets("inuse")); \
} while (0)

#endif /* VILLAIN_H */
