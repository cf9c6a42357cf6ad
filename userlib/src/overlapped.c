// SPDX-License-Identifier: LGPL-2.1-or-later
/* WSASend and its like: what the program asks, made into operations. */
#include <stdlib.h>

#include "io.h"
#include "netevent.h"
#include "pending.h"

/* Nothing is mapped below: vm.mmap_min_addr. */
#define OVERLAPPED_FIRST_PAGE	4096

/* What all four calls have in common. */
struct overlapped_call {
	SOCKET s;
	LPWSABUF buffers;
	DWORD count;
	LPDWORD moved;
	DWORD flags;
	LPDWORD told;
	const struct sockaddr *to;
	int to_size;
	struct sockaddr *from;
	LPINT from_size;
	LPWSAOVERLAPPED overlapped;
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
	int direction;
};

static void overlapped_copy(const struct overlapped_call *call, struct iovec *vector)
{
	for (DWORD i = 0; i < call->count; i++)
		vector[i] = (struct iovec){ call->buffers[i].buf, call->buffers[i].len };
}

/* The plain call, on several buffers. */
static int overlapped_plain(const struct overlapped_call *call)
{
	struct iovec *vector = calloc(call->count, sizeof(*vector));
	struct msghdr message = { .msg_iov = vector, .msg_iovlen = call->count };
	int moved;

	if (!vector)
		return error_fail(WSAENOBUFS);
	overlapped_copy(call, vector);
	if (call->direction == RECORD_SEND) {
		message.msg_name = (void *)call->to;
		message.msg_namelen = call->to_size;
		moved = io_send(call->s, &message, call->flags);
	} else {
		message.msg_name = call->from;
		message.msg_namelen = call->from_size ? *call->from_size : 0;
		moved = io_receive(call->s, &message, call->flags);
		if (call->from_size && (moved >= 0 || WSAGetLastError() == WSAEMSGSIZE))
			*call->from_size = message.msg_namelen;
		if (moved >= 0 && call->told)
			*call->told = message.msg_flags & MSG_OOB;
	}
	free(vector);
	if (moved < 0)
		return SOCKET_ERROR;
	if (call->moved)
		*call->moved = moved;
	return 0;
}

/* 0 with the operation, or an error. */
static int overlapped_make(const struct overlapped_call *call, struct op **made)
{
	HANDLE event = (HANDLE)((uintptr_t)call->overlapped->hEvent & ~(uintptr_t)1);
	struct thread *self = thread_self();
	struct op *op;

	if (call->to && (call->to_size < 0 || (size_t)call->to_size > sizeof(op->name)))
		return WSAEFAULT;
	op = self ? calloc(1, sizeof(*op) + call->count * sizeof(*op->buffers)) : NULL;
	if (!op)
		return WSAENOBUFS;
	/* With a routine the field is the program's own. */
	if (event && !call->routine && !(op->event = event_get(event))) {
		free(op);
		return WSA_INVALID_HANDLE;
	}
	overlapped_copy(call, op->buffers);
	op->direction = call->direction;
	op->overlapped = call->overlapped;
	op->routine = call->routine;
	op->flags = call->flags | (call->direction == RECORD_SEND ? MSG_NOSIGNAL : 0);
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
	for (DWORD i = 0; i < call->count; i++)
		op->left += call->buffers[i].len;
	op->thread = self;
	object_hold(&self->object);
	*made = op;
	return 0;
}

/* With the lock: 0 once it is begun or queued. */
static int overlapped_begin(struct op *op, SOCKET s, struct pending_call *result)
{
	struct record *record = record_make(s);
	int error;

	if (!record)
		return error_from_errno(errno);
	if (record->closing)
		return WSAENOTSOCK;
	error = ring_start();
	if (error)
		return error;
	op->whole = record->stream &&
		    (op->direction == RECORD_SEND || (op->flags & MSG_WAITALL));
	if (op->event)
		event_reset(op->event);
	op->overlapped->InternalHigh = 0;
	op->overlapped->Internal = STATUS_PENDING;
	pending_begin(record, op, result);
	return 0;
}

static int overlapped_start(const struct overlapped_call *call)
{
	struct pending_call result = { 0 };
	struct op *op;
	int error;

	/* What has a record is a socket. */
	if (!table_record(call->s) && !socket_check(call->s))
		return SOCKET_ERROR;
	if (!call->count || call->count > 1024)
		return error_fail(WSAEINVAL);
	/* Asking the kernel costs more than the transfer: so much for mistakes. */
	if ((uintptr_t)call->buffers < OVERLAPPED_FIRST_PAGE)
		return error_fail(WSAEFAULT);
	if (!call->overlapped)
		return overlapped_plain(call);
	error = io_refuse(call->s, call->direction == RECORD_RECEIVE);
	if (error)
		return error_fail(error);
	error = overlapped_make(call, &op);
	if (error)
		return error_fail(error);

	record_lock();
	error = overlapped_begin(op, call->s, &result);
	record_unlock();
	if (error) {
		pending_discard(op);
		return error_fail(error);
	}
	if (call->direction == RECORD_RECEIVE)
		netevent_received(call->s);
	if (!result.done)
		return error_fail(WSA_IO_PENDING);
	if (result.error)
		return error_fail(result.error);
	if (call->moved)
		*call->moved = result.moved;
	if (call->told)
		*call->told = result.flags;
	return 0;
}

static int overlapped_call(const struct overlapped_call *call)
{
	int saved = errno, result;

	STARTED_OR(SOCKET_ERROR);
	result = overlapped_start(call);
	errno = saved;
	return result;
}

WINSOCK_API int WSASendTo(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
			  const struct sockaddr *to, int to_size, LPWSAOVERLAPPED overlapped,
			  LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct overlapped_call call = {
		.s = s, .buffers = buffers, .count = count, .moved = sent, .flags = flags,
		.to = to, .to_size = to ? to_size : 0,
		.overlapped = overlapped, .routine = routine, .direction = RECORD_SEND,
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
		.flags = flags ? *flags : 0, .told = flags,
		.from = from, .from_size = from_size,
		.overlapped = overlapped, .routine = routine, .direction = RECORD_RECEIVE,
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
	(void)s;
	STARTED_OR(FALSE);
	if (!overlapped || !transferred || !flags) {
		error_fail(WSAEFAULT);
		return FALSE;
	}
	if (!HasOverlappedIoCompleted(overlapped) && !wait) {
		error_fail(WSA_IO_INCOMPLETE);
		return FALSE;
	}
	pending_await(overlapped);
	*transferred = overlapped->InternalHigh;
	*flags = overlapped->Offset;
	if (!overlapped->Internal)
		return TRUE;
	error_fail(overlapped->OffsetHigh);
	return FALSE;
}

WINSOCK_API BOOL CancelIoEx(HANDLE file, LPOVERLAPPED overlapped)
{
	SOCKET s = (SOCKET)(intptr_t)file;
	struct record *record;
	int saved = errno;
	bool found;

	if (object_is_handle(file) || !socket_check(s)) {
		errno = saved;
		error_fail(ERROR_INVALID_HANDLE);
		return FALSE;
	}
	record_lock();
	record = record_find(s);
	found = record && pending_cancel(record, overlapped);
	record_unlock();
	errno = saved;
	if (!found)
		error_fail(ERROR_NOT_FOUND);
	return found;
}
