/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The asynchronous side of a handle: operations, the port they complete to, network events.
 *
 * A channel is made when a handle first needs it, and guarded by the handle's lock. A thread that
 * drops the lock to carry out a step of an operation keeps the channel alive: a close waits for the
 * end of the step.
 *
 * The helper watches the descriptor by epoll: one-shot for operations, so that epoll reports only
 * what an operation waits for; edge-triggered while network events are selected, as epoll cannot
 * mask a hang-up.
 */
#ifndef WINSOCK_CHANNEL_H
#define WINSOCK_CHANNEL_H

#include "event.h"
#include "io.h"
#include "port.h"

struct layer;
struct operation;

/**
 * struct channel_queue - operations of one direction, in the order of the calls
 * @first:	the operation under way
 * @last:	the place of the next one
 * @stepping:	the operation of which a thread carries out a step, without the lock, or which it
 *		hands on; or NULL
 * @vain:	steps in a row that ended with EAGAIN
 */
struct channel_queue {
	struct operation *first;
	struct operation **last;
	struct operation *stepping;
	unsigned int vain;
};

/**
 * struct channel - the asynchronous side of a handle
 * @handle:	its handle
 * @s:		the handle's number
 * @generation:	differs between channels of one number
 * @cookie:	the socket's
 * @stream:	a stream socket
 * @closing:	a close is under way: no operation begins or goes on
 * @added:	epoll knows the descriptor
 * @armed:	the events that epoll reports next
 * @queues:	receives and sends
 * @stepped:	a step is over, and a close waits for that
 * @accepts:	part of an AcceptEx(): its close may have to end operations of another channel
 * @later:	directions to shut down when no operation is pending in them
 * @port:	completion port, held, or NULL
 * @key:	its key
 * @event:	signalled by network events, held, or NULL
 * @selected:	FD_* asked for; 0: no association
 * @happened:	FD_* that were signalled and not yet enumerated
 * @enabled:	FD_* that may happen
 * @errors:	the errors of @happened
 * @connect_error: why the last connect failed, or 0
 * @connecting:	a connect is under way
 * @connected:	there is a connection, or was, or needs none
 */
struct channel {
	struct handle *handle;
	SOCKET s;
	uint32_t generation;
	uint64_t cookie;
	bool stream;
	bool closing;
	bool accepts;
	bool added;
	uint32_t armed;
	struct channel_queue queues[IO_DIRECTIONS];
	pthread_cond_t stepped;
	bool later[IO_DIRECTIONS];
	struct port *port;
	ULONG_PTR key;
	struct event *event;
	long selected;
	long happened;
	long enabled;
	int errors[FD_MAX_EVENTS];
	int connect_error;
	bool connecting;
	bool connected;
};

/* Called once, before the first channel is made. */
void channel_set_layer(const struct layer *functions,
		       void (*ready)(struct channel *channel, uint32_t events));

/*
 * Lock the handle and return its channel, made if need be; waits for a close that asks the kernel.
 * NULL with an error, the handle not locked: WSAENOTSOCK (closed, or a close lingers), WSAENOBUFS.
 */
struct channel *channel_open(SOCKET s, int *error);
/* The same, only if there is one; else NULL, with the handle not locked. */
struct channel *channel_find(SOCKET s);
struct channel *channel_lock(struct handle *handle);
void channel_unlock(struct channel *channel);

/* Called with the lock: */

/* Make the helper watch for what is wanted. Returns 0, or an error. */
int channel_watch(struct channel *channel);
void channel_unwatch(struct channel *channel);

/* Let no operation begin or go on, and wait for the end of a step. */
void channel_halt(struct channel *channel);

/* Free a channel without operations, and take it off its handle. */
void channel_free(struct channel *channel);

static inline bool channel_is_idle(const struct channel *channel)
{
	return !channel->queues[IO_RECEIVE].first && !channel->queues[IO_SEND].first;
}

#endif /* WINSOCK_CHANNEL_H */
