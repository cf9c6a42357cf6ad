// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sending and receiving. See io.h. */
#include <netinet/tcp.h>
#include <sys/time.h>

#include "io.h"
#include "layer.h"
#include "tcpinfo.h"
#include "wait.h"

static uint64_t io_shut(int direction)
{
	return direction == IO_RECEIVE ? HANDLE_SHUT_RECEIVE : HANDLE_SHUT_SEND;
}

/* Is this TCP, and a connection that is over? */
static bool io_is_over(SOCKET s)
{
	bool moved;

	return tcpinfo_state(s, &moved) == TCP_CLOSE &&
	       (moved || (handle_bits(s) & HANDLE_CONNECTED));
}

/*
 * The reason of EPIPE. If another handle's holder has called shutdown() this one may still receive
 * (M6).
 */
static int io_broken(SOCKET s, int direction)
{
	struct pollfd polled = { .fd = s };
	uint64_t bits = handle_bits(s);
	bool moved = false;
	int state;

	if (bits & HANDLE_RESET)
		return WSAECONNRESET;
	if (bits & io_shut(direction))
		return WSAESHUTDOWN;
	state = tcpinfo_state(s, &moved);
	if (state < 0)
		return poll(&polled, 1, 0) > 0 ? WSAECONNABORTED : WSAESHUTDOWN;
	if (state == TCP_LISTEN || (state == TCP_CLOSE && !moved &&
				    (bits & (HANDLE_OURS | HANDLE_PEER)) == HANDLE_OURS))
		return WSAENOTCONN;
	if (state != TCP_CLOSE) {
		handle_mark(s, HANDLE_SHUT_SEND);
		return WSAESHUTDOWN;
	}
	/* The peer had closed, and answered with a reset what we sent after that (V5). */
	handle_mark(s, HANDLE_ABORTED);
	return WSAECONNABORTED;
}

int io_error_number(SOCKET s, int number, int direction)
{
	switch (number) {
	/* These are the call's own. */
	case EAGAIN:
	case EFAULT:
	case EINVAL:
	case EMSGSIZE:
	case ENOBUFS:
	case ENOMEM:
	case ENOTCONN:
	case EOPNOTSUPP:
		break;
	case EPIPE:
		return io_broken(s, direction);
	case EDESTADDRREQ:
		/* The call has no address, and the socket is not connected. */
		return WSAENOTCONN;
	default:
		/* No socket has the datagram's port. */
		if (number == ECONNREFUSED && !socket_is_stream(s))
			return WSAECONNRESET;
		io_death(s, number);
	}
	return error_from_errno(number);
}

static int io_ended(uint64_t bits)
{
	if (bits & HANDLE_RESET)
		return WSAECONNRESET;
	return bits & HANDLE_ABORTED ? WSAECONNABORTED : 0;
}

int io_past(SOCKET s)
{
	return io_ended(handle_bits(s));
}

int io_death(SOCKET s, int number)
{
	/* Linux reports a reset once, Windows on every call (H4). */
	if (number == ECONNRESET)
		handle_mark(s, HANDLE_RESET);
	/* SO_ERROR also gives what a connection has survived; EPIPE is a reset behind the FIN. */
	else if (number == EPIPE || (number > 0 && io_is_over(s)))
		handle_mark(s, HANDLE_ABORTED);
	else
		return 0;
	return io_past(s);
}

int io_end_error(SOCKET s)
{
	/*
	 * Another call may have had the error (H4), or have it now. recv(2) does not report one
	 * behind the FIN (V5); SO_ERROR does, once.
	 */
	return io_past(s) ?: io_death(s, socket_option(s, SO_ERROR)) ?: io_past(s);
}

int io_refuse(SOCKET s, int direction)
{
	uint64_t marks = handle_bits(s) & (io_shut(direction) | HANDLE_RESET | HANDLE_ABORTED);

	if (__builtin_expect(!marks, 1))
		return 0;
	marks = handle_marks(s, marks);
	return marks & io_shut(direction) ? WSAESHUTDOWN : io_ended(marks);
}

ssize_t io_move(SOCKET s, struct msghdr *message, int flags, int direction)
{
	ssize_t moved;

	flags |= MSG_DONTWAIT;
	do {
		moved = direction == IO_RECEIVE ? recvmsg(s, message, flags)
						: sendmsg(s, message, flags | MSG_NOSIGNAL);
	} while (moved < 0 && (errno == EINTR ||
			       (errno == ECONNREFUSED && (handle_bits(s) & HANDLE_DEAF))));
	return moved;
}

/* io_move(), behind the operations that are pending on a stream. */
static ssize_t io_try(SOCKET s, struct msghdr *message, int flags, int direction)
{
	struct handle *handle = layer_handle(s);

	/* Out-of-band data has no place in the order. */
	if (handle && !(direction == IO_RECEIVE && (flags & MSG_OOB)) &&
	    layer_above()->pending(handle, direction)) {
		errno = EAGAIN;
		return -1;
	}
	return io_move(s, message, flags, direction);
}

/* The deadline by SO_RCVTIMEO or SO_SNDTIMEO, from now on. */
static int64_t io_deadline(SOCKET s, int direction)
{
	int name = direction == IO_RECEIVE ? SO_RCVTIMEO : SO_SNDTIMEO;
	struct timeval span = { 0 };
	socklen_t size = sizeof(span);

	if ((handle_bits(s) & (HANDLE_OURS | HANDLE_TIMED)) == HANDLE_OURS)
		return THREAD_FOREVER;
	if (getsockopt(s, SOL_SOCKET, name, &span, &size) ||
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

/* The error of a wait that ended without more bytes; 0 if those so far are the result. */
static int io_wait_error(enum wait_end end, bool stream, int direction, ssize_t moved)
{
	switch (end) {
	case WAIT_CLOSED:
		return direction == IO_RECEIVE && !stream ? WSAEINTR
							  : WSAECONNABORTED;	/* P10, P11 */
	case WAIT_CANCELLED:
		return WSAEINTR;
	default:
		return moved ? 0 : WSAETIMEDOUT;
	}
}

/*
 * Wait for the rest. On a stream a blocking send moves all bytes, and so does a receive with
 * MSG_WAITALL. Returns 0, or the error; adds to @moved.
 */
static int io_wait(SOCKET s, struct msghdr *message, int flags, int direction, bool stream,
		   ssize_t *moved)
{
	bool whole = stream && (direction == IO_SEND || (flags & MSG_WAITALL));
	int64_t deadline = io_deadline(s, direction);
	enum wait_end end = WAIT_READY;
	struct wait_one one CLEANUP(wait_one_leave) = { 0 };
	unsigned int tries = 0;
	ssize_t more = 0;
	int error;

	error = wait_one_enter(&one, s, direction == IO_RECEIVE ? POLLIN : POLLOUT, direction);
	if (error)
		return *moved ? 0 : error;
	do {
		if (tries++ > WAIT_TRIES)
			wait_rest();
		end = wait_poll(&one.wait, deadline);
		if (end != WAIT_READY)
			break;
		more = io_try(s, message, flags, direction);
		if (more > 0) {
			*moved += more;
			io_advance(message, more);
			tries = 0;
		}
	} while (more < 0 ? errno == EAGAIN : more > 0 && whole && io_size(message));
	if (end != WAIT_READY)
		error = io_wait_error(end, stream, direction, *moved);
	/* If the rest has failed, the part is no result of a transfer of the whole. */
	else if (more < 0)
		error = io_error_number(s, errno, direction);
	return error;
}

/* Do mode and flags ask for more than the first try has moved? */
static bool io_must_wait(SOCKET s, const struct msghdr *message, int flags, int direction,
			 ssize_t moved)
{
	bool receive = direction == IO_RECEIVE;

	if (moved < 0 && errno != EAGAIN)
		return false;
	if (moved >= 0 && ((receive && !(flags & MSG_WAITALL)) || !moved ||
			   (size_t)moved == io_size(message)))
		return false;
	if ((flags & (receive ? MSG_DONTWAIT | MSG_OOB : MSG_DONTWAIT)) || socket_is_nonblocking(s))
		return false;
	/* Peeking would see the same bytes again. */
	return moved < 0 || (!(flags & MSG_PEEK) && socket_is_stream(s));
}

/*
 * A receive behind one that waited will probably wait, too. So it does not try first, which saves a
 * system call of four; where data has come already it costs two. Each sixteenth tries.
 */
#define IO_HABIT	15

/**
 * struct io_habit - the receives of a thread on a handle
 * @handle:	the handle, or NULL
 * @closes:	its number of closes: behind another one it is another socket's
 * @left:	how many may wait without a try
 */
static __thread struct io_habit {
	struct handle *handle;
	unsigned int closes;
	unsigned int left;
} io_habit;

/*
 * Would this receive wait, if no data has come? Routines run in a wait, and where another call
 * waits that one may take the data: the answer would differ.
 */
static bool io_waits_at_once(SOCKET s, const struct io_habit *now, size_t asked, int flags)
{
	return io_habit.left && io_habit.handle == now->handle && io_habit.closes == now->closes &&
	       asked && !flags && !(handle_bits(s) & (HANDLE_GOING | HANDLE_LISTENS)) &&
	       !wait_any(now->handle) && thread_is_idle() && !socket_is_nonblocking(s);
}

static void io_learn(const struct io_habit *now, bool at_once, bool waited)
{
	/* A routine may have received, too. */
	if (at_once && io_habit.left)
		io_habit.left--;
	else if (waited)
		io_habit = (struct io_habit){ now->handle, now->closes, IO_HABIT };
	else if (io_habit.handle == now->handle)
		io_habit.left = 0;
}

ssize_t io_transfer(SOCKET s, struct msghdr *message, int flags, int direction)
{
	struct io_habit now = { .handle = direction == IO_RECEIVE ? handle_find(s) : NULL };
	int error = io_refuse(s, direction);
	size_t asked = io_size(message);
	bool at_once = false, waits;
	ssize_t moved = 0;

	if (error)
		return error_fail(error);
	if (now.handle) {
		now.closes = handle_closes(now.handle);
		at_once = io_waits_at_once(s, &now, asked, flags);
	}
	if (!at_once)
		moved = io_try(s, message, flags, direction);
	waits = at_once || io_must_wait(s, message, flags, direction, moved);
	if (waits) {
		if (moved > 0)
			io_advance(message, moved);
		else
			moved = 0;
		error = io_wait(s, message, flags, direction, socket_is_stream(s), &moved);
	} else if (moved < 0) {
		error = io_error_number(s, errno, direction);
	}
	if (now.handle)
		io_learn(&now, at_once, waits);
	if (direction == IO_RECEIVE) {
		/* Windows reports a datagram that was cut short. */
		if (!error && (message->msg_flags & MSG_TRUNC) && !socket_is_stream(s))
			error = WSAEMSGSIZE;
		if (!error && !moved && io_size(message) && socket_is_stream(s))
			error = io_end_error(s);
		layer_happened(s, LAYER_RECEIVED);
	} else if (error == WSAEWOULDBLOCK ||
		   (!error && (!asked || (size_t)moved < asked) && socket_is_stream(s))) {
		/* Windows' send never moves a part; an empty one asks for FD_WRITE. */
		layer_happened(s, LAYER_WOULD_BLOCK);
	}
	if (error)
		return error_fail(error);
	error_result(0);
	return moved;
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
	BORDER_OF_WAIT;

	STARTED_OR(SOCKET_ERROR);
	if (size < 0 || (name && socket_is_short(s, name_size)))
		return error_fail(WSAEFAULT);
	return io_transfer(s, &message, flags, IO_SEND);
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
	BORDER_OF_WAIT;

	STARTED_OR(SOCKET_ERROR);
	if (size < 0 || (name && name_size && socket_is_short(s, *name_size)))
		return error_fail(WSAEFAULT);
	result = io_transfer(s, &message, flags, IO_RECEIVE);
	if (name && name_size && (result >= 0 || WSAGetLastError() == WSAEMSGSIZE))
		*name_size = message.msg_namelen;
	return result;
}

WINSOCK_API int winsock_recv(SOCKET s, char *buffer, int size, int flags)
{
	return winsock_recvfrom(s, buffer, size, flags, NULL, NULL);
}
