/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fork(): locks are taken before it, so that the child finds what they guard whole. */
#ifndef WINSOCK_FORK_H
#define WINSOCK_FORK_H

#include <pthread.h>

enum fork_phase { FORK_PREPARE, FORK_PARENT, FORK_CHILD };

/* Register the handlers; once. */
void fork_watch(void);

/* Another one in a child than in its parent: what spans a routine looks whether it forked. */
unsigned int fork_generation(void);

static inline void fork_mutex(pthread_mutex_t *mutex, enum fork_phase phase)
{
	if (phase == FORK_PREPARE)
		pthread_mutex_lock(mutex);
	else
		pthread_mutex_unlock(mutex);
}

/* Of the files that have a lock, in the order in which locks nest; close has none. */
void close_fork(enum fork_phase phase);
void startup_fork(enum fork_phase phase);
void socket_fork(enum fork_phase phase);
void wait_fork(enum fork_phase phase);
void record_fork(enum fork_phase phase);
void thread_fork(enum fork_phase phase);
void object_fork(enum fork_phase phase);

#endif /* WINSOCK_FORK_H */
