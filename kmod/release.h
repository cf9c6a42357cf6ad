/* SPDX-License-Identifier: GPL-2.0-only */
/* The last release of an attached socket: what close(2), exit and exec come to. */
#ifndef WINSOCK_RELEASE_H
#define WINSOCK_RELEASE_H

#include <linux/types.h>

struct sock;

/**
 * winsock_release() - decide the close of a socket that nobody holds any more
 * @sk: the socket, not locked, its struct socket still there
 *
 * A lingering connection with unacknowledged payload is handed to an op. The caller
 * waits with it if the file was blocking, until the end or a signal, and not if it
 * is exiting; the deadline is kept without it.
 *
 * There is nobody to report an error to. If no op can be had, for want of memory or
 * over net.winsock.ops_max, the connection is reset now, as TCP resets orphans when
 * it is out of memory: a deadline is never missed.
 *
 * Return: true if the op has or had the socket, which the caller must not touch;
 * false if the caller is to close it, without a timeout.
 */
bool winsock_release(struct sock *sk);

#endif /* WINSOCK_RELEASE_H */
