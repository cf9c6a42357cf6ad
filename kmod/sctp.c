// SPDX-License-Identifier: GPL-2.0-only
/*
 * SCTP, one-to-one and one-to-many. Chunks count in sk_wmem_queued until the peer has
 * acknowledged them, and each that goes wakes the socket's queue.
 */
#include <linux/net.h>
#include <net/sctp/structs.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "facts.h"
#include "family.h"

static void sctp_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	winsock_facts_gather(sk, facts);
	facts->unread_resets = true;
	facts->unread = winsock_family_queued(sk);
	facts->unacked = READ_ONCE(sk->sk_wmem_queued);
	facts->lost = U32_MAX;
	/* The socket's state does not follow: it stays after the association has died. */
	facts->peer = facts->state != TCP_LISTEN && !list_empty(&sctp_sk(sk)->ep->asocs);
	facts->dead = !facts->peer && facts->error;
}

static bool sctp_settled(const struct sock *sk)
{
	/* What a dead association frees it frees without a word. */
	return !READ_ONCE(sk->sk_wmem_queued) || READ_ONCE(sk->sk_err);
}

/*
 * Only a release sends ABORT to every peer of whatever kind of socket, if it finds
 * linger on without a time. Until then nobody can use the connection any more.
 */
static void sctp_reset(struct sock *sk)
{
	sk->sk_lingertime = 0;
	sock_set_flag(sk, SOCK_LINGER);
	winsock_family_wake(sk);
}

static void sctp_disconnect(struct sock *sk)
{
	release_sock(sk);
	/* A backlog of nothing ends the listening, and fails where there is none. */
	kernel_listen(sk->sk_socket, 0);
	kernel_sock_shutdown(sk->sk_socket, SHUT_RDWR);
	lock_sock(sk);
	winsock_family_wake(sk);
}

const struct winsock_family_ops winsock_sctp_ops = {
	.snapshot	= sctp_snapshot,
	.settled	= sctp_settled,
	.reset		= sctp_reset,
	.disconnect	= sctp_disconnect,
	.relocks	= winsock_family_relocks_to_disconnect,
};
