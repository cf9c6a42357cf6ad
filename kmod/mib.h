/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters per network namespace, /proc/net/winsock. */
#ifndef WINSOCK_MIB_H
#define WINSOCK_MIB_H

#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include <linux/winsock.h>

/*
 * A close that ends counts once, by how: 1 to 8 are enum winsock_outcome's, and
 * PLAIN is TCP's own close(2) of an attached socket with linger off.
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

/* A network namespace's, by winsock_mib_id. */
struct winsock_mib_netns {
	struct winsock_mib_counters __percpu *counters;
};

extern unsigned int winsock_mib_id;

/* Pending closes that are orphans, of all namespaces; written by orphan.c. */
extern unsigned int winsock_mib_orphans;

/**
 * winsock_mib_inc() - count
 * @net:	the socket's network namespace
 * @field:	enum winsock_mib or enum winsock_outcome
 *
 * Process context; no lock, one increment of a number of this processor's.
 */
static inline void winsock_mib_inc(struct net *net, u32 field)
{
	const struct winsock_mib_netns *ns;

	/* net_generic(), in a cheaper section: every close comes by. */
	preempt_disable();
	ns = rcu_dereference_sched(net->gen)->ptr[winsock_mib_id];
	__this_cpu_inc(ns->counters->values[field]);
	preempt_enable();
}

extern struct pernet_operations winsock_mib_ops;

#endif /* WINSOCK_MIB_H */
