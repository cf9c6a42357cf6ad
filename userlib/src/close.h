/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Closes, for the other files. */
#ifndef WINSOCK_CLOSE_H
#define WINSOCK_CLOSE_H

#include "handle.h"

/* For the last WSACleanup(). */
void close_destroy(SOCKET s, struct handle *handle);
bool close_is_whole(SOCKET s);		/* a family without half-close? */
int close_circuit(SOCKET s);		/* end its connection, as a system call */
bool close_handle(HANDLE handle);	/* CloseHandle() on a socket (M5) */
void close_forked(void);

#endif /* WINSOCK_CLOSE_H */
