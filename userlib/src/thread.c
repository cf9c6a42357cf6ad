// SPDX-License-Identifier: LGPL-2.1-or-later
/* Threads that wait, and routines queued to them. See thread.h. */
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>

#include "layer.h"
#include "thread.h"

#define SECOND		1000000000LL
/* A thread without a timer descriptor looks for wake-ups so often. */
#define THREAD_SLICE	(10 * 1000000LL)
#define THREAD_UNFIT	(-2)

__thread int border_asleep = PTHREAD_CANCEL_DISABLE;
static __thread struct thread *thread_me;
static pthread_key_t thread_key;
static bool thread_keyed;

void thread_hold(struct thread *thread)
{
	atomic_fetch_add(&thread->refs, 1);
}

void thread_put(struct thread *thread)
{
	if (atomic_fetch_sub(&thread->refs, 1) > 1)
		return;
	pthread_mutex_destroy(&thread->lock);
	sem_destroy(&thread->semaphore);
	free(thread);
}

/* Fails for any other file at that number, which the program may have closed. */
static bool thread_set_timer(int fd, long ns)
{
	const struct itimerspec when = { .it_value = { 0, ns } };

	return !timerfd_settime(fd, 0, &when, NULL);
}

/* Do not disarm it: a child shares its parent's timer. */
static void thread_close_timer(struct thread *thread)
{
	struct itimerspec when;

	if (thread->timer >= 0 && !timerfd_gettime(thread->timer, &when))
		close(thread->timer);
	thread->timer = -1;
	thread->watched = -1;
}

static void thread_end(void *value)
{
	struct thread *thread = value;
	struct routine *routine, *next;
	BORDER;

	/* Operations first, so that their routines are dropped with the others. */
	if (atomic_load(&thread->operations))
		layer_above()->thread_ended(thread);
	pthread_mutex_lock(&thread->lock);
	thread->ended = true;
	routine = thread->first;
	thread->first = NULL;
	pthread_mutex_unlock(&thread->lock);
	for (; routine; routine = next) {
		next = routine->next;
		routine->run(routine, true);
	}
	thread_me = NULL;
	/* A sleep that pthread_cancel() has ended. */
	atomic_store(&thread->sleep, THREAD_AWAKE);
	thread_close_timer(thread);
	thread_put(thread);
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
	thread->refs = 1;
	thread->timer = -1;
	thread->watched = -1;
	thread->last = &thread->first;
	pthread_mutex_init(&thread->lock, NULL);
	sem_init(&thread->semaphore, 0, 0);
	if (!thread_keyed || pthread_setspecific(thread_key, thread)) {
		thread_put(thread);
		return NULL;
	}
	thread_me = thread;
	return thread;
}

void thread_forked(void)
{
	if (!thread_me)
		return;
	/* Queued routines run in the parent, whose wake-ups are not the child's. */
	pthread_mutex_init(&thread_me->lock, NULL);
	thread_me->first = NULL;
	thread_me->last = &thread_me->first;
	thread_me->operations = 0;
	thread_close_timer(thread_me);
}

bool thread_queue(struct thread *thread, struct routine *routine)
{
	bool queued;

	routine->next = NULL;
	pthread_mutex_lock(&thread->lock);
	queued = !thread->ended;
	if (queued) {
		*thread->last = routine;
		thread->last = &routine->next;
		/* Under the lock: the routine may drop the last reference but the thread's own. */
		thread_wake(thread);
	}
	pthread_mutex_unlock(&thread->lock);
	return queued;
}

bool thread_has_routines(struct thread *self)
{
	return atomic_load(&self->first);
}

static struct routine *thread_next(struct thread *self)
{
	struct routine *routine;

	pthread_mutex_lock(&self->lock);
	routine = self->first;
	if (routine) {
		self->first = routine->next;
		if (!self->first)
			self->last = &self->first;
	}
	pthread_mutex_unlock(&self->lock);
	return routine;
}

bool thread_deliver(struct thread *self)
{
	struct routine *routine;
	bool any = false;
	BORDER_ASLEEP(PTHREAD_CANCEL_DISABLE);

	while ((routine = thread_next(self))) {
		routine->run(routine, false);
		any = true;
	}
	return any;
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

/*
 * If the program has made cancellation asynchronous it may act at any instruction between these, not
 * only in a call, and the compiler has no cleanups for that. So the functions that sleep have
 * nothing to clean up, and are not inlined.
 */
static void thread_fall_asleep(void)
{
	pthread_setcancelstate(border_asleep, NULL);
}

static void thread_awake(void)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
}

__attribute__((noinline))
int thread_sleep_poll(struct pollfd *polled, nfds_t count, const struct timespec *left)
{
	int found;

	thread_fall_asleep();
	found = ppoll(polled, count, left, NULL);
	thread_awake();
	return found;
}

__attribute__((noinline))
int thread_sleep_epoll(int epoll, struct epoll_event *events, int count, int ms)
{
	int found;

	thread_fall_asleep();
	found = epoll_wait(epoll, events, count, ms);
	thread_awake();
	return found;
}

__attribute__((noinline))
static void thread_sleep_semaphore(sem_t *semaphore, int64_t deadline)
{
	const struct timespec end = { deadline / SECOND, deadline % SECOND };

	thread_fall_asleep();
	if (deadline == THREAD_FOREVER)
		sem_wait(semaphore);
	else
		sem_clockwait(semaphore, CLOCK_MONOTONIC, &end);
	thread_awake();
}

/*
 * The sleeping thread stores how it sleeps and then reads @woken; the other one stores @woken and
 * then reads how it sleeps: one of them sees the other's store.
 */
void thread_wake(struct thread *thread)
{
	int saved = errno;
	uint32_t told = THREAD_TOLD, before = atomic_exchange(&thread->woken, THREAD_TOLD);

	switch (atomic_load(&thread->sleep)) {
	case THREAD_IN_SEMAPHORE:
		/* A second post would only end the next sleep. */
		if (!before)
			sem_post(&thread->semaphore);
		break;
	case THREAD_IN_POLL:
		/* Unless it has got up: a wake-up left over would keep the next ones from posting. */
		if (atomic_compare_exchange_strong(&thread->woken, &told, THREAD_RUNG) ||
		    told == THREAD_RUNG)
			thread_set_timer(thread->timer, 1);
		break;
	}
	errno = saved;
}

static int thread_sleep(struct thread *self, int64_t deadline)
{
	atomic_store(&self->sleep, THREAD_IN_SEMAPHORE);
	if (!atomic_load(&self->woken))
		thread_sleep_semaphore(&self->semaphore, deadline);
	atomic_store(&self->sleep, THREAD_AWAKE);
	if (atomic_exchange(&self->woken, 0))
		return THREAD_WOKEN;
	/* A signal, the deadline, or the second post of an earlier wake-up. */
	return deadline != THREAD_FOREVER && thread_now() >= deadline ? 0 : THREAD_WOKEN;
}

int thread_timer(struct thread *self)
{
	if (self->timer < 0)
		self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return self->timer;
}

bool thread_lie_down(struct thread *self)
{
	atomic_store(&self->sleep, THREAD_IN_POLL);
	return !atomic_load(&self->woken);
}

int thread_get_up(struct thread *self, int ready)
{
	atomic_store(&self->sleep, THREAD_AWAKE);
	switch (atomic_exchange(&self->woken, 0)) {
	case 0:
		return ready;
	case THREAD_RUNG:
		/* Use the timer unless the program has put another file at its number. */
		if (self->timer < 0 || thread_set_timer(self->timer, 0))
			break;
		self->timer = -1;
		self->watched = -1;
		break;
	}
	return THREAD_WOKEN;
}

/* The time that is left, at most a slice if no timer wakes the thread. False: for ever. */
static bool thread_left(const struct thread *self, int64_t deadline, struct timespec *left)
{
	int64_t ns = deadline == THREAD_FOREVER ? INT64_MAX : deadline - thread_now();

	if (self->timer < 0 && ns > THREAD_SLICE)
		ns = THREAD_SLICE;
	if (ns < 0)
		ns = 0;
	*left = (struct timespec){ ns / SECOND, ns % SECOND };
	return ns != INT64_MAX;
}

int thread_poll(struct thread *self, struct pollfd *polled, nfds_t count, int64_t deadline)
{
	struct timespec left;
	bool limited;
	int ready = 0;

	if (!count)
		return thread_sleep(self, deadline);
	polled[count] = (struct pollfd){ .fd = thread_timer(self), .events = POLLIN };
	do {
		limited = thread_left(self, deadline, &left);
		if (thread_lie_down(self))
			ready = thread_sleep_poll(polled, count + (self->timer >= 0),
						  limited ? &left : NULL);
		if (ready < 0)
			ready = errno == EINTR ? THREAD_WOKEN : THREAD_UNFIT;
		else if (ready > 0 && self->timer >= 0 && polled[count].revents)
			atomic_store(&self->woken, THREAD_RUNG);
		ready = thread_get_up(self, ready);
	} while (!ready && self->timer < 0 && (!limited || deadline > thread_now()));
	/* If ppoll() fails (ENOMEM, EINVAL) the wait has timed out. */
	return ready == THREAD_UNFIT ? 0 : ready;
}

int thread_block(struct thread **self)
{
	struct thread *thread = thread_self();

	if (!thread)
		return WSAENOBUFS;
	if (thread->blocking)
		return WSAEINPROGRESS;
	thread->cancelled = 0;
	thread->blocking = 1;
	*self = thread;
	return 0;
}

void thread_unblock(struct thread *self)
{
	self->blocking = 0;
}

bool thread_is_blocked(void)
{
	return thread_me && thread_me->blocking;
}

bool thread_is_idle(void)
{
	return thread_me && !thread_me->blocking && !thread_has_routines(thread_me);
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
