// SPDX-License-Identifier: GPL-2.0-only
/* What those who watch are told of a close. */
#include <net/ipv6.h>
#include <net/sock.h>

#include "report.h"
#include "tcp.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

void winsock_report_names(const struct sock *sk, void *local, void *remote)
{
	const struct inet_sock *inet = inet_sk(sk);
	struct sockaddr_in6 *local6 = local, *remote6 = remote;
	struct sockaddr_in *local4 = local, *remote4 = remote;
	u16 family = READ_ONCE(sk->sk_family);

	memset(local6, 0, sizeof(*local6));
	memset(remote6, 0, sizeof(*remote6));
	local6->sin6_family = family;
	remote6->sin6_family = family;
	if (family == AF_INET) {
		local4->sin_addr.s_addr = inet->inet_saddr;
		local4->sin_port = inet->inet_sport;
		remote4->sin_addr.s_addr = inet->inet_daddr;
		remote4->sin_port = inet->inet_dport;
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (family == AF_INET6) {
		local6->sin6_addr = inet6_sk(sk)->saddr;
		local6->sin6_port = inet->inet_sport;
		remote6->sin6_addr = sk->sk_v6_daddr;
		remote6->sin6_port = inet->inet_dport;
	}
#endif
}

void winsock_report_trace_verdict(const struct sock *sk,
				  const struct winsock_facts *facts, u32 bits,
				  enum winsock_verdict verdict, u64 timeout_ns, u64 tag)
{
	trace_winsock_verdict(sk, facts, bits | winsock_facts_bits(facts), verdict, timeout_ns,
			      tag);
}

void winsock_report_trace_outcome(const struct sock *sk, enum winsock_mib outcome,
				  const struct winsock_facts *facts, u64 unacked,
				  u64 elapsed_ns, u64 tag)
{
	trace_winsock_outcome(sk, outcome, facts->state, unacked, elapsed_ns, tag);
}

void winsock_report_trace_release(struct sock *sk, enum winsock_mib outcome)
{
	struct winsock_facts facts;

	winsock_tcp_snapshot(sk, &facts);
	trace_winsock_outcome(sk, outcome, facts.state, facts.unacked, 0, 0);
}
