/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors: who else holds the open file, and giving one up safely. */
#ifndef WINSOCK_HANDLE_H
#define WINSOCK_HANDLE_H

#include <linux/fs.h>
#include <linux/types.h>

/* The caller's descriptor and the caller's fget. */
#define WINSOCK_HANDLE_OWN_REFS	2

/**
 * winsock_handle_get() - look a socket up by its descriptor
 * @fd: a descriptor of the caller
 *
 * Return: its file, referenced, or ERR_PTR: -EBADF, -ENOTSOCK, -EOPNOTSUPP.
 */
struct file *winsock_handle_get(int fd);

/* Behind winsock_handle_shared(): there are more references, but whose? */
bool winsock_handle_others(struct file *file, int fd);

/**
 * winsock_handle_shared() - does anybody else hold the open file?
 * @file:	the file; the caller has one reference of its own (fget)
 * @fd:		the caller's descriptor of it
 *
 * Holders are descriptors: of this process (dup), of others (fork, SCM_RIGHTS
 * received), in flight (SCM_RIGHTS sent), and whatever else pins the file, such
 * as a registered io_uring file. Threads of this process that sit in a system
 * call on @fd are none.
 *
 * Exact while no other thread shares the descriptor table, and for threads that
 * sleep on the socket: they are found on its wait queue. A thread that is in the
 * middle of a call without sleeping is given some 100 us to leave it; one that
 * stays longer counts as a holder. See Documentation/closesocket.rst.
 *
 * Return: true if closing @fd leaves the socket to somebody else.
 */
static inline bool winsock_handle_shared(struct file *file, int fd)
{
	return file_count(file) > WINSOCK_HANDLE_OWN_REFS && winsock_handle_others(file, fd);
}

/**
 * winsock_handle_remove() - give a descriptor up if it is still ours
 * @file:	the file it must refer to; the caller holds a reference
 * @fd:		the descriptor
 *
 * Comparing and removing is one step under the table's lock: a number that
 * another thread has reused since the lookup is not touched.
 *
 * Return: true if it was removed; the table's reference is then dropped.
 */
bool winsock_handle_remove(struct file *file, int fd);

/**
 * winsock_handle_learn() - find out how poll and select sleep
 * @file: any open file
 *
 * Needed before winsock_handle_shared(); does the work once.
 *
 * Return: 0 or -ENOMEM.
 */
int winsock_handle_learn(struct file *file);

#endif /* WINSOCK_HANDLE_H */
