/* SPDX-License-Identifier: GPL-2.0-only */
/* Handles of the open file. */
#ifndef WINSOCK_HANDLE_H
#define WINSOCK_HANDLE_H

#include <linux/fs.h>
#include <linux/types.h>

struct socket;

/* The caller's descriptor and the caller's fget. */
#define WINSOCK_HANDLE_OWN_REFS	2

/*
 * How many more looks, some 75 us apart, before a reference is taken for a
 * handle. QUICK: a wrong answer changes only the outcome reported. CALLS: for
 * a thread that has lost its processor inside a call. LINGER: for a processor
 * that a hypervisor has stopped, as a wrong answer would end a linger.
 */
#define WINSOCK_HANDLE_QUICK	0
#define WINSOCK_HANDLE_CALLS	40
#define WINSOCK_HANDLE_LINGER	400

struct file *winsock_handle_get(int fd, struct socket **sock);
bool winsock_handle_others(struct file *file, int fd, unsigned int looks);

/**
 * winsock_handle_shared() - is there another handle of the open file?
 * @file:	the file; the caller has one reference of its own (fget)
 * @fd:		the caller's descriptor of it
 * @looks:	WINSOCK_HANDLE_QUICK, _CALLS or _LINGER
 *
 * Handles are descriptors of this process (dup), of others (fork, SCM_RIGHTS
 * received), in flight (SCM_RIGHTS sent), and what else pins the file for good,
 * such as a registered io_uring file. References that pass are not: those of a
 * thread inside a call, of a reader of /proc, of a child between vfork() and
 * exec. See Documentation/closesocket.rst.
 *
 * Sleeps as long as @looks take, or 100 ms for a child on its way to exec. A
 * handle that is being closed at the same moment counts.
 *
 * With WINSOCK_HANDLE_QUICK it does not sleep, and takes some 200 us at most. A
 * caller that removes its handle because of the answer asks under the socket's
 * lock, and before it unlocks removes its descriptor and drops its reference to
 * @file: so of several holders that close at the same moment exactly one finds
 * itself to be the last.
 *
 * Return: true if closing @fd leaves the socket to another handle.
 */
static inline bool winsock_handle_shared(struct file *file, int fd,
					 unsigned int looks)
{
	return file_count(file) > WINSOCK_HANDLE_OWN_REFS &&
	       winsock_handle_others(file, fd, looks);
}

#endif /* WINSOCK_HANDLE_H */
