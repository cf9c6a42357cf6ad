// SPDX-License-Identifier: GPL-2.0-only
/* TCP's operations with ours in front. See proto.h. */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/skmsg.h>
#include <linux/srcu.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include <linux/winsock.h>

#include "proto.h"
#include "release.h"
#include "sockopt.h"

/**
 * struct proto_copy - operations in front of others
 * @proto:	the copy
 * @base:	what it was made from; set last, once, NULL while the slot is free.
 *		Its module is held
 */
struct proto_copy {
	struct proto proto;
	struct proto *base;
};

/* IPv4's and IPv6's, and as many that others may have put in front of them. */
static struct proto_copy proto_copies[4];

/* Serialises making copies; innermost under a socket's lock. */
static DEFINE_MUTEX(proto_lock);

/* Threads in proto_close(), where the socket's reference to the module goes. */
DEFINE_STATIC_SRCU(proto_srcu);

static void proto_close(struct sock *sk, long timeout);

static bool proto_is_ours(const struct proto *proto)
{
	return proto->close == proto_close;
}

/* Of a socket whose operations are ours. */
static struct proto *proto_base(const struct sock *sk)
{
	return container_of(READ_ONCE(sk->sk_prot), struct proto_copy, proto)->base;
}

static struct proto_copy *proto_find(const struct proto *base)
{
	struct proto_copy *copy;

	for (copy = proto_copies; copy < proto_copies + ARRAY_SIZE(proto_copies); copy++)
		/* Pairs with the release in proto_make(): the copy is complete. */
		if (smp_load_acquire(&copy->base) == base)
			return copy;
	return NULL;
}

static void proto_close(struct sock *sk, long timeout)
{
	const struct proto *base = proto_base(sk);
	int reader = srcu_read_lock(&proto_srcu);

	if (!winsock_release(sk))
		base->close(sk, 0);
	srcu_read_unlock(&proto_srcu, reader);
}

static int proto_setsockopt(struct sock *sk, int level, int name, sockptr_t value,
			    unsigned int size)
{
	if (level == SOL_WINSOCK)
		return winsock_sockopt_set(sk, name, value, size);
	return proto_base(sk)->setsockopt(sk, level, name, value, size);
}

static int proto_getsockopt(struct sock *sk, int level, int name, char __user *value,
			    int __user *size)
{
	if (level == SOL_WINSOCK)
		return winsock_sockopt_get(sk, name, value, size);
	return proto_base(sk)->getsockopt(sk, level, name, value, size);
}

static int proto_make(struct proto *base);

/* Let the memory of a listener hold the module, see proto.h. */
static int proto_pin(struct sock *sk)
{
	struct proto *creator = sk->sk_prot_creator;
	int err;

	if (proto_is_ours(creator))
		return 0;
	err = proto_make(creator);
	if (err)
		return err;
	__module_get(THIS_MODULE);
	sk->sk_prot_creator = &proto_find(creator)->proto;
	module_put(creator->owner);
	return 0;
}

/* A socket becomes visible to lookups; of an attached one only by listen(2). */
static int proto_hash(struct sock *sk)
{
	int err = 0;

	if (sk->sk_state == TCP_LISTEN)
		err = proto_pin(sk);
	return err ?: proto_base(sk)->hash(sk);
}

static int proto_make(struct proto *base)
{
	struct proto_copy *copy;
	int err = 0;

	if (proto_find(base))
		return 0;
	mutex_lock(&proto_lock);
	if (proto_find(base))
		goto unlock;
	copy = proto_find(NULL);
	if (!copy || !try_module_get(base->owner)) {
		err = -ENOSPC;
		goto unlock;
	}
	copy->proto = *base;
	copy->proto.owner = THIS_MODULE;
	copy->proto.close = proto_close;
	copy->proto.hash = proto_hash;
	copy->proto.setsockopt = proto_setsockopt;
	copy->proto.getsockopt = proto_getsockopt;
	/* Pairs with proto_find(). */
	smp_store_release(&copy->base, base);
unlock:
	mutex_unlock(&proto_lock);
	return err;
}

int winsock_proto_prepare(struct sock *sk)
{
	bool mapped;
	int err;

	sock_owned_by_me(sk);
	/*
	 * Leaving a sockmap writes into sk_prot in place, which would be a copy that
	 * others share. The other order the core refuses.
	 */
	rcu_read_lock();
	mapped = sk_psock(sk);
	rcu_read_unlock();
	if (mapped)
		return -EINVAL;
	err = proto_make(sk->sk_prot);
	if (!err && sk->sk_state == TCP_LISTEN)
		err = proto_pin(sk);
	return err;
}

void winsock_proto_attach(struct sock *sk)
{
	sock_owned_by_me(sk);
	WRITE_ONCE(sk->sk_prot, &proto_find(sk->sk_prot)->proto);
}

void winsock_proto_detach(struct sock *sk)
{
	WRITE_ONCE(sk->sk_prot, proto_base(sk));
}

void winsock_proto_inherit(struct sock *sk)
{
	struct proto *base = sk->sk_prot;

	/* The listener may have been attached while it was copied. */
	if (proto_is_ours(base))
		base = proto_base(sk);
	else
		WRITE_ONCE(sk->sk_prot, &proto_find(base)->proto);

	if (!proto_is_ours(sk->sk_prot_creator)) {
		__module_get(THIS_MODULE);
		return;
	}
	/* The core took a reference for the creator: it becomes the ULP's. */
	__module_get(base->owner);
	sk->sk_prot_creator = base;
}

void winsock_proto_exit(void)
{
	struct proto_copy *copy;

	synchronize_srcu(&proto_srcu);
	/* And until those that have left the section have left the function. */
	synchronize_rcu_tasks();
	for (copy = proto_copies; copy < proto_copies + ARRAY_SIZE(proto_copies); copy++)
		if (copy->base)
			module_put(copy->base->owner);
}
