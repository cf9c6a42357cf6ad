/* SPDX-License-Identifier: GPL-2.0-only */
/* A turn at a socket's lock for who must not sleep for it. */
#ifndef WINSOCK_TURN_H
#define WINSOCK_TURN_H

#include <linux/types.h>
#include <linux/wait.h>

struct sock;

/**
 * struct winsock_turn - a turn at a socket's lock
 * @entry:	on the queue of those who wait for the lock, or on none
 * @come:	called once when the lock is let go; in any context, with that queue's
 *		lock held and interrupts off
 */
struct winsock_turn {
	struct wait_queue_entry entry;	/* guarded by the lock of the queue */
	void (*come)(struct winsock_turn *turn);
};

void winsock_turn_init(struct winsock_turn *turn, void (*come)(struct winsock_turn *turn));

/**
 * winsock_turn_take() - lock a socket, or be called when it is free
 * @sk:		the socket
 * @turn:	waiting for none
 *
 * Process context. The lock may be gone again when the call has come, as for those who
 * sleep for it; then take another turn. @sk and @turn have to stay until the call.
 *
 * Return: true if the socket is locked, to be let go by release_sock(). Else @turn waits.
 */
bool winsock_turn_take(struct sock *sk, struct winsock_turn *turn);

#endif /* WINSOCK_TURN_H */
