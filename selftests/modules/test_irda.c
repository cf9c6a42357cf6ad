// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stand-in for IrDA, which the kernel no longer has: streams that socketpair(2) makes. A sent
 * packet is charged to the sender until the other side has read it, as by IrDA's flow control.
 */
#include <linux/module.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <net/sock.h>
#include <net/tcp_states.h>

struct irda_sock {
	struct sock sk;		/* first */
	struct sock *peer;	/* referenced; under irda_lock */
};

static DEFINE_SPINLOCK(irda_lock);

static struct proto irda_proto = {
	.name		= "TEST_IRDA",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct irda_sock),
};

static struct irda_sock *irda_sk(struct sock *sk)
{
	return (struct irda_sock *)sk;
}

/* Return the other end, referenced; with @cut parts the two first. */
static struct sock *irda_peer(struct sock *sk, bool cut)
{
	struct sock *peer;

	spin_lock_bh(&irda_lock);
	peer = irda_sk(sk)->peer;
	if (cut)
		irda_sk(sk)->peer = NULL;
	else if (peer)
		sock_hold(peer);
	spin_unlock_bh(&irda_lock);
	return peer;
}

static void irda_end(struct sock *sk, int error)
{
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (error)
		WRITE_ONCE(sk->sk_err, error);
	sk->sk_state_change(sk);
}

static int irda_release(struct socket *sock)
{
	struct sock *sk = sock->sk, *peer;

	if (!sk)
		return 0;
	peer = irda_peer(sk, true);
	if (peer) {
		irda_end(peer, skb_queue_empty(&sk->sk_receive_queue) ? 0 : ECONNRESET);
		peer->sk_state = TCP_CLOSE;
		sock_put(peer);
	}
	sock_orphan(sk);
	skb_queue_purge(&sk->sk_receive_queue);
	sock->sk = NULL;
	sock_put(sk);
	return 0;
}

static int irda_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk, *peer;

	lock_sock(sk);
	peer = irda_peer(sk, false);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | (how + 1));
	sk->sk_state_change(sk);
	if (peer) {
		if (how != SHUT_RD) {
			WRITE_ONCE(peer->sk_shutdown, peer->sk_shutdown | RCV_SHUTDOWN);
			peer->sk_state_change(peer);
		}
		sock_put(peer);
	}
	release_sock(sk);
	return 0;
}

static int irda_sendmsg(struct socket *sock, struct msghdr *msg, size_t size)
{
	struct sock *sk = sock->sk, *peer;
	struct sk_buff *skb;
	int err;

	size = min_t(size_t, size, 2048);
	skb = sock_alloc_send_skb(sk, size, msg->msg_flags & MSG_DONTWAIT, &err);
	if (!skb)
		return err;
	peer = irda_peer(sk, false);
	if (!peer || (sk->sk_shutdown & SEND_SHUTDOWN))
		err = -EPIPE;
	else
		err = memcpy_from_msg(skb_put(skb, size), msg, size);
	if (err) {
		kfree_skb(skb);
	} else {
		skb_queue_tail(&peer->sk_receive_queue, skb);
		peer->sk_data_ready(peer);
	}
	if (peer)
		sock_put(peer);
	return err ?: size;
}

static int irda_recvmsg(struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	struct sock *sk = sock->sk;
	struct sk_buff *skb;
	int err = 0;

	skb = skb_recv_datagram(sk, flags, &err);
	/* skb_recv_datagram() may look between the two steps of irda_release(). */
	if (err == -ENOTCONN && (sk->sk_shutdown & RCV_SHUTDOWN))
		return 0;
	if (!skb)
		return err;
	size = min_t(size_t, size, skb->len);
	err = skb_copy_datagram_msg(skb, 0, msg, size);
	skb_free_datagram(sk, skb);
	return err ?: size;
}

static int irda_socketpair(struct socket *one, struct socket *two)
{
	sock_hold(one->sk);
	sock_hold(two->sk);
	irda_sk(one->sk)->peer = two->sk;
	irda_sk(two->sk)->peer = one->sk;
	one->sk->sk_state = TCP_ESTABLISHED;
	two->sk->sk_state = TCP_ESTABLISHED;
	one->state = SS_CONNECTED;
	two->state = SS_CONNECTED;
	return 0;
}

static const struct proto_ops irda_ops = {
	.family		= PF_IRDA,
	.owner		= THIS_MODULE,
	.release	= irda_release,
	.bind		= sock_no_bind,
	.connect	= sock_no_connect,
	.socketpair	= irda_socketpair,
	.accept		= sock_no_accept,
	.getname	= sock_no_getname,
	.poll		= datagram_poll,
	.ioctl		= sock_no_ioctl,
	.listen		= sock_no_listen,
	.shutdown	= irda_shutdown,
	.sendmsg	= irda_sendmsg,
	.recvmsg	= irda_recvmsg,
	.mmap		= sock_no_mmap,
};

/* A packet may have come after the release. */
static void irda_destruct(struct sock *sk)
{
	skb_queue_purge(&sk->sk_receive_queue);
}

static int irda_create(struct net *net, struct socket *sock, int protocol, int kern)
{
	struct sock *sk;

	if (sock->type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	sk = sk_alloc(net, PF_IRDA, GFP_KERNEL, &irda_proto, kern);
	if (!sk)
		return -ENOMEM;
	sock_init_data(sock, sk);
	sk->sk_destruct = irda_destruct;
	sock->ops = &irda_ops;
	return 0;
}

static const struct net_proto_family irda_family = {
	.family	= PF_IRDA,
	.create	= irda_create,
	.owner	= THIS_MODULE,
};

static int __init irda_init(void)
{
	int err = proto_register(&irda_proto, 0);

	if (err)
		return err;
	err = sock_register(&irda_family);
	if (err)
		proto_unregister(&irda_proto);
	return err;
}

static void __exit irda_exit(void)
{
	sock_unregister(PF_IRDA);
	proto_unregister(&irda_proto);
}

module_init(irda_init);
module_exit(irda_exit);

MODULE_DESCRIPTION("Streams in the place of IrDA, for winsock's tests");
MODULE_LICENSE("GPL");
