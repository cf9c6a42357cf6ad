/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs from family to family: one row each. TCP's is in tcp.c, the others
 * here and in unix.c, vsock.c, sctp.c, atm.c. Of a family that is a module only its
 * structures and the operations of the live socket are used, no symbol: the module
 * needs none of them to be loaded.
 */
#ifndef WINSOCK_FAMILY_H
#define WINSOCK_FAMILY_H

#include <linux/ktime.h>
#include <linux/types.h>

struct sock;
struct socket;
struct winsock_facts;

/**
 * struct winsock_family_ops - what a close needs of a family
 * @snapshot:	gather the facts; the socket is locked
 * @settled:	may a wait have nothing left to wait for? Called from wake-ups, in any
 *		context and with the wait queue's lock held. If in doubt true: the facts
 *		are then looked at
 * @reset:	end the connection at once and without regard for what is unsent; the
 *		socket is locked, and may be unlocked in between. Whoever sleeps on it is
 *		woken
 * @disconnect:	end the connection in order while others hold the socket, and wake
 *		them; the socket is locked, and may be unlocked in between
 * @relocks:	would @reset, or else @disconnect, let the lock of the socket go and take
 *		it again? The socket is locked. NULL: both would
 */
struct winsock_family_ops {
	void (*snapshot)(struct sock *sk, struct winsock_facts *facts);
	bool (*settled)(const struct sock *sk);
	void (*reset)(struct sock *sk);
	void (*disconnect)(struct sock *sk);
	bool (*relocks)(const struct sock *sk, bool reset);
};

extern const struct winsock_family_ops winsock_unix_ops;
extern const struct winsock_family_ops winsock_vsock_ops;
extern const struct winsock_family_ops winsock_sctp_ops;
extern const struct winsock_family_ops winsock_atm_ops;

/**
 * winsock_family_check() - can the engine close this socket?
 * @sock: any socket
 *
 * Return: 0, or -EOPNOTSUPP if no row fits.
 */
int winsock_family_check(const struct socket *sock);

/**
 * winsock_family_glance() - the facts without the socket lock
 * @sk:		the socket, not locked
 * @facts:	filled in
 *
 * TCP's are then from different moments; for the other families the lock is taken.
 */
void winsock_family_glance(struct sock *sk, struct winsock_facts *facts);

/* The row's operations, for a socket that winsock_family_check() has passed. */
void winsock_family_snapshot(struct sock *sk, struct winsock_facts *facts);
bool winsock_family_settled(const struct sock *sk);

/* State, linger and what is unacknowledged, to be shown; any context, locked or not. */
void winsock_family_peek(struct sock *sk, struct winsock_facts *facts);
void winsock_family_reset(struct sock *sk);

/**
 * winsock_family_tick() - how often a wait has to look for its end itself
 * @sk: the socket
 *
 * Return: the time, or 0 where a wake-up tells the end.
 */
ktime_t winsock_family_tick(const struct sock *sk);

/**
 * winsock_family_relocks() - must the next step sleep for the socket's lock?
 * @sk:		the socket, locked
 * @reset:	the step is winsock_family_reset(), or winsock_family_disconnect() so
 *
 * Return: true if it would unlock the socket and lock it again.
 */
bool winsock_family_relocks(const struct sock *sk, bool reset);

/**
 * winsock_family_disconnect() - end a connection whose socket others still hold
 * @sk:		the socket, locked; see winsock_family_relocks()
 * @reset:	received data is unread: reset, as a release would (G7)
 *
 * The first call of theirs fails with ECONNABORTED, or ECONNRESET.
 */
void winsock_family_disconnect(struct sock *sk, bool reset);

/* For the rows. */

/**
 * winsock_family_shutdown() - shut both directions down, as a call does
 * @sk: the socket, locked; unlocked in between
 *
 * Whoever sleeps on it is woken also where there is no connection, or no shutdown.
 */
void winsock_family_shutdown(struct sock *sk);

/* Takes the lock anew to disconnect in order, not to reset. */
bool winsock_family_relocks_to_disconnect(const struct sock *sk, bool reset);

/**
 * winsock_family_charged() - bytes of packets sent that still count as ours
 * @sk: the socket, locked or not
 *
 * Return: what sk_wmem_alloc says, as SIOCOUTQ does where a family has it.
 */
u32 winsock_family_charged(const struct sock *sk);

/**
 * winsock_family_queued() - bytes in the receive queue
 * @sk: the socket
 *
 * Return: bytes, of a packet that was read in part all of them.
 */
u32 winsock_family_queued(struct sock *sk);

/**
 * winsock_family_wake() - let nothing more in or out, and wake who sleeps on it
 * @sk: the socket, locked
 */
void winsock_family_wake(struct sock *sk);

#endif /* WINSOCK_FAMILY_H */
