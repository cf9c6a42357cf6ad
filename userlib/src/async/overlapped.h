/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the calls that begin an operation. */
#ifndef WINSOCK_OVERLAPPED_H
#define WINSOCK_OVERLAPPED_H

#include "operation.h"

/**
 * struct overlapped_call - the arguments of the call
 * @told:	where to write the flags of a receive, or NULL
 * @to, @from:	addresses; NULL for the peer's
 * @direction:	IO_*
 */
struct overlapped_call {
	SOCKET s;
	LPWSABUF buffers;
	DWORD count;
	LPDWORD moved;
	DWORD flags;
	LPDWORD told;
	const struct sockaddr *to;
	int to_size;
	struct sockaddr *from;
	LPINT from_size;
	LPWSAOVERLAPPED overlapped;
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
	int direction;
};

/* Make an operation. Returns 0, or an error. */
int overlapped_make(const struct overlapped_call *call, struct operation **made);

/* Begin the operation, or free it. Returns the call's result, with the last error set. */
int overlapped_issue(const struct overlapped_call *call, struct operation *operation);

#endif /* WINSOCK_OVERLAPPED_H */
