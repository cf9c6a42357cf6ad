// SPDX-License-Identifier: GPL-2.0-only
/* The op: a lingering close that the kernel has taken on. See op.h. */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "facts.h"
#include "family.h"
#include "netns.h"
#include "op.h"
#include "opfile.h"
#include "pending.h"
#include "policy.h"
#include "report.h"
#include "turn.h"

/*
 * What a pending close costs beyond its socket and file, but for its place in the list.
 * Locks that are checked are larger.
 */
static_assert(IS_ENABLED(CONFIG_LOCKDEP) || sizeof(struct winsock_op) <= 384);

/*
 * A worker that decides does not sleep for a socket's lock: whoever holds it, inside a call
 * on memory that is never there, would hold up everybody's deadlines, as workers are
 * limited. Families whose steps let the lock go and take it again have a queue of their own.
 */
static struct workqueue_struct *op_workqueue, *op_relock_workqueue;
/* There may be 100,000: kmalloc() would round each up to 512 bytes. */
static struct kmem_cache *op_cache;

void winsock_op_put(struct winsock_op *op)
{
	if (!refcount_dec_and_test(&op->refs))
		return;
	/* Never started, or gone through op_finalize(). */
	winsock_pending_remove(op);
	if (op->charged)
		winsock_netns_uncharge(sock_net(op->sk), op->owner);
	put_pid(op->pid);
	sock_put(op->sk);
	kmem_cache_free(op_cache, op);
}

bool winsock_op_fire(struct winsock_op *op, u8 what)
{
	unsigned long flags;
	bool pending, news;

	spin_lock_irqsave(&op->lock, flags);
	pending = !op->fired;
	news = !op->final && !(op->fired & what);
	op->fired |= what;
	if (pending) {
		op->by_waiter = op->attached;
		if (op->by_waiter)
			wake_up(&op->waiters);
		else
			queue_work(op_workqueue, &op->work);
	}
	spin_unlock_irqrestore(&op->lock, flags);
	return news;
}

/*
 * Every ACK comes by here while SOCK_NOSPACE is set: TCP looks at that flag to
 * see whether anybody cares, and clears it when half of the buffer is free. So it
 * is set again until nothing is left. No polling, and one wake-up per op. The other
 * families wake without it.
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
	struct winsock_op *op = container_of(timer, struct winsock_op, timer);

	winsock_op_fire(op, WINSOCK_OP_EXPIRED);
	return HRTIMER_NORESTART;
}

static void op_set_timer(struct winsock_op *op)
{
	ktime_t expires = READ_ONCE(op->deadline);

	if (expires != KTIME_MAX)
		hrtimer_start(&op->timer, expires, HRTIMER_MODE_ABS);
}

/*
 * Not every family frees packets under the socket's lock: the last may have gone
 * before its wake-up could find the op waiting.
 */
static void op_check_settled(struct winsock_op *op)
{
	/* Pairs with the barrier between freeing and waking, in skwq_has_sleeper(). */
	smp_mb();
	if (winsock_family_settled(op->sk))
		winsock_op_fire(op, WINSOCK_OP_SETTLED);
}

/* A false alarm: more was sent. Wait on, unless something else has fired. */
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
	if (!pending)
		return false;
	/* It is set already, unless the op was abandoned meanwhile. */
	op_set_timer(op);
	op_check_settled(op);
	return true;
}

/* What the op's facts are worth now; @fired as of this look. */
static enum winsock_verdict op_verdict(const struct winsock_facts *facts, u8 fired,
				       u32 *facts_bits)
{
	u32 bits = WINSOCK_FACT_LINGER | winsock_facts_bits(facts);

	/* An abort is the hard close, decided now. */
	if (!(fired & WINSOCK_OP_ABORTED))
		bits |= WINSOCK_FACT_TIMED;
	if (fired & WINSOCK_OP_EXPIRED)
		bits |= WINSOCK_FACT_EXPIRED;
	*facts_bits = bits;
	return winsock_policy_verdict(bits);
}

static void op_note(struct winsock_op *op, const struct winsock_facts *facts,
		    u32 outcome)
{
	op->record.outcome = outcome;
	op->record.state = facts->state;
	op->record.error = facts->error;
	op->record.elapsed = ktime_sub(ktime_get(), op->started);
	op->record.unacked = facts->dead ? min(op->unacked, facts->lost) : facts->unacked;
	winsock_report_outcome(op->sk, outcome, facts, op->record.unacked,
			       ktime_to_ns(op->record.elapsed), op->record.tag);
	winsock_pending_remove(op);
}

static void op_report(const struct winsock_op *op, const struct winsock_facts *facts,
		      u32 bits, enum winsock_verdict verdict)
{
	winsock_report_verdict(op->sk, facts, bits, verdict,
			       ktime_to_ns(ktime_sub(op->deadline, op->started)),
			       op->record.tag);
}

/* What has become of an op that was looked at. */
enum op_step {
	OP_WAITS,	/* on */
	OP_RELOCKS,	/* nothing yet: to carry the verdict out takes a thread that may sleep */
	OP_DECIDED,
};

/* Others hold the socket, or sit in a call: a worker ends it for them. A waiter does later. */
static bool op_is_shared(const struct winsock_op *op)
{
	return !op->by_waiter && op->file && file_count(op->file) > 1;
}

/* Look at the socket, which is locked, and carry the verdict out; then it is unlocked. */
static enum op_step op_decide(struct winsock_op *op, bool may_sleep)
{
	enum winsock_verdict verdict;
	struct winsock_facts facts;
	struct sock *sk = op->sk;
	bool reset, shared;
	u32 bits, outcome;
	u8 fired;

	sock_owned_by_me(sk);
	do {
		winsock_family_snapshot(sk, &facts);
		fired = READ_ONCE(op->fired);
		if (fired & WINSOCK_OP_CANCELLED) {
			op_note(op, &facts, WINSOCK_OUTCOME_CANCELLED);
			release_sock(sk);
			return OP_DECIDED;
		}
		verdict = op_verdict(&facts, fired, &bits);
		if (verdict == WINSOCK_VERDICT_WAIT && op_rearm(op)) {
			op_report(op, &facts, bits, verdict);
			op->unacked = facts.unacked;
			release_sock(sk);
			return OP_WAITS;
		}
	} while (verdict == WINSOCK_VERDICT_WAIT);

	if (verdict != WINSOCK_VERDICT_ABORT)
		outcome = winsock_facts_outcome(&facts);
	else if (fired & WINSOCK_OP_ABORTED)
		outcome = WINSOCK_OUTCOME_REQUEST;
	else
		outcome = WINSOCK_OUTCOME_DEADLINE;
	reset = verdict == WINSOCK_VERDICT_ABORT || outcome == WINSOCK_OUTCOME_UNREAD;
	shared = winsock_op_released(outcome) && op_is_shared(op);
	if (!may_sleep && (verdict == WINSOCK_VERDICT_ABORT || shared) &&
	    winsock_family_relocks(sk, reset)) {
		release_sock(sk);
		return OP_RELOCKS;
	}

	op_report(op, &facts, bits, verdict);
	op_note(op, &facts, outcome);

	/* Decided. The last release of the file must not linger once more. */
	sock_reset_flag(sk, SOCK_LINGER);
	if (verdict == WINSOCK_VERDICT_ABORT)
		winsock_family_reset(sk);
	else if (shared)
		winsock_family_disconnect(sk, reset);
	release_sock(sk);
	return OP_DECIDED;
}

/* Nobody but the op has this socket: close the connection as the last release does. */
static void op_close(struct winsock_op *op)
{
	op->sk->sk_prot->close(op->sk, 0);
	op->sock->sk = NULL;
	sock_release(op->sock);
}

static void op_finalize(struct winsock_op *op)
{
	struct file *file = op->file;

	remove_wait_queue(&op->sock->wq.wait, &op->entry);
	hrtimer_cancel(&op->timer);
	winsock_netns_uncharge(sock_net(op->sk), op->owner);
	op->charged = false;

	spin_lock_irq(&op->lock);
	op->file = NULL;
	spin_unlock_irq(&op->lock);
	/* With a waiter the caller of the close lets the last reference go. */
	if (!file)
		op_close(op);
	else if (op->by_waiter)
		fput(file);
	else
		/* Whoever is woken finds it gone. */
		__fput_sync(file);

	spin_lock_irq(&op->lock);
	/* Pairs with winsock_op_is_final(): the record is complete. */
	smp_store_release(&op->final, true);
	wake_up_poll(&op->waiters, EPOLLIN | EPOLLRDNORM);
	spin_unlock_irq(&op->lock);
	winsock_op_put(op);
}

static void op_end(struct winsock_op *op)
{
	op_finalize(op);
	/* In a worker: winsock_op_exit() waits for its function to return. */
	module_put(THIS_MODULE);
}

bool winsock_op_finish(struct winsock_op *op)
{
	lock_sock(op->sk);
	if (op_decide(op, true) != OP_DECIDED)
		return false;
	op_end(op);
	return true;
}

static void op_work(struct work_struct *work);

/* Looks again, as the lock was gone meanwhile. */
static void op_relock_work(struct work_struct *work)
{
	struct winsock_op *op = container_of(work, struct winsock_op, work);

	/* What fires next, if it has to wait on. */
	INIT_WORK(&op->work, op_work);
	winsock_op_finish(op);
}

static void op_work(struct work_struct *work)
{
	struct winsock_op *op = container_of(work, struct winsock_op, work);
	enum op_step step;

	if (!winsock_turn_take(op->sk, &op->turn))
		return;
	step = op_decide(op, false);
	if (step == OP_RELOCKS) {
		INIT_WORK(&op->work, op_relock_work);
		queue_work(op_relock_workqueue, &op->work);
	} else if (step == OP_DECIDED) {
		op_end(op);
	}
}

/* The socket's lock is free. */
static void op_turn(struct winsock_turn *turn)
{
	queue_work(op_workqueue, &container_of(turn, struct winsock_op, turn)->work);
}

static struct winsock_op *op_alloc(struct sock *sk, struct socket *sock, struct file *file,
				   ktime_t started, u64 timeout_ns, u64 tag)
{
	struct winsock_op *op = kmem_cache_zalloc(op_cache, GFP_KERNEL);
	int err;

	if (!op)
		return ERR_PTR(-ENOMEM);
	op->owner = current_uid();
	err = winsock_netns_charge(sock_net(sk), op->owner);
	if (err)
		goto free;
	op->charged = true;
	op->sk = sk;
	err = winsock_pending_reserve(op);
	if (err)
		goto uncharge;
	refcount_set(&op->refs, 1);
	spin_lock_init(&op->lock);
	init_waitqueue_func_entry(&op->entry, op_wake);
	winsock_turn_init(&op->turn, op_turn);
	init_waitqueue_head(&op->waiters);
	INIT_WORK(&op->work, op_work);
	hrtimer_setup(&op->timer, op_expire, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	strscpy(op->comm, current->comm, sizeof(op->comm));
	op->pid = get_task_pid(current, PIDTYPE_TGID);
	op->file = file;
	op->sock = sock;
	op->started = started;
	op->record.tag = tag;
	op->deadline = KTIME_MAX;
	if (timeout_ns < KTIME_MAX)
		op->deadline = ktime_add_safe(started, ns_to_ktime(timeout_ns));
	sock_hold(sk);
	return op;

uncharge:
	winsock_netns_uncharge(sock_net(sk), op->owner);
free:
	kmem_cache_free(op_cache, op);
	return ERR_PTR(err);
}

struct winsock_op *winsock_op_alloc(struct sock *sk, struct socket *sock,
				    struct file *file, ktime_t started,
				    u64 timeout_ns, u64 tag)
{
	struct winsock_op *op = op_alloc(sk, sock, file, started, timeout_ns, tag);

	if (IS_ERR(op))
		winsock_mib_inc(sock_net(sk), PTR_ERR(op) == -ENOSPC ? WINSOCK_MIB_LIMIT
								    : WINSOCK_MIB_NOMEM);
	return op;
}

static bool op_queue_busy(struct wait_queue_head *head)
{
	struct wait_queue_entry *entry;

	lockdep_assert_held(&head->lock);
	list_for_each_entry(entry, &head->head, entry)
		if (entry->func == op_wake)
			return true;
	return false;
}

bool winsock_op_queued(struct socket *sock)
{
	struct wait_queue_head *head = &sock->wq.wait;
	bool busy;

	spin_lock_irq(&head->lock);
	busy = op_queue_busy(head);
	spin_unlock_irq(&head->lock);
	return busy;
}

int winsock_op_start(struct winsock_op *op, u32 unacked, bool attached)
{
	struct wait_queue_head *head = &op->sock->wq.wait;

	sock_owned_by_me(op->sk);
	spin_lock_irq(&head->lock);
	if (op_queue_busy(head)) {
		spin_unlock_irq(&head->lock);
		return -EBUSY;
	}
	/* The pending close's own references: op, file, module text. */
	refcount_inc(&op->refs);
	if (op->file)
		get_file(op->file);
	__module_get(THIS_MODULE);
	op->attached = attached;
	op->unacked = unacked;
	__add_wait_queue(head, &op->entry);
	spin_unlock_irq(&head->lock);

	winsock_mib_inc(sock_net(op->sk), WINSOCK_MIB_BEGUN);
	winsock_pending_add(op);
	set_bit(SOCK_NOSPACE, &op->sock->flags);
	op_set_timer(op);
	op_check_settled(op);
	return 0;
}

int winsock_op_init(void)
{
	op_cache = KMEM_CACHE(winsock_op, SLAB_ACCOUNT);
	if (!op_cache)
		return -ENOMEM;
	op_workqueue = alloc_workqueue("winsock", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!op_workqueue)
		goto destroy_cache;
	op_relock_workqueue = alloc_workqueue("winsock_relock", WQ_UNBOUND, 0);
	if (!op_relock_workqueue)
		goto destroy_workqueue;
	return 0;

destroy_workqueue:
	destroy_workqueue(op_workqueue);
destroy_cache:
	kmem_cache_destroy(op_cache);
	return -ENOMEM;
}

void winsock_op_exit(void)
{
	/* In this order: the one queues on the other. */
	destroy_workqueue(op_workqueue);
	destroy_workqueue(op_relock_workqueue);
	kmem_cache_destroy(op_cache);
}
