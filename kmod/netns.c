// SPDX-License-Identifier: GPL-2.0-only
/* Settings per network namespace: net.winsock.* */
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "netns.h"

/**
 * struct winsock_netns - a network namespace
 * @strict:	net.winsock.strict
 * @ops_max:	net.winsock.ops_max
 * @users_lock:	guards @users; sleeps, as counting may need memory
 * @users:	pending closes by user, values; users without any have no entry
 * @header:	the registered table
 * @table:	the table, with pointers to the fields above
 */
struct winsock_netns {
	u8 strict;
	int ops_max;
	struct mutex users_lock;	/* guards users; sleeps */
	struct xarray users;
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
	{
		.procname	= "ops_max",
		.maxlen		= sizeof(int),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_INT_MAX,
	},
};

bool winsock_netns_strict(struct net *net)
{
	const struct winsock_netns *ns = net_generic(net, netns_id);

	return READ_ONCE(ns->strict);
}

unsigned int winsock_netns_ops_max(struct net *net)
{
	const struct winsock_netns *ns = net_generic(net, netns_id);

	return READ_ONCE(ns->ops_max);
}

int winsock_netns_charge(struct net *net, kuid_t user)
{
	struct winsock_netns *ns = net_generic(net, netns_id);
	unsigned long key = __kuid_val(user), count;
	int err = -ENOSPC;

	KUNIT_STATIC_STUB_REDIRECT(winsock_netns_charge, net, user);
	mutex_lock(&ns->users_lock);
	count = xa_to_value(xa_load(&ns->users, key) ?: xa_mk_value(0));
	if (count < READ_ONCE(ns->ops_max))
		err = xa_err(xa_store(&ns->users, key, xa_mk_value(count + 1), GFP_KERNEL));
	mutex_unlock(&ns->users_lock);
	return err;
}

void winsock_netns_uncharge(struct net *net, kuid_t user)
{
	struct winsock_netns *ns = net_generic(net, netns_id);
	unsigned long key = __kuid_val(user), count;

	mutex_lock(&ns->users_lock);
	count = xa_to_value(xa_load(&ns->users, key));
	/* Neither needs memory: the entry is there. */
	if (count > 1)
		xa_store(&ns->users, key, xa_mk_value(count - 1), GFP_KERNEL);
	else
		xa_erase(&ns->users, key);
	mutex_unlock(&ns->users_lock);
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
	ns->table[1].data = &ns->ops_max;
	/* What a container may take of the host's memory is not its own to say. */
	if (net->user_ns != &init_user_ns)
		ns->table[1].mode = 0444;
	ns->ops_max = WINSOCK_NETNS_OPS_MAX;
	mutex_init(&ns->users_lock);
	xa_init(&ns->users);

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
	/* Sockets hold the namespace, and pending closes hold sockets. */
	WARN_ON_ONCE(!xa_empty(&ns->users));
	xa_destroy(&ns->users);
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
