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

/* For suite_init: sets loopback up. */
int connection_prepare(void);

/* For init and exit of a case: the connection is test->priv. */
int connection_open(struct kunit *test);
void connection_close(struct kunit *test);

/* Sends until no more is accepted. Returns the bytes. */
size_t connection_fill(struct socket *sock);

/* Receives what is there. Returns the bytes, or a negative errno. */
ssize_t connection_drain(struct socket *sock);

#endif /* WINSOCK_CONNECTION_H */
