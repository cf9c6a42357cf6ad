// SPDX-License-Identifier: LGPL-2.1-or-later
// What is wrong in Wine about closing a socket, whatever the kernel: a change of its own,
// which comes first.

// calls that other threads have pending end when the last handle goes, not
// with the object, since a blocked send holds the object.
@cancel@
statement S;
@@
 sock_close_handle(...)
 {
 	<...
 	if (sock->obj.handle_count == 1)
 	{
 		...
+		async_cancel_queue( &sock->read_q );
+		async_cancel_queue( &sock->write_q );
 		if (sock->accept_recv_req) S
 		...
 	}
 	...>
 }

@cancel_declared depends on cancel@
@@
 #include "user.h"
+#include "close_cancel.h"

// a reset that the server has seen is what a later recv() returns: asking
// for SO_ERROR took it away. Newer Wines do so.
@reset@
statement S1, S2;
@@
 handle_recv_socket(...)
 {
 	<...
(
 	if (sock->rd_shutdown) status = STATUS_PIPE_DISCONNECTED;
 	else if (sock->reset) S1
 	else S2
|
-	if (sock->rd_shutdown) status = STATUS_PIPE_DISCONNECTED;
+	if (sock->rd_shutdown) status = STATUS_PIPE_DISCONNECTED;
+	else if (sock->reset) status = STATUS_CONNECTION_RESET;
 	else S2
)
 	...>
 }
