/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Overlapped operations, from the call to their one completion. The first of each direction of a
 * channel is carried out, by the thread that begins it or by the helper, in steps that do not wait;
 * the others are queued behind it.
 */
#ifndef WINSOCK_OPERATION_H
#define WINSOCK_OPERATION_H

#include "channel.h"

/* The result for the starting call. */
struct operation_call {
	bool done;
	int error;
	DWORD moved;
	DWORD flags;
};

/**
 * struct operation_accept - part of an AcceptEx()
 * @s:		the socket that becomes the connection
 * @cookie:	its cookie; 0: the operation is another one
 * @connection:	cookie of the connection, once there is one; used by its step
 * @listener:	cookie of the listener
 * @names:	where to write the addresses, and the room for each
 */
struct operation_accept {
	SOCKET s;
	uint64_t cookie;
	uint64_t connection;
	uint64_t listener;
	char *names;
	DWORD name_sizes[2];
};

/**
 * struct operation - one operation
 * @packet:	for the port
 * @routine:	for the issuing thread
 * @next:	the one queued behind it
 * @channel:	the channel of its handle
 * @direction:	IO_*
 * @whole:	completes only when all of @left is moved
 * @aborted:	cancel it when its step is over
 * @call:	the call that is starting it, or NULL; a failure goes to that call only
 * @overlapped:	the program's structure
 * @function:	the completion routine, or NULL
 * @event:	held, or NULL
 * @keeps_port:	@port counts, not the channel's
 * @port:	its port, held, or NULL
 * @key:	the port's key
 * @thread:	the issuing thread, held, and counted there
 * @error:	its result
 * @flags:	MSG_*
 * @told:	flags of the receive
 * @moved:	bytes moved
 * @left:	bytes of the buffers that are left
 * @prepare:	makes the connection that the transfer needs, or NULL. Called without the
 *		lock until it returns something else than -EAGAIN: 0 or a negative errno
 * @accept:	the sockets of @prepare
 * @from_size:	where to write the length of the sender's address, or NULL
 * @message:	the transfer
 * @name:	the address to send to
 * @buffers:	the buffers that are left, @message's
 */
struct operation {
	struct packet packet;
	struct routine routine;
	struct operation *next;
	struct channel *channel;
	int direction;
	bool whole;
	bool aborted;
	struct operation_call *call;
	LPWSAOVERLAPPED overlapped;
	LPWSAOVERLAPPED_COMPLETION_ROUTINE function;
	struct event *event;
	bool keeps_port;
	struct port *port;
	ULONG_PTR key;
	struct thread *thread;
	int error;
	int flags;
	int told;
	size_t moved;
	size_t left;
	int (*prepare)(struct operation *operation);
	struct operation_accept accept;
	LPINT from_size;
	struct msghdr message;
	struct sockaddr_storage name;
	struct iovec buffers[];
};

/*
 * Held while an operation is handed on from a listener to the socket that it accepts to, and during
 * a search for such an operation. Taken before any handle's lock.
 */
extern pthread_mutex_t operation_handing;

/* OVERLAPPED.Internal of an operation that has failed: with the error by the system's name. */
#define OPERATION_FAILED	0xe0000000U

/* Free an operation that was not begun. */
void operation_free(struct operation *operation);

/* Called with the handle's lock: */

/**
 * operation_begin() - start an operation, or queue it
 * @operation:	filled in, except what only the library uses
 * @channel:	its socket's; not closing
 * @call:	set if it completes or fails before this returns
 */
void operation_begin(struct channel *channel, struct operation *operation,
		     struct operation_call *call);

/* Carry operations on as far as possible. May drop the lock in between. */
void operation_run(struct channel *channel, int direction);

/* A one-shot event has ended the watch of both directions: watch for what is left. */
void operation_rearm(struct channel *channel);

/* Go on after a close that was refused. */
void operation_resume(struct channel *channel);

/* Cancel the operations that @wanted picks. False: there is none. */
bool operation_cancel(struct channel *channel,
		      bool (*wanted)(const struct operation *operation, const void *what),
		      const void *what);
/* Does its completion go to a port? */
bool operation_has_port(const struct operation *operation);

/* End all operations of a channel that has halted. @silent: without completions. */
void operation_drop(struct channel *channel, bool silent);

/* Move all operations of a channel that has halted to another channel of the same socket. */
void operation_move(struct channel *from, struct channel *to);

/* Wait, without a lock, until an operation is no longer pending. False: no memory. */
bool operation_await(LPWSAOVERLAPPED overlapped);

void operation_forked(void);

#endif /* WINSOCK_OPERATION_H */
