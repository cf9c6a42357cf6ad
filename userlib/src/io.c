// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sending, receiving and select. */
#include <time.h>

#include "internal.h"

/* What a failed transfer is called in Winsock, given what we know of the socket. */
static int io_error(SOCKET s, uint64_t shut)
{
	uint64_t word = table_get(s);
	int number = errno;

	/* Linux tells of a reset once, Windows on every call (H4). */
	if (number == ECONNRESET)
		table_mark(s, TABLE_RESET);
	if (number == EPIPE && (word & TABLE_RESET))
		return WSAECONNRESET;
	if (number == EPIPE && (word & shut))
		return WSAESHUTDOWN;
	/* SO_RCVTIMEO and SO_SNDTIMEO end a blocking call with EAGAIN. */
	if (number == EAGAIN && !socket_is_nonblocking(s))
		return WSAETIMEDOUT;
	return error_from_errno(number);
}

static int io_done(SOCKET s, ssize_t moved, uint64_t shut, int saved)
{
	if (moved < 0)
		moved = error_fail(io_error(s, shut));
	errno = saved;
	return moved;
}

/* Before the call: what must fail although Linux would let it pass. */
static int io_refuse(SOCKET s, uint64_t shut)
{
	uint64_t word = table_get(s);

	if (word & shut)
		return WSAESHUTDOWN;
	return word & TABLE_RESET ? WSAECONNRESET : 0;
}

WINSOCK_API int winsock_sendto(SOCKET s, const char *buffer, int size, int flags,
			       const struct sockaddr *name, int name_size)
{
	int saved = errno, refused;
	ssize_t moved;

	STARTED_OR(SOCKET_ERROR);
	refused = io_refuse(s, TABLE_SHUT_SEND);
	if (refused)
		return error_fail(refused);
	if (size < 0)
		return error_fail(WSAEFAULT);
	do {
		moved = sendto(s, buffer, size, flags | MSG_NOSIGNAL, name, name_size);
	} while (moved < 0 && errno == EINTR);
	return io_done(s, moved, TABLE_SHUT_SEND, saved);
}

WINSOCK_API int winsock_send(SOCKET s, const char *buffer, int size, int flags)
{
	return winsock_sendto(s, buffer, size, flags, NULL, 0);
}

WINSOCK_API int winsock_recvfrom(SOCKET s, char *buffer, int size, int flags,
				 struct sockaddr *name, int *name_size)
{
	int saved = errno, refused;
	ssize_t moved;

	STARTED_OR(SOCKET_ERROR);
	refused = io_refuse(s, TABLE_SHUT_RECEIVE);
	if (refused)
		return error_fail(refused);
	if (size < 0)
		return error_fail(WSAEFAULT);
	do {
		moved = recvfrom(s, buffer, size, flags, name, (socklen_t *)name_size);
	} while (moved < 0 && errno == EINTR);
	return io_done(s, moved, TABLE_SHUT_RECEIVE, saved);
}

WINSOCK_API int winsock_recv(SOCKET s, char *buffer, int size, int flags)
{
	return winsock_recvfrom(s, buffer, size, flags, NULL, NULL);
}

static int io_highest(const fd_set *set)
{
	int s = FD_SETSIZE - 1;

	while (set && s >= 0 && !FD_ISSET(s, set))
		s--;
	return set ? s : -1;
}

WINSOCK_API int winsock_select(int unused, fd_set *readable, fd_set *writable,
			       fd_set *exceptional, const struct timeval *timeout)
{
	fd_set *sets[] = { readable, writable, exceptional };
	struct timeval left;
	int saved = errno, highest = -1, found;

	(void)unused;
	STARTED_OR(SOCKET_ERROR);
	for (size_t i = 0; i < 3; i++) {
		int s = io_highest(sets[i]);

		highest = s > highest ? s : highest;
	}
	if (highest < 0)
		return error_fail(WSAEINVAL);
	/* Linux counts the time down in place, which keeps it over a signal. */
	if (timeout)
		left = *timeout;
	do {
		found = select(highest + 1, readable, writable, exceptional,
			       timeout ? &left : NULL);
	} while (found < 0 && errno == EINTR);
	if (found < 0)
		found = error_fail_errno(errno);
	errno = saved;
	return found;
}
