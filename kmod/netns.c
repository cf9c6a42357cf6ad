// SPDX-License-Identifier: GPL-2.0-only
/* Settings per network namespace: net.winsock.* */
#include <linux/atomic.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "netns.h"

/**
 * struct netns_user - a user with pending closes
 * @pending:	how many; at 0 the entry is on its way out, and stays at 0
 * @rcu:	frees it
 */
struct netns_user {
	atomic_t pending;
	struct rcu_head rcu;
};

/**
 * struct winsock_netns - a network namespace
 * @strict:	net.winsock.strict
 * @ops_max:	net.winsock.ops_max
 * @users:	struct netns_user by user; read under RCU. Its lock is for a
 *		user's first pending close and after the last, process context
 * @header:	the registered table
 * @table:	the table, with pointers to the fields above
 */
struct winsock_netns {
	u8 strict;
	int ops_max;
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

/* 0, -ENOSPC at the limit, -EAGAIN if there is no entry, or none any more. */
static int netns_count(struct winsock_netns *ns, unsigned long key)
{
	struct netns_user *user;
	int max = READ_ONCE(ns->ops_max), count, err = -EAGAIN;

	rcu_read_lock();
	user = xa_load(&ns->users, key);
	count = user ? atomic_read(&user->pending) : 0;
	while (count && err) {
		err = count >= max ? -ENOSPC : 0;
		if (err)
			break;
		if (!atomic_try_cmpxchg(&user->pending, &count, count + 1))
			err = -EAGAIN;
	}
	rcu_read_unlock();
	return err;
}

/* The user's first. -EAGAIN: there is an entry. */
static int netns_count_first(struct winsock_netns *ns, unsigned long key)
{
	struct netns_user *user;
	void *entry;
	int err;

	if (!READ_ONCE(ns->ops_max))
		return -ENOSPC;
	user = kzalloc_obj(*user);
	if (!user)
		return -ENOMEM;
	atomic_set(&user->pending, 1);
	entry = xa_cmpxchg(&ns->users, key, NULL, user, GFP_KERNEL_ACCOUNT);
	err = xa_err(entry);
	if (entry)
		kfree(user);
	return entry && !err ? -EAGAIN : err;
}

/**
 * winsock_netns_charge() - count a pending close against a user
 * @net:	the socket's network namespace
 * @user:	the socket's user
 *
 * May sleep; waits for another thread for the moment in which a user's last
 * close goes.
 *
 * Return: 0, -ENOSPC at the limit, or -ENOMEM. Undone by
 * winsock_netns_uncharge().
 */
int winsock_netns_charge(struct net *net, kuid_t user)
{
	struct winsock_netns *ns = net_generic(net, netns_id);
	unsigned long key = __kuid_val(user);
	int err;

	KUNIT_STATIC_STUB_REDIRECT(winsock_netns_charge, net, user);
	do {
		err = netns_count(ns, key);
		if (err == -EAGAIN)
			err = netns_count_first(ns, key);
		if (err == -EAGAIN)
			cond_resched();
	} while (err == -EAGAIN);
	return err;
}

/**
 * winsock_netns_uncharge() - a pending close of a user is over
 * @net:	the socket's network namespace
 * @user:	the user that was charged
 */
void winsock_netns_uncharge(struct net *net, kuid_t user)
{
	struct winsock_netns *ns = net_generic(net, netns_id);
	unsigned long key = __kuid_val(user);
	struct netns_user *entry;

	rcu_read_lock();
	/* It is there: it counts this close. */
	entry = xa_load(&ns->users, key);
	if (!atomic_add_unless(&entry->pending, -1, 1)) {
		/* The count that finds 0 waits for this lock. */
		xa_lock(&ns->users);
		if (atomic_dec_and_test(&entry->pending)) {
			__xa_erase(&ns->users, key);
			kfree_rcu(entry, rcu);
		}
		xa_unlock(&ns->users);
	}
	rcu_read_unlock();
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
	/*
	 * What a container may take of the host's memory is not its own to say.
	 */
	if (net->user_ns != &init_user_ns)
		ns->table[1].mode = 0444;
	ns->ops_max = WINSOCK_NETNS_OPS_MAX;
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

struct pernet_operations winsock_netns_ops = {
	.init	= netns_enter,
	.exit	= netns_leave,
	.id	= &netns_id,
	.size	= sizeof(struct winsock_netns),
};
