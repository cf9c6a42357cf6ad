/* SPDX-License-Identifier: GPL-2.0-only */
/* Transports of AF_VSOCK count what they have not delivered since 6.12. */
#ifndef WINSOCK_COMPAT_VSOCK_H
#define WINSOCK_COMPAT_VSOCK_H

#include <linux/version.h>
#include <net/af_vsock.h>

static inline u32 compat_vsock_unsent(struct vsock_sock *vsk)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	if (vsk->transport->unsent_bytes)
		return max_t(ssize_t, vsk->transport->unsent_bytes(vsk), 0);
#endif
	return 0;
}

#endif /* WINSOCK_COMPAT_VSOCK_H */
