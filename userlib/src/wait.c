// SPDX-License-Identifier: LGPL-2.1-or-later
/* Blocking calls, and closes that find them. See wait.h. */
#include <stdatomic.h>
#include <time.h>

#include "fork.h"
#include "wait.h"

/* How long a close waits for a call that does not come back from trying. */
#define WAIT_PATIENCE_NS	10000000

static pthread_mutex_t wait_lock = PTHREAD_MUTEX_INITIALIZER;
/* A wait is no longer active, or a close is over or lingers. */
static pthread_cond_t wait_changed = PTHREAD_COND_INITIALIZER;
static struct wait *wait_list;			/* under wait_lock, as what is in it */
static struct wait_close *wait_closes;		/* under wait_lock */
static _Atomic unsigned int wait_count;		/* lets closes pass by the lock */

void wait_fork(enum fork_phase phase)
{
	if (phase == FORK_CHILD) {
		/* Of other threads' calls, which the child does not have. */
		struct wait **link = &wait_list, *wait;
		unsigned int count = 0;
		struct thread *self = wait_list ? thread_self() : NULL;

		while ((wait = *link)) {
			if (wait->thread == self) {
				/* The operations are the parent's. */
				atomic_store(&wait->behind, false);
				link = &wait->next;
				count++;
			} else {
				*link = wait->next;
			}
		}
		/* A close of the forking thread's own, too: see close_forked(). */
		wait_closes = NULL;
		atomic_store(&wait_count, count);
		pthread_cond_init(&wait_changed, NULL);
	}
	fork_mutex(&wait_lock, phase);
}

static bool wait_has(const struct wait *wait, SOCKET s)
{
	for (nfds_t i = 0; i < wait->count; i++)
		if (wait->polled[i].fd == s && !wait->closed[i])
			return true;
	return false;
}

/* Is one of them being closed? A close that lingers counts only if it is to. */
static bool wait_is_closing(const struct wait *wait, bool lingering)
{
	for (const struct wait_close *closing = wait_closes; closing; closing = closing->next)
		if ((lingering || !closing->lingering) && wait_has(wait, closing->s))
			return true;
	return false;
}

int wait_enter(struct wait *wait)
{
	int error = thread_block(&wait->thread);

	if (error)
		return error;
	wait->told = false;
	wait->active = false;
	wait->held = false;
	wait->behind = false;
	memset(wait->closed, 0, wait->count * sizeof(*wait->closed));
	pthread_mutex_lock(&wait_lock);
	/*
	 * The number may be a new socket's by now, to which that close is nothing; there are
	 * no deadlines here. One that lingers has its number still, and tells of its end.
	 */
	while (wait_is_closing(wait, false))
		pthread_cond_wait(&wait_changed, &wait_lock);
	wait->next = wait_list;
	wait_list = wait;
	atomic_fetch_add(&wait_count, 1);
	pthread_mutex_unlock(&wait_lock);
	return 0;
}

int wait_one_enter(struct wait_one *one, SOCKET s, short events)
{
	one->polled[0] = (struct pollfd){ .fd = s, .events = events };
	one->wait.polled = one->polled;
	one->wait.count = 1;
	one->wait.closed = &one->closed;
	return wait_enter(&one->wait);
}

void wait_leave(struct wait *wait)
{
	struct wait **link = &wait_list;

	pthread_mutex_lock(&wait_lock);
	while (*link != wait)
		link = &(*link)->next;
	*link = wait->next;
	atomic_fetch_sub(&wait_count, 1);
	if (wait->active)
		pthread_cond_broadcast(&wait_changed);
	pthread_mutex_unlock(&wait_lock);
	thread_unblock(wait->thread);
}

/* Has the wait ended? If not, @wait->held is set anew. */
static bool wait_ended(struct wait *wait, int ready, enum wait_end *end)
{
	bool ended = true;

	pthread_mutex_lock(&wait_lock);
	wait->held = false;
	if (wait->told) {
		*end = WAIT_CLOSED;
	} else if (wait->thread->cancelled) {
		*end = WAIT_CANCELLED;
	} else if (!ready) {
		*end = WAIT_TIMED_OUT;
	} else {
		*end = WAIT_READY;
		/* Of several the others may be tried meanwhile. */
		wait->held = wait_is_closing(wait, wait->count == 1);
		wait->active = ready > 0 && !wait->held;
		ended = wait->active;
	}
	pthread_mutex_unlock(&wait_lock);
	return ended;
}

void wait_behind(struct wait *wait, bool behind)
{
	atomic_store(&wait->behind, behind);
	if (!behind)
		thread_wake(wait->thread);
}

/* As thread_poll(), but what cannot try sleeps until its deadline or until it is woken. */
static int wait_sleep(struct wait *wait, int64_t deadline)
{
	struct pollfd none;

	if (wait->held || atomic_load(&wait->behind))
		return thread_poll(wait->thread, &none, 0, deadline);
	return thread_poll(wait->thread, wait->polled, wait->count, deadline);
}

enum wait_end wait_poll(struct wait *wait, int64_t deadline)
{
	enum wait_end end = WAIT_READY;
	int ready = THREAD_WOKEN;

	pthread_mutex_lock(&wait_lock);
	if (wait->active) {
		wait->active = false;
		pthread_cond_broadcast(&wait_changed);
	}
	pthread_mutex_unlock(&wait_lock);

	do {
		/* On entry, too: what is queued runs before the first sleep (B9). */
		if (ready == THREAD_WOKEN)
			thread_deliver(wait->thread);
		if (wait_ended(wait, ready, &end))
			return end;
		ready = wait_sleep(wait, deadline);
	} while (!wait_ended(wait, ready, &end));
	return end;
}

static bool wait_any_active(SOCKET s)
{
	for (const struct wait *wait = wait_list; wait; wait = wait->next)
		if (wait->active && wait_has(wait, s))
			return true;
	return false;
}

/* With the lock, for a while: let calls that just try come to their end. */
static void wait_for_active(SOCKET s)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += WAIT_PATIENCE_NS;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	/*
	 * Trying does not block, but for an accept whose connection another process took:
	 * that one the kernel wakes.
	 */
	while (wait_any_active(s) &&
	       !pthread_cond_timedwait(&wait_changed, &wait_lock, &end))
		;
}

void wait_close_begin(struct wait_close *closing, SOCKET s)
{
	closing->s = s;
	closing->lingering = false;
	closing->engaged = atomic_load(&wait_count);
	if (!closing->engaged)
		return;
	pthread_mutex_lock(&wait_lock);
	closing->next = wait_closes;
	wait_closes = closing;
	wait_for_active(s);
	pthread_mutex_unlock(&wait_lock);
}

/* Who is held by a close of @s looks again whether it has to be. */
static void wait_release(SOCKET s)
{
	for (const struct wait *wait = wait_list; wait; wait = wait->next)
		if (wait->held && wait_has(wait, s))
			thread_wake(wait->thread);
	pthread_cond_broadcast(&wait_changed);
}

void wait_close_linger(struct wait_close *closing, bool on)
{
	if (!closing->engaged)
		return;
	pthread_mutex_lock(&wait_lock);
	closing->lingering = on;
	if (on)
		wait_release(closing->s);
	else
		wait_for_active(closing->s);
	pthread_mutex_unlock(&wait_lock);
}

static void wait_tell(struct wait *wait, SOCKET s)
{
	bool told = false;

	for (nfds_t i = 0; i < wait->count; i++) {
		if (wait->polled[i].fd != s)
			continue;
		wait->closed[i] = true;
		told = true;
	}
	if (told) {
		wait->told = true;
		thread_wake(wait->thread);
	}
}

void wait_close_end(struct wait_close *closing, bool closed)
{
	struct wait_close **link = &wait_closes;

	if (!closing->engaged)
		return;
	pthread_mutex_lock(&wait_lock);
	while (*link != closing)
		link = &(*link)->next;
	*link = closing->next;
	for (struct wait *wait = wait_list; closed && wait; wait = wait->next)
		wait_tell(wait, closing->s);
	wait_release(closing->s);
	pthread_mutex_unlock(&wait_lock);
}
