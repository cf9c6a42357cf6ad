/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper thread waits in epoll_wait(2) and carries on operations for which no thread waits. It
 * is started when an operation first stays pending, or an event is first watched, and runs no code
 * of the program.
 */
#ifndef WINSOCK_ENGINE_H
#define WINSOCK_ENGINE_H

#include <sys/epoll.h>

#include "thread.h"

/* The helper calls this when a watched descriptor is ready. Set once, before the first watch. */
extern void (*engine_ready)(uint64_t what, uint32_t events);
/* The helper calls this first, and when it has a new epoll descriptor: watch anew. */
extern void (*engine_again)(void);

/**
 * engine_watch() - watch a descriptor
 * @what:	comes back with each of its events
 * @added:	is it watched already? Set
 *
 * Return: 0, or an errno. ENOENT: @added was true, and the number is another file by now.
 */
int engine_watch(int fd, uint64_t what, uint32_t events, bool *added);
void engine_unwatch(int fd);

/* A descriptor is reported as ready and is not: wait_rest() before the next events. */
void engine_rest(void);

/*
 * A thread that waits does the helper's work. Both are in epoll_wait(2) then, and the kernel wakes
 * the one that came last: the helper sleeps on, and the thread hands nothing over when it leaves.
 * One thread at a time. Return: as thread_poll(); ENGINE_BUSY: another thread does it, or nothing
 * is watched.
 */
#define ENGINE_BUSY	(-2)
int engine_visit(struct thread *self, int64_t deadline);

void engine_forked(void);

#endif /* WINSOCK_ENGINE_H */
