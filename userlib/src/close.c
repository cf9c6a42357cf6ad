// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * closesocket: the kernel decides, see uapi/linux/winsock.h.
 *
 * The first question is put as for a non-blocking socket: nearly every close is done with
 * that, and in one step, in which the number goes as well. If the answer is would-block
 * and the socket is blocking, the kernel lingers on its own and the thread waits for
 * the op's descriptor, where it can be alerted and the close be taken back (B9, A14).
 * The number is ours all that time.
 */
#include "cancel.h"
#include "fork.h"
#include "pending.h"
#include "wait.h"

#define CLOSE_FLAGS	(WINSOCK_CLOSE_IF_LAST | WINSOCK_CLOSE_CANCEL)

/**
 * struct closing - a closesocket() under way
 * @s:		the socket
 * @word:	what the table said of it
 * @wait:	threads blocked on it
 * @pending:	operations and associations
 * @call:	the kernel's answer
 * @cancel_state: see cancel.h
 */
struct closing {
	SOCKET s;
	uint64_t word;
	struct wait_close wait;
	struct pending_close pending;
	struct winsock_close call;
	int cancel_state;
};

/*
 * The kernel frees the number in the middle of the call, and another thread may have it
 * before we are back: what we know of it goes first. From then on nothing new begins on
 * the number: an operation in the ring would hold the socket open.
 */
static void close_begin(struct closing *closing, SOCKET s)
{
	closing->s = s;
	closing->cancel_state = cancel_disable();
	wait_close_begin(&closing->wait, s);
	closing->word = table_leave(s);
	pending_close_begin(&closing->pending, s);
}

/* Nothing has happened. */
static int close_undo(struct closing *closing, int error)
{
	table_end(closing->s, closing->word);
	pending_close_end(&closing->pending, PENDING_OPEN);
	wait_close_end(&closing->wait, false);
	cancel_restore(closing->cancel_state);
	return error ? error_fail(error) : 0;
}

static int close_done(struct closing *closing)
{
	bool shared = closing->call.outcome == WINSOCK_OUTCOME_SHARED;

	table_end(closing->s, 0);
	pending_close_end(&closing->pending, shared ? PENDING_SHARED : PENDING_CLOSED);
	wait_close_end(&closing->wait, true);
	cancel_restore(closing->cancel_state);
	return 0;
}

/*
 * The module does not know the socket's family, or is older than families other than
 * TCP (WINSOCK_FEATURE_FAMILIES): close(2) is all there is to do.
 */
static int close_other(struct closing *closing)
{
	closing->call = (struct winsock_close){ .outcome = WINSOCK_OUTCOME_NONE };
	if (close(closing->s) && errno != EINTR)
		return close_undo(closing, error_from_errno(errno));
	return close_done(closing);
}

/*
 * A routine has forked, and this is the child. The close is the parent's, and so are the
 * calls and the operations that it ends, and the right to take it back; here is one of
 * several handles, which just goes (M1).
 */
static void close_forked(struct closing *closing)
{
	closing->wait.engaged = false;
	closing->pending.engaged = false;
	closing->call.outcome = WINSOCK_OUTCOME_SHARED;
}

/* Wait for the end of a pending close, alertably. 0, or WSAEINTR if it was taken back. */
static int close_await(struct closing *closing, struct thread *self)
{
	struct winsock_close *call = &closing->call;
	struct pollfd polled[2] = { { .fd = call->op_fd, .events = POLLIN } };
	struct winsock_record record = { 0 };
	unsigned int generation = fork_generation();
	int none;

	do {
		thread_deliver(self);
		if (fork_generation() != generation) {
			close_forked(closing);
			return 0;
		}
		if (self->cancelled) {
			self->cancelled = 0;
			if (!ioctl(call->op_fd, WINSOCK_IOC_OP_CANCEL, &none))
				return WSAEINTR;
		}
	} while (thread_poll(self, polled, 1, THREAD_FOREVER) < 1);
	if (read(call->op_fd, &record, sizeof(record)) == sizeof(record)) {
		call->outcome = record.outcome;
		call->state = record.state;
		call->elapsed_ns = record.elapsed_ns;
		call->unacked = record.unacked;
	}
	return 0;
}

/*
 * The wait needs a descriptor for the op and one for the thread. A process that has none
 * left closes because of that: then the kernel waits by itself, and no routine runs meanwhile.
 */
static int close_start_linger(struct closing *closing, const struct thread *self)
{
	struct winsock_close *call = &closing->call;
	int result = -1, error;

	call->flags |= WINSOCK_CLOSE_ASYNC | WINSOCK_CLOSE_DETACH;
	if (self)
		result = ioctl(startup_device(), WINSOCK_IOC_CLOSE, call);
	if (!self || (result && (errno == EMFILE || errno == ENFILE))) {
		call->flags &= ~(WINSOCK_CLOSE_ASYNC | WINSOCK_CLOSE_DETACH);
		wait_close_linger(&closing->wait, true);
		result = ioctl(startup_device(), WINSOCK_IOC_CLOSE, call);
		error = errno;
		wait_close_linger(&closing->wait, false);
		errno = error;
	}
	return result;
}

/* A blocking socket with unacknowledged data. */
static int close_linger(struct closing *closing, unsigned int flags)
{
	struct winsock_close *call = &closing->call;
	struct thread *self = NULL;
	int error = thread_block(&self);

	if (error == WSAEINPROGRESS)
		return close_undo(closing, error);
	*call = (struct winsock_close){
		.fd = closing->s,
		.op_fd = -1,
		.mode = WINSOCK_MODE_BLOCKING,
		.flags = CLOSE_FLAGS | flags,
	};
	error = 0;
	/* The last WSACleanup() has to know that the number is ours (X2). */
	table_set(closing->s, TABLE_CLOSING | TABLE_GOING);
	if (close_start_linger(closing, self)) {
		error = error_from_errno(errno);
	} else if (call->result == WINSOCK_RESULT_PENDING) {
		wait_close_linger(&closing->wait, true);
		error = close_await(closing, self);
		wait_close_linger(&closing->wait, false);
	}
	if (call->op_fd >= 0)
		close(call->op_fd);
	if (self)
		thread_unblock(self);
	table_set(closing->s, TABLE_GOING);
	if (error)
		return close_undo(closing, error);
	/* Decided and, as far as the connection goes, carried out: no linger is left. */
	close(closing->s);
	return close_done(closing);
}

static int close_ask(struct closing *closing, unsigned int flags)
{
	struct winsock_close *call = &closing->call;

	*call = (struct winsock_close){
		.fd = closing->s,
		.op_fd = -1,
		.mode = WINSOCK_MODE_NONBLOCKING,
		.flags = CLOSE_FLAGS | WINSOCK_CLOSE_DROP_FD | flags,
	};
	if (ioctl(startup_device(), WINSOCK_IOC_CLOSE, call))
		return errno == EOPNOTSUPP ? close_other(closing)
					   : close_undo(closing, error_from_errno(errno));
	if (call->result != WINSOCK_RESULT_WOULDBLOCK)
		return close_done(closing);
	if (socket_is_nonblocking(closing->s))
		return close_undo(closing, WSAEWOULDBLOCK);
	return close_linger(closing, flags);
}

WINSOCK_API int closesocket(SOCKET s)
{
	return winsock_closesocket(s, 0, NULL);
}

WINSOCK_API int winsock_closesocket(SOCKET s, unsigned int flags,
				    struct winsock_report *report)
{
	struct closing closing;
	int saved = errno, result;

	STARTED_OR(SOCKET_ERROR);
	if (flags & ~WINSOCK_CLOSE_STRICT)
		return error_fail(WSAEINVAL);
	close_begin(&closing, s);
	result = close_ask(&closing, flags);
	if (report && !result)
		*report = (struct winsock_report){
			.outcome = closing.call.outcome,
			.state = closing.call.state,
			.elapsed_ns = closing.call.elapsed_ns,
			.unacked = closing.call.unacked,
		};
	errno = saved;
	return result;
}

WINSOCK_API int winsock_close_begin(SOCKET s, const struct winsock_close_options *options,
				    int *op, struct winsock_report *report)
{
	const unsigned int known = WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DETACH;
	struct closing closing;
	struct winsock_close *call = &closing.call;
	int saved = errno, result = 0;

	STARTED_OR(SOCKET_ERROR);
	if (!op)
		return error_fail(WSAEFAULT);
	if (options && (options->flags & ~known))
		return error_fail(WSAEINVAL);
	close_begin(&closing, s);
	*call = (struct winsock_close){
		.fd = s,
		.op_fd = -1,
		.mode = WINSOCK_MODE_BLOCKING,
		.flags = CLOSE_FLAGS | WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_ASYNC,
	};
	if (options) {
		call->flags |= options->flags;
		call->timeout_ns = options->timeout_ns;
		call->tag = options->tag;
	}
	if (ioctl(startup_device(), WINSOCK_IOC_CLOSE, call)) {
		result = close_undo(&closing, error_from_errno(errno));
	} else {
		*op = call->op_fd;
		if (report && call->result == WINSOCK_RESULT_DONE)
			*report = (struct winsock_report){
				.outcome = call->outcome,
				.state = call->state,
				.elapsed_ns = call->elapsed_ns,
				.unacked = call->unacked,
				.tag = call->tag,
			};
		close_done(&closing);
	}
	errno = saved;
	return result;
}

WINSOCK_API int winsock_query(SOCKET s, struct winsock_query *query)
{
	int saved = errno, result = 0;

	STARTED_OR(SOCKET_ERROR);
	if (!query)
		return error_fail(WSAEFAULT);
	*query = (struct winsock_query){ .fd = s };
	if (ioctl(startup_device(), WINSOCK_IOC_QUERY, query))
		result = error_fail_errno(errno);
	errno = saved;
	return result;
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

	return ioctl(startup_device(), WINSOCK_IOC_ABORT, &call);
}

/*
 * The last WSACleanup: reset what is a connection of nobody else's, and let go. A thread
 * that lingers on it finds it reset, and gives the number up itself.
 */
void close_destroy(SOCKET s)
{
	struct winsock_abort abort = { .fd = s };
	struct closing closing;

	if (table_get(s) & TABLE_CLOSING) {
		ioctl(startup_device(), WINSOCK_IOC_ABORT, &abort);
		return;
	}
	close_begin(&closing, s);
	closing.call = (struct winsock_close){
		.fd = s,
		.op_fd = -1,
		.flags = CLOSE_FLAGS | WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_TIMEOUT,
	};
	if (ioctl(startup_device(), WINSOCK_IOC_CLOSE, &closing.call))
		close(s);
	table_end(s, 0);
	pending_close_end(&closing.pending, PENDING_SILENT);
	wait_close_end(&closing.wait, true);
	cancel_restore(closing.cancel_state);
}

static void close_forget(SOCKET s)
{
	if (table_get(s) & TABLE_CLOSING)
		table_set(s, TABLE_GOING);
}

void close_fork(enum fork_phase phase)
{
	/* Who lingers is in the parent: a child's last cleanup resets nothing of it (X2 M1). */
	if (phase == FORK_CHILD)
		table_each(close_forget);
}

bool close_handle(HANDLE handle)
{
	SOCKET s = (SOCKET)(intptr_t)handle;
	struct closing closing;

	if ((intptr_t)s != (intptr_t)handle || !socket_check(s))
		return false;
	close_begin(&closing, s);
	closing.call.outcome = WINSOCK_OUTCOME_SHARED;	/* who knows */
	close(s);
	close_done(&closing);
	return true;
}
