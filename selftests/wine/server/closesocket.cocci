// SPDX-License-Identifier: LGPL-2.1-or-later
// closesocket() with a linger time: where server/sock.c calls winsock_close.c.

// A socket has our part, from its making to its end.
@declared@
@@
 #include "user.h"
+#include "winsock_close.h"

@part@
@@
 struct sock {
 	...
 	struct async_queue poll_q;
+	struct winsock winsock;
 	...
 };

@init@
@@
 create_socket(...)
 {
 	...
 	init_async_queue( &sock->poll_q );
+	winsock_init( &sock->winsock );
 	...
 }

@destroy@
@@
 sock_destroy(...)
 {
 	...
 	free_async_queue( &sock->poll_q );
+	winsock_destroy( sock );
 	...
 }

// By CloseHandle(), or when the process ends.
@last_handle@
@@
 async_cancel_queue( &sock->write_q );
+winsock_last_handle( sock );

// accept() and AcceptEx(): the option is the listener's.
@inherit@
@@
 acceptsock->connect_time = current_time;
+winsock_inherit( acceptsock, sock );

// Requests of ours come before the server's own.
@request@
expression E;
@@
 sock_ioctl(...)
 {
 	<...
 	if (code != IOCTL_AFD_WINE_CREATE && code != IOCTL_AFD_POLL && E) return;
+	if (winsock_ioctl( sock, code, async )) return;
 	...>
 }

// A socket that the kernel is closing is not watched, and what it says is not heard.
@unwatched@
@@
 sock_get_poll_events(...)
 {
 	<...
 	if (!sock->type) return -1;
+	if (winsock_is_quiet( sock )) return -1;
 	...>
 }

@unheard@
expression E;
@@
 sock_poll_event(...)
 {
 	<...
+	if (winsock_is_quiet( sock )) return;
 	if (event & (POLLERR | POLLHUP)) error = E;
 	...>
 }

// The server's own queue of a socket may be empty now.
@reselected@
expression E;
statement S;
@@
 sock_reselect_async(...)
 {
 	<...
+	winsock_reselected( sock );
 	if (sock->wr_shutdown_pending && E) S
 	...>
 }

// The thread that waits in closesocket() is killed, or a program says CancelIoEx().
@cancelled@
@@
 sock_cancel_async(...)
 {
 	<...
+	winsock_cancelled( get_fd_user( fd ), async );
 	async_terminate( async, STATUS_CANCELLED );
 	...>
 }
