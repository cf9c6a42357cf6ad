/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fork(): a child has its parent's sockets and none of its other threads. What those were
 * in the middle of is forgotten there: locks are made anew and lists emptied, so only what
 * has to be whole is locked before.
 */
#ifndef WINSOCK_FORK_H
#define WINSOCK_FORK_H

/* Register the handlers; once. */
void fork_watch(void);

/* Another one in a child than in its parent: what spans a routine looks whether it forked. */
unsigned int fork_generation(void);

#endif /* WINSOCK_FORK_H */
