// SPDX-License-Identifier: GPL-2.0-only
/* The op: a lingering close that the kernel has taken on. See op.h. */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "handle.h"
#include "op.h"
#include "policy.h"
#include "tcp.h"

/* What has happened to a pending op. */
#define OP_SETTLED	(1U << 0)	/* payload acknowledged, or connection gone */
#define OP_EXPIRED	(1U << 1)	/* the deadline has passed */

/**
 * struct winsock_op - one lingering close
 * @refs:	lifetime
 * @lock:	guards @fired, @attached, @by_waiter, @final. Innermost but for
 *		@waiters.lock: taken with the socket's wait-queue lock held, and
 *		from the timer, so always with interrupts off
 * @fired:	OP_* bits; 0 while pending
 * @attached:	a thread waits and will carry out what fires from now on
 * @by_waiter:	who carries out what has fired: the attached thread or the work
 * @final:	@record is valid, the file is let go
 * @file:	the socket's file; ours until @final
 * @sk:		the socket; ours until the op is freed, which makes comparing the
 *		pointer safe after the file is gone
 * @entry:	on the socket's wait queue while pending; that queue is also how a
 *		second close finds the first
 * @timer:	the deadline, monotonic and absolute
 * @work:	carries out what fired without a waiting thread
 * @waiters:	the waiting thread
 * @started:	when the close began
 * @deadline:	when it is decided at the latest; KTIME_MAX is never
 * @unacked:	payload outstanding when the wait was last looked at
 * @record:	the outcome
 */
struct winsock_op {
	refcount_t refs;
	spinlock_t lock;
	u8 fired;
	bool attached;
	bool by_waiter;
	bool final;
	struct file *file;
	struct sock *sk;
	struct wait_queue_entry entry;
	struct hrtimer timer;
	struct work_struct work;
	struct wait_queue_head waiters;
	ktime_t started;
	ktime_t deadline;
	u32 unacked;
	struct winsock_op_record record;
};

static struct workqueue_struct *op_workqueue;

void winsock_op_put(struct winsock_op *op)
{
	if (!refcount_dec_and_test(&op->refs))
		return;
	sock_put(op->sk);
	kfree(op);
}

static void op_fire(struct winsock_op *op, u8 what)
{
	unsigned long flags;

	spin_lock_irqsave(&op->lock, flags);
	if (!op->fired) {
		op->by_waiter = op->attached;
		if (op->by_waiter)
			wake_up(&op->waiters);
		else
			queue_work(op_workqueue, &op->work);
	}
	op->fired |= what;
	spin_unlock_irqrestore(&op->lock, flags);
}

/*
 * Every ACK comes by here while SOCK_NOSPACE is set: TCP looks at that flag to
 * see whether anybody cares, and clears it when half of the buffer is free. So it
 * is set again until nothing is left. No polling, and one wake-up per op.
 */
static int op_wake(struct wait_queue_entry *entry, unsigned int mode, int sync,
		   void *key)
{
	struct winsock_op *op = container_of(entry, struct winsock_op, entry);

	if (winsock_tcp_settled(op->sk))
		op_fire(op, OP_SETTLED);
	else
		set_bit(SOCK_NOSPACE, &op->sk->sk_socket->flags);
	return 0;
}

static enum hrtimer_restart op_expire(struct hrtimer *timer)
{
	op_fire(container_of(timer, struct winsock_op, timer), OP_EXPIRED);
	return HRTIMER_NORESTART;
}

/*
 * Nothing that fired is enough: wait on. False if the deadline has passed since,
 * or the last byte was acknowledged; both are looked at under the socket lock.
 */
static bool op_rearm(struct winsock_op *op)
{
	bool pending;

	sock_owned_by_me(op->sk);
	set_bit(SOCK_NOSPACE, &op->sk->sk_socket->flags);
	spin_lock_irq(&op->lock);
	pending = !(op->fired & OP_EXPIRED);
	if (pending)
		op->fired = 0;
	spin_unlock_irq(&op->lock);
	return pending;
}

/* Look at the socket and carry the verdict out. False: it is to wait on. */
static bool op_decide(struct winsock_op *op)
{
	enum winsock_verdict verdict;
	struct winsock_tcp_facts facts;
	struct sock *sk = op->sk;
	u32 bits;

	lock_sock(sk);
	do {
		bits = WINSOCK_FACT_LINGER | WINSOCK_FACT_TIMED;
		winsock_tcp_snapshot(sk, &facts);
		if (facts.unacked)
			bits |= WINSOCK_FACT_UNACKED;
		if (READ_ONCE(op->fired) & OP_EXPIRED)
			bits |= WINSOCK_FACT_EXPIRED;
		verdict = winsock_policy_verdict(bits);
		if (verdict == WINSOCK_VERDICT_WAIT && op_rearm(op)) {
			op->unacked = facts.unacked;
			release_sock(sk);
			return false;
		}
	} while (verdict == WINSOCK_VERDICT_WAIT);

	op->record.outcome = WINSOCK_OUTCOME_DEADLINE;
	if (verdict != WINSOCK_VERDICT_ABORT)
		op->record.outcome = winsock_tcp_outcome(&facts);
	op->record.state = facts.state;
	op->record.error = facts.error;
	op->record.elapsed = ktime_sub(ktime_get(), op->started);
	op->record.unacked = facts.dead ? min(op->unacked, facts.lost) : facts.unacked;

	/* Decided. The last release of the file must not linger once more. */
	sock_reset_flag(sk, SOCK_LINGER);
	if (verdict == WINSOCK_VERDICT_ABORT)
		winsock_tcp_reset(sk);
	release_sock(sk);
	return true;
}

static void op_finalize(struct winsock_op *op)
{
	struct file *file = op->file;

	remove_wait_queue(&sock_from_file(file)->wq.wait, &op->entry);
	hrtimer_cancel(&op->timer);
	op->file = NULL;
	/* With a waiter the caller of the close lets the last reference go. */
	if (op->by_waiter) {
		fput(file);
	} else {
		if (file_count(file) > 1)
			winsock_op_disconnect(sock_from_file(file),
					      op->record.outcome == WINSOCK_OUTCOME_UNREAD);
		__fput_sync(file);
	}

	spin_lock_irq(&op->lock);
	/* Pairs with op_is_final(): the record is complete. */
	smp_store_release(&op->final, true);
	wake_up(&op->waiters);
	spin_unlock_irq(&op->lock);
	winsock_op_put(op);
}

static void op_work(struct work_struct *work)
{
	struct winsock_op *op = container_of(work, struct winsock_op, work);

	if (!op_decide(op))
		return;
	op_finalize(op);
	/* winsock_op_exit() waits for this function to return. */
	module_put(THIS_MODULE);
}

static int op_release(struct inode *inode, struct file *file)
{
	winsock_op_put(file->private_data);
	return 0;
}

static const struct file_operations op_fops = {
	.owner		= THIS_MODULE,
	.release	= op_release,
	.llseek		= noop_llseek,
};

struct winsock_op *winsock_op_alloc(struct file *file, ktime_t started,
				    u64 timeout_ns)
{
	struct winsock_op *op = kzalloc(sizeof(*op), GFP_KERNEL_ACCOUNT);

	if (!op)
		return NULL;
	refcount_set(&op->refs, 1);
	spin_lock_init(&op->lock);
	init_waitqueue_func_entry(&op->entry, op_wake);
	init_waitqueue_head(&op->waiters);
	INIT_WORK(&op->work, op_work);
	hrtimer_setup(&op->timer, op_expire, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	op->file = file;
	op->sk = sock_from_file(file)->sk;
	op->started = started;
	op->deadline = KTIME_MAX;
	if (timeout_ns < KTIME_MAX)
		op->deadline = ktime_add_safe(started, ns_to_ktime(timeout_ns));
	sock_hold(op->sk);
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

bool winsock_op_busy(struct socket *sock)
{
	struct wait_queue_head *head = &sock->wq.wait;
	bool busy;

	if (!waitqueue_active(head))
		return false;
	spin_lock_irq(&head->lock);
	busy = op_queue_busy(head);
	spin_unlock_irq(&head->lock);
	return busy;
}

int winsock_op_start(struct winsock_op *op, u32 unacked)
{
	struct socket *sock = sock_from_file(op->file);
	struct wait_queue_head *head = &sock->wq.wait;

	sock_owned_by_me(op->sk);
	spin_lock_irq(&head->lock);
	if (op_queue_busy(head)) {
		spin_unlock_irq(&head->lock);
		return -EBUSY;
	}
	/* The pending close's own references: op, file, module text. */
	refcount_inc(&op->refs);
	get_file(op->file);
	__module_get(THIS_MODULE);
	op->attached = true;
	op->unacked = unacked;
	__add_wait_queue(head, &op->entry);
	spin_unlock_irq(&head->lock);

	set_bit(SOCK_NOSPACE, &sock->flags);
	if (op->deadline != KTIME_MAX)
		hrtimer_start(&op->timer, op->deadline, HRTIMER_MODE_ABS);
	return 0;
}

static bool op_is_final(const struct winsock_op *op)
{
	return smp_load_acquire(&op->final);
}

static bool op_ready(const struct winsock_op *op)
{
	return op_is_final(op) ||
	       (READ_ONCE(op->fired) && READ_ONCE(op->by_waiter));
}

/* Leave the wait. False if something fired first: then it is ours to finish. */
static bool op_detach(struct winsock_op *op)
{
	bool detached;

	spin_lock_irq(&op->lock);
	detached = !op_ready(op);
	if (detached)
		op->attached = false;
	spin_unlock_irq(&op->lock);
	return detached;
}

/* Give the op a descriptor of its own. False: no memory or descriptor for it. */
static bool op_publish(struct winsock_op *op, s32 __user *op_fd)
{
	struct file *file;
	s32 old;
	int fd;

	/* A resumed wait has one already. */
	if (get_user(old, op_fd))
		return false;
	if (old >= 0)
		return true;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return false;
	refcount_inc(&op->refs);
	file = anon_inode_getfile("[winsock]", &op_fops, op, O_RDONLY | O_CLOEXEC);
	if (IS_ERR(file))
		goto put_op;
	if (put_user(fd, op_fd))
		goto put_file;
	fd_install(fd, file);
	return true;

put_file:
	fput(file);
	put_unused_fd(fd);
	return false;
put_op:
	winsock_op_put(op);
	put_unused_fd(fd);
	return false;
}

static void op_unpublish(struct winsock_op *op, s32 __user *op_fd)
{
	struct file *file;
	s32 fd;

	if (get_user(fd, op_fd) || fd < 0)
		return;
	file = fget(fd);
	if (!file)
		return;
	if (file->f_op == &op_fops && file->private_data == op &&
	    winsock_handle_remove(file, fd))
		put_user(-1, op_fd);
	fput(file);
}

int winsock_op_wait(struct winsock_op *op, s32 __user *op_fd,
		    struct winsock_op_record *record)
{
	bool alertable = true;

	for (;;) {
		int interrupted;

		if (alertable)
			interrupted = wait_event_interruptible(op->waiters, op_ready(op));
		else
			interrupted = wait_event_killable(op->waiters, op_ready(op));

		if (!interrupted && op_is_final(op))
			break;
		if (!interrupted) {
			if (!op_decide(op))
				continue;
			op_finalize(op);
			module_put(THIS_MODULE);
			break;
		}
		if (fatal_signal_pending(current)) {
			if (op_detach(op))
				return -EINTR;
		} else if (!op_publish(op, op_fd)) {
			/* The handler has to wait: the close must not fail for it. */
			alertable = false;
		} else if (op_detach(op)) {
			return -ERESTARTNOINTR;
		}
	}
	op_unpublish(op, op_fd);
	*record = op->record;
	return 0;
}

struct winsock_op *winsock_op_resume(int op_fd, struct socket *sock)
{
	struct file *file = fget(op_fd);
	struct winsock_op *op;

	if (!file)
		return ERR_PTR(-EINVAL);
	if (file->f_op != &op_fops) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	op = file->private_data;
	refcount_inc(&op->refs);
	fput(file);

	spin_lock_irq(&op->lock);
	if (op->sk != sock->sk || op->attached) {
		int err = op->sk != sock->sk ? -EINVAL : -EBUSY;

		spin_unlock_irq(&op->lock);
		winsock_op_put(op);
		return ERR_PTR(err);
	}
	op->attached = true;
	spin_unlock_irq(&op->lock);
	return op;
}

void winsock_op_disconnect(struct socket *sock, bool unread)
{
	if (unread) {
		lock_sock(sock->sk);
		winsock_tcp_reset(sock->sk);
		release_sock(sock->sk);
		return;
	}
	/* Fails where there is no connection, which is what was wanted. */
	kernel_sock_shutdown(sock, SHUT_RDWR);
}

int winsock_op_init(void)
{
	op_workqueue = alloc_workqueue("winsock", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return op_workqueue ? 0 : -ENOMEM;
}

void winsock_op_exit(void)
{
	destroy_workqueue(op_workqueue);
}
