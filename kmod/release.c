// SPDX-License-Identifier: GPL-2.0-only
/* The last release of an attached socket: what close(2), exit and exec come to. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "facts.h"
#include "op.h"
#include "policy.h"
#include "release.h"
#include "report.h"
#include "tcp.h"

/* close(2) cannot answer would-block: the kernel waits for a non-blocking socket. */
static bool release_may_wait(const struct socket *sock)
{
	if (current->flags & (PF_EXITING | PF_KTHREAD))
		return false;
	return sock->file && !(sock->file->f_flags & O_NONBLOCK);
}

/*
 * A socket for the connection to have after this one, which goes when the release
 * returns: TCP tells acknowledgements to the wait queue of a socket.
 */
static struct socket *release_heir(const struct sock *sk)
{
	struct socket *sock = sk->sk_socket, *heir;

	if (sock_create_lite(sk->sk_family, sk->sk_type, sk->sk_protocol, &heir))
		return NULL;
	heir->ops = READ_ONCE(sock->ops);
	__module_get(heir->ops->owner);
	heir->state = sock->state;
	/* The connection stays its user's, whoever closes. */
	SOCK_INODE(heir)->i_uid = SOCK_INODE(sock)->i_uid;
	return heir;
}

/**
 * struct release_call - one release under way
 * @sk:		the connection
 * @started:	when the release came in
 * @facts:	as of the last look
 * @bits:	the same as WINSOCK_FACT_*
 */
struct release_call {
	struct sock *sk;
	ktime_t started;
	struct winsock_facts facts;
	u32 bits;
};

static enum winsock_verdict release_verdict(struct release_call *call)
{
	struct winsock_facts *facts = &call->facts;

	winsock_tcp_snapshot(call->sk, facts);
	call->bits = winsock_facts_bits(facts);
	if (facts->linger)
		call->bits |= WINSOCK_FACT_LINGER;
	if (facts->linger_ns)
		call->bits |= WINSOCK_FACT_TIMED;
	return winsock_policy_verdict(call->bits);
}

static void release_tell(const struct release_call *call, enum winsock_verdict verdict)
{
	winsock_report_verdict(call->sk, &call->facts, call->bits, verdict,
			       call->facts.linger_ns, 0);
}

/* Carry out what needs no wait, under the lock under which it was decided. */
static void release_decided(struct release_call *call, enum winsock_verdict verdict,
			    enum winsock_mib outcome)
{
	release_tell(call, verdict);
	winsock_report_outcome(call->sk, outcome, &call->facts, call->facts.unacked,
			       ktime_to_ns(ktime_sub(ktime_get(), call->started)), 0);
	/* Decided: TCP must not wait for the FIN's ACK (B4). */
	sock_reset_flag(call->sk, SOCK_LINGER);
	if (verdict == WINSOCK_VERDICT_ABORT)
		winsock_tcp_reset(call->sk);
}

/* Ask the policy. False if a wait is needed, which is begun if there is an @op for it. */
static bool release_decide(struct release_call *call, struct winsock_op *op,
			   struct socket *heir, bool attached)
{
	struct sock *sk = call->sk;
	enum winsock_verdict verdict;

	lock_sock(sk);
	verdict = release_verdict(call);
	if (verdict != WINSOCK_VERDICT_WAIT) {
		release_decided(call, verdict,
				winsock_report_decided(verdict, &call->facts));
	} else if (op) {
		sock_graft(sk, heir);
		/* Cannot be busy: the wait queue is new. */
		winsock_op_start(op, call->facts.unacked, attached);
		release_tell(call, verdict);
	}
	release_sock(sk);
	return verdict != WINSOCK_VERDICT_WAIT;
}

static bool release_linger(struct release_call *call)
{
	bool attached = release_may_wait(call->sk->sk_socket), begun = false;
	struct winsock_op_record record;
	struct sock *sk = call->sk;
	struct winsock_op *op = NULL;
	struct socket *heir;

	heir = release_heir(sk);
	if (heir)
		op = winsock_op_alloc(sk, heir, NULL, call->started, call->facts.linger_ns, 0);
	if (IS_ERR_OR_NULL(op)) {
		lock_sock(sk);
		release_decided(call, WINSOCK_VERDICT_ABORT, WINSOCK_MIB_FORCED);
		release_sock(sk);
		goto release_heir;
	}
	begun = !release_decide(call, op, heir, attached);
	if (begun && call->facts.unsent)
		winsock_tcp_push(sk);
	if (begun && attached)
		winsock_op_wait(op, NULL, &record);
	else if (begun)
		winsock_op_abandon(op);
	winsock_op_put(op);
release_heir:
	if (heir && !begun)
		sock_release(heir);
	return begun;
}

bool winsock_release(struct sock *sk)
{
	struct release_call call = { .sk = sk };

	/* Linger off is TCP's own close, to the letter (G1). */
	if (!sock_flag(sk, SOCK_LINGER) || !sk->sk_socket) {
		winsock_report_release(sk, WINSOCK_MIB_PLAIN);
		return false;
	}
	/* So is the hard one, where it resets (H1). */
	if (winsock_tcp_close_resets(sk)) {
		winsock_report_release(sk, WINSOCK_MIB_REQUEST);
		return false;
	}
	call.started = ktime_get();
	if (release_decide(&call, NULL, NULL, false))
		return false;
	return release_linger(&call);
}
