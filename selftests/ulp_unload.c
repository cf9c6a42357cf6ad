// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module is loaded, used and unloaded a thousand times; fewer times on more than one processor,
 * where a close really meets the unloading and waits take time.
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
#include "migration.h"
#include "net.h"
#include "ulp.h"
#include "usage.h"

DEV_REQUIRED;

/* The path of the module in the guest. Without it the module could not be loaded again. */
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

/* Attach, close, and unload the module during the close. */
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
	for (int ms = 0; ms < 5000 && dev_references(0) > 0; ms++)
		net_sleep(1);
	ASSERT_EQ(0, dev_references(0));
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
	/* Less than one object a load. Some are freed late, and partial slabs count whole. */
	for (int i = 0; i < 5; i++) {
		for (int ms = 0;
		     ms < 3000 && usage_slab(caches[i]) >= before[i] + loads / 2; ms += 100)
			net_sleep(100);
		EXPECT_LT(usage_slab(caches[i]), before[i] + loads)
			TH_LOG("%s: %ld objects before", caches[i], before[i]);
	}
	for (int ms = 0; ms < 5000 && usage_sockets("inuse") != inuse; ms++)
		net_sleep(1);
	EXPECT_EQ(inuse, usage_sockets("inuse"));
	/* The count is of all namespaces: orphans of earlier programs may have ended. */
	EXPECT_LE(usage_sockets("orphan"), orphans);
	EXPECT_LT(usage_sockets("alloc"), alloc + 10);
	EXPECT_EQ(0, dev_references(0));
}

/* TCP makes a child in each way, and then the module is unloaded. */
TEST_F_TIMEOUT(loads, nothing_migrates_with_a_pointer_into_the_module, 280)
{
	if (access(MODULE, R_OK))
		SKIP(return, "no " MODULE " to load again: nothing is unloaded");
	net_enter();
	for (int round = 0; round < MIGRATIONS; round++) {
		struct migration scene = migration_number(round);
		const char *wrong = migration_scene(&scene);

		ASSERT_EQ(NULL, wrong)
			TH_LOG("family %d, way %d, from %d, to %d, late %d: %s", scene.family,
			       scene.way, scene.from, scene.to, scene.late, wrong);
		ASSERT_EQ(NULL, unload_until_it_works(NULL));
		ASSERT_EQ(0, load());
	}
}

/*
 * Requests whose clients get no segment migrate when their timer fires, and end later, without the
 * module.
 */
TEST_F_TIMEOUT(loads, requests_outlive_the_module, 120)
{
	struct migration scene = { .way = MIGRATION_HALF_OPEN };
	uint16_t ports[3] = { 0 }, clients[3];
	int first[3], second[3], client[3];
	long migrated;

	if (access(MODULE, R_OK))
		SKIP(return, "no " MODULE " to load again: nothing is unloaded");
	net_enter();
	migration_prepare();
	migration_setting("tcp_synack_retries", "3");
	migrated = migration_counter("TCPMigrateReqSuccess");
	for (int i = 0; i < 3; i++) {
		scene.family = i;
		first[i] = migration_listen(&scene, true, &ports[i], false);
		ASSERT_GE(first[i], 0);
		client[i] = migration_connect(&scene, ports[i]);
		ASSERT_GE(client[i], 0);
		clients[i] = net_port(client[i]);
		second[i] = migration_listen(&scene, false, &ports[i], false);
		ASSERT_GE(second[i], 0);
		close(first[i]);
	}
	while (migration_counter("TCPMigrateReqSuccess") < migrated + 3)
		net_sleep(1);
	/* No request has a reference to the module, and each is still there without it. */
	ASSERT_EQ(NULL, unload_until_it_works(NULL));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(TCP_SYN_RECV, net_left(ports[i], clients[i]));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, net_left_wait(ports[i], clients[i], 0, 60000));
	for (int i = 0; i < 3; i++) {
		close(client[i]);
		close(second[i]);
	}
	ASSERT_EQ(0, load());
}

TEST_HARNESS_MAIN
