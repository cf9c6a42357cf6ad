// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy on the host, under ASan and UBSan: every row by an example, every combination of facts
 * against a second implementation of the rules, and the arithmetic of unacknowledged payload around
 * the wrap.
 */
#include <stdio.h>
#include <string.h>

#include "../../kmod/policy.c"
#include "../../kmod/tests/policy_cases.h"

static int count, failed;

static void result(int ok, const char *name)
{
	count++;
	failed += !ok;
	printf("%s %d policy: %s\n", ok ? "ok" : "not ok", count, name);
}

/* The page in plain code, in another order than the table. */
static enum winsock_verdict oracle(__u32 f)
{
	int timed = (f & LINGER) && (f & TIMED);
	int hard = (f & LINGER) && !(f & TIMED);

	if (f & SHARED)
		return WINSOCK_VERDICT_DROP;
	if (hard)
		return f & PEER ? WINSOCK_VERDICT_ABORT : WINSOCK_VERDICT_RELEASE;
	if (!timed)
		return WINSOCK_VERDICT_RELEASE;
	if (!(f & UNACKED))
		return (f & NONBLOCK) && (f & STRICT) ? WINSOCK_VERDICT_WOULDBLOCK
						       : WINSOCK_VERDICT_RELEASE;
	if ((f & NONBLOCK) && (f & STRICT))
		return WINSOCK_VERDICT_WOULDBLOCK;
	if (f & EXPIRED)
		return WINSOCK_VERDICT_ABORT;
	return f & NONBLOCK ? WINSOCK_VERDICT_WOULDBLOCK : WINSOCK_VERDICT_WAIT;
}

static void check_all_facts(void)
{
	__u32 facts;
	int wrong = 0;

	for (facts = 0; facts < 1U << WINSOCK_FACT_BITS; facts++)
		wrong += winsock_policy_verdict(facts) != oracle(facts);
	result(!wrong, "every combination of facts agrees with the page in plain code");
}

static void check_rules_reached(void)
{
	__u32 facts;
	size_t row, reached = 0;

	for (row = 0; row < winsock_policy_rule_count; row++) {
		for (facts = 0; facts < 1U << WINSOCK_FACT_BITS; facts++) {
			size_t i = 0;

			while ((facts & winsock_policy_rules[i].with) !=
				       winsock_policy_rules[i].with ||
			       (facts & winsock_policy_rules[i].without))
				i++;
			if (i == row)
				break;
		}
		reached += facts < 1U << WINSOCK_FACT_BITS;
	}
	result(reached == winsock_policy_rule_count, "every row decides something");
	result(!winsock_policy_rules[winsock_policy_rule_count - 1].with &&
	       !winsock_policy_rules[winsock_policy_rule_count - 1].without,
	       "the last row fits everything");
}

static const struct {
	unsigned int state;
	__u32 write_seq, snd_una;
	bool syn;
	__u32 unacked;
	const char *name;
} spans[] = {
	{ TCP_ESTABLISHED, 1000, 1000, false, 0, "established and idle" },
	{ TCP_ESTABLISHED, 1500, 1000, false, 500, "established with data" },
	{ TCP_ESTABLISHED, 10, 0xfffffff0, false, 26, "sequence numbers wrap" },
	{ TCP_CLOSE_WAIT, 1500, 1000, false, 500, "close-wait with data" },
	{ TCP_FIN_WAIT1, 1001, 1000, false, 0, "our FIN alone is no payload" },
	{ TCP_FIN_WAIT1, 1501, 1000, false, 500, "data before our FIN" },
	{ TCP_FIN_WAIT1, 0, 0xffffffff, false, 0, "our FIN at the wrap" },
	{ TCP_LAST_ACK, 1501, 1000, false, 500, "last-ack with data" },
	{ TCP_CLOSING, 1001, 1000, false, 0, "closing without data" },
	{ TCP_FIN_WAIT2, 1001, 1000, false, 0, "fin-wait-2 is drained" },
	{ TCP_SYN_SENT, 1001, 1000, true, 0, "our SYN alone is no payload" },
	{ TCP_SYN_SENT, 1101, 1000, true, 100, "Fast Open data in the SYN" },
	{ TCP_SYN_RECV, 1001, 1000, true, 0, "simultaneous open" },
	{ TCP_SYN_RECV, 1000, 1000, true, 0, "no underflow" },
	{ TCP_SYN_RECV, 1100, 1000, false, 100, "child of Fast Open with data" },
	{ TCP_LISTEN, 5, 0, false, 0, "a listener has no payload" },
	{ TCP_CLOSE, 1500, 1000, false, 0, "a dead connection waits for nothing" },
	{ TCP_TIME_WAIT, 1500, 1000, false, 0, "time-wait waits for nothing" },
	{ WINSOCK_STATES, 1500, 1000, false, 0, "unknown states wait for nothing" },
	{ ~0U, 1500, 1000, false, 0, "absurd states wait for nothing" },
};

int main(void)
{
	size_t i;

	printf("TAP version 13\n1..%zu\n", sizeof(policy_cases) / sizeof(policy_cases[0]) +
	       sizeof(spans) / sizeof(spans[0]) + 4);
	for (i = 0; i < sizeof(policy_cases) / sizeof(policy_cases[0]); i++)
		result(winsock_policy_verdict(policy_cases[i].facts) == policy_cases[i].verdict,
		       policy_cases[i].says);
	for (i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
		result(winsock_policy_unacked(spans[i].state, spans[i].write_seq,
					      spans[i].snd_una, spans[i].syn) ==
		       spans[i].unacked, spans[i].name);
	check_all_facts();
	check_rules_reached();
	result(!(winsock_policy_state(WINSOCK_STATES) | winsock_policy_state(~0U)),
	       "numbers behind the last state mean nothing");
	return failed != 0;
}
