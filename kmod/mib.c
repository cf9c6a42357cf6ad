// SPDX-License-Identifier: GPL-2.0-only
/* Counters per network namespace, /proc/net/winsock. */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>

#include <linux/winsock.h>

#include "mib.h"

static_assert((int)WINSOCK_MIB_PLAIN == WINSOCK_OUTCOME_NONE);
static_assert((int)WINSOCK_MIB_GRACEFUL == WINSOCK_OUTCOME_GRACEFUL);
static_assert((int)WINSOCK_MIB_DEADLINE == WINSOCK_OUTCOME_DEADLINE);
static_assert((int)WINSOCK_MIB_REQUEST == WINSOCK_OUTCOME_REQUEST);
static_assert((int)WINSOCK_MIB_PEER == WINSOCK_OUTCOME_PEER);
static_assert((int)WINSOCK_MIB_SHARED == WINSOCK_OUTCOME_SHARED);
static_assert((int)WINSOCK_MIB_UNREAD == WINSOCK_OUTCOME_UNREAD);
static_assert((int)WINSOCK_MIB_CANCELLED == WINSOCK_OUTCOME_CANCELLED);

unsigned int winsock_mib_id;

/* Read by people and programs: a name stays, new ones may come in between. */
static const char *const mib_names[WINSOCK_MIBS] = {
	[WINSOCK_MIB_PLAIN]	 = "Plain",
	[WINSOCK_MIB_GRACEFUL]	 = "Graceful",
	[WINSOCK_MIB_DEADLINE]	 = "Deadline",
	[WINSOCK_MIB_REQUEST]	 = "Request",
	[WINSOCK_MIB_PEER]	 = "Peer",
	[WINSOCK_MIB_SHARED]	 = "Shared",
	[WINSOCK_MIB_UNREAD]	 = "Unread",
	[WINSOCK_MIB_CANCELLED]	 = "Cancelled",
	[WINSOCK_MIB_FORCED]	 = "Forced",
	[WINSOCK_MIB_WOULDBLOCK] = "WouldBlock",
	[WINSOCK_MIB_BEGUN]	 = "Begun",
	[WINSOCK_MIB_LEFT]	 = "Left",
	[WINSOCK_MIB_BUSY]	 = "Busy",
	[WINSOCK_MIB_LIMIT]	 = "Limit",
	[WINSOCK_MIB_NOMEM]	 = "NoMem",
	[WINSOCK_MIB_ABORTED]	 = "Aborted",
};

static int mib_show(struct seq_file *seq, void *unused)
{
	const struct winsock_mib_netns *ns = net_generic(seq->private, winsock_mib_id);
	unsigned int field;
	unsigned long sum;
	int cpu;

	for (field = 0; field < WINSOCK_MIBS; field++) {
		sum = 0;
		for_each_possible_cpu(cpu)
			sum += per_cpu_ptr(ns->counters, cpu)->values[field];
		seq_printf(seq, "%-12s%lu\n", mib_names[field], sum);
	}
	return 0;
}

static int __net_init mib_enter(struct net *net)
{
	struct winsock_mib_netns *ns = net_generic(net, winsock_mib_id);

	ns->counters = alloc_percpu(struct winsock_mib_counters);
	if (!ns->counters)
		return -ENOMEM;
	if (!proc_create_net_single("winsock", 0444, net->proc_net, mib_show, NULL)) {
		free_percpu(ns->counters);
		return -ENOMEM;
	}
	return 0;
}

static void __net_exit mib_leave(struct net *net)
{
	struct winsock_mib_netns *ns = net_generic(net, winsock_mib_id);

	remove_proc_entry("winsock", net->proc_net);
	free_percpu(ns->counters);
}

static struct pernet_operations mib_ops = {
	.init	= mib_enter,
	.exit	= mib_leave,
	.id	= &winsock_mib_id,
	.size	= sizeof(struct winsock_mib_netns),
};

int winsock_mib_init(void)
{
	return register_pernet_subsys(&mib_ops);
}

void winsock_mib_exit(void)
{
	unregister_pernet_subsys(&mib_ops);
}
