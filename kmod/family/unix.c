// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_UNIX, streams and sequenced packets. Sent bytes are in the peer's receive
 * queue, where a close leaves them: there is nothing to wait for.
 */
#include <linux/net.h>
#include <net/af_unix.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "../family.h"

/* Return the other end, referenced, or NULL if it is closed. */
static struct sock *unix_other(struct sock *sk)
{
	struct sock *other;

	if (READ_ONCE(sk->sk_state) != TCP_ESTABLISHED)
		return NULL;
	unix_state_lock(sk);
	other = unix_peer(sk);
	if (other && sock_flag(other, SOCK_DEAD))
		other = NULL;
	if (other)
		sock_hold(other);
	unix_state_unlock(sk);
	return other;
}

/* Takes the family's own locks; the socket's lock is not needed. */
static void unix_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	struct sock *other = unix_other(sk);

	winsock_family_gather(sk, facts);
	facts->unread_resets = true;
	facts->unread = winsock_family_queued(sk);
	if (other) {
		/* After a reset of ours it is no peer, but may still read. */
		facts->peer = READ_ONCE(sk->sk_shutdown) != SHUTDOWN_MASK ||
			      READ_ONCE(other->sk_err) != ECONNRESET;
		sock_put(other);
	} else {
		facts->dead = facts->state == TCP_ESTABLISHED && facts->error;
	}
}

/* Wakes both ends. Does not take the socket's lock. */
static void unix_disconnect(struct sock *sk)
{
	kernel_sock_shutdown(sk->sk_socket, SHUT_RDWR);
}

/* As a close with unread data: the peer reads what it has, then ECONNRESET. */
static void unix_reset(struct sock *sk)
{
	struct sock *other = unix_other(sk);

	if (other) {
		unix_state_lock(other);
		WRITE_ONCE(other->sk_err, ECONNRESET);
		unix_state_unlock(other);
		sock_put(other);
	}
	WRITE_ONCE(sk->sk_err, ECONNRESET);
	unix_disconnect(sk);
}

const struct winsock_family_ops winsock_unix_ops = {
	.snapshot	= unix_snapshot,
	.reset		= unix_reset,
	.disconnect	= unix_disconnect,
};
