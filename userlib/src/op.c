// SPDX-License-Identifier: LGPL-2.1-or-later
/* Closes that never block: op descriptors, see uapi/linux/winsock.h. */
#include <poll.h>
#include <time.h>

#include "internal.h"

#define OP_FLAGS	(WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DETACH)

WINSOCK_API int winsock_close_begin(SOCKET s, const struct winsock_close_options *options,
				    int *op, struct winsock_report *report)
{
	struct winsock_close call = {
		.fd = s,
		.mode = WINSOCK_MODE_BLOCKING,
		.op_fd = -1,
		.flags = WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_IF_LAST |
			 WINSOCK_CLOSE_CANCEL | WINSOCK_CLOSE_ASYNC,
	};
	int saved = errno, result = 0;
	uint64_t word;

	STARTED_OR(SOCKET_ERROR);
	if (!op)
		return error_fail(WSAEFAULT);
	if (options) {
		if (options->flags & ~OP_FLAGS)
			return error_fail(WSAEINVAL);
		call.flags |= options->flags;
		call.timeout_ns = options->timeout_ns;
		call.tag = options->tag;
	}
	/* As in close.c: the number may have a new owner before we are back. */
	word = table_take(s);
	if (ioctl(startup_device(), WINSOCK_IOC_CLOSE, &call)) {
		table_restore(s, word);
		result = error_fail_errno(errno);
	} else {
		*op = call.op_fd;
		if (report && call.result == WINSOCK_RESULT_DONE)
			*report = (struct winsock_report){
				.outcome = call.outcome,
				.state = call.state,
				.elapsed_ns = call.elapsed_ns,
				.unacked = call.unacked,
				.tag = call.tag,
			};
	}
	errno = saved;
	return result;
}

static long op_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Is it final? 1, 0 after the timeout, -1. A signal neither ends nor stretches it. */
static int op_await(int op, int timeout_ms)
{
	struct pollfd polled = { .fd = op, .events = POLLIN };
	long end = op_now_ms() + timeout_ms;
	int found;

	while ((found = poll(&polled, 1, timeout_ms)) < 0 && errno == EINTR)
		if (timeout_ms > 0)
			timeout_ms = end > op_now_ms() ? end - op_now_ms() : 0;
	return found;
}

WINSOCK_API int winsock_close_result(int op, int timeout_ms, struct winsock_report *report)
{
	struct winsock_record record;
	int saved = errno, found;

	STARTED_OR(SOCKET_ERROR);
	if (!report)
		return error_fail(WSAEFAULT);
	found = op_await(op, timeout_ms);
	if (!found)
		found = error_fail(timeout_ms ? WSAETIMEDOUT : WSAEWOULDBLOCK);
	else if (found < 0 || read(op, &record, sizeof(record)) != sizeof(record))
		found = error_fail(WSAEINVAL);
	else
		*report = (struct winsock_report){
			.outcome = record.outcome,
			.state = record.state,
			.elapsed_ns = record.elapsed_ns,
			.unacked = record.unacked,
			.tag = record.tag,
		};
	errno = saved;
	return found < 0 ? SOCKET_ERROR : 0;
}

WINSOCK_API int winsock_close_cancel(int op, SOCKET *s)
{
	int saved = errno, result = 0;

	STARTED_OR(SOCKET_ERROR);
	if (!s)
		return error_fail(WSAEFAULT);
	if (ioctl(op, WINSOCK_IOC_OP_CANCEL, s))
		result = error_fail_errno(errno);
	else if (*s >= 0)
		table_set(*s, TABLE_OURS);
	errno = saved;
	return result;
}

WINSOCK_API int winsock_close_abort(int op)
{
	int saved = errno, result = 0;

	STARTED_OR(SOCKET_ERROR);
	if (ioctl(op, WINSOCK_IOC_OP_ABORT))
		result = error_fail_errno(errno);
	errno = saved;
	return result;
}
