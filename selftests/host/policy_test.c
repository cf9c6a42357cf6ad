// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy on the host, under ASan and UBSan: every row by an example, every
 * combination of facts against the rules written a second time as plain code,
 * and the arithmetic of unacknowledged payload around the wrap.
 */
#include <stdio.h>
#include <string.h>

#include "../../kmod/policy.c"

#define SHARED		WINSOCK_FACT_SHARED
#define LINGER		WINSOCK_FACT_LINGER
#define TIMED		WINSOCK_FACT_TIMED
#define NONBLOCK	WINSOCK_FACT_NONBLOCK
#define STRICT		WINSOCK_FACT_STRICT
#define PEER		WINSOCK_FACT_PEER
#define UNACKED		WINSOCK_FACT_UNACKED
#define EXPIRED		WINSOCK_FACT_EXPIRED

static int count, failed;

static void result(int ok, const char *name)
{
	count++;
	failed += !ok;
	printf("%s %d policy: %s\n", ok ? "ok" : "not ok", count, name);
}

static const struct {
	__u32 facts;
	enum winsock_verdict verdict;
	const char *name;
} examples[] = {
	/* claims: G1 G2 G6 */
	{ PEER | UNACKED, WINSOCK_VERDICT_RELEASE,
	  "linger off with data queued closes in the background" },
	{ PEER | UNACKED | NONBLOCK, WINSOCK_VERDICT_RELEASE,
	  "linger off never would-blocks" },
	{ PEER | TIMED, WINSOCK_VERDICT_RELEASE,
	  "a timeout without linger is ignored" },
	{ PEER | NONBLOCK | STRICT, WINSOCK_VERDICT_RELEASE,
	  "the strict switch says nothing where linger is off" },
	/* claims: H1 H2 H3 */
	{ LINGER | PEER, WINSOCK_VERDICT_ABORT,
	  "linger with timeout zero resets" },
	{ LINGER | PEER | NONBLOCK | STRICT | UNACKED, WINSOCK_VERDICT_ABORT,
	  "a hard close never would-blocks, strict or not" },
	{ LINGER, WINSOCK_VERDICT_RELEASE,
	  "a hard close without a peer has nothing to reset" },
	/* claims: B1 B2 B3 B4 B12 */
	{ LINGER | TIMED | PEER, WINSOCK_VERDICT_RELEASE,
	  "a drained lingering close is immediate" },
	{ LINGER | TIMED | PEER | UNACKED, WINSOCK_VERDICT_WAIT,
	  "a lingering close with data queued waits" },
	{ LINGER | TIMED | PEER | UNACKED | EXPIRED, WINSOCK_VERDICT_ABORT,
	  "the deadline resets" },
	{ LINGER | TIMED | PEER | EXPIRED, WINSOCK_VERDICT_RELEASE,
	  "drained in the same moment as the deadline is drained" },
	{ LINGER | TIMED, WINSOCK_VERDICT_RELEASE,
	  "without a connection there is nothing to wait for" },
	/* claims: N1 N2 */
	{ LINGER | TIMED | PEER | UNACKED | NONBLOCK, WINSOCK_VERDICT_WOULDBLOCK,
	  "non-blocking and unacknowledged would-blocks" },
	{ LINGER | TIMED | PEER | NONBLOCK, WINSOCK_VERDICT_RELEASE,
	  "non-blocking and drained is immediate" },
	{ LINGER | TIMED | PEER | NONBLOCK | STRICT, WINSOCK_VERDICT_WOULDBLOCK,
	  "the strict switch would-blocks even if drained" },
	{ LINGER | TIMED | PEER | UNACKED | STRICT, WINSOCK_VERDICT_WAIT,
	  "the strict switch does not touch blocking sockets" },
	/* claims: M1 */
	{ SHARED | LINGER | TIMED | PEER | UNACKED | NONBLOCK, WINSOCK_VERDICT_DROP,
	  "a shared handle goes at once, whatever its options" },
	{ SHARED | LINGER | PEER, WINSOCK_VERDICT_DROP,
	  "a shared handle never resets its siblings" },
};

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
	{ WINSOCK_ESTABLISHED, 1000, 1000, false, 0, "established and idle" },
	{ WINSOCK_ESTABLISHED, 1500, 1000, false, 500, "established with data" },
	{ WINSOCK_ESTABLISHED, 10, 0xfffffff0, false, 26, "sequence numbers wrap" },
	{ WINSOCK_CLOSE_WAIT, 1500, 1000, false, 500, "close-wait with data" },
	{ WINSOCK_FIN_WAIT1, 1001, 1000, false, 0, "our FIN alone is no payload" },
	{ WINSOCK_FIN_WAIT1, 1501, 1000, false, 500, "data before our FIN" },
	{ WINSOCK_FIN_WAIT1, 0, 0xffffffff, false, 0, "our FIN at the wrap" },
	{ WINSOCK_LAST_ACK, 1501, 1000, false, 500, "last-ack with data" },
	{ WINSOCK_CLOSING, 1001, 1000, false, 0, "closing without data" },
	{ WINSOCK_FIN_WAIT2, 1001, 1000, false, 0, "fin-wait-2 is drained" },
	{ WINSOCK_SYN_SENT, 1001, 1000, true, 0, "our SYN alone is no payload" },
	{ WINSOCK_SYN_SENT, 1101, 1000, true, 100, "Fast Open data in the SYN" },
	{ WINSOCK_SYN_RECV, 1001, 1000, true, 0, "simultaneous open" },
	{ WINSOCK_SYN_RECV, 1000, 1000, true, 0, "no underflow" },
	{ WINSOCK_SYN_RECV, 1100, 1000, false, 100, "child of Fast Open with data" },
	{ WINSOCK_LISTEN, 5, 0, false, 0, "a listener has no payload" },
	{ WINSOCK_CLOSE, 1500, 1000, false, 0, "a dead connection waits for nothing" },
	{ WINSOCK_TIME_WAIT, 1500, 1000, false, 0, "time-wait waits for nothing" },
	{ WINSOCK_STATES, 1500, 1000, false, 0, "unknown states wait for nothing" },
	{ ~0U, 1500, 1000, false, 0, "absurd states wait for nothing" },
};

int main(void)
{
	size_t i;

	printf("TAP version 13\n1..%zu\n", sizeof(examples) / sizeof(examples[0]) +
	       sizeof(spans) / sizeof(spans[0]) + 4);
	for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		result(winsock_policy_verdict(examples[i].facts) == examples[i].verdict,
		       examples[i].name);
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
