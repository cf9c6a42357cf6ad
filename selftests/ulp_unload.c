// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module is loaded, used and taken away a thousand times. On more than one
 * processor, where a close really meets the unloading and waits cost time, less often.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "net.h"
#include "ulp.h"
#include "usage.h"

DEV_REQUIRED;

/* Where the guest has it. Elsewhere it could not be loaded again. */
#define MODULE "/t/winsock.ko"

static void *unload_until_it_works(void *unused)
{
	while (syscall(SYS_delete_module, "winsock", O_NONBLOCK))
		if (errno != EAGAIN)
			return (void *)(long)errno;
	return NULL;
}

static int load(void)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC), err;

	err = syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
	close(fd);
	return err;
}

/* Attach, close, and let the module be taken away from under the close. */
FIXTURE(loads) {
};

FIXTURE_SETUP(loads)
{
}

FIXTURE_TEARDOWN(loads)
{
}

TEST_F_TIMEOUT(loads, a_thousand_leave_nothing_behind, 280)
{
	static const char *const caches[] = { "kmalloc-512", "kmalloc-1k", "kmalloc-2k",
					      "TCP", "sock_inode_cache" };
	int loads = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 100 : 1000;
	long before[5] = { 0 };
	int inuse = 0, orphans = 0, alloc = 0;

	if (access(MODULE, R_OK))
		SKIP(return, "no " MODULE " to load again: nothing is unloaded");
	net_enter();
	for (int ms = 0; ms < 5000 && dev_references() > 0; ms++)
		net_sleep(1);
	ASSERT_EQ(0, dev_references());
	for (int round = -50; round < loads; round++) {
		struct net_pair pair, child;
		pthread_t thread;
		uint16_t port;
		void *failed;
		int listener;

		/* The first rounds fill caches. */
		if (!round) {
			for (int i = 0; i < 5; i++)
				before[i] = usage_slab(caches[i]);
			inuse = usage_sockets("inuse");
			orphans = usage_sockets("orphan");
			alloc = usage_sockets("alloc");
		}
		net_pair_open(&pair, NET_V4, false);
		listener = net_listen(NET_V4, &port);
		ASSERT_EQ(0, ulp_attach(listener));
		child.client = net_connect(NET_V4, port, false);
		child.server = accept(listener, NULL, NULL);
		ASSERT_EQ(0, ulp_attach(pair.client));
		send(pair.client, "x", 1, 0);
		net_linger(pair.client, 1, 5);
		net_nonblock(pair.client, true);
		net_linger(child.server, 1, 0);
		ASSERT_EQ(0, pthread_create(&thread, NULL, unload_until_it_works, NULL));
		close(listener);
		close(child.server);
		close(child.client);
		close(pair.client);
		net_linger(pair.server, 1, 0);
		close(pair.server);
		pthread_join(thread, &failed);
		ASSERT_EQ(NULL, failed);
		ASSERT_EQ(0, load());
	}
	/* Less than one for each load. Some are freed late, and slabs of a processor count whole. */
	for (int i = 0; i < 5; i++) {
		for (int ms = 0; ms < 3000 && usage_slab(caches[i]) >= before[i] + loads / 2; ms += 100)
			net_sleep(100);
		EXPECT_LT(usage_slab(caches[i]), before[i] + loads)
			TH_LOG("%s: %ld objects before", caches[i], before[i]);
	}
	for (int ms = 0; ms < 5000 && usage_sockets("inuse") != inuse; ms++)
		net_sleep(1);
	EXPECT_EQ(inuse, usage_sockets("inuse"));
	/* Of all namespaces: those of earlier programs may be fewer by now. */
	EXPECT_LE(usage_sockets("orphan"), orphans);
	EXPECT_LT(usage_sockets("alloc"), alloc + 10);
	EXPECT_EQ(0, dev_references());
}

TEST_HARNESS_MAIN
