/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a socket has pending: operations, the port they complete to, network events.
 * Made when a socket first needs it. One lock guards all records, ports and message
 * queues, and what hangs on them.
 *
 * A record belongs to the handle, as on Windows, but operations belong to the socket:
 * when a handle is closed while this process has another one, its record is kept without
 * a number, on a descriptor of its own, until what is pending has completed (P7).
 */
#ifndef WINSOCK_RECORD_H
#define WINSOCK_RECORD_H

#include <sys/types.h>

#include "object.h"
#include "thread.h"

struct op;
struct port;
struct messages;

/*
 * Operations of one direction, in the order of the calls; the first is under way. @used:
 * there has ever been one.
 */
struct record_queue {
	struct op *first;
	struct op **last;
	bool used;
};

enum { RECORD_RECEIVE, RECORD_SEND, RECORD_DIRECTIONS };

/**
 * struct record - one handle
 * @next:	among the kept ones, or those that closes have taken
 * @fd:		the SOCKET, or a descriptor of the record's own if @kept
 * @generation:	tells this record from others that had the number
 * @inode:	which socket
 * @kept:	the handle is closed, the operations go on
 * @closing:	a close looks at it: nothing begins, nothing goes on
 * @stream:	a stream socket
 * @fin:	shut down for sending, once all that is pending was sent
 * @queues:	operations, receives and sends apart
 * @port:	completion port, held, or NULL
 * @key:	its key
 * @event:	signalled by network events, held, or NULL
 * @messages:	told of network events, held, or NULL
 * @message:	by this number
 * @selected:	FD_* asked for; 0: no association
 * @happened:	FD_* since the last WSAEnumNetworkEvents()
 * @armed:	FD_* that may happen
 * @errors:	of what happened
 * @connecting:	a connect is under way
 * @connected:	there is a connection, or needs none
 */
struct record {
	struct record *next;
	int fd;
	uint32_t generation;
	ino_t inode;
	bool kept;
	bool closing;
	bool stream;
	bool fin;
	struct record_queue queues[RECORD_DIRECTIONS];
	struct port *port;
	ULONG_PTR key;
	struct event *event;
	struct messages *messages;
	UINT message;
	long selected;
	long happened;
	long armed;
	int errors[FD_MAX_EVENTS];
	bool connecting;
	bool connected;
};

void record_lock(void);
void record_unlock(void);

/* All that follows is called with the lock. */

/* The record of a socket, or NULL. */
struct record *record_find(SOCKET s);

/*
 * The same, made if need be. NULL with errno: EBADF (closed, or about to be), ENOMEM (also:
 * a number beyond the table).
 */
struct record *record_make(SOCKET s);

/* Is it still the record of @fd? */
struct record *record_find_generation(SOCKET s, uint32_t generation);

/* Take a record off its number, which may then be anybody's; and put it back, unless
 * the number has another one by now. */
struct record *record_take(SOCKET s);
bool record_restore(struct record *record);

/* Keep a record whose number is gone, on a copy of @fd. False: it is not the socket's. */
bool record_keep(struct record *record, int fd);

/* The next kept record of a socket after @from, or the first; @inode 0: of any. */
struct record *record_kept(ino_t inode, const struct record *from);
bool record_any_kept(void);		/* without the lock: a hint */

/* Free a record that has no operation any more. */
void record_free(struct record *record);

/* A descriptor that this process has of a socket, or -1. */
int record_twin(ino_t inode);

#endif /* WINSOCK_RECORD_H */
