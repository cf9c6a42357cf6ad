/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets and their files: what differs, or is not exported. */
#ifndef WINSOCK_COMPAT_SOCKET_H
#define WINSOCK_COMPAT_SOCKET_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/version.h>
#include <net/sock.h>
#include <net/tcp.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#include <net/proto_memory.h>	/* sk_memory_allocated() */
#endif

/* Does an epoll watch it? None is added without another reference. */
static inline bool compat_file_watched(const struct file *file)
{
#ifdef CONFIG_EPOLL
	return READ_ONCE(file->f_ep);
#else
	return false;
#endif
}

/* Count in sockstat's orphans; newer kernels do not export the counter. */
static inline void compat_orphan_count(const struct sock *sk, int change)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	if (sk_is_tcp(sk))
		this_cpu_add(tcp_orphan_count, change);
#endif
}

/*
 * May the caller set SO_LINGER? Returns 0 or the security module's error. The
 * hook is not exported, and before 6.7 each function that calls it changes the
 * socket, too. do_sock_setsockopt() calls it and then refuses a length of 0; as
 * a 32-bit call it runs no BPF program, which would take the lock.
 */
static inline int compat_may_set_linger(struct socket *sock)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	int err = do_sock_setsockopt(sock, true, SOL_SOCKET, SO_LINGER,
				     KERNEL_SOCKPTR(NULL), 0);

	return err == -EINVAL ? 0 : err;
#else
	return 0;
#endif
}

/*
 * Drop a file as close(2) does: since 6.6 at once, before that by task work,
 * when __fput_sync() was for kernel threads only.
 */
static inline void compat_fput_close(struct file *file)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	fput(file);
#else
	__fput_sync(file);
#endif
}

#endif /* WINSOCK_COMPAT_SOCKET_H */
