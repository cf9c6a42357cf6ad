// SPDX-License-Identifier: LGPL-2.1-or-later
/* Pending closes: the op descriptor of a close that never blocks, see uapi/linux/winsock.h. */
#include "thread.h"

static long pending_close_now(void)
{
	return thread_now() / 1000000;
}

/* Wait until it is final. Returns 1, 0 after the timeout, -1. Signals do not change the timeout. */
static int pending_close_await(int op, int timeout_ms)
{
	struct pollfd polled = { .fd = op, .events = POLLIN };
	long end = pending_close_now() + timeout_ms;
	struct timespec left;
	int found;

	do {
		left = (struct timespec){ timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
		found = thread_sleep_poll(&polled, 1, timeout_ms < 0 ? NULL : &left);
		if (timeout_ms > 0)
			timeout_ms = end > pending_close_now() ? end - pending_close_now() : 0;
	} while (found < 0 && errno == EINTR);
	return found;
}

WINSOCK_API int winsock_close_result(int op, int timeout_ms, struct winsock_record *record)
{
	int found;
	BORDER_OF_WAIT;

	STARTED_OR(SOCKET_ERROR);
	if (!record)
		return error_fail(WSAEFAULT);
	/* After a cancel the number is a socket again: do not read its data. */
	if (socket_option(op, SO_TYPE) >= 0)
		return error_fail(WSAEINVAL);
	found = pending_close_await(op, timeout_ms);
	if (!found)
		found = error_fail(timeout_ms ? WSAETIMEDOUT : WSAEWOULDBLOCK);
	else if (found < 0 || read(op, record, sizeof(*record)) != sizeof(*record))
		found = error_fail(WSAEINVAL);
	return found < 0 ? SOCKET_ERROR : 0;
}

WINSOCK_API int winsock_close_cancel(int op, SOCKET *s)
{
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (!s)
		return error_fail(WSAEFAULT);
	if (ioctl(op, WINSOCK_IOC_OP_CANCEL))
		return error_fail_errno(errno);
	*s = op;
	return 0;
}

WINSOCK_API int winsock_close_abort(int op)
{
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	return ioctl(op, WINSOCK_IOC_OP_ABORT) ? error_fail_errno(errno) : 0;
}
