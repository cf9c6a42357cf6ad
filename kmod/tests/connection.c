// SPDX-License-Identifier: GPL-2.0-only
/* A TCP connection between two kernel sockets over loopback, for KUnit. */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "connection.h"

int connection_prepare(void)
{
	int err;

	rtnl_lock();
	err = dev_change_flags(init_net.loopback_dev, IFF_UP, NULL);
	rtnl_unlock();
	return err;
}

static int connection_listen(struct socket **listener, struct sockaddr_in *name)
{
	int err = sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP,
				   listener);

	if (err)
		return err;
	(*listener)->sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	WRITE_ONCE((*listener)->sk->sk_rcvbuf, 4096);
	err = kernel_bind(*listener, (void *)name, sizeof(*name));
	if (!err)
		err = kernel_listen(*listener, 1);
	if (!err)
		err = kernel_getsockname(*listener, (void *)name);
	return err < 0 ? err : 0;
}

int connection_open(struct kunit *test)
{
	struct connection *pair =
		kunit_kzalloc(test, sizeof(*pair), GFP_KERNEL);
	struct sockaddr_in name = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct socket *listener = NULL;
	int err;

	if (!pair)
		return -ENOMEM;
	test->priv = pair;
	err = connection_listen(&listener, &name);
	if (err)
		goto release;
	err = sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &pair->client);
	if (err)
		goto release;
	err = kernel_connect(pair->client, (void *)&name, sizeof(name), 0);
	if (!err)
		err = kernel_accept(listener, &pair->server, 0);
release:
	if (listener)
		sock_release(listener);
	if (err)
		connection_close(test);
	return err;
}

void connection_close(struct kunit *test)
{
	struct connection *pair = test->priv;

	if (pair->client)
		sock_release(pair->client);
	if (pair->server)
		sock_release(pair->server);
	pair->client = NULL;
	pair->server = NULL;
}

size_t connection_fill(struct socket *sock)
{
	static char block[4096];
	size_t total = 0;
	int sent;

	do {
		struct msghdr message = {
			.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
		};
		struct kvec part = { block, sizeof(block) };

		sent = kernel_sendmsg(sock, &message, &part, 1, sizeof(block));
		total += max(sent, 0);
	} while (sent > 0);
	return total;
}

ssize_t connection_drain(struct socket *sock)
{
	static char block[4096];
	ssize_t total = 0;
	int got;

	do {
		struct msghdr message = { };
		struct kvec part = { block, sizeof(block) };

		got = kernel_recvmsg(sock, &message, &part, 1, sizeof(block),
				     MSG_DONTWAIT);
		total += max(got, 0);
	} while (got > 0);
	return got && got != -EAGAIN ? got : total;
}
