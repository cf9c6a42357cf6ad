// SPDX-License-Identifier: LGPL-2.1-or-later
/* The helper thread. See engine.h. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "engine.h"
#include "wait.h"

#define ENGINE_STACK	(64 * 1024)
#define ENGINE_EVENTS	32
#define ENGINE_EVENTS_OF_VISITOR 8
/*
 * Does a thread that waits do the helper's work? On 32-bit ARM glibc's epoll_wait() has no unwind
 * table: a visitor that is cancelled could not leave.
 */
#ifdef __ARM_EABI__
#define ENGINE_VISITS	false
#else
#define ENGINE_VISITS	true
#endif
/* The epoll data of a thread's timer. */
#define ENGINE_WAKE	UINT64_MAX

void (*engine_ready)(uint64_t what, uint32_t events);
void (*engine_again)(void);

static pthread_mutex_t engine_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int engine_epoll = -1;		/* written under engine_lock */
static _Atomic bool engine_visited;		/* a thread does the work, or will */
static struct thread *engine_visitor;		/* under engine_lock */
static _Atomic bool engine_rests;
static pthread_cond_t engine_left = PTHREAD_COND_INITIALIZER;	/* the visitor has */

/* The program has closed our descriptor. Returns a new one, or -1: another helper has one. */
static int engine_renew(int epoll)
{
	int made = -1;

	pthread_mutex_lock(&engine_lock);
	if (atomic_load(&engine_epoll) == epoll) {
		made = epoll_create1(EPOLL_CLOEXEC);
		atomic_store(&engine_epoll, made);
	}
	pthread_mutex_unlock(&engine_lock);
	return made;
}

static void engine_handle(const struct epoll_event *events, int count)
{
	for (int i = 0; i < count && events[i].events; i++)
		if (events[i].data.u64 != ENGINE_WAKE)
			engine_ready(events[i].data.u64, events[i].events);
}

/* The helper has taken the event of a wake-up whose thread was going to sleep: wake it again. */
static void engine_pass_on(const struct epoll_event *events, int count)
{
	for (int i = 0; i < count; i++)
		if (events[i].data.u64 == ENGINE_WAKE) {
			pthread_mutex_lock(&engine_lock);
			if (engine_visitor && atomic_load(&engine_visitor->woken))
				thread_wake(engine_visitor);
			pthread_mutex_unlock(&engine_lock);
		}
}

/* Leave the event of the visitor's wake-up to it: the helper would take the next one, too. */
static void engine_make_way(void)
{
	pthread_mutex_lock(&engine_lock);
	while (engine_visitor && atomic_load(&engine_visitor->woken))
		pthread_cond_wait(&engine_left, &engine_lock);
	pthread_mutex_unlock(&engine_lock);
}

void engine_rest(void)
{
	atomic_store(&engine_rests, true);
}

static void engine_take_rest(void)
{
	if (atomic_load(&engine_rests) && atomic_exchange(&engine_rests, false))
		wait_rest();
}

static void *engine_run(void *argument)
{
	struct epoll_event events[ENGINE_EVENTS];
	int epoll = (int)(intptr_t)argument, count;

	do {
		engine_again();
		do {
			engine_take_rest();
			engine_make_way();
			count = epoll_wait(epoll, events, ENGINE_EVENTS, -1);
			engine_pass_on(events, count);
			engine_handle(events, count);
		} while (count >= 0 || errno == EINTR);
		epoll = engine_renew(epoll);
	} while (epoll >= 0);
	return NULL;
}

/* @stack: its size, or 0 for the usual one. */
static bool engine_make_thread(int epoll, size_t stack)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;
	bool made;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	if (stack)
		pthread_attr_setstacksize(&attributes, stack);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	made = !pthread_create(&thread, &attributes, engine_run,
			       (void *)(intptr_t)epoll);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return made;
}

/* With the lock. Returns the descriptor, or -1. */
static int engine_start(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0)
		return -1;
	atomic_store(&engine_epoll, epoll);
	/* A small stack may have no room for the program's thread-local data. */
	if (engine_make_thread(epoll, ENGINE_STACK) || engine_make_thread(epoll, 0))
		return epoll;
	atomic_store(&engine_epoll, -1);
	close(epoll);
	return -1;
}

/* Returns the descriptor, a new one instead of @bad, or -1. */
static int engine_open(int bad)
{
	int epoll;

	pthread_mutex_lock(&engine_lock);
	epoll = atomic_load(&engine_epoll);
	if (epoll == bad)
		epoll = engine_start();
	pthread_mutex_unlock(&engine_lock);
	return epoll;
}

int engine_watch(int fd, uint64_t what, uint32_t events, bool *added)
{
	struct epoll_event event = { .events = events, .data.u64 = what };
	int epoll = atomic_load(&engine_epoll);

	if (epoll < 0)
		epoll = engine_open(-1);
	for (int i = 0; epoll >= 0 && i < 2; i++) {
		if (!epoll_ctl(epoll, *added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event)) {
			*added = true;
			return 0;
		}
		if (errno != EINVAL && (errno != EBADF || fcntl(fd, F_GETFD) < 0))
			return errno;
		/* The program has closed it, and the number may be another file. */
		epoll = engine_open(epoll);
		*added = false;
	}
	return ENOMEM;
}

void engine_unwatch(int fd)
{
	struct epoll_event none = { 0 };

	epoll_ctl(atomic_load(&engine_epoll), EPOLL_CTL_DEL, fd, &none);
}

static void engine_set_visitor(struct thread *thread)
{
	pthread_mutex_lock(&engine_lock);
	engine_visitor = thread;
	if (!thread)
		pthread_cond_signal(&engine_left);
	pthread_mutex_unlock(&engine_lock);
}

/* Watch the thread's timer, too; edge-triggered, as otherwise two threads would see it. */
static bool engine_watch_timer(struct thread *self, int epoll)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = ENGINE_WAKE };

	if (thread_timer(self) >= 0 && self->watched != epoll &&
	    (!epoll_ctl(epoll, EPOLL_CTL_ADD, self->timer, &event) || errno == EEXIST))
		self->watched = epoll;
	return self->timer >= 0 && self->watched == epoll;
}

static int engine_timeout(int64_t deadline)
{
	int64_t ms = deadline == THREAD_FOREVER ? -1 : (deadline - thread_now() + 999999) / 1000000;

	return deadline != THREAD_FOREVER && ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : ms;
}

/* The system reports an event once: a visitor that pthread_cancel() ends handles what it has, too. */
static void engine_end_visit(struct epoll_event (*events)[ENGINE_EVENTS_OF_VISITOR])
{
	engine_set_visitor(NULL);
	atomic_store(&engine_visited, false);
	engine_handle(*events, ENGINE_EVENTS_OF_VISITOR);
}

int engine_visit(struct thread *self, int64_t deadline)
{
	int epoll = atomic_load(&engine_epoll), count = 0, ready;

	if (!ENGINE_VISITS || epoll < 0 || !engine_watch_timer(self, epoll) ||
	    atomic_exchange(&engine_visited, true))
		return ENGINE_BUSY;
	struct epoll_event events[ENGINE_EVENTS_OF_VISITOR] CLEANUP(engine_end_visit) = { 0 };

	engine_set_visitor(self);
	engine_take_rest();
	if (thread_lie_down(self))
		count = thread_sleep_epoll(epoll, events, ENGINE_EVENTS_OF_VISITOR,
					   engine_timeout(deadline));
	ready = thread_get_up(self, count);
	if (count >= 0)
		return ready;
	if (errno == EINTR)
		return THREAD_WOKEN;
	/* The descriptor is no epoll any more. */
	self->watched = -1;
	return ready == THREAD_WOKEN ? ready : ENGINE_BUSY;
}

/* The child shares the parent's epoll: close it without a change. */
void engine_forked(void)
{
	char path[40], target[40];
	int epoll = atomic_exchange(&engine_epoll, -1);
	ssize_t size;

	pthread_mutex_init(&engine_lock, NULL);
	pthread_cond_init(&engine_left, NULL);
	atomic_store(&engine_visited, false);
	engine_visitor = NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", epoll);
	size = readlink(path, target, sizeof(target));
	/* The number may be another file by now. */
	if (epoll >= 0 && size > 0 && memmem(target, size, "[eventpoll]", 11))
		close(epoll);
}
