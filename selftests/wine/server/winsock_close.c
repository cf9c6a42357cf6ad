/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * closesocket() with a linger time, in wineserver. Part of sock.c.
 *
 * The server says CLOSE to the kernel, which answers at once: the close is done,
 * or it would block, or it is pending and has a descriptor, which becomes readable
 * at the end and is one more in the server's loop. The client's closesocket() waits
 * as any other request does, and closes the handle when it returns.
 *
 * The device is opened for each close that lingers. So a module that was loaded
 * later is found, and an idle server keeps none from being unloaded.
 */

/* Would a close of this socket linger? Reads its linger option. */
static int winsock_lingers( struct sock *sock )
{
	struct winsock *winsock = &sock->winsock;
	struct linger linger = { 0 };
	socklen_t size = sizeof(linger);
	int fd;

	if (!is_tcp_socket( sock ) || !sock->fd || (fd = get_unix_fd( sock->fd )) == -1) return 0;
	if (winsock->known) return winsock->onoff != 0;
	getsockopt( fd, SOL_SOCKET, SO_LINGER, &linger, &size );
	if (!linger.l_onoff) return 0;
	/* The program set it before the module was there. */
	winsock->onoff = 1;
	winsock->seconds = linger.l_linger;
	return 1;
}

/*
 * Call CLOSE. Returns 0 and *op_fd -1: the close is done; an errno: nothing was begun. DETACH: if
 * the program dies the kernel goes on.
 */
static int winsock_say_close( struct sock *sock, int flags, timeout_t time, int *op_fd )
{
	struct winsock_close call = {
		.fd = get_unix_fd( sock->fd ),
		.flags = flags | WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DETACH,
		.timeout_ns = time > 0 ? (__u64)time * (1000000000 / TICKS_PER_SEC) : 0,
	};
	int device, err = 0;

	*op_fd = -1;
	if ((device = open( WINSOCK_DEVICE, O_RDONLY | O_CLOEXEC )) == -1) return ENODEV;
	if (!sock->winsock.known && sock->winsock.seconds)
	{
		struct linger off = { 0 };

		setsockopt( call.fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off) );
		sock->winsock.known = 1;
	}
	if (ioctl( device, WINSOCK_IOC_CLOSE, &call )) err = errno;
	else *op_fd = call.op_fd;
	close( device );
	return err;
}

static timeout_t winsock_time( struct winsock *winsock )
{
	return (timeout_t)winsock->seconds * TICKS_PER_SEC;
}

static void winsock_init( struct winsock *winsock )
{
	memset( winsock, 0, sizeof(*winsock) );
	init_async_queue( &winsock->wait_q );
}

static void winsock_inherit( struct sock *child, struct sock *listener )
{
	child->winsock.onoff = listener->winsock.onoff;
	child->winsock.seconds = listener->winsock.seconds;
	child->winsock.known = listener->winsock.known;
}

/* The client's closesocket() returns, and closes the handle if the status allows it. */
static void winsock_complete( struct winsock *winsock, unsigned int status )
{
	struct async *async = winsock->async;

	if (winsock->timeout) remove_timeout_user( winsock->timeout );
	winsock->timeout = NULL;
	winsock->async = NULL;
	if (!async) return;
	async_terminate( async, status );
	release_object( async );
}

static void winsock_op_event( struct fd *fd, int event )
{
	struct sock *sock = get_fd_user( fd );
	struct winsock *winsock = &sock->winsock;

	/* The outcome is not read: Windows has no use for it. */
	grab_object( sock );
	winsock->op = NULL;
	release_object( fd );
	winsock_complete( winsock, STATUS_SUCCESS );
	release_object( sock );
}

static const struct fd_ops winsock_op_ops =
{
	.poll_event = winsock_op_event,
};

/* The server's queue is empty: the kernel takes over with the time that is left. */
static void winsock_linger( struct sock *sock )
{
	struct winsock *winsock = &sock->winsock;
	timeout_t left = winsock->deadline - monotonic_time;
	int op_fd;

	/*
	 * On an error (no module, too many pending closes, no memory, no descriptor) the connection
	 * ends gracefully, and no thread waits.
	 */
	winsock_say_close( sock, WINSOCK_CLOSE_BLOCKING, left, &op_fd );
	if (op_fd != -1)
		winsock->op = create_anonymous_fd( &winsock_op_ops, op_fd, &sock->obj, 0 );
	if (winsock->op)
	{
		if (winsock->timeout) remove_timeout_user( winsock->timeout );
		winsock->timeout = NULL;
		set_fd_events( winsock->op, POLLIN );
	}
	else winsock_complete( winsock, STATUS_SUCCESS );
	sock_reselect( sock );
}

/* The time has passed before the queue was empty: CLOSE with 0 resets. */
static void winsock_drain_timeout( void *private )
{
	struct sock *sock = private;

	sock->winsock.timeout = NULL;
	winsock_linger( sock );
}

static int winsock_is_draining( struct winsock *winsock )
{
	return winsock->timeout != NULL;
}

/* From here on the time runs. What is queued here has to go first. */
static void winsock_begin( struct sock *sock )
{
	struct winsock *winsock = &sock->winsock;

	winsock->closing = 1;
	winsock->deadline = monotonic_time + winsock_time( winsock );
	if (winsock->seconds && async_queued( &sock->write_q ))
	{
		winsock->timeout = add_timeout_user( -winsock_time( winsock ), winsock_drain_timeout, sock );
		sock_reselect( sock );
	}
	else winsock_linger( sock );
}

static void winsock_reselected( struct sock *sock )
{
	if (winsock_is_draining( &sock->winsock ) && !async_queued( &sock->write_q ))
		winsock_linger( sock );
}

static void winsock_closesocket( struct sock *sock, struct async *async )
{
	struct winsock *winsock = &sock->winsock;
	int op_fd, queued = async_queued( &sock->write_q );

	if (winsock->closing)
	{
		set_error( STATUS_INVALID_HANDLE );
		return;
	}
	if (sock->obj.handle_count > 1 || !winsock_lingers( sock )) return;
	/* The module is gone: as ever. */
	if (access( WINSOCK_DEVICE, F_OK )) return;
	if (sock->nonblocking && winsock->seconds)
	{
		int err = queued ? EWOULDBLOCK :
			winsock_say_close( sock, WINSOCK_CLOSE_NONBLOCKING, winsock_time( winsock ),
					   &op_fd );

		if (err == EWOULDBLOCK) set_error( STATUS_DEVICE_NOT_READY );
		else winsock->closing = 1;
		return;
	}
	winsock->closing = 1;
	sock_close_handle( &sock->obj, current->process, 0 );
	winsock->async = (struct async *)grab_object( async );
	queue_async( &winsock->wait_q, async );
	winsock_begin( sock );
	set_error( STATUS_PENDING );
}

/*
 * The waiting thread has ended, or its wait was cancelled: take the close back. If its process has
 * ended there is no holder left, and the kernel goes on.
 */
static void winsock_cancelled( struct sock *sock, struct async *async )
{
	struct winsock *winsock = &sock->winsock;

	if (!async || async != winsock->async) return;
	if (!async_get_thread( async )->process->running_threads) return;
	if (winsock->op)
	{
		if (ioctl( get_unix_fd( winsock->op ), WINSOCK_IOC_OP_CANCEL )) return;
		release_object( winsock->op );
		winsock->op = NULL;
	}
	winsock->closing = 0;
	winsock_complete( winsock, STATUS_CANCELLED );
	sock_reselect( sock );
}

/* A socket that the kernel is closing has no events for the program. */
static int winsock_is_quiet( struct sock *sock )
{
	return sock->winsock.closing && !winsock_is_draining( &sock->winsock );
}

/*
 * The last handle goes, by whatever way. While a client sends what is queued here the socket
 * lives on; the time runs.
 */
static void winsock_last_handle( struct sock *sock )
{
	if (!sock->winsock.closing && winsock_lingers( sock ) && async_queued( &sock->write_q ) &&
	    !access( WINSOCK_DEVICE, F_OK ))
		winsock_begin( sock );
}

/* The end, also by the end of the process. What was queued here is gone with that. */
static void winsock_destroy( struct sock *sock )
{
	struct winsock *winsock = &sock->winsock;
	int draining = winsock_is_draining( winsock ), op_fd;
	timeout_t time = draining ? winsock->deadline - monotonic_time : winsock_time( winsock );

	winsock_complete( winsock, STATUS_HANDLES_CLOSED );
	free_async_queue( &winsock->wait_q );
	if (winsock->op) release_object( winsock->op );
	else if ((draining || !winsock->closing) && winsock_lingers( sock ) && winsock->seconds &&
		 !winsock_say_close( sock, WINSOCK_CLOSE_BLOCKING, time, &op_fd ) &&
		 op_fd != -1)
		close( op_fd );
}

/* Handle the private requests. ntdll passes SO_LINGER on when it has seen the device. */
static int winsock_ioctl( struct sock *sock, unsigned int code, struct async *async )
{
	struct winsock *winsock = &sock->winsock;
	struct WS_linger linger;

	switch (code)
	{
	case IOCTL_AFD_WINSOCK_CLOSE:
		winsock_closesocket( sock, async );
		return 1;

	case IOCTL_AFD_WINE_SET_SO_LINGER:
		if (get_req_data_size() < sizeof(linger))
		{
			set_error( STATUS_BUFFER_TOO_SMALL );
			return 1;
		}
		memcpy( &linger, get_req_data(), sizeof(linger) );
		winsock->onoff = linger.l_onoff;
		winsock->seconds = linger.l_linger;
		winsock->known = 1;
		return 1;

	case IOCTL_AFD_WINE_GET_SO_LINGER:
		if (!winsock->known)
		{
			struct linger native = { 0 };
			socklen_t size = sizeof(native);

			getsockopt( get_unix_fd( sock->fd ), SOL_SOCKET, SO_LINGER, &native, &size );
			linger.l_onoff = native.l_onoff;
			linger.l_linger = native.l_linger;
		}
		else
		{
			linger.l_onoff = winsock->onoff;
			linger.l_linger = winsock->seconds;
		}
		set_reply_data( &linger, min( sizeof(linger), get_reply_max_size() ));
		return 1;
	}
	return 0;
}
