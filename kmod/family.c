// SPDX-License-Identifier: GPL-2.0-only
/* What differs from family to family: the table, and what its rows share. */
#include <linux/bits.h>
#include <linux/in.h>
#include <linux/indirect_call_wrapper.h>
#include <linux/net.h>
#include <linux/overflow.h>
#include <linux/skbuff.h>
#include <net/inet_sock.h>
#include <net/sock.h>

#include "family.h"

/**
 * struct family_row - which sockets, and what they can
 * @family:	AF_*, or AF_UNSPEC for any
 * @types:	bits of SOCK_*
 * @protocol:	protocol number, or 0 for any
 * @ops:	what they can
 */
struct family_row {
	u16 family;
	u16 types;
	u16 protocol;
	const struct winsock_family_ops *ops;
};

#define FAMILY_STREAMS	(BIT(SOCK_STREAM) | BIT(SOCK_SEQPACKET))
#define FAMILY_PACKETS	(BIT(SOCK_DGRAM) | BIT(SOCK_RAW) | BIT(SOCK_PACKET))

/*
 * The first that fits. Streams that are not here (AF_VSOCK, SCTP, MPTCP, SMC)
 * are closed by close(2).
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
	/* IPV6_ADDRFORM may change it meanwhile; both rows are TCP's. */
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
 * winsock_family_check() - can the engine close this socket?
 * @sock: any socket
 *
 * The other calls below are for sockets that have passed this one.
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
 * @facts:	filled in
 *
 * Consistent if the socket is locked. Without its lock they may be from
 * different moments: good enough to report, and where nothing that the lock
 * guards decides. Does not sleep.
 */
void winsock_family_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	INDIRECT_CALL_1(family_ops(sk)->snapshot, winsock_tcp_snapshot,
			sk, facts);
}

/**
 * winsock_family_settled() - has a wait nothing left to wait for?
 * @sk: the socket, locked or not
 *
 * Any context, the wait queue's lock may be held.
 *
 * Return: true if so.
 */
bool winsock_family_settled(const struct sock *sk)
{
	return INDIRECT_CALL_1(family_ops(sk)->settled, winsock_tcp_settled,
			       sk);
}

/**
 * winsock_family_reset() - end the connection at once, whatever is unsent
 * @sk: the socket, locked; see winsock_family_relocks()
 *
 * Threads that sleep on it are woken.
 */
void winsock_family_reset(struct sock *sk)
{
	sock_owned_by_me(sk);
	INDIRECT_CALL_1(family_ops(sk)->reset, winsock_tcp_reset, sk);
}

/**
 * winsock_family_disconnect() - end a connection whose socket others still hold
 * @sk:		the socket, locked; see winsock_family_relocks()
 * @reset:	received data is unread: reset, as a release would (G7)
 *
 * The first call of theirs fails with ECONNABORTED, or ECONNRESET.
 */
void winsock_family_disconnect(struct sock *sk, bool reset)
{
	if (reset) {
		winsock_family_reset(sk);
		return;
	}
	sock_owned_by_me(sk);
	/* A blocked recv() would return 0 as at the peer's FIN (P10). */
	if (!sk->sk_err)
		WRITE_ONCE(sk->sk_err, ECONNABORTED);
	family_ops(sk)->disconnect(sk);
}

/**
 * winsock_family_relocks() - may the next steps sleep for the socket?
 * @sk:		the socket, locked
 * @reset:	the next one is winsock_family_reset(), or
 *		winsock_family_disconnect() with the same argument
 *
 * Return: true if it drops the lock and takes it again, or if the release may
 * wait for the peer.
 */
bool winsock_family_relocks(const struct sock *sk, bool reset)
{
	const struct winsock_family_ops *ops = family_ops(sk);

	sock_owned_by_me(sk);
	return !ops->relocks || ops->relocks(sk, reset);
}

/**
 * winsock_family_gather() - what every socket can tell
 * @sk:		the socket, locked or not
 * @facts:	filled in: state, linger, time and error; a family that lingers,
 *		with nothing sent, nothing received and no peer
 */
void winsock_family_gather(const struct sock *sk, struct winsock_facts *facts)
{
	*facts = (struct winsock_facts){
		.state		= inet_sk_state_load(sk),
		.can_linger	= true,
		.linger		= sock_flag(sk, SOCK_LINGER),
		.error		= READ_ONCE(sk->sk_err),
	};
	/* sk_lingertime is in jiffies; a value without end saturates. */
	if (check_mul_overflow((u64)READ_ONCE(sk->sk_lingertime),
			       (u64)(NSEC_PER_SEC / HZ), &facts->linger_ns))
		facts->linger_ns = U64_MAX;
}

/**
 * winsock_family_charged() - bytes of packets sent that still count as ours
 * @sk: the socket, locked or not
 *
 * Return: what sk_wmem_alloc says, as SIOCOUTQ does where a family has it.
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
 * Return: bytes, of a packet that was read in part all of them.
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
 * winsock_family_wake() - let nothing more in or out, and wake the sleepers
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
 * Threads that sleep on it are woken also where there is no connection, or the
 * family has no shutdown.
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
