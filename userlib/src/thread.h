/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library keeps of a thread from its first wait on: the routines queued to it,
 * and a descriptor by which it is woken from whatever it waits in.
 */
#ifndef WINSOCK_THREAD_H
#define WINSOCK_THREAD_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "object.h"

/**
 * struct apc - a routine queued to a thread
 * @next:	the thread's next one
 * @run:	called once, in that thread, or with @cancelled when the thread ends; to
 *		free the apc
 */
struct apc {
	struct apc *next;
	void (*run)(struct apc *apc, bool cancelled);
};

/**
 * struct thread - a thread
 * @object:	lifetime; the thread itself holds one reference
 * @wake_fd:	an eventfd
 * @lock:	guards @first, @last, @ended; taken inside of the records' lock
 * @first:	queued routines
 * @last:	where the next one goes
 * @ended:	nothing is queued any more
 * @operations:	overlapped ones that it issued; under the records' lock
 * @blocking:	the thread's own: it is in a blocking call
 * @cancelled:	that call is to end, by WSACancelBlockingCall()
 * @cancel_state: see cancel.h
 */
struct thread {
	struct object object;
	int wake_fd;
	pthread_mutex_t lock;
	struct apc *first;
	struct apc **last;
	bool ended;
	unsigned int operations;
	volatile sig_atomic_t blocking;
	int cancel_state;
	volatile sig_atomic_t cancelled;
};

/* The calling thread. NULL: no memory or descriptor. */
struct thread *thread_self(void);
bool thread_is_mine(const struct object *object);

/* Queue a routine. False: the thread has ended. */
bool thread_queue(struct thread *thread, struct apc *apc);

/* Run what is queued to the calling thread. True if there was anything. */
bool thread_deliver(struct thread *self);

/* Let a thread look again at what it waits for. Any thread, signal handlers too. */
void thread_wake(const struct thread *thread);

/*
 * Monotonic deadlines in ns. INFINITE gives THREAD_FOREVER.
 */
#define THREAD_FOREVER	INT64_MAX
int64_t thread_now(void);
int64_t thread_deadline(DWORD ms);

/**
 * thread_poll() - wait for descriptors, a wake-up, or a signal
 * @self:	the calling thread
 * @polled:	@count descriptors and room for one more
 * @deadline:	as above; in the past: do not wait
 *
 * Return: as poll(2), of @polled, 0 also where it fails; THREAD_WOKEN: look again.
 */
int thread_poll(struct thread *self, struct pollfd *polled, nfds_t count, int64_t deadline);
#define THREAD_WOKEN	(-1)

/*
 * Around the wait of a blocking call. 0, or the error: WSAEINPROGRESS inside a routine
 * that interrupts another one (A13), WSAENOBUFS.
 */
int thread_block(struct thread **self);
void thread_unblock(struct thread *self);
bool thread_is_blocked(void);	/* is the calling thread between the two? */

#endif /* WINSOCK_THREAD_H */
