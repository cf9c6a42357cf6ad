// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the engine needs of TCP, from exported functions and the live socket's
 * own operations only: sk_prot may be that of kTLS, of a sockmap or TCP's own.
 */
#include <linux/net.h>
#include <linux/overflow.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/tcp.h>

#include <linux/winsock.h>

#include "policy.h"
#include "tcp.h"

static_assert((int)WINSOCK_ESTABLISHED == (int)TCP_ESTABLISHED);
static_assert((int)WINSOCK_SYN_SENT == (int)TCP_SYN_SENT);
static_assert((int)WINSOCK_SYN_RECV == (int)TCP_SYN_RECV);
static_assert((int)WINSOCK_FIN_WAIT1 == (int)TCP_FIN_WAIT1);
static_assert((int)WINSOCK_FIN_WAIT2 == (int)TCP_FIN_WAIT2);
static_assert((int)WINSOCK_TIME_WAIT == (int)TCP_TIME_WAIT);
static_assert((int)WINSOCK_CLOSE == (int)TCP_CLOSE);
static_assert((int)WINSOCK_CLOSE_WAIT == (int)TCP_CLOSE_WAIT);
static_assert((int)WINSOCK_LAST_ACK == (int)TCP_LAST_ACK);
static_assert((int)WINSOCK_LISTEN == (int)TCP_LISTEN);
static_assert((int)WINSOCK_CLOSING == (int)TCP_CLOSING);

int winsock_tcp_check(const struct socket *sock)
{
	const struct sock *sk = sock->sk;

	if (!sk || sk->sk_type != SOCK_STREAM || sk->sk_protocol != IPPROTO_TCP ||
	    (sk->sk_family != AF_INET && sk->sk_family != AF_INET6))
		return -EOPNOTSUPP;

	return 0;
}

/*
 * Is our SYN still among the unacknowledged? A child of TCP Fast Open is in
 * SYN_RECV with snd_una already behind the SYN; a simultaneous open is not.
 */
static bool tcp_syn_unacked(const struct sock *sk, unsigned int state)
{
	return state == TCP_SYN_SENT ||
	       (state == TCP_SYN_RECV &&
		!rcu_access_pointer(tcp_sk(sk)->fastopen_rsk));
}

static u32 tcp_unacked(const struct sock *sk, unsigned int state)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	/*
	 * Before the handshake payload exists only as Fast Open data in the SYN;
	 * snd_una means nothing yet where the connect itself is deferred.
	 */
	if (state == TCP_SYN_SENT && !tp->syn_data)
		return 0;

	return winsock_policy_unacked(state, READ_ONCE(tp->write_seq),
				      READ_ONCE(tp->snd_una),
				      tcp_syn_unacked(sk, state));
}

void winsock_tcp_snapshot(struct sock *sk, struct winsock_tcp_facts *facts)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	unsigned int state = inet_sk_state_load(sk);
	u32 bits = winsock_policy_state(state);

	facts->state = state;
	facts->linger = sock_flag(sk, SOCK_LINGER);
	facts->error = READ_ONCE(sk->sk_err);
	/* sk_lingertime is in jiffies; a value without end saturates. */
	if (check_mul_overflow((u64)READ_ONCE(sk->sk_lingertime),
			       (u64)(NSEC_PER_SEC / HZ), &facts->linger_ns))
		facts->linger_ns = U64_MAX;
	facts->unacked = tcp_unacked(sk, state);
	facts->unsent = 0;
	if (facts->unacked) {
		u32 unsent = READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_nxt);

		if (unsent && (bits & WINSOCK_STATE_FIN))
			unsent--;
		facts->unsent = min(unsent, facts->unacked);
	}
	facts->unread = (bits & WINSOCK_STATE_PEER) ? max(tcp_inq(sk), 0) : 0;
	/* A death leaves the sequence numbers alone, and the error to be read. */
	facts->lost = 0;
	if (state == TCP_CLOSE)
		facts->lost = READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_una);
	facts->dead = state == TCP_CLOSE && (facts->error || facts->lost);
}

u32 winsock_tcp_bits(const struct winsock_tcp_facts *facts)
{
	u32 bits = 0;

	if (facts->unacked)
		bits |= WINSOCK_FACT_UNACKED;
	if (winsock_policy_state(facts->state) & WINSOCK_STATE_PEER)
		bits |= WINSOCK_FACT_PEER;
	return bits;
}

u32 winsock_tcp_outcome(const struct winsock_tcp_facts *facts)
{
	if (facts->dead)
		return WINSOCK_OUTCOME_PEER;

	return facts->unread ? WINSOCK_OUTCOME_UNREAD : WINSOCK_OUTCOME_GRACEFUL;
}

bool winsock_tcp_settled(const struct sock *sk)
{
	return !tcp_unacked(sk, inet_sk_state_load(sk));
}

void winsock_tcp_push(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool nodelay;

	lock_sock(sk);
	nodelay = tp->nonagle & TCP_NAGLE_OFF;
	release_sock(sk);

	/*
	 * Setting TCP_NODELAY is the exported way to push, and it overrides a cork
	 * for what is queued already. TCP itself forgets the push mark when the
	 * next byte is queued.
	 */
	tcp_sock_set_nodelay(sk);
	if (nodelay)
		return;
	lock_sock(sk);
	tp->nonagle &= ~TCP_NAGLE_OFF;
	release_sock(sk);
}

bool winsock_tcp_close_resets(const struct sock *sk)
{
	if (!sock_flag(sk, SOCK_LINGER) || READ_ONCE(sk->sk_lingertime))
		return false;
	/* No segment leads from these to a state in which our FIN is queued. */
	if (!((1 << inet_sk_state_load(sk)) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)))
		return false;
	/* kTLS has its own, which refuses. */
	return sk->sk_prot->disconnect == sk->sk_prot_creator->disconnect;
}

void winsock_tcp_reset(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	sock_owned_by_me(sk);
	/*
	 * Linux counts LAST_ACK and CLOSING from the moment the FIN is queued, and
	 * disconnect resets from there only if it believes that something is still
	 * unsent. The peer waits for us all the same: let it believe so. The
	 * sequence numbers start afresh after a disconnect.
	 */
	if ((1 << sk->sk_state) & (TCPF_LAST_ACK | TCPF_CLOSING) &&
	    tp->snd_nxt == tp->write_seq)
		WRITE_ONCE(tp->write_seq, tp->write_seq + 1);

	if (!sk->sk_prot->disconnect(sk, 0))
		return;

	/* kTLS refuses to disconnect. */
	release_sock(sk);
	tcp_abort(sk, ECONNRESET);
	lock_sock(sk);
}
