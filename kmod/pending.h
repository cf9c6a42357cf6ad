/* SPDX-License-Identifier: GPL-2.0-only */
/* The pending closes of a network namespace, /proc/net/winsock_pending. */
#ifndef WINSOCK_PENDING_H
#define WINSOCK_PENDING_H

#include <linux/types.h>

struct winsock_op;

/**
 * winsock_pending_reserve() - make room for an op in the list
 * @op: the op; its @id is set
 *
 * May sleep. Undone by winsock_pending_remove().
 *
 * Return: 0 or -ENOMEM.
 */
int winsock_pending_reserve(struct winsock_op *op);

/**
 * winsock_pending_add() - list an op that begins to wait
 * @op: an op with room; its socket is locked
 */
void winsock_pending_add(struct winsock_op *op);

/**
 * winsock_pending_remove() - take an op off the list, and give up its room
 * @op: an op; nothing happens if it has none
 *
 * Process context. When this returns nobody looks at the op on behalf of the list.
 */
void winsock_pending_remove(struct winsock_op *op);

int winsock_pending_init(void);
void winsock_pending_exit(void);

#endif /* WINSOCK_PENDING_H */
