// SPDX-License-Identifier: GPL-2.0-only
/* The last release of an attached socket, in close(2), exit or exec. */
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>	/* task_pt_regs() of arm64 */
#include <net/sock.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include <linux/winsock.h>

#include "decide.h"
#include "family.h"
#include "netns.h"
#include "op.h"
#include "sockopt.h"
#include "ulp.h"

/* System calls of 32-bit programs: no header has these on all kernels. */
#if defined(CONFIG_X86)
#define RELEASE_32_DUP3		330
#elif defined(CONFIG_ARM64)
#define RELEASE_32_DUP3		358
#elif defined(CONFIG_S390)
#define RELEASE_32_DUP3		326
#elif defined(CONFIG_PPC)
#define RELEASE_32_DUP3		316
#else
#define RELEASE_32_DUP3		-1
#endif
#define RELEASE_32_CLOSE	6
#define RELEASE_32_DUP2		63
#define RELEASE_32_CLOSE_RANGE	436

/* Is the thread in a system call that closes? */
static bool release_in_close(void)
{
	bool compat = in_compat_syscall();
	int nr;

	if (current->flags & (PF_EXITING | PF_KTHREAD | PF_IO_WORKER))
		return false;
	nr = syscall_get_nr(current, task_pt_regs(current));
#ifdef CONFIG_X86_X32_ABI
	/* x32 has the 64-bit numbers. */
	if (in_x32_syscall()) {
		compat = false;
		nr &= ~__X32_SYSCALL_BIT;
	}
#endif
	if (compat)
		return nr == RELEASE_32_CLOSE || nr == RELEASE_32_DUP2 ||
		       nr == RELEASE_32_DUP3 || nr == RELEASE_32_CLOSE_RANGE;
	switch (nr) {
	case __NR_close:
	case __NR_close_range:
	case __NR_dup3:
#ifdef __NR_dup2
	case __NR_dup2:
#endif
		return true;
	default:
		return false;
	}
}

/*
 * A thread waits only in a system call that closes, and only for a blocking
 * socket: close(2) cannot answer would-block. In exit, in exec, in a kernel
 * thread and for io_uring the op goes on alone.
 */
static bool release_may_wait(const struct sock *sk)
{
	const struct file *file = sk->sk_socket->file;

	return file && !winsock_sockopt_nonblock(sk, file) &&
	       release_in_close();
}

/*
 * Make a struct socket for the op, which waits on the wait queue in it: the VFS
 * frees the socket's own when the release returns.
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
	/* The connection keeps its user, not the closing thread's. */
	SOCK_INODE(heir)->i_uid = SOCK_INODE(sock)->i_uid;
	return heir;
}

/* Hand the socket, which is locked, to the op. */
static void release_begin(struct sock *sk, struct winsock_decision *decision,
			  struct winsock_op *op, struct socket *heir)
{
	winsock_report_verdict(sk, decision);
	sock_graft(sk, heir);
	winsock_op_start(op, decision->facts.unacked);
	if (decision->facts.unsent)
		winsock_tcp_push(sk);
}

/* Wait for the end or a signal; the op keeps the deadline without us. */
static void release_wait(struct winsock_op *op)
{
	if (!wait_event_interruptible(op->waiters, winsock_op_is_final(op)))
		return;
	winsock_mib_inc(sock_net(op->sk), WINSOCK_MIB_LEFT);
	winsock_orphan_add(op);
}

/*
 * Decide a linger with a time, or a hard close that TCP would not do by a
 * reset. Returns true if the op has the socket.
 */
static bool release_decide(struct sock *sk)
{
	struct winsock_decision decision = { .started = ktime_get() };
	bool waits = release_may_wait(sk), begun;
	struct winsock_op *op = NULL;
	struct socket *heir = NULL;
	u32 outcome;

	/*
	 * This look, without the lock, only shows whether an op is needed: no
	 * thread can send any more, so a drained socket stays drained.
	 */
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
	} else {
		/* Without an op reset now: see winsock_release(). */
		if (decision.verdict == WINSOCK_VERDICT_WAIT) {
			decision.verdict = WINSOCK_VERDICT_ABORT;
			outcome = WINSOCK_OUTCOME_FORCED;
		} else {
			outcome = winsock_outcome(&decision);
		}
		winsock_report_verdict(sk, &decision);
		winsock_report_end(sk, &decision, outcome);
		winsock_carry_out(sk, &decision, false);
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
 * A lingering connection with unacknowledged payload goes to an op. Where
 * release_may_wait() allows it the thread waits, until the end or a signal.
 *
 * There is no call to report an error to. Without an op, for want of memory or
 * over net.winsock.ops_max, the connection is reset now, as TCP resets orphans
 * when it is out of memory: a deadline is never missed.
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
	/* So is the hard close, where TCP resets (H1). */
	if (winsock_tcp_close_resets(sk)) {
		winsock_report_plain(sk, WINSOCK_OUTCOME_REQUEST);
		return false;
	}
	return release_decide(sk);
}
