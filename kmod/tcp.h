/* SPDX-License-Identifier: GPL-2.0-only */
/* What the engine needs of TCP: facts, the drained test, push and reset. */
#ifndef WINSOCK_TCP_H
#define WINSOCK_TCP_H

#include <linux/types.h>

struct sock;
struct winsock_facts;

/**
 * winsock_tcp_snapshot() - gather the facts
 * @sk:		the socket
 * @facts:	filled in
 *
 * Consistent under the socket lock. Without it the values may be from different
 * moments: good enough to report, not to decide by.
 */
void winsock_tcp_snapshot(struct sock *sk, struct winsock_facts *facts);

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

/**
 * winsock_tcp_disconnect() - end the connection in order while others hold the socket
 * @sk: the socket, locked; briefly unlocked where it has no connection
 *
 * As shutdown(2) of both directions.
 */
void winsock_tcp_disconnect(struct sock *sk);

/* Would the one or the other of the two above unlock the socket? It is locked. */
bool winsock_tcp_relocks(const struct sock *sk, bool reset);

#endif /* WINSOCK_TCP_H */
