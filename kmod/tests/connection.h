/* SPDX-License-Identifier: GPL-2.0-only */
/* A TCP connection between two kernel sockets over loopback, for KUnit. */
#ifndef WINSOCK_CONNECTION_H
#define WINSOCK_CONNECTION_H

#include <linux/types.h>

struct kunit;
struct socket;

/**
 * struct connection - both ends
 * @client:	the end to close; NULL if the test has given it away
 * @server:	accepted, with a small receive buffer
 */
struct connection {
	struct socket *client;
	struct socket *server;
};

/* suite_init: loopback up. */
int connection_prepare(void);

/* init and exit of a case: the connection is test->priv. */
int connection_open(struct kunit *test);
void connection_close(struct kunit *test);

/* Send until no more is accepted: bytes. */
size_t connection_fill(struct socket *sock);

/* Receive what is there: bytes, or a negative errno. */
ssize_t connection_drain(struct socket *sock);

#endif /* WINSOCK_CONNECTION_H */
