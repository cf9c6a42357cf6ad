// SPDX-License-Identifier: LGPL-2.1-or-later
// dlls/ws2_32/socket.c: the server is asked before the handle goes, once the process may
// have a socket that lingers.
@declared@
@@
 #include "ws2_32_private.h"
+#include "winsock_close.h"

@asked@
@@
 closesocket(...)
 {
 	<...
+	if (!winsock_may_close( s )) return -1;
 	if (!socket_list_remove( s )) { ... }
 	...>
 }

// The size is what is read, not what the program says: the server ends a thread that sends
// it 4 GB, as -1 would be.
@set@
expression s, value, size;
@@
+winsock_lingers = TRUE;
 return server_setsockopt( s, IOCTL_AFD_WINE_SET_SO_LINGER, value,
-                          size
+                          sizeof(LINGER)
                         );

@imported@
@@
+winsock_lingers = TRUE;
 ret = lpProtocolInfo->dwServiceFlags3;
