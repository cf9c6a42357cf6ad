// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * closesocket: the kernel decides, see uapi/linux/winsock.h.
 *
 * The library asks the kernel once. A close that lingers leaves its op descriptor at the socket's
 * number. The thread waits for that alertably, so that the close can be taken back (B9, A14), and
 * closes the descriptor when the close is final.
 */
#include "close.h"
#include "fork.h"
#include "layer.h"
#include "startup.h"
#include "wait.h"

/* Result of close_await() in the child, if a routine has called fork(). */
#define CLOSE_FORKED	(-1)

/**
 * struct closing - a closesocket() under way
 * @s:		the socket
 * @handle:	its state in the library, or NULL: no memory
 * @bits:	the bits that it had
 * @going:	the bits that it has until the close ends; they identify this close
 * @cookie:	the cookie that it had
 * @channel:	the asynchronous side, or NULL
 * @another:	another close has or had the socket, so this one has none to close
 * @call:	the kernel's answer
 * @generation:	of the process, when the wait began
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
	unsigned int generation;
};

/*
 * Clear the library's state of the number first: the kernel frees the number during the call, and
 * another thread may get it before the call returns. From then on no new operation begins on the
 * number.
 */
static void close_begin(struct closing *closing, SOCKET s)
{
	struct handle *handle = handle_make(s);
	uint64_t cookie = 0;

	/* @call is the caller's to set. */
	closing->s = s;
	closing->handle = handle;
	closing->bits = 0;
	closing->going = 0;
	closing->cookie = 0;
	closing->channel = NULL;
	closing->another = false;
	if (!handle)
		return;
	/*
	 * If another close is asking the kernel, wait until it is known whether this one still has
	 * a socket to close: the number may be another socket's then. If the other close lingers,
	 * this one fails at once.
	 */
	while ((closing->bits = handle_leave(handle, &closing->going)) & HANDLE_GOING) {
		/*
		 * After a close the number may be a stranger's. After AcceptEx(), which changes the
		 * cookie, it is still the program's.
		 */
		if (!cookie && !(closing->bits & HANDLE_ACCEPTS))
			cookie = atomic_load(&handle->cookie) ?: handle_cookie(s) ?: UINT64_MAX;
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
	/* The channel first: from handle_end() on the next close may begin. */
	if (closing->channel)
		layer_above()->end_close(handle, closing->channel, end);
	handle_end(handle, closing->going, open ? closing->bits : 0, open ? closing->cookie : 0);
	wait_close_end(handle, closing->going, !open);
}

/* Fail; the socket is as before. */
static int close_undo(struct closing *closing, int error)
{
	close_end(closing, LAYER_OPEN);
	return error_fail(error);
}

/* Fail with the kernel's error. With EBADF or ENOTSOCK the socket was gone before. */
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

/* Begin, and ask the kernel. Returns its errno, or 0: done, or pending with an op descriptor. */
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

/* close_ask(); if the number is another socket's now (ESTALE), end the old state and ask again. */
static int close_ask_known(struct closing *closing, SOCKET s,
			   const struct winsock_close_options *options)
{
	int error = close_ask(closing, s, options);

	if (error != ESTALE)
		return error;
	close_end(closing, LAYER_CLOSED);
	return close_ask(closing, s, options);
}

/* The module does not know the socket's family: close with close(2). */
static int close_other(struct closing *closing)
{
	closing->call.record = (struct winsock_record){ 0 };
	if (close(closing->s) && errno != EINTR)
		return close_refused(closing, errno);
	return close_done(closing);
}

/*
 * Close an op's descriptor, unless the program has put another file at its number. Only an op
 * answers CANCEL with EPERM (the parent began the close) or EALREADY (it is decided).
 */
static void close_op(SOCKET s)
{
	if (ioctl(s, WINSOCK_IOC_OP_CANCEL) && (errno == EPERM || errno == EALREADY))
		close(s);
}

/* Wait alertably. Returns 0: final; WSAEINTR: taken back, the socket is at its number again. */
static int close_await(struct closing *closing, struct thread *self)
{
	struct pollfd polled[2] = { { .fd = closing->s, .events = POLLIN } };
	/* A close that has begun goes on to its end. */
	BORDER_ASLEEP(PTHREAD_CANCEL_DISABLE);

	closing->generation = fork_generation();
	do {
		thread_deliver(self);
		if (fork_generation() != closing->generation)
			return CLOSE_FORKED;
		if (self->cancelled) {
			self->cancelled = 0;
			if (!ioctl(closing->s, WINSOCK_IOC_OP_CANCEL))
				return WSAEINTR;
		}
	} while (thread_poll(self, polled, 1, THREAD_FOREVER) == THREAD_WOKEN);
	return 0;
}

/* The wait is over: from now on calls on the number wait for the end of the close. */
static void close_awaited(struct closing *closing)
{
	if (!closing->handle)
		return;
	atomic_store(&closing->handle->bits, closing->going);
	wait_close_begin(closing->handle, closing->going);
}

/* A routine has ended its thread: the kernel's op goes on, and has its deadline. */
static void close_abandon(struct closing **unfinished)
{
	struct closing *closing = *unfinished;

	if (!closing)
		return;
	thread_unblock(thread_self());
	/* In a child the close is the parent's. */
	if (fork_generation() != closing->generation)
		return;
	close_awaited(closing);
	/* Unless the program has put another socket at the number. */
	if (!handle_cookie(closing->s))
		close(closing->s);
	close_end(closing, LAYER_CLOSED);
}

/* Wait for the op, which has the socket's number. Returns as close_await(). */
static int close_linger(struct closing *closing)
{
	struct handle *handle = closing->handle;
	struct winsock_record *record = &closing->call.record;
	struct thread *self = NULL;
	int error = 0;

	/* The last WSACleanup() must see that the number is an op's (X2). */
	if (handle) {
		atomic_store(&handle->bits, HANDLE_LINGERS | closing->going);
		wait_close_end(handle, closing->going, false);
	}
	/* Without memory no routine runs in the wait. */
	if (!thread_block(&self)) {
		struct closing *unfinished CLEANUP(close_abandon) = closing;

		error = close_await(closing, self);
		unfinished = NULL;
		thread_unblock(self);
	}
	if (error == CLOSE_FORKED)
		return error;
	while (!error && read(closing->s, record, sizeof(*record)) < 0 && errno == EINTR)
		;
	close_awaited(closing);
	if (!error)
		close_op(closing->s);
	return error;
}

/*
 * A routine has called fork(), and this is the child, where close_forked() has closed the number.
 * The close remains the parent's, and so do its operations and the right to take it back: the child
 * had one of several handles (M1).
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

/* A call that interrupts a blocking one must not wait (A13, B10). */
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
		/* Keep the state for winsock_close_cancel(). */
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

/* ATM has no half-close: ending one direction ends the circuit (X8). */
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
 * For the last WSACleanup(): reset a connection that no other process has, and close. It aborts a
 * close that lingers, whose thread then closes the number itself.
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
	/* Do not close a number that is another socket's by now. */
	if (error == EOPNOTSUPP && handle_cookie(s) == closing.cookie)
		close(s);
	close_end(&closing, LAYER_SILENT);
}

/*
 * In the child: a thread of the parent was in a close, or the close's routine has called fork().
 * Close the child's copy of the op's descriptor; a socket that is not closed yet stays open.
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
	static const struct winsock_close_options alone = {
		.flags = WINSOCK_CLOSE_BLOCKING | WINSOCK_CLOSE_DETACH
	};
	SOCKET s = (SOCKET)(intptr_t)handle;
	struct closing closing;

	if ((intptr_t)s != (intptr_t)handle || !socket_check(s))
		return false;
	/* If it lingers the kernel has an op, whose descriptor is at the number. */
	if (close_ask_known(&closing, s, &alone)) {
		if (closing.another) {
			error_fail(ERROR_INVALID_HANDLE);
			return false;
		}
		closing.call.record.outcome = WINSOCK_OUTCOME_SHARED;	/* perhaps */
		/* Do not close a number that is another socket's by now. */
		if (!closing.cookie || handle_cookie(s) == closing.cookie)
			close(s);
	} else if (closing.call.op_fd >= 0) {
		close(closing.call.op_fd);
	}
	close_done(&closing);
	return true;
}
