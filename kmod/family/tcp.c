// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP, by exported functions and the live socket's own operations only: sk_prot
 * may be that of kTLS, of a sockmap or TCP's own.
 */
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/tcp.h>

#include <linux/winsock.h>

#include "../family.h"
#include "../policy.h"

/*
 * Is our SYN still among the unacknowledged? A child of TCP Fast Open is in
 * SYN_RECV with snd_una already behind the SYN; in a simultaneous open snd_una
 * is still before it.
 */
static bool tcp_syn_unacked(const struct sock *sk, unsigned int state)
{
	return state == TCP_SYN_SENT ||
	       (state == TCP_SYN_RECV &&
		!rcu_access_pointer(tcp_sk(sk)->fastopen_rsk));
}

/* Without the lock TCP may write bits beside those that are read here. */
static u32 tcp_unacked(const struct sock *sk, unsigned int state)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	/*
	 * Before the handshake payload exists only as Fast Open data in the
	 * SYN; snd_una means nothing yet where the connect itself is deferred.
	 */
	if (state == TCP_SYN_SENT && data_race(!tp->syn_data))
		return 0;
	/* Checkpointed (TCP_REPAIR): the connection goes on elsewhere. */
	if (data_race(!!tp->repair))
		return 0;

	return winsock_policy_unacked(state, READ_ONCE(tp->write_seq),
				      READ_ONCE(tp->snd_una),
				      tcp_syn_unacked(sk, state));
}

/*
 * Bytes that turn TCP's own close into a reset (G7): all behind the last byte
 * read, an urgent byte included, a FIN not. tcp_inq() ends at the urgent byte.
 */
static u32 tcp_unread(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int unread = READ_ONCE(tp->rcv_nxt) - READ_ONCE(tp->copied_seq);

	if (unread > 0 && sock_flag(sk, SOCK_DONE))
		unread--;
	return max(unread, 0);
}

/*
 * A socket in repair mode (TCP_REPAIR) has no peer to reset and nothing to wait
 * for: TCP's own close ends it without a segment.
 */
void winsock_tcp_snapshot(struct sock *sk, struct winsock_facts *facts)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	unsigned int state;
	u32 bits;

	winsock_family_gather(sk, facts);
	state = facts->state;
	bits = winsock_policy_state(state);
	/* Perhaps without the lock, as in tcp_unacked(). */
	facts->peer = (bits & WINSOCK_STATE_PEER) && data_race(!tp->repair);
	facts->unread_resets = true;
	facts->unacked = tcp_unacked(sk, state);
	if (facts->unacked) {
		u32 unsent = READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_nxt);

		if (unsent && (bits & WINSOCK_STATE_FIN))
			unsent--;
		facts->unsent = min(unsent, facts->unacked);
	}
	facts->unread = facts->peer ? tcp_unread(sk) : 0;
	/* tcp_done() leaves the sequence numbers and the error. */
	if (state == TCP_CLOSE)
		facts->lost = READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_una);
	facts->dead = state == TCP_CLOSE && (facts->error || facts->lost);
}

bool winsock_tcp_settled(const struct sock *sk)
{
	return !tcp_unacked(sk, inet_sk_state_load(sk));
}

/**
 * winsock_tcp_push() - send what Nagle or a cork holds back
 * @sk: the socket, locked; the data goes when it is unlocked
 *
 * The options TCP_NODELAY and TCP_CORK read the same afterwards.
 */
void winsock_tcp_push(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	sock_owned_by_me(sk);
	/*
	 * TCP_NAGLE_PUSH overrides Nagle and a cork for what is queued, until
	 * the next send. No exported function pushes with the lock held, so
	 * release_sock() does it, as for TCP small queues. The probe timer is
	 * for a window that is closed from the start.
	 */
	tp->nonagle |= TCP_NAGLE_PUSH;
	tcp_check_probe_timer(sk);
	if (!test_and_set_bit(TCP_TSQ_DEFERRED, &sk->sk_tsq_flags))
		sock_hold(sk);
}

/* kTLS replaces disconnect by a function that refuses. */
static bool tcp_refuses_disconnect(const struct sock *sk)
{
	return sk->sk_prot->disconnect != sk->sk_prot_creator->disconnect;
}

/**
 * winsock_tcp_close_resets() - will TCP's own close reset the connection?
 * @sk: the socket, whose linger option no other thread can change
 *
 * Return: true for linger {1,0}, except in states in which TCP takes the FIN to
 * be enough, and in repair mode, in which it sends nothing.
 */
bool winsock_tcp_close_resets(const struct sock *sk)
{
	if (!sock_flag(sk, SOCK_LINGER) || READ_ONCE(sk->sk_lingertime))
		return false;
	if (tcp_sk(sk)->repair)
		return false;
	/*
	 * The socket may be unlocked: no segment leads from these two states to
	 * one in which our FIN is queued.
	 */
	if (!((1 << inet_sk_state_load(sk)) &
	      (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)))
		return false;
	return !tcp_refuses_disconnect(sk);
}

/*
 * RST goes out in every state with a peer, LAST_ACK and CLOSING included.
 * Nothing remains in TIME_WAIT. Wakes sleeping threads (ECONNRESET).
 */
void winsock_tcp_reset(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	sock_owned_by_me(sk);
	/*
	 * Linux enters LAST_ACK and CLOSING when the FIN is queued, and
	 * tcp_disconnect() sends a reset from there only if data is unsent. The
	 * peer still waits for our acknowledgement, so pretend that a byte is
	 * unsent. The disconnect starts the sequence numbers afresh.
	 */
	if ((1 << sk->sk_state) & (TCPF_LAST_ACK | TCPF_CLOSING) &&
	    tp->snd_nxt == tp->write_seq)
		WRITE_ONCE(tp->write_seq, tp->write_seq + 1);

	/* As inet_stream_connect() does: threads in calls check it. */
	sk->sk_disconnects++;
	if (!sk->sk_prot->disconnect(sk, 0)) {
		/*
		 * The first thread that wakes takes the error. A blocked sender
		 * would find room in the queue and go on: fail it, too (M2).
		 */
		WRITE_ONCE(sk->sk_shutdown, SEND_SHUTDOWN);
		return;
	}

	/* kTLS refuses to disconnect. */
	release_sock(sk);
	tcp_abort(sk, ECONNRESET);
	lock_sock(sk);
}

/* From these states shutdown(2) disconnects. */
static bool tcp_is_unconnected(const struct sock *sk)
{
	return (1 << sk->sk_state) & (TCPF_LISTEN | TCPF_SYN_SENT);
}

/* End as shutdown(2) of both directions does; in repair mode send nothing. */
static void tcp_end(struct sock *sk)
{
	if (tcp_sk(sk)->repair) {
		winsock_family_wake(sk);
		return;
	}
	if (tcp_is_unconnected(sk)) {
		winsock_family_shutdown(sk);
		return;
	}
	/* As inet_shutdown() does under the lock. */
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | SHUTDOWN_MASK);
	sk->sk_prot->shutdown(sk, SHUTDOWN_MASK);
	sk->sk_state_change(sk);
}

/* The release of kTLS sends the records that are left and waits for room. */
static bool tcp_relocks(const struct sock *sk, bool reset)
{
	return tcp_refuses_disconnect(sk) || (!reset && tcp_is_unconnected(sk));
}

const struct winsock_family_ops winsock_tcp_ops = {
	.snapshot	= winsock_tcp_snapshot,
	.settled	= winsock_tcp_settled,
	.reset		= winsock_tcp_reset,
	.disconnect	= tcp_end,
	.relocks	= tcp_relocks,
};
