// SPDX-License-Identifier: LGPL-2.1-or-later
/* Blocking calls, and closes that find them. See wait.h. */
#include <stdlib.h>
#include <time.h>

#include "layer.h"
#include "wait.h"

/* A close waits so long for an active call that does not come back. */
#define WAIT_PATIENCE_NS	10000000
#define WAIT_PAUSE_NS		20000
#define WAIT_REST_NS		1000000

/* Calls that wait for the same on one socket share a leader; calls for several have none. */
static struct wait_link **wait_leader(struct wait_link *link)
{
	const struct wait *wait = link->wait;

	return wait->one ? &link->handle->leaders[wait->polled[0].events == POLLOUT] : NULL;
}

/* With the lock: lead, if no other call does; else follow. */
static void wait_lead(struct wait_link *link)
{
	struct wait_link **leader = wait_leader(link);

	if (!leader)
		return;
	if (!*leader)
		*leader = link;
	atomic_store(&link->wait->follows, *leader != link);
}

/*
 * Store the list, then read the bits: a close stores the bits, then reads the list. One of them
 * sees the other's store.
 */
static void wait_add(struct wait_link *link)
{
	struct handle *handle = link->handle;
	struct wait_link *first;

	if (!handle)
		return;
	pthread_mutex_lock(&handle->lock);
	first = atomic_load(&handle->waits);
	atomic_store(&link->next, first);
	link->back = &handle->waits;
	if (first)
		first->back = &link->next;
	atomic_store(&handle->waits, link);
	wait_lead(link);
	atomic_store(&link->close, 0);
	pthread_mutex_unlock(&handle->lock);
}

/* With the lock: neither lead nor follow. If this call has led another one does, if there is one. */
static void wait_step_back(struct wait_link *link)
{
	struct wait_link **leader = wait_leader(link), *next;

	if (!leader)
		return;
	atomic_store(&link->wait->follows, false);
	if (*leader != link)
		return;
	for (next = atomic_load(&link->handle->waits);
	     next && (wait_leader(next) != leader || !atomic_load(&next->wait->follows));
	     next = next->next)
		;
	*leader = next;
	if (!next)
		return;
	atomic_store(&next->wait->follows, false);
	thread_wake(next->wait->thread);
}

static void wait_remove(struct wait_link *link)
{
	struct handle *handle = link->handle;
	struct wait_link *next;

	if (!handle)
		return;
	pthread_mutex_lock(&handle->lock);
	next = link->next;
	if (next)
		next->back = link->back;
	atomic_store(link->back, next);
	wait_step_back(link);
	pthread_mutex_unlock(&handle->lock);
}

bool wait_reserve(struct wait *wait, nfds_t count)
{
	wait->count = count;
	wait->polled = calloc(count + 1, sizeof(*wait->polled));
	wait->closed = calloc(count, sizeof(*wait->closed));
	wait->links = calloc(count, sizeof(*wait->links));
	return wait->polled && wait->closed && wait->links;
}

void wait_release(struct wait *wait)
{
	wait_leave(wait);
	free(wait->polled);
	free(wait->closed);
	free(wait->links);
}

int wait_enter(struct wait *wait)
{
	int error = thread_block(&wait->thread);

	if (error)
		return error;
	if (!wait->one)
		wait->direction = -1;
	atomic_init(&wait->told, false);
	atomic_init(&wait->active, false);
	atomic_init(&wait->follows, false);
	wait->thread->wait = wait;
	for (nfds_t i = 0; i < wait->count; i++) {
		wait->closed[i] = false;
		wait->links[i].wait = wait;
		wait->links[i].handle = handle_make(wait->polled[i].fd);
		wait_add(&wait->links[i]);
	}
	return 0;
}

int wait_one_enter(struct wait_one *one, SOCKET s, short events, int direction)
{
	one->polled[0] = (struct pollfd){ .fd = s, .events = events };
	one->wait.polled = one->polled;
	one->wait.count = 1;
	one->wait.closed = &one->closed;
	one->wait.links = &one->link;
	one->wait.one = true;
	one->wait.direction = direction;
	return wait_enter(&one->wait);
}

void wait_leave(struct wait *wait)
{
	struct thread *thread = wait->thread;

	if (!thread)
		return;
	atomic_store(&wait->active, false);
	for (nfds_t i = 0; i < wait->count; i++)
		wait_remove(&wait->links[i]);
	wait->thread = NULL;
	thread->wait = NULL;
	thread_unblock(thread);
}

void wait_one_leave(struct wait_one *one)
{
	wait_leave(&one->wait);
}

static void wait_change(struct wait_link *link, void (*change)(struct wait_link *link))
{
	if (!link->handle)
		return;
	pthread_mutex_lock(&link->handle->lock);
	change(link);
	pthread_mutex_unlock(&link->handle->lock);
}

/* A routine may take long: let another thread poll during it, also one that comes then. */
static void wait_run_routines(struct wait *wait)
{
	if (!thread_has_routines(wait->thread))
		return;
	wait_change(&wait->links[0], wait_step_back);
	thread_deliver(wait->thread);
	wait_change(&wait->links[0], wait_lead);
}

/*
 * Is one of the sockets being closed? A lingering close holds only calls that wait for nothing
 * else.
 */
static bool wait_is_held(const struct wait *wait)
{
	for (nfds_t i = 0; i < wait->count; i++) {
		const struct handle *handle = wait->links[i].handle;
		uint64_t bits = handle ? atomic_load(&handle->bits) : 0;

		if ((bits & HANDLE_GOING) && (!(bits & HANDLE_LINGERS) || wait->count == 1))
			return true;
		/* The bits may be those of the number's new owner. */
		if (handle && atomic_load(&wait->links[i].close))
			return true;
	}
	return false;
}

/* Must the call not poll its descriptors? */
static bool wait_is_blind(const struct wait *wait)
{
	struct handle *handle = wait->links[0].handle;

	if (atomic_load(&wait->follows) || wait_is_held(wait))
		return true;
	return wait->direction >= 0 && handle && atomic_load(&handle->channel) &&
	       layer_above()->pending(handle, wait->direction);
}

/* Store that the call is active, then read whether there is a close, as wait_add() does. */
static bool wait_activate(struct wait *wait)
{
	atomic_store(&wait->active, true);
	if (!wait_is_held(wait) && !atomic_load(&wait->told))
		return true;
	atomic_store(&wait->active, false);
	return false;
}

bool wait_try(struct wait *wait)
{
	return !wait_is_blind(wait) && poll(wait->polled, wait->count, 0) > 0 &&
	       wait_activate(wait);
}

enum wait_end wait_poll(struct wait *wait, int64_t deadline)
{
	struct thread *self = wait->thread;
	int ready = THREAD_WOKEN;

	atomic_store(&wait->active, false);
	for (;;) {
		/* On entry, too: queued routines run before the first sleep (B9). */
		if (ready == THREAD_WOKEN)
			wait_run_routines(wait);
		if (atomic_load(&wait->told))
			return WAIT_CLOSED;
		if (self->cancelled)
			return WAIT_CANCELLED;
		if (!ready)
			return WAIT_TIMED_OUT;
		if (ready > 0 && wait_activate(wait))
			return WAIT_READY;
		ready = thread_poll(self, wait->polled, wait_is_blind(wait) ? 0 : wait->count,
				    deadline);
	}
}

/* Hold all calls that no other close holds. Is one of them active? */
static bool wait_hold(struct handle *handle, uint64_t close)
{
	bool any = false;

	pthread_mutex_lock(&handle->lock);
	for (struct wait_link *link = atomic_load(&handle->waits); link; link = link->next) {
		if (!atomic_load(&link->close))
			atomic_store(&link->close, close);
		any |= atomic_load(&link->wait->active);
	}
	pthread_mutex_unlock(&handle->lock);
	return any;
}

void wait_pause(void)
{
	const struct timespec pause = { 0, WAIT_PAUSE_NS };

	nanosleep(&pause, NULL);
}

void wait_rest(void)
{
	const struct timespec rest = { 0, WAIT_REST_NS };

	nanosleep(&rest, NULL);
}

void wait_close_begin(struct handle *handle, uint64_t close)
{
	int64_t end;

	if (!wait_any(handle))
		return;
	/*
	 * Active calls do not block, except an accept(2) whose connection another process took: the
	 * kernel wakes that one.
	 */
	end = thread_now() + WAIT_PATIENCE_NS;
	while (wait_hold(handle, close) && thread_now() < end)
		wait_pause();
}

bool wait_any_receives(struct handle *handle)
{
	struct wait_link *link;

	pthread_mutex_lock(&handle->lock);
	/* One that runs a routine does not lead. */
	link = atomic_load(&handle->waits);
	while (link && wait_leader(link) != &handle->leaders[0])
		link = link->next;
	pthread_mutex_unlock(&handle->lock);
	return link;
}

void wait_kick(struct handle *handle)
{
	for (struct wait_link *link = atomic_load(&handle->waits); link; link = link->next)
		thread_wake(link->wait->thread);
}

void wait_close_end(struct handle *handle, uint64_t close, bool closed)
{
	if (!wait_any(handle))
		return;
	pthread_mutex_lock(&handle->lock);
	for (struct wait_link *link = atomic_load(&handle->waits); link; link = link->next) {
		if (atomic_load(&link->close) != close)
			continue;
		if (closed) {
			link->wait->closed[link - link->wait->links] = true;
			atomic_store(&link->wait->told, true);
		}
		atomic_store(&link->close, 0);
	}
	wait_kick(handle);
	pthread_mutex_unlock(&handle->lock);
}

static void wait_forget(SOCKET s, struct handle *handle)
{
	(void)s;
	/* The thread that held the lock is not in the child. */
	pthread_mutex_init(&handle->lock, NULL);
	atomic_store(&handle->waits, NULL);
	handle->leaders[0] = NULL;
	handle->leaders[1] = NULL;
}

void wait_forked(void)
{
	struct thread *self = thread_self();

	handle_each(wait_forget);
	/* The call whose routine has forked goes on. */
	for (nfds_t i = 0; self && self->wait && i < self->wait->count; i++)
		wait_add(&self->wait->links[i]);
}
