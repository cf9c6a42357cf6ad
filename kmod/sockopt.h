/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of an attached socket beside TCP's own, and the options at
 * SOL_WINSOCK that set it. An integer in the ULP's data pointer holds it, so
 * being attached costs no memory. TCP copies the integer of a listener to its
 * children, with the rest of the socket.
 */
#ifndef WINSOCK_SOCKOPT_H
#define WINSOCK_SOCKOPT_H

#include <linux/sockptr.h>
#include <linux/types.h>

struct file;
struct sock;
struct winsock_query;

void winsock_sockopt_attach(struct sock *sk);
void winsock_sockopt_inherit(struct sock *sk);
bool winsock_sockopt_attached(const struct sock *sk);
void winsock_sockopt_set_reported(struct sock *sk);
bool winsock_sockopt_reported(const struct sock *sk);
bool winsock_sockopt_nonblock(const struct sock *sk, const struct file *file);
int winsock_sockopt_set(struct sock *sk, int name, sockptr_t value,
			unsigned int size);
int winsock_sockopt_get(struct sock *sk, int name, char __user *value,
			int __user *size);
void winsock_query_fill(struct sock *sk, const struct file *file,
			struct winsock_query *args);

#endif /* WINSOCK_SOCKOPT_H */
