/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The security modules' hooks for sockets, of which none is exported. Since 6.7
 * there is a call that asks one of them and can be made to do nothing else; on
 * 6.1 what asks also sends, receives or takes the socket's lock.
 */
#ifndef WINSOCK_COMPAT_LSM_H
#define WINSOCK_COMPAT_LSM_H

#include <linux/errno.h>
#include <linux/version.h>
#include <net/sock.h>

/*
 * May the caller set SO_LINGER? 0 or the security module's error. A length of 0
 * is refused after that was asked and before the socket is touched; as a
 * 32-bit call it is not shown to BPF, whose programs run under the lock.
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

#endif /* WINSOCK_COMPAT_LSM_H */
