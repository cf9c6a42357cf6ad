/* SPDX-License-Identifier: GPL-2.0-only */
/* The descriptor of an op: poll, read, cancel, abort; and finding a wait again. */
#ifndef WINSOCK_OPFILE_H
#define WINSOCK_OPFILE_H

#include <linux/types.h>

struct file;
struct socket;
struct winsock_op;

/**
 * winsock_opfile_get() - make a file for an op
 * @op: the op; the file takes a reference
 *
 * Return: the file, to be installed or put, or ERR_PTR.
 */
struct file *winsock_opfile_get(struct winsock_op *op);

/**
 * winsock_opfile_publish() - give a waiting thread's op a descriptor
 * @op:		the op
 * @op_fd:	user address for the number; one that is there already is kept
 *
 * Return: false if there is no memory or descriptor for it.
 */
bool winsock_opfile_publish(struct winsock_op *op, s32 __user *op_fd);

/**
 * winsock_opfile_unpublish() - take that descriptor back, if it is still ours
 * @op:		the op
 * @op_fd:	user address of the number; set to -1
 */
void winsock_opfile_unpublish(struct winsock_op *op, s32 __user *op_fd);

/**
 * winsock_opfile_resume() - find the op behind a descriptor and attach to it
 * @op_fd:	the descriptor
 * @sock:	the socket that it must belong to
 *
 * Return: the op with a reference, or ERR_PTR: -EINVAL if it is no op of @sock,
 * -EBUSY if another thread is attached.
 */
struct winsock_op *winsock_opfile_resume(int op_fd, struct socket *sock);

#endif /* WINSOCK_OPFILE_H */
