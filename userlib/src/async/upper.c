// SPDX-License-Identifier: LGPL-2.1-or-later
/* The functions of struct layer, see layer.h, and those of the helper. */
#include "engine.h"
#include "extension.h"
#include "layer.h"
#include "netevent.h"
#include "operation.h"
#include "routine.h"
#include "upper.h"
#include "wait.h"

static bool upper_pending(struct handle *handle, int direction)
{
	struct channel *channel = channel_lock(handle);
	bool pending;

	if (!channel)
		return false;
	pending = channel->stream && channel->queues[direction].first;
	channel_unlock(channel);
	return pending;
}

static int upper_shutdown(struct handle *handle, int how)
{
	struct channel *channel = channel_lock(handle);
	bool later[IO_DIRECTIONS] = { how != SHUT_WR, how != SHUT_RD };

	if (!channel)
		return -1;
	for (int i = 0; i < IO_DIRECTIONS; i++) {
		later[i] &= channel->stream && channel->queues[i].first;
		channel->later[i] |= later[i];
	}
	channel_unlock(channel);
	if (later[IO_RECEIVE])
		return later[IO_SEND] ? SHUT_RDWR : SHUT_RD;
	return later[IO_SEND] ? SHUT_WR : -1;
}

static void upper_happened(SOCKET s, enum layer_event event)
{
	struct channel *channel = channel_find(s);

	if (!channel)
		return;
	switch (event) {
	case LAYER_RECEIVED:
		netevent_enable(channel, FD_READ | FD_OOB);
		break;
	case LAYER_WOULD_BLOCK:
		netevent_enable(channel, FD_WRITE);
		break;
	case LAYER_ACCEPTING:
		netevent_enable(channel, FD_ACCEPT);
		break;
	default:
		netevent_connecting(channel, event == LAYER_CONNECTED);
		break;
	}
	channel_unlock(channel);
}

static int upper_connect_error(struct handle *handle)
{
	struct channel *channel = channel_lock(handle);
	int error;

	if (!channel)
		return 0;
	error = channel->connect_error;
	channel_unlock(channel);
	return error;
}

/* The new socket has the listener's association. */
static void upper_accepted(SOCKET listener, SOCKET s)
{
	struct channel *channel = channel_find(listener);
	struct event *event = NULL;
	long selected;
	int error = 0;

	if (!channel)
		return;
	selected = channel->selected;
	if (selected && s >= 0) {
		event = channel->event;
		event_hold(event);
	}
	netevent_enable(channel, FD_ACCEPT);
	channel_unlock(channel);
	if (!event)
		return;
	channel = channel_open(s, &error);
	if (channel) {
		error = netevent_select(channel, event, selected);
		channel_unlock(channel);
	}
	if (error)
		event_put(event);
}

static bool upper_selects(struct handle *handle)
{
	struct channel *channel = channel_lock(handle);
	bool selects;

	if (!channel)
		return false;
	selects = channel->selected;
	channel_unlock(channel);
	return selects;
}

/* A close that is under way frees the channel itself. */
static void upper_forget(SOCKET s, struct handle *handle)
{
	struct channel *channel = channel_lock(handle);

	(void)s;
	if (!channel)
		return;
	atomic_store(&handle->channel, NULL);
	if (!channel->closing) {
		channel_halt(channel);
		operation_drop(channel, false);
		channel_free(channel);
	}
	pthread_mutex_unlock(&handle->lock);
}

static struct channel *upper_begin_close(struct handle *handle)
{
	struct channel *channel = channel_lock(handle);

	if (!channel)
		return NULL;
	channel_halt(channel);
	channel_unwatch(channel);
	channel_unlock(channel);
	return channel;
}

/* Go on after a close that was refused; with the lock. */
static void upper_reopen(struct channel *channel)
{
	channel->closing = false;
	if (channel->selected)
		channel_watch(channel);
	operation_resume(channel);
	netevent_look(channel);
}

/* Pending operations go on at another handle of this process, if there is one (P7). */
static bool upper_move(struct channel *channel)
{
	SOCKET s = handle_twin(channel->s, channel->cookie);
	struct channel *twin;
	int error;

	twin = s < 0 ? NULL : channel_open(s, &error);
	if (!twin)
		return false;
	if (twin->cookie != channel->cookie) {
		channel_unlock(twin);
		return false;
	}
	operation_move(channel, twin);
	twin->accepts |= channel->accepts;
	operation_resume(twin);
	channel_unlock(twin);
	return true;
}

static void upper_end_close(struct handle *handle, struct channel *channel,
			    enum layer_close end)
{
	bool moved = false;

	pthread_mutex_lock(&handle->lock);
	if (end == LAYER_OPEN && atomic_load(&handle->channel) == channel) {
		upper_reopen(channel);
		pthread_mutex_unlock(&handle->lock);
		return;
	}
	if (atomic_load(&handle->channel) == channel)
		atomic_store(&handle->channel, NULL);
	pthread_mutex_unlock(&handle->lock);
	/* The number is closed: no other thread can find the channel. */
	if (end == LAYER_SHARED && (!channel_is_idle(channel) || channel->later[IO_SEND] ||
				    channel->accepts))
		moved = upper_move(channel);
	if (channel->accepts && !moved)
		extension_close(channel->cookie);
	operation_drop(channel, end == LAYER_SILENT);
	channel_free(channel);
}

static __thread struct thread *upper_ending;
static __thread int upper_found;
static __thread bool upper_left;

static bool upper_is_bound(const struct operation *operation, const void *thread)
{
	if (operation->thread != thread)
		return false;
	upper_found++;
	return !operation_has_port(operation);
}

static void upper_end_thread(SOCKET s, struct handle *handle)
{
	struct channel *channel = atomic_load(&handle->channel) ? channel_lock(handle) : NULL;

	(void)s;
	if (!channel)
		return;
	upper_left |= operation_cancel(channel, upper_is_bound, upper_ending);
	channel_unlock(channel);
}

/*
 * A step writes to the program's memory, which may be freed behind the thread's end: wait for it.
 * The same goes for a close in another thread, which has taken operations off their handle.
 */
static void upper_thread_ended(struct thread *thread)
{
	int pending;

	upper_ending = thread;
	for (;;) {
		upper_left = false;
		upper_found = 0;
		pending = atomic_load(&thread->operations);
		pthread_mutex_lock(&operation_handing);
		handle_each(upper_end_thread);
		pthread_mutex_unlock(&operation_handing);
		if (!upper_left && upper_found >= pending)
			return;
		wait_pause();
	}
}

static void upper_forget_channel(SOCKET s, struct handle *handle)
{
	(void)s;
	/* The channel is the parent's; its memory is not freed. */
	atomic_store(&handle->channel, NULL);
}

/* Keep events and the own thread's handle. Threads that wait on ports exist in the parent only. */
static bool upper_keeps(struct object *object)
{
	if (object->type == OBJECT_EVENT)
		event_forked((struct event *)object);
	if (object->type == OBJECT_PORT)
		port_forked((struct port *)object);
	return object->type == OBJECT_EVENT || routine_is_own(object);
}

static void upper_forked(void)
{
	engine_forked();
	extension_forked();
	operation_forked();
	handle_each(upper_forget_channel);
	object_forked(upper_keeps);
}

static const struct layer upper_layer = {
	.pending = upper_pending,
	.shutdown = upper_shutdown,
	.happened = upper_happened,
	.connect_error = upper_connect_error,
	.accepted = upper_accepted,
	.selects = upper_selects,
	.forget = upper_forget,
	.begin_close = upper_begin_close,
	.end_close = upper_end_close,
	.thread_ended = upper_thread_ended,
	.forked = upper_forked,
};

/* Called by the helper. */
static void upper_ready(struct channel *channel, uint32_t events)
{
	const uint32_t ended = EPOLLHUP | EPOLLERR;

	if (events & (EPOLLIN | EPOLLRDHUP | ended))
		operation_run(channel, IO_RECEIVE);
	if (events & (EPOLLOUT | ended))
		operation_run(channel, IO_SEND);
	operation_rearm(channel);
	if (!channel->closing)
		netevent_look(channel);
}

static void upper_register(void)
{
	channel_set_layer(&upper_layer, upper_ready);
}

void upper_begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, upper_register);
}
