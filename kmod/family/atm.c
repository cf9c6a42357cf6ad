// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATM, permanent and switched circuits (X8). What was sent counts as ours until
 * the driver is done with it. There is one way to end a circuit: the release,
 * by which the signalling daemon hears of it; graceful or not is the same, and
 * half of it cannot be closed.
 */
#include <linux/atmdev.h>
#include <linux/net.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "../family.h"

/* The socket stays as long as its descriptor: no lock is needed. */
static void atm_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	winsock_family_gather(sk, facts);
	facts->lost = U32_MAX;
	facts->unread = winsock_family_queued(sk);
	facts->state = TCP_CLOSE;
	if (READ_ONCE(sk->sk_socket->state) != SS_CONNECTED)
		return;
	facts->state = TCP_ESTABLISHED;
	/* The network or the peer has released the circuit. */
	facts->dead = sk->sk_shutdown & RCV_SHUTDOWN;
	facts->peer = !facts->dead;
	facts->unacked = facts->peer ? winsock_family_charged(sk) : 0;
}

static bool atm_settled(const struct sock *sk)
{
	return !winsock_family_charged(sk) ||
	       (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN);
}

/* Threads that sleep on the socket wake and find the circuit closing. */
static void atm_wake(struct sock *sk)
{
	set_bit(ATM_VF_CLOSE, &atm_sk(sk)->flags);
	WRITE_ONCE(sk->sk_err, ECONNABORTED);
	winsock_family_wake(sk);
}

/*
 * The family's release gives up the circuit and a reference to the socket, so
 * one is taken for it. The release at the last fput() must find no circuit.
 */
static void atm_reset(struct sock *sk)
{
	struct socket *sock = sk->sk_socket;
	struct atm_vcc *vcc = atm_sk(sk);
	bool connected = sock->state == SS_CONNECTED;

	/* From here no call looks at the circuit, and none makes another. */
	sock->state = SS_DISCONNECTING;
	atm_wake(sk);
	if (!connected)
		return;
	release_sock(sk);
	sock_hold(sk);
	READ_ONCE(sock->ops)->release(sock);
	lock_sock(sk);
	vcc->dev = NULL;
	vcc->push = NULL;
	vcc->owner = NULL;
}

const struct winsock_family_ops winsock_atm_ops = {
	.snapshot	= atm_snapshot,
	.settled	= atm_settled,
	.reset		= atm_reset,
	.disconnect	= atm_reset,
};
