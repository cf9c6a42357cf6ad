// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision of every close, be it by the device, by the release of an
 * attached socket or by an op: gather the facts, ask the policy, report, carry
 * out. Before the verdict nothing changes; after it nothing can fail.
 */
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "decide.h"
#include "family.h"
#include "netns.h"
#include "sockopt.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/**
 * winsock_decide() - gather the facts and ask the policy
 * @sk:		the socket; the facts are of one moment if it is locked
 * @decision:	@given, @timed, @timeout_ns: in; @facts, @bits, @verdict: out
 *
 * Linger off (G1) and the hard close (H1) need nothing that the lock guards.
 */
void winsock_decide(struct sock *sk, struct winsock_decision *decision)
{
	struct winsock_facts *facts = &decision->facts;
	u32 bits = decision->given & WINSOCK_FACT_SHARED;

	winsock_family_snapshot(sk, facts);
	if (!decision->timed)
		decision->timeout_ns = facts->linger_ns;
	/* With linger off nothing else counts (G1). */
	if (decision->timed ? facts->can_linger : facts->linger) {
		bits |= decision->given | WINSOCK_FACT_LINGER;
		if (decision->timeout_ns)
			bits |= WINSOCK_FACT_TIMED;
		if (facts->unacked)
			bits |= WINSOCK_FACT_UNACKED;
		if (facts->peer)
			bits |= WINSOCK_FACT_PEER;
	}
	decision->bits = bits;
	decision->verdict = winsock_policy_verdict(bits);
}

/**
 * winsock_outcome() - how a close that was decided ends
 * @decision: with a verdict of DROP, RELEASE or ABORT
 *
 * Return: enum winsock_outcome.
 */
u32 winsock_outcome(const struct winsock_decision *decision)
{
	if (decision->verdict == WINSOCK_VERDICT_DROP)
		return WINSOCK_OUTCOME_SHARED;
	if (decision->bits & WINSOCK_FACT_EXPIRED &&
	    decision->verdict == WINSOCK_VERDICT_ABORT)
		return WINSOCK_OUTCOME_DEADLINE;
	if (decision->verdict == WINSOCK_VERDICT_ABORT)
		return WINSOCK_OUTCOME_REQUEST;
	if (decision->facts.dead)
		return WINSOCK_OUTCOME_PEER;
	if (decision->facts.unread && decision->facts.unread_resets)
		return WINSOCK_OUTCOME_UNREAD;
	return WINSOCK_OUTCOME_GRACEFUL;
}

/**
 * winsock_report_verdict() - count and trace a verdict that is carried out now
 * @sk:		the socket, before a reset, which clears its addresses
 * @decision:	with a verdict; would-block has no outcome and is counted here
 *
 * A wait is reported when it begins, and again whenever it has to go on.
 */
void winsock_report_verdict(struct sock *sk,
			    const struct winsock_decision *decision)
{
	if (decision->verdict == WINSOCK_VERDICT_WOULDBLOCK)
		winsock_mib_inc(sock_net(sk), WINSOCK_MIB_WOULDBLOCK);
	trace_winsock_verdict(sk, decision);
}

/**
 * winsock_report_end() - record, count and trace how a close ends
 * @sk:		the socket, before a reset
 * @decision:	decided; its record is filled in
 * @outcome:	enum winsock_outcome
 */
void winsock_report_end(struct sock *sk, struct winsock_decision *decision,
			u32 outcome)
{
	struct winsock_record *record = &decision->record;

	record->outcome = outcome;
	record->pad = 0;
	record->state = decision->facts.state;
	record->error = decision->facts.error;
	record->unacked = decision->facts.unacked;
	/* @lost may count a FIN; at most the outstanding payload is lost. */
	if (decision->facts.dead)
		record->unacked = min(decision->outstanding,
				      decision->facts.lost);
	record->elapsed_ns = 0;
	if (decision->started)
		record->elapsed_ns = ktime_to_ns(ktime_sub(ktime_get(),
							   decision->started));
	winsock_mib_inc(sock_net(sk), outcome);
	/* TCP's own close of an attached socket follows and must not count. */
	if (outcome != WINSOCK_OUTCOME_SHARED &&
	    outcome != WINSOCK_OUTCOME_CANCELLED)
		winsock_sockopt_set_reported(sk);
	trace_winsock_outcome(sk, record);
}

/* noinline: else every close would clear the variable, traced or not. */
static noinline void decide_trace_plain(struct sock *sk, u32 outcome)
{
	struct winsock_decision decision = { .record.outcome = outcome };

	winsock_family_snapshot(sk, &decision.facts);
	decision.record.state = decision.facts.state;
	decision.record.unacked = decision.facts.unacked;
	trace_winsock_outcome(sk, &decision.record);
}

/**
 * winsock_report_plain() - count and trace a close that TCP does alone
 * @sk:		the socket, locked or not
 * @outcome:	WINSOCK_OUTCOME_REQUEST, or WINSOCK_MIB_PLAIN with linger off
 *
 * Does nothing if the device or an op has reported this close.
 */
void winsock_report_plain(struct sock *sk, u32 outcome)
{
	if (winsock_sockopt_reported(sk))
		return;
	winsock_mib_inc(sock_net(sk), outcome);
	if (trace_winsock_outcome_enabled())
		decide_trace_plain(sk, outcome);
}

/* With data unread the end is a reset, as TCP's own release makes it (G7). */
static bool decide_resets(const struct winsock_decision *decision)
{
	return decision->verdict == WINSOCK_VERDICT_ABORT ||
	       winsock_outcome(decision) == WINSOCK_OUTCOME_UNREAD;
}

/**
 * winsock_carry_out() - do what a verdict says to the connection
 * @sk:		the socket, locked; a family may unlock it in between, see
 *		winsock_carry_out_relocks()
 * @decision:	the decision, which was reported
 * @others:	threads are inside calls on the socket, or the caller has
 *		decided for other descriptors too. These hold the file, so the
 *		connection ends now, before the last fput(); the next call on
 *		it fails with ECONNABORTED, or ECONNRESET (P10)
 *
 * After a RELEASE TCP sends what is queued, and its FIN.
 */
void winsock_carry_out(struct sock *sk, const struct winsock_decision *decision,
		       bool others)
{
	sock_owned_by_me(sk);
	if (decision->verdict != WINSOCK_VERDICT_ABORT &&
	    decision->verdict != WINSOCK_VERDICT_RELEASE)
		return;
	/* The release must not wait for the ACK of the FIN (B4). */
	sock_reset_flag(sk, SOCK_LINGER);
	if (decision->verdict == WINSOCK_VERDICT_RELEASE && !others)
		return;
	if (decide_resets(decision))
		winsock_family_reset(sk);
	else
		winsock_family_disconnect(sk);
}

/**
 * winsock_carry_out_relocks() - must a thread that may sleep carry it out?
 * @sk:		the socket, locked
 * @decision:	the decision
 * @others:	see winsock_carry_out()
 *
 * Return: see @relocks of struct winsock_family_ops.
 */
bool winsock_carry_out_relocks(struct sock *sk,
			       const struct winsock_decision *decision,
			       bool others)
{
	return winsock_family_relocks(sk, !others || decide_resets(decision));
}

/**
 * winsock_names() - both ends of a connection
 * @sk:		the socket, locked or not
 * @local:	room for a struct sockaddr_in6; only the family is set if the
 *		socket has no IP address
 * @remote:	the same
 */
void winsock_names(const struct sock *sk, void *local, void *remote)
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
