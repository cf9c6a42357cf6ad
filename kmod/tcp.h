/* SPDX-License-Identifier: GPL-2.0-only */
/* What the engine needs of TCP: facts, the drained test, push and reset. */
#ifndef WINSOCK_TCP_H
#define WINSOCK_TCP_H

#include <linux/types.h>

struct socket;
struct sock;

/**
 * struct winsock_tcp_facts - a snapshot of what a close is decided by
 * @state:	TCP state
 * @linger:	SO_LINGER is on
 * @error:	pending socket error, positive errno or 0; not consumed
 * @linger_ns:	SO_LINGER's timeout, ns
 * @unacked:	payload bytes not acknowledged
 * @unsent:	payload bytes not yet given to the wire, part of @unacked
 * @unread:	received bytes that nobody has read
 * @lost:	sequence numbers never acknowledged on a connection that is dead; a
 *		FIN may be among them, TCP no longer tells
 * @dead:	there was a connection and it died (reset, timed out, refused)
 */
struct winsock_tcp_facts {
	u8 state;
	bool linger;
	bool dead;
	int error;
	u64 linger_ns;
	u32 unacked;
	u32 unsent;
	u32 unread;
	u32 lost;
};

/**
 * winsock_tcp_check() - can the engine close this socket?
 * @sock: any socket
 *
 * Return: 0, or -EOPNOTSUPP unless it is plain TCP over IPv4 or IPv6.
 */
int winsock_tcp_check(const struct socket *sock);

/**
 * winsock_tcp_snapshot() - gather the facts
 * @sk:		the socket
 * @facts:	filled in
 *
 * Consistent under the socket lock. Without it the values may be from different
 * moments: good enough to report, not to decide by.
 */
void winsock_tcp_snapshot(struct sock *sk, struct winsock_tcp_facts *facts);

/**
 * winsock_tcp_bits() - what the connection says to a verdict
 * @facts: the facts
 *
 * Return: WINSOCK_FACT_PEER and _UNACKED as they hold.
 */
u32 winsock_tcp_bits(const struct winsock_tcp_facts *facts);

/**
 * winsock_tcp_outcome() - how a socket that is released now will have ended
 * @facts: the facts at the decision
 *
 * Return: WINSOCK_OUTCOME_GRACEFUL, _PEER or _UNREAD.
 */
u32 winsock_tcp_outcome(const struct winsock_tcp_facts *facts);

/**
 * winsock_tcp_settled() - has a wait for the drain nothing left to wait for?
 * @sk: the socket
 *
 * Return: true if all payload is acknowledged or the connection is gone. Called
 * from wake-ups, in softirq and with the wait queue's lock held.
 */
bool winsock_tcp_settled(const struct sock *sk);

/**
 * winsock_tcp_push() - send what Nagle or a cork holds back
 * @sk: the socket, not locked
 *
 * The options TCP_NODELAY and TCP_CORK read the same afterwards.
 */
void winsock_tcp_push(struct sock *sk);

/**
 * winsock_tcp_close_resets() - will TCP's own close do what winsock_tcp_reset() does?
 * @sk: the socket, which nobody else can change the linger option of
 *
 * It does for linger {1,0}, except in states in which it takes the FIN to be enough.
 */
bool winsock_tcp_close_resets(const struct sock *sk);

/**
 * winsock_tcp_reset() - reset the connection: RST on the wire, state CLOSE
 * @sk: the socket, locked; briefly unlocked where the protocol needs it so
 *
 * RST goes out in every state with a peer, LAST_ACK and CLOSING included.
 * Nothing remains in TIME_WAIT. Waiters on the socket are woken (ECONNRESET).
 */
void winsock_tcp_reset(struct sock *sk);

#endif /* WINSOCK_TCP_H */
