// SPDX-License-Identifier: LGPL-2.1-or-later
/* WSADuplicateSocket(), and WSASocket() in the process that receives the socket. */
#include <assert.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "handle.h"

/* The content of ProviderId: descriptor, process, and the socket's cookie. */
struct duplicate_source {
	uint32_t pid;
	int32_t fd;
	uint64_t cookie;
};

static_assert(sizeof(struct duplicate_source) == sizeof(GUID), "ProviderId is used up");

WINSOCK_API int WSADuplicateSocketA(SOCKET s, DWORD pid, LPWSAPROTOCOL_INFOA info)
{
	struct duplicate_source source = { .pid = getpid(), .fd = s };
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (!socket_check(s))
		return SOCKET_ERROR;
	if (!option_readable(info, sizeof(*info)))
		return error_fail(WSAEFAULT);
	if (!pid || pid > INT32_MAX)
		return error_fail(WSAEINVAL);
	memset(info, 0, sizeof(*info));
	source.cookie = handle_cookie(s);
	memcpy(&info->ProviderId, &source, sizeof(source));
	info->dwProviderReserved = pid;
	info->iVersion = 2;
	info->iAddressFamily = socket_option(s, SO_DOMAIN);
	info->iSocketType = socket_option(s, SO_TYPE);
	info->iProtocol = socket_option(s, SO_PROTOCOL);
	info->iMaxSockAddr = sizeof(struct sockaddr_storage);
	return 0;
}

WINSOCK_API int WSADuplicateSocketW(SOCKET s, DWORD pid, LPWSAPROTOCOL_INFOW info)
{
	return WSADuplicateSocketA(s, pid, info);
}

/* Get a descriptor of another process. Returns -1 with errno. */
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

static SOCKET duplicate_open(LPWSAPROTOCOL_INFOA info)
{
	struct duplicate_source source;
	uint64_t bits = HANDLE_PEER | HANDLE_TIMED, known = 0;
	int fd;

	if (!option_readable(info, sizeof(*info)))
		return error_fail(WSAEFAULT);
	memcpy(&source, &info->ProviderId, sizeof(source));
	if (info->dwProviderReserved != (DWORD)getpid() || source.fd < 0)
		return error_fail(WSAEINVAL);
	fd = duplicate_fetch(&source);
	/* The process has ended, or closed the socket. */
	if (fd < 0)
		return error_fail(errno == EPERM ? WSAEACCES :
				  errno == ESRCH || errno == EBADF ? WSAEINVAL
								   : error_from_errno(errno));
	/* The number is another socket's by now. */
	if (handle_cookie(fd) != source.cookie) {
		close(fd);
		return error_fail(WSAEINVAL);
	}
	/* The state in this process is the same for all its handles (M3). */
	if (source.pid == (uint32_t)getpid())
		known = handle_bits(source.fd);
	if (known & HANDLE_OURS)
		bits = known;
	else if (socket_option(fd, SO_TYPE) == SOCK_STREAM)
		bits |= HANDLE_STREAM;
	handle_born(fd, bits);
	return fd;
}

WINSOCK_API SOCKET WSASocketA(int af, int type, int protocol, LPWSAPROTOCOL_INFOA info,
			      GROUP group, DWORD flags)
{
	BORDER;

	STARTED_OR(INVALID_SOCKET);
	if (group || (flags & ~(WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT)))
		return error_fail(WSAEINVAL);
	return info ? duplicate_open(info) : socket_make(af, type, protocol);
}

WINSOCK_API SOCKET WSASocketW(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info,
			      GROUP group, DWORD flags)
{
	return WSASocketA(af, type, protocol, info, group, flags);
}

WINSOCK_API DWORD GetCurrentProcessId(void)
{
	return getpid();
}
