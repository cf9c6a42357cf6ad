// SPDX-License-Identifier: LGPL-2.1-or-later
/* WSAIoctl: the codes of ioctlsocket(), and more. */
#include <netinet/tcp.h>

#include "extension.h"

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

/* Do receives fail because no socket had an earlier datagram's port? By default they do. */
static int ioctl_reset(SOCKET s, const void *in, DWORD size)
{
	BOOL on;

	if (size < sizeof(on) || !option_readable(in, sizeof(on)))
		return error_fail(WSAEFAULT);
	memcpy(&on, in, sizeof(on));
	handle_set(s, HANDLE_DEAF, on ? 0 : HANDLE_DEAF);
	return 0;
}

static int ioctl_extension(const void *in, DWORD in_size, void *out, DWORD out_size,
			   DWORD *returned)
{
	void *function;
	GUID id;

	if (in_size < sizeof(id) || !option_readable(in, sizeof(id)) ||
	    out_size < sizeof(function) || !option_readable(out, sizeof(function)))
		return error_fail(WSAEFAULT);
	memcpy(&id, in, sizeof(id));
	function = extension_find(&id);
	if (!function)
		return error_fail(WSAEINVAL);
	memcpy(out, &function, sizeof(function));
	*returned = sizeof(function);
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
	case SIO_UDP_CONNRESET:
		return ioctl_reset(s, in, in_size);
	case SIO_GET_EXTENSION_FUNCTION_POINTER:
		return ioctl_extension(in, in_size, out, out_size, returned);
	default:
		return error_fail(WSAEOPNOTSUPP);
	}
}

WINSOCK_API int WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out,
			 DWORD out_size, LPDWORD returned, LPWSAOVERLAPPED overlapped,
			 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (!socket_check(s))
		return SOCKET_ERROR;
	if (overlapped || routine)
		return error_fail(WSAEOPNOTSUPP);
	if (!option_readable(returned, sizeof(*returned)))
		return error_fail(WSAEFAULT);
	*returned = 0;
	return ioctl_do(s, code, in, in_size, out, out_size, returned);
}
