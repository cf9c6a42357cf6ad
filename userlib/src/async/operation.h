/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Overlapped operations, from the call to their one completion. The first of each direction
 * of a channel is carried out, by the thread that begins it or by the helper, in steps that
 * do not wait; the others stand behind it.
 */
#ifndef WINSOCK_OPERATION_H
#define WINSOCK_OPERATION_H

#include "channel.h"

/* What the starting call is told. */
struct operation_call {
	bool done;
	int error;
	DWORD moved;
	DWORD flags;
};

/**
 * struct operation_accept - of AcceptEx()
 * @s:		the socket whose place the connection takes
 * @cookie:	which one; 0: the operation is another one
 * @connection:	cookie of the connection that it is since; its step's
 * @listener:	cookie of the listener
 * @names:	where the addresses go, each in so many bytes
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
 * @next:	behind it
 * @channel:	its handle's
 * @direction:	IO_*
 * @whole:	not complete before all of @left is moved
 * @aborted:	to be cancelled when its step is over
 * @call:	the call that is just starting it, or NULL; a failure is told to nobody else
 * @overlapped:	the program's
 * @function:	the completion routine, or NULL
 * @event:	held, or NULL
 * @port:	another one than the channel's, held, or NULL
 * @key:	its key
 * @thread:	who issued it, held, and counted there
 * @error:	how it ended
 * @flags:	MSG_*
 * @told:	flags of what was received
 * @moved:	bytes
 * @left:	bytes in the buffers that are left
 * @prepare:	makes the connection that the transfer needs, or NULL. Called without the
 *		lock until it returns something else than -EAGAIN: 0 or a negative errno
 * @accept:	what it makes it from
 * @from_size:	where the length of the sender's address goes, or NULL
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
 * Held while an operation is handed on from a listener to the socket that it accepts to, and
 * while one is looked for that may be. Taken before any handle's lock.
 */
extern pthread_mutex_t operation_handing;

/* Free one that was not begun. */
void operation_free(struct operation *operation);

/* All with the handle's lock. */

/**
 * operation_begin() - start an operation, or queue it
 * @operation:	complete but for what is the library's business
 * @channel:	its socket's; not closing
 * @call:	set if it completes or fails before this returns
 */
void operation_begin(struct channel *channel, struct operation *operation,
		     struct operation_call *call);

/* Carry on what can be. May drop the lock meanwhile. */
void operation_run(struct channel *channel, int direction);

/* A one-shot event has ended the watch of both directions: watch what is left. */
void operation_rearm(struct channel *channel);

/* After a close that was refused: go on. */
void operation_resume(struct channel *channel);

/* Cancel those that @wanted picks. False: there is none. */
bool operation_cancel(struct channel *channel,
		      bool (*wanted)(const struct operation *operation, const void *what),
		      const void *what);
/* Does its completion go to a port? */
bool operation_has_port(const struct operation *operation);

/* End all of a channel that has halted. @silent: nobody is told. */
void operation_drop(struct channel *channel, bool silent);

/* All of a channel that has halted become another one's, of the same socket. */
void operation_move(struct channel *from, struct channel *to);

/* Wait, without a lock, until an operation is no longer pending. */
void operation_await(LPWSAOVERLAPPED overlapped);

#endif /* WINSOCK_OPERATION_H */
