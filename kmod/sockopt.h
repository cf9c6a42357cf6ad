/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an attached socket remembers beside TCP's own state, and the options at
 * SOL_WINSOCK that set it. It fits into the ULP's data pointer as an integer,
 * so being attached costs no memory.
 */
#ifndef WINSOCK_SOCKOPT_H
#define WINSOCK_SOCKOPT_H

#include <linux/sockptr.h>
#include <linux/types.h>

struct file;
struct sock;
struct winsock_query;

/**
 * winsock_sockopt_attach() - give a socket the default settings
 * @sk: the socket, locked; its ULP data pointer becomes ours
 *
 * Copied to accepted connections together with the socket.
 */
void winsock_sockopt_attach(struct sock *sk);

/**
 * winsock_sockopt_attached() - does the socket have the ULP "winsock"?
 * @sk: a socket, locked or not
 */
bool winsock_sockopt_attached(const struct sock *sk);

/**
 * winsock_sockopt_set_reported() - the close of the socket was decided and
 * reported
 * @sk: a plain TCP socket, locked or not; nothing happens if it is not attached
 */
void winsock_sockopt_set_reported(struct sock *sk);

/**
 * winsock_sockopt_inherit() - a listener's settings are a child's, its own
 * close is not
 * @sk: the child, not visible to anybody yet
 */
void winsock_sockopt_inherit(struct sock *sk);

/**
 * winsock_sockopt_reported() - was that done?
 * @sk: an attached socket, locked or not
 */
bool winsock_sockopt_reported(const struct sock *sk);

/**
 * winsock_sockopt_nonblock() - the socket's mode in Winsock's sense
 * @sk:		a socket, locked or not
 * @file:	its file, or NULL
 *
 * Return: true if it is non-blocking: the socket's own mode (WINSOCK_SO_MODE)
 * if it has one, else O_NONBLOCK.
 */
bool winsock_sockopt_nonblock(const struct sock *sk, const struct file *file);

/**
 * winsock_sockopt_set() - setsockopt() at SOL_WINSOCK
 * @sk:		an attached socket, not locked
 * @name:	WINSOCK_SO_*
 * @value:	the option
 * @size:	its size
 *
 * Return: 0, -EINVAL, -EFAULT, -ENOPROTOOPT.
 */
int winsock_sockopt_set(struct sock *sk, int name, sockptr_t value, unsigned int size);

/**
 * winsock_sockopt_get() - getsockopt() at SOL_WINSOCK
 * @sk:		an attached socket, not locked
 * @name:	WINSOCK_SO_*
 * @value:	where to
 * @size:	in: room, out: bytes written
 *
 * Return: 0, -EINVAL, -EFAULT, -ENOPROTOOPT.
 */
int winsock_sockopt_get(struct sock *sk, int name, char __user *value, int __user *size);

void winsock_query_fill(struct sock *sk, const struct file *file,
			struct winsock_query *args);

#endif /* WINSOCK_SOCKOPT_H */
