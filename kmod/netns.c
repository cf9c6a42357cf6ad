// SPDX-License-Identifier: GPL-2.0-only
/* A network namespace: net.winsock.*, users, counters (/proc/net/winsock). */
#include <kunit/static_stub.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sysctl.h>

#include "netns.h"

#define NETNS_OPS_MAX	131072

unsigned int winsock_netns_id;
unsigned int winsock_mib_orphans;

/* Programs read these names: they stay, and new ones may be inserted. */
static const char *const netns_counter_names[WINSOCK_MIBS] = {
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

static const struct ctl_table netns_table[] = {
	{
		.procname	= "strict",
		.maxlen		= sizeof(u8),
		.mode		= 0644,
		.proc_handler	= proc_dou8vec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	},
	{
		.procname	= "ops_max",
		.maxlen		= sizeof(int),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_INT_MAX,
	},
	{ }	/* the end, for older kernels, which take no size */
};

/**
 * winsock_netns_charge() - count a pending close against a user
 * @net:	the socket's network namespace
 * @user:	the socket's user
 *
 * May sleep.
 *
 * Return: 0, -ENOSPC at the limit, or -ENOMEM. Undone by
 * winsock_netns_uncharge().
 */
int winsock_netns_charge(struct net *net, kuid_t user)
{
	struct winsock_netns *ns = winsock_netns(net);
	XA_STATE(xas, &ns->users, __kuid_val(user));
	unsigned long pending;

	KUNIT_STATIC_STUB_REDIRECT(winsock_netns_charge, net, user);
	do {
		xas_lock(&xas);
		/* No entry is NULL, whose value is 0. */
		pending = xa_to_value(xas_load(&xas));
		if (pending >= READ_ONCE(ns->ops_max))
			xas_set_err(&xas, -ENOSPC);
		else
			xas_store(&xas, xa_mk_value(pending + 1));
		xas_unlock(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL));
	return xas_error(&xas);
}

/**
 * winsock_netns_uncharge() - a pending close of a user is over
 * @net:	the socket's network namespace
 * @user:	the user that was charged
 */
void winsock_netns_uncharge(struct net *net, kuid_t user)
{
	struct winsock_netns *ns = winsock_netns(net);
	XA_STATE(xas, &ns->users, __kuid_val(user));
	unsigned long pending;

	xas_lock(&xas);
	/* There is an entry: it counts this close. */
	pending = xa_to_value(xas_load(&xas)) - 1;
	xas_store(&xas, pending ? xa_mk_value(pending) : NULL);
	xas_unlock(&xas);
}

static int netns_show_counters(struct seq_file *seq, void *unused)
{
	const struct winsock_netns *ns = winsock_netns(seq->private);
	unsigned int field;
	unsigned long sum;
	int cpu;

	for (field = 0; field < WINSOCK_MIBS; field++) {
		sum = 0;
		for_each_possible_cpu(cpu)
			sum += per_cpu_ptr(ns->counters, cpu)->values[field];
		seq_printf(seq, "%-12s%lu\n", netns_counter_names[field], sum);
	}
	/* This is no counter: the present number in all namespaces. */
	seq_printf(seq, "%-12s%u\n", "Orphans",
		   READ_ONCE(winsock_mib_orphans));
	return 0;
}

static int __net_init netns_enter(struct net *net)
{
	struct winsock_netns *ns = winsock_netns(net);

	ns->table = kmemdup(netns_table, sizeof(netns_table), GFP_KERNEL);
	if (!ns->table)
		return -ENOMEM;
	ns->table[0].data = &ns->strict;
	ns->table[1].data = &ns->ops_max;
	/* A container must not raise its own share of the host's memory. */
	if (net->user_ns != &init_user_ns)
		ns->table[1].mode = 0444;
	ns->ops_max = net_eq(net, &init_net) ? NETNS_OPS_MAX :
		      READ_ONCE(winsock_netns(&init_net)->ops_max);
	xa_init_flags(&ns->users, XA_FLAGS_ACCOUNT);

	ns->counters = alloc_percpu(struct winsock_mib_counters);
	if (!ns->counters)
		goto free_table;
	if (!proc_create_net_single("winsock", 0444, net->proc_net,
				    netns_show_counters, NULL))
		goto free_counters;
	ns->header = register_net_sysctl_sz(net, "net/winsock", ns->table,
					    ARRAY_SIZE(netns_table) - 1);
	if (!ns->header)
		goto remove_proc;
	return 0;

remove_proc:
	remove_proc_entry("winsock", net->proc_net);
free_counters:
	free_percpu(ns->counters);
free_table:
	kfree(ns->table);
	return -ENOMEM;
}

static void __net_exit netns_leave(struct net *net)
{
	struct winsock_netns *ns = winsock_netns(net);
	unsigned long first = 0;

	unregister_net_sysctl_table(ns->header);
	remove_proc_entry("winsock", net->proc_net);
	free_percpu(ns->counters);
	kfree(ns->table);
	/*
	 * Sockets hold the namespace, and pending closes hold sockets. After a
	 * failed allocation nodes without an entry may be left.
	 */
	WARN_ON_ONCE(xa_find(&ns->users, &first, ULONG_MAX, XA_PRESENT));
	xa_destroy(&ns->users);
}

struct pernet_operations winsock_netns_ops = {
	.init	= netns_enter,
	.exit	= netns_leave,
	.id	= &winsock_netns_id,
	.size	= sizeof(struct winsock_netns),
};
