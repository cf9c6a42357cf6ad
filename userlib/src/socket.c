// SPDX-License-Identifier: LGPL-2.1-or-later
/* Making and naming sockets, and their mode. */
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>

#include "fork.h"
#include "netevent.h"
#include "order.h"
#include "pending.h"
#include "wait.h"

int socket_option(SOCKET s, int name)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(s, SOL_SOCKET, name, &value, &size) ? -1 : value;
}

bool socket_check(SOCKET s)
{
	if (socket_option(s, SO_TYPE) >= 0)
		return true;
	error_fail(WSAENOTSOCK);
	return false;
}

bool socket_is_stream(SOCKET s)
{
	return socket_option(s, SO_TYPE) == SOCK_STREAM;
}

bool socket_is_connected(SOCKET s)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	return !getpeername(s, (struct sockaddr *)&name, &size);
}

bool socket_is_nonblocking(SOCKET s)
{
	return fcntl(s, F_GETFL) & O_NONBLOCK;
}

void socket_born(SOCKET s, uint64_t word)
{
	struct pending_close stale;

	/* Of an earlier socket, which was closed by other ways than ours. */
	if (table_record(s)) {
		pending_close_begin(&stale, s);
		pending_close_end(&stale, PENDING_CLOSED);
	}
	table_set(s, word);
}

static SOCKET socket_make(int af, int type, int protocol)
{
	int saved = errno;
	SOCKET s = socket(af, type, protocol);

	if (s < 0) {
		error_fail_errno(errno);
	} else {
		socket_born(s, TABLE_OURS);
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
	if (group || (flags & ~(WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT)))
		return error_fail(WSAEINVAL);
	if (info)
		return duplicate_open(info, flags);
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

/*
 * accept(2) has no flag that says not to wait, and the mode belongs to everybody who holds
 * the listener. So it is asked first, by one thread of the process at a time; a
 * connection that another process takes in between makes the call wait in the kernel,
 * where only the close of the listener and the next connection end it.
 */
#define SOCKET_ACCEPT_LOCKS	64
static pthread_mutex_t socket_accept_locks[SOCKET_ACCEPT_LOCKS] = {
	[0 ... SOCKET_ACCEPT_LOCKS - 1] = PTHREAD_MUTEX_INITIALIZER,
};

void socket_fork(enum fork_phase phase)
{
	/* They guard no memory, and who has one may be in the kernel: fork() does not wait. */
	for (int i = 0; phase == FORK_CHILD && i < SOCKET_ACCEPT_LOCKS; i++)
		pthread_mutex_init(&socket_accept_locks[i], NULL);
}

static SOCKET socket_try_accept(SOCKET s, struct sockaddr *name, int *size, int type)
{
	pthread_mutex_t *lock = &socket_accept_locks[(unsigned int)s % SOCKET_ACCEPT_LOCKS];
	struct pollfd polled = { .fd = s, .events = POLLIN };
	SOCKET accepted = -1;
	int ready;

	if (type & SOCK_NONBLOCK)
		return accept4(s, name, (socklen_t *)size, type);
	pthread_mutex_lock(lock);
	do {
		ready = poll(&polled, 1, 0);
	} while (ready < 0 && errno == EINTR);
	errno = EAGAIN;
	/* A number that is no socket is ready, too: accept will tell. */
	if (ready > 0)
		accepted = accept4(s, name, (socklen_t *)size, type);
	pthread_mutex_unlock(lock);
	return accepted;
}

static int socket_wait_accept(SOCKET s, struct sockaddr *name, int *size, SOCKET *accepted)
{
	struct wait_one one;
	enum wait_end end;
	int error = wait_one_enter(&one, s, POLLIN);

	if (error)
		return error;
	do {
		end = wait_poll(&one.wait, THREAD_FOREVER);
		if (end == WAIT_READY)
			*accepted = socket_try_accept(s, name, size, 0);
	} while (end == WAIT_READY && *accepted < 0 && (errno == EAGAIN || errno == EINTR));
	if (end != WAIT_READY)
		error = WSAEINTR;	/* closed (P11) or cancelled */
	else if (*accepted < 0)
		error = error_from_errno(errno);
	wait_leave(&one.wait);
	/* The close of the listener has woken it in the kernel. */
	if (one.wait.told && *accepted < 0)
		error = WSAEINTR;
	return error;
}

WINSOCK_API SOCKET winsock_accept(SOCKET s, struct sockaddr *name, int *size)
{
	const uint64_t inherited = 0xffffffffULL << TABLE_ONOFF_SHIFT | TABLE_TIMEOUT;
	int saved = errno, type, error = 0;
	SOCKET accepted;

	STARTED_OR(INVALID_SOCKET);
	type = socket_is_nonblocking(s) ? SOCK_NONBLOCK : 0;
	do {
		accepted = socket_try_accept(s, name, size, type);
	} while (accepted < 0 && errno == EINTR);
	if (accepted < 0) {
		error = error_from_errno(errno);
		if (errno == EAGAIN && !type)
			error = socket_wait_accept(s, name, size, &accepted);
	}
	if (accepted >= 0) {
		socket_born(accepted, TABLE_OURS | TABLE_PEER | (table_get(s) & inherited));
		/* The listener may be one that was made elsewhere. */
		attach_quietly(accepted);
	}
	netevent_accepted(s, accepted);
	errno = saved;
	return error ? error_fail(error) : accepted;
}

/* After an attempt that failed Linux fails the next one by this error, once, without trying. */
static int socket_connect(SOCKET s, const struct sockaddr *name, int size)
{
	int error = connect(s, name, size) ? errno : 0;

	if (error == ECONNABORTED)
		error = connect(s, name, size) ? errno : 0;
	return error;
}

/*
 * Begin a connect without waiting for it. The mode is changed for the moment of the call,
 * in which the socket has no connection that other holders could wait for.
 */
static int socket_try_connect(SOCKET s, const struct sockaddr *name, int size, int flags)
{
	int result;

	fcntl(s, F_SETFL, flags | O_NONBLOCK);
	result = socket_connect(s, name, size);
	fcntl(s, F_SETFL, flags);
	return result;
}

/* 0 or the error. What is cancelled goes on by itself. */
static int socket_wait_connect(SOCKET s)
{
	struct wait_one one;
	enum wait_end end;
	int error = wait_one_enter(&one, s, POLLOUT);

	if (error)
		return error;
	end = wait_poll(&one.wait, THREAD_FOREVER);
	if (end == WAIT_READY)
		error = error_from_errno(socket_option(s, SO_ERROR));
	else
		error = end == WAIT_CLOSED ? WSAENOTSOCK : WSAEINTR;	/* P12 */
	wait_leave(&one.wait);
	return error;
}

WINSOCK_API int winsock_connect(SOCKET s, const struct sockaddr *name, int size)
{
	int saved = errno, flags, error;
	bool stream, connected;

	STARTED_OR(SOCKET_ERROR);
	stream = socket_is_stream(s);
	connected = stream && socket_is_connected(s);
	flags = fcntl(s, F_GETFL);
	if (flags < 0 || flags & O_NONBLOCK || !stream)
		error = socket_connect(s, name, size);
	else
		error = socket_try_connect(s, name, size, flags);
	/* Linux tells of success by the next call. AF_UNSPEC has parted them. */
	if (!error && connected && socket_is_connected(s))
		error = EISCONN;
	if (!error || error == EINPROGRESS) {
		table_mark(s, TABLE_PEER);
		netevent_connecting(s, !error);
	}
	if (error == EINPROGRESS && flags & O_NONBLOCK)
		table_mark(s, TABLE_CONNECTING);
	if (error == EINPROGRESS && !(flags & O_NONBLOCK))
		error = socket_wait_connect(s);
	else
		error = error_from_errno(error);
	errno = saved;
	return error ? error_fail(error) : 0;
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
	if (socket_option(s, SO_ACCEPTCONN) > 0)
		return error_fail(WSAENOTCONN);
	if (how != SHUT_RD && close_is_whole(s))
		return socket_done(close_circuit(s), saved);
	/* Repeated, or on a datagram socket without a peer, it is fine on Windows. */
	if (order_shutdown(s, how) && !(errno == ENOTCONN &&
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
		if (!value && netevent_selected(s)) {
			errno = saved;
			return error_fail(WSAEINVAL);	/* O24 */
		}
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
