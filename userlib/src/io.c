// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sending and receiving. See io.h. */
#include <time.h>

#include "io.h"
#include "netevent.h"
#include "order.h"

/* What we know of a direction. */
static uint64_t io_shut(bool receive)
{
	return receive ? TABLE_SHUT_RECEIVE : TABLE_SHUT_SEND;
}

static int io_direction(bool receive)
{
	return receive ? RECORD_RECEIVE : RECORD_SEND;
}

int io_error_number(SOCKET s, int number, uint64_t shut)
{
	uint64_t word = table_get(s);

	/* Linux tells of a reset once, Windows on every call (H4). */
	if (number == ECONNRESET)
		table_mark(s, TABLE_RESET);
	if (number == EPIPE && (word & TABLE_RESET))
		return WSAECONNRESET;
	if (number == EPIPE && (word & shut))
		return WSAESHUTDOWN;
	if (number == EPIPE && ((word & (TABLE_OURS | TABLE_PEER)) == TABLE_OURS ||
				socket_option(s, SO_ACCEPTCONN) > 0))
		return WSAENOTCONN;
	/* Nobody gave an address, nor connected the socket. */
	if (number == EDESTADDRREQ)
		return WSAENOTCONN;
	return error_from_errno(number);
}

int io_refuse(SOCKET s, bool receive)
{
	uint64_t word = table_get(s);

	if (word & io_shut(receive))
		return WSAESHUTDOWN;
	return word & TABLE_RESET ? WSAECONNRESET : 0;
}

static ssize_t io_try(SOCKET s, struct msghdr *message, int flags, bool receive)
{
	enum order_turn turn = ORDER_FREE;
	ssize_t moved;

	/* What is out of band is in no order. */
	if (!(receive && (flags & MSG_OOB)))
		turn = order_begin(s, io_direction(receive));
	if (turn == ORDER_BEHIND) {
		errno = EAGAIN;
		return -1;
	}
	flags |= MSG_DONTWAIT;
	do {
		moved = receive ? recvmsg(s, message, flags)
				: sendmsg(s, message, flags | MSG_NOSIGNAL);
	} while (moved < 0 && errno == EINTR);
	order_end(turn);
	return moved;
}

/* SO_RCVTIMEO and SO_SNDTIMEO, from now on. */
static int64_t io_deadline(SOCKET s, bool receive)
{
	struct timeval span = { 0 };
	socklen_t size = sizeof(span);

	if (getsockopt(s, SOL_SOCKET, receive ? SO_RCVTIMEO : SO_SNDTIMEO, &span, &size) ||
	    (!span.tv_sec && !span.tv_usec))
		return THREAD_FOREVER;
	return thread_now() + span.tv_sec * 1000000000LL + span.tv_usec * 1000LL;
}

void io_advance(struct msghdr *message, size_t moved)
{
	while (moved >= message->msg_iov->iov_len && message->msg_iovlen > 1) {
		moved -= message->msg_iov->iov_len;
		message->msg_iov++;
		message->msg_iovlen--;
	}
	message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + moved;
	message->msg_iov->iov_len -= moved;
}

static size_t io_size(const struct msghdr *message)
{
	size_t size = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		size += message->msg_iov[i].iov_len;
	return size;
}

/* Of a wait that did not end with more bytes: 0 if those so far are the result. */
static int io_wait_error(enum wait_end end, bool stream, bool receive, ssize_t moved)
{
	switch (end) {
	case WAIT_CLOSED:
		return receive && !stream ? WSAEINTR : WSAECONNABORTED;	/* P10, P11 */
	case WAIT_CANCELLED:
		return WSAEINTR;
	default:
		return moved ? 0 : WSAETIMEDOUT;
	}
}

/*
 * Wait for the rest. On a stream a blocking send moves everything, and so does a receive
 * that asks for it. Returns 0, or the error; @moved counts on.
 */
static int io_wait(SOCKET s, struct msghdr *message, int flags, bool receive, bool stream,
		   ssize_t *moved)
{
	bool whole = stream && (!receive || (flags & MSG_WAITALL));
	int64_t deadline = io_deadline(s, receive);
	enum wait_end end = WAIT_READY;
	struct wait_one one;
	struct order_wait order = { .wait = &one.wait };
	ssize_t more = 0;
	int error;

	error = wait_one_enter(&one, s, receive ? POLLIN : POLLOUT);
	if (error)
		return *moved ? 0 : error;
	do {
		order_sleep(&order, s, io_direction(receive));
		end = wait_poll(&one.wait, deadline);
		if (end != WAIT_READY)
			break;
		more = io_try(s, message, flags, receive);
		if (more > 0) {
			*moved += more;
			io_advance(message, more);
		}
	} while (more < 0 ? errno == EAGAIN : more > 0 && whole && io_size(message));
	if (end != WAIT_READY)
		error = io_wait_error(end, stream, receive, *moved);
	/* A part counts for little where the whole was asked for and the rest has failed. */
	else if (more < 0)
		error = io_error_number(s, errno, io_shut(receive));
	order_leave(&order);
	wait_leave(&one.wait);
	return error;
}

/* Is what was tried first not all that the mode and the flags ask for? */
static bool io_must_wait(SOCKET s, const struct msghdr *message, int flags, bool receive,
			 ssize_t moved, bool *stream)
{
	if (moved < 0 && errno != EAGAIN)
		return false;
	if (moved >= 0 && ((receive && !(flags & MSG_WAITALL)) || !moved ||
			   (size_t)moved == io_size(message)))
		return false;
	if ((flags & (receive ? MSG_DONTWAIT | MSG_OOB : MSG_DONTWAIT)) || socket_is_nonblocking(s))
		return false;
	*stream = socket_is_stream(s);
	/* Peeking sees the same bytes again: there is no rest to wait for. */
	return moved < 0 || (*stream && !(flags & MSG_PEEK));
}

static int io_transfer(SOCKET s, struct msghdr *message, int flags, bool receive)
{
	int saved = errno, error = io_refuse(s, receive);
	bool stream = false;
	ssize_t moved;

	if (error)
		return error_fail(error);
	moved = io_try(s, message, flags, receive);
	if (io_must_wait(s, message, flags, receive, moved, &stream)) {
		if (moved > 0)
			io_advance(message, moved);
		else
			moved = 0;
		error = io_wait(s, message, flags, receive, stream, &moved);
	} else if (moved < 0) {
		error = io_error_number(s, errno, io_shut(receive));
	}
	/* Windows tells of a datagram that was cut short. */
	if (!error && receive && (message->msg_flags & MSG_TRUNC) && !socket_is_stream(s))
		error = WSAEMSGSIZE;
	if (receive)
		netevent_received(s);
	else if (error == WSAEWOULDBLOCK)
		netevent_blocked(s);
	errno = saved;
	return error ? error_fail(error) : moved;
}

int io_send(SOCKET s, struct msghdr *message, int flags)
{
	return io_transfer(s, message, flags, false);
}

int io_receive(SOCKET s, struct msghdr *message, int flags)
{
	return io_transfer(s, message, flags, true);
}

WINSOCK_API int winsock_sendto(SOCKET s, const char *buffer, int size, int flags,
			       const struct sockaddr *name, int name_size)
{
	struct iovec vector = { (void *)buffer, size };
	struct msghdr message = {
		.msg_name = (void *)name,
		.msg_namelen = name ? name_size : 0,
		.msg_iov = &vector,
		.msg_iovlen = 1,
	};

	STARTED_OR(SOCKET_ERROR);
	if (size < 0)
		return error_fail(WSAEFAULT);
	return io_send(s, &message, flags);
}

WINSOCK_API int winsock_send(SOCKET s, const char *buffer, int size, int flags)
{
	return winsock_sendto(s, buffer, size, flags, NULL, 0);
}

WINSOCK_API int winsock_recvfrom(SOCKET s, char *buffer, int size, int flags,
				 struct sockaddr *name, int *name_size)
{
	struct iovec vector = { buffer, size };
	struct msghdr message = {
		.msg_name = name,
		.msg_namelen = name && name_size ? *name_size : 0,
		.msg_iov = &vector,
		.msg_iovlen = 1,
	};
	int result;

	STARTED_OR(SOCKET_ERROR);
	if (size < 0)
		return error_fail(WSAEFAULT);
	result = io_receive(s, &message, flags);
	if (name && name_size && (result >= 0 || WSAGetLastError() == WSAEMSGSIZE))
		*name_size = message.msg_namelen;
	return result;
}

WINSOCK_API int winsock_recv(SOCKET s, char *buffer, int size, int flags)
{
	return winsock_recvfrom(s, buffer, size, flags, NULL, NULL);
}
