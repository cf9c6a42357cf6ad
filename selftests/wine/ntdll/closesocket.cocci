// SPDX-License-Identifier: LGPL-2.1-or-later
// dlls/ntdll/unix/socket.c: the server keeps SO_LINGER.
@declared@
@@
 #include "unix_private.h"
+#include "winsock_linger.h"

@native@
expression E;
expression list ES;
@@
 sock_ioctl(...)
 {
 	<...
 	TRACE( E, handle, code, ES );
+	if (winsock_linger( handle, code, in_buffer, in_size, &status )) return status;
 	...>
 }
