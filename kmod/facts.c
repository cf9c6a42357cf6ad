// SPDX-License-Identifier: GPL-2.0-only
/* What a close is decided by, whatever the socket's family. */
#include <linux/overflow.h>
#include <net/inet_sock.h>

#include <linux/winsock.h>

#include "facts.h"
#include "policy.h"

void winsock_facts_gather(const struct sock *sk, struct winsock_facts *facts)
{
	*facts = (struct winsock_facts){
		.state		= inet_sk_state_load(sk),
		.can_linger	= true,
		.linger		= sock_flag(sk, SOCK_LINGER),
		.error		= READ_ONCE(sk->sk_err),
	};
	/* sk_lingertime is in jiffies; a value without end saturates. */
	if (check_mul_overflow((u64)READ_ONCE(sk->sk_lingertime),
			       (u64)(NSEC_PER_SEC / HZ), &facts->linger_ns))
		facts->linger_ns = U64_MAX;
}

u32 winsock_facts_bits(const struct winsock_facts *facts)
{
	u32 bits = 0;

	if (facts->unacked)
		bits |= WINSOCK_FACT_UNACKED;
	if (facts->peer)
		bits |= WINSOCK_FACT_PEER;
	return bits;
}

u32 winsock_facts_outcome(const struct winsock_facts *facts)
{
	if (facts->dead)
		return WINSOCK_OUTCOME_PEER;
	if (facts->unread && facts->unread_resets)
		return WINSOCK_OUTCOME_UNREAD;
	return WINSOCK_OUTCOME_GRACEFUL;
}
