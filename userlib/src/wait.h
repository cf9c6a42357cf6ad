/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocking calls. A call first tries without waiting; if it has to wait it registers here, polls,
 * and tries again. A closesocket() in another thread finds it.
 *
 * When wait_poll() returns WAIT_READY the call is active, until its next wait_poll() or
 * wait_leave(). A close waits for active calls, so none acts on a descriptor that is closed, or
 * another socket's by now. From wait_close_begin() to wait_close_end() no call on the socket
 * becomes active; then it fails, or goes on as before. Routines, cancellation and deadlines reach a
 * held call.
 *
 * Of the calls that wait for the same on one socket one polls, and the others sleep until it
 * leaves: each datagram wakes one thread.
 */
#ifndef WINSOCK_WAIT_H
#define WINSOCK_WAIT_H

#include "thread.h"

/**
 * struct wait_link - a call in the list of one handle, under the handle's lock
 * @next:	the handle's next one
 * @back:	what points to this one
 * @handle:	or NULL: beyond the table
 * @wait:	the call
 * @close:	number of the close that asks the kernel about its socket, or 0
 */
struct wait_link {
	struct wait_link *_Atomic next;
	struct wait_link *_Atomic *back;
	struct handle *handle;
	struct wait *wait;
	_Atomic uint64_t close;
};

/**
 * struct wait - one blocking call
 * @thread:	the calling thread, from wait_enter() to wait_leave(); else NULL
 * @polled:	the sockets, and room for one more
 * @count:	how many
 * @closed:	as many flags: closed during the call
 * @links:	as many
 * @one:	see struct wait_one
 * @told:	one of them was
 * @active:	the call is using a descriptor
 * @follows:	another call polls for it
 * @direction:	IO_* of a transfer that comes behind operations; else -1
 */
struct wait {
	struct thread *thread;
	struct pollfd *polled;
	nfds_t count;
	bool *closed;
	struct wait_link *links;
	bool one;
	_Atomic bool told;
	_Atomic bool active;
	_Atomic bool follows;
	int direction;
};

enum wait_end { WAIT_READY, WAIT_TIMED_OUT, WAIT_CLOSED, WAIT_CANCELLED };

/* Memory for a wait for several sockets: the caller fills @polled. False: there is none. */
bool wait_reserve(struct wait *wait, nfds_t count);
void wait_release(struct wait *wait);	/* wait_leave(), too */
/* Begin. Returns 0 or the error of thread_block(). */
int wait_enter(struct wait *wait);
enum wait_end wait_poll(struct wait *wait, int64_t deadline);
/* Try without waiting or running routines: ready? */
bool wait_try(struct wait *wait);
/* Does nothing before wait_enter(), or once more: for CLEANUP(). */
void wait_leave(struct wait *wait);

/* A wait for one socket. */
struct wait_one {
	struct wait wait;
	struct wait_link link;
	struct pollfd polled[2];
	bool closed;
};

int wait_one_enter(struct wait_one *one, SOCKET s, short events, int direction);
void wait_one_leave(struct wait_one *one);

/*
 * Around a close: @close is its number, as handle_leave() gives it. Calls that begin in between are
 * not affected: the number may be another socket's by then.
 */
void wait_close_begin(struct handle *handle, uint64_t close);
/*
 * All calls look again; if @closed, those that were there find their socket closed. A close that
 * lingers calls this with @closed false, as its number stays the library's, and begins again when
 * it is over. A call that waits for other sockets as well goes on; one that waits for this one
 * alone returns at the end.
 */
void wait_close_end(struct handle *handle, uint64_t close, bool closed);
/* Sleep for a moment, in which another close can end. */
void wait_pause(void);
/*
 * poll(2) says ready where the call fails with EAGAIN, not once but time and again: for an AF_UNIX
 * datagram whose receiver is full, and a datagram socket with errors that no call reads. Behind
 * WAIT_TRIES tries in a row a thread rests for a millisecond before each one.
 */
#define WAIT_TRIES	16
void wait_rest(void);

/* Does a call wait? */
static inline bool wait_any(struct handle *handle)
{
	return atomic_load(&handle->waits);
}

/* Does a call wait to receive? */
bool wait_any_receives(struct handle *handle);

/* With the handle's lock: let its calls look again. */
void wait_kick(struct handle *handle);

void wait_forked(void);

#endif /* WINSOCK_WAIT_H */
