/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP's operations with ours in front: the last close, the options at SOL_WINSOCK.
 * Everything else, the data path before all, stays the very function it was.
 *
 * There is one copy for each set of operations that sockets were found with (those of
 * IPv4, of IPv6), and none is changed or given up before the module goes.
 *
 * Who may hold a pointer to a copy, and what keeps the module until then:
 *
 *   sk_prot of an attached socket	the ULP's reference, dropped by TCP after
 *					winsock_proto_detach()
 *   sk_prot of a listener's requests	the listener's sk_prot_creator: each request
 *					holds the listener, and the core drops the
 *					reference of sk_prot_creator with its memory
 *   sk_prot_creator of a child,	nobody: winsock_proto_inherit() puts the base
 *   which its TIME_WAIT inherits	there
 *   a thread that is in the close	proto_srcu
 */
#ifndef WINSOCK_PROTO_H
#define WINSOCK_PROTO_H

struct sock;

/**
 * winsock_proto_prepare() - do what may fail of attaching
 * @sk: the socket, locked
 *
 * Return: 0, -EINVAL if the socket is in a sockmap, -ENOSPC if too many different
 * sets of operations were seen.
 */
int winsock_proto_prepare(struct sock *sk);

/**
 * winsock_proto_attach() - put our operations in front
 * @sk: a prepared socket, locked
 */
void winsock_proto_attach(struct sock *sk);

/**
 * winsock_proto_detach() - give a dying socket its own operations back
 * @sk: the socket; nobody else uses it any more
 */
void winsock_proto_detach(struct sock *sk);

/**
 * winsock_proto_inherit() - a listener that has our ULP has made a child
 * @sk: the child, not visible to anybody yet; softirq
 *
 * The core copies the ULP without a reference: the child's own is taken here.
 */
void winsock_proto_inherit(struct sock *sk);

/* Wait until no thread is in our close. No socket is attached any more. */
void winsock_proto_exit(void);

#endif /* WINSOCK_PROTO_H */
