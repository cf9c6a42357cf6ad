// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last release of an attached socket: what close(2), exit and exec come to.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "compat/syscall.h"
#include "decide.h"
#include "family.h"
#include "netns.h"
#include "op.h"
#include "sockopt.h"
#include "ulp.h"

/*
 * Only a system call that closes waits, and for a blocking socket: close(2)
 * cannot answer would-block. Elsewhere (exit, exec, a kernel thread, io_uring)
 * the kernel waits alone.
 */
static bool release_may_wait(const struct sock *sk)
{
	const struct file *file = sk->sk_socket->file;

	return file && !winsock_sockopt_nonblock(sk, file) &&
	       compat_syscall_closes();
}

/*
 * A socket for the connection to have after this one, which the VFS frees when
 * the release returns: TCP wakes the wait queue of the socket at each ACK.
 */
static struct socket *release_heir(const struct sock *sk)
{
	struct socket *sock = sk->sk_socket, *heir;

	if (sock_create_lite(sk->sk_family, sk->sk_type, sk->sk_protocol,
			     &heir))
		return NULL;
	heir->ops = READ_ONCE(sock->ops);
	__module_get(heir->ops->owner);
	heir->state = sock->state;
	/* The connection stays its user's, whoever closes. */
	SOCK_INODE(heir)->i_uid = SOCK_INODE(sock)->i_uid;
	return heir;
}

/* Carry out what needs no wait, under the lock that it was decided under. */
static void release_carry_out(struct sock *sk,
			      struct winsock_decision *decision, u32 outcome)
{
	winsock_report_verdict(sk, decision);
	winsock_report_end(sk, decision, outcome);
	winsock_carry_out(sk, decision, false);
}

/* The kernel takes the close on; the socket is locked. */
static void release_begin(struct sock *sk, struct winsock_decision *decision,
			  struct winsock_op *op, struct socket *heir)
{
	winsock_report_verdict(sk, decision);
	sock_graft(sk, heir);
	/* Cannot be busy: the socket is new. */
	winsock_op_start(op, decision->facts.unacked);
	if (decision->facts.unsent)
		winsock_tcp_push(sk);
}

/* Until the end or a signal; the op keeps the deadline without the thread. */
static void release_wait(struct winsock_op *op)
{
	if (!wait_event_interruptible(op->waiters, winsock_op_is_final(op)))
		return;
	winsock_mib_inc(sock_net(op->sk), WINSOCK_MIB_LEFT);
	winsock_orphan_add(op);
}

/*
 * A timed linger, or a state in which TCP's own hard close does not reset. True
 * if the op has the socket.
 */
static bool release_decide(struct sock *sk)
{
	struct winsock_decision decision = { .started = ktime_get() };
	bool waits = release_may_wait(sk), begun;
	struct winsock_op *op = NULL;
	struct socket *heir = NULL;

	/* No thread can send any more: a drained socket stays drained. */
	winsock_decide(sk, &decision);
	if (decision.verdict == WINSOCK_VERDICT_WAIT)
		heir = release_heir(sk);
	if (heir)
		op = winsock_op_alloc(sk, heir, NULL, decision.started,
				      decision.timeout_ns, 0);
	decision.outstanding = decision.facts.unacked;
	lock_sock(sk);
	winsock_decide(sk, &decision);
	begun = decision.verdict == WINSOCK_VERDICT_WAIT &&
		!IS_ERR_OR_NULL(op);
	if (begun) {
		release_begin(sk, &decision, op, heir);
	} else if (decision.verdict == WINSOCK_VERDICT_WAIT) {
		/* No op to be had: reset now, as TCP does with orphans. */
		decision.verdict = WINSOCK_VERDICT_ABORT;
		release_carry_out(sk, &decision, WINSOCK_OUTCOME_FORCED);
	} else {
		release_carry_out(sk, &decision, winsock_outcome(&decision));
	}
	release_sock(sk);

	if (begun && waits)
		release_wait(op);
	else if (begun)
		winsock_orphan_add(op);
	else if (heir)
		sock_release(heir);
	if (!IS_ERR_OR_NULL(op))
		winsock_op_put(op);
	return begun;
}

/**
 * winsock_release() - decide the close of a socket that no descriptor names
 * @sk: the socket, not locked, its struct socket still there
 *
 * A lingering connection with unacknowledged payload is handed to an op. The
 * thread waits with it where release_may_wait() says so, until the end or a
 * signal; the deadline is kept without it.
 *
 * There is no call to report an error to. If no op can be had, for want of
 * memory or over net.winsock.ops_max, the connection is reset now, as TCP
 * resets orphans when it is out of memory: a deadline is never missed.
 *
 * Return: true if the op has or had the socket, which the caller must not
 * touch; false if the caller is to close it, without a timeout.
 */
bool winsock_release(struct sock *sk)
{
	/* Linger off is TCP's own close, to the letter (G1). */
	if (!sock_flag(sk, SOCK_LINGER) || !sk->sk_socket) {
		winsock_report_plain(sk, WINSOCK_MIB_PLAIN);
		return false;
	}
	/* So is the hard one, where it resets (H1). */
	if (winsock_tcp_close_resets(sk)) {
		winsock_report_plain(sk, WINSOCK_OUTCOME_REQUEST);
		return false;
	}
	return release_decide(sk);
}
