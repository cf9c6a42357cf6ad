// SPDX-License-Identifier: GPL-2.0-only
/* What differs from family to family: the table, and the plain rows. See family.h. */
#include <linux/bits.h>
#include <linux/in.h>
#include <linux/indirect_call_wrapper.h>
#include <linux/ktime.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "facts.h"
#include "family.h"
#include "tcp.h"

/**
 * struct family_row - which sockets, and what they can
 * @family:	AF_*, or AF_UNSPEC for any
 * @types:	bits of SOCK_*
 * @protocol:	protocol number, or 0 for any
 * @polled:	no wake-up tells the end of a wait
 * @ops:	what they can
 */
struct family_row {
	u16 family;
	u16 types;
	u16 protocol;
	bool polled;
	const struct winsock_family_ops *ops;
};

u32 winsock_family_charged(const struct sock *sk)
{
	int charged = sk_wmem_alloc_get(sk);

	/*
	 * sock_wfree() gives all but one byte of a packet back, wakes us, and then that
	 * one. No packet is as small as what so many processors may have under way.
	 */
	return charged < (int)SKB_TRUESIZE(1) ? 0 : charged;
}

u32 winsock_family_queued(struct sock *sk)
{
	struct sk_buff_head *queue = &sk->sk_receive_queue;
	const struct sk_buff *skb;
	unsigned long flags;
	u32 bytes = 0;

	if (skb_queue_empty_lockless(queue))
		return 0;
	spin_lock_irqsave(&queue->lock, flags);
	skb_queue_walk(queue, skb)
		bytes += skb->len;
	spin_unlock_irqrestore(&queue->lock, flags);
	return bytes;
}

void winsock_family_wake(struct sock *sk)
{
	sock_owned_by_me(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	sk->sk_state_change(sk);
}

void winsock_family_shutdown(struct sock *sk)
{
	int err;

	release_sock(sk);
	err = kernel_sock_shutdown(sk->sk_socket, SHUT_RDWR);
	lock_sock(sk);
	if (err)
		winsock_family_wake(sk);
}

bool winsock_family_relocks_to_disconnect(const struct sock *sk, bool reset)
{
	return !reset;
}

static const struct winsock_family_ops family_tcp = {
	.snapshot	= winsock_tcp_snapshot,
	.settled	= winsock_tcp_settled,
	.reset		= winsock_tcp_reset,
	.disconnect	= winsock_tcp_disconnect,
	.relocks	= winsock_tcp_relocks,
};

/*
 * A connection of which nothing more is known than what every socket has. Its
 * family frees what was sent when the other side has it, and ends by shutdown.
 */
static void family_stream_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	winsock_facts_gather(sk, facts);
	facts->peer = facts->state == TCP_ESTABLISHED;
	facts->unacked = facts->peer ? winsock_family_charged(sk) : 0;
	facts->unread = winsock_family_queued(sk);
	facts->dead = !facts->peer && facts->error;
	facts->lost = U32_MAX;
}

static bool family_stream_settled(const struct sock *sk)
{
	return !winsock_family_charged(sk) || READ_ONCE(sk->sk_state) != TCP_ESTABLISHED;
}

static void family_stream_reset(struct sock *sk)
{
	winsock_family_shutdown(sk);
	winsock_family_wake(sk);
}

static const struct winsock_family_ops family_stream = {
	.snapshot	= family_stream_snapshot,
	.settled	= family_stream_settled,
	.reset		= family_stream_reset,
	.disconnect	= winsock_family_shutdown,
};

/* No connection, nothing to wait for, no linger (O17, O18). */
static void family_datagram_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	winsock_facts_gather(sk, facts);
	facts->can_linger = false;
	facts->linger = false;
	/* Numbers of the family's own, which are not TCP's. */
	facts->state = TCP_CLOSE;
}

static bool family_datagram_settled(const struct sock *sk)
{
	return true;
}

static const struct winsock_family_ops family_datagram = {
	.snapshot	= family_datagram_snapshot,
	.settled	= family_datagram_settled,
	.reset		= winsock_family_wake,
	.disconnect	= winsock_family_shutdown,
};

#define FAMILY_TICK_NS	(10 * NSEC_PER_MSEC)
#define FAMILY_STREAMS	(BIT(SOCK_STREAM) | BIT(SOCK_SEQPACKET))
#define FAMILY_PACKETS	(BIT(SOCK_DGRAM) | BIT(SOCK_RAW) | BIT(SOCK_PACKET))

/* The first that fits. Streams that are not here (MPTCP, SMC) are not closed by us. */
static const struct family_row family_rows[] = {
	{ AF_INET,	BIT(SOCK_STREAM),	IPPROTO_TCP,	false,	&family_tcp },
	{ AF_INET6,	BIT(SOCK_STREAM),	IPPROTO_TCP,	false,	&family_tcp },
#if IS_ENABLED(CONFIG_UNIX)
	{ AF_UNIX,	FAMILY_STREAMS,		0,		false,	&winsock_unix_ops },
#endif
#if IS_ENABLED(CONFIG_VSOCKETS)
	{ AF_VSOCK,	FAMILY_STREAMS,		0,		true,	&winsock_vsock_ops },
#endif
#if IS_ENABLED(CONFIG_IP_SCTP)
	{ AF_INET,	BIT(SOCK_STREAM),	IPPROTO_SCTP,	false,	&winsock_sctp_ops },
	{ AF_INET6,	BIT(SOCK_STREAM),	IPPROTO_SCTP,	false,	&winsock_sctp_ops },
	/* Of one peer among many that dies nobody is told who did not ask. */
	{ AF_INET,	BIT(SOCK_SEQPACKET),	IPPROTO_SCTP,	true,	&winsock_sctp_ops },
	{ AF_INET6,	BIT(SOCK_SEQPACKET),	IPPROTO_SCTP,	true,	&winsock_sctp_ops },
#endif
#if IS_ENABLED(CONFIG_ATM)
	{ AF_ATMPVC,	FAMILY_PACKETS,		0,		false,	&winsock_atm_ops },
	{ AF_ATMSVC,	FAMILY_PACKETS,		0,		false,	&winsock_atm_ops },
#endif
	/* Not in the kernel since 4.17; its stacks live on outside. */
	{ AF_IRDA,	FAMILY_STREAMS,		0,		false,	&family_stream },
	{ AF_UNSPEC,	FAMILY_PACKETS,		0,		false,	&family_datagram },
};

static const struct family_row *family_find(const struct sock *sk)
{
	const struct family_row *row;
	/* IPV6_ADDRFORM may change it just now; either row is TCP's. */
	u16 family = READ_ONCE(sk->sk_family);

	for (row = family_rows; row < family_rows + ARRAY_SIZE(family_rows); row++)
		if ((row->family == family || row->family == AF_UNSPEC) &&
		    (row->types & BIT(sk->sk_type)) &&
		    (row->protocol == sk->sk_protocol || !row->protocol))
			return row;
	return NULL;
}

int winsock_family_check(const struct socket *sock)
{
	return sock->sk && family_find(sock->sk) ? 0 : -EOPNOTSUPP;
}

void winsock_family_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	INDIRECT_CALL_1(family_find(sk)->ops->snapshot, winsock_tcp_snapshot, sk, facts);
}

void winsock_family_glance(struct sock *sk, struct winsock_facts *facts)
{
	const struct winsock_family_ops *ops = family_find(sk)->ops;

	if (likely(ops == &family_tcp)) {
		winsock_tcp_snapshot(sk, facts);
		return;
	}
	lock_sock(sk);
	ops->snapshot(sk, facts);
	release_sock(sk);
}

void winsock_family_peek(struct sock *sk, struct winsock_facts *facts)
{
	if (family_find(sk)->ops == &family_tcp) {
		winsock_tcp_snapshot(sk, facts);
		return;
	}
	winsock_facts_gather(sk, facts);
	facts->unacked = winsock_family_charged(sk);
}

bool winsock_family_settled(const struct sock *sk)
{
	return INDIRECT_CALL_1(family_find(sk)->ops->settled, winsock_tcp_settled, sk);
}

void winsock_family_reset(struct sock *sk)
{
	sock_owned_by_me(sk);
	INDIRECT_CALL_1(family_find(sk)->ops->reset, winsock_tcp_reset, sk);
}

ktime_t winsock_family_tick(const struct sock *sk)
{
	return family_find(sk)->polled ? FAMILY_TICK_NS : 0;
}

bool winsock_family_relocks(const struct sock *sk, bool reset)
{
	const struct winsock_family_ops *ops = family_find(sk)->ops;

	sock_owned_by_me(sk);
	return !ops->relocks || ops->relocks(sk, reset);
}

void winsock_family_disconnect(struct sock *sk, bool reset)
{
	if (reset) {
		winsock_family_reset(sk);
		return;
	}
	/* Who sits in a call is to fail, not to take this for the peer's end (P10). */
	if (!sk->sk_err)
		WRITE_ONCE(sk->sk_err, ECONNABORTED);
	family_find(sk)->ops->disconnect(sk);
}
