// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * AcceptEx() and ConnectEx(): operations that make a connection before they transfer. accept(2)
 * makes a new descriptor; dup3(2) puts it at the number of the socket that the program has made for
 * it, which keeps its port, events and options (O21).
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "extension.h"
#include "layer.h"
#include "netevent.h"
#include "overlapped.h"
#include "upper.h"

#include <mswsock.h>

/* The room for an address exceeds it by this; its length is stored at the end. */
#define EXTENSION_ROOM	16

struct extension_search {
	uint64_t cookie;
	bool (*wanted)(const struct operation *operation, const void *what);
	const void *what;
	bool found;
};

static __thread struct extension_search extension_search;

static pthread_mutex_t extension_mode = PTHREAD_MUTEX_INITIALIZER;

static bool extension_is(const struct operation *operation, const void *unused)
{
	struct extension_search *search = &extension_search;

	(void)unused;
	return operation->accept.cookie && (operation->accept.cookie == search->cookie ||
					    operation->accept.listener == search->cookie) &&
	       search->wanted(operation, search->what);
}

static void extension_visit(SOCKET s, struct handle *handle)
{
	struct channel *channel = atomic_load(&handle->channel) ? channel_lock(handle) : NULL;

	(void)s;
	if (!channel)
		return;
	extension_search.found |= operation_cancel(channel, extension_is, NULL);
	channel_unlock(channel);
}

bool extension_cancel(uint64_t cookie,
		      bool (*wanted)(const struct operation *operation, const void *what),
		      const void *what)
{
	if (!cookie)
		return false;
	extension_search = (struct extension_search){ cookie, wanted, what, false };
	pthread_mutex_lock(&operation_handing);
	handle_each(extension_visit);
	pthread_mutex_unlock(&operation_handing);
	return extension_search.found;
}

static bool extension_any(const struct operation *operation, const void *unused)
{
	(void)operation;
	(void)unused;
	return true;
}

void extension_close(uint64_t cookie)
{
	extension_cancel(cookie, extension_any, NULL);
}

/* For each pending operation: note it, and go on. */
static bool extension_note(const struct operation *operation, const void *found)
{
	(void)operation;
	*(bool *)found = true;
	return false;
}

static void extension_store_name(char *to, DWORD room, const struct sockaddr_storage *name,
				 socklen_t size)
{
	memcpy(to, name, size);
	memcpy(to + room - sizeof(size), &size, sizeof(size));
}

/*
 * accept(2) that does not wait. The mode is changed during the call only, by one thread of the
 * process at a time.
 */
static int extension_accept_now(SOCKET listener, int flags)
{
	struct pollfd polled = { listener, POLLIN, 0 };
	int mode, fd, saved;

	if (poll(&polled, 1, 0) < 1) {
		errno = EAGAIN;
		return -1;
	}
	pthread_mutex_lock(&extension_mode);
	mode = fcntl(listener, F_GETFL);
	if (!(mode & O_NONBLOCK))
		fcntl(listener, F_SETFL, mode | O_NONBLOCK);
	do {
		fd = accept4(listener, NULL, NULL, flags | SOCK_CLOEXEC);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	saved = errno;
	if (!(mode & O_NONBLOCK))
		fcntl(listener, F_SETFL, mode);
	pthread_mutex_unlock(&extension_mode);
	errno = saved;
	return fd;
}

/* With the lock of the socket to accept to, whose number becomes the connection's. */
static int extension_replace(struct channel *channel, int fd, uint64_t *bits)
{
	int cloexec = fcntl(channel->s, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0, error;

	attach_quietly(fd);
	option_copy(channel->s, fd);
	channel_unwatch(channel);
	if (dup3(fd, channel->s, cloexec) < 0) {
		error = errno;
		channel_watch(channel);
		return error;
	}
	channel->cookie = handle_cookie(channel->s);
	channel->accepts = false;
	atomic_store(&channel->handle->cookie, channel->cookie);
	*bits = (*bits & ~HANDLE_PAST) | HANDLE_PEER | HANDLE_CONNECTED | HANDLE_ACCEPTED |
		HANDLE_TIMED;
	return 0;
}

static int extension_take(struct operation *operation, struct channel *channel)
{
	struct operation_accept *accept = &operation->accept;
	int mode = socket_is_nonblocking(channel->s) ? SOCK_NONBLOCK : 0;
	uint64_t going = HANDLE_ACCEPTS, bits = handle_leave(channel->handle, &going);
	int fd, error;
	struct sockaddr_storage names[2] = { 0 };
	socklen_t sizes[2] = { sizeof(names[0]), sizeof(names[1]) };

	/* Is a close under way? HANDLE_GOING also hides the change from other calls. */
	if (bits & HANDLE_GOING)
		return EAGAIN;
	fd = extension_accept_now(operation->channel->s, mode);
	error = fd < 0 ? errno : 0;
	if (!error) {
		getsockname(fd, (struct sockaddr *)&names[0], &sizes[0]);
		getpeername(fd, (struct sockaddr *)&names[1], &sizes[1]);
		error = extension_replace(channel, fd, &bits);
		close(fd);
	}
	handle_end(channel->handle, going, bits, 0);
	if (error)
		return error;
	netevent_accepted(channel);
	accept->connection = channel->cookie;
	extension_store_name(accept->names, accept->name_sizes[0], &names[0], sizes[0]);
	extension_store_name(accept->names + accept->name_sizes[0], accept->name_sizes[1],
			     &names[1], sizes[1]);
	return 0;
}

/*
 * No close of the socket comes in between: it waits for the lock, or has set the cookie to 0 and
 * marked the channel before.
 */
static int extension_accept(struct operation *operation)
{
	struct operation_accept *accept = &operation->accept;
	struct channel *channel = channel_find(accept->s);
	int error;

	if (!channel)
		return -ECANCELED;
	if (channel->cookie != accept->cookie || handle_cookie(accept->s) != accept->cookie)
		error = ECANCELED;
	else
		error = channel->closing ? EAGAIN : extension_take(operation, channel);
	channel_unlock(channel);
	return -error;
}

/* Returns 0 with the cookie, or an error: the socket must be new, and in no other AcceptEx(). */
static int extension_reserve(SOCKET listener, SOCKET s, uint64_t *cookie)
{
	struct channel *channel;
	bool found = false, before;
	int error;

	if (socket_option(s, SO_DOMAIN) != socket_option(listener, SO_DOMAIN) ||
	    socket_option(s, SO_PROTOCOL) != socket_option(listener, SO_PROTOCOL) ||
	    socket_is_bound(s))
		return WSAEINVAL;
	channel = channel_open(s, &error);
	if (!channel)
		return error;
	before = channel->accepts;
	channel->accepts = true;
	*cookie = channel->cookie;
	channel_unlock(channel);
	if (before)
		extension_cancel(*cookie, extension_note, &found);
	return found ? WSAEINVAL : 0;
}

/* Returns 0 with the cookie, or an error. */
static int extension_listener(SOCKET listener, uint64_t *cookie)
{
	struct channel *channel;
	int error;

	channel = channel_open(listener, &error);
	if (!channel)
		return error;
	channel->accepts = true;
	*cookie = channel->cookie;
	channel_unlock(channel);
	return 0;
}

/* The room that an address of the socket's family needs. */
static DWORD extension_room(SOCKET s)
{
	switch (socket_option(s, SO_DOMAIN)) {
	case AF_INET:
		return sizeof(struct sockaddr_in) + EXTENSION_ROOM;
	case AF_INET6:
		return sizeof(struct sockaddr_in6) + EXTENSION_ROOM;
	default:
		return sizeof(struct sockaddr_storage) + EXTENSION_ROOM;
	}
}

static int extension_begin_accept(const struct overlapped_call *call, SOCKET s,
				  const DWORD name_sizes[2])
{
	DWORD room = extension_room(call->s);
	struct operation *operation;
	struct operation_accept accept = {
		.s = s,
		.names = call->buffers->buf + call->buffers->len,
		.name_sizes = { name_sizes[0], name_sizes[1] },
	};
	int error;

	if (name_sizes[0] < room || name_sizes[1] < room || !option_readable(accept.names, room))
		return error_fail(WSAEFAULT);
	if (socket_option(call->s, SO_ACCEPTCONN) <= 0 || s == call->s)
		return error_fail(WSAEINVAL);
	upper_begin();
	error = extension_reserve(call->s, s, &accept.cookie);
	if (!error)
		error = extension_listener(call->s, &accept.listener);
	if (!error)
		error = overlapped_make(call, &operation);
	if (error)
		return error_fail(error);
	operation->accept = accept;
	operation->prepare = extension_accept;
	error = overlapped_issue(call, operation);
	layer_happened(call->s, LAYER_ACCEPTING);
	return error;
}

WINSOCK_API BOOL AcceptEx(SOCKET listener, SOCKET s, LPVOID buffer, DWORD data_size,
			  DWORD local_size, DWORD remote_size, LPDWORD received,
			  LPOVERLAPPED overlapped)
{
	const DWORD name_sizes[2] = { local_size, remote_size };
	WSABUF data = { data_size, buffer };
	struct overlapped_call call = {
		.s = listener, .buffers = &data, .count = 1, .moved = received,
		.overlapped = overlapped, .direction = IO_RECEIVE,
	};
	BORDER;

	STARTED_OR(FALSE);
	if (!socket_check(listener) || !socket_check(s))
		return FALSE;
	if (!overlapped)
		return !error_fail(ERROR_INVALID_PARAMETER);
	return !extension_begin_accept(&call, s, name_sizes);
}

static struct sockaddr *extension_name(char *room, DWORD size, LPINT length)
{
	socklen_t stored;

	memcpy(&stored, room + size - sizeof(stored), sizeof(stored));
	*length = stored;
	return (struct sockaddr *)room;
}

WINSOCK_API void GetAcceptExSockaddrs(LPVOID buffer, DWORD data_size, DWORD local_size,
				      DWORD remote_size, struct sockaddr **local,
				      LPINT local_length, struct sockaddr **remote,
				      LPINT remote_length)
{
	char *room = (char *)buffer + data_size;

	*local = extension_name(room, local_size, local_length);
	*remote = extension_name(room + local_size, remote_size, remote_length);
}

/* A connect has ended. */
static int extension_connected(struct operation *operation, int error)
{
	struct channel *channel = operation->channel;

	if (!error)
		handle_mark(channel->s, HANDLE_CONNECTED);
	pthread_mutex_lock(&channel->handle->lock);
	netevent_connect_ended(channel, error_from_errno(error));
	channel_unlock(channel);
	return -error;
}

static int extension_go_on(struct operation *operation)
{
	struct pollfd polled = { operation->channel->s, POLLOUT, 0 };

	int error;

	if (poll(&polled, 1, 0) < 1)
		return -EAGAIN;
	error = socket_option(polled.fd, SO_ERROR);
	return extension_connected(operation, error < 0 ? EBADF : error);
}

static int extension_connect(struct operation *operation)
{
	struct channel *channel = operation->channel;
	SOCKET s = channel->s;
	int error;

	pthread_mutex_lock(&channel->handle->lock);
	channel->connect_error = 0;
	channel->enabled |= FD_CONNECT;
	channel_unlock(channel);
	error = socket_begin_connect(s, (struct sockaddr *)&operation->name,
				     operation->message.msg_namelen, fcntl(s, F_GETFL));

	if (error && error != EINPROGRESS)
		return -error;
	/* The transfer goes to the connection's peer. */
	operation->message.msg_name = NULL;
	operation->message.msg_namelen = 0;
	operation->prepare = extension_go_on;
	return error ? -EAGAIN : extension_connected(operation, 0);
}

static int extension_begin_connect(const struct overlapped_call *call)
{
	struct operation *operation;
	int error;

	if (!call->to || socket_is_short(call->s, call->to_size) ||
	    (call->buffers->len && !option_readable(call->buffers->buf, call->buffers->len)))
		return error_fail(WSAEFAULT);
	if (!socket_is_stream(call->s) || !socket_is_bound(call->s) ||
	    socket_option(call->s, SO_ACCEPTCONN) > 0)
		return error_fail(WSAEINVAL);
	if (socket_is_connected(call->s))
		return error_fail(WSAEISCONN);
	if (socket_is_nowhere(call->s, call->to, call->to_size))
		return error_fail(WSAEADDRNOTAVAIL);
	upper_begin();
	error = overlapped_make(call, &operation);
	if (error)
		return error_fail(error);
	operation->prepare = extension_connect;
	return overlapped_issue(call, operation);
}

static BOOL extension_connect_ex(SOCKET s, const struct sockaddr *name, int size, LPVOID buffer,
				 DWORD buffer_size, LPDWORD sent, LPOVERLAPPED overlapped)
{
	WSABUF data = { buffer ? buffer_size : 0, buffer };
	struct overlapped_call call = {
		.s = s, .buffers = &data, .count = 1, .moved = sent, .to = name, .to_size = size,
		.overlapped = overlapped, .direction = IO_SEND,
	};
	BORDER;

	STARTED_OR(FALSE);
	if (!socket_check(s))
		return FALSE;
	if (!overlapped)
		return !error_fail(ERROR_INVALID_PARAMETER);
	return !extension_begin_connect(&call);
}

void *extension_find(const GUID *id)
{
	static const struct {
		GUID id;
		void *function;
	} functions[] = {
		{ WSAID_ACCEPTEX, AcceptEx },
		{ WSAID_CONNECTEX, extension_connect_ex },
		{ WSAID_GETACCEPTEXSOCKADDRS, GetAcceptExSockaddrs },
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!memcmp(id, &functions[i].id, sizeof(*id)))
			return functions[i].function;
	return NULL;
}

/* Other threads of the parent may have held these. */
void extension_forked(void)
{
	pthread_mutex_init(&operation_handing, NULL);
	pthread_mutex_init(&extension_mode, NULL);
}
