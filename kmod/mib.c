// SPDX-License-Identifier: GPL-2.0-only
/* Counters per network namespace, /proc/net/winsock. */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>

#include "mib.h"

unsigned int winsock_mib_id;
unsigned int winsock_mib_orphans;

/* Read by people and programs: a name stays, new ones may come in between. */
static const char *const mib_names[WINSOCK_MIBS] = {
	[WINSOCK_MIB_PLAIN]		= "Plain",
	[WINSOCK_OUTCOME_GRACEFUL]	= "Graceful",
	[WINSOCK_OUTCOME_DEADLINE]	= "Deadline",
	[WINSOCK_OUTCOME_REQUEST]	= "Request",
	[WINSOCK_OUTCOME_PEER]		= "Peer",
	[WINSOCK_OUTCOME_SHARED]	= "Shared",
	[WINSOCK_OUTCOME_UNREAD]	= "Unread",
	[WINSOCK_OUTCOME_CANCELLED]	= "Cancelled",
	[WINSOCK_OUTCOME_FORCED]	= "Forced",
	[WINSOCK_MIB_WOULDBLOCK]	= "WouldBlock",
	[WINSOCK_MIB_BEGUN]		= "Begun",
	[WINSOCK_MIB_LEFT]		= "Left",
	[WINSOCK_MIB_BUSY]		= "Busy",
	[WINSOCK_MIB_LIMIT]		= "Limit",
	[WINSOCK_MIB_NOMEM]		= "NoMem",
	[WINSOCK_MIB_ABORTED]		= "Aborted",
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
	/* Not a counter: as many as there are now, everywhere. */
	seq_printf(seq, "%-12s%u\n", "Orphans",
		   READ_ONCE(winsock_mib_orphans));
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

struct pernet_operations winsock_mib_ops = {
	.init	= mib_enter,
	.exit	= mib_leave,
	.id	= &winsock_mib_id,
	.size	= sizeof(struct winsock_mib_netns),
};
