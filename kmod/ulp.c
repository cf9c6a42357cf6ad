// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TCP ULP "winsock": attaching, inheriting, diag.
 *
 * The core takes a module reference when a socket is attached and drops it when TCP
 * destroys the connection, orphans included; see proto.h for the rest.
 */
#include <linux/inet_diag.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <net/inet_connection_sock.h>
#include <net/netlink.h>
#include <net/sock.h>
#include <net/tcp.h>

#include <linux/winsock.h>

#include "compat/ulp.h"
#include "proto.h"
#include "query.h"
#include "sockopt.h"
#include "ulp.h"

/* Not a number that the kernel's own ULPs may come to soon. */
static_assert(WINSOCK_DIAG > 2 * INET_ULP_INFO_MAX);

static struct tcp_ulp_ops ulp_ops;

static int ulp_attach(struct sock *sk)
{
	int err = winsock_proto_prepare(sk);

	if (err)
		return err;
	winsock_sockopt_attach(sk);
	if (sk->sk_state == TCP_LISTEN) {
		/*
		 * Children are copied from a listener without its lock. None may get
		 * our operations without the ULP, whose reference keeps them: let the
		 * ULP be seen everywhere first. The caller sets it again.
		 */
		WRITE_ONCE(inet_csk(sk)->icsk_ulp_ops, &ulp_ops);
		synchronize_rcu();
	}
	winsock_proto_attach(sk);
	return 0;
}

static void ulp_release(struct sock *sk)
{
	winsock_proto_detach(sk);
	RCU_INIT_POINTER(inet_csk(sk)->icsk_ulp_data, NULL);
}

static void ulp_clone(const struct request_sock *req, struct sock *sk, const gfp_t priority)
{
	winsock_proto_inherit(sk);
	winsock_sockopt_inherit(sk);
}

static int ulp_get_info(struct sock *sk, struct sk_buff *skb, bool net_admin)
{
	struct winsock_query query = { 0 };
	struct nlattr *nest;

	/* Unlocked: a report. */
	winsock_query_fill(sk, NULL, &query);
	nest = nla_nest_start(skb, WINSOCK_DIAG);
	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, WINSOCK_DIAG_FLAGS, query.flags) ||
	    nla_put_u64_64bit(skb, WINSOCK_DIAG_LINGER, query.linger_ns, WINSOCK_DIAG_PAD)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static size_t ulp_get_info_size(const struct sock *sk, bool net_admin)
{
	return nla_total_size(0) +
	       nla_total_size(sizeof(u32)) +
	       nla_total_size_64bit(sizeof(u64));
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

int winsock_ulp_init(void)
{
	return tcp_register_ulp(&ulp_ops);
}

void winsock_ulp_exit(void)
{
	tcp_unregister_ulp(&ulp_ops);
	winsock_proto_exit();
}

MODULE_ALIAS_TCP_ULP(WINSOCK_ULP);
