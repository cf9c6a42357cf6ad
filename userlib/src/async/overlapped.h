/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What calls that begin an operation have in common. */
#ifndef WINSOCK_OVERLAPPED_H
#define WINSOCK_OVERLAPPED_H

#include "operation.h"

/**
 * struct overlapped_call - what the program asks
 * @told:	where the flags of a receive go, or NULL
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

/* 0 with the operation, or an error. */
int overlapped_make(const struct overlapped_call *call, struct operation **made);

/* Begin it, or free it. What the call returns, with the last error set. */
int overlapped_issue(const struct overlapped_call *call, struct operation *operation);

#endif /* WINSOCK_OVERLAPPED_H */
