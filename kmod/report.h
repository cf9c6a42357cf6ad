/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What those who watch are told of a close: a counter and a tracepoint each. Here is
 * what a close costs that nobody traces; the rest is out of line.
 */
#ifndef WINSOCK_REPORT_H
#define WINSOCK_REPORT_H

#include <linux/module.h>
#include <linux/tracepoint-defs.h>
#include <linux/types.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "facts.h"
#include "mib.h"
#include "policy.h"
#include "sockopt.h"

DECLARE_TRACEPOINT(winsock_verdict);
DECLARE_TRACEPOINT(winsock_outcome);

/* The tracepoints themselves, with the arguments of the functions below. */
void winsock_report_trace_verdict(const struct sock *sk,
				  const struct winsock_facts *facts, u32 bits,
				  enum winsock_verdict verdict, u64 timeout_ns, u64 tag);
void winsock_report_trace_outcome(const struct sock *sk, enum winsock_mib outcome,
				  const struct winsock_facts *facts, u64 unacked,
				  u64 elapsed_ns, u64 tag);
void winsock_report_trace_release(struct sock *sk, enum winsock_mib outcome);

/**
 * winsock_report_verdict() - a close was decided, and so it will be done
 * @sk:		the socket, not reset yet, which would take its addresses
 * @facts:	what it was decided by
 * @bits:	the same as WINSOCK_FACT_*, with what the call brought along
 * @verdict:	the verdict; counted here if it is would-block, which has no outcome
 * @timeout_ns:	the linger time, if @bits have LINGER
 * @tag:	the caller's mark
 *
 * A wait is told when it is begun, and once more if it was looked at in vain.
 */
static inline void winsock_report_verdict(const struct sock *sk,
					  const struct winsock_facts *facts, u32 bits,
					  enum winsock_verdict verdict, u64 timeout_ns,
					  u64 tag)
{
	if (verdict == WINSOCK_VERDICT_WOULDBLOCK)
		winsock_mib_inc(sock_net(sk), WINSOCK_MIB_WOULDBLOCK);
	if (tracepoint_enabled(winsock_verdict))
		winsock_report_trace_verdict(sk, facts, bits, verdict, timeout_ns, tag);
}

/**
 * winsock_report_outcome() - a close is over, but for carrying it out
 * @sk:		the socket, not reset yet
 * @outcome:	WINSOCK_OUTCOME_* or WINSOCK_MIB_FORCED
 * @facts:	what it was decided by
 * @unacked:	payload bytes never acknowledged
 * @elapsed_ns:	from the call to the decision
 * @tag:	the caller's mark
 */
static inline void winsock_report_outcome(struct sock *sk, enum winsock_mib outcome,
					  const struct winsock_facts *facts,
					  u64 unacked, u64 elapsed_ns, u64 tag)
{
	winsock_mib_inc(sock_net(sk), outcome);
	/* Attached: TCP's part of this close will come by winsock_report_release(). */
	if (READ_ONCE(sk->sk_prot)->owner == THIS_MODULE &&
	    outcome != WINSOCK_MIB_SHARED && outcome != WINSOCK_MIB_CANCELLED)
		winsock_sockopt_set_reported(sk);
	if (tracepoint_enabled(winsock_outcome))
		winsock_report_trace_outcome(sk, outcome, facts, unacked, elapsed_ns, tag);
}

/**
 * winsock_report_release() - TCP closes an attached socket by itself
 * @sk:		the socket, locked or not; its facts are gathered only for a tracer
 * @outcome:	WINSOCK_MIB_PLAIN if that is not looked into
 *
 * Nothing if the close was decided and reported before, by the device or an op.
 */
static inline void winsock_report_release(struct sock *sk, enum winsock_mib outcome)
{
	if (winsock_sockopt_reported(sk))
		return;
	winsock_mib_inc(sock_net(sk), outcome);
	if (tracepoint_enabled(winsock_outcome))
		winsock_report_trace_release(sk, outcome);
}

/**
 * winsock_report_decided() - how a close that needs no wait comes out
 * @verdict:	DROP, RELEASE or ABORT
 * @facts:	what it was decided by
 *
 * Return: WINSOCK_OUTCOME_*.
 */
static inline u32 winsock_report_decided(enum winsock_verdict verdict,
					 const struct winsock_facts *facts)
{
	if (verdict == WINSOCK_VERDICT_DROP)
		return WINSOCK_OUTCOME_SHARED;
	if (verdict == WINSOCK_VERDICT_ABORT)
		return WINSOCK_OUTCOME_REQUEST;
	return winsock_facts_outcome(facts);
}

/**
 * winsock_report_names() - both ends of a connection
 * @sk:		the socket, locked or not
 * @local:	room for a struct sockaddr_in6; the family, and zeros, if it has none
 * @remote:	the same
 */
void winsock_report_names(const struct sock *sk, void *local, void *remote);

#endif /* WINSOCK_REPORT_H */
