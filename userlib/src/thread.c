// SPDX-License-Identifier: LGPL-2.1-or-later
/* Threads that wait, and routines queued to them. See thread.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "cancel.h"
#include "fork.h"
#include "pending.h"
#include "thread.h"

#define THREAD_PSEUDO	((HANDLE)(intptr_t)-2)
#define SECOND		1000000000LL

static __thread struct thread *thread_me;
static pthread_key_t thread_key;
static bool thread_keyed;

/* The locks of other threads' queues are theirs, and those threads are not in a child. */
bool thread_is_mine(const struct object *object)
{
	return thread_me && object == &thread_me->object;
}

void thread_fork(enum fork_phase phase)
{
	if (!thread_me)
		return;
	fork_mutex(&thread_me->lock, phase);
	if (phase == FORK_CHILD) {
		/* What was queued runs in the parent, and its wake-ups are not ours. */
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		thread_me->first = NULL;
		thread_me->last = &thread_me->first;
		if (fd >= 0) {
			dup3(fd, thread_me->wake_fd, O_CLOEXEC);
			close(fd);
		}
	}
}

static void thread_free(struct object *object)
{
	struct thread *thread = (struct thread *)object;

	close(thread->wake_fd);
	pthread_mutex_destroy(&thread->lock);
	free(thread);
}

static void thread_end(void *value)
{
	struct thread *thread = value;
	struct apc *apc, *next;

	/* Operations first: their routines are then among what is thrown away. */
	pending_thread_ended(thread);
	pthread_mutex_lock(&thread->lock);
	thread->ended = true;
	apc = thread->first;
	thread->first = NULL;
	pthread_mutex_unlock(&thread->lock);
	for (; apc; apc = next) {
		next = apc->next;
		apc->run(apc, true);
	}
	thread_me = NULL;
	object_put(&thread->object);
}

static void thread_make_key(void)
{
	thread_keyed = !pthread_key_create(&thread_key, thread_end);
}

struct thread *thread_self(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct thread *thread = thread_me;

	if (thread)
		return thread;
	pthread_once(&once, thread_make_key);
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	thread->object = (struct object){ .type = OBJECT_THREAD, .refs = 1, .free = thread_free };
	thread->last = &thread->first;
	pthread_mutex_init(&thread->lock, NULL);
	thread->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (thread->wake_fd < 0 || !thread_keyed || pthread_setspecific(thread_key, thread)) {
		thread_free(&thread->object);
		return NULL;
	}
	thread_me = thread;
	return thread;
}

bool thread_queue(struct thread *thread, struct apc *apc)
{
	bool queued;

	apc->next = NULL;
	pthread_mutex_lock(&thread->lock);
	queued = !thread->ended;
	if (queued) {
		*thread->last = apc;
		thread->last = &apc->next;
		/* With the lock: the routine may drop the last reference but the thread's. */
		thread_wake(thread);
	}
	pthread_mutex_unlock(&thread->lock);
	return queued;
}

static struct apc *thread_next(struct thread *self)
{
	struct apc *apc;

	pthread_mutex_lock(&self->lock);
	apc = self->first;
	if (apc) {
		self->first = apc->next;
		if (!self->first)
			self->last = &self->first;
	}
	pthread_mutex_unlock(&self->lock);
	return apc;
}

bool thread_deliver(struct thread *self)
{
	struct apc *apc;
	bool any = false;

	while ((apc = thread_next(self))) {
		apc->run(apc, false);
		any = true;
	}
	return any;
}

void thread_wake(const struct thread *thread)
{
	const uint64_t one = 1;

	/* Full means that it is awake. */
	if (write(thread->wake_fd, &one, sizeof(one)) < 0)
		return;
}

int64_t thread_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

int64_t thread_deadline(DWORD ms)
{
	return ms == INFINITE ? THREAD_FOREVER : thread_now() + ms * 1000000LL;
}

int thread_poll(struct thread *self, struct pollfd *polled, nfds_t count, int64_t deadline)
{
	struct timespec left = { 0 }, *timeout = NULL;
	int ready;

	if (deadline != THREAD_FOREVER) {
		int64_t ns = deadline - thread_now();

		if (ns > 0)
			left = (struct timespec){ ns / SECOND, ns % SECOND };
		timeout = &left;
	}
	polled[count] = (struct pollfd){ .fd = self->wake_fd, .events = POLLIN };
	ready = ppoll(polled, count + 1, timeout, NULL);
	/* What cannot be waited for is as good as over: no memory, too many descriptors. */
	if (ready < 0)
		return errno == EINTR ? THREAD_WOKEN : 0;
	if (polled[count].revents) {
		uint64_t wakes;

		if (read(self->wake_fd, &wakes, sizeof(wakes)) < 0 || !--ready)
			return THREAD_WOKEN;
	}
	return ready;
}

int thread_block(struct thread **self)
{
	struct thread *thread = thread_self();

	if (!thread)
		return WSAENOBUFS;
	if (thread->blocking)
		return WSAEINPROGRESS;
	thread->cancelled = 0;
	thread->cancel_state = cancel_disable();
	thread->blocking = 1;
	*self = thread;
	return 0;
}

void thread_unblock(struct thread *self)
{
	self->blocking = 0;
	cancel_restore(self->cancel_state);
}

bool thread_is_blocked(void)
{
	return thread_me && thread_me->blocking;
}

WINSOCK_API int WSACancelBlockingCall(void)
{
	STARTED_OR(SOCKET_ERROR);
	if (!thread_is_blocked())
		return error_fail(WSAEINVAL);
	thread_me->cancelled = 1;
	thread_wake(thread_me);
	return 0;
}

/* QueueUserAPC()'s own. */
struct thread_routine {
	struct apc apc;
	PAPCFUNC routine;
	ULONG_PTR data;
};

static void thread_run(struct apc *apc, bool cancelled)
{
	struct thread_routine routine = *(struct thread_routine *)apc;

	free(apc);
	if (!cancelled)
		routine.routine(routine.data);
}

WINSOCK_API DWORD QueueUserAPC(PAPCFUNC routine, HANDLE handle, ULONG_PTR data)
{
	struct thread_routine *queued;
	struct thread *thread;
	bool done = false;

	if (handle != THREAD_PSEUDO) {
		thread = object_get(handle, OBJECT_THREAD);
		if (!thread)
			return 0;
	} else {
		thread = thread_self();
		if (thread)
			object_hold(&thread->object);
	}
	queued = thread ? malloc(sizeof(*queued)) : NULL;
	if (!queued) {
		error_fail(ERROR_NOT_ENOUGH_MEMORY);
	} else {
		*queued = (struct thread_routine){ { .run = thread_run }, routine, data };
		done = thread_queue(thread, &queued->apc);
		if (!done) {
			free(queued);
			error_fail(ERROR_INVALID_HANDLE);
		}
	}
	if (thread)
		object_put(&thread->object);
	return done;
}

WINSOCK_API HANDLE GetCurrentThread(void)
{
	return THREAD_PSEUDO;
}

WINSOCK_API HANDLE winsock_thread_self(void)
{
	struct thread *self = thread_self();

	if (!self) {
		error_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	return object_share(&self->object);
}

WINSOCK_API DWORD SleepEx(DWORD ms, BOOL alertable)
{
	int64_t deadline = thread_deadline(ms);
	struct thread *self = alertable ? thread_self() : NULL;
	struct timespec end = { deadline / SECOND, deadline % SECOND };
	struct pollfd polled[1];

	if (!self) {
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
			;
		return 0;
	}
	do {
		if (thread_deliver(self))
			return WAIT_IO_COMPLETION;
	} while (thread_poll(self, polled, 0, deadline) == THREAD_WOKEN);
	return 0;
}
