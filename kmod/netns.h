/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings per network namespace: net.winsock.* */
#ifndef WINSOCK_NETNS_H
#define WINSOCK_NETNS_H

#include <linux/types.h>

struct net;

/**
 * winsock_netns_strict() - is the literal reading of the error table the default?
 * @net: the socket's network namespace
 *
 * net.winsock.strict - BOOLEAN: non-blocking and linger with a timeout gives
 * WSAEWOULDBLOCK whatever is or is not queued, as WINSOCK_CLOSE_STRICT does for
 * one call. Default 0.
 */
bool winsock_netns_strict(struct net *net);

int winsock_netns_init(void);
void winsock_netns_exit(void);

#endif /* WINSOCK_NETNS_H */
