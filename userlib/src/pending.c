// SPDX-License-Identifier: LGPL-2.1-or-later
/* Overlapped operations. See pending.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "helper.h"
#include "io.h"
#include "netevent.h"
#include "order.h"
#include "pending.h"

#define PENDING_CANCELLED	0xc0000120U	/* STATUS_CANCELLED */
#define PENDING_FAILED		0xe0000000U	/* with the error */

/* Broadcast with each completion, for pending_await(). */
static pthread_mutex_t pending_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pending_done = PTHREAD_COND_INITIALIZER;
static unsigned int pending_waiters;	/* under pending_mutex */

/*
 * The operation that a call is just starting, and what the call is to be told of it; a
 * failure is told to nobody else. Under the records' lock.
 */
static struct op *pending_new;
static struct pending_call *pending_call;

static void pending_start(struct record *record, int direction);

static void pending_free(struct op *op)
{
	event_put(op->event);
	if (op->thread)
		object_put(&op->thread->object);
	free(op);
}

void pending_discard(struct op *op)
{
	pending_free(op);
}

static void pending_packet_free(struct packet *packet)
{
	pending_free((struct op *)((char *)packet - offsetof(struct op, packet)));
}

static void pending_apc_run(struct apc *apc, bool cancelled)
{
	struct op *op = (struct op *)((char *)apc - offsetof(struct op, apc));
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = op->routine;
	LPWSAOVERLAPPED overlapped = op->overlapped;
	DWORD error = op->error, moved = op->moved, flags = op->told;

	pending_free(op);
	if (!cancelled)
		routine(error, moved, overlapped, flags);
}

static void pending_store(const struct op *op)
{
	LPWSAOVERLAPPED overlapped = op->overlapped;
	ULONG_PTR status = 0;

	if (op->error == WSA_OPERATION_ABORTED)
		status = PENDING_CANCELLED;
	else if (op->error)
		status = PENDING_FAILED | op->error;
	overlapped->InternalHigh = op->moved;
	overlapped->Offset = op->told;
	overlapped->OffsetHigh = op->error;
	/* HasOverlappedIoCompleted() looks at this alone. */
	__atomic_store_n(&overlapped->Internal, status, __ATOMIC_RELEASE);
}

/* Does the completion go to the port? */
static struct port *pending_port(const struct op *op)
{
	if (op->routine || ((uintptr_t)op->overlapped->hEvent & 1))
		return NULL;
	return op->record->port;
}

/* The one completion. @silent: nobody is told. */
static void pending_complete(struct op *op, bool silent)
{
	struct port *port = pending_port(op);

	if (op == pending_new) {
		*pending_call = (struct pending_call){ true, op->error, op->moved, op->told };
		silent |= op->error != 0;
		pending_new = NULL;
	}
	op->thread->operations--;
	pending_store(op);
	if (op->event && !silent)
		event_set(op->event);
	pthread_mutex_lock(&pending_mutex);
	if (pending_waiters)
		pthread_cond_broadcast(&pending_done);
	pthread_mutex_unlock(&pending_mutex);

	if (!silent && op->routine) {
		op->apc.run = pending_apc_run;
		if (thread_queue(op->thread, &op->apc))
			return;
	} else if (!silent && port) {
		op->packet.entry = (OVERLAPPED_ENTRY){
			.lpCompletionKey = op->record->key,
			.lpOverlapped = op->overlapped,
			.Internal = op->error,
			.dwNumberOfBytesTransferred = op->moved,
		};
		op->packet.free = pending_packet_free;
		port_post(port, &op->packet);
		return;
	}
	pending_free(op);
}

static struct op *pending_pop(struct record_queue *queue)
{
	struct op *op = queue->first;

	queue->first = op->next;
	if (!queue->first)
		queue->last = &queue->first;
	return op;
}

static bool pending_is_idle(const struct record *record)
{
	return !record->queues[RECORD_RECEIVE].first && !record->queues[RECORD_SEND].first;
}

/* The first of its queue has ended. */
static void pending_finish(struct op *op, int error)
{
	struct record *record = op->record;
	int direction = op->direction;

	op->error = error;
	/* Of a datagram that was cut short what fits is there. */
	if (error && error != WSAEMSGSIZE)
		op->moved = 0;
	pending_pop(&record->queues[direction]);
	pending_complete(op, false);
	if (record->closing)
		return;
	if (record->kept && pending_is_idle(record)) {
		order_emptied(record, direction);
		record_free(record);
	} else {
		pending_start(record, direction);
	}
}

/* Some of a transfer is done: go on behind it. True: it is complete. */
static bool pending_advance(struct op *op, size_t moved)
{
	op->moved += moved;
	op->left -= moved;
	if (!op->whole || !op->left)
		return true;
	io_advance(&op->message, moved);
	return false;
}

static void pending_transferred(struct op *op)
{
	int error = 0;

	if (op->direction == RECORD_RECEIVE) {
		if (op->from_size)
			*op->from_size = op->message.msg_namelen;
		op->told = op->message.msg_flags & MSG_OOB;
		if (!op->record->stream && (op->message.msg_flags & MSG_TRUNC))
			error = WSAEMSGSIZE;
	}
	pending_finish(op, error);
}

/* The result of a transfer, of the ring's or our own. */
static void pending_result(struct op *op, int result)
{
	struct record *record = op->record;

	if (result == -ECANCELED && op->aborted) {
		pending_finish(op, WSA_OPERATION_ABORTED);
	} else if (result >= 0) {
		/* The end of the stream is the end of a whole, too. */
		if (pending_advance(op, result) || !result)
			pending_transferred(op);
		else
			pending_start(record, op->direction);
	} else if (result == -EAGAIN || result == -EINTR || result == -ECANCELED) {
		/* Cancelled by a close that looks, or by the end of another thread. */
		op->polling = result == -EAGAIN;
		pending_start(record, op->direction);
	} else {
		pending_finish(op, io_error_number(record->fd, -result, 0));
	}
}

static int pending_transfer(struct op *op)
{
	int fd = op->record->fd, flags = op->flags | MSG_DONTWAIT;
	ssize_t moved;

	do {
		moved = op->direction == RECORD_SEND ? sendmsg(fd, &op->message, flags)
						     : recvmsg(fd, &op->message, flags);
	} while (moved < 0 && errno == EINTR);
	return moved < 0 ? -errno : moved;
}

static void pending_done_in_ring(struct ring_request *request, int result)
{
	struct op *op = (struct op *)request;
	bool ready = op->polling && result >= 0;

	op->running = false;
	op->polling = false;
	pending_result(op, ready ? pending_transfer(op) : result);
}

/* Put the first of a queue into the ring, if it is not there and may be. */
static void pending_start(struct record *record, int direction)
{
	struct op *op = record->queues[direction].first;

	if (record->closing)
		return;
	if (!op) {
		order_emptied(record, direction);
		return;
	}
	if (op->running)
		return;
	if (op->aborted) {
		pending_finish(op, WSA_OPERATION_ABORTED);
		return;
	}
	op->request.done = pending_done_in_ring;
	if (op->polling)
		op->running = ring_poll(&op->request, record->fd,
					direction == RECORD_SEND ? POLLOUT : POLLIN);
	else if (direction == RECORD_SEND)
		op->running = ring_send(&op->request, record->fd, &op->message, op->flags);
	else
		op->running = ring_receive(&op->request, record->fd, &op->message, op->flags,
					   record->stream);
	if (!op->running)
		pending_finish(op, WSAENOBUFS);
}

void pending_begin(struct record *record, struct op *op, struct pending_call *call)
{
	struct record_queue *queue = &record->queues[op->direction];
	int result;

	pending_new = op;
	pending_call = call;
	op->record = record;
	op->next = NULL;
	op->thread->operations++;
	*queue->last = op;
	queue->last = &op->next;
	queue->used = true;
	if (queue->first == op) {
		/* Mostly there is room, and nothing to wait for. */
		result = op->direction == RECORD_SEND ? pending_transfer(op) : -ECANCELED;
		if (result == -EAGAIN)
			result = -ECANCELED;
		pending_result(op, result);
		/* Done without the ring, whose end of reaping would wake who waits. */
		if (call->done)
			port_kick();
		else
			ring_reap();
	}
	pending_new = NULL;
}

static void pending_unlink(struct record_queue *queue, struct op *op)
{
	struct op **link = &queue->first;

	while (*link != op)
		link = &(*link)->next;
	*link = op->next;
	if (!op->next)
		queue->last = link;
}

/* One that is in no queue any more. */
static void pending_abort(struct op *op, bool silent)
{
	op->error = WSA_OPERATION_ABORTED;
	op->moved = 0;
	pending_complete(op, silent);
}

/* Cancel those that @wanted picks. */
static bool pending_cancel_if(struct record *record,
			      bool (*wanted)(const struct op *op, const void *what),
			      const void *what)
{
	bool any = false;
	struct op *op, *next;

	for (int i = 0; i < RECORD_DIRECTIONS; i++)
		for (op = record->queues[i].first; op; op = next) {
			next = op->next;
			if (!wanted(op, what))
				continue;
			any = true;
			op->aborted = true;
			if (op->running) {
				ring_cancel(&op->request);
				continue;
			}
			pending_unlink(&record->queues[i], op);
			pending_abort(op, false);
		}
	return any;
}

static bool pending_is(const struct op *op, const void *overlapped)
{
	return !overlapped || op->overlapped == overlapped;
}

bool pending_cancel(struct record *record, const WSAOVERLAPPED *overlapped)
{
	bool any = pending_cancel_if(record, pending_is, overlapped);

	ring_reap();
	return any;
}

static bool pending_is_thread_bound(const struct op *op, const void *thread)
{
	return op->thread == thread && !pending_port(op);
}

/* Whose operations are being cancelled; under the records' lock. */
static struct thread *pending_ending;

static void pending_end_socket(SOCKET s)
{
	pending_cancel_if(record_find(s), pending_is_thread_bound, pending_ending);
}

void pending_thread_ended(struct thread *thread)
{
	record_lock();
	if (thread->operations) {
		pending_ending = thread;
		table_each_record(pending_end_socket);
		for (struct record *kept = record_kept(0, NULL); kept; kept = kept->next)
			pending_cancel_if(kept, pending_is_thread_bound, thread);
		ring_reap();
	}
	record_unlock();
}

void pending_await(const WSAOVERLAPPED *overlapped)
{
	pthread_mutex_lock(&pending_mutex);
	pending_waiters++;
	while (!HasOverlappedIoCompleted(overlapped))
		pthread_cond_wait(&pending_done, &pending_mutex);
	pending_waiters--;
	pthread_mutex_unlock(&pending_mutex);
}

void pending_forked(void)
{
	ring_forked();
	helper_forked();
	port_forked();
	order_forked();
	pthread_mutex_init(&pending_mutex, NULL);
	pthread_cond_init(&pending_done, NULL);
	pending_waiters = 0;
}

/* Take what is under way out of the ring, which then no longer holds the file. */
static void pending_settle(struct record *record)
{
	record->closing = true;
	for (int i = 0; i < RECORD_DIRECTIONS; i++)
		if (record->queues[i].first && record->queues[i].first->running)
			ring_cancel(&record->queues[i].first->request);
	for (int i = 0; i < RECORD_DIRECTIONS; i++)
		while (record->queues[i].first && record->queues[i].first->running)
			ring_reap_one();
}

static void pending_resume(struct record *record)
{
	bool kept = record->kept;

	record->closing = false;
	/* What ends at once must not free it while we look at it. */
	record->kept = false;
	for (int i = 0; i < RECORD_DIRECTIONS; i++)
		pending_start(record, i);
	record->kept = kept;
	if (kept && pending_is_idle(record))
		record_free(record);
}

static void pending_drop(struct record *record, bool silent)
{
	for (int i = 0; i < RECORD_DIRECTIONS; i++)
		while (record->queues[i].first)
			pending_abort(pending_pop(&record->queues[i]), silent);
	order_forget(record);
	record_free(record);
}

/* A number that is no socket's has none. */
static struct record *pending_first_kept(const struct pending_close *closing)
{
	return closing->inode ? record_kept(closing->inode, NULL) : NULL;
}

void pending_close_begin(struct pending_close *closing, SOCKET s)
{
	struct stat status;

	closing->s = s;
	closing->engaged = table_record(s) || record_any_kept();
	if (!closing->engaged)
		return;
	record_lock();
	closing->own = record_find(s);
	if (closing->own && !pending_is_idle(closing->own))
		order_take(closing->own);
	record_take(s);
	/* A file may have the number of a socket's inode. */
	closing->inode = fstat(s, &status) || !S_ISSOCK(status.st_mode) ? 0 : status.st_ino;
	if (closing->own) {
		netevent_suspend(closing->own);
		pending_settle(closing->own);
	}
	for (struct record *kept = pending_first_kept(closing); kept;
	     kept = record_kept(closing->inode, kept)) {
		pending_settle(kept);
		close(kept->fd);
		kept->fd = -1;
	}
	record_unlock();
}

/* What becomes of a record; @fd is a descriptor of the socket, if the process has one. */
static void pending_close_kept(struct record *record, int fd, bool silent)
{
	bool wanted = !pending_is_idle(record) || record->fin;

	if (wanted && fd >= 0 && record_keep(record, fd))
		pending_resume(record);
	else
		pending_drop(record, silent);
}

void pending_close_end(struct pending_close *closing, enum pending_end end)
{
	struct record *own = closing->own, *kept, *next;
	bool silent = end == PENDING_SILENT;
	int fd = -1;

	if (!closing->engaged)
		return;
	record_lock();
	if (end == PENDING_OPEN)
		fd = closing->s;
	else if (end == PENDING_SHARED)
		fd = record_twin(closing->inode);
	for (kept = pending_first_kept(closing); kept; kept = next) {
		next = record_kept(closing->inode, kept);
		pending_close_kept(kept, fd, silent);
	}
	if (own && end == PENDING_OPEN && record_restore(own)) {
		order_give_back(own);
		pending_resume(own);
		netevent_resume(own);
	} else if (own) {
		order_give_back(own);
		netevent_forget(own);
		pending_close_kept(own, fd, silent);
	}
	ring_reap();
	record_unlock();
}
