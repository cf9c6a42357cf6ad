// SPDX-License-Identifier: LGPL-2.1-or-later
// SO_DONTLINGER switches linger on and off, and leaves the time as
// it is. FALSE must not make a reset of "linger".
@dontlinger@
expression s, on;
@@
-linger.l_onoff = on;
-linger.l_linger = 0;
+{
+	int len = sizeof(linger);
+
+	if (getsockopt( s, SOL_SOCKET, SO_LINGER, (char *)&linger, &len )) return -1;
+}
+linger.l_onoff = on;
 return setsockopt( s, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger) );
