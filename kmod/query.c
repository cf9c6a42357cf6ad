// SPDX-License-Identifier: GPL-2.0-only
/* The facts a close would be decided by, for those who ask. */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "facts.h"
#include "family.h"
#include "handle.h"
#include "op.h"
#include "query.h"
#include "sockopt.h"

void winsock_query_fill(struct sock *sk, const struct file *file,
			struct winsock_query *args)
{
	struct winsock_facts facts;

	winsock_family_snapshot(sk, &facts);
	args->flags = 0;
	if (facts.linger)
		args->flags |= WINSOCK_QUERY_LINGER;
	if (file && (file->f_flags & O_NONBLOCK))
		args->flags |= WINSOCK_QUERY_NONBLOCK;
	if (facts.unacked)
		args->flags |= WINSOCK_QUERY_WOULD_BLOCK;
	if (winsock_sockopt_strict(sk))
		args->flags |= WINSOCK_QUERY_STRICT;
	if (winsock_sockopt_attached(sk))
		args->flags |= WINSOCK_QUERY_ATTACHED;
	args->state = facts.state;
	args->linger_ns = facts.linger_ns;
	args->unsent = facts.unsent;
	args->unacked = facts.unacked;
	args->unread = facts.unread;
}

int winsock_query(struct winsock_query *args)
{
	struct socket *sock;
	struct file *file;

	if (args->pad)
		return -EINVAL;
	file = winsock_handle_get(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);

	sock = sock_from_file(file);
	lock_sock(sock->sk);
	winsock_query_fill(sock->sk, file, args);
	release_sock(sock->sk);
	if (winsock_handle_shared(file, args->fd))
		args->flags |= WINSOCK_QUERY_SHARED;
	if (winsock_op_busy(sock))
		args->flags |= WINSOCK_QUERY_CLOSING;
	fput(file);
	return 0;
}
