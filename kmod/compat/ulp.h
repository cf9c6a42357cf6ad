/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ULP's diag callbacks have an argument in newer kernels: does the caller of
 * sock_diag have CAP_NET_ADMIN? Older kernels call them for such callers only.
 * The type of the callback decides here, not the version: a distribution may
 * have backported the change.
 */
#ifndef WINSOCK_COMPAT_ULP_H
#define WINSOCK_COMPAT_ULP_H

#include <net/tcp.h>

#define COMPAT_ULP_SIZE_IS(type)      \
	__builtin_types_compatible_p( \
		typeof(((struct tcp_ulp_ops *)NULL)->get_info_size), type)
#define COMPAT_ULP_TOLD \
	COMPAT_ULP_SIZE_IS(size_t (*)(const struct sock *, bool))
#define COMPAT_ULP_UNTOLD COMPAT_ULP_SIZE_IS(size_t (*)(const struct sock *))

/* Else a third form would be called as the old one. */
static_assert(COMPAT_ULP_TOLD || COMPAT_ULP_UNTOLD);

/* Forms of @get and @size without that argument. */
#define COMPAT_ULP_INFO(get, size)                                        \
	static int __maybe_unused get##_untold(struct sock *sk,           \
					       struct sk_buff *skb)       \
	{                                                                 \
		return get(sk, skb, true);                                \
	}                                                                 \
	static size_t __maybe_unused size##_untold(const struct sock *sk) \
	{                                                                 \
		return size(sk, true);                                    \
	}

#define COMPAT_ULP_GET_INFO(get) \
	__builtin_choose_expr(COMPAT_ULP_TOLD, get, get##_untold)
#define COMPAT_ULP_GET_INFO_SIZE(size) \
	__builtin_choose_expr(COMPAT_ULP_TOLD, size, size##_untold)

#endif /* WINSOCK_COMPAT_ULP_H */
