/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper thread, which sits in epoll_wait(2) and carries on what no thread waits for. It
 * is started when an operation first stays pending, or an event is first watched, and runs
 * nothing of the program.
 */
#ifndef WINSOCK_ENGINE_H
#define WINSOCK_ENGINE_H

#include <sys/epoll.h>

#include "thread.h"

/* The helper's: a watched descriptor is ready. Set once, before the first watch. */
extern void (*engine_ready)(uint64_t what, uint32_t events);
/* Its first call, also after the program has closed its descriptor: watch anew. */
extern void (*engine_again)(void);

/**
 * engine_watch() - look after a descriptor
 * @what:	comes back with each of its events
 * @added:	it is looked after already; set
 *
 * Return: 0, or an errno. ENOENT: @added was true, and the number is another file by now.
 */
int engine_watch(int fd, uint64_t what, uint32_t events, bool *added);
void engine_unwatch(int fd);

/*
 * A thread that waits does the helper's work. Both sit in epoll_wait(2) then, and the kernel
 * wakes one of them for each event, who came last: so the helper sleeps on, and nothing has to
 * be handed over when the thread leaves. One thread at a time.
 *
 * Return: as thread_poll(); ENGINE_BUSY: another one is there, or nothing is watched.
 */
#define ENGINE_BUSY	(-2)
int engine_visit(struct thread *self, int64_t deadline);

void engine_forked(void);

#endif /* WINSOCK_ENGINE_H */
