/* SPDX-License-Identifier: GPL-2.0-only */
/* What the engine needs of TCP: facts, the drained test, push and reset. */
#ifndef WINSOCK_TCP_H
#define WINSOCK_TCP_H

#include <linux/types.h>

struct sock;
struct winsock_facts;

void winsock_tcp_snapshot(struct sock *sk, struct winsock_facts *facts);
bool winsock_tcp_settled(const struct sock *sk);

/* Send what Nagle or a cork holds back; the socket is locked. */
void winsock_tcp_push(struct sock *sk);

/* Will TCP's own close reset, as winsock_tcp_reset() does? */
bool winsock_tcp_close_resets(const struct sock *sk);

/* RST on the wire, state CLOSE; the socket is locked. */
void winsock_tcp_reset(struct sock *sk);

#endif /* WINSOCK_TCP_H */
