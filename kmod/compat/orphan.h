/* SPDX-License-Identifier: GPL-2.0-only */
/* sockstat's orphans, whose counter newer kernels do not export; tcp_mem. */
#ifndef WINSOCK_COMPAT_ORPHAN_H
#define WINSOCK_COMPAT_ORPHAN_H

#include <linux/version.h>
#include <net/sock.h>
#include <net/tcp.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#include <net/proto_memory.h>	/* sk_memory_allocated() */
#endif

static inline void compat_orphan_count(const struct sock *sk, int change)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	if (sk_is_tcp(sk))
		this_cpu_add(tcp_orphan_count, change);
#endif
}

#endif /* WINSOCK_COMPAT_ORPHAN_H */
