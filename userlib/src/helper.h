/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper thread: sees to completions and network events that nobody waits for. It
 * is started by the first overlapped call or association.
 *
 * Threads in GetQueuedCompletionStatus() wait in the ring itself, which saves a switch of
 * threads for each completion. While they come and go the helper keeps off the ring and
 * looks every few ms whether they still do; when they stay in or stay away it sleeps.
 */
#ifndef WINSOCK_HELPER_H
#define WINSOCK_HELPER_H

#include "internal.h"

/* All with the records' lock. */

/* 0 or an error: WSAENOBUFS. */
int helper_start(void);
void helper_forked(void);

/* Look after the ring's completions. False: no memory. */
bool helper_watch_ring(int fd);

/*
 * Look after a socket's network events, which may be looked after already; the record is
 * told by its generation. False: no memory.
 */
bool helper_watch(SOCKET s, uint32_t generation);
void helper_unwatch(SOCKET s);

/* A thread begins to wait in the ring, or has ended to; or comes by for what is there. */
void helper_ring_entered(void);
void helper_ring_left(void);
void helper_ring_visited(void);

#endif /* WINSOCK_HELPER_H */
