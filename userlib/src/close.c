// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * closesocket: the kernel decides, see uapi/linux/winsock.h.
 *
 * The kernel is asked once. A close that lingers leaves its op descriptor at the socket's
 * number, which stays ours: the thread waits for that, where it can be alerted and the close
 * be taken back (B9, A14), and gives the number up when the close is over.
 */
#include "close.h"
#include "fork.h"
#include "layer.h"
#include "startup.h"
#include "wait.h"

/* Of close_await(), in the child of a routine that has forked. */
#define CLOSE_FORKED	(-1)

/**
 * struct closing - a closesocket() under way
 * @s:		the socket
 * @handle:	what is known of it, or NULL: no memory
 * @bits:	the bits that it had
 * @going:	the bits that it has until the close ends; they say which close this is
 * @cookie:	the cookie that it had
 * @channel:	the asynchronous side, or NULL
 * @another:	another close has or had the socket: there is none to close
 * @call:	the kernel's answer
 */
struct closing {
	SOCKET s;
	struct handle *handle;
	uint64_t bits;
	uint64_t going;
	uint64_t cookie;
	struct channel *channel;
	bool another;
	struct winsock_close call;
};

/*
 * The kernel frees the number in the middle of the call, and another thread may have it
 * before we are back: what we know of it goes first. From then on nothing new begins on
 * the number.
 */
static void close_begin(struct closing *closing, SOCKET s)
{
	struct handle *handle = handle_make(s);
	uint64_t cookie = 0;

	*closing = (struct closing){ .s = s, .handle = handle };
	if (!handle)
		return;
	/*
	 * Of another close that asks the kernel it shows soon whether there is one to do. The
	 * number may be a stranger's then. One that lingers is all that this one will be told.
	 */
	while ((closing->bits = handle_leave(handle, &closing->going)) & HANDLE_GOING) {
		/* A close has taken the cookie away; AcceptEx() has not. */
		if (!cookie && !atomic_load(&handle->cookie))
			cookie = handle_cookie(s) ?: UINT64_MAX;
		wait_pause();
		closing->another = (closing->bits & HANDLE_LINGERS) ||
				   (cookie && handle_cookie(s) != cookie);
		if (closing->another)
			return;
	}
	wait_close_begin(handle, closing->going);
	if (atomic_load(&handle->channel))
		closing->channel = layer_above()->begin_close(handle);
	closing->cookie = atomic_exchange(&handle->cookie, 0);
}

static void close_end(struct closing *closing, enum layer_close end)
{
	struct handle *handle = closing->handle;
	bool open = end == LAYER_OPEN;

	if (!handle || (closing->bits & HANDLE_GOING))
		return;
	/* The channel first: with the bits the next close may begin. */
	if (closing->channel)
		layer_above()->end_close(handle, closing->channel, end);
	handle_end(handle, closing->going, open ? closing->bits : 0, open ? closing->cookie : 0);
	wait_close_end(handle, closing->going, !open);
}

/* Nothing has happened. */
static int close_undo(struct closing *closing, int error)
{
	close_end(closing, LAYER_OPEN);
	return error_fail(error);
}

/* The same by the kernel's word, unless that is that the socket was gone before. */
static int close_refused(struct closing *closing, int number)
{
	bool gone = number == EBADF || number == ENOTSOCK;

	close_end(closing, gone ? LAYER_CLOSED : LAYER_OPEN);
	return error_fail_errno(number);
}

static int close_done(struct closing *closing)
{
	bool shared = closing->call.record.outcome == WINSOCK_OUTCOME_SHARED;

	close_end(closing, shared ? LAYER_SHARED : LAYER_CLOSED);
	return 0;
}

/* Begin, and ask the kernel. Its errno, or 0: done, or pending with an op descriptor. */
static int close_ask(struct closing *closing, SOCKET s,
		     const struct winsock_close_options *options)
{
	close_begin(closing, s);
	if (closing->another)
		return EBUSY;
	closing->call = (struct winsock_close){
		.fd = s,
		.flags = WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_IF_LAST | WINSOCK_CLOSE_CANCEL |
			 options->flags,
		.cookie = closing->cookie,
		.timeout_ns = options->timeout_ns,
		.tag = options->tag,
	};
	return startup_ioctl(WINSOCK_IOC_CLOSE, &closing->call) ? errno : 0;
}

/* The same for a number that may be another socket's by now: what was known of it is over. */
static int close_ask_known(struct closing *closing, SOCKET s,
			   const struct winsock_close_options *options)
{
	int error = close_ask(closing, s, options);

	if (error != ESTALE)
		return error;
	close_end(closing, LAYER_CLOSED);
	return close_ask(closing, s, options);
}

/* The module does not know the socket's family: close(2) is all there is to do. */
static int close_other(struct closing *closing)
{
	closing->call.record = (struct winsock_record){ 0 };
	if (close(closing->s) && errno != EINTR)
		return close_refused(closing, errno);
	return close_done(closing);
}

/*
 * Close an op's descriptor, unless the program has put another file at its number. No other
 * kind of descriptor refuses so: the op was decided, or to take it back is the parent's.
 */
static void close_op(SOCKET s)
{
	if (ioctl(s, WINSOCK_IOC_OP_CANCEL) && (errno == EPERM || errno == EALREADY))
		close(s);
}

/* Wait alertably. 0: it is over; WSAEINTR: taken back, the socket is at its number again. */
static int close_await(struct closing *closing, struct thread *self)
{
	struct pollfd polled[2] = { { .fd = closing->s, .events = POLLIN } };
	unsigned int generation = fork_generation();

	do {
		thread_deliver(self);
		if (fork_generation() != generation)
			return CLOSE_FORKED;
		if (self->cancelled) {
			self->cancelled = 0;
			if (!ioctl(closing->s, WINSOCK_IOC_OP_CANCEL))
				return WSAEINTR;
		}
	} while (thread_poll(self, polled, 1, THREAD_FOREVER) == THREAD_WOKEN);
	return 0;
}

/* The close is the kernel's, and its op stands at the socket's number. 0 or as above. */
static int close_linger(struct closing *closing)
{
	struct handle *handle = closing->handle;
	struct winsock_record *record = &closing->call.record;
	struct thread *self = NULL;
	int error = 0;

	/* The last WSACleanup() has to know what the number is (X2). */
	if (handle) {
		atomic_store(&handle->bits, HANDLE_LINGERS | closing->going);
		wait_close_end(handle, closing->going, false);
	}
	/* Without memory no routine runs in the wait. */
	if (!thread_block(&self)) {
		error = close_await(closing, self);
		thread_unblock(self);
	}
	if (error == CLOSE_FORKED)
		return error;
	while (!error && read(closing->s, record, sizeof(*record)) < 0 && errno == EINTR)
		;
	if (handle) {
		atomic_store(&handle->bits, closing->going);
		wait_close_begin(handle, closing->going);
	}
	if (!error)
		close_op(closing->s);
	return error;
}

/*
 * A routine has forked, and this is the child, where close_forked() has given the number up.
 * The close is the parent's, and so are the calls and the operations that it ends, and the
 * right to take it back; here was one of several handles (M1).
 */
static int close_in_child(struct closing *closing)
{
	closing->handle = NULL;
	closing->call.record.outcome = WINSOCK_OUTCOME_SHARED;
	return 0;
}

WINSOCK_API int closesocket(SOCKET s)
{
	return winsock_closesocket(s, 0, NULL);
}

/* In a call that interrupts a blocking one nothing may wait (A13, B10). */
static int close_socket(struct closing *closing, SOCKET s, unsigned int flags)
{
	struct winsock_close_options options = { .flags = flags | WINSOCK_CLOSE_DETACH };
	bool inside = thread_is_blocked();
	int error;

	if (inside)
		options.flags |= WINSOCK_CLOSE_NONBLOCKING;
	error = close_ask_known(closing, s, &options);
	if (error == EOPNOTSUPP)
		return close_other(closing);
	if (error == EWOULDBLOCK && inside && !socket_is_nonblocking(s))
		return close_undo(closing, WSAEINPROGRESS);
	if (error)
		return close_refused(closing, error);
	if (closing->call.op_fd >= 0)
		error = close_linger(closing);
	if (error == CLOSE_FORKED)
		return close_in_child(closing);
	return error ? close_undo(closing, error) : close_done(closing);
}

WINSOCK_API int winsock_closesocket(SOCKET s, unsigned int flags,
				    struct winsock_record *record)
{
	struct closing closing;
	int result;
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (flags & ~WINSOCK_CLOSE_STRICT)
		return error_fail(WSAEINVAL);
	result = close_socket(&closing, s, flags);
	if (record && !result)
		*record = closing.call.record;
	return result;
}

WINSOCK_API int winsock_close_begin(SOCKET s, const struct winsock_close_options *options,
				    int *op, struct winsock_record *record)
{
	const unsigned int known = WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DETACH;
	struct winsock_close_options how = { 0 };
	struct closing closing;
	int error;
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (!op)
		return error_fail(WSAEFAULT);
	if (options)
		how = *options;
	if (how.flags & ~known)
		return error_fail(WSAEINVAL);
	how.flags |= WINSOCK_CLOSE_BLOCKING;
	error = close_ask_known(&closing, s, &how);
	if (error) {
		error = close_refused(&closing, error);
	} else {
		*op = closing.call.op_fd;
		if (record && *op < 0)
			*record = closing.call.record;
		close_done(&closing);
		/* It may be taken back. */
		if (*op >= 0 && closing.handle)
			handle_end(closing.handle, 0, closing.bits, closing.cookie);
	}
	return error;
}

WINSOCK_API int winsock_query(SOCKET s, struct winsock_query *query)
{
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (!query)
		return error_fail(WSAEFAULT);
	*query = (struct winsock_query){ .fd = s };
	return startup_ioctl(WINSOCK_IOC_QUERY, query) ? error_fail_errno(errno) : 0;
}

/* ATM knows no half-close: ending one direction ends the circuit (X8). */
bool close_is_whole(SOCKET s)
{
	int family = socket_option(s, SO_DOMAIN);

	return family == AF_ATMPVC || family == AF_ATMSVC;
}

int close_circuit(SOCKET s)
{
	struct winsock_abort call = { .fd = s };

	return startup_ioctl(WINSOCK_IOC_ABORT, &call);
}

/*
 * The last WSACleanup resets a connection that no other handle has, and lets go. A close that
 * lingers is over then, and its thread gives the number up itself.
 */
void close_destroy(SOCKET s, struct handle *handle)
{
	static const struct winsock_close_options hard = { .flags = WINSOCK_CLOSE_TIMEOUT };
	uint64_t bits = atomic_load(&handle->bits);
	struct closing closing;
	int error;

	if (bits & HANDLE_LINGERS)
		ioctl(s, WINSOCK_IOC_OP_ABORT);
	if (!(bits & HANDLE_OURS))
		return;
	error = close_ask(&closing, s, &hard);
	/* A number that is another socket's, or none, is not ours to close. */
	if (error == EOPNOTSUPP && handle_cookie(s) == closing.cookie)
		close(s);
	close_end(&closing, LAYER_SILENT);
}

/*
 * A close that another thread of the parent's was in, or that forked itself. The child has a
 * copy of its op, and closes that; a socket that is not closed yet it has as any other handle.
 */
static void close_forget(SOCKET s, struct handle *handle)
{
	if (!(atomic_load(&handle->bits) & HANDLE_GOING))
		return;
	close_op(s);
	atomic_store(&handle->bits, 0);
	atomic_store(&handle->cookie, 0);
}

void close_forked(void)
{
	handle_each(close_forget);
}

bool close_handle(HANDLE handle)
{
	SOCKET s = (SOCKET)(intptr_t)handle;
	struct closing closing;

	if ((intptr_t)s != (intptr_t)handle || !socket_check(s))
		return false;
	close_begin(&closing, s);
	closing.call.record.outcome = WINSOCK_OUTCOME_SHARED;	/* who knows */
	close(s);
	close_done(&closing);
	return true;
}
