/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What winsock-run tells its shim, in the environment. */
#ifndef RUN_H
#define RUN_H

/* "1": close(2) fails with EWOULDBLOCK where closesocket() would. */
#define RUN_WOULD_BLOCK		"WINSOCK_RUN_WOULD_BLOCK"
/* "1": a word on stderr where a socket could not be attached. */
#define RUN_VERBOSE		"WINSOCK_RUN_VERBOSE"

#define RUN_SHIM		"libwinsock-run.so"

#endif /* RUN_H */
