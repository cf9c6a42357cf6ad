/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings per network namespace: net.winsock.* */
#ifndef WINSOCK_NETNS_H
#define WINSOCK_NETNS_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct net;
struct pernet_operations;

/**
 * winsock_netns_strict() - read the error table literally by default?
 * @net: the socket's network namespace
 *
 * net.winsock.strict - BOOLEAN: non-blocking and linger with a timeout gives
 * WSAEWOULDBLOCK whatever is or is not queued, as WINSOCK_CLOSE_STRICT does for
 * one call. Default 0.
 */
bool winsock_netns_strict(struct net *net);

/**
 * winsock_netns_ops_max() - closes that one user may have pending in @net
 * @net: a network namespace
 *
 * net.winsock.ops_max - INTEGER: 0 to 2^31 - 1, default WINSOCK_NETNS_OPS_MAX.
 * Cannot be written in a namespace of another user namespace than the first.
 */
unsigned int winsock_netns_ops_max(struct net *net);

#define WINSOCK_NETNS_OPS_MAX	131072

int winsock_netns_charge(struct net *net, kuid_t user);
void winsock_netns_uncharge(struct net *net, kuid_t user);

extern struct pernet_operations winsock_netns_ops;

#endif /* WINSOCK_NETNS_H */
