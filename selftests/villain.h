/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A user without rights who begins closes with the longest timeout there is, to peers that
 * never take anything, and loses his process; and what he leaves.
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

/* Seconds without progress that end an orphan; more than that is a slow machine's. */
#define NO_PROGRESS	100.0
#define SLACK		12.0

/**
 * struct villain - the process that is lost
 * @dev:	the device, opened by an unprivileged user
 * @channel:	where the far ends go
 * @clients:	to peers that read nothing; half of them will have vanished
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
		/* Many of them shall be no more than TCP may have. */
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
 * struct state - of the test that runs: each is a process
 * @villain:	the process that is lost, before it is
 * @mib:	the counters at the begin
 * @first:	the network namespace that this process came from
 * @servers:	the far ends, held here
 * @orphans:	TCP's, at the begin
 * @limit:	of the module's, to be put back
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

/* The line of /proc/net/winsock; -1 if there is none. */
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

/* Lines of the list of pending closes, but for the first. */
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

/* Until 6.12 modules may add to the count that sockstat shows. */
static inline bool sockstat_counts(void)
{
	struct utsname name;
	int major, minor;

	uname(&name);
	return sscanf(name.release, "%d.%d", &major, &minor) == 2 && major == 6 && minor <= 12;
}

static inline bool state_open(void)
{
	FILE *file = fopen(LIMIT, "r");
	bool good = file && fgets(state.limit, sizeof(state.limit), file) && !dev_references(0);

	if (file)
		fclose(file);
	/* What distributions shipped for years; who may not has FUSE. */
	good &= !write_to("/proc/sys/vm/unprivileged_userfaultfd", "1");
	state.orphans = usage_sockets("orphan");
	state.first = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	net_enter();
	mib_read(&state.mib);
	return good;
}

/* A process of another user's; the far ends come here, and are not read. */
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

/* Wait for its end: whether it did what it was to do. */
static inline bool ended(pid_t child)
{
	int ends[2], status = -1;

	waitpid(child, &status, 0);
	/* A close of an AF_UNIX socket looks for cycles. */
	if (!socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
		close(ends[0]);
		close(ends[1]);
	}
	return WIFSIGNALED(status) || !WEXITSTATUS(status);
}

/* The peers reset: nothing pending, nothing counted, no socket of TCP's, the module unused. */
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
