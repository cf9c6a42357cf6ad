/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP's orphans in sockstat, whose counter newer kernels do not export. */
#ifndef WINSOCK_COMPAT_TCP_H
#define WINSOCK_COMPAT_TCP_H

#include <linux/version.h>
#include <net/tcp.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define tcp_orphan_count_inc() this_cpu_inc(tcp_orphan_count)
#define tcp_orphan_count_dec() this_cpu_dec(tcp_orphan_count)
#else
#define tcp_orphan_count_inc() do { } while (0)
#define tcp_orphan_count_dec() do { } while (0)
#endif

#endif /* WINSOCK_COMPAT_TCP_H */
