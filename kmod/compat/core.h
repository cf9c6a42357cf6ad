/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions that the module wants of the core and no kernel has yet. The first
 * comment of each .c file beside this one says to which file of the core they
 * belong. In a kernel's tree they are there, and each prototype is in the
 * header named above it. Here the module has them, by what the kernel exports.
 */
#ifndef WINSOCK_COMPAT_CORE_H
#define WINSOCK_COMPAT_CORE_H

#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/types.h>

/* The module defines these functions for itself and exports none. */
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(symbol)

struct file;
struct sock;
struct socket;
struct task_struct;
struct wait_queue_entry;

/* include/linux/file.h */
bool close_fd_if(unsigned int fd, struct file *file);
int replace_fd_if(unsigned int fd, struct file *file, struct file *with,
		  bool *cloexec);

/* include/linux/poll.h */
struct task_struct *poll_entry_task(const struct wait_queue_entry *entry);

/* include/linux/skbuff.h */
struct task_struct *skb_entry_task(const struct wait_queue_entry *entry);

/* include/net/sock.h */
int __must_check lock_sock_killable(struct sock *sk, long timeout);
bool lock_sock_or_queue(struct sock *sk, struct wait_queue_entry *turn);

/*
 * Find out the wake functions of poll(2) and of datagram sockets, which are
 * static in the kernel. Lines that call these two are left out in a tree.
 */
void compat_learn_poll(struct file *file);
void compat_learn_packet(struct socket *sock);

#endif /* WINSOCK_COMPAT_CORE_H */
