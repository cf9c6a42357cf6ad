/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters per network namespace, /proc/net/winsock. */
#ifndef WINSOCK_MIB_H
#define WINSOCK_MIB_H

#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

/*
 * Every close that ends counts once among the first nine, by how. 1 to 7 are the
 * numbers of WINSOCK_OUTCOME_*.
 */
enum winsock_mib {
	WINSOCK_MIB_PLAIN,	/* attached, linger off: TCP's own close(2), not looked into */
	WINSOCK_MIB_GRACEFUL,	/* released: TCP sends FIN, or there was no connection */
	WINSOCK_MIB_DEADLINE,	/* reset: the linger time was over first (B3) */
	WINSOCK_MIB_REQUEST,	/* reset: hard close (H1), or a pending close was aborted */
	WINSOCK_MIB_PEER,	/* the connection was dead, or died in the wait (B5) */
	WINSOCK_MIB_SHARED,	/* not the last holder: only the descriptor went (M1) */
	WINSOCK_MIB_UNREAD,	/* released with unread data: TCP sends RST (G7) */
	WINSOCK_MIB_CANCELLED,	/* a pending close was taken back */
	WINSOCK_MIB_FORCED,	/* attached, no op to be had for the wait: reset at once */

	WINSOCK_MIB_WOULDBLOCK,	/* answered would-block, nothing begun (N1) */
	WINSOCK_MIB_BEGUN,	/* waits begun: each ends as one of those above */
	WINSOCK_MIB_LEFT,	/* the waiting thread left (signal, kill), the close went on */
	WINSOCK_MIB_BUSY,	/* refused: another close waits on the socket */
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

/**
 * winsock_mib_inc() - count
 * @net:	the socket's network namespace
 * @field:	what
 *
 * Process context; no lock, one increment of a number of this processor's.
 */
static inline void winsock_mib_inc(struct net *net, enum winsock_mib field)
{
	const struct winsock_mib_netns *ns;

	/* net_generic(), in a section that is had for less: every close comes by. */
	preempt_disable();
	ns = rcu_dereference_sched(net->gen)->ptr[winsock_mib_id];
	__this_cpu_inc(ns->counters->values[field]);
	preempt_enable();
}

int winsock_mib_init(void);
void winsock_mib_exit(void);

#endif /* WINSOCK_MIB_H */
