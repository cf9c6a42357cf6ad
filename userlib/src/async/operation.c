// SPDX-License-Identifier: LGPL-2.1-or-later
/* Overlapped operations. See operation.h. */
#include <stdlib.h>

#include "engine.h"
#include "netevent.h"
#include "operation.h"
#include "wait.h"

/* Bytes of one system call: a close waits for at most one. */
#define OPERATION_STEP		(1 << 20)
#define OPERATION_CANCELLED	0xc0000120U	/* STATUS_CANCELLED */

/**
 * struct operation_waiter - a thread that waits for an operation
 * @next:	the next one in the list
 * @thread:	the thread
 * @overlapped:	the operation's
 */
struct operation_waiter {
	struct operation_waiter *next;
	struct thread *thread;
	LPWSAOVERLAPPED overlapped;
};

/* The waiters, by a hash of what they wait for. */
#define OPERATION_LISTS		64
static struct operation_waiters {
	pthread_mutex_t lock;
	struct operation_waiter *_Atomic first;
} operation_waiters[OPERATION_LISTS] = {
	[0 ... OPERATION_LISTS - 1] = { .lock = PTHREAD_MUTEX_INITIALIZER },
};

/* So many operations for one event: the events of other sockets wait. */
#define OPERATION_BURST		16

pthread_mutex_t operation_handing = PTHREAD_MUTEX_INITIALIZER;
/* A queue's step is not over, but its operation is in another queue. */
static struct operation operation_none;

void operation_free(struct operation *operation)
{
	event_put(operation->event);
	port_put(operation->port);
	if (operation->thread)
		thread_put(operation->thread);
	free(operation);
}

static void operation_free_packet(struct packet *packet)
{
	operation_free((struct operation *)((char *)packet - offsetof(struct operation, packet)));
}

static void operation_call_back(struct routine *routine, bool cancelled)
{
	struct operation *operation = (struct operation *)((char *)routine -
							   offsetof(struct operation, routine));
	LPWSAOVERLAPPED_COMPLETION_ROUTINE function = operation->function;
	LPWSAOVERLAPPED overlapped = operation->overlapped;
	DWORD error = operation->error, moved = operation->moved, flags = operation->told;

	operation_free(operation);
	if (!cancelled)
		function(error, moved, overlapped, flags);
}

static struct operation_waiters *operation_waiters_of(LPWSAOVERLAPPED overlapped)
{
	return &operation_waiters[(uintptr_t)overlapped / sizeof(*overlapped) % OPERATION_LISTS];
}

/* A waiter stores itself, then reads Internal; this comes behind the store to Internal. */
static void operation_wake(LPWSAOVERLAPPED overlapped)
{
	struct operation_waiters *waiters = operation_waiters_of(overlapped);

	if (!atomic_load(&waiters->first))
		return;
	pthread_mutex_lock(&waiters->lock);
	for (struct operation_waiter *one = waiters->first; one; one = one->next)
		if (one->overlapped == overlapped)
			thread_wake(one->thread);
	pthread_mutex_unlock(&waiters->lock);
}

static void operation_end_wait(struct operation_waiter *waiter)
{
	struct operation_waiters *waiters = operation_waiters_of(waiter->overlapped);
	struct operation_waiter *one;

	pthread_mutex_lock(&waiters->lock);
	one = waiters->first;
	/* A child, forked by a signal's handler, has none of its parent's waits. */
	if (one == waiter)
		atomic_store(&waiters->first, waiter->next);
	for (; one; one = one->next)
		if (one->next == waiter)
			one->next = waiter->next;
	pthread_mutex_unlock(&waiters->lock);
}

bool operation_await(LPWSAOVERLAPPED overlapped)
{
	struct operation_waiters *waiters = operation_waiters_of(overlapped);
	struct thread *self = thread_self();

	if (!self)
		return false;
	struct operation_waiter waiter CLEANUP(operation_end_wait) = {
		.thread = self, .overlapped = overlapped,
	};

	pthread_mutex_lock(&waiters->lock);
	waiter.next = waiters->first;
	atomic_store(&waiters->first, &waiter);
	pthread_mutex_unlock(&waiters->lock);
	while (__atomic_load_n(&overlapped->Internal, __ATOMIC_SEQ_CST) == STATUS_PENDING)
		thread_poll(self, NULL, 0, THREAD_FOREVER);
	return true;
}

void operation_forked(void)
{
	for (int i = 0; i < OPERATION_LISTS; i++) {
		pthread_mutex_init(&operation_waiters[i].lock, NULL);
		atomic_store(&operation_waiters[i].first, NULL);
	}
}

static void operation_store(const struct operation *operation)
{
	LPWSAOVERLAPPED overlapped = operation->overlapped;
	ULONG_PTR status = 0;

	if (operation->error == WSA_OPERATION_ABORTED)
		status = OPERATION_CANCELLED;
	else if (operation->error)
		status = OPERATION_FAILED | error_system(operation->error,
							 operation->channel->stream);
	overlapped->InternalHigh = operation->moved;
	overlapped->Offset = operation->told;
	overlapped->OffsetHigh = operation->error;
	/* HasOverlappedIoCompleted() reads only this; then the program may free it. */
	__atomic_store_n(&overlapped->Internal, status, __ATOMIC_SEQ_CST);
}

static struct port *operation_port(const struct operation *operation, ULONG_PTR *key)
{
	const struct channel *channel = operation->channel;

	if (operation->function || ((uintptr_t)operation->overlapped->hEvent & 1))
		return NULL;
	*key = operation->keeps_port ? operation->key : channel->key;
	return operation->keeps_port ? operation->port : channel->port;
}

bool operation_has_port(const struct operation *operation)
{
	ULONG_PTR key;

	return operation_port(operation, &key);
}

/* Complete an operation that is in no queue any more. @silent: without a notification. */
static void operation_complete(struct operation *operation, bool silent)
{
	struct event *event = operation->event;
	ULONG_PTR key = 0;
	struct port *port = operation_port(operation, &key);

	if (operation->call) {
		*operation->call = (struct operation_call){
			true, operation->error, operation->moved, operation->told
		};
		silent |= operation->error != 0;
	}
	operation->packet.entry = (OVERLAPPED_ENTRY){
		.lpCompletionKey = key,
		.lpOverlapped = operation->overlapped,
		.Internal = error_system(operation->error, operation->channel->stream),
		.dwNumberOfBytesTransferred = operation->moved,
	};
	operation_store(operation);
	if (event && !silent)
		event_set(event);
	/* Behind the event, which the program may use for something else when its wait ends. */
	operation_wake(operation->overlapped);
	atomic_fetch_sub(&operation->thread->operations, 1);
	if (!silent && operation->function) {
		operation->routine.run = operation_call_back;
		if (thread_queue(operation->thread, &operation->routine))
			return;
	} else if (!silent && port) {
		operation->packet.free = operation_free_packet;
		port_post(port, &operation->packet);
		return;
	}
	operation_free(operation);
}

static struct operation *operation_pop(struct channel_queue *queue)
{
	struct operation *operation = queue->first;

	queue->first = operation->next;
	if (!queue->first)
		queue->last = &queue->first;
	return operation;
}

/* Cancel an operation that is in no queue any more. */
static void operation_abort(struct operation *operation, bool silent)
{
	operation->error = WSA_OPERATION_ABORTED;
	operation->moved = 0;
	operation_complete(operation, silent);
}

/* End the first operation of its queue. */
static void operation_finish(struct operation *operation, int error)
{
	operation->error = error;
	/* The part of a datagram that fits is there. */
	if (error && error != WSAEMSGSIZE)
		operation->moved = 0;
	operation_pop(&operation->channel->queues[operation->direction]);
	operation_complete(operation, false);
}

/* A receive of 0 bytes waits for data, and leaves it in the socket. */
static int operation_peek(const struct operation *operation)
{
	struct pollfd polled = { operation->channel->s, POLLIN, 0 };
	char byte;

	if (poll(&polled, 1, 0) <= 0)
		return -EAGAIN;
	if (!(polled.revents & (POLLHUP | POLLERR)))
		return 0;
	return recv(polled.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN ? -errno
											 : 0;
}

/* Transfer a part. Returns bytes, or a negative errno. */
static ssize_t operation_transfer(struct operation *operation)
{
	struct msghdr *message = &operation->message;
	size_t count = message->msg_iovlen, size = 0, cut = 0, n = 0;
	bool stream = operation->channel->stream;
	ssize_t moved;

	if (stream && operation->direction == IO_RECEIVE && !operation->left)
		return operation_peek(operation);
	while (stream && n < count && size < OPERATION_STEP)
		size += message->msg_iov[n++].iov_len;
	if (stream)
		message->msg_iovlen = n;
	if (size > OPERATION_STEP) {
		cut = size - OPERATION_STEP;
		message->msg_iov[n - 1].iov_len -= cut;
	}
	moved = io_move(operation->channel->s, message, operation->flags, operation->direction);
	if (moved < 0)
		moved = -errno;
	if (cut)
		message->msg_iov[n - 1].iov_len += cut;
	message->msg_iovlen = count;
	return moved;
}

/* Called without the lock. Returns bytes, or a negative errno. */
static ssize_t operation_step(struct operation *operation)
{
	int error = operation->prepare ? operation->prepare(operation) : 0;

	if (error)
		return error;
	if (!operation->prepare)
		return operation_transfer(operation);
	operation->prepare = NULL;
	/* The accepted socket's queue receives the first data. */
	return operation->left && !operation->accept.cookie ? operation_transfer(operation) : 0;
}

/* Account for bytes that were moved. True: these were the last. */
static bool operation_advance(struct operation *operation, size_t moved)
{
	operation->moved += moved;
	operation->left -= moved;
	if (!operation->whole || !operation->left)
		return true;
	io_advance(&operation->message, moved);
	return false;
}

/* The Winsock error of a failed step. */
static int operation_failure(const struct operation *operation, int number)
{
	if (!operation->prepare)
		return io_error_number(operation->channel->s, number, operation->direction);
	return number == ECANCELED ? WSA_OPERATION_ABORTED : error_from_errno(number);
}

static int operation_error(struct operation *operation, ssize_t moved)
{
	struct msghdr *message = &operation->message;
	bool stream = operation->channel->stream;

	if (operation->direction == IO_SEND)
		return 0;
	if (operation->from_size)
		*operation->from_size = message->msg_namelen;
	operation->told = message->msg_flags & (MSG_OOB | MSG_PARTIAL);
	if (!stream && (message->msg_flags & MSG_TRUNC))
		return WSAEMSGSIZE;
	if (!stream || moved)
		return 0;
	return operation->left ? io_end_error(operation->channel->s)
			       : io_past(operation->channel->s);
}

/* Handle a step's result. True: the operation has ended. */
static bool operation_result(struct operation *operation, ssize_t moved)
{
	if (moved == -EAGAIN && !operation->aborted)
		return false;
	/* The end of the stream also completes a transfer of the whole. */
	if (moved >= 0 && !operation_advance(operation, moved) && moved && !operation->aborted)
		return false;
	if (operation->aborted && (moved < 0 || (operation->whole && operation->left)))
		operation_finish(operation, WSA_OPERATION_ABORTED);
	else if (moved < 0)
		operation_finish(operation, operation_failure(operation, -moved));
	else
		operation_finish(operation, operation_error(operation, moved));
	return true;
}

/* No operation is pending in a direction any more. */
static void operation_emptied(struct channel *channel, int direction)
{
	if (channel->later[direction]) {
		channel->later[direction] = false;
		shutdown(channel->s, direction == IO_SEND ? SHUT_WR : SHUT_RD);
	}
	wait_kick(channel->handle);
	netevent_emptied(channel, direction);
}

/* Leave the rest to the helper, or to a thread that carries out a step. */
static void operation_leave(struct channel *channel, int direction)
{
	struct channel_queue *queue = &channel->queues[direction];
	int error = 0;

	while (!queue->stepping && queue->first && !channel->closing) {
		error = channel_watch(channel);
		if (!error)
			return;
		operation_finish(queue->first, error);
	}
	if (!queue->first && !channel->closing)
		operation_emptied(channel, direction);
}

static void operation_append(struct channel *channel, struct operation *operation)
{
	struct channel_queue *queue = &channel->queues[operation->direction];

	operation->channel = channel;
	operation->next = NULL;
	*queue->last = operation;
	queue->last = &operation->next;
}

/* The operation completes to the port with which it was begun, or to none. */
static void operation_keep_port(struct operation *operation)
{
	const struct channel *channel = operation->channel;

	if (operation->keeps_port)
		return;
	operation->keeps_port = true;
	operation->port = channel->port ? port_hold(channel->port) : NULL;
	operation->key = channel->key;
}

/* A step is over; the lock is taken again. */
static void operation_stepped(struct channel *channel, int direction)
{
	channel->queues[direction].stepping = NULL;
	if (channel->closing)
		pthread_cond_broadcast(&channel->stepped);
}

/*
 * The first operation of a listener has its connection, and waits for data: move it to the accepted
 * socket, so that the next connection goes to the next operation. No thread holds two handles'
 * locks: operation_handing keeps others from searching while it is in neither queue. Returns with
 * the listener's lock.
 */
static void operation_hand_on(struct operation *operation)
{
	struct channel *from = operation->channel, *to = NULL;
	int direction = operation->direction;

	pthread_mutex_lock(&operation_handing);
	pthread_mutex_lock(&from->handle->lock);
	operation_pop(&from->queues[direction]);
	from->queues[direction].stepping = &operation_none;
	operation_keep_port(operation);
	if (!operation->aborted) {
		channel_unlock(from);
		to = channel_find(operation->accept.s);
		if (to && !to->closing && to->cookie == operation->accept.connection) {
			operation->call = NULL;
			operation_append(to, operation);
			operation_leave(to, direction);
			operation = NULL;
		}
		if (to)
			channel_unlock(to);
		pthread_mutex_lock(&from->handle->lock);
	}
	if (operation)
		operation_abort(operation, false);
	operation_stepped(from, direction);
	pthread_mutex_unlock(&operation_handing);
}

/* Carry out one step of the first operation. True: it is no longer the first. */
static bool operation_go(struct channel *channel, int direction)
{
	struct channel_queue *queue = &channel->queues[direction];
	struct operation *operation = queue->first;
	bool accepts = operation->accept.listener && operation->prepare, handed_on;
	ssize_t moved;

	queue->stepping = operation;
	channel_unlock(channel);
	moved = operation_step(operation);
	handed_on = moved >= 0 && accepts && operation->left;
	if (handed_on) {
		operation_hand_on(operation);
	} else {
		pthread_mutex_lock(&channel->handle->lock);
		operation_stepped(channel, direction);
	}
	/* Another process may have taken the connection. */
	queue->vain = moved == -EAGAIN && !accepts ? queue->vain + 1 : 0;
	return handed_on || operation_result(operation, moved);
}

void operation_rearm(struct channel *channel)
{
	/* The watch of network events lasts; set anew it reports what is ready, time and again. */
	if (channel->selected)
		return;
	for (int i = 0; i < IO_DIRECTIONS; i++)
		if (channel->queues[i].first && !channel->queues[i].stepping)
			operation_leave(channel, i);
}

void operation_run(struct channel *channel, int direction)
{
	const struct channel_queue *queue = &channel->queues[direction];

	if (!queue->first || queue->stepping || channel->closing)
		return;
	for (int i = 0; i < OPERATION_BURST; i++)
		if (!operation_go(channel, direction) || !queue->first || channel->closing)
			break;
	if (queue->vain > WAIT_TRIES)
		engine_rest();
	operation_leave(channel, direction);
}

void operation_resume(struct channel *channel)
{
	for (int i = 0; i < IO_DIRECTIONS; i++)
		operation_leave(channel, i);
}

void operation_begin(struct channel *channel, struct operation *operation,
		     struct operation_call *call)
{
	int direction = operation->direction;
	struct channel_queue *queue = &channel->queues[direction];

	atomic_fetch_add(&operation->thread->operations, 1);
	operation_append(channel, operation);
	if (queue->first != operation || queue->stepping)
		return;
	/* Usually the transfer is possible at once. */
	operation->call = call;
	if (operation_go(channel, direction)) {
		operation_leave(channel, direction);
		return;
	}
	call->error = channel->closing ? 0 : channel_watch(channel);
	if (!call->error) {
		operation->call = NULL;
		return;
	}
	operation_finish(operation, call->error);
	operation_leave(channel, direction);
}

static void operation_unlink(struct channel_queue *queue, struct operation *operation)
{
	struct operation **link = &queue->first;

	while (*link != operation)
		link = &(*link)->next;
	*link = operation->next;
	if (!operation->next)
		queue->last = link;
}

bool operation_cancel(struct channel *channel,
		      bool (*wanted)(const struct operation *operation, const void *what),
		      const void *what)
{
	struct operation *operation, *next;
	bool any = false;

	for (int i = 0; i < IO_DIRECTIONS; i++) {
		struct channel_queue *queue = &channel->queues[i];
		bool before = queue->first;

		for (operation = queue->first; operation; operation = next) {
			next = operation->next;
			if (!wanted(operation, what))
				continue;
			any = true;
			if (operation == queue->stepping) {
				operation->aborted = true;
				continue;
			}
			operation_unlink(queue, operation);
			operation_abort(operation, false);
		}
		if (before && !queue->first && !channel->closing)
			operation_emptied(channel, i);
	}
	return any;
}

void operation_drop(struct channel *channel, bool silent)
{
	for (int i = 0; i < IO_DIRECTIONS; i++)
		while (channel->queues[i].first)
			operation_abort(operation_pop(&channel->queues[i]), silent);
}

void operation_move(struct channel *from, struct channel *to)
{
	for (int i = 0; i < IO_DIRECTIONS; i++) {
		to->later[i] |= from->later[i];
		while (from->queues[i].first) {
			struct operation *operation = operation_pop(&from->queues[i]);

			operation_keep_port(operation);
			operation_append(to, operation);
		}
	}
}
