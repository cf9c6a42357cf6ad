/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AcceptEx() and ConnectEx(). */
#ifndef WINSOCK_EXTENSION_H
#define WINSOCK_EXTENSION_H

#include "operation.h"

/* For SIO_GET_EXTENSION_FUNCTION_POINTER: the function, or NULL. */
void *extension_find(const GUID *id);

/*
 * Cancel the AcceptEx() that @wanted picks of those whose listener, or socket to accept to, has
 * this cookie, in whatever queue. Called without a lock. False: there is none.
 */
bool extension_cancel(uint64_t cookie,
		      bool (*wanted)(const struct operation *operation, const void *what),
		      const void *what);

/* Cancel all of them, at a close of the socket. */
void extension_close(uint64_t cookie);

void extension_forked(void);

#endif /* WINSOCK_EXTENSION_H */
