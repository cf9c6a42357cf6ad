// SPDX-License-Identifier: LGPL-2.1-or-later
/* Handing a socket to another process. */
#include <assert.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "internal.h"

/* What ProviderId holds: which descriptor of which process, and the socket's cookie. */
struct duplicate_source {
	uint32_t pid;
	int32_t fd;
	uint64_t cookie;
};

static_assert(sizeof(struct duplicate_source) == sizeof(GUID), "ProviderId is used up");

static uint64_t duplicate_cookie(SOCKET s)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	getsockopt(s, SOL_SOCKET, SO_COOKIE, &cookie, &size);
	return cookie;
}

WINSOCK_API int WSADuplicateSocketA(SOCKET s, DWORD pid, LPWSAPROTOCOL_INFOA info)
{
	struct duplicate_source source = { .pid = getpid(), .fd = s };
	int saved = errno, result = 0;

	STARTED_OR(SOCKET_ERROR);
	if (!socket_check(s)) {
		result = SOCKET_ERROR;
	} else if (!option_readable(info, sizeof(*info))) {
		result = error_fail(WSAEFAULT);
	} else if (!pid || pid > INT32_MAX) {
		result = error_fail(WSAEINVAL);
	} else {
		memset(info, 0, sizeof(*info));
		source.cookie = duplicate_cookie(s);
		memcpy(&info->ProviderId, &source, sizeof(source));
		info->dwProviderReserved = pid;
		info->iVersion = 2;
		info->iAddressFamily = socket_option(s, SO_DOMAIN);
		info->iSocketType = socket_option(s, SO_TYPE);
		info->iProtocol = socket_option(s, SO_PROTOCOL);
		info->iMaxSockAddr = sizeof(struct sockaddr_storage);
	}
	errno = saved;
	return result;
}

WINSOCK_API int WSADuplicateSocketW(SOCKET s, DWORD pid, LPWSAPROTOCOL_INFOW info)
{
	return WSADuplicateSocketA(s, pid, info);
}

/* A descriptor of another process, or -1 with errno. */
static int duplicate_fetch(const struct duplicate_source *source)
{
	int process, fd = -1, error;

	if (source->pid == (uint32_t)getpid())
		return fcntl(source->fd, F_DUPFD_CLOEXEC, 0);
	process = syscall(SYS_pidfd_open, source->pid, 0);
	if (process < 0)
		return -1;
	fd = syscall(SYS_pidfd_getfd, process, source->fd, 0);
	error = errno;
	close(process);
	errno = error;
	return fd;
}

SOCKET duplicate_open(LPWSAPROTOCOL_INFOA info, DWORD flags)
{
	struct duplicate_source source;
	int saved = errno, fd;

	if (!option_readable(info, sizeof(*info)))
		return error_fail(WSAEFAULT);
	memcpy(&source, &info->ProviderId, sizeof(source));
	if (info->dwProviderReserved != (DWORD)getpid() || source.fd < 0)
		return error_fail(WSAEINVAL);
	fd = duplicate_fetch(&source);
	if (fd < 0) {
		/* Gone with its process, or closed. */
		fd = error_fail(errno == EPERM ? WSAEACCES :
				errno == ESRCH || errno == EBADF ? WSAEINVAL
								 : error_from_errno(errno));
	} else if (duplicate_cookie(fd) != source.cookie) {
		/* The number has another socket by now. */
		close(fd);
		fd = error_fail(WSAEINVAL);
	} else {
		/* What is known of it in this process holds for all its handles (M3). */
		socket_born(fd, TABLE_OURS | (source.pid == (uint32_t)getpid() ?
					      table_get(source.fd) : TABLE_PEER));
		if (!(flags & WSA_FLAG_NO_HANDLE_INHERIT))
			fcntl(fd, F_SETFD, 0);
	}
	errno = saved;
	return fd;
}

WINSOCK_API DWORD GetCurrentProcessId(void)
{
	return getpid();
}
