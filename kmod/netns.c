// SPDX-License-Identifier: GPL-2.0-only
/* Settings per network namespace: net.winsock.* */
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "netns.h"

struct winsock_netns {
	u8 strict;
	struct ctl_table_header *header;
	struct ctl_table *table;
};

static unsigned int netns_id;

static const struct ctl_table netns_table[] = {
	{
		.procname	= "strict",
		.maxlen		= sizeof(u8),
		.mode		= 0644,
		.proc_handler	= proc_dou8vec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	},
};

bool winsock_netns_strict(struct net *net)
{
	const struct winsock_netns *ns = net_generic(net, netns_id);

	return READ_ONCE(ns->strict);
}

static int __net_init netns_enter(struct net *net)
{
	struct winsock_netns *ns = net_generic(net, netns_id);

	/* One empty row more: older kernels look for it instead of the size. */
	ns->table = kzalloc(sizeof(netns_table) + sizeof(*ns->table), GFP_KERNEL);
	if (!ns->table)
		return -ENOMEM;
	memcpy(ns->table, netns_table, sizeof(netns_table));
	ns->table[0].data = &ns->strict;

	ns->header = register_net_sysctl_sz(net, "net/winsock", ns->table,
					    ARRAY_SIZE(netns_table));
	if (!ns->header) {
		kfree(ns->table);
		return -ENOMEM;
	}
	return 0;
}

static void __net_exit netns_leave(struct net *net)
{
	struct winsock_netns *ns = net_generic(net, netns_id);

	unregister_net_sysctl_table(ns->header);
	kfree(ns->table);
}

static struct pernet_operations netns_ops = {
	.init	= netns_enter,
	.exit	= netns_leave,
	.id	= &netns_id,
	.size	= sizeof(struct winsock_netns),
};

int winsock_netns_init(void)
{
	return register_pernet_subsys(&netns_ops);
}

void winsock_netns_exit(void)
{
	unregister_pernet_subsys(&netns_ops);
}
