/* SPDX-License-Identifier: GPL-2.0-only */
/* The closesocket path: gather facts, ask the policy, carry the verdict out. */
#ifndef WINSOCK_CLOSE_H
#define WINSOCK_CLOSE_H

#include <linux/types.h>

struct file;
struct winsock_abort;
struct winsock_close;

/**
 * winsock_close() - WINSOCK_IOC_CLOSE
 * @args:	in and out, a kernel copy; outputs are set on success
 * @op_fd:	user address of @args->op_fd, for waits that a signal interrupts
 * @op_file:	set with WINSOCK_RESULT_PENDING: to be installed as @args->op_fd, a
 *		number that is reserved, once the caller knows it
 *
 * Return: 0 or a negative errno as listed at struct winsock_close. On an error
 * the descriptor and the connection are as they were.
 */
int winsock_close(struct winsock_close *args, s32 __user *op_fd,
		  struct file **op_file);

/**
 * winsock_abort() - WINSOCK_IOC_ABORT
 * @args: a kernel copy
 *
 * Return: 0 or a negative errno as listed at struct winsock_abort.
 */
int winsock_abort(const struct winsock_abort *args);

#endif /* WINSOCK_CLOSE_H */
