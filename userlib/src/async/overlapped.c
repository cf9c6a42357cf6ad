// SPDX-License-Identifier: LGPL-2.1-or-later
/* WSASend() and its like: make operations of their arguments. */
#include <stdlib.h>

#include "close.h"
#include "extension.h"
#include "layer.h"
#include "overlapped.h"
#include "upper.h"

/* vm.mmap_min_addr: no memory is mapped below. */
#define OVERLAPPED_FIRST_PAGE	4096

static void overlapped_copy(const struct overlapped_call *call, struct iovec *vector)
{
	for (DWORD i = 0; i < call->count; i++)
		vector[i] = (struct iovec){ call->buffers[i].buf, call->buffers[i].len };
}

static size_t overlapped_size(const struct overlapped_call *call)
{
	size_t size = 0;

	for (DWORD i = 0; i < call->count; i++)
		size += call->buffers[i].len;
	return size;
}

static void overlapped_free(struct iovec **vector)
{
	free(*vector);
}

/* A plain call on several buffers. */
static int overlapped_plain(const struct overlapped_call *call)
{
	struct iovec *vector CLEANUP(overlapped_free) = calloc(call->count, sizeof(*vector));
	struct msghdr message = { .msg_iov = vector, .msg_iovlen = call->count };
	ssize_t moved;
	bool cut;

	if (!vector)
		return error_fail(WSAENOBUFS);
	overlapped_copy(call, vector);
	if (call->direction == IO_SEND) {
		message.msg_name = (void *)call->to;
		message.msg_namelen = call->to_size;
	} else {
		message.msg_name = call->from;
		message.msg_namelen = call->from_size ? *call->from_size : 0;
	}
	moved = io_transfer(call->s, &message, call->flags, call->direction);
	cut = moved < 0 && (message.msg_flags & MSG_TRUNC) && WSAGetLastError() == WSAEMSGSIZE;
	if (call->direction == IO_RECEIVE && (moved >= 0 || cut)) {
		if (call->from_size)
			*call->from_size = message.msg_namelen;
		if (call->told)
			*call->told = message.msg_flags & (MSG_OOB | MSG_PARTIAL);
	}
	if (call->moved && (moved >= 0 || cut))
		*call->moved = cut ? overlapped_size(call) : (size_t)moved;
	return moved < 0 ? SOCKET_ERROR : 0;
}

int overlapped_make(const struct overlapped_call *call, struct operation **made)
{
	HANDLE event = (HANDLE)((uintptr_t)call->overlapped->hEvent & ~(uintptr_t)1);
	struct thread *self = thread_self();
	struct operation *op;

	if (call->to && (call->to_size < 0 || (size_t)call->to_size > sizeof(op->name)))
		return WSAEFAULT;
	op = self ? calloc(1, sizeof(*op) + call->count * sizeof(*op->buffers)) : NULL;
	if (!op)
		return WSAENOBUFS;
	/* With a routine the program may use the field. */
	if (event && !call->routine && !(op->event = event_get(event))) {
		free(op);
		return WSA_INVALID_HANDLE;
	}
	overlapped_copy(call, op->buffers);
	op->direction = call->direction;
	op->overlapped = call->overlapped;
	op->function = call->routine;
	op->flags = call->flags;
	op->message.msg_iov = op->buffers;
	op->message.msg_iovlen = call->count;
	if (call->to) {
		memcpy(&op->name, call->to, call->to_size);
		op->message.msg_name = &op->name;
		op->message.msg_namelen = call->to_size;
	} else if (call->from && call->from_size) {
		op->message.msg_name = call->from;
		op->message.msg_namelen = *call->from_size;
		op->from_size = call->from_size;
	}
	op->left = overlapped_size(call);
	op->thread = self;
	thread_hold(self);
	*made = op;
	return 0;
}

/* Returns 0 if it is begun or queued. */
static int overlapped_begin(struct operation *op, SOCKET s, struct operation_call *result)
{
	struct channel *channel;
	int error;

	channel = channel_open(s, &error);
	if (!channel)
		return error;
	if (op->function && channel->port) {
		channel_unlock(channel);
		return WSAEINVAL;
	}
	op->whole = channel->stream &&
		    (op->direction == IO_SEND ||
		     (op->flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL);
	if (op->event)
		event_reset(op->event);
	op->overlapped->InternalHigh = 0;
	op->overlapped->Internal = STATUS_PENDING;
	operation_begin(channel, op, result);
	channel_unlock(channel);
	return 0;
}

int overlapped_issue(const struct overlapped_call *call, struct operation *operation)
{
	struct operation_call result = { 0 };
	int error = overlapped_begin(operation, call->s, &result);

	if (error) {
		operation_free(operation);
		return error_fail(error);
	}
	if (call->told)
		layer_happened(call->s, LAYER_RECEIVED);
	if (!result.done)
		return error_fail(WSA_IO_PENDING);
	if (call->told)
		*call->told = result.flags;
	/* The part of a datagram that fits counts. */
	if (call->moved && (!result.error || result.error == WSAEMSGSIZE))
		*call->moved = result.moved;
	return result.error ? error_fail(result.error) : 0;
}

static int overlapped_start(const struct overlapped_call *call)
{
	struct operation *op;
	int error;

	/* A number with a channel is a socket. */
	if (!layer_handle(call->s) && !socket_check(call->s))
		return SOCKET_ERROR;
	if (!call->count || call->count > 1024)
		return error_fail(WSAEINVAL);
	/*
	 * A check by the kernel would cost more than the transfer: only small pointers are caught.
	 */
	if ((uintptr_t)call->buffers < OVERLAPPED_FIRST_PAGE)
		return error_fail(WSAEFAULT);
	/* A stream has no use for them. To ask what the socket is may take a system call. */
	if (((call->to && socket_is_short(call->s, call->to_size)) ||
	     (call->from && call->from_size && socket_is_short(call->s, *call->from_size))) &&
	    !socket_is_stream(call->s))
		return error_fail(WSAEFAULT);
	if (!call->overlapped)
		return overlapped_plain(call);
	upper_begin();
	error = io_refuse(call->s, call->direction);
	if (!error)
		error = overlapped_make(call, &op);
	return error ? error_fail(error) : overlapped_issue(call, op);
}

static int overlapped_call(const struct overlapped_call *call)
{
	BORDER_OF_WAIT;

	STARTED_OR(SOCKET_ERROR);
	return overlapped_start(call);
}

WINSOCK_API int WSASendTo(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
			  const struct sockaddr *to, int to_size, LPWSAOVERLAPPED overlapped,
			  LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct overlapped_call call = {
		.s = s, .buffers = buffers, .count = count, .moved = sent, .flags = flags,
		.to = to, .to_size = to ? to_size : 0,
		.overlapped = overlapped, .routine = routine, .direction = IO_SEND,
	};

	return overlapped_call(&call);
}

WINSOCK_API int WSASend(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
			LPWSAOVERLAPPED overlapped,
			LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	return WSASendTo(s, buffers, count, sent, flags, NULL, 0, overlapped, routine);
}

WINSOCK_API int WSARecvFrom(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received,
			    LPDWORD flags, struct sockaddr *from, LPINT from_size,
			    LPWSAOVERLAPPED overlapped,
			    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct overlapped_call call = {
		.s = s, .buffers = buffers, .count = count, .moved = received,
		/* Programs hand back the MSG_PARTIAL they got; Linux would discard data for it. */
		.flags = flags ? *flags & ~MSG_PARTIAL : 0, .told = flags,
		.from = from, .from_size = from_size,
		.overlapped = overlapped, .routine = routine, .direction = IO_RECEIVE,
	};

	return overlapped_call(&call);
}

WINSOCK_API int WSARecv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received,
			LPDWORD flags, LPWSAOVERLAPPED overlapped,
			LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	return WSARecvFrom(s, buffers, count, received, flags, NULL, NULL, overlapped, routine);
}

WINSOCK_API BOOL WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED overlapped,
					LPDWORD transferred, BOOL wait, LPDWORD flags)
{
	BORDER_OF_WAIT;

	(void)s;
	STARTED_OR(FALSE);
	if (!overlapped || !transferred || !flags) {
		error_fail(WSAEFAULT);
		return FALSE;
	}
	if (!HasOverlappedIoCompleted(overlapped) && (!wait || !operation_await(overlapped))) {
		error_fail(wait ? WSA_NOT_ENOUGH_MEMORY : WSA_IO_INCOMPLETE);
		return FALSE;
	}
	*transferred = overlapped->InternalHigh;
	*flags = overlapped->Offset;
	if (!overlapped->Internal)
		return TRUE;
	error_fail(overlapped->OffsetHigh);
	return FALSE;
}

WINSOCK_API BOOL GetOverlappedResult(HANDLE file, LPOVERLAPPED overlapped, LPDWORD transferred,
				     BOOL wait)
{
	DWORD flags;

	if (WSAGetOverlappedResult((SOCKET)(intptr_t)file, overlapped, transferred, wait, &flags))
		return TRUE;
	if (overlapped && (overlapped->Internal & OPERATION_FAILED) == OPERATION_FAILED)
		error_fail(overlapped->Internal ^ OPERATION_FAILED);
	return FALSE;
}

static bool overlapped_is(const struct operation *operation, const void *overlapped)
{
	return !overlapped || operation->overlapped == overlapped;
}

static bool overlapped_is_of(const struct operation *operation, const void *thread)
{
	return operation->thread == thread;
}

/* Returns 1, 0: there is none, or -1 with the error: no socket. */
static int overlapped_cancel(HANDLE file,
			     bool (*wanted)(const struct operation *operation, const void *what),
			     const void *what)
{
	SOCKET s = (SOCKET)(intptr_t)file;
	struct channel *channel;
	uint64_t accepts;
	bool found;

	if (object_is_handle(file) || !socket_check(s))
		return error_fail(ERROR_INVALID_HANDLE);
	channel = channel_find(s);
	if (!channel)
		return 0;
	found = operation_cancel(channel, wanted, what);
	accepts = channel->accepts ? channel->cookie : 0;
	channel_unlock(channel);
	return extension_cancel(accepts, wanted, what) || found;
}

WINSOCK_API BOOL CancelIoEx(HANDLE file, LPOVERLAPPED overlapped)
{
	int found;
	BORDER;

	found = overlapped_cancel(file, overlapped_is, overlapped);
	if (!found)
		error_fail(ERROR_NOT_FOUND);
	return found > 0;
}

WINSOCK_API BOOL CancelIo(HANDLE file)
{
	BORDER;

	return overlapped_cancel(file, overlapped_is_of, thread_self()) >= 0;
}

static int overlapped_associate(SOCKET s, struct port *port, ULONG_PTR key)
{
	struct channel *channel;
	int error;

	if (!socket_check(s))
		return ERROR_INVALID_HANDLE;
	upper_begin();
	channel = channel_open(s, &error);
	if (!channel)
		return error == WSAENOTSOCK ? ERROR_INVALID_HANDLE : ERROR_NOT_ENOUGH_MEMORY;
	if (channel->port) {
		error = ERROR_INVALID_PARAMETER;
	} else {
		channel->port = port_hold(port);
		channel->key = key;
		error = 0;
	}
	channel_unlock(channel);
	return error;
}

WINSOCK_API HANDLE CreateIoCompletionPort(HANDLE file, HANDLE existing, ULONG_PTR key,
					  DWORD threads)
{
	HANDLE handle = existing;
	struct port *port;
	int error = 0;
	BORDER;

	(void)threads;
	if (file == INVALID_HANDLE_VALUE && existing) {
		error_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	if (!existing)
		handle = port_make();
	port = handle ? port_get(handle) : NULL;
	if (!port)
		return NULL;
	if (file != INVALID_HANDLE_VALUE)
		error = overlapped_associate((SOCKET)(intptr_t)file, port, key);
	port_put(port);
	if (!error)
		return handle;
	if (!existing)
		object_close(handle);
	error_fail(error);
	return NULL;
}
