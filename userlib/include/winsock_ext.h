/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls for which Windows has no name. */
#ifndef WINSOCK_EXT_H
#define WINSOCK_EXT_H

#include <winsock2.h>
#include <linux/winsock.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * winsock_startup_error() - the reason of the last WSASYSNOTREADY of WSAStartup()
 *
 * Return: a sentence that says what to do; "" if it has succeeded since. Static memory.
 */
const char *winsock_startup_error(void);

/**
 * winsock_query() - the facts that would decide a close of @s
 * @query: filled in, see struct winsock_query
 *
 * No side effect. Return: 0 or SOCKET_ERROR:
 *   WSANOTINITIALISED	before WSAStartup()
 *   WSAENOTSOCK	@s is no socket
 *   WSAEOPNOTSUPP	the kernel's module does not know the family
 *   WSAEFAULT		@query is NULL, or cannot be written
 */
int winsock_query(SOCKET s, struct winsock_query *query);

/**
 * winsock_closesocket() - closesocket() that returns the outcome
 * @flags:	0 or WINSOCK_CLOSE_STRICT
 * @record:	filled in on success, or NULL: the kernel's record, see struct
 *		winsock_record; its outcome is 0 for a family that the kernel's module does
 *		not know, which is closed by close(2)
 *
 * Return: as closesocket(), and WSAEINVAL for other @flags.
 */
int winsock_closesocket(SOCKET s, unsigned int flags, struct winsock_record *record)
	WINSOCK_AS(closesocket_ex);	/* winsock_closesocket is closesocket() */

/*
 * A close that never blocks, and never answers would-block. The kernel's header says what the op
 * descriptor is that winsock_close_begin() gives, and when it is readable.
 */

/**
 * struct winsock_close_options - how to begin
 * @flags:	WINSOCK_CLOSE_TIMEOUT, WINSOCK_CLOSE_DETACH
 * @timeout_ns:	with the former
 * @tag:	the caller's mark
 *
 * The kernel's struct winsock_close has the same fields, and says what they do.
 */
struct winsock_close_options {
	uint32_t flags;
	uint64_t timeout_ns;
	uint64_t tag;
};

/**
 * winsock_close_begin() - begin to close @s
 * @options:	or NULL: SO_LINGER decides
 * @op:		set to the op descriptor, or to -1 if nothing had to be waited for: then the
 *		close is final already
 * @record:	filled in if @op is -1; may be NULL
 *
 * The op descriptor takes the SOCKET's own number, so none has to be free. It belongs to the
 * caller, and is closed by close(2), not by closesocket(). See struct winsock_close for an epoll
 * watch of the program's own on @s.
 *
 * Return: 0, and the SOCKET is gone; or SOCKET_ERROR, and it is as it was: WSANOTINITIALISED,
 * WSAENOTSOCK, WSAENOBUFS, WSAEMFILE and WSAEACCES as closesocket(), and
 *   WSAEFAULT		@op is NULL
 *   WSAEINVAL		other flags, a timeout without its flag, or above
 *			WINSOCK_TIMEOUT_MAX_NS
 *   WSAEOPNOTSUPP	the kernel's module does not know the family
 */
int winsock_close_begin(SOCKET s, const struct winsock_close_options *options, int *op,
			struct winsock_record *record);

/**
 * winsock_close_result() - how did it end?
 * @timeout_ms:	how long to wait for the end; 0 not at all, -1 for ever
 * @record:	filled in on success
 *
 * May be asked again and again. Return: 0 or SOCKET_ERROR:
 *   WSANOTINITIALISED	before WSAStartup()
 *   WSAEFAULT		@record is NULL
 *   WSAEWOULDBLOCK	not final, and @timeout_ms is 0
 *   WSAETIMEDOUT	not final after @timeout_ms
 *   WSAEINVAL		@op is no op descriptor (any more)
 */
int winsock_close_result(int op, int timeout_ms, struct winsock_record *record);

/**
 * winsock_close_cancel() - take the close back, without a trace
 * @op:	the number that winsock_close_begin() gave, not a copy
 * @s:	set to the SOCKET, which is at its number again, the one of @op
 *
 * There is no op descriptor left to be closed. Return: 0 or SOCKET_ERROR:
 *   WSANOTINITIALISED	before WSAStartup()
 *   WSAEFAULT		@s is NULL
 *   WSAEALREADY	it was decided
 *   WSAEACCES		another process began the close (fork, SCM_RIGHTS), or the number
 *			that it gave is no longer the op's
 *   WSAEINVAL		@op is another file
 *   WSAENOTSOCK	@op is not open
 */
int winsock_close_cancel(int op, SOCKET *s);

/**
 * winsock_close_abort() - reset now
 *
 * For every process that has the op descriptor, which remains to be closed; its record says
 * WINSOCK_OUTCOME_REQUEST. Return: 0 or SOCKET_ERROR:
 *   WSANOTINITIALISED	before WSAStartup()
 *   WSAEALREADY	it was decided
 *   WSAEINVAL		@op is another file
 *   WSAENOTSOCK	@op is not open
 */
int winsock_close_abort(int op);

/*
 * The kernel's ULP "winsock" makes closes that are not closesocket() linger as closesocket() does:
 * exit, a fatal signal, exec, close(2). socket(), WSASocket() and accept() attach what they return,
 * if possible. A socket has one ULP: a program that wants kTLS on it switches this off first.
 */

/**
 * winsock_attach_default() - attach sockets when they are made?
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
 * was: WSANOTINITIALISED, WSAEOPNOTSUPP (not TCP, or a module without the ULP),
 * WSAEALREADY (it has another ULP), WSAEINVAL (it is in a sockmap, or has PSP),
 * WSAEACCES (a security module of the system refuses), WSAENOTSOCK, WSAENOBUFS.
 */
int winsock_attach(SOCKET s);

/**
 * winsock_thread_self() - a handle to the calling thread, for QueueUserAPC()
 *
 * Return: the handle, the caller's until CloseHandle(), also beyond the end of the
 * thread; or NULL: ERROR_NOT_ENOUGH_MEMORY.
 */
HANDLE winsock_thread_self(void);

#ifdef __cplusplus
}
#endif

#endif /* WINSOCK_EXT_H */
