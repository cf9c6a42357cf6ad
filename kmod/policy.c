// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy of closesocket, as two tables: what a TCP state means, and which
 * verdict follows from the facts. Claim IDs: Documentation/claims.rst.
 */
#include "policy.h"

const __u8 winsock_policy_states[WINSOCK_STATES] = {
	[TCP_ESTABLISHED]	= WINSOCK_STATE_PEER | WINSOCK_STATE_PAYLOAD,
	/* No peer yet, but TCP Fast Open may already have queued payload. */
	[TCP_SYN_SENT]		= WINSOCK_STATE_PAYLOAD,
	[TCP_SYN_RECV]		= WINSOCK_STATE_PEER | WINSOCK_STATE_PAYLOAD,
	[TCP_FIN_WAIT1]		= WINSOCK_STATE_PEER | WINSOCK_STATE_PAYLOAD |
				  WINSOCK_STATE_FIN,
	/* Our FIN is acknowledged, so everything before it is. */
	[TCP_FIN_WAIT2]		= WINSOCK_STATE_PEER,
	[TCP_CLOSE_WAIT]	= WINSOCK_STATE_PEER | WINSOCK_STATE_PAYLOAD,
	[TCP_LAST_ACK]		= WINSOCK_STATE_PEER | WINSOCK_STATE_PAYLOAD |
				  WINSOCK_STATE_FIN,
	[TCP_CLOSING]		= WINSOCK_STATE_PEER | WINSOCK_STATE_PAYLOAD |
				  WINSOCK_STATE_FIN,
};

const struct winsock_rule winsock_policy_rules[] = {
	{ WINSOCK_FACT_SHARED, 0, WINSOCK_VERDICT_DROP,
	  "M1: one of several handles goes without any effect on the others" },
	{ 0, WINSOCK_FACT_LINGER, WINSOCK_VERDICT_RELEASE,
	  "G1 G2 G6: linger off closes in the background, blocking or not" },
	{ WINSOCK_FACT_LINGER | WINSOCK_FACT_PEER, WINSOCK_FACT_TIMED,
	  WINSOCK_VERDICT_ABORT,
	  "H1 H2 H3: linger with timeout zero resets at once, blocking or not" },
	{ WINSOCK_FACT_LINGER, WINSOCK_FACT_TIMED, WINSOCK_VERDICT_RELEASE,
	  "B12: without a peer there is nothing to reset" },
	{ WINSOCK_FACT_NONBLOCK | WINSOCK_FACT_STRICT, 0,
	  WINSOCK_VERDICT_WOULDBLOCK,
	  "STRICT: the error table to the letter, whatever is queued" },
	{ 0, WINSOCK_FACT_UNACKED, WINSOCK_VERDICT_RELEASE,
	  "B1 B2 B12 N2 N7: nothing unacknowledged, the close completes at once" },
	{ WINSOCK_FACT_EXPIRED, 0, WINSOCK_VERDICT_ABORT,
	  "B3: the deadline resets before the caller hears of it" },
	{ WINSOCK_FACT_NONBLOCK, 0, WINSOCK_VERDICT_WOULDBLOCK,
	  "N1 N6: cannot complete at once, so nothing is begun" },
	{ 0, 0, WINSOCK_VERDICT_WAIT,
	  "B2 B4: wait for the acknowledgement of the payload or the deadline" },
};

const size_t winsock_policy_rule_count =
	sizeof(winsock_policy_rules) / sizeof(winsock_policy_rules[0]);

enum winsock_verdict winsock_policy_verdict(__u32 facts)
{
	const struct winsock_rule *rule = winsock_policy_rules;

	while ((facts & rule->with) != rule->with || (facts & rule->without))
		rule++;

	return rule->verdict;
}
