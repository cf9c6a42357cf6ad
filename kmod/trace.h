/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: a close is decided, a close has ended. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM winsock

#if !defined(WINSOCK_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define WINSOCK_TRACE_H

#include <linux/in6.h>
#include <linux/tracepoint.h>
#include <net/sock.h>

#include "decide.h"
#include "netns.h"

/* Programs that read the raw record have to know the numbers. */
TRACE_DEFINE_ENUM(WINSOCK_VERDICT_DROP);
TRACE_DEFINE_ENUM(WINSOCK_VERDICT_RELEASE);
TRACE_DEFINE_ENUM(WINSOCK_VERDICT_ABORT);
TRACE_DEFINE_ENUM(WINSOCK_VERDICT_WOULDBLOCK);
TRACE_DEFINE_ENUM(WINSOCK_VERDICT_WAIT);
TRACE_DEFINE_ENUM(WINSOCK_MIB_PLAIN);
TRACE_DEFINE_ENUM(WINSOCK_OUTCOME_GRACEFUL);
TRACE_DEFINE_ENUM(WINSOCK_OUTCOME_DEADLINE);
TRACE_DEFINE_ENUM(WINSOCK_OUTCOME_REQUEST);
TRACE_DEFINE_ENUM(WINSOCK_OUTCOME_PEER);
TRACE_DEFINE_ENUM(WINSOCK_OUTCOME_SHARED);
TRACE_DEFINE_ENUM(WINSOCK_OUTCOME_UNREAD);
TRACE_DEFINE_ENUM(WINSOCK_OUTCOME_CANCELLED);
TRACE_DEFINE_ENUM(WINSOCK_OUTCOME_FORCED);

#define trace_winsock_show_facts(facts)				\
	__print_flags(facts, "|",				\
		      { WINSOCK_FACT_SHARED,	"shared" },	\
		      { WINSOCK_FACT_LINGER,	"linger" },	\
		      { WINSOCK_FACT_TIMED,	"timed" },	\
		      { WINSOCK_FACT_NONBLOCK,	"nonblock" },	\
		      { WINSOCK_FACT_STRICT,	"strict" },	\
		      { WINSOCK_FACT_PEER,	"peer" },	\
		      { WINSOCK_FACT_UNACKED,	"unacked" },	\
		      { WINSOCK_FACT_EXPIRED,	"expired" })

#define trace_winsock_show_verdict(verdict)				\
	__print_symbolic(verdict,					\
			 { WINSOCK_VERDICT_DROP,	"drop" },	\
			 { WINSOCK_VERDICT_RELEASE,	"release" },	\
			 { WINSOCK_VERDICT_ABORT,	"abort" },	\
			 { WINSOCK_VERDICT_WOULDBLOCK,	"wouldblock" },	\
			 { WINSOCK_VERDICT_WAIT,	"wait" })

#define trace_winsock_show_outcome(outcome)				\
	__print_symbolic(outcome,					\
			 { WINSOCK_MIB_PLAIN,	"plain" },	\
			 { WINSOCK_OUTCOME_GRACEFUL,	"graceful" },	\
			 { WINSOCK_OUTCOME_DEADLINE,	"deadline" },	\
			 { WINSOCK_OUTCOME_REQUEST,	"request" },	\
			 { WINSOCK_OUTCOME_PEER,	"peer" },	\
			 { WINSOCK_OUTCOME_SHARED,	"shared" },	\
			 { WINSOCK_OUTCOME_UNREAD,	"unread" },	\
			 { WINSOCK_OUTCOME_CANCELLED,	"cancelled" },	\
			 { WINSOCK_OUTCOME_FORCED,	"forced" })

/* The policy was asked and its verdict is about to be carried out. */
TRACE_EVENT(winsock_verdict,
	    TP_PROTO(const struct sock *sk,
		     const struct winsock_decision *decision),
	    TP_ARGS(sk, decision),

	    TP_STRUCT__entry(__field(u64, tag)
			     __field(u64, timeout_ns)
			     __field(u32, netns)
			     __field(u32, facts)
			     __field(u32, verdict)
			     __field(u32, state)
			     __field(u32, unacked)
			     __field(u32, unread)
			     __field(u32, family)
			     __array(u8, local, sizeof(struct sockaddr_in6))
			     __array(u8, remote, sizeof(struct sockaddr_in6))),

	    TP_fast_assign(__entry->tag = decision->record.tag;
			   __entry->timeout_ns = decision->timeout_ns;
			   __entry->netns = sock_net(sk)->ns.inum;
			   __entry->facts = decision->bits;
			   __entry->verdict = decision->verdict;
			   __entry->state = decision->facts.state;
			   __entry->unacked = decision->facts.unacked;
			   __entry->unread = decision->facts.unread;
			   __entry->family = sk->sk_family;
			   winsock_names(sk, __entry->local, __entry->remote);),

	    TP_printk("netns=%u family=%u local=%pISpc remote=%pISpc verdict=%s facts=%s state=%u unacked=%u unread=%u timeout_ns=%llu tag=%llu",
		      __entry->netns, __entry->family, __entry->local,
		      __entry->remote,
		      trace_winsock_show_verdict(__entry->verdict),
		      trace_winsock_show_facts(__entry->facts), __entry->state,
		      __entry->unacked, __entry->unread, __entry->timeout_ns,
		      __entry->tag)
);

/* A close is over; if it resets, the RST goes out right after this. */
TRACE_EVENT(winsock_outcome,
	    TP_PROTO(const struct sock *sk,
		     const struct winsock_record *record),
	    TP_ARGS(sk, record),

	    TP_STRUCT__entry(__field(u64, tag)
			     __field(u64, elapsed_ns)
			     __field(u64, unacked)
			     __field(u32, netns)
			     __field(u32, outcome)
			     __field(u32, state)
			     __field(u32, family)
			     __array(u8, local, sizeof(struct sockaddr_in6))
			     __array(u8, remote, sizeof(struct sockaddr_in6))),

	    TP_fast_assign(__entry->tag = record->tag;
			   __entry->elapsed_ns = record->elapsed_ns;
			   __entry->unacked = record->unacked;
			   __entry->netns = sock_net(sk)->ns.inum;
			   __entry->outcome = record->outcome;
			   __entry->state = record->state;
			   __entry->family = sk->sk_family;
			   winsock_names(sk, __entry->local, __entry->remote);),

	    TP_printk("netns=%u family=%u local=%pISpc remote=%pISpc outcome=%s state=%u unacked=%llu elapsed_ns=%llu tag=%llu",
		      __entry->netns, __entry->family, __entry->local,
		      __entry->remote,
		      trace_winsock_show_outcome(__entry->outcome),
		      __entry->state, __entry->unacked, __entry->elapsed_ns,
		      __entry->tag)
);

#endif /* WINSOCK_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
