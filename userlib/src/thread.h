/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library's state of a thread, from its first wait on: the routines queued to it, and how
 * another thread wakes it.
 */
#ifndef WINSOCK_THREAD_H
#define WINSOCK_THREAD_H

#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>

#include "handle.h"

/**
 * struct routine - a routine queued to a thread (an APC)
 * @next:	the thread's next one
 * @run:	called once, in that thread, or with @cancelled when the thread ends; frees it
 */
struct routine {
	struct routine *_Atomic next;
	void (*run)(struct routine *routine, bool cancelled);
};

enum thread_sleep { THREAD_AWAKE, THREAD_IN_SEMAPHORE, THREAD_IN_POLL };
/* THREAD_RUNG: the timer may have been armed for the wake-up. */
enum thread_wake { THREAD_ASLEEP, THREAD_TOLD, THREAD_RUNG };

/**
 * struct thread - a thread
 * @refs:	the thread itself holds one
 * @woken:	enum thread_wake: the thread must look again
 * @sleep:	enum thread_sleep
 * @semaphore:	where it sleeps without a descriptor to poll
 * @timer:	a timerfd that expires to wake it from poll(2), or -1: there was no descriptor
 * @watched:	the epoll descriptor that watches @timer, or -1
 * @lock:	guards @first, @last, @ended; innermost
 * @first:	queued routines; may be compared with NULL without the lock
 * @last:	the place of the next one
 * @ended:	thread_queue() refuses
 * @operations:	how many the layer above has for it
 * @wait:	its blocking call, see wait.c
 * @blocking:	the thread is in one
 * @cancelled:	WSACancelBlockingCall() has ended that call
 */
struct thread {
	_Atomic unsigned int refs;
	_Atomic uint32_t woken;
	_Atomic int sleep;
	sem_t semaphore;
	int timer;
	int watched;
	pthread_mutex_t lock;
	struct routine *_Atomic first;
	struct routine *_Atomic *last;
	bool ended;
	_Atomic unsigned int operations;
	struct wait *wait;
	volatile sig_atomic_t blocking;
	volatile sig_atomic_t cancelled;
};

struct thread *thread_self(void);	/* NULL: no memory */
void thread_hold(struct thread *thread);
void thread_put(struct thread *thread);

/* Queue a routine. False: the thread has ended. */
bool thread_queue(struct thread *thread, struct routine *routine);

/* Run what is queued to the calling thread. True if there was anything. */
bool thread_deliver(struct thread *self);
bool thread_has_routines(struct thread *self);

/* Make a thread look again at what it waits for. Any thread, signal handlers too. */
void thread_wake(struct thread *thread);

/* Monotonic deadlines in ns. INFINITE gives THREAD_FOREVER. */
#define THREAD_FOREVER	INT64_MAX
int64_t thread_now(void);
int64_t thread_deadline(DWORD ms);

/**
 * thread_poll() - wait for descriptors, a wake-up, or a signal
 * @self:	the calling thread
 * @polled:	@count descriptors and room for one more; without any it is not used
 * @deadline:	as above; in the past: do not wait
 *
 * Return: as poll(2), of @polled, 0 also where it fails; THREAD_WOKEN: look again.
 */
int thread_poll(struct thread *self, struct pollfd *polled, nfds_t count, int64_t deadline);
#define THREAD_WOKEN	(-1)

/*
 * Around a wait in a descriptor that watches the thread's timer. thread_timer() is false if the
 * thread has been woken: do not wait. thread_timed() returns THREAD_WOKEN, or @ready.
 */
int thread_timer(struct thread *self);
bool thread_lie_down(struct thread *self);
int thread_get_up(struct thread *self, int ready);

/*
 * Around the wait of a blocking call. Returns 0, or the error: WSAEINPROGRESS inside a routine that
 * interrupts another one (A13), WSAENOBUFS.
 */
int thread_block(struct thread **self);
void thread_unblock(struct thread *self);
bool thread_is_blocked(void);	/* is the calling thread in a blocking call? */
bool thread_is_idle(void);	/* is it in none, has waited before, and has no routines? */

/*
 * The system calls that sleep, with those of thread_poll(). pthread_cancel() may end the thread
 * there, see BORDER_OF_WAIT: no lock is held, and each caller up to the border has CLEANUP() for
 * what it has.
 */
int thread_sleep_poll(struct pollfd *polled, nfds_t count, const struct timespec *left);
int thread_sleep_epoll(int epoll, struct epoll_event *events, int count, int ms);

void thread_forked(void);

#endif /* WINSOCK_THREAD_H */
