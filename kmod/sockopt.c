// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options at SOL_WINSOCK. See sockopt.h. Setting and getting an option lock the
 * socket; the other functions take it locked or not.
 */
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/rcupdate.h>
#include <linux/sockptr.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "family.h"
#include "netns.h"
#include "sockopt.h"

/* The kernel numbers its levels one by one, far below ours. */
static_assert(SOL_WINSOCK > 2 * SOL_MCTP);
static_assert(sizeof(struct winsock_so_linger) == 4);

/* A program has set a timeout, which SO_DONTLINGER keeps, even 0 (O6). */
#define SOCKOPT_TIMEOUT		(1UL << 0)
/* WINSOCK_SO_MODE is set, and overrides O_NONBLOCK. */
#define SOCKOPT_MODE		(1UL << 1)
/* With MODE: it is set to non-blocking. */
#define SOCKOPT_NONBLOCK	(1UL << 2)
/* The close was reported: TCP's own close is not reported again. */
#define SOCKOPT_REPORTED	(1UL << 3)

/*
 * The ULP's data pointer holds a tagged integer. Other ULPs keep an aligned
 * pointer there, so the tag also identifies our sockets. Sockets other than
 * TCP's have no such field.
 */
static void *sockopt_word(const struct sock *sk)
{
	if (!sk_is_tcp(sk))
		return NULL;
	return rcu_access_pointer(inet_csk(sk)->icsk_ulp_data);
}

static void sockopt_store(struct sock *sk, unsigned long bits)
{
	rcu_assign_pointer(inet_csk(sk)->icsk_ulp_data, xa_mk_value(bits));
}

/* Default settings for a socket that is locked. */
void winsock_sockopt_attach(struct sock *sk)
{
	sockopt_store(sk, 0);
}

/* Does the socket have the ULP "winsock"? */
bool winsock_sockopt_attached(const struct sock *sk)
{
	/* A child copied during the attach may have the word, but no ULP. */
	return xa_is_value(sockopt_word(sk)) &&
	       READ_ONCE(inet_csk(sk)->icsk_ulp_ops);
}

/* Note that the close was reported, if the socket is attached. */
void winsock_sockopt_set_reported(struct sock *sk)
{
	void *word = sockopt_word(sk);

	/* Tried once: if setsockopt() comes in between, it counts twice. */
	if (xa_is_value(word))
		cmpxchg((void __force **)&inet_csk(sk)->icsk_ulp_data, word,
			xa_mk_value(xa_to_value(word) | SOCKOPT_REPORTED));
}

/*
 * Clear REPORTED in a new child, which has copied the listener's word. No other
 * thread can see the child yet.
 */
void winsock_sockopt_inherit(struct sock *sk)
{
	sockopt_store(sk, xa_to_value(sockopt_word(sk)) & ~SOCKOPT_REPORTED);
}

bool winsock_sockopt_reported(const struct sock *sk)
{
	return xa_to_value(sockopt_word(sk)) & SOCKOPT_REPORTED;
}

/*
 * Non-blocking in Winsock's sense: the socket's own mode (WINSOCK_SO_MODE) if
 * it has one, else O_NONBLOCK of @file, which may be NULL.
 */
bool winsock_sockopt_nonblock(const struct sock *sk, const struct file *file)
{
	void *word = sockopt_word(sk);
	unsigned long bits = xa_is_value(word) ? xa_to_value(word) : 0;

	if (bits & SOCKOPT_MODE)
		return bits & SOCKOPT_NONBLOCK;
	return file && (file->f_flags & O_NONBLOCK);
}

/**
 * winsock_query_fill() - fill in what would decide a close now
 * @sk:		the socket; the values are of one moment if it is locked
 * @file:	its file, or NULL
 * @args:	filled in, without SHARED and CLOSING
 */
void winsock_query_fill(struct sock *sk, const struct file *file,
			struct winsock_query *args)
{
	struct winsock_facts facts;

	winsock_family_snapshot(sk, &facts);
	args->flags = 0;
	if (facts.linger)
		args->flags |= WINSOCK_QUERY_LINGER;
	if (winsock_sockopt_nonblock(sk, file))
		args->flags |= WINSOCK_QUERY_NONBLOCK;
	if (facts.unacked)
		args->flags |= WINSOCK_QUERY_WOULD_BLOCK;
	if (winsock_netns_strict(sock_net(sk)))
		args->flags |= WINSOCK_QUERY_STRICT;
	if (winsock_sockopt_attached(sk))
		args->flags |= WINSOCK_QUERY_ATTACHED;
	args->state = facts.state;
	args->pad = 0;
	args->linger_ns = facts.linger_ns;
	args->unsent = facts.unsent;
	args->unacked = facts.unacked;
	args->unread = facts.unread;
}

/* TCP reads the flag and the timeout only at close. */
static void sockopt_linger(struct sock *sk, bool on, unsigned int seconds)
{
	WRITE_ONCE(sk->sk_lingertime, (unsigned long)seconds * HZ);
	sock_valbool_flag(sk, SOCK_LINGER, on);
}

static int sockopt_set_linger(struct sock *sk, sockptr_t value,
			      unsigned int size)
{
	struct winsock_so_linger linger;

	if (size < sizeof(linger))
		return -EINVAL;
	if (copy_from_sockptr(&linger, value, sizeof(linger)))
		return -EFAULT;
	lock_sock(sk);
	sockopt_linger(sk, linger.l_onoff, linger.l_linger);
	sockopt_store(sk, xa_to_value(sockopt_word(sk)) | SOCKOPT_TIMEOUT);
	release_sock(sk);
	return 0;
}

static int sockopt_set_dontlinger(struct sock *sk, bool off)
{
	unsigned long bits;

	lock_sock(sk);
	bits = xa_to_value(sockopt_word(sk));
	/* The native SO_LINGER sets no bit: infer it from what it has set. */
	if (sock_flag(sk, SOCK_LINGER) || sk->sk_lingertime)
		bits |= SOCKOPT_TIMEOUT;
	if (off || (bits & SOCKOPT_TIMEOUT))
		sock_valbool_flag(sk, SOCK_LINGER, !off);
	else
		sockopt_linger(sk, true, WINSOCK_SO_LINGER_DEFAULT);
	sockopt_store(sk, bits);
	release_sock(sk);
	return 0;
}

static int sockopt_set_mode(struct sock *sk, int value)
{
	unsigned long bits;

	if (value < -1 || value > 1)
		return -EINVAL;
	lock_sock(sk);
	bits = xa_to_value(sockopt_word(sk)) &
	       ~(SOCKOPT_MODE | SOCKOPT_NONBLOCK);
	if (value >= 0)
		bits |= SOCKOPT_MODE;
	if (value > 0)
		bits |= SOCKOPT_NONBLOCK;
	sockopt_store(sk, bits);
	release_sock(sk);
	return 0;
}

/* setsockopt() at SOL_WINSOCK. Returns 0, -EINVAL, -EFAULT, -ENOPROTOOPT. */
int winsock_sockopt_set(struct sock *sk, int name, sockptr_t value,
			unsigned int size)
{
	int number;

	if (name == WINSOCK_SO_LINGER)
		return sockopt_set_linger(sk, value, size);
	if (name != WINSOCK_SO_DONTLINGER && name != WINSOCK_SO_MODE)
		return -ENOPROTOOPT;
	if (size < sizeof(number))
		return -EINVAL;
	if (copy_from_sockptr(&number, value, sizeof(number)))
		return -EFAULT;
	if (name == WINSOCK_SO_MODE)
		return sockopt_set_mode(sk, number);
	return sockopt_set_dontlinger(sk, number);
}

/* getsockopt() at SOL_WINSOCK: the same errors. @size: room, then written. */
int winsock_sockopt_get(struct sock *sk, int name, char __user *value,
			int __user *size)
{
	union {
		struct winsock_so_linger linger;
		struct winsock_query query;
		int number;
	} option = { 0 };
	unsigned long bits;
	int room, length;

	if (get_user(room, size))
		return -EFAULT;
	lock_sock(sk);
	bits = xa_to_value(sockopt_word(sk));
	switch (name) {
	case WINSOCK_SO_LINGER:
		length = sizeof(option.linger);
		option.linger.l_onoff = sock_flag(sk, SOCK_LINGER);
		option.linger.l_linger = min(sk->sk_lingertime / HZ,
					     (unsigned long)U16_MAX);
		break;
	case WINSOCK_SO_DONTLINGER:
		length = sizeof(option.number);
		option.number = !sock_flag(sk, SOCK_LINGER);
		break;
	case WINSOCK_SO_MODE:
		length = sizeof(option.number);
		option.number = -1;
		if (bits & SOCKOPT_MODE)
			option.number = !!(bits & SOCKOPT_NONBLOCK);
		break;
	case WINSOCK_SO_INFO:
		length = sizeof(option.query);
		option.query.fd = -1;
		winsock_query_fill(sk, sk->sk_socket->file, &option.query);
		break;
	default:
		length = 0;
		break;
	}
	release_sock(sk);

	if (!length)
		return -ENOPROTOOPT;
	if (room < length)
		return -EINVAL;
	if (copy_to_user(value, &option, length) || put_user(length, size))
		return -EFAULT;
	return 0;
}
