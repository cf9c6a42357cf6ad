/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts a close would be decided by, for those who ask. */
#ifndef WINSOCK_QUERY_H
#define WINSOCK_QUERY_H

#include <linux/types.h>

struct file;
struct sock;
struct winsock_query;

/**
 * winsock_query() - WINSOCK_IOC_QUERY
 * @args: in and out, a kernel copy
 *
 * Return: 0 or a negative errno as listed at struct winsock_query.
 */
int winsock_query(struct winsock_query *args);

/**
 * winsock_query_fill() - fill in what can be told without a descriptor
 * @sk:		the socket; the values are of one moment if it is locked
 * @file:	its file, or NULL
 * @args:	its outputs are set
 */
void winsock_query_fill(struct sock *sk, const struct file *file,
			struct winsock_query *args);

#endif /* WINSOCK_QUERY_H */
