// SPDX-License-Identifier: LGPL-2.1-or-later
/* Making and naming sockets, and their mode. */
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>

#include "internal.h"

bool socket_check(SOCKET s)
{
	int type;
	socklen_t size = sizeof(type);

	if (!getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &size))
		return true;
	error_fail(WSAENOTSOCK);
	return false;
}

bool socket_is_stream(SOCKET s)
{
	int type = 0;
	socklen_t size = sizeof(type);

	return !getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &size) && type == SOCK_STREAM;
}

bool socket_is_nonblocking(SOCKET s)
{
	return fcntl(s, F_GETFL) & O_NONBLOCK;
}

static SOCKET socket_make(int af, int type, int protocol)
{
	int saved = errno;
	SOCKET s = socket(af, type, protocol);

	if (s < 0) {
		error_fail_errno(errno);
	} else {
		table_set(s, TABLE_OURS);
		if ((af == AF_INET || af == AF_INET6) &&
		    (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) == SOCK_STREAM)
			attach_quietly(s);
	}
	errno = saved;
	return s;
}

WINSOCK_API SOCKET winsock_socket(int af, int type, int protocol)
{
	STARTED_OR(INVALID_SOCKET);
	return socket_make(af, type, protocol);
}

WINSOCK_API SOCKET WSASocketA(int af, int type, int protocol, LPWSAPROTOCOL_INFOA info,
			      GROUP group, DWORD flags)
{
	STARTED_OR(INVALID_SOCKET);
	if (info || group || (flags & ~(WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT)))
		return error_fail(WSAEINVAL);
	if (flags & WSA_FLAG_NO_HANDLE_INHERIT)
		type |= SOCK_CLOEXEC;
	return socket_make(af, type, protocol);
}

WINSOCK_API SOCKET WSASocketW(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info,
			      GROUP group, DWORD flags)
{
	return WSASocketA(af, type, protocol, info, group, flags);
}

/* Finish a call: the error, if any, and errno as the caller left it. */
static int socket_done(int result, int saved)
{
	if (result < 0)
		result = error_fail_errno(errno);
	errno = saved;
	return result;
}

WINSOCK_API int winsock_bind(SOCKET s, const struct sockaddr *name, int size)
{
	int saved = errno;

	STARTED_OR(SOCKET_ERROR);
	return socket_done(bind(s, name, size), saved);
}

WINSOCK_API int winsock_listen(SOCKET s, int backlog)
{
	int saved = errno;

	STARTED_OR(SOCKET_ERROR);
	return socket_done(listen(s, backlog), saved);
}

WINSOCK_API SOCKET winsock_accept(SOCKET s, struct sockaddr *name, int *size)
{
	const uint64_t inherited = 0xffffffffULL << TABLE_ONOFF_SHIFT | TABLE_TIMEOUT;
	int saved = errno, type;
	SOCKET accepted;

	STARTED_OR(INVALID_SOCKET);
	type = socket_is_nonblocking(s) ? SOCK_NONBLOCK : 0;
	do {
		accepted = accept4(s, name, (socklen_t *)size, type);
	} while (accepted < 0 && errno == EINTR);
	if (accepted >= 0) {
		table_set(accepted, TABLE_OURS | (table_get(s) & inherited));
		/* The listener may be one that was made elsewhere. */
		attach_quietly(accepted);
	}
	return socket_done(accepted, saved);
}

/* A signal has interrupted a blocking connect, which goes on by itself. */
static int socket_await_connect(SOCKET s)
{
	struct pollfd polled = { .fd = s, .events = POLLOUT };
	int error = 0;
	socklen_t size = sizeof(error);

	while (poll(&polled, 1, -1) < 0 && errno == EINTR)
		;
	if (getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size))
		return -1;
	errno = error;
	return error ? -1 : 0;
}

WINSOCK_API int winsock_connect(SOCKET s, const struct sockaddr *name, int size)
{
	int saved = errno, result;

	STARTED_OR(SOCKET_ERROR);
	result = connect(s, name, size);
	if (result && errno == EINTR)
		result = socket_await_connect(s);
	return socket_done(result, saved);
}

WINSOCK_API int winsock_getsockname(SOCKET s, struct sockaddr *name, int *size)
{
	int saved = errno;

	STARTED_OR(SOCKET_ERROR);
	return socket_done(getsockname(s, name, (socklen_t *)size), saved);
}

WINSOCK_API int winsock_getpeername(SOCKET s, struct sockaddr *name, int *size)
{
	int saved = errno;

	STARTED_OR(SOCKET_ERROR);
	return socket_done(getpeername(s, name, (socklen_t *)size), saved);
}

static bool socket_is_listening(SOCKET s)
{
	int listening = 0;
	socklen_t size = sizeof(listening);

	return !getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) && listening;
}

WINSOCK_API int winsock_shutdown(SOCKET s, int how)
{
	static const uint64_t bits[] = {
		[SHUT_RD] = TABLE_SHUT_RECEIVE,
		[SHUT_WR] = TABLE_SHUT_SEND,
		[SHUT_RDWR] = TABLE_SHUT_RECEIVE | TABLE_SHUT_SEND,
	};
	int saved = errno;

	STARTED_OR(SOCKET_ERROR);
	if (!socket_check(s)) {
		errno = saved;
		return SOCKET_ERROR;
	}
	if (how < SHUT_RD || how > SHUT_RDWR)
		return error_fail(WSAEINVAL);
	/* Linux would stop the listening (X4). */
	if (socket_is_listening(s))
		return error_fail(WSAENOTCONN);
	/* Repeated, or on a datagram socket without a peer, it is fine on Windows. */
	if (shutdown(s, how) && !(errno == ENOTCONN &&
				  ((table_get(s) & bits[how]) == bits[how] ||
				   !socket_is_stream(s))))
		return socket_done(-1, saved);
	table_mark(s, bits[how]);
	errno = saved;
	return 0;
}

WINSOCK_API int ioctlsocket(SOCKET s, long command, u_long *argument)
{
	int saved = errno, value = 0;

	STARTED_OR(SOCKET_ERROR);
	if (!socket_check(s)) {
		errno = saved;
		return SOCKET_ERROR;
	}
	if (!option_readable(argument, sizeof(*argument))) {
		errno = saved;
		return error_fail(WSAEFAULT);
	}
	switch (command) {
	case FIONBIO:
		value = *argument != 0;
		return socket_done(ioctl(s, FIONBIO, &value), saved);
	case FIONREAD:
	case SIOCATMARK:
		if (ioctl(s, command, &value))
			return socket_done(-1, saved);
		*argument = value;
		return 0;
	default:
		return error_fail(WSAEINVAL);
	}
}
