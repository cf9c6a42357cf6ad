/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Windows has no name for. */
#ifndef WINSOCK_EXT_H
#define WINSOCK_EXT_H

#include <winsock2.h>
#include <linux/winsock.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * winsock_startup_error() - why the last WSAStartup() of the process failed
 *
 * Return: a sentence that says what to do; "" if it did not fail. Static memory.
 */
const char *winsock_startup_error(void);

/**
 * winsock_query() - the facts that a close of @s would be decided by
 * @query: filled in, see struct winsock_query
 *
 * No side effect. Return: 0 or SOCKET_ERROR: WSAEOPNOTSUPP for other than TCP.
 */
int winsock_query(SOCKET s, struct winsock_query *query);

/**
 * struct winsock_report - how a close ended
 * @outcome:	WINSOCK_OUTCOME_*
 * @state:	TCP state at the decision
 * @elapsed_ns:	from the call to the decision
 * @unacked:	payload bytes that the peer never acknowledged
 */
struct winsock_report {
	uint32_t outcome;
	uint32_t state;
	uint64_t elapsed_ns;
	uint64_t unacked;
};

/**
 * winsock_closesocket() - closesocket() that tells what became of the connection
 * @flags:	0 or WINSOCK_CLOSE_STRICT
 * @report:	filled in on success, or NULL; outcome is WINSOCK_OUTCOME_NONE for
 *		sockets other than TCP
 *
 * Return: as closesocket(), and WSAEINVAL for other flags.
 */
int winsock_closesocket(SOCKET s, unsigned int flags, struct winsock_report *report);

#ifdef __cplusplus
}
#endif

#endif /* WINSOCK_EXT_H */
