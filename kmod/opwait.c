// SPDX-License-Identifier: GPL-2.0-only
/* The thread that waits for an op, in the close, and what becomes of an op without. See op.h. */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <net/sock.h>

#include "mib.h"
#include "op.h"
#include "opfile.h"

/* See winsock_op_abandon(). */
#define OPWAIT_ABANDONED_NS	(65535ULL * NSEC_PER_SEC)

static bool opwait_is_ready(const struct winsock_op *op)
{
	lockdep_assert_held(&op->lock);
	return op->final || (op->fired && op->by_waiter);
}

/*
 * What the attached thread waits for. Locked: the waker holds the lock from the
 * first store to the wake-up, so the woken thread sees all of it or is woken again.
 */
static bool opwait_ready(struct winsock_op *op)
{
	bool ready;

	spin_lock_irq(&op->lock);
	ready = opwait_is_ready(op);
	spin_unlock_irq(&op->lock);
	return ready;
}

/* Leave the wait. False if something fired first: then it is ours to finish. */
static bool opwait_detach(struct winsock_op *op)
{
	bool detached;

	spin_lock_irq(&op->lock);
	detached = !opwait_is_ready(op);
	if (detached)
		op->attached = false;
	spin_unlock_irq(&op->lock);
	if (detached)
		winsock_mib_inc(sock_net(op->sk), WINSOCK_MIB_LEFT);
	return detached;
}

void winsock_op_abandon(struct winsock_op *op)
{
	ktime_t latest = ktime_add_ns(ktime_get(), OPWAIT_ABANDONED_NS);
	unsigned long flags;

	spin_lock_irqsave(&op->lock, flags);
	if (!op->final && !op->attached && ktime_after(op->deadline, latest)) {
		WRITE_ONCE(op->deadline, latest);
		/* Who is looking at it just now sets the timer, if it is to wait on. */
		if (!op->fired)
			hrtimer_start(&op->timer, latest, HRTIMER_MODE_ABS);
	}
	spin_unlock_irqrestore(&op->lock, flags);
}

int winsock_op_wait(struct winsock_op *op, s32 __user *op_fd,
		    struct winsock_op_record *record)
{
	bool alertable = true;

	for (;;) {
		int interrupted;

		if (alertable)
			interrupted = wait_event_interruptible(op->waiters, opwait_ready(op));
		else
			interrupted = wait_event_killable(op->waiters, opwait_ready(op));

		if (!interrupted && winsock_op_is_final(op))
			break;
		if (!interrupted) {
			if (winsock_op_finish(op))
				break;
			continue;
		}
		if (!op_fd || fatal_signal_pending(current)) {
			if (opwait_detach(op)) {
				winsock_op_abandon(op);
				return -EINTR;
			}
		} else if (!winsock_opfile_publish(op, op_fd)) {
			/* The handler has to wait: the close must not fail for it. */
			alertable = false;
		} else if (opwait_detach(op)) {
			return -ERESTARTNOINTR;
		}
	}
	if (op_fd)
		winsock_opfile_unpublish(op, op_fd);
	*record = op->record;
	return 0;
}
