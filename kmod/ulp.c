// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TCP ULP "winsock": TCP's operations with ours in front (the last close,
 * the options at SOL_WINSOCK), attaching, inheriting, diag. The data path keeps
 * TCP's own functions.
 *
 * What uses a copy of operations, and what keeps the module loaded for it:
 *
 *   sk_prot of a		the ULP's reference, which the core takes when a
 *   connection		socket is attached and ulp_clone() for a child,
 *			and which TCP drops after ulp_release()
 *   a thread in		a reference of its own; synchronize_rcu_tasks()
 *   proto_close()	for its way out
 *
 * Requests and children copy a listener's sk_prot without a reference, the
 * TIME_WAIT of a child keeps it, and requests move on to other listeners
 * (tcp_migrate_req). So a listener keeps TCP's own operations and only carries
 * the ULP.
 */
#include <linux/inet_diag.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <linux/skmsg.h>
#include <linux/spinlock.h>
#include <net/inet_connection_sock.h>
#include <net/netlink.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/tcp_states.h>

#include <linux/winsock.h>

#include "compat/ulp.h"
#include "sockopt.h"
#include "ulp.h"

/* The kernel numbers its ULPs' attributes one by one, far below ours. */
static_assert(WINSOCK_DIAG > 2 * INET_ULP_INFO_MAX);

/**
 * struct proto_copy - a copy of operations, with ours in front
 * @proto:	the copy
 * @base:	the operations that were copied, their module held; NULL while
 *		the slot is free. Set last and once; both stay until the module
 *		is unloaded
 */
struct proto_copy {
	struct proto proto;
	struct proto *base;
};

/*
 * For IPv4 and IPv6, and for two sets that others have put in front of these.
 * The lock serialises making copies; it nests in a socket's sk_callback_lock.
 */
static struct proto_copy proto_copies[4];
static DEFINE_SPINLOCK(proto_lock);

/* Set when loading can no longer fail. */
static bool ulp_started;

static struct tcp_ulp_ops ulp_ops;

static void proto_close(struct sock *sk, long timeout);

/* Return the operations behind ours, or the socket's if ours are not there. */
static struct proto *proto_base(const struct sock *sk)
{
	struct proto *proto = READ_ONCE(sk->sk_prot);

	if (proto->close != proto_close)
		return proto;
	return container_of(proto, struct proto_copy, proto)->base;
}

static struct proto_copy *proto_find(const struct proto *base)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(proto_copies); i++)
		/* Pairs with proto_make(): the copy is complete. */
		if (smp_load_acquire(&proto_copies[i].base) == base)
			return &proto_copies[i];
	return NULL;
}

static void proto_close(struct sock *sk, long timeout)
{
	const struct proto *base = proto_base(sk);

	/* TCP or an op may drop the ULP's reference before this returns. */
	__module_get(THIS_MODULE);
	if (!winsock_release(sk))
		base->close(sk, 0);
	module_put(THIS_MODULE);
}

/**
 * winsock_ulp_close() - close by the operations that ours are in front of
 * @sk: a socket whose close was decided, attached or not
 */
void winsock_ulp_close(struct sock *sk)
{
	proto_base(sk)->close(sk, 0);
}

static int proto_setsockopt(struct sock *sk, int level, int name,
			    sockptr_t value, unsigned int size)
{
	if (level == SOL_WINSOCK)
		return winsock_sockopt_set(sk, name, value, size);
	return proto_base(sk)->setsockopt(sk, level, name, value, size);
}

static int proto_getsockopt(struct sock *sk, int level, int name,
			    char __user *value, int __user *size)
{
	if (level == SOL_WINSOCK)
		return winsock_sockopt_get(sk, name, value, size);
	return proto_base(sk)->getsockopt(sk, level, name, value, size);
}

/*
 * A lookup may have found the socket while it was a connection, and still use
 * it. If its packet is a SYN, and listen(2) has set LISTEN but not called
 * proto_get_port() yet, it makes a request that copies our operations. The
 * module cannot find that request, so it stays loaded for ever.
 */
static void proto_settle(struct sock *sk)
{
	static atomic_t kept;

	synchronize_rcu();
	if (inet_csk_reqsk_queue_len(sk) && !atomic_xchg(&kept, 1)) {
		pr_notice("winsock: a stray request keeps the module\n");
		__module_get(THIS_MODULE);
	}
}

/* The first that listen(2) calls in LISTEN; what follows may take long. */
static int proto_get_port(struct sock *sk, unsigned short port)
{
	struct proto *ours = sk->sk_prot, *base = proto_base(sk);
	/* connect(2) and accept(2) set these; a SYN cookie's hash may be 0. */
	bool was_connection = sk->sk_txhash || sk->sk_gso_type;
	int err;

	sock_owned_by_me(sk);
	if (sk->sk_state != TCP_LISTEN)
		return base->get_port(sk, port);
	WRITE_ONCE(sk->sk_prot, base);
	if (was_connection)
		proto_settle(sk);
	err = base->get_port(sk, port);
	if (err && !was_connection)
		WRITE_ONCE(sk->sk_prot, ours);
	return err;
}

static struct proto_copy *proto_make(struct proto *base)
{
	struct proto_copy *copy;

	spin_lock(&proto_lock);
	copy = proto_find(base);
	if (copy)
		goto unlock;
	copy = proto_find(NULL);
	if (copy && !try_module_get(base->owner))
		copy = NULL;
	if (!copy)
		goto unlock;
	copy->proto = *base;
	copy->proto.owner = THIS_MODULE;
	copy->proto.close = proto_close;
	copy->proto.get_port = proto_get_port;
	copy->proto.setsockopt = proto_setsockopt;
	copy->proto.getsockopt = proto_getsockopt;
	/* Pairs with proto_find(). */
	smp_store_release(&copy->base, base);
unlock:
	spin_unlock(&proto_lock);
	return copy;
}

/* Put ours in front, unless the socket listens, or has. */
static int ulp_attach_locked(struct sock *sk)
{
	struct proto_copy *copy;

	/* Removal from a sockmap writes to *sk_prot, our shared copy. */
	if (sk_psock(sk))
		return -EINVAL;
	/* A listener's children need the copy, too. */
	copy = proto_make(sk->sk_prot);
	if (!copy)
		return -ENOSPC;
	winsock_sockopt_attach(sk);
	/* tcp_set_ulp() is too late: a sockmap looks under this lock. */
	WRITE_ONCE(inet_csk(sk)->icsk_ulp_ops, &ulp_ops);
	/* listen(2) sets this flag for good: a request may use the socket. */
	if (sk->sk_state != TCP_LISTEN && !sock_flag(sk, SOCK_RCU_FREE))
		WRITE_ONCE(sk->sk_prot, &copy->proto);
	return 0;
}

static int ulp_attach(struct sock *sk)
{
	int err;

	sock_owned_by_me(sk);
	if (!READ_ONCE(ulp_started))
		return -ENOENT;
	write_lock_bh(&sk->sk_callback_lock);
	rcu_read_lock();
	err = ulp_attach_locked(sk);
	rcu_read_unlock();
	write_unlock_bh(&sk->sk_callback_lock);
	return err;
}

/* TCP calls this for a dying socket that nothing else uses any more. */
static void ulp_release(struct sock *sk)
{
	WRITE_ONCE(sk->sk_prot, proto_base(sk));
	RCU_INIT_POINTER(inet_csk(sk)->icsk_ulp_data, NULL);
}

/*
 * TCP has made a child of an attached listener, locked and not hashed yet, and
 * copied the ULP without a reference. The listener may be dropping its own.
 */
static void ulp_clone(const struct request_sock *req, struct sock *sk,
		      const gfp_t priority)
{
	struct proto_copy *copy = proto_find(proto_base(sk));

	lockdep_assert_held(&sk->sk_lock.slock);
	if (copy && try_module_get(THIS_MODULE)) {
		WRITE_ONCE(sk->sk_prot, &copy->proto);
		winsock_sockopt_inherit(sk);
		return;
	}
	ulp_release(sk);
	inet_csk(sk)->icsk_ulp_ops = NULL;
}

static int ulp_get_info(struct sock *sk, struct sk_buff *skb, bool net_admin)
{
	struct winsock_query query = { .fd = -1 };

	if (!net_admin)
		return 0;
	/* The values are for a report: the socket need not be locked. */
	winsock_query_fill(sk, NULL, &query);
	return nla_put(skb, WINSOCK_DIAG, sizeof(query), &query);
}

static size_t ulp_get_info_size(const struct sock *sk, bool net_admin)
{
	return net_admin ? nla_total_size(sizeof(struct winsock_query)) : 0;
}

COMPAT_ULP_INFO(ulp_get_info, ulp_get_info_size)

static struct tcp_ulp_ops ulp_ops = {
	.name		= WINSOCK_ULP,
	.owner		= THIS_MODULE,
	.init		= ulp_attach,
	.release	= ulp_release,
	.clone		= ulp_clone,
	.get_info	= COMPAT_ULP_GET_INFO(ulp_get_info),
	.get_info_size	= COMPAT_ULP_GET_INFO_SIZE(ulp_get_info_size),
};

/**
 * winsock_ulp_init() - register the ULP, which refuses until it is started
 *
 * Return: 0, -EEXIST.
 */
int winsock_ulp_init(void)
{
	return tcp_register_ulp(&ulp_ops);
}

/**
 * winsock_ulp_start() - let sockets be attached
 *
 * An attached socket cannot be detached, so loading must not fail any more.
 */
void winsock_ulp_start(void)
{
	WRITE_ONCE(ulp_started, true);
}

/**
 * winsock_ulp_exit() - unregister the ULP, when no socket is attached
 *
 * A thread may be in proto_close() behind module_put(), or in sock_diag without
 * a reference. It does not sleep there: synchronize_rcu_tasks() waits for it.
 */
void winsock_ulp_exit(void)
{
	int i;

	tcp_unregister_ulp(&ulp_ops);
	synchronize_rcu_tasks();
	for (i = 0; i < ARRAY_SIZE(proto_copies); i++)
		if (proto_copies[i].base)
			module_put(proto_copies[i].base->owner);
}

MODULE_ALIAS_TCP_ULP(WINSOCK_ULP);
