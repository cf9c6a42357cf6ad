// SPDX-License-Identifier: GPL-2.0-only
/* The table of families, and what its rows share. */
#include <linux/bits.h>
#include <linux/in.h>
#include <linux/indirect_call_wrapper.h>
#include <linux/net.h>
#include <linux/overflow.h>
#include <linux/skbuff.h>
#include <net/inet_sock.h>
#include <net/sock.h>

#include "family.h"

struct family_row {
	u16 family;	/* AF_*, or AF_UNSPEC for any */
	u16 types;	/* bits of SOCK_* */
	u16 protocol;	/* number, or 0 for any */
	const struct winsock_family_ops *ops;
};

#define FAMILY_STREAMS	(BIT(SOCK_STREAM) | BIT(SOCK_SEQPACKET))
#define FAMILY_PACKETS	(BIT(SOCK_DGRAM) | BIT(SOCK_RAW) | BIT(SOCK_PACKET))

/*
 * The first row that fits counts. CLOSE refuses streams without a row
 * (AF_VSOCK, SCTP, MPTCP, SMC).
 */
static const struct family_row family_rows[] = {
	{ AF_INET, BIT(SOCK_STREAM), IPPROTO_TCP, &winsock_tcp_ops },
	{ AF_INET6, BIT(SOCK_STREAM), IPPROTO_TCP, &winsock_tcp_ops },
#if IS_ENABLED(CONFIG_UNIX)
	{ AF_UNIX, FAMILY_STREAMS, 0, &winsock_unix_ops },
#endif
#if IS_ENABLED(CONFIG_ATM)
	{ AF_ATMPVC, FAMILY_PACKETS, 0, &winsock_atm_ops },
	{ AF_ATMSVC, FAMILY_PACKETS, 0, &winsock_atm_ops },
#endif
	{ AF_IRDA, FAMILY_STREAMS, 0, &winsock_irda_ops },
	{ AF_UNSPEC, FAMILY_PACKETS, 0, &winsock_datagram_ops },
};

static const struct winsock_family_ops *family_ops(const struct sock *sk)
{
	/* IPV6_ADDRFORM may change it at any time; both rows are TCP's. */
	u16 family = READ_ONCE(sk->sk_family);
	const struct family_row *row = family_rows;

	for (int i = 0; i < ARRAY_SIZE(family_rows); i++, row++)
		if ((row->family == family || row->family == AF_UNSPEC) &&
		    (row->types & BIT(sk->sk_type)) &&
		    (row->protocol == sk->sk_protocol || !row->protocol))
			return row->ops;
	return NULL;
}

/**
 * winsock_family_check() - can CLOSE take this socket?
 * @sock: any socket
 *
 * The other functions are for sockets that have passed this check.
 *
 * Return: 0, or -EOPNOTSUPP if no row fits.
 */
int winsock_family_check(const struct socket *sock)
{
	return sock->sk && family_ops(sock->sk) ? 0 : -EOPNOTSUPP;
}

/**
 * winsock_family_snapshot() - gather the facts
 * @sk:		the socket
 * @facts:	filled in, of one moment if the socket is locked. Otherwise they
 *		may differ in age: good enough to report, and for a verdict that
 *		needs nothing the lock guards
 */
void winsock_family_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	INDIRECT_CALL_1(family_ops(sk)->snapshot, winsock_tcp_snapshot,
			sk, facts);
}

/**
 * winsock_family_settled() - is the wait for the drain over?
 * @sk: the socket of an op, locked or not
 *
 * Return: true if the socket is drained or has no connection.
 */
bool winsock_family_settled(const struct sock *sk)
{
	return INDIRECT_CALL_1(family_ops(sk)->settled, winsock_tcp_settled,
			       sk);
}

/**
 * winsock_family_reset() - end the connection at once, whatever is unsent
 * @sk: the socket, locked; see winsock_family_relocks()
 */
void winsock_family_reset(struct sock *sk)
{
	sock_owned_by_me(sk);
	INDIRECT_CALL_1(family_ops(sk)->reset, winsock_tcp_reset, sk);
}

/**
 * winsock_family_disconnect() - end a connection whose socket others still hold
 * @sk: the socket, locked; see winsock_family_relocks()
 *
 * The next call on the socket fails with ECONNABORTED.
 */
void winsock_family_disconnect(struct sock *sk)
{
	sock_owned_by_me(sk);
	/* Otherwise a blocked recv() returns 0, as at a FIN (P10). */
	if (!sk->sk_err)
		WRITE_ONCE(sk->sk_err, ECONNABORTED);
	family_ops(sk)->disconnect(sk);
}

/**
 * winsock_family_relocks() - would the next step sleep for the socket's lock?
 * @sk:		the socket of an op, locked
 * @reset:	the step is winsock_family_reset(), else
 *		winsock_family_disconnect()
 */
bool winsock_family_relocks(const struct sock *sk, bool reset)
{
	const struct winsock_family_ops *ops = family_ops(sk);

	sock_owned_by_me(sk);
	return !ops->relocks || ops->relocks(sk, reset);
}

/**
 * winsock_family_gather() - the facts that every socket has
 * @sk:		the socket, locked or not
 * @facts:	filled in: state, SO_LINGER and error; @can_linger is true, the
 *		other facts are zero
 */
void winsock_family_gather(const struct sock *sk, struct winsock_facts *facts)
{
	*facts = (struct winsock_facts){
		.state		= inet_sk_state_load(sk),
		.can_linger	= true,
		.linger		= sock_flag(sk, SOCK_LINGER),
		.error		= READ_ONCE(sk->sk_err),
	};
	/* sk_lingertime is in jiffies; MAX_SCHEDULE_TIMEOUT overflows. */
	if (check_mul_overflow((u64)READ_ONCE(sk->sk_lingertime),
			       (u64)(NSEC_PER_SEC / HZ), &facts->linger_ns))
		facts->linger_ns = U64_MAX;
}

/**
 * winsock_family_charged() - memory of sent packets that the socket still has
 * @sk: the socket, locked or not
 *
 * Return: bytes by sk_wmem_alloc, as SIOCOUTQ does where a family has it.
 */
u32 winsock_family_charged(const struct sock *sk)
{
	int charged = sk_wmem_alloc_get(sk);

	/*
	 * sock_wfree() subtracts truesize - 1, wakes us, and subtracts the last
	 * byte: each processor inside it may have one byte outstanding. Less
	 * than the smallest truesize counts as nothing.
	 */
	return charged < (int)SKB_TRUESIZE(1) ? 0 : charged;
}

/**
 * winsock_family_queued() - bytes in the receive queue
 * @sk: the socket, locked or not
 *
 * Return: bytes; a packet that was read in part counts whole.
 */
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

/**
 * winsock_family_wake() - shut both directions off, and wake sleeping threads
 * @sk: the socket, locked
 */
void winsock_family_wake(struct sock *sk)
{
	sock_owned_by_me(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	sk->sk_state_change(sk);
}

/**
 * winsock_family_shutdown() - shut both directions down, as shutdown(2) does
 * @sk: the socket, locked; unlocked in between
 *
 * Wakes sleeping threads also if there is no connection, or the family has no
 * shutdown.
 */
void winsock_family_shutdown(struct sock *sk)
{
	int err;

	release_sock(sk);
	err = kernel_sock_shutdown(sk->sk_socket, SHUT_RDWR);
	lock_sock(sk);
	if (err)
		winsock_family_wake(sk);
}
