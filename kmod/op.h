/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An op is one lingering close that the kernel has taken on: it holds the socket,
 * waits for the drain or the deadline, and carries the verdict out.
 *
 *             start                 drained / deadline / connection gone
 *   (none) ----------> PENDING ------------------------------------> FIRED
 *                         ^                                            |
 *                         | false alarm: more was sent meanwhile       |
 *                         +--------------------------------------------+
 *                                                                      | carried out
 *                                                                      v
 *                                                                    FINAL
 *
 * Whoever is attached when the op fires carries it out: a thread that waits in
 * the close (one wake-up, no worker), else the work item. A thread that leaves,
 * for a signal handler or because it was killed, changes nothing else: the
 * deadline is the op's.
 *
 * Lifetime is one reference count. The op's own descriptor (made only when a
 * signal handler has to run) or the waiting thread hold one, the pending close
 * holds one.
 */
#ifndef WINSOCK_OP_H
#define WINSOCK_OP_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/net.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <linux/winsock.h>

#include "turn.h"

struct file;
struct pid;
struct sock;

/**
 * struct winsock_op_record - how a close ended
 * @outcome:	WINSOCK_OUTCOME_*
 * @state:	TCP state found at the decision
 * @error:	the socket's pending error then
 * @unacked:	payload bytes never acknowledged
 * @elapsed:	from the start of the close to the decision
 * @tag:	the caller's mark, from the start on
 */
struct winsock_op_record {
	u32 outcome;
	u32 state;
	int error;
	u64 unacked;
	ktime_t elapsed;
	u64 tag;
};

/* What has happened to a pending op. */
#define WINSOCK_OP_SETTLED	(1U << 0)	/* payload acknowledged, or connection gone */
#define WINSOCK_OP_EXPIRED	(1U << 1)	/* the deadline has passed */
#define WINSOCK_OP_ABORTED	(1U << 2)	/* reset asked for, or the descriptor closed */
#define WINSOCK_OP_CANCELLED	(1U << 3)	/* taken back */

/**
 * struct winsock_op - one lingering close
 * @refs:	lifetime
 * @lock:	guards @fired, @attached, @by_waiter, @final, @file. Innermost but for
 *		the lock in @waiters: taken with the socket's wait-queue lock held, and
 *		from the timer, so always with interrupts off
 * @fired:	WINSOCK_OP_* bits; 0 while pending
 * @attached:	a thread waits and will carry out what fires from now on
 * @by_waiter:	who carries out what has fired: the attached thread or the work
 * @final:	@record is valid, the file is let go
 * @charged:	counted against @owner's limit
 * @detach:	closing the op's descriptor early does not reset
 * @dropped:	the caller's descriptor went when the op began
 * @owner:	who began it, and is charged
 * @comm:	the thread that began it
 * @pid:	its process, for the list; referenced
 * @id:		number in the list of pending closes, 0 if it has none. Written before
 *		the op is begun and by whoever carries it out
 * @file:	the socket's file; cleared under @lock when it is let go. NULL from the
 *		start for an op that owns @sock
 * @sock:	the socket; valid until the op is final
 * @sk:		the socket; ours until the op is freed, which makes comparing the
 *		pointer safe after the file is gone
 * @entry:	on the socket's wait queue while pending; that queue is also how a
 *		second close finds the first
 * @timer:	the deadline, monotonic and absolute
 * @work:	carries out what fired without a waiting thread
 * @turn:	the work's at the socket's lock
 * @waiters:	the waiting thread, and who polls or reads the op's descriptor
 * @started:	when the close began
 * @deadline:	when it is decided at the latest; KTIME_MAX is never
 * @unacked:	payload outstanding when the wait was last looked at
 * @record:	the outcome
 */
struct winsock_op {
	refcount_t refs;
	spinlock_t lock;	/* innermost, interrupts off; see above */
	u8 fired;
	bool attached;
	bool by_waiter;
	bool final;
	bool charged;
	bool detach;
	bool dropped;
	kuid_t owner;
	char comm[TASK_COMM_LEN];
	struct pid *pid;
	u32 id;
	struct file *file;
	struct socket *sock;
	struct sock *sk;
	struct wait_queue_entry entry;
	struct hrtimer timer;
	struct work_struct work;
	struct winsock_turn turn;
	struct wait_queue_head waiters;
	ktime_t started;
	ktime_t deadline;
	u32 unacked;
	struct winsock_op_record record;
};

/* Is the connection left to its family to end? Then nothing has been reset. */
static inline bool winsock_op_released(u32 outcome)
{
	return outcome == WINSOCK_OUTCOME_GRACEFUL || outcome == WINSOCK_OUTCOME_PEER ||
	       outcome == WINSOCK_OUTCOME_UNREAD;
}

/* If true the record may be read. */
static inline bool winsock_op_is_final(const struct winsock_op *op)
{
	/* Pairs with the release in op_finalize(). */
	return smp_load_acquire(&op->final);
}

/**
 * winsock_op_alloc() - prepare an op
 * @sk:		the connection
 * @sock:	its socket, or the one that it will have when the op is started
 * @file:	the socket's file, referenced until the op is final; or NULL: then a
 *		started op owns @sock and @sk, closes the one and frees the other
 * @started:	when the close began
 * @timeout_ns:	linger time from @started
 * @tag:	the caller's mark
 *
 * Return: an op with one reference, the caller's, or ERR_PTR: -ENOMEM, -ENOSPC if
 * the user has as many pending as net.winsock.ops_max allows.
 */
struct winsock_op *winsock_op_alloc(struct sock *sk, struct socket *sock,
				    struct file *file, ktime_t started,
				    u64 timeout_ns, u64 tag);

/**
 * winsock_op_start() - begin the wait
 * @op:		an op that was not started
 * @unacked:	payload outstanding at the decision to wait
 * @attached:	the caller will call winsock_op_wait(); else a worker finishes
 *
 * Called with the socket locked, so that no acknowledgement slips in between
 * the decision to wait and the wait.
 *
 * Return: 0, or -EBUSY if another op waits on the socket.
 */
int winsock_op_start(struct winsock_op *op, u32 unacked, bool attached);

/* Behind winsock_op_busy(): somebody waits; an op? */
bool winsock_op_queued(struct socket *sock);

/**
 * winsock_op_busy() - does an op wait on this socket?
 * @sock: the socket
 */
static inline bool winsock_op_busy(struct socket *sock)
{
	/* No barrier: a start at this moment is before or after, and found by the next. */
	return waitqueue_active(&sock->wq.wait) && winsock_op_queued(sock);
}

/**
 * winsock_op_wait() - wait for the end, as the attached thread
 * @op:		a started op
 * @op_fd:	user address of the caller's op_fd field, or NULL
 * @record:	filled in when the op is final
 *
 * Return: 0 with @record; -ERESTARTNOINTR if a signal handler has to run: the op
 * has then been given a descriptor, its number is in @op_fd, and the wait is
 * taken up again with winsock_opfile_resume(); -EINTR if the caller is being killed,
 * or has a signal and no @op_fd: the close goes on by itself.
 */
int winsock_op_wait(struct winsock_op *op, s32 __user *op_fd,
		    struct winsock_op_record *record);

/**
 * winsock_op_finish() - look into what has fired, as the thread that carries it out
 * @op: the op, fired; the socket is not locked
 *
 * Return: true if the op is final now, false if it is to wait on.
 */
bool winsock_op_finish(struct winsock_op *op);

/**
 * winsock_op_abandon() - nobody has the op any more, but for a thread that waits for it
 * @op: the op, begun
 *
 * Nothing happens where a thread waits, which comes here when it leaves the wait.
 * A deadline further away than the longest linger that Winsock knows, 65535 seconds, comes
 * that much from now: what two such closes hold of each other is not held for ever, nor
 * is the module. Any context.
 */
void winsock_op_abandon(struct winsock_op *op);

/**
 * winsock_op_fire() - something has happened to the op
 * @op:		the op, pending or not
 * @what:	WINSOCK_OP_* bits
 *
 * The attached thread or a worker looks into it. Any context.
 *
 * Return: true for the first who says so of an op that is not final.
 */
bool winsock_op_fire(struct winsock_op *op, u8 what);

/**
 * winsock_op_put() - drop a reference
 * @op: the op
 */
void winsock_op_put(struct winsock_op *op);

int winsock_op_init(void);
void winsock_op_exit(void);

#endif /* WINSOCK_OP_H */
