// SPDX-License-Identifier: LGPL-2.1-or-later
/* WSAIoctl, and what a handle says of those who inherit it. */
#include <fcntl.h>
#include <netinet/tcp.h>

#include "internal.h"

#include <mstcpip.h>

/* ioctlsocket() with an argument of Windows' size. */
static int ioctl_number(SOCKET s, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size,
			DWORD *returned)
{
	u_long value = 0;
	ULONG number;

	if (code == FIONBIO ? in_size < sizeof(number) || !option_readable(in, sizeof(number))
			    : out_size < sizeof(number) || !option_readable(out, sizeof(number)))
		return error_fail(WSAEFAULT);
	if (code == FIONBIO) {
		memcpy(&number, in, sizeof(number));
		value = number;
	}
	if (ioctlsocket(s, code, &value))
		return SOCKET_ERROR;
	if (code != FIONBIO) {
		number = value;
		memcpy(out, &number, sizeof(number));
		*returned = sizeof(number);
	}
	return 0;
}

/* Linux counts seconds, from 1 to 32767. */
static int ioctl_seconds(ULONG ms)
{
	ULONG seconds = ms / 1000 + !!(ms % 1000);

	return !seconds ? 1 : seconds > 32767 ? 32767 : seconds;
}

static int ioctl_keepalive(SOCKET s, const void *in, DWORD size)
{
	struct tcp_keepalive keepalive;
	int on, idle, interval;

	if (size < sizeof(keepalive) || !option_readable(in, sizeof(keepalive)))
		return error_fail(WSAEFAULT);
	memcpy(&keepalive, in, sizeof(keepalive));
	on = keepalive.onoff != 0;
	idle = ioctl_seconds(keepalive.keepalivetime);
	interval = ioctl_seconds(keepalive.keepaliveinterval);
	if ((on && (setsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)) ||
		    setsockopt(s, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval)))) ||
	    setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)))
		return error_fail_errno(errno);
	return 0;
}

static int ioctl_do(SOCKET s, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size,
		    DWORD *returned)
{
	switch (code) {
	case FIONBIO:
	case FIONREAD:
	case SIOCATMARK:
		return ioctl_number(s, code, in, in_size, out, out_size, returned);
	case SIO_KEEPALIVE_VALS:
		return ioctl_keepalive(s, in, in_size);
	default:
		return error_fail(WSAEOPNOTSUPP);
	}
}

WINSOCK_API int WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out,
			 DWORD out_size, LPDWORD returned, LPWSAOVERLAPPED overlapped,
			 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	int saved = errno, result = SOCKET_ERROR;

	STARTED_OR(SOCKET_ERROR);
	if (socket_check(s)) {
		if (overlapped || routine) {
			error_fail(WSAEOPNOTSUPP);
		} else if (!option_readable(returned, sizeof(*returned))) {
			error_fail(WSAEFAULT);
		} else {
			*returned = 0;
			result = ioctl_do(s, code, in, in_size, out, out_size, returned);
		}
	}
	errno = saved;
	return result;
}

WINSOCK_API BOOL SetHandleInformation(HANDLE handle, DWORD mask, DWORD flags)
{
	int saved = errno, fd = (intptr_t)handle, error = 0;

	if (mask & ~HANDLE_FLAG_INHERIT)
		error = ERROR_INVALID_PARAMETER;
	else if (socket_option(fd, SO_TYPE) < 0)
		error = ERROR_INVALID_HANDLE;
	else if (mask)
		fcntl(fd, F_SETFD, flags & HANDLE_FLAG_INHERIT ? 0 : FD_CLOEXEC);
	if (error)
		error_fail(error);
	errno = saved;
	return !error;
}

WINSOCK_API BOOL GetHandleInformation(HANDLE handle, LPDWORD flags)
{
	int saved = errno, fd = (intptr_t)handle;
	bool good = socket_option(fd, SO_TYPE) >= 0 && flags;

	if (good)
		*flags = fcntl(fd, F_GETFD) & FD_CLOEXEC ? 0 : HANDLE_FLAG_INHERIT;
	else
		error_fail(flags ? ERROR_INVALID_HANDLE : ERROR_INVALID_PARAMETER);
	errno = saved;
	return good;
}
