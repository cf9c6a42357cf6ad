// SPDX-License-Identifier: LGPL-2.1-or-later
/* Events. See event.h. */
#include <stdlib.h>

#include "event.h"

/* Values of a wait's grant that are no index. */
#define EVENT_NONE	(-1)
#define EVENT_OVER	(-2)

/**
 * struct event_link - an event for which a thread waits
 * @next:	the next thread of the event
 * @thread:	the thread
 * @grant:	the wait's: the event that has ended it, whatever becomes of that until the thread
 *		runs; NULL: it waits for all at once, which none can end alone
 * @index:	the event's
 */
struct event_link {
	struct event_link *next;
	struct thread *thread;
	_Atomic int *grant;
	int index;
};

/**
 * struct event - an event
 * @object:	lifetime
 * @lock:	for @links, and for changes of @set
 * @set:	it is signalled
 * @automatic:	reset by the wait that takes it
 * @links:	the threads that wait, the first one first
 * @last:	the place of the next one
 */
struct event {
	struct object object;
	pthread_mutex_t lock;
	_Atomic bool set;
	bool automatic;
	struct event_link *links;
	struct event_link **last;
};

/**
 * struct event_wait - a wait for events
 * @grant:	see struct event_link
 * @result:	WSA_WAIT_FAILED until it is known
 * @count:	how many are linked
 * @events:	with a reference each
 * @links:	as many
 */
struct event_wait {
	_Atomic int grant;
	DWORD result;
	DWORD count;
	struct event *events[WSA_MAXIMUM_WAIT_EVENTS];
	struct event_link links[WSA_MAXIMUM_WAIT_EVENTS];
};

static void event_free(struct object *object)
{
	struct event *event = (struct event *)object;

	pthread_mutex_destroy(&event->lock);
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
	bool taken = false;

	/* An automatic event ends one wait, and stays unset; another one ends all. */
	pthread_mutex_lock(&event->lock);
	for (struct event_link *link = event->links; link && !taken; link = link->next) {
		int none = EVENT_NONE;

		if (link->grant && atomic_compare_exchange_strong(link->grant, &none, link->index)) {
			thread_wake(link->thread);
			taken = event->automatic;
		}
	}
	if (!taken && !atomic_exchange(&event->set, true))
		for (struct event_link *link = event->links; link; link = link->next)
			if (!link->grant)
				thread_wake(link->thread);
	pthread_mutex_unlock(&event->lock);
}

void event_reset(struct event *event)
{
	atomic_store(&event->set, false);
}

void event_forked(struct event *event)
{
	pthread_mutex_init(&event->lock, NULL);
	event->links = NULL;
	event->last = &event->links;
}

WINSOCK_API HANDLE CreateEventA(LPVOID attributes, BOOL manual, BOOL set, const char *name)
{
	struct event *event;
	HANDLE handle;
	BORDER;

	(void)attributes;
	event = name ? NULL : calloc(1, sizeof(*event));
	if (!event) {
		error_fail(name ? ERROR_NOT_SUPPORTED : WSA_NOT_ENOUGH_MEMORY);
		return WSA_INVALID_EVENT;
	}
	event->automatic = !manual;
	event->set = set;
	event->last = &event->links;
	event->object.type = OBJECT_EVENT;
	event->object.free = event_free;
	pthread_mutex_init(&event->lock, NULL);
	handle = object_publish(&event->object);
	if (!handle)
		event_free(&event->object);
	return handle;
}

WINSOCK_API WSAEVENT WSACreateEvent(void)
{
	return CreateEventA(NULL, TRUE, FALSE, NULL);
}

static BOOL event_change(WSAEVENT handle, void (*change)(struct event *event))
{
	struct event *event;
	BORDER;

	event = event_get(handle);
	if (!event)
		return FALSE;
	change(event);
	event_put(event);
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

static void event_nothing(struct event *event)
{
	(void)event;
}

WINSOCK_API BOOL WSACloseEvent(WSAEVENT event)
{
	return event_change(event, event_nothing) && CloseHandle(event);
}

/* Is it signalled? Resets an automatic one. */
static bool event_take(struct event *event)
{
	return event->automatic ? atomic_exchange(&event->set, false) : atomic_load(&event->set);
}

/* Take one event, or all at once. Returns the lowest index, or EVENT_NONE. */
static int event_satisfied(struct event *const *events, DWORD count, bool all)
{
	DWORD i;

	for (i = 0; all && i < count; i++)
		if (!atomic_load(&events[i]->set))
			return EVENT_NONE;
	for (i = 0; i < count && event_take(events[i]) == all; i++)
		;
	if (!all)
		return i < count ? (int)i : EVENT_NONE;
	if (i == count)
		return 0;
	/* Another thread has taken one: give back the others. */
	while (i-- > 0)
		if (events[i]->automatic)
			event_set(events[i]);
	return EVENT_NONE;
}

static DWORD event_sleep(struct thread *self, const struct event_wait *wait, bool all,
			 int64_t deadline, bool alertable)
{
	int found, awake = THREAD_WOKEN;

	do {
		found = atomic_load(&wait->grant);
		if (found < 0)
			found = event_satisfied(wait->events, wait->count, all);
		if (found >= 0)
			return WSA_WAIT_EVENT_0 + found;
		if (alertable && thread_has_routines(self))
			return WSA_WAIT_IO_COMPLETION;
		if (awake)
			awake = thread_poll(self, NULL, 0, deadline);
		else
			return WSA_WAIT_TIMEOUT;
	} while (true);
}

static void event_link(struct event *event, struct event_link *link)
{
	pthread_mutex_lock(&event->lock);
	link->next = NULL;
	*event->last = link;
	event->last = &link->next;
	pthread_mutex_unlock(&event->lock);
}

static void event_unlink(struct event *event, struct event_link *link)
{
	struct event_link **back;

	pthread_mutex_lock(&event->lock);
	for (back = &event->links; *back && *back != link; back = &(*back)->next)
		;
	/* A child, forked by a signal's handler, has none of its parent's waits. */
	if (*back) {
		*back = link->next;
		if (!link->next)
			event->last = back;
	}
	pthread_mutex_unlock(&event->lock);
}

static void event_leave(struct event_wait *wait)
{
	int unused = atomic_exchange(&wait->grant, EVENT_OVER);

	for (DWORD i = 0; i < wait->count; i++)
		event_unlink(wait->events[i], &wait->links[i]);
	/* The wait has ended otherwise: the grant is another one's. */
	if (unused >= 0 && wait->result != WSA_WAIT_EVENT_0 + (DWORD)unused &&
	    wait->events[unused]->automatic)
		event_set(wait->events[unused]);
	while (wait->count-- > 0)
		event_put(wait->events[wait->count]);
}

static DWORD event_wait(struct thread *self, DWORD count, const WSAEVENT *handles, bool all,
			DWORD ms, bool alertable)
{
	struct event_wait wait CLEANUP(event_leave);

	atomic_init(&wait.grant, EVENT_NONE);
	wait.result = WSA_WAIT_FAILED;
	for (wait.count = 0; wait.count < count; wait.count++) {
		struct event *event = event_get(handles[wait.count]);

		if (!event)
			return WSA_WAIT_FAILED;
		/* It could take no more than one of two that are the same and automatic. */
		for (DWORD i = 0; all && i < wait.count; i++) {
			if (wait.events[i] != event)
				continue;
			event_put(event);
			error_fail(WSA_INVALID_PARAMETER);
			return WSA_WAIT_FAILED;
		}
		wait.events[wait.count] = event;
		wait.links[wait.count] = (struct event_link){
			.thread = self, .grant = all ? NULL : &wait.grant, .index = wait.count,
		};
		event_link(event, &wait.links[wait.count]);
	}
	wait.result = event_sleep(self, &wait, all, thread_deadline(ms), alertable);
	return wait.result;
}

WINSOCK_API DWORD WSAWaitForMultipleEvents(DWORD count, const WSAEVENT *handles, BOOL all,
					   DWORD ms, BOOL alertable)
{
	struct thread *self;
	DWORD result;
	BORDER_OF_WAIT;

	if (!count || count > WSA_MAXIMUM_WAIT_EVENTS || !handles) {
		error_fail(WSA_INVALID_PARAMETER);
		return WSA_WAIT_FAILED;
	}
	self = thread_self();
	if (!self) {
		error_fail(WSA_NOT_ENOUGH_MEMORY);
		return WSA_WAIT_FAILED;
	}
	result = event_wait(self, count, handles, all, ms, alertable);
	/* No wait has the events while a routine runs. */
	if (result == WSA_WAIT_IO_COMPLETION)
		thread_deliver(self);
	return result;
}

WINSOCK_API DWORD WaitForSingleObject(HANDLE handle, DWORD ms)
{
	return WSAWaitForMultipleEvents(1, &handle, FALSE, ms, FALSE);
}

WINSOCK_API DWORD WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL all, DWORD ms)
{
	return WSAWaitForMultipleEvents(count, handles, all, ms, FALSE);
}
