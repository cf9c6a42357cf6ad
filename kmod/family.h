/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs from family to family: one row each, in a file of family/. Of a
 * family that is a module only its structures and the operations of the live
 * socket are used, no symbol: this module loads without any of them.
 */
#ifndef WINSOCK_FAMILY_H
#define WINSOCK_FAMILY_H

#include <linux/types.h>

struct sock;
struct socket;
struct winsock_facts;

/**
 * struct winsock_family_ops - what a close needs of a family
 * @snapshot:	gather the facts, with the socket locked or not; must not sleep
 * @settled:	has a wait nothing left to wait for? True where @snapshot would
 *		find nothing unacknowledged, and only there. Called from
 *		wake-ups, in any context and with the wait queue's lock held
 * @reset:	end the connection at once and without regard for what is
 *		unsent, and wake threads that sleep on it; the socket is locked,
 *		and may be unlocked in between
 * @disconnect:	end the connection in order while others hold the socket, and
 *		wake them; the socket is locked, and may be unlocked in between
 * @relocks:	would @reset, or else @disconnect, let the lock of the socket go
 *		and take it again? The socket is locked. NULL: both would
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

/* 0, or -EOPNOTSUPP if no row fits; the other calls need a row. */
int winsock_family_check(const struct socket *sock);

/* The operations of the socket's row. */
void winsock_family_snapshot(struct sock *sk, struct winsock_facts *facts);
bool winsock_family_settled(const struct sock *sk);
void winsock_family_reset(struct sock *sk);
void winsock_family_disconnect(struct sock *sk, bool reset);
bool winsock_family_relocks(const struct sock *sk, bool reset);

/* For the rows: what was sent and received, in bytes, and two ways to end. */
u32 winsock_family_charged(const struct sock *sk);
u32 winsock_family_queued(struct sock *sk);
void winsock_family_wake(struct sock *sk);
void winsock_family_shutdown(struct sock *sk);

#endif /* WINSOCK_FAMILY_H */
