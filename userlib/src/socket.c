// SPDX-License-Identifier: LGPL-2.1-or-later
/* Making and naming sockets, and their mode. */
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>

#include "close.h"
#include "io.h"
#include "layer.h"
#include "tcpinfo.h"
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
	uint64_t bits = handle_bits(s);

	if (bits & HANDLE_OURS)
		return bits & HANDLE_STREAM;
	return socket_option(s, SO_TYPE) == SOCK_STREAM;
}

/* getpeername(2) fails for a TCP connection that is over. */
bool socket_is_connected(SOCKET s)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	bool moved;

	switch (tcpinfo_state(s, &moved)) {
	case -1:
		return !getpeername(s, (struct sockaddr *)&name, &size);
	case TCP_CLOSE:
		return moved || handle_marks(s, HANDLE_CONNECTED);
	case TCP_LISTEN:
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		return false;
	default:
		return true;
	}
}

bool socket_is_nonblocking(SOCKET s)
{
	return fcntl(s, F_GETFL) & O_NONBLOCK;
}

/* Close-on-exec is set unless the program clears it, see SetHandleInformation(). */
SOCKET socket_make(int af, int type, int protocol)
{
	bool stream = (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) == SOCK_STREAM;
	SOCKET s = socket(af, type | SOCK_CLOEXEC, protocol);
	const int on = 1;

	if (s < 0)
		return error_fail_errno(errno);
	handle_born(s, stream ? HANDLE_STREAM : 0);
	/* As on Windows, until the program changes it. */
	if (af == AF_INET6)
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if ((af == AF_INET || af == AF_INET6) && stream)
		attach_quietly(s);
	return s;
}

WINSOCK_API SOCKET winsock_socket(int af, int type, int protocol)
{
	BORDER;

	STARTED_OR(INVALID_SOCKET);
	return socket_make(af, type, protocol);
}

static int socket_done(int result)
{
	return result < 0 ? error_fail_errno(errno) : error_result(result);
}

bool socket_is_short(SOCKET s, int size)
{
	int domain;

	if (size >= (int)sizeof(struct sockaddr_in))
		return false;
	domain = socket_option(s, SO_DOMAIN);
	return domain == AF_INET || domain == AF_INET6;
}

/* Is this what getsockname(2) returns for a TCP or UDP socket that is not bound? */
static bool socket_is_unbound(SOCKET s, const struct sockaddr_storage *name)
{
	in_port_t port;

	/* Both families have the port there. */
	memcpy(&port, (const char *)name + offsetof(struct sockaddr_in, sin_port), sizeof(port));
	return (name->ss_family == AF_INET || name->ss_family == AF_INET6) && !port &&
	       socket_option(s, SO_TYPE) != SOCK_RAW;
}

bool socket_is_bound(SOCKET s)
{
	struct sockaddr_storage name = { 0 };
	socklen_t size = sizeof(name);

	return !getsockname(s, (struct sockaddr *)&name, &size) && !socket_is_unbound(s, &name);
}

static int socket_reuse(SOCKET s, int on)
{
	return setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

/*
 * Windows binds in spite of a TIME_WAIT, Linux only if both sockets have SO_REUSEADDR. A listener
 * gets it, and so its connections in TIME_WAIT have it, but no socket that is bound and does not
 * listen: two never share a port unless the program allows it.
 */
static int socket_bind(SOCKET s, const struct sockaddr *name, int size)
{
	int error = bind(s, name, size) ? errno : 0;

	if (error == EADDRINUSE && socket_is_stream(s) && !(handle_bits(s) & HANDLE_REUSES)) {
		socket_reuse(s, 1);
		error = bind(s, name, size) ? errno : 0;
		socket_reuse(s, 0);
	}
	return error;
}

WINSOCK_API int winsock_bind(SOCKET s, const struct sockaddr *name, int size)
{
	int error;
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (socket_is_short(s, size))
		return error_fail(WSAEFAULT);
	error = socket_bind(s, name, size);
	return error ? error_fail_errno(error) : error_result(0);
}

WINSOCK_API int winsock_listen(SOCKET s, int backlog)
{
	struct sockaddr_storage name = { 0 };
	socklen_t size = sizeof(name);
	bool own = (handle_bits(s) & (HANDLE_OURS | HANDLE_REUSES)) == HANDLE_OURS;
	int error;
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (!getsockname(s, (struct sockaddr *)&name, &size) && socket_is_unbound(s, &name))
		return error_fail(WSAEINVAL);
	if (own)
		socket_reuse(s, 1);
	if (listen(s, backlog)) {
		error = errno;
		if (own)
			socket_reuse(s, 0);
		if (error == EINVAL && socket_is_connected(s))
			error = EISCONN;
		return error_fail_errno(error);
	}
	handle_mark(s, HANDLE_LISTENS);
	return error_result(0);
}

static SOCKET socket_try_accept(SOCKET s, struct sockaddr *name, int *size, int flags)
{
	SOCKET accepted;

	do {
		accepted = accept4(s, name, (socklen_t *)size, flags | SOCK_CLOEXEC);
	} while (accepted < 0 && errno == EINTR);
	return accepted;
}

/*
 * accept(2) has no flag against waiting, and the mode belongs to all holders of the listener. So
 * poll first, in one thread of the process at a time. If another process takes the connection in
 * between, accept(2) waits in the kernel, where only the close of the listener or the next
 * connection ends it.
 */
static int socket_wait_accept(SOCKET s, struct sockaddr *name, int *size, SOCKET *accepted)
{
	struct wait_one one CLEANUP(wait_one_leave) = { 0 };
	enum wait_end end;
	int error = wait_one_enter(&one, s, POLLIN, -1);

	if (error)
		return error;
	end = wait_try(&one.wait) ? WAIT_READY : wait_poll(&one.wait, THREAD_FOREVER);
	while (end == WAIT_READY) {
		*accepted = socket_try_accept(s, name, size, 0);
		/* A close wakes accept(2) with EINVAL before it is final (P11). */
		if (*accepted >= 0 || (errno != EAGAIN &&
				       !(errno == EINVAL && atomic_load(&one.link.close))))
			break;
		end = wait_poll(&one.wait, THREAD_FOREVER);
	}
	if (end != WAIT_READY)
		error = WSAEINTR;	/* closed (P11) or cancelled */
	else if (*accepted < 0)
		error = error_from_errno(errno);
	wait_leave(&one.wait);
	/* The close of the listener has woken accept(2) in the kernel. */
	if (atomic_load(&one.wait.told) && *accepted < 0)
		error = WSAEINTR;
	return error;
}

static bool socket_listens(SOCKET s)
{
	return (handle_bits(s) & HANDLE_LISTENS) || socket_option(s, SO_ACCEPTCONN) > 0;
}

WINSOCK_API SOCKET winsock_accept(SOCKET s, struct sockaddr *name, int *size)
{
	struct pollfd polled = { s, POLLIN, 0 };
	SOCKET accepted = INVALID_SOCKET;
	int flags, error = 0;
	uint64_t bits;
	BORDER_OF_WAIT;

	STARTED_OR(INVALID_SOCKET);
	if (!size)
		name = NULL;
	if (name && socket_is_short(s, *size))
		return error_fail(WSAEFAULT);
	flags = socket_is_nonblocking(s) ? SOCK_NONBLOCK : 0;
	/*
	 * accept(2) refuses a socket that does not listen; in a routine take only a connection that
	 * is there.
	 */
	if (flags || !socket_listens(s) || (thread_is_blocked() && poll(&polled, 1, 0) > 0))
		accepted = socket_try_accept(s, name, size, flags);
	else
		error = socket_wait_accept(s, name, size, &accepted);
	if (accepted < 0 && !error)
		error = error_from_errno(errno);
	if (accepted >= 0) {
		bits = handle_bits(s);
		if (!(bits & HANDLE_OURS))
			attach_quietly(accepted);
		/* Otherwise the library may not know the listener, which may be closed by now. */
		if (!(bits & HANDLE_STREAM) && socket_is_stream(accepted))
			bits |= HANDLE_STREAM | HANDLE_TIMED;
		bits &= HANDLE_INHERITED | HANDLE_STREAM | HANDLE_TIMED;
		handle_born(accepted, HANDLE_PEER | HANDLE_CONNECTED | HANDLE_ACCEPTED | bits);
	}
	if (layer_handle(s))
		layer_above()->accepted(s, accepted);
	return error ? error_fail(error) : accepted;
}

/* After a failed attempt Linux fails the next one by this error, once, without trying. */
static int socket_connect(SOCKET s, const struct sockaddr *name, int size)
{
	int error = connect(s, name, size) ? errno : 0;

	if (error == ECONNABORTED)
		error = connect(s, name, size) ? errno : 0;
	/* AF_UNIX: the backlog is full, and nothing goes on behind the call. */
	return error == EAGAIN ? ECONNREFUSED : error;
}

/*
 * Begin a connect without waiting for it. The mode is changed during the call only, when the socket
 * has no connection that other holders could wait for.
 */
static int socket_try_connect(SOCKET s, const struct sockaddr *name, int size, int flags)
{
	int result;

	fcntl(s, F_SETFL, flags | O_NONBLOCK);
	result = socket_connect(s, name, size);
	fcntl(s, F_SETFL, flags);
	return result;
}

/* Returns 0 or the error. A cancelled connect goes on in the background. */
static int socket_wait_connect(SOCKET s)
{
	struct wait_one one CLEANUP(wait_one_leave) = { 0 };
	enum wait_end end;
	int error = wait_one_enter(&one, s, POLLOUT, -1);

	if (error)
		return error;
	end = wait_poll(&one.wait, THREAD_FOREVER);
	if (end != WAIT_READY)
		return end == WAIT_CLOSED ? WSAENOTSOCK : WSAEINTR;	/* P12 */
	error = error_from_errno(socket_option(s, SO_ERROR));
	handle_change(s, HANDLE_CONNECTING, error ? 0 : HANDLE_CONNECTED);
	return error;
}

int socket_begin_connect(SOCKET s, const struct sockaddr *name, int size, int flags)
{
	bool stream = socket_is_stream(s), connected = stream && socket_is_connected(s);
	uint64_t begun = HANDLE_PEER;
	int error;

	if (flags < 0 || flags & O_NONBLOCK || !stream)
		error = socket_connect(s, name, size);
	else
		error = socket_try_connect(s, name, size, flags);
	/* Linux returns 0 to the first call after success; AF_UNSPEC has disconnected. */
	if (!error && connected && socket_is_connected(s))
		error = EISCONN;
	if (error == EISCONN && socket_listens(s))
		error = EINVAL;
	if (stream && !error && name->sa_family != AF_UNSPEC)
		begun |= HANDLE_CONNECTED;
	if (!error || error == EINPROGRESS)
		handle_change(s, stream ? HANDLE_PAST : 0, begun);
	return error;
}

bool socket_is_nowhere(SOCKET s, const struct sockaddr *name, int size)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	bool nowhere = false;

	if (size >= (int)sizeof(v6) && name->sa_family == AF_INET6) {
		memcpy(&v6, name, sizeof(v6));
		nowhere = !v6.sin6_port || IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
	} else if (size >= (int)sizeof(v4) && name->sa_family == AF_INET) {
		memcpy(&v4, name, sizeof(v4));
		nowhere = !v4.sin_port || v4.sin_addr.s_addr == INADDR_ANY;
	}
	return nowhere && socket_is_stream(s) && !socket_is_connected(s) && !socket_listens(s);
}

WINSOCK_API int winsock_connect(SOCKET s, const struct sockaddr *name, int size)
{
	int flags, error;
	BORDER_OF_WAIT;

	STARTED_OR(SOCKET_ERROR);
	if (socket_is_short(s, size) || !option_readable(name, size))
		return error_fail(WSAEFAULT);
	if (socket_is_nowhere(s, name, size))
		return error_fail(WSAEADDRNOTAVAIL);
	flags = fcntl(s, F_GETFL);
	error = socket_begin_connect(s, name, size, flags);
	if (!error || error == EINPROGRESS)
		layer_happened(s, error ? LAYER_CONNECTING : LAYER_CONNECTED);
	if (error == EINPROGRESS)
		handle_mark(s, HANDLE_CONNECTING);
	if (error == EINPROGRESS && !(flags & O_NONBLOCK))
		error = socket_wait_connect(s);
	else
		error = error_from_errno(error);
	return error ? error_fail(error) : 0;
}

/* Copy an address whole, or fail with WSAEFAULT; Linux would cut it off. */
static int socket_name(const struct sockaddr_storage *from, socklen_t from_size,
		       struct sockaddr *name, int *size)
{
	if (!name || !option_readable(size, sizeof(*size)) || *size < (int)from_size ||
	    !option_readable(name, from_size))
		return error_fail(WSAEFAULT);
	memcpy(name, from, from_size);
	*size = from_size;
	return error_result(0);
}

WINSOCK_API int winsock_getsockname(SOCKET s, struct sockaddr *name, int *size)
{
	struct sockaddr_storage from = { 0 };
	socklen_t from_size = sizeof(from);
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (getsockname(s, (struct sockaddr *)&from, &from_size))
		return error_fail_errno(errno);
	if (socket_is_unbound(s, &from))
		return error_fail(WSAEINVAL);
	return socket_name(&from, from_size, name, size);
}

WINSOCK_API int winsock_getpeername(SOCKET s, struct sockaddr *name, int *size)
{
	struct sockaddr_storage from;
	socklen_t from_size = sizeof(from);
	int result;
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	result = getpeername(s, (struct sockaddr *)&from, &from_size);
	/* Windows still names the peer of a connection that is over; Linux by SO_PEERNAME. */
	if (result && errno == ENOTCONN && socket_is_stream(s) && socket_is_connected(s)) {
		from_size = socket_option(s, SO_DOMAIN) == AF_INET6 ? sizeof(struct sockaddr_in6)
								    : sizeof(struct sockaddr_in);
		result = getsockopt(s, SOL_SOCKET, SO_PEERNAME, &from, &from_size);
	}
	if (result)
		return error_fail_errno(errno);
	return socket_name(&from, from_size, name, size);
}

/*
 * shutdown(2) changes a socket without a connection, although it fails, and ends a connect. The FIN
 * comes behind the sends that are pending, and the end of receiving behind the receives.
 */
static int socket_shutdown(SOCKET s, int how, uint64_t bits)
{
	bool stream = socket_is_stream(s);
	struct handle *handle = handle_find(s);
	bool receive = how != SHUT_WR, send = how != SHUT_RD;
	int later = -1;

	if (stream && !socket_is_connected(s))
		return error_fail(WSAENOTCONN);
	handle_set(s, 0, bits);
	if (layer_handle(s))
		later = layer_above()->shutdown(handle, how);
	if (later == SHUT_RD || later == SHUT_RDWR || (handle && wait_any_receives(handle)))
		receive = false;
	if (later == SHUT_WR || later == SHUT_RDWR)
		send = false;
	/* On Windows a repeated call, or one on a datagram socket without a peer, succeeds. */
	if ((receive || send) &&
	    shutdown(s, receive && send ? SHUT_RDWR : send ? SHUT_WR : SHUT_RD) &&
	    errno != ENOTCONN)
		return error_fail_errno(errno);
	return 0;
}

WINSOCK_API int winsock_shutdown(SOCKET s, int how)
{
	static const uint64_t bits[] = {
		[SHUT_RD] = HANDLE_SHUT_RECEIVE,
		[SHUT_WR] = HANDLE_SHUT_SEND,
		[SHUT_RDWR] = HANDLE_SHUT_RECEIVE | HANDLE_SHUT_SEND,
	};
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (!socket_check(s))
		return SOCKET_ERROR;
	if (how < SHUT_RD || how > SHUT_RDWR)
		return error_fail(WSAEINVAL);
	/* shutdown(2) would stop the listening (X4). */
	if (socket_option(s, SO_ACCEPTCONN) > 0)
		return error_fail(WSAENOTCONN);
	if (how != SHUT_RD && close_is_whole(s))
		return socket_done(close_circuit(s));
	if (handle_marks(s, bits[how]) == bits[how])
		return error_result(0);
	return error_result(socket_shutdown(s, how, bits[how]));
}

WINSOCK_API int ioctlsocket(SOCKET s, long command, u_long *argument)
{
	struct handle *handle;
	int value = 0, in_line;
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (!socket_check(s))
		return SOCKET_ERROR;
	if (!option_readable(argument, sizeof(*argument)))
		return error_fail(WSAEFAULT);
	switch (command) {
	case FIONBIO:
		value = *argument != 0;
		handle = layer_handle(s);
		if (!value && handle && layer_above()->selects(handle))
			return error_fail(WSAEINVAL);	/* O24 */
		return socket_done(ioctl(s, FIONBIO, &value));
	case FIONREAD:
	case SIOCATMARK:
		if (ioctl(s, command, &value))
			return error_fail_errno(errno);
		/* Windows answers TRUE if there is no out-of-band data to read. */
		in_line = command == SIOCATMARK && socket_option(s, SO_OOBINLINE) > 0;
		*argument = command == FIONREAD ? value : in_line || !value;
		return 0;
	default:
		return error_fail(WSAEINVAL);
	}
}

WINSOCK_API BOOL SetHandleInformation(HANDLE handle, DWORD mask, DWORD flags)
{
	int fd = (intptr_t)handle;
	BORDER;

	if (mask & ~HANDLE_FLAG_INHERIT)
		return !error_fail(ERROR_INVALID_PARAMETER);
	if (socket_option(fd, SO_TYPE) < 0)
		return !error_fail(ERROR_INVALID_HANDLE);
	if (mask)
		fcntl(fd, F_SETFD, flags & HANDLE_FLAG_INHERIT ? 0 : FD_CLOEXEC);
	return TRUE;
}

WINSOCK_API BOOL GetHandleInformation(HANDLE handle, LPDWORD flags)
{
	int fd = (intptr_t)handle;
	BORDER;

	if (!flags)
		return !error_fail(ERROR_INVALID_PARAMETER);
	if (socket_option(fd, SO_TYPE) < 0)
		return !error_fail(ERROR_INVALID_HANDLE);
	*flags = fcntl(fd, F_GETFD) & FD_CLOEXEC ? 0 : HANDLE_FLAG_INHERIT;
	return TRUE;
}
