// SPDX-License-Identifier: LGPL-2.1-or-later
/* closesocket: the kernel decides, see uapi/linux/winsock.h. */
#include "internal.h"

/*
 * Other than TCP the kernel refuses. Such a socket has no linger (O17, O18): what
 * it has accepted is gone from us, and close(2) is all there is to do.
 */
static int close_other(SOCKET s, uint64_t word)
{
	if (!close(s) || errno == EINTR)
		return 0;
	table_restore(s, word);
	return error_fail_errno(errno);
}

static int close_ask(SOCKET s, unsigned int flags, struct winsock_close *call)
{
	uint64_t word;

	*call = (struct winsock_close){
		.fd = s,
		.op_fd = -1,
		.flags = WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_IF_LAST |
			 WINSOCK_CLOSE_CANCEL | flags,
	};
	/*
	 * The kernel frees the number in the middle of the call, and another thread
	 * may have it before we are back: what we know of it goes first.
	 */
	word = table_take(s);
	if (ioctl(startup_device(), WINSOCK_IOC_CLOSE, call)) {
		if (errno == EOPNOTSUPP)
			return close_other(s, word);
		table_restore(s, word);
		return error_fail_errno(errno);
	}
	if (call->result == WINSOCK_RESULT_WOULDBLOCK) {
		table_restore(s, word);
		return error_fail(WSAEWOULDBLOCK);
	}
	return 0;
}

WINSOCK_API int closesocket(SOCKET s)
{
	return winsock_closesocket(s, 0, NULL);
}

WINSOCK_API int winsock_closesocket(SOCKET s, unsigned int flags,
				    struct winsock_report *report)
{
	struct winsock_close call;
	int saved = errno, result;

	STARTED_OR(SOCKET_ERROR);
	if (flags & ~WINSOCK_CLOSE_STRICT)
		return error_fail(WSAEINVAL);
	result = close_ask(s, flags, &call);
	if (report && !result)
		*report = (struct winsock_report){
			.outcome = call.outcome,
			.state = call.state,
			.elapsed_ns = call.elapsed_ns,
			.unacked = call.unacked,
		};
	errno = saved;
	return result;
}

WINSOCK_API int winsock_query(SOCKET s, struct winsock_query *query)
{
	int saved = errno, result = 0;

	STARTED_OR(SOCKET_ERROR);
	if (!query)
		return error_fail(WSAEFAULT);
	*query = (struct winsock_query){ .fd = s };
	if (ioctl(startup_device(), WINSOCK_IOC_QUERY, query))
		result = error_fail_errno(errno);
	errno = saved;
	return result;
}

/* The last WSACleanup: reset what is a connection, and let go. */
void close_destroy(SOCKET s)
{
	struct winsock_abort call = { .fd = s };

	table_take(s);
	ioctl(startup_device(), WINSOCK_IOC_ABORT, &call);
	close(s);
}
