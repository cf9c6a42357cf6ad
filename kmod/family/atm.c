// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATM, permanent and switched circuits (X8). A packet that was sent is charged
 * to the socket until the driver is done with it. Only the release ends a
 * circuit and reaches the signalling daemon: there is no reset, and no
 * half-close.
 */
#include <linux/atmdev.h>
#include <linux/net.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "../family.h"

/* sk_socket stays as long as the descriptor: no lock is needed. */
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

/* Wake the threads that sleep on the socket: they find the circuit closing. */
static void atm_wake(struct sock *sk)
{
	set_bit(ATM_VF_CLOSE, &atm_sk(sk)->flags);
	WRITE_ONCE(sk->sk_err, ECONNABORTED);
	winsock_family_wake(sk);
}

/*
 * The family's release drops the circuit and a reference to the socket, so one
 * is taken first. The release at the last fput() must find no circuit.
 */
static void atm_reset(struct sock *sk)
{
	struct socket *sock = sk->sk_socket;
	struct atm_vcc *vcc = atm_sk(sk);
	bool connected = sock->state == SS_CONNECTED;

	/* From here no call uses the circuit, and none makes another. */
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
