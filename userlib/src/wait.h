/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocking calls. A call first tries without waiting; what has to wait registers here,
 * polls, and tries again. closesocket() in another thread finds it:
 *
 *   wait_poll() returns WAIT_READY: the call is active, until its next wait_poll() or
 *   wait_leave(). A close waits for active calls, so none acts on a descriptor that is
 *   gone, or another's by now.
 *   From wait_close_begin() to wait_close_end() no call on the socket becomes active;
 *   then they are told, or go on as if nothing had been. Meanwhile they are held: routines,
 *   cancellation and deadlines reach them as ever.
 *   A call that comes while the kernel decides has to wait for that first. It takes no time
 *   to speak of but for close(2) of a family that the module does not know, if that one
 *   lingers: then the deadline of such a call does not hold, and nothing cancels it.
 */
#ifndef WINSOCK_WAIT_H
#define WINSOCK_WAIT_H

#include "thread.h"

/**
 * struct wait - one blocking call
 * @next:	all that wait
 * @thread:	whose it is
 * @polled:	the sockets, and room for one more
 * @count:	how many
 * @closed:	as many flags: closed meanwhile
 * @told:	one of them was
 * @active:	it tries just now
 * @held:	a close keeps it from trying; written by its own thread
 * @behind:	operations come first, see order.h; a C11 atomic
 */
struct wait {
	struct wait *next;
	struct thread *thread;
	struct pollfd *polled;
	nfds_t count;
	bool *closed;
	bool told;
	bool active;
	bool held;
	_Atomic bool behind;
};

enum wait_end { WAIT_READY, WAIT_TIMED_OUT, WAIT_CLOSED, WAIT_CANCELLED };

/* Begin: @polled, @count and @closed are set. 0 or the error, see thread_block(). */
int wait_enter(struct wait *wait);
enum wait_end wait_poll(struct wait *wait, int64_t deadline);
void wait_leave(struct wait *wait);

/* Do not look at the descriptors; look at them again. The call's own thread or any other. */
void wait_behind(struct wait *wait, bool behind);

/* A wait for one socket. */
struct wait_one {
	struct wait wait;
	struct pollfd polled[2];
	bool closed;
};

int wait_one_enter(struct wait_one *one, SOCKET s, short events);

/**
 * struct wait_close - a close under way
 * @next:	all of them
 * @s:		the socket
 * @engaged:	somebody may wait
 * @lingering:	see wait_close_linger()
 */
struct wait_close {
	struct wait_close *next;
	SOCKET s;
	bool engaged;
	bool lingering;
};

void wait_close_begin(struct wait_close *closing, SOCKET s);
/*
 * The close lingers: the number stays ours. Who waits for other sockets as well goes on
 * meanwhile; who waits for this one alone is told how it ended.
 */
void wait_close_linger(struct wait_close *closing, bool on);
/* If @closed, who waits is told and woken. */
void wait_close_end(struct wait_close *closing, bool closed);

#endif /* WINSOCK_WAIT_H */
