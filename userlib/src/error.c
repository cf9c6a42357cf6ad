// SPDX-License-Identifier: LGPL-2.1-or-later
/* Error numbers: errno to WSA in one table, the last error of each thread. */
#include "internal.h"

static __thread int error_last;

static const struct {
	int number;
	int wsa;
} error_table[] = {
	{ EACCES, WSAEACCES },
	{ EPERM, WSAEACCES },
	{ EADDRINUSE, WSAEADDRINUSE },
	{ EADDRNOTAVAIL, WSAEADDRNOTAVAIL },
	{ EAFNOSUPPORT, WSAEAFNOSUPPORT },
	{ EAGAIN, WSAEWOULDBLOCK },
	{ EALREADY, WSAEALREADY },
	{ EBADF, WSAENOTSOCK },
	/* A second close while the first one waits finds the handle closing (B8). */
	{ EBUSY, WSAENOTSOCK },
	{ ECONNABORTED, WSAECONNABORTED },
	{ ECONNREFUSED, WSAECONNREFUSED },
	{ ECONNRESET, WSAECONNRESET },
	{ EDESTADDRREQ, WSAEDESTADDRREQ },
	{ EDQUOT, WSAEDQUOT },
	{ EFAULT, WSAEFAULT },
	{ EHOSTDOWN, WSAEHOSTDOWN },
	{ EHOSTUNREACH, WSAEHOSTUNREACH },
	{ EINPROGRESS, WSAEWOULDBLOCK },
	{ EINTR, WSAEINTR },
	{ EINVAL, WSAEINVAL },
	{ EISCONN, WSAEISCONN },
	{ ELOOP, WSAELOOP },
	{ EMFILE, WSAEMFILE },
	{ ENFILE, WSAEMFILE },
	{ EMSGSIZE, WSAEMSGSIZE },
	{ ENAMETOOLONG, WSAENAMETOOLONG },
	{ ENETDOWN, WSAENETDOWN },
	{ ENETRESET, WSAENETRESET },
	{ ENETUNREACH, WSAENETUNREACH },
	{ ENOBUFS, WSAENOBUFS },
	{ ENOMEM, WSAENOBUFS },
	{ ENOPROTOOPT, WSAENOPROTOOPT },
	{ ENOTCONN, WSAENOTCONN },
	/* The user's limit of pending closes. */
	{ ENOSPC, WSAENOBUFS },
	{ ENOTEMPTY, WSAENOTEMPTY },
	{ ENOTSOCK, WSAENOTSOCK },
	{ EOPNOTSUPP, WSAEOPNOTSUPP },
	{ EPFNOSUPPORT, WSAEPFNOSUPPORT },
	/* The peer had closed, and answered with a reset what we sent after that (V5). */
	{ EPIPE, WSAECONNABORTED },
	{ EPROTONOSUPPORT, WSAEPROTONOSUPPORT },
	{ EPROTOTYPE, WSAEPROTOTYPE },
	{ EREMOTE, WSAEREMOTE },
	{ ESHUTDOWN, WSAESHUTDOWN },
	{ ESOCKTNOSUPPORT, WSAESOCKTNOSUPPORT },
	{ ESTALE, WSAESTALE },
	{ ETIMEDOUT, WSAETIMEDOUT },
	{ ETOOMANYREFS, WSAETOOMANYREFS },
	{ EUSERS, WSAEUSERS },
};

int error_from_errno(int number)
{
	for (size_t i = 0; i < sizeof(error_table) / sizeof(error_table[0]); i++)
		if (error_table[i].number == number)
			return error_table[i].wsa;
	return number ? WSAEINVAL : 0;
}

int error_fail(int wsa)
{
	error_last = wsa;
	return SOCKET_ERROR;
}

int error_system(int wsa, bool stream)
{
	switch (wsa) {
	case WSAECONNRESET:
		return stream ? ERROR_NETNAME_DELETED : ERROR_PORT_UNREACHABLE;
	case WSAEMSGSIZE:
		return ERROR_MORE_DATA;
	case WSAECONNABORTED:
		return ERROR_CONNECTION_ABORTED;
	case WSAECONNREFUSED:
		return ERROR_CONNECTION_REFUSED;
	case WSAETIMEDOUT:
		return ERROR_SEM_TIMEOUT;
	case WSAENETUNREACH:
		return ERROR_NETWORK_UNREACHABLE;
	case WSAEHOSTUNREACH:
		return ERROR_HOST_UNREACHABLE;
	default:
		return wsa;
	}
}

int error_fail_errno(int number)
{
	return error_fail(error_from_errno(number));
}

int error_result(int result)
{
	if (result >= 0)
		error_last = 0;
	return result;
}

WINSOCK_API int WSAGetLastError(void)
{
	return error_last;
}

WINSOCK_API void WSASetLastError(int error)
{
	error_last = error;
}

WINSOCK_API DWORD GetLastError(void)
{
	return error_last;
}

WINSOCK_API void SetLastError(DWORD error)
{
	error_last = error;
}
