/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy by example, for KUnit and the host: facts, verdict, the case as a
 * sentence.
 */
#ifndef WINSOCK_POLICY_CASES_H
#define WINSOCK_POLICY_CASES_H

#define SHARED		WINSOCK_FACT_SHARED
#define LINGER		WINSOCK_FACT_LINGER
#define TIMED		WINSOCK_FACT_TIMED
#define NONBLOCK	WINSOCK_FACT_NONBLOCK
#define STRICT		WINSOCK_FACT_STRICT
#define PEER		WINSOCK_FACT_PEER
#define UNACKED		WINSOCK_FACT_UNACKED
#define EXPIRED		WINSOCK_FACT_EXPIRED

static const struct {
	__u32 facts;
	enum winsock_verdict verdict;
	const char *says;
} policy_cases[] = {
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
	{ LINGER | TIMED | PEER | UNACKED | NONBLOCK,
	  WINSOCK_VERDICT_WOULDBLOCK,
	  "non-blocking and unacknowledged would-blocks" },
	{ LINGER | TIMED | PEER | NONBLOCK, WINSOCK_VERDICT_RELEASE,
	  "non-blocking and drained is immediate" },
	{ LINGER | TIMED | PEER | NONBLOCK | STRICT, WINSOCK_VERDICT_WOULDBLOCK,
	  "the strict switch would-blocks even if drained" },
	{ LINGER | TIMED | PEER | UNACKED | STRICT, WINSOCK_VERDICT_WAIT,
	  "the strict switch does not touch blocking sockets" },
	/* claims: M1 */
	{ SHARED | LINGER | TIMED | PEER | UNACKED | NONBLOCK,
	  WINSOCK_VERDICT_DROP,
	  "a shared handle goes at once, whatever its options" },
	{ SHARED | LINGER | PEER, WINSOCK_VERDICT_DROP,
	  "a shared handle never resets its siblings" },
};

#endif /* WINSOCK_POLICY_CASES_H */
