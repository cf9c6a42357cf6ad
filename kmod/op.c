// SPDX-License-Identifier: GPL-2.0-only
/* The op: a lingering close that the kernel has taken on. See op.h. */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "decide.h"
#include "family.h"
#include "handle.h"
#include "netns.h"
#include "op.h"
#include "ulp.h"

/*
 * Memory of a pending close beyond its socket, its files and its place in the
 * list. Lockdep and PREEMPT_RT make locks larger.
 */
static_assert(IS_ENABLED(CONFIG_LOCKDEP) ||
	      sizeof(struct winsock_op) <=
		      (IS_ENABLED(CONFIG_PREEMPT_RT) ? 512 : 384));

/* Workers of op_relock_queue that may sleep at a time. */
#define OP_RELOCKERS	64

/*
 * A worker of winsock_op_queue never sleeps for what a user can hold: workers
 * are limited, and every deadline would wait for it.
 *
 * A thread whose send() faults on memory that never arrives (userfaultfd) holds
 * a socket's lock for ever. kTLS, ATM and IrDA drop and take that lock to end a
 * connection, and the release of kTLS waits for room to send: workers of
 * op_relock_queue do that. The last fput() takes locks that a user can hold as
 * well, see op_is_kept(): workers of op_put_queue do that, when the connection
 * has ended and the op is final.
 */
struct workqueue_struct *winsock_op_queue;
static struct workqueue_struct *op_relock_queue, *op_put_queue;
/* There may be 100,000 ops: kmalloc() would round each up to 512 bytes. */
static struct kmem_cache *op_cache;

/**
 * winsock_op_put() - drop a reference
 * @op: the op
 *
 * Process context.
 */
void winsock_op_put(struct winsock_op *op)
{
	if (!refcount_dec_and_test(&op->refs))
		return;
	/* An op that was started has gone through op_finalize(). */
	if (!op->started) {
		winsock_pending_remove(op);
		winsock_netns_uncharge(sock_net(op->sk), op->user);
	}
	put_pid(op->pid);
	sock_put(op->sk);
	kmem_cache_free(op_cache, op);
}

/**
 * winsock_op_fire() - note what has happened, for the op's worker
 * @op:		the op, pending or not
 * @what:	WINSOCK_OP_* bits
 *
 * Any context.
 *
 * Return: true for the first call with @what, if the op is not decided.
 */
bool winsock_op_fire(struct winsock_op *op, u8 what)
{
	unsigned long flags;
	bool news;

	spin_lock_irqsave(&op->lock, flags);
	news = !op->final && !(op->fired & (what | WINSOCK_OP_DECIDED));
	if (!op->fired && !op->final)
		queue_work(winsock_op_queue, &op->work);
	op->fired |= what;
	spin_unlock_irqrestore(&op->lock, flags);
	return news;
}

/*
 * While SOCK_NOSPACE is set TCP calls sk_write_space(), and so this function,
 * at every ACK. TCP clears the flag once enough of the send buffer is free, and
 * this function sets it again until all payload is acknowledged: no polling,
 * and one wake-up. The other families wake without the flag.
 */
static int op_wake(struct wait_queue_entry *entry, unsigned int mode, int sync,
		   void *key)
{
	struct winsock_op *op = container_of(entry, struct winsock_op, entry);

	if (winsock_family_settled(op->sk))
		winsock_op_fire(op, WINSOCK_OP_SETTLED);
	else
		set_bit(SOCK_NOSPACE, &op->sock->flags);
	return 0;
}

static enum hrtimer_restart op_expire(struct hrtimer *timer)
{
	winsock_op_fire(container_of(timer, struct winsock_op, timer),
			WINSOCK_OP_EXPIRED);
	return HRTIMER_NORESTART;
}

/* More was sent since the wake-up: wait on, unless another bit has fired. */
static bool op_rearm(struct winsock_op *op)
{
	bool pending;

	sock_owned_by_me(op->sk);
	set_bit(SOCK_NOSPACE, &op->sock->flags);
	spin_lock_irq(&op->lock);
	pending = !(op->fired & ~WINSOCK_OP_SETTLED);
	if (pending)
		op->fired = 0;
	spin_unlock_irq(&op->lock);
	if (pending && winsock_family_settled(op->sk))
		winsock_op_fire(op, WINSOCK_OP_SETTLED);
	return pending;
}

/* Decide as things stand now. Returns the fired bits that were considered. */
static u8 op_ask(struct winsock_op *op, struct winsock_decision *decision)
{
	u8 fired = READ_ONCE(op->fired);

	*decision = (struct winsock_decision){
		.timed		= true,
		.timeout_ns	= ktime_to_ns(ktime_sub(op->deadline,
							op->began)),
		.started	= op->began,
		.outstanding	= op->unacked,
		.record.tag	= op->record.tag,
	};
	/* An abort is the hard close, decided now. */
	if (fired & (WINSOCK_OP_ABORTED | WINSOCK_OP_FORCED))
		decision->timeout_ns = 0;
	else if (fired & WINSOCK_OP_EXPIRED)
		decision->given = WINSOCK_FACT_EXPIRED;
	winsock_decide(op->sk, decision);
	return fired;
}

/*
 * Mark as decided, so that nothing queues the op again. With @cancel: just if a
 * caller cancels, else return false; without: a cancel has come too late.
 */
static bool op_mark_decided(struct winsock_op *op, bool cancel)
{
	bool decided;

	spin_lock_irq(&op->lock);
	decided = !cancel || (op->fired & WINSOCK_OP_CANCELLED);
	if (!cancel)
		op->fired &= ~WINSOCK_OP_CANCELLED;
	if (decided)
		op->fired |= WINSOCK_OP_DECIDED;
	spin_unlock_irq(&op->lock);
	return decided;
}

/* The result of op_decide(). */
enum op_step {
	OP_WAITS,	/* the wait goes on */
	OP_RELOCKS,	/* undecided: it takes a worker that may sleep */
	OP_DECIDED,
};

/*
 * Does the file stay open when the op is final? Others hold references to it;
 * or a worker that must not sleep leaves the last fput() to op_put_queue, as
 * that takes a lock which users can hold: of an epoll or inotify that watches
 * the file, of /proc/locks for one that was ever locked, the RTNL for a member
 * of a multicast group, or other sockets' locks (SMC, sockmap). No thread can
 * add one of these without a descriptor, except a watch of inotify.
 */
static bool op_is_kept(const struct winsock_op *op, struct file *file,
		       bool may_sleep)
{
	const struct sock *sk = op->sk;
	const struct ipv6_pinfo *np = sk_is_tcp(sk) ? inet6_sk(sk) : NULL;

	if (!file || file_count(file) > 1 || may_sleep)
		return file && file_count(file) > 1;
#ifdef CONFIG_EPOLL
	if (READ_ONCE(file->f_ep))
		return true;
#endif
#ifdef CONFIG_FSNOTIFY
	if (READ_ONCE(file_inode(file)->i_fsnotify_mask))
		return true;
#endif
	return READ_ONCE(file_inode(file)->i_flctx) ||
	       file_inode(file) != SOCK_INODE(op->sock) ||
	       (np && (rcu_access_pointer(np->ipv6_mc_list) ||
		       np->ipv6_ac_list)) ||
	       (sk_is_tcp(sk) && (rcu_access_pointer(inet_sk(sk)->mc_list) ||
				  rcu_access_pointer(__sk_user_data(sk))));
}

/* Decide and carry out. The socket is locked; unlocks it. */
static enum op_step op_decide(struct winsock_op *op, bool may_sleep)
{
	struct winsock_decision decision;
	struct sock *sk = op->sk;
	enum op_step step = OP_DECIDED;
	bool others;
	u32 outcome;
	u8 fired;

	sock_owned_by_me(sk);
	do {
		fired = op_ask(op, &decision);
		/* A connection that dies later loses no more than this. */
		if (decision.verdict == WINSOCK_VERDICT_WAIT)
			op->unacked = decision.facts.unacked;
		if (op_mark_decided(op, true)) {
			winsock_report_end(sk, &decision,
					   WINSOCK_OUTCOME_CANCELLED);
			goto decided;
		}
		if (decision.verdict == WINSOCK_VERDICT_WAIT && op_rearm(op)) {
			winsock_report_verdict(sk, &decision);
			step = OP_WAITS;
			goto unlock;
		}
	} while (decision.verdict == WINSOCK_VERDICT_WAIT);

	others = op_is_kept(op, op->file, may_sleep);
	if (!may_sleep && winsock_carry_out_relocks(sk, &decision, others)) {
		step = OP_RELOCKS;
		goto unlock;
	}
	/* The release may have become another one when they are gone. */
	if (others)
		op->last = op->file;
	op_mark_decided(op, false);
	outcome = winsock_outcome(&decision);
	if (decision.verdict == WINSOCK_VERDICT_ABORT &&
	    (fired & WINSOCK_OP_FORCED))
		outcome = WINSOCK_OUTCOME_FORCED;
	winsock_report_verdict(sk, &decision);
	winsock_report_end(sk, &decision, outcome);
	winsock_carry_out(sk, &decision, others);
decided:
	op->record = decision.record;
unlock:
	release_sock(sk);
	return step;
}

/* Wake the waiters. The socket is released, or others hold it. */
static void op_tell(struct winsock_op *op)
{
	spin_lock_irq(&op->lock);
	/* Pairs with winsock_op_is_final(): the record is complete. */
	smp_store_release(&op->final, true);
	spin_unlock_irq(&op->lock);
	/* A user can make this queue long: walk it without op->lock held. */
	wake_up_poll(&op->waiters, EPOLLIN | EPOLLRDNORM);
}

/* Drop the references of the pending close: op and module. */
static void op_end(struct winsock_op *op)
{
	winsock_op_put(op);
	/* This code stays loaded: winsock_op_exit() waits for the worker. */
	module_put(THIS_MODULE);
}

static void op_put_file(struct winsock_op *op, struct file *file)
{
	/*
	 * The release must not linger. This is the last reference, so no thread
	 * can set SO_LINGER again.
	 */
	if (file_count(file) == 1) {
		spin_lock_bh(&op->sk->sk_lock.slock);
		sock_reset_flag(op->sk, SOCK_LINGER);
		spin_unlock_bh(&op->sk->sk_lock.slock);
	}
	__fput_sync(file);
}

static void op_put_work(struct work_struct *work)
{
	struct winsock_op *op = container_of(work, struct winsock_op, work);

	op_put_file(op, op->last);
	winsock_netns_uncharge(sock_net(op->sk), op->user);
	op_end(op);
}

/*
 * Drop the file, then wake the waiters, so that they find the socket closed. If
 * others keep the file, the connection has ended already: wake the waiters, and
 * let op_put_queue drop the reference. The user stays charged until that has
 * happened. A thread that has cancelled takes the reference over.
 */
static void op_finalize(struct winsock_op *op, bool may_sleep)
{
	bool cancelled = op->record.outcome == WINSOCK_OUTCOME_CANCELLED;
	struct file *file = op->file;

	winsock_orphan_remove(op);
	winsock_pending_remove(op);
	remove_wait_queue(&op->sock->wq.wait, &op->entry);
	hrtimer_cancel(&op->timer);
	clear_bit(WINSOCK_SOCK_CLOSING, &op->sock->flags);

	spin_lock_irq(&op->lock);
	op->file = NULL;
	spin_unlock_irq(&op->lock);
	if (!cancelled && (op->last || op_is_kept(op, file, may_sleep))) {
		op_tell(op);
		op->last = file;
		INIT_WORK(&op->work, op_put_work);
		queue_work(op_put_queue, &op->work);
		return;
	}
	if (!file) {
		/* The op owns the socket: close it as inet_release() does. */
		winsock_ulp_close(op->sk);
		op->sock->sk = NULL;
		sock_release(op->sock);
	} else if (!cancelled) {
		op_put_file(op, file);
	}
	winsock_netns_uncharge(sock_net(op->sk), op->user);
	op_tell(op);
	op_end(op);
}

static void op_work(struct work_struct *work);

/* Decide again: the lock was released since. */
static void op_relock_work(struct work_struct *work)
{
	struct winsock_op *op = container_of(work, struct winsock_op, work);

	/* For the next wake-up, if the op waits on. */
	INIT_WORK(&op->work, op_work);
	lock_sock(op->sk);
	if (op_decide(op, true) == OP_DECIDED)
		op_finalize(op, true);
}

static void op_work(struct work_struct *work)
{
	struct winsock_op *op = container_of(work, struct winsock_op, work);
	enum op_step step;

	if (!lock_sock_or_queue(op->sk, &op->turn))
		return;
	step = op_decide(op, false);
	if (step == OP_RELOCKS) {
		INIT_WORK(&op->work, op_relock_work);
		queue_work(op_relock_queue, &op->work);
	} else if (step == OP_DECIDED) {
		op_finalize(op, false);
	}
}

/* The wake function of @turn: the socket's lock is free. */
static int op_turn(struct wait_queue_entry *entry, unsigned int mode, int sync,
		   void *key)
{
	struct winsock_op *op = container_of(entry, struct winsock_op, turn);

	list_del_init(&entry->entry);
	queue_work(winsock_op_queue, &op->work);
	return 0;
}

/**
 * winsock_op_alloc() - prepare an op
 * @sk:		the connection
 * @sock:	its socket, or the one that it will have when the op is started
 * @file:	the socket's file, referenced until the op is final; or NULL:
 *		then an op that is started owns @sk and @sock, and releases them
 * @began:	when the close began
 * @timeout_ns:	linger time from @began
 * @tag:	the caller's mark
 *
 * Charges the socket's user.
 *
 * Return: an op with one reference, the caller's, or ERR_PTR: -ENOMEM, -ENOSPC
 * if the user has as many pending as net.winsock.ops_max allows.
 */
struct winsock_op *winsock_op_alloc(struct sock *sk, struct socket *sock,
				    struct file *file, ktime_t began,
				    u64 timeout_ns, u64 tag)
{
	struct winsock_op *op = kmem_cache_zalloc(op_cache, GFP_KERNEL);
	int err = -ENOMEM;

	if (!op)
		goto count;
	op->user = READ_ONCE(sk->sk_uid);
	err = winsock_netns_charge(sock_net(sk), op->user);
	if (err)
		goto free;
	op->sk = sk;
	op->sock = sock;
	op->file = file;
	op->began = began;
	op->deadline = KTIME_MAX;
	if (timeout_ns < KTIME_MAX)
		op->deadline = ktime_add_safe(began, ns_to_ktime(timeout_ns));
	op->record.tag = tag;
	refcount_set(&op->refs, 1);
	spin_lock_init(&op->lock);
	init_waitqueue_func_entry(&op->entry, op_wake);
	init_waitqueue_func_entry(&op->turn, op_turn);
	INIT_LIST_HEAD(&op->turn.entry);
	init_waitqueue_head(&op->waiters);
	INIT_WORK(&op->work, op_work);
	INIT_LIST_HEAD(&op->orphans);
	hrtimer_setup(&op->timer, op_expire, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_SOFT);
	strscpy(op->comm, current->comm, sizeof(op->comm));
	op->pid = get_task_pid(current, PIDTYPE_TGID);
	err = winsock_pending_add(op);
	if (err)
		goto put_pid;
	sock_hold(sk);
	return op;

put_pid:
	put_pid(op->pid);
	winsock_netns_uncharge(sock_net(sk), op->user);
free:
	kmem_cache_free(op_cache, op);
count:
	winsock_mib_inc(sock_net(sk), err == -ENOSPC ? WINSOCK_MIB_LIMIT :
						       WINSOCK_MIB_NOMEM);
	return ERR_PTR(err);
}

/**
 * winsock_op_start() - begin the wait
 * @op:		an op that was not started
 * @unacked:	payload outstanding at the decision to wait
 *
 * The socket has been locked since the decision to wait, so no acknowledgement
 * slips in between. No other op waits on the socket.
 */
void winsock_op_start(struct winsock_op *op, u32 unacked)
{
	sock_owned_by_me(op->sk);
	set_bit(WINSOCK_SOCK_CLOSING, &op->sock->flags);
	/* The pending close holds the op, the file and the module. */
	refcount_inc(&op->refs);
	if (op->file)
		get_file(op->file);
	__module_get(THIS_MODULE);
	op->unacked = unacked;
	WRITE_ONCE(op->started, true);
	winsock_mib_inc(sock_net(op->sk), WINSOCK_MIB_BEGUN);
	if (op->deadline != KTIME_MAX)
		hrtimer_start(&op->timer, op->deadline, HRTIMER_MODE_ABS_SOFT);
	add_wait_queue(&op->sock->wq.wait, &op->entry);
	/* Pairs with skwq_has_sleeper(): TCP frees packets, then looks. */
	smp_mb();
	/* Set SOCK_NOSPACE, or fire if the last packet has just gone. */
	op_wake(&op->entry, 0, 0, NULL);
}

/*
 * Take back the cancel of a killed caller, which cannot take the reference to
 * the file over. Returns false if it is decided, and so about to end.
 */
static bool op_withdraw(struct winsock_op *op)
{
	bool withdrawn;

	spin_lock_irq(&op->lock);
	withdrawn = ~op->fired & (WINSOCK_OP_CANCELLED | WINSOCK_OP_DECIDED);
	/*
	 * The worker is queued, so @fired must not become 0, or the next bit
	 * would queue it again. By SETTLED it looks, and if need be waits on.
	 */
	if (withdrawn)
		op->fired = (op->fired & ~WINSOCK_OP_CANCELLED) |
			    WINSOCK_OP_SETTLED;
	spin_unlock_irq(&op->lock);
	return withdrawn;
}

/**
 * winsock_op_demand() - end the op, and wait until it is final
 * @op:		the op
 * @what:	WINSOCK_OP_ABORTED or WINSOCK_OP_CANCELLED
 * @outcome:	the outcome that this leads to
 *
 * The op ends as soon as the socket's lock is free. A caller that cancels it
 * takes over the op's reference to the file.
 *
 * Return: 0 for the first of several callers, if the op ended that way, else
 * -EALREADY; -EINTR if the caller is killed.
 */
int winsock_op_demand(struct winsock_op *op, u8 what, u32 outcome)
{
	/* With DROP_FD threads reach an op before it starts: close_begin(). */
	if (!READ_ONCE(op->started)) {
		if (lock_sock_killable(op->sk, MAX_SCHEDULE_TIMEOUT))
			return -EINTR;
		release_sock(op->sk);
	}
	if (!winsock_op_fire(op, what))
		return -EALREADY;
	if (wait_event_killable(op->waiters, winsock_op_is_final(op))) {
		if (what != WINSOCK_OP_CANCELLED || op_withdraw(op))
			return -EINTR;
		wait_event(op->waiters, winsock_op_is_final(op));
	}
	return op->record.outcome == outcome ? 0 : -EALREADY;
}

/**
 * winsock_op_shorten() - decide an op at @latest, if not before
 * @op:		a started op
 * @latest:	monotonic
 */
void winsock_op_shorten(struct winsock_op *op, ktime_t latest)
{
	spin_lock_irq(&op->lock);
	if (!op->final && ktime_after(op->deadline, latest)) {
		WRITE_ONCE(op->deadline, latest);
		hrtimer_start(&op->timer, latest, HRTIMER_MODE_ABS_SOFT);
	}
	spin_unlock_irq(&op->lock);
}

int winsock_op_init(void)
{
	op_cache = KMEM_CACHE(winsock_op, SLAB_ACCOUNT);
	if (!op_cache)
		return -ENOMEM;
	winsock_op_queue = alloc_workqueue("winsock", WQ_UNBOUND, 0);
	if (!winsock_op_queue)
		goto destroy_cache;
	op_relock_queue = alloc_workqueue("winsock_relock", WQ_UNBOUND,
					  OP_RELOCKERS);
	if (!op_relock_queue)
		goto destroy_queue;
	op_put_queue = alloc_workqueue("winsock_put", WQ_UNBOUND, 0);
	if (!op_put_queue)
		goto destroy_relock_queue;
	return 0;

destroy_relock_queue:
	destroy_workqueue(op_relock_queue);
destroy_queue:
	destroy_workqueue(winsock_op_queue);
destroy_cache:
	kmem_cache_destroy(op_cache);
	return -ENOMEM;
}

void winsock_op_exit(void)
{
	/* In this order: each queues on the next. */
	destroy_workqueue(winsock_op_queue);
	destroy_workqueue(op_relock_queue);
	destroy_workqueue(op_put_queue);
	kmem_cache_destroy(op_cache);
}
