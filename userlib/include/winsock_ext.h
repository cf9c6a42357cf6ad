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
 * No side effect. Return: 0 or SOCKET_ERROR: WSAEOPNOTSUPP for a family that the
 * kernel's module does not know.
 */
int winsock_query(SOCKET s, struct winsock_query *query);

/**
 * struct winsock_report - how a close ended
 * @outcome:	WINSOCK_OUTCOME_*
 * @state:	TCP state at the decision
 * @elapsed_ns:	from the call to the decision; 0 if the close could not wait
 * @unacked:	payload bytes that the peer never acknowledged
 * @tag:	the mark given to winsock_close_begin()
 */
struct winsock_report {
	uint32_t outcome;
	uint32_t state;
	uint64_t elapsed_ns;
	uint64_t unacked;
	uint64_t tag;
};

/**
 * winsock_closesocket() - closesocket() that tells what became of the connection
 * @flags:	0 or WINSOCK_CLOSE_STRICT
 * @report:	filled in on success, or NULL; outcome is WINSOCK_OUTCOME_NONE for a
 *		family that the kernel's module does not know
 *
 * Return: as closesocket(), and WSAEINVAL for other flags.
 */
int winsock_closesocket(SOCKET s, unsigned int flags, struct winsock_report *report);

/*
 * A close that never blocks. winsock_close_begin() returns at once; what it gives is
 * a descriptor for poll, select, epoll or io_uring, readable when the close is final.
 * By then the kernel has let go of the socket. There is no would-block here.
 */

/**
 * struct winsock_close_options - how to begin
 * @flags:	WINSOCK_CLOSE_TIMEOUT: @timeout_ns instead of SO_LINGER;
 *		WINSOCK_CLOSE_DETACH: closing the op descriptor early leaves the close to
 *		the kernel, where it would otherwise reset the connection
 * @timeout_ns:	linger time; 0 is the hard close
 * @tag:	the caller's mark, comes back in the report
 */
struct winsock_close_options {
	uint32_t flags;
	uint64_t timeout_ns;
	uint64_t tag;
};

/**
 * winsock_close_begin() - begin to close @s
 * @options:	or NULL: SO_LINGER decides
 * @op:		set to the op descriptor, owned by the caller, or to -1 if nothing had to
 *		be waited for: then the close is final already
 * @report:	filled in if @op is -1; may be NULL
 *
 * On success the SOCKET is gone. Return: 0 or SOCKET_ERROR with the SOCKET as it was:
 * WSAENOTSOCK, WSAEOPNOTSUPP (family not known), WSAEINVAL, WSAEMFILE, WSAENOBUFS (memory, or
 * the user's limit net.winsock.ops_max).
 */
int winsock_close_begin(SOCKET s, const struct winsock_close_options *options, int *op,
			struct winsock_report *report);

/**
 * winsock_close_result() - how did it end?
 * @timeout_ms:	how long to wait for the end; 0 not at all, -1 for ever
 *
 * May be asked again and again. Return: 0 with @report, or SOCKET_ERROR:
 * WSAEWOULDBLOCK (not final, @timeout_ms 0), WSAETIMEDOUT, WSAEINVAL (no op).
 */
int winsock_close_result(int op, int timeout_ms, struct winsock_report *report);

/**
 * winsock_close_cancel() - take the close back, without a trace
 * @s: set to a SOCKET for the connection; its number may be another one than before
 *
 * The op descriptor remains to be closed by close(2). Return: 0 or SOCKET_ERROR:
 * WSAEALREADY (it was decided), WSAEMFILE.
 */
int winsock_close_cancel(int op, SOCKET *s);

/**
 * winsock_close_abort() - reset now
 *
 * Return: 0 or SOCKET_ERROR: WSAEALREADY (it was decided).
 */
int winsock_close_abort(int op);

/*
 * The kernel's ULP "winsock" makes closes that are not closesocket() linger as
 * closesocket() does: exit, a fatal signal, exec, close(2). socket(), WSASocket() and
 * accept() attach what they return, if it can be had. A socket has one ULP: who wants
 * kTLS on it switches this off first.
 */

/**
 * winsock_attach_default() - shall sockets be attached when they are made?
 * @on: 1, 0, or -1 to ask only
 *
 * The setting is the process's. It begins as 1, or as 0 if the environment says
 * WINSOCK_ATTACH=0. Return: the setting before.
 */
int winsock_attach_default(int on);

/**
 * winsock_attach() - attach a socket
 *
 * Return: 0, also if it is attached already; or SOCKET_ERROR with the socket as it
 * was: WSAEOPNOTSUPP (not TCP, or a module without the ULP), WSAEALREADY (it has
 * another ULP), WSAEINVAL (it is in a sockmap), WSAENOTSOCK, WSAENOBUFS.
 */
int winsock_attach(SOCKET s);

/**
 * winsock_thread_self() - a handle to the calling thread, for QueueUserAPC()
 *
 * Return: the handle, the caller's until CloseHandle(), also beyond the end of the
 * thread; or NULL: ERROR_NOT_ENOUGH_MEMORY.
 */
HANDLE winsock_thread_self(void);

/*
 * Message queues stand where Windows has windows, for WSAAsyncSelect().
 */

/**
 * struct winsock_message - one message
 * @window:	the queue
 * @message:	the number given to WSAAsyncSelect()
 * @wparam:	the SOCKET
 * @lparam:	event and error, see WSAGETSELECTEVENT()
 */
struct winsock_message {
	HWND window;
	UINT message;
	WPARAM wparam;
	LPARAM lparam;
};

/**
 * winsock_message_queue() - make a queue; costs a descriptor
 *
 * Return: the queue, the caller's until CloseHandle(), or NULL: ERROR_NOT_ENOUGH_MEMORY.
 */
HWND winsock_message_queue(void);

/**
 * winsock_message_get() - take the oldest message
 * @ms: how long to wait for one; 0 not at all, INFINITE for ever. Alertable
 *
 * Return: TRUE, or FALSE: WAIT_TIMEOUT, WAIT_IO_COMPLETION (a routine has run),
 * ERROR_INVALID_HANDLE (also: closed meanwhile).
 */
BOOL winsock_message_get(HWND queue, struct winsock_message *message, DWORD ms);

#ifdef __cplusplus
}
#endif

#endif /* WINSOCK_EXT_H */
