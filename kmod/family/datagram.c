// SPDX-License-Identifier: GPL-2.0-only
/* Datagrams of every family: no connection, no linger, no wait (O17, O18). */
#include <net/sock.h>
#include <net/tcp_states.h>

#include "../family.h"

static void datagram_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	winsock_family_gather(sk, facts);
	facts->can_linger = false;
	facts->linger = false;
	/* sk_state has numbers of the family's own here. */
	facts->state = TCP_CLOSE;
}

const struct winsock_family_ops winsock_datagram_ops = {
	.snapshot	= datagram_snapshot,
	.reset		= winsock_family_wake,
	.disconnect	= winsock_family_shutdown,
};
