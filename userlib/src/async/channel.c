// SPDX-License-Identifier: LGPL-2.1-or-later
/* The asynchronous side of a handle. See channel.h. */
#include <stdlib.h>

#include "channel.h"
#include "engine.h"
#include "layer.h"

static void (*channel_ready)(struct channel *channel, uint32_t events);
static _Atomic uint32_t channel_generation;

/* Called by the helper. */
static void channel_event(uint64_t what, uint32_t events)
{
	struct channel *channel = channel_find((SOCKET)(what & 0xffffffff));

	if (!channel)
		return;
	/* An earlier socket of this number may be open elsewhere, and still be watched. */
	if (channel->generation == what >> 32 && handle_cookie(channel->s) == channel->cookie) {
		channel->armed = 0;
		channel_ready(channel, events);
	}
	channel_unlock(channel);
}

static void channel_watch_again(SOCKET s, struct handle *handle)
{
	struct channel *channel = atomic_load(&handle->channel) ? channel_lock(handle) : NULL;

	(void)s;
	if (!channel)
		return;
	channel->armed = 0;
	if (!channel->closing && (channel->selected || !channel_is_idle(channel)))
		channel_watch(channel);
	channel_unlock(channel);
}

static void channel_again(void)
{
	handle_each(channel_watch_again);
}

void channel_set_layer(const struct layer *functions,
		       void (*ready)(struct channel *channel, uint32_t events))
{
	channel_ready = ready;
	engine_ready = channel_event;
	engine_again = channel_again;
	atomic_store(&winsock_layer, functions);
}

void channel_unlock(struct channel *channel)
{
	pthread_mutex_unlock(&channel->handle->lock);
}

struct channel *channel_lock(struct handle *handle)
{
	struct channel *channel;

	pthread_mutex_lock(&handle->lock);
	channel = atomic_load(&handle->channel);
	if (!channel)
		pthread_mutex_unlock(&handle->lock);
	return channel;
}

struct channel *channel_find(SOCKET s)
{
	struct handle *handle = layer_handle(s);

	return handle ? channel_lock(handle) : NULL;
}

static struct channel *channel_make(SOCKET s, struct handle *handle)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->handle = handle;
	channel->s = s;
	channel->generation = atomic_fetch_add(&channel_generation, 1) + 1;
	channel->stream = socket_option(s, SO_TYPE) == SOCK_STREAM;
	channel->enabled = FD_ALL_EVENTS;
	pthread_cond_init(&channel->stepped, NULL);
	for (int i = 0; i < IO_DIRECTIONS; i++)
		channel->queues[i].last = &channel->queues[i].first;
	return channel;
}

/* A close asks the kernel: look again. */
#define CHANNEL_GOING	(-1)

/*
 * With the lock. A close sees the channel from now on. A close that began before has set
 * HANDLE_GOING; if that has ended, too, the number is closed, or another socket's. Returns 0,
 * WSAENOTSOCK, or CHANNEL_GOING.
 */
static int channel_settle(struct channel *channel)
{
	struct handle *handle = channel->handle;

	atomic_store(&handle->channel, channel);
	channel->cookie = handle_cookie(channel->s);
	if (!channel->cookie)
		return WSAENOTSOCK;
	if (atomic_load(&handle->cookie) != channel->cookie)
		return handle_claim(handle, channel->cookie) ? 0 : CHANNEL_GOING;
	return atomic_load(&handle->bits) & HANDLE_GOING ? CHANNEL_GOING : 0;
}

static struct channel *channel_try(SOCKET s, struct handle *handle, int *error)
{
	struct channel *channel;

	if (atomic_load(&handle->channel))
		handle_verify(s);
	pthread_mutex_lock(&handle->lock);
	channel = atomic_load(&handle->channel);
	if (channel) {
		*error = channel->closing ? CHANNEL_GOING : 0;
	} else {
		channel = channel_make(s, handle);
		*error = channel ? channel_settle(channel) : WSAENOBUFS;
		if (channel && *error)
			channel_free(channel);
	}
	if (!*error)
		return channel;
	pthread_mutex_unlock(&handle->lock);
	return NULL;
}

struct channel *channel_open(SOCKET s, int *error)
{
	struct handle *handle = handle_make(s);
	struct channel *channel;
	uint64_t cookie = 0;

	*error = s < 0 ? WSAENOTSOCK : WSAENOBUFS;
	if (!handle)
		return NULL;
	do {
		channel = channel_try(s, handle, error);
	} while (*error == CHANNEL_GOING && handle_outlast(s, handle, &cookie));
	if (*error == CHANNEL_GOING)
		*error = WSAENOTSOCK;
	return channel;
}

int channel_watch(struct channel *channel)
{
	uint64_t what = (uint64_t)channel->generation << 32 | (uint32_t)channel->s;
	const struct channel_queue *queues = channel->queues;
	uint32_t events = 0;
	int error;

	if (queues[IO_RECEIVE].first && !queues[IO_RECEIVE].stepping)
		events |= EPOLLIN;
	if (queues[IO_SEND].first && !queues[IO_SEND].stepping)
		events |= EPOLLOUT;
	/* epoll reports what is ready by now when an edge-triggered watch is set anew. */
	if (channel->selected)
		events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;
	else if ((channel->armed & events) == events)
		return 0;
	else
		events |= EPOLLONESHOT;
	error = engine_watch(channel->s, what, events, &channel->added);
	if ((error == ENOENT || error == EEXIST) && handle_cookie(channel->s) == channel->cookie) {
		channel->added = error == EEXIST;
		error = engine_watch(channel->s, what, events, &channel->added);
	}
	channel->armed = error ? 0 : events;
	if (!error)
		return 0;
	return error == EBADF || error == ENOENT ? WSAENOTSOCK : WSAENOBUFS;
}

void channel_unwatch(struct channel *channel)
{
	if (channel->added)
		engine_unwatch(channel->s);
	channel->added = false;
	channel->armed = 0;
}

void channel_halt(struct channel *channel)
{
	channel->closing = true;
	while (channel->queues[IO_RECEIVE].stepping || channel->queues[IO_SEND].stepping)
		pthread_cond_wait(&channel->stepped, &channel->handle->lock);
}

void channel_free(struct channel *channel)
{
	if (atomic_load(&channel->handle->channel) == channel)
		atomic_store(&channel->handle->channel, NULL);
	port_put(channel->port);
	event_put(channel->event);
	pthread_cond_destroy(&channel->stepped);
	free(channel);
}
