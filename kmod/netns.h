/* SPDX-License-Identifier: GPL-2.0-only */
/* A network namespace's settings, users and counters. */
#ifndef WINSOCK_NETNS_H
#define WINSOCK_NETNS_H

#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/uidgid.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include <linux/winsock.h>

/*
 * Each close that ends counts once, by the number of its enum winsock_outcome,
 * 1 to 8, or as PLAIN: TCP's own close(2) of an attached socket with linger
 * off.
 */
enum winsock_mib {
	WINSOCK_MIB_PLAIN,
	/* Answered would-block, nothing begun (N1). */
	WINSOCK_MIB_WOULDBLOCK = WINSOCK_OUTCOME_FORCED + 1,
	WINSOCK_MIB_BEGUN,	/* waits begun: each ends as an outcome */
	WINSOCK_MIB_LEFT,	/* a thread left close(2), the close went on */
	WINSOCK_MIB_BUSY,	/* refused: another close is pending */
	WINSOCK_MIB_LIMIT,	/* no op: over net.winsock.ops_max */
	WINSOCK_MIB_NOMEM,	/* no op: no memory */
	WINSOCK_MIB_ABORTED,	/* WINSOCK_IOC_ABORT reset a connection */
	WINSOCK_MIBS
};

struct winsock_mib_counters {
	unsigned long values[WINSOCK_MIBS];
};

/**
 * struct winsock_netns - a network namespace
 * @counters:	WINSOCK_MIB_*
 * @strict:	net.winsock.strict
 * @ops_max:	net.winsock.ops_max
 * @users:	numbers of pending closes, by user. The xarray's lock is taken
 *		in process context only, with no lock held
 * @header:	the registered table
 * @table:	the table, with pointers to the fields above
 */
struct winsock_netns {
	struct winsock_mib_counters __percpu *counters;
	u8 strict;
	int ops_max;
	struct xarray users;
	struct ctl_table_header *header;
	struct ctl_table *table;
};

extern unsigned int winsock_netns_id;
extern struct pernet_operations winsock_netns_ops;

static inline struct winsock_netns *winsock_netns(const struct net *net)
{
	return net_generic(net, winsock_netns_id);
}

/* Does every close count as WINSOCK_CLOSE_STRICT? */
static inline bool winsock_netns_strict(const struct net *net)
{
	return READ_ONCE(winsock_netns(net)->strict);
}

/* Pending closes that are orphans, of all namespaces; written by orphan.c. */
extern unsigned int winsock_mib_orphans;

/**
 * winsock_mib_inc() - count
 * @net:	the socket's network namespace
 * @field:	enum winsock_mib or enum winsock_outcome
 *
 * Process context; takes no lock.
 */
static inline void winsock_mib_inc(struct net *net, u32 field)
{
	const struct winsock_netns *ns;

	/* net_generic(), written out: one section covers it and the add. */
	preempt_disable();
	ns = rcu_dereference_sched(net->gen)->ptr[winsock_netns_id];
	__this_cpu_inc(ns->counters->values[field]);
	preempt_enable();
}

int winsock_netns_charge(struct net *net, kuid_t user);
void winsock_netns_uncharge(struct net *net, kuid_t user);

#endif /* WINSOCK_NETNS_H */
