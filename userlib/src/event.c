// SPDX-License-Identifier: LGPL-2.1-or-later
/* Events: manual-reset, each an eventfd that is readable while it is signalled. */
#include <stdlib.h>
#include <sys/eventfd.h>

#include "thread.h"

struct event {
	struct object object;
	int fd;
};

static void event_free(struct object *object)
{
	struct event *event = (struct event *)object;

	close(event->fd);
	free(event);
}

struct event *event_get(HANDLE handle)
{
	return object_get(handle, OBJECT_EVENT);
}

void event_hold(struct event *event)
{
	object_hold(&event->object);
}

void event_put(struct event *event)
{
	if (event)
		object_put(&event->object);
}

void event_set(struct event *event)
{
	const uint64_t one = 1;

	/* Full is signalled. */
	if (write(event->fd, &one, sizeof(one)) < 0)
		return;
}

void event_reset(struct event *event)
{
	uint64_t count;

	/* Empty is reset. */
	if (read(event->fd, &count, sizeof(count)) < 0)
		return;
}

WINSOCK_API WSAEVENT WSACreateEvent(void)
{
	struct event *event = calloc(1, sizeof(*event));
	int saved = errno;
	HANDLE handle = NULL;

	if (!event)
		goto fail;
	event->object = (struct object){ .type = OBJECT_EVENT, .free = event_free };
	event->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event->fd < 0)
		goto free_event;
	handle = object_publish(&event->object);
	if (handle)
		return handle;
	close(event->fd);
free_event:
	free(event);
fail:
	error_fail(WSA_NOT_ENOUGH_MEMORY);
	errno = saved;
	return WSA_INVALID_EVENT;
}

static BOOL event_change(WSAEVENT handle, void (*change)(struct event *event))
{
	int saved = errno;
	struct event *event = event_get(handle);

	if (!event)
		return FALSE;
	change(event);
	event_put(event);
	errno = saved;
	return TRUE;
}

WINSOCK_API BOOL WSASetEvent(WSAEVENT event)
{
	return event_change(event, event_set);
}

WINSOCK_API BOOL WSAResetEvent(WSAEVENT event)
{
	return event_change(event, event_reset);
}

WINSOCK_API BOOL WSACloseEvent(WSAEVENT event)
{
	struct event *known = event_get(event);

	if (!known)
		return FALSE;
	event_put(known);
	return CloseHandle(event);
}

WINSOCK_API BOOL CloseHandle(HANDLE handle)
{
	int saved = errno;
	bool closed = object_is_handle(handle) ? object_close(handle)
					       : close_handle(handle);

	errno = saved;
	if (!closed)
		error_fail(ERROR_INVALID_HANDLE);
	return closed;
}

static bool event_is_set(const struct pollfd *polled)
{
	return polled->revents & POLLIN;
}

/* One, or all at the same time: index of the lowest, or -1. */
static int event_satisfied(const struct pollfd *polled, DWORD count, bool all)
{
	DWORD set = 0, first = count;

	for (DWORD i = 0; i < count; i++) {
		if (!event_is_set(&polled[i]))
			continue;
		set++;
		if (first == count)
			first = i;
	}
	if (all)
		return set == count ? 0 : -1;
	return set ? (int)first : -1;
}

/* Sleep: for all on one that is missing, as the set ones would not let us. */
static int event_sleep(struct thread *self, struct pollfd *polled, DWORD count, bool all,
		       int64_t deadline)
{
	struct pollfd missing[2] = { *polled };

	if (!all)
		return thread_poll(self, polled, count, deadline);
	for (DWORD i = 0; i < count; i++)
		if (!event_is_set(&polled[i]))
			missing[0] = polled[i];
	return thread_poll(self, missing, 1, deadline);
}

static DWORD event_wait(struct thread *self, struct pollfd *polled, DWORD count, bool all,
			int64_t deadline, bool alertable)
{
	int found;

	do {
		if (alertable && thread_deliver(self))
			return WSA_WAIT_IO_COMPLETION;
		/* Without waiting it cannot be interrupted. */
		found = poll(polled, count, 0) > 0 ? event_satisfied(polled, count, all) : -1;
		if (found >= 0)
			return WSA_WAIT_EVENT_0 + found;
	} while (event_sleep(self, polled, count, all, deadline));
	return WSA_WAIT_TIMEOUT;
}

WINSOCK_API DWORD WSAWaitForMultipleEvents(DWORD count, const WSAEVENT *events, BOOL all,
					   DWORD ms, BOOL alertable)
{
	struct pollfd polled[WSA_MAXIMUM_WAIT_EVENTS + 1];
	struct event *held[WSA_MAXIMUM_WAIT_EVENTS];
	struct thread *self = thread_self();
	DWORD result = WSA_WAIT_FAILED, known;
	int saved = errno;

	if (!count || count > WSA_MAXIMUM_WAIT_EVENTS || !events) {
		error_fail(WSA_INVALID_PARAMETER);
		return WSA_WAIT_FAILED;
	}
	if (!self) {
		error_fail(WSA_NOT_ENOUGH_MEMORY);
		return WSA_WAIT_FAILED;
	}
	for (known = 0; known < count; known++) {
		held[known] = event_get(events[known]);
		if (!held[known])
			break;
		polled[known] = (struct pollfd){ held[known]->fd, POLLIN, 0 };
	}
	if (known == count)
		result = event_wait(self, polled, count, all, thread_deadline(ms), alertable);
	while (known-- > 0)
		event_put(held[known]);
	errno = saved;
	return result;
}
