/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy: facts about a socket in, verdict of a close out. No kernel call,
 * no lock, no state: the same file is compiled into the module, into KUnit and
 * into a host program under ASan and UBSan.
 */
#ifndef WINSOCK_POLICY_H
#define WINSOCK_POLICY_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <net/tcp_states.h>
#else
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#endif

/* One more than the last state; kernel and user space share the numbers. */
#define WINSOCK_STATES		(TCP_CLOSING + 1)

/* Bits: the meaning of a state for a close. */
#define WINSOCK_STATE_PEER	(1U << 0)	/* a reset would reach a peer */
#define WINSOCK_STATE_PAYLOAD	(1U << 1)	/* may have unacked payload */
#define WINSOCK_STATE_FIN	(1U << 2)	/* write_seq counts our FIN */

/* The facts that a verdict depends on. */
#define WINSOCK_FACT_SHARED	(1U << 0)	/* there is another handle */
#define WINSOCK_FACT_LINGER	(1U << 1)	/* linger is on */
#define WINSOCK_FACT_TIMED	(1U << 2)	/* its timeout is not zero */
#define WINSOCK_FACT_NONBLOCK	(1U << 3)	/* the socket is non-blocking */
#define WINSOCK_FACT_STRICT	(1U << 4)	/* drained: would-block, too */
#define WINSOCK_FACT_PEER	(1U << 5)	/* a reset would reach a peer */
#define WINSOCK_FACT_UNACKED	(1U << 6)	/* unacknowledged payload */
#define WINSOCK_FACT_EXPIRED	(1U << 7)	/* the deadline has passed */
#define WINSOCK_FACT_BITS	8

enum winsock_verdict {
	WINSOCK_VERDICT_DROP = 1,	/* drop this descriptor alone */
	WINSOCK_VERDICT_RELEASE,	/* release the socket to TCP's close */
	WINSOCK_VERDICT_ABORT,		/* reset, before the close returns */
	WINSOCK_VERDICT_WOULDBLOCK,	/* nothing begun, nothing changed */
	WINSOCK_VERDICT_WAIT,		/* for drain or deadline; ask again */
};

/**
 * struct winsock_rule - one row of the policy
 * @with:	facts that must hold
 * @without:	facts that must not hold
 * @verdict:	the answer, if this is the first row that fits
 * @why:	claims and reason
 */
struct winsock_rule {
	__u32 with;
	__u32 without;
	enum winsock_verdict verdict;
	const char *why;
};

/* The first row that fits decides; the last row fits everything. */
extern const struct winsock_rule winsock_policy_rules[];
extern const size_t winsock_policy_rule_count;

/**
 * winsock_policy_verdict() - decide a close
 * @facts: WINSOCK_FACT_* bits
 *
 * Return: the verdict; total, every combination has one.
 */
enum winsock_verdict winsock_policy_verdict(__u32 facts);

/* WINSOCK_STATE_* bits of each state. */
extern const __u8 winsock_policy_states[WINSOCK_STATES];

/**
 * winsock_policy_state() - what a TCP state means for a close
 * @state: the state's number; unknown numbers mean nothing
 *
 * Return: WINSOCK_STATE_* bits.
 */
static inline __u32 winsock_policy_state(unsigned int state)
{
	return state < WINSOCK_STATES ? winsock_policy_states[state] : 0;
}

/**
 * winsock_policy_unacked() - payload that the peer's TCP has not acknowledged
 * @state:	TCP state
 * @write_seq:	sequence number behind the last byte queued, our FIN included
 * @snd_una:	oldest unacknowledged sequence number
 * @syn:	our SYN is among the unacknowledged
 *
 * SYN and FIN take a sequence number each and are no payload.
 *
 * Return: bytes.
 */
static inline __u32 winsock_policy_unacked(unsigned int state, __u32 write_seq,
					   __u32 snd_una, bool syn)
{
	__u32 bits = winsock_policy_state(state);
	__u32 span = write_seq - snd_una;
	__u32 flags = !!(bits & WINSOCK_STATE_FIN) + syn;

	if (!(bits & WINSOCK_STATE_PAYLOAD) || span < flags)
		return 0;

	return span - flags;
}

#endif /* WINSOCK_POLICY_H */
