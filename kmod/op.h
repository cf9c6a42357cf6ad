/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An op is one lingering close that the kernel has taken on: it holds the open
 * file, waits for the drain or the deadline, and carries the verdict out.
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

#include <linux/ktime.h>
#include <linux/types.h>

struct file;
struct socket;
struct winsock_op;

/**
 * struct winsock_op_record - how a close ended
 * @outcome:	WINSOCK_OUTCOME_*
 * @state:	TCP state found at the decision
 * @error:	the socket's pending error then
 * @unacked:	payload bytes never acknowledged
 * @elapsed:	from the start of the close to the decision
 */
struct winsock_op_record {
	u32 outcome;
	u32 state;
	int error;
	u64 unacked;
	ktime_t elapsed;
};

/**
 * winsock_op_alloc() - prepare an op
 * @file:	the socket's file; referenced until the op is final
 * @started:	when the close began
 * @timeout_ns:	linger time from @started
 *
 * Return: an op with one reference, the caller's, or NULL without memory.
 */
struct winsock_op *winsock_op_alloc(struct file *file, ktime_t started,
				    u64 timeout_ns);

/**
 * winsock_op_start() - begin the wait, with the caller attached to it
 * @op:		an op that was not started
 * @unacked:	payload outstanding at the decision to wait
 *
 * Called with the socket locked, so that no acknowledgement slips in between
 * the decision to wait and the wait.
 *
 * Return: 0, or -EBUSY if another op waits on the socket.
 */
int winsock_op_start(struct winsock_op *op, u32 unacked);

/**
 * winsock_op_busy() - does an op wait on this socket?
 * @sock: the socket
 */
bool winsock_op_busy(struct socket *sock);

/**
 * winsock_op_wait() - wait for the end, as the attached thread
 * @op:		a started op
 * @op_fd:	user address of the caller's op_fd field
 * @record:	filled in when the op is final
 *
 * Return: 0 with @record; -ERESTARTNOINTR if a signal handler has to run: the op
 * has then been given a descriptor, its number is in @op_fd, and the wait is
 * taken up again with winsock_op_resume(); -EINTR if the caller is being killed.
 */
int winsock_op_wait(struct winsock_op *op, s32 __user *op_fd,
		    struct winsock_op_record *record);

/**
 * winsock_op_resume() - find the op behind a descriptor and attach to it
 * @op_fd:	the descriptor
 * @sock:	the socket that it must belong to
 *
 * Return: the op with a reference, or ERR_PTR: -EINVAL if it is no op of @sock,
 * -EBUSY if another thread is attached.
 */
struct winsock_op *winsock_op_resume(int op_fd, struct socket *sock);

/**
 * winsock_op_put() - drop a reference
 * @op: the op
 */
void winsock_op_put(struct winsock_op *op);

/**
 * winsock_op_disconnect() - end a connection whose socket others still hold
 * @sock:	the socket
 * @unread:	received data is unread: reset, as a release would (G7)
 */
void winsock_op_disconnect(struct socket *sock, bool unread);

int winsock_op_init(void);
void winsock_op_exit(void);

#endif /* WINSOCK_OP_H */
