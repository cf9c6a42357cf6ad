/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Overlapped operations, from the call to their one completion. Of each direction of a
 * socket one is under way in the ring, the others wait behind it: so they are carried
 * out in order, and the kernel holds the socket's file once a direction at the most.
 *
 *   QUEUED ----> RUNNING ----> completed: event, routine or port; freed
 *     ^             |
 *     +-------------+  a close looks whether it may: nothing of ours may hold the file
 */
#ifndef WINSOCK_PENDING_H
#define WINSOCK_PENDING_H

#include "port.h"
#include "record.h"
#include "ring.h"

/**
 * struct op - one operation
 * @request:	in the ring
 * @packet:	for the port
 * @apc:	for the issuing thread
 * @next:	behind it
 * @record:	its socket's
 * @direction:	RECORD_RECEIVE or RECORD_SEND
 * @running:	in the ring
 * @polling:	there for readiness only, the transfer is ours: the ring does not wait for
 *		sockets in non-blocking mode
 * @whole:	not complete before all of @left is moved
 * @aborted:	to be cancelled
 * @overlapped:	the program's
 * @routine:	or NULL
 * @event:	held, or NULL
 * @thread:	who issued it, held, and counted there
 * @error:	how it ended
 * @flags:	MSG_*
 * @told:	flags of what was received
 * @moved:	bytes
 * @left:	bytes in the buffers that are left
 * @from_size:	where the length of the sender's address goes, or NULL
 * @message:	the transfer
 * @name:	the address to send to
 * @buffers:	the buffers that are left, @message's
 */
struct op {
	struct ring_request request;
	struct packet packet;
	struct apc apc;
	struct op *next;
	struct record *record;
	int direction;
	bool running;
	bool polling;
	bool whole;
	bool aborted;
	LPWSAOVERLAPPED overlapped;
	LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
	struct event *event;
	struct thread *thread;
	int error;
	int flags;
	int told;
	size_t moved;
	size_t left;
	LPINT from_size;
	struct msghdr message;
	struct sockaddr_storage name;
	struct iovec buffers[];
};

/* What the starting call is told. */
struct pending_call {
	bool done;
	int error;
	DWORD moved;
	DWORD flags;
};

/* All with the records' lock but for what says otherwise. */

/**
 * pending_begin() - start an operation, or queue it
 * @op:		complete but for what is the library's business
 * @record:	its socket's; not closing
 * @call:	set if it completes or fails before this returns
 */
void pending_begin(struct record *record, struct op *op, struct pending_call *call);

/* Free one that was not begun. Without the lock. */
void pending_discard(struct op *op);

/* Cancel one operation, or all of a record. False: there is none. */
bool pending_cancel(struct record *record, const WSAOVERLAPPED *overlapped);

/* Wait, without the lock, until an operation is no longer pending. */
void pending_await(const WSAOVERLAPPED *overlapped);

/* A thread ends, and with it its operations, but for those on a port (P22). No lock. */
void pending_thread_ended(struct thread *thread);

void pending_forked(void);

/**
 * struct pending_close - a close under way
 * @s:		the socket
 * @own:	its record, or NULL
 * @inode:	which socket, if @engaged
 * @engaged:	there is something to be undone or finished
 */
struct pending_close {
	SOCKET s;
	struct record *own;
	ino_t inode;
	bool engaged;
};

/*
 * Around a close, without the lock. Between the two nothing of the library holds the
 * socket but its descriptor. PENDING_OPEN: everything goes on as before. PENDING_CLOSED:
 * operations are cancelled. PENDING_SHARED: the same, unless this process has another
 * descriptor (P7). PENDING_SILENT: they are dropped without telling anybody (X2).
 */
enum pending_end { PENDING_OPEN, PENDING_CLOSED, PENDING_SHARED, PENDING_SILENT };
void pending_close_begin(struct pending_close *closing, SOCKET s);
void pending_close_end(struct pending_close *closing, enum pending_end end);

#endif /* WINSOCK_PENDING_H */
