// SPDX-License-Identifier: GPL-2.0-only
/*
 * Orphans: pending closes that no descriptor names and no thread waits for.
 * Only the administrator can reach them (ABORT_ID), so the limits of TCP's own
 * orphans apply: one too many is reset, and so is one with memory queued beyond
 * tcp_mem's third limit; TCP_USER_TIMEOUT ends one without progress; the
 * deadline ends it in any case.
 *
 * A detached close whose socket other descriptors hold is not an orphan yet.
 * One coarse timer, shared by all of these, looks whether it is one now.
 */
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/proto_memory.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "compat/tcp.h"
#include "netns.h"
#include "op.h"

#define ORPHAN_TICK		(HZ / 10)	/* as TCP checks its own */
#define ORPHAN_BATCH		512		/* of each list, per round */
#define ORPHAN_USER_TIMEOUT_MS	100000U		/* as TCP gives its own */
#define ORPHAN_LINGER_MAX_S	65535		/* Winsock's longest (O19) */

/*
 * Guards the lists and each op's owner. Process context; op->lock nests in it.
 */
static DEFINE_SPINLOCK(orphan_lock);
static LIST_HEAD(orphan_list);
static LIST_HEAD(orphan_held);

static unsigned int orphan_max;
module_param_named(orphans_max, orphan_max, uint, 0644);
MODULE_PARM_DESC(orphans_max, "pending closes that no descriptor names");

static void orphan_tick(struct work_struct *work);
static DECLARE_DELAYED_WORK(orphan_work, orphan_tick);

/* TCP gives a connection up after this time without progress. */
static void orphan_limit_time(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	u32 timeout = READ_ONCE(icsk->icsk_user_timeout);

	if (!timeout || timeout > ORPHAN_USER_TIMEOUT_MS)
		WRITE_ONCE(icsk->icsk_user_timeout, ORPHAN_USER_TIMEOUT_MS);
}

/* Is a held op an orphan now? */
static void orphan_look(struct winsock_op *op)
{
	lockdep_assert_held(&orphan_lock);
	/* With the op's reference alone no process can reach the file. */
	if (op->file && file_count(op->file) > 1)
		return;
	op->owner = WINSOCK_OP_ORPHAN;
	list_move_tail(&op->orphans, &orphan_list);
	if (sk_is_tcp(op->sk)) {
		tcp_orphan_count_inc();
		orphan_limit_time(op->sk);
	}
	WRITE_ONCE(winsock_mib_orphans, winsock_mib_orphans + 1);
	/* As TCP does, reset the one that is too many. */
	if (winsock_mib_orphans > READ_ONCE(orphan_max))
		winsock_op_fire(op, WINSOCK_OP_FORCED);
}

/**
 * winsock_orphan_add() - no descriptor names the op, and no thread waits for it
 * @op: the op, started
 *
 * Process context.
 */
void winsock_orphan_add(struct winsock_op *op)
{
	ktime_t latest = ktime_add_ns(ktime_get(),
				      (u64)ORPHAN_LINGER_MAX_S * NSEC_PER_SEC);

	spin_lock(&orphan_lock);
	if (op->owner == WINSOCK_OP_OWNED) {
		op->owner = WINSOCK_OP_HELD;
		list_add_tail(&op->orphans, &orphan_held);
		winsock_op_shorten(op, latest);
		orphan_look(op);
		queue_delayed_work(winsock_op_queue, &orphan_work, ORPHAN_TICK);
	}
	spin_unlock(&orphan_lock);
}

/**
 * winsock_orphan_remove() - an op has ended
 * @op: the op, an orphan or not; it does not become one any more
 *
 * Process context, before the op releases the socket: from then on TCP counts
 * what its own close leaves.
 */
void winsock_orphan_remove(struct winsock_op *op)
{
	spin_lock(&orphan_lock);
	if (op->owner == WINSOCK_OP_ORPHAN) {
		if (sk_is_tcp(op->sk))
			tcp_orphan_count_dec();
		WRITE_ONCE(winsock_mib_orphans, winsock_mib_orphans - 1);
	}
	op->owner = WINSOCK_OP_ENDED;
	list_del_init(&op->orphans);
	spin_unlock(&orphan_lock);
}

/*
 * As tcp_out_of_memory() does, by the socket's own operations. Unlike TCP's
 * orphans, ours still receive: received data counts, too.
 */
static void orphan_check(struct winsock_op *op)
{
	struct sock *sk = op->sk;

	if (sk_is_tcp(sk) &&
	    sk->sk_wmem_queued + sk_rmem_alloc_get(sk) > SOCK_MIN_SNDBUF &&
	    sk_memory_allocated(sk) > sk_prot_mem_limits(sk, 2))
		winsock_op_fire(op, WINSOCK_OP_FORCED);
}

/* Users set the length of a list: a round looks at no more than a batch. */
static void orphan_each(struct list_head *list,
			void (*look)(struct winsock_op *op))
{
	unsigned int left = ORPHAN_BATCH;
	struct winsock_op *op, *next;

	list_for_each_entry_safe(op, next, list, orphans) {
		if (!left--) {
			list_rotate_to_front(&op->orphans, list);
			break;
		}
		look(op);
	}
}

static void orphan_tick(struct work_struct *work)
{
	spin_lock(&orphan_lock);
	orphan_each(&orphan_list, orphan_check);
	orphan_each(&orphan_held, orphan_look);
	if (!list_empty(&orphan_list) || !list_empty(&orphan_held))
		queue_delayed_work(winsock_op_queue, &orphan_work, ORPHAN_TICK);
	spin_unlock(&orphan_lock);
}

/* As tcp_max_orphans: half of TCP's buckets, one bucket per 128 KiB. */
void winsock_orphan_init(void)
{
	if (!orphan_max)
		orphan_max = clamp(totalram_pages() >> (18 - PAGE_SHIFT), 64UL,
				   262144UL);
}

void winsock_orphan_exit(void)
{
	/* No op is left, so orphan_tick() does not queue itself again. */
	cancel_delayed_work_sync(&orphan_work);
}
