/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An op is one lingering close that the kernel has taken on: it holds the
 * socket, waits for the drain or the deadline, and carries the verdict out.
 *
 *             start                 drained / deadline / asked for
 *   (none) ----------> PENDING ------------------------------------> FIRED
 *                         ^                                            |
 *                         | false alarm: more was sent                 |
 *                         +--------------------------------------------+
 *                                                                      | worker
 *                                                                      v
 *                                                                    FINAL
 *
 * A pending op that no descriptor names and no thread waits for is an orphan,
 * see orphan.c.
 *
 * Lifetime is one reference count: the pending close holds a reference, and so
 * do the op's descriptor and a thread that waits in close(2).
 */
#ifndef WINSOCK_OP_H
#define WINSOCK_OP_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/net.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <linux/winsock.h>

struct net;
struct pernet_operations;

/* Bits of struct winsock_op.fired. */
#define WINSOCK_OP_SETTLED	(1U << 0)	/* drained, or no connection */
#define WINSOCK_OP_EXPIRED	(1U << 1)	/* the deadline has passed */
#define WINSOCK_OP_ABORTED	(1U << 2)	/* a process asks for a reset */
#define WINSOCK_OP_CANCELLED	(1U << 3)	/* take the close back */
#define WINSOCK_OP_FORCED	(1U << 4)	/* an orphan over a limit */
#define WINSOCK_OP_DECIDED	(1U << 5)	/* its end is decided */

/* Is an op an orphan? */
enum winsock_op_owner {
	WINSOCK_OP_OWNED,	/* a descriptor names it, or a thread waits */
	WINSOCK_OP_HELD,	/* neither, but others hold the socket */
	WINSOCK_OP_ORPHAN,
	WINSOCK_OP_ENDED,
};

/**
 * struct winsock_op - one lingering close
 * @refs:	lifetime
 * @lock:	guards @fired, @final, @file and @deadline. Innermost: taken
 *		with the socket's wait-queue lock held and from the timer's
 *		softirq, so always with interrupts off
 * @fired:	WINSOCK_OP_* bits; 0 while pending
 * @final:	the close is over and @record valid. The op has dropped the
 *		file, except one that stays open, see op_is_kept(). Set under
 *		@lock
 * @started:	the wait has begun
 * @detach:	closing the op's descriptor early does not reset
 * @dropped:	the op's descriptor has the socket's number (DROP_FD)
 * @cloexec:	close-on-exec of the socket's descriptor, with @dropped
 * @owner:	enum winsock_op_owner, under orphan.c's lock
 * @fd:		number of the op's descriptor in the process that began it
 * @user:	the socket's user, charged
 * @comm:	name of the thread that began it
 * @pid:	its process; referenced
 * @id:		number in /proc/net/winsock_pending
 * @file:	the socket's file; NULL for an op that owns @sock
 * @last:	the file's last reference, on op_put_queue
 * @sock:	the socket; valid until the op is final
 * @sk:		the socket; referenced until the op is freed
 * @entry:	on the socket's wait queue while pending
 * @timer:	the deadline, monotonic, absolute, in softirq
 * @work:	carries out what fired
 * @turn:	queues @work when the socket's lock is released; until then on
 *		the wait queue of that lock, else on none
 * @waiters:	threads that poll or read the descriptor, or wait in close(2)
 * @orphans:	orphan.c's list
 * @began:	when the close began
 * @deadline:	the time of @timer; KTIME_MAX is never
 * @unacked:	unacknowledged payload at the last look; socket locked
 * @record:	how it ended
 */
struct winsock_op {
	refcount_t refs;
	spinlock_t lock;	/* innermost, interrupts off; see above */
	u8 fired;
	bool final;
	bool started;
	bool detach;
	bool dropped;
	bool cloexec;
	u8 owner;
	int fd;
	kuid_t user;
	char comm[TASK_COMM_LEN];
	struct pid *pid;
	u32 id;
	u32 unacked;
	struct file *file;
	struct file *last;
	struct socket *sock;
	struct sock *sk;
	struct wait_queue_entry entry;
	struct hrtimer timer;
	struct work_struct work;
	struct wait_queue_entry turn;
	struct wait_queue_head waiters;
	struct list_head orphans;
	ktime_t began;
	ktime_t deadline;
	struct winsock_record record;
};

/*
 * Bit of struct socket.flags: a close is pending. The highest bit that the
 * kernel uses is 8.
 */
#define WINSOCK_SOCK_CLOSING	31

/* Is a close pending on the socket? */
static inline bool winsock_op_busy(const struct socket *sock)
{
	return test_bit(WINSOCK_SOCK_CLOSING, &sock->flags);
}

/* If true, the record may be read. */
static inline bool winsock_op_is_final(const struct winsock_op *op)
{
	/* Pairs with the release in op_tell(). */
	return smp_load_acquire(&op->final);
}

struct winsock_op *winsock_op_alloc(struct sock *sk, struct socket *sock,
				    struct file *file, ktime_t began,
				    u64 timeout_ns, u64 tag);
void winsock_op_start(struct winsock_op *op, u32 unacked);
bool winsock_op_fire(struct winsock_op *op, u8 what);
int winsock_op_demand(struct winsock_op *op, u8 what, u32 outcome);
void winsock_op_shorten(struct winsock_op *op, ktime_t latest);
void winsock_op_put(struct winsock_op *op);
/* For ops and orphan.c; its workers sleep for nothing that a user can hold. */
extern struct workqueue_struct *winsock_op_queue;
int winsock_op_init(void);
void winsock_op_exit(void);

struct file *winsock_opfile_get(struct winsock_op *op);

void winsock_orphan_add(struct winsock_op *op);
void winsock_orphan_remove(struct winsock_op *op);
void winsock_orphan_init(void);
void winsock_orphan_exit(void);

int winsock_pending_abort(struct net *net, u32 id);
int winsock_pending_add(struct winsock_op *op);
void winsock_pending_remove(struct winsock_op *op);
extern struct pernet_operations winsock_pending_ops;

#endif /* WINSOCK_OP_H */
