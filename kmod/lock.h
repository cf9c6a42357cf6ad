/* SPDX-License-Identifier: GPL-2.0-only */
/* A socket's lock for threads that must not sleep for it without end. */
#ifndef WINSOCK_LOCK_H
#define WINSOCK_LOCK_H

#include <linux/types.h>

struct sock;
struct wait_queue_entry;

int __must_check winsock_lock_sock(struct sock *sk);
bool winsock_lock_or_queue(struct sock *sk, struct wait_queue_entry *turn);

#endif /* WINSOCK_LOCK_H */
