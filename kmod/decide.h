/* SPDX-License-Identifier: GPL-2.0-only */
/* The decision of every close, see decide.c. */
#ifndef WINSOCK_DECIDE_H
#define WINSOCK_DECIDE_H

#include <linux/ktime.h>
#include <linux/types.h>

#include <linux/winsock.h>

#include "family.h"
#include "policy.h"

struct sock;

/**
 * struct winsock_decision - one close, as it is decided
 * @given:	WINSOCK_FACT_* that the socket does not show: SHARED, NONBLOCK,
 *		STRICT, EXPIRED
 * @timed:	@timeout_ns is the caller's and decides instead of SO_LINGER
 * @timeout_ns:	linger time; SO_LINGER's after winsock_decide() without @timed
 * @started:	when the close began, or 0 if it cannot have waited
 * @outstanding: unacknowledged payload at the last look
 * @facts:	the facts at the decision
 * @bits:	the same as WINSOCK_FACT_*
 * @verdict:	the policy's answer
 * @record:	how it ends, after winsock_report_end(); only @tag before
 */
struct winsock_decision {
	u32 given;
	bool timed;
	u64 timeout_ns;
	ktime_t started;
	u32 outstanding;
	struct winsock_facts facts;
	u32 bits;
	enum winsock_verdict verdict;
	struct winsock_record record;
};

void winsock_decide(struct sock *sk, struct winsock_decision *decision);
void winsock_report_verdict(struct sock *sk,
			    const struct winsock_decision *decision);
void winsock_report_end(struct sock *sk, struct winsock_decision *decision,
			u32 outcome);
void winsock_report_plain(struct sock *sk, u32 outcome);
u32 winsock_outcome(const struct winsock_decision *decision);
void winsock_carry_out(struct sock *sk, const struct winsock_decision *decision,
		       bool others);
bool winsock_carry_out_relocks(struct sock *sk,
			       const struct winsock_decision *decision,
			       bool others);
void winsock_names(const struct sock *sk, void *local, void *remote);

#endif /* WINSOCK_DECIDE_H */
