/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fork(): a child has its parent's sockets and none of its other threads. What those threads had
 * begun is dropped in the child: locks are made anew and lists emptied, so fork() takes only the
 * locks of state that has to be whole.
 */
#ifndef WINSOCK_FORK_H
#define WINSOCK_FORK_H

/* Register the handlers; once. */
void fork_watch(void);

/* Differs between a child and its parent: code that runs a routine checks whether it forked. */
unsigned int fork_generation(void);

#endif /* WINSOCK_FORK_H */
