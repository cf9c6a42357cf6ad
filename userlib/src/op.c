// SPDX-License-Identifier: LGPL-2.1-or-later
/* Closes that never block: op descriptors, see uapi/linux/winsock.h. */
#include <poll.h>
#include <time.h>

#include "internal.h"

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

WINSOCK_API int winsock_close_result(int op, int timeout_ms, struct winsock_record *record)
{
	int saved = errno, found;

	STARTED_OR(SOCKET_ERROR);
	if (!record)
		return error_fail(WSAEFAULT);
	/* What was taken back is a socket again: its data is not to be read here. */
	if (socket_option(op, SO_TYPE) >= 0) {
		errno = saved;
		return error_fail(WSAEINVAL);
	}
	found = op_await(op, timeout_ms);
	if (!found)
		found = error_fail(timeout_ms ? WSAETIMEDOUT : WSAEWOULDBLOCK);
	else if (found < 0 || read(op, record, sizeof(*record)) != sizeof(*record))
		found = error_fail(WSAEINVAL);
	errno = saved;
	return found < 0 ? SOCKET_ERROR : 0;
}

WINSOCK_API int winsock_close_cancel(int op, SOCKET *s)
{
	int saved = errno, result = 0;

	STARTED_OR(SOCKET_ERROR);
	if (!s)
		return error_fail(WSAEFAULT);
	if (ioctl(op, WINSOCK_IOC_OP_CANCEL)) {
		result = error_fail_errno(errno);
	} else {
		*s = op;
		socket_born(op, TABLE_OURS | TABLE_PEER);
	}
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
