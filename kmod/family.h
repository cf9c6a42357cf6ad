/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The differences between families: one row each, in a file of family/. A
 * family that is a module is used by its structures and by the operations of
 * the live socket, never by a symbol: this module loads without it.
 */
#ifndef WINSOCK_FAMILY_H
#define WINSOCK_FAMILY_H

#include <linux/types.h>

struct sock;
struct socket;

/**
 * struct winsock_facts - a snapshot of a socket
 * @state:	the socket's state, by TCP's numbers
 * @can_linger:	a close of the family can linger
 * @linger:	SO_LINGER is on, and @can_linger
 * @peer:	there is a peer that a reset would reach
 * @dead:	the connection has died (reset, timed out, refused)
 * @unread_resets: a release with received data unread resets (G7)
 * @error:	pending socket error, positive errno or 0; not consumed
 * @linger_ns:	SO_LINGER's timeout, ns
 * @unacked:	bytes sent that have not left our side, in the family's sense
 * @unsent:	bytes that TCP has not yet given to the wire, part of @unacked
 * @unread:	received bytes that no call has read
 * @lost:	upper bound of the bytes lost on a connection that is dead:
 *		sequence numbers never acknowledged, a FIN may be among
 *		them
 */
struct winsock_facts {
	u8 state;
	bool can_linger;
	bool linger;
	bool peer;
	bool dead;
	bool unread_resets;
	int error;
	u64 linger_ns;
	u32 unacked;
	u32 unsent;
	u32 unread;
	u32 lost;
};

/**
 * struct winsock_family_ops - what a close needs of a family
 * @snapshot:	gather the facts, with the socket locked or not; must not sleep
 * @settled:	is the wait for the drain over? True where @snapshot would find
 *		nothing unacknowledged, and only there. Called from wake-ups, in
 *		any context and with the wait queue's lock held. NULL in a
 *		family that never has anything unacknowledged: no op waits there
 * @reset:	end the connection at once, whatever is unsent, and wake threads
 *		that sleep on it; the socket is locked, and may be unlocked in
 *		between
 * @disconnect:	end the connection in order while others hold the socket, and
 *		wake them; the socket is locked, and may be unlocked in between
 * @relocks:	does the operation (@reset if the argument is true, else
 *		@disconnect) drop the socket's lock and take it again, or may
 *		the release wait for the peer? The socket is locked. NULL means
 *		yes; it is asked for ops alone
 */
struct winsock_family_ops {
	void (*snapshot)(struct sock *sk, struct winsock_facts *facts);
	bool (*settled)(const struct sock *sk);
	void (*reset)(struct sock *sk);
	void (*disconnect)(struct sock *sk);
	bool (*relocks)(const struct sock *sk, bool reset);
};

extern const struct winsock_family_ops winsock_tcp_ops;
extern const struct winsock_family_ops winsock_unix_ops;
extern const struct winsock_family_ops winsock_atm_ops;
extern const struct winsock_family_ops winsock_irda_ops;
extern const struct winsock_family_ops winsock_datagram_ops;

/* The operations of the socket's row; the first says whether it has one. */
int winsock_family_check(const struct socket *sock);
void winsock_family_snapshot(struct sock *sk, struct winsock_facts *facts);
bool winsock_family_settled(const struct sock *sk);
void winsock_family_reset(struct sock *sk);
void winsock_family_disconnect(struct sock *sk);
bool winsock_family_relocks(const struct sock *sk, bool reset);

/* For TCP sockets only, see family/tcp.c. */
void winsock_tcp_snapshot(struct sock *sk, struct winsock_facts *facts);
bool winsock_tcp_settled(const struct sock *sk);
void winsock_tcp_push(struct sock *sk);
bool winsock_tcp_close_resets(const struct sock *sk);
void winsock_tcp_reset(struct sock *sk);

/* What the rows share: see family.c. */
void winsock_family_gather(const struct sock *sk, struct winsock_facts *facts);
u32 winsock_family_charged(const struct sock *sk);
u32 winsock_family_queued(struct sock *sk);
void winsock_family_wake(struct sock *sk);
void winsock_family_shutdown(struct sock *sk);

#endif /* WINSOCK_FAMILY_H */
