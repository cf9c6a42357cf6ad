// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_VSOCK, streams and sequenced packets. What send accepts has room at the peer;
 * ours is what the transport has not delivered. Newer transports tell how much that
 * is, and no wake-up says when; of older ones it is not known, and nothing is waited
 * for.
 */
#include <linux/net.h>
#include <linux/uio.h>
#include <net/af_vsock.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "compat/vsock.h"
#include "facts.h"
#include "family.h"

static void vsock_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	winsock_facts_gather(sk, facts);
	facts->lost = U32_MAX;
	/* The peer's reset, or our answer to its shutdown, is the end. */
	facts->peer = facts->state == TCP_ESTABLISHED && !sock_flag(sk, SOCK_DONE);
	facts->dead = !facts->peer && facts->error;
	if (facts->state != TCP_ESTABLISHED || !vsk->transport)
		return;
	facts->unread = max_t(s64, vsk->transport->stream_has_data(vsk), 0);
	if (facts->peer)
		facts->unacked = compat_vsock_unsent(vsk);
}

static bool vsock_settled(const struct sock *sk)
{
	/* Asking the transport takes a lock that must not be taken here. */
	return true;
}

/*
 * Take what has arrived away by the transport's own means. A release frees it without
 * counting it off, as nobody can look any more; a thread that a packet has just woken
 * would, and trust the count. Packets come under the socket's lock, which we have.
 */
static void vsock_discard(struct vsock_sock *vsk)
{
	const struct vsock_transport *transport = vsk->transport;
	struct msghdr message = { };
	s64 bytes;

	if (sk_vsock(vsk)->sk_type == SOCK_SEQPACKET) {
		while (transport->seqpacket_has_data && transport->seqpacket_has_data(vsk)) {
			iov_iter_discard(&message.msg_iter, READ, INT_MAX);
			if (transport->seqpacket_dequeue(vsk, &message, 0) < 0)
				break;
		}
		return;
	}
	while ((bytes = transport->stream_has_data(vsk)) > 0) {
		iov_iter_discard(&message.msg_iter, READ, bytes);
		if (transport->stream_dequeue(vsk, &message, bytes, 0) <= 0)
			break;
	}
}

/*
 * There is no call for it, but a release that finds the peer shut down for both
 * directions answers by a reset (virtio and loopback; of the others Hyper-V sends a
 * shutdown, VMCI nothing before the end): so let it find that. The release of the socket
 * finds a closed one then.
 */
static void vsock_reset(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	if (sk->sk_state == TCP_ESTABLISHED && vsk->transport) {
		vsock_discard(vsk);
		WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
		vsk->transport->release(vsk);
		sk->sk_socket->state = SS_DISCONNECTING;
	}
	/* A connect under way sees the error and gives up. */
	sk->sk_state = TCP_CLOSE;
	WRITE_ONCE(sk->sk_err, ECONNRESET);
	winsock_family_wake(sk);
}

/* The family's accept looks at nothing that we could set: let nothing come to it. */
static void vsock_disconnect(struct sock *sk)
{
	winsock_family_shutdown(sk);
	if (sk->sk_state == TCP_LISTEN)
		sk->sk_state = TCP_CLOSE;
	winsock_family_wake(sk);
}

const struct winsock_family_ops winsock_vsock_ops = {
	.snapshot	= vsock_snapshot,
	.settled	= vsock_settled,
	.reset		= vsock_reset,
	.disconnect	= vsock_disconnect,
	.relocks	= winsock_family_relocks_to_disconnect,
};
