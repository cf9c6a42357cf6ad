// SPDX-License-Identifier: GPL-2.0-only
/* The last release of an attached socket: what close(2), exit and exec come to. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "op.h"
#include "policy.h"
#include "release.h"
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

static enum winsock_verdict release_verdict(struct sock *sk, struct winsock_tcp_facts *facts)
{
	u32 bits = 0;

	winsock_tcp_snapshot(sk, facts);
	if (facts->linger)
		bits |= WINSOCK_FACT_LINGER;
	if (facts->linger_ns)
		bits |= WINSOCK_FACT_TIMED;
	return winsock_policy_verdict(bits | winsock_tcp_bits(facts));
}

/* Carry out what needs no wait, under the lock under which it was decided. */
static void release_decided(struct sock *sk, enum winsock_verdict verdict)
{
	/* Decided: TCP must not wait for the FIN's ACK (B4). */
	sock_reset_flag(sk, SOCK_LINGER);
	if (verdict == WINSOCK_VERDICT_ABORT)
		winsock_tcp_reset(sk);
}

/* False if the wait was not needed any more. */
static bool release_begin(struct sock *sk, struct winsock_op *op, struct socket *heir,
			  bool attached)
{
	struct winsock_tcp_facts facts;
	enum winsock_verdict verdict;

	lock_sock(sk);
	verdict = release_verdict(sk, &facts);
	if (verdict == WINSOCK_VERDICT_WAIT) {
		sock_graft(sk, heir);
		/* Cannot be busy: the wait queue is new. */
		winsock_op_start(op, facts.unacked, attached);
	} else {
		release_decided(sk, verdict);
	}
	release_sock(sk);
	if (verdict != WINSOCK_VERDICT_WAIT)
		return false;
	if (facts.unsent)
		winsock_tcp_push(sk);
	return true;
}

static bool release_linger(struct sock *sk, u64 timeout_ns, ktime_t started)
{
	bool attached = release_may_wait(sk->sk_socket), begun = false;
	struct winsock_op_record record;
	struct winsock_op *op = NULL;
	struct socket *heir;

	heir = release_heir(sk);
	if (heir)
		op = winsock_op_alloc(sk, heir, NULL, started, timeout_ns, 0);
	if (IS_ERR_OR_NULL(op)) {
		lock_sock(sk);
		release_decided(sk, WINSOCK_VERDICT_ABORT);
		release_sock(sk);
		goto release_heir;
	}
	begun = release_begin(sk, op, heir, attached);
	if (begun && attached)
		winsock_op_wait(op, NULL, &record);
	winsock_op_put(op);
release_heir:
	if (heir && !begun)
		sock_release(heir);
	return begun;
}

bool winsock_release(struct sock *sk)
{
	struct winsock_tcp_facts facts;
	enum winsock_verdict verdict;
	ktime_t started;

	/* Linger off is TCP's own close, to the letter (G1). */
	if (!sock_flag(sk, SOCK_LINGER) || !sk->sk_socket)
		return false;
	/* So is the hard one, where it resets (H1). */
	if (winsock_tcp_close_resets(sk))
		return false;

	started = ktime_get();
	lock_sock(sk);
	verdict = release_verdict(sk, &facts);
	if (verdict != WINSOCK_VERDICT_WAIT)
		release_decided(sk, verdict);
	release_sock(sk);
	if (verdict != WINSOCK_VERDICT_WAIT)
		return false;
	return release_linger(sk, facts.linger_ns, started);
}
