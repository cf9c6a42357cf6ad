// SPDX-License-Identifier: GPL-2.0-only
/*
 * IrDA (X7), by fields that every socket has: it left the kernel in 4.17, and
 * its stacks live on outside. The family frees a packet when the other side has
 * it; shutdown() ends a connection.
 */
#include <linux/net.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "../family.h"

static void irda_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	winsock_family_gather(sk, facts);
	facts->peer = facts->state == TCP_ESTABLISHED;
	facts->unacked = facts->peer ? winsock_family_charged(sk) : 0;
	facts->unread = winsock_family_queued(sk);
	facts->dead = !facts->peer && facts->error;
	facts->lost = U32_MAX;
}

static bool irda_settled(const struct sock *sk)
{
	return !winsock_family_charged(sk) ||
	       READ_ONCE(sk->sk_state) != TCP_ESTABLISHED;
}

static void irda_reset(struct sock *sk)
{
	winsock_family_shutdown(sk);
	winsock_family_wake(sk);
}

const struct winsock_family_ops winsock_irda_ops = {
	.snapshot	= irda_snapshot,
	.settled	= irda_settled,
	.reset		= irda_reset,
	.disconnect	= winsock_family_shutdown,
};
