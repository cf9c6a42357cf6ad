/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handle state: what the library knows of a SOCKET, by its number. The bits are read and changed as
 * a whole, without the lock.
 *
 * The program may close a number without the library, and get it back as anything. So the state
 * belongs to one socket, identified by its cookie (SO_COOKIE): the kernel compares it before it
 * closes, and the library before it refuses a call because of the state.
 */
#ifndef WINSOCK_HANDLE_H
#define WINSOCK_HANDLE_H

#include <stdatomic.h>

#include "internal.h"

#define HANDLE_OURS		(1ULL << 0)	/* made by this library */
#define HANDLE_TIMEOUT		(1ULL << 1)	/* a timeout was set through SO_LINGER */
#define HANDLE_SHUT_SEND	(1ULL << 2)	/* shutdown(SD_SEND) was called */
#define HANDLE_SHUT_RECEIVE	(1ULL << 3)	/* shutdown(SD_RECEIVE) was called */
#define HANDLE_RESET		(1ULL << 4)	/* the peer's reset was seen (H4) */
#define HANDLE_ABORTED		(1ULL << 5)	/* the same after its FIN (V5), or silence */
#define HANDLE_LINGERS		(1ULL << 6)	/* a thread lingers: the number is the op's */
#define HANDLE_GOING		(1ULL << 7)	/* a close asks the kernel: begin nothing */
#define HANDLE_CONNECTING	(1ULL << 8)	/* a connect goes on behind its call */
#define HANDLE_PEER		(1ULL << 9)	/* has, had or asked for a peer, or may have */
#define HANDLE_CONNECTED	(1ULL << 10)	/* had a connection for certain */
#define HANDLE_STREAM		(1ULL << 11)	/* if it is ours: SOCK_STREAM */
#define HANDLE_TIMED		(1ULL << 12)	/* if it is ours: it may have SO_*TIMEO */
#define HANDLE_KEEPS_LINGER	(1ULL << 13)	/* {on, N} is here, not in the kernel */
#define HANDLE_LISTENS		(1ULL << 14)	/* listen() was called */
#define HANDLE_ACCEPTS		(1ULL << 15)	/* with GOING: not a close, but AcceptEx() */
#define HANDLE_ONOFF_SHIFT	16		/* l_onoff as it was set, 16 bits */
#define HANDLE_LINGER_SHIFT	32		/* l_linger as it was set, 16 bits */
#define HANDLE_REUSES		(1ULL << 48)	/* SO_REUSEADDR as it was set */
#define HANDLE_EXCLUSIVE	(1ULL << 49)	/* SO_EXCLUSIVEADDRUSE */
#define HANDLE_DEAF		(1ULL << 50)	/* SIO_UDP_CONNRESET FALSE */
#define HANDLE_ACCEPTED		(1ULL << 51)	/* its connection came by accept() or AcceptEx() */
#define HANDLE_LINGER_BITS	(0xffffffffULL << HANDLE_ONOFF_SHIFT)
/* Bits that end when the socket gets a new connection. */
#define HANDLE_PAST		(HANDLE_RESET | HANDLE_ABORTED | HANDLE_SHUT_SEND | \
				 HANDLE_SHUT_RECEIVE | HANDLE_CONNECTING | HANDLE_CONNECTED | \
				 HANDLE_ACCEPTED)
/* Bits that an accepted socket inherits from its listener. */
#define HANDLE_INHERITED	(HANDLE_LINGER_BITS | HANDLE_TIMEOUT | HANDLE_REUSES)
#define HANDLE_CLOSE_SHIFT	52		/* with GOING: the close's number, cut */

struct channel;
struct wait_link;

/**
 * struct handle - one descriptor number; never freed
 * @bits:	HANDLE_*
 * @cookie:	the socket that they belong to; 0: nothing is known
 * @closes:	counts them as they begin
 * @lock:	for the members below; not held over a system call that may take long
 * @channel:	the asynchronous side, or NULL; may be compared with NULL without the lock
 * @waits:	blocking calls; may be compared with NULL without the lock
 * @leaders:	the call that polls for those that wait to receive, and to send: see wait.c
 */
struct handle {
	_Atomic uint64_t bits;
	_Atomic uint64_t cookie;
	_Atomic unsigned int closes;
	pthread_mutex_t lock;
	struct channel *_Atomic channel;
	struct wait_link *_Atomic waits;
	struct wait_link *leaders[2];
};

/*
 * Chunks are allocated at the first write and never freed: a look-up is two loads. Numbers beyond
 * the table, which raised system limits allow, have no state.
 */
#define HANDLE_CHUNK	256
#define HANDLE_CHUNKS	4096
extern struct handle *_Atomic handle_chunks[HANDLE_CHUNKS];

/* NULL: the number never had state. */
static inline struct handle *handle_find(SOCKET s)
{
	struct handle *chunk;

	if (s < 0 || s >= HANDLE_CHUNK * HANDLE_CHUNKS)
		return NULL;
	chunk = atomic_load_explicit(&handle_chunks[s / HANDLE_CHUNK], memory_order_acquire);
	return chunk ? &chunk[s % HANDLE_CHUNK] : NULL;
}

static inline uint64_t handle_bits(SOCKET s)
{
	struct handle *handle = handle_find(s);

	return handle ? atomic_load_explicit(&handle->bits, memory_order_relaxed) : 0;
}

/* How many closes have begun. */
static inline unsigned int handle_closes(struct handle *handle)
{
	return atomic_load(&handle->closes);
}

struct handle *handle_make(SOCKET s);	/* NULL: no memory, or a number beyond the table */
void handle_each(void (*visit)(SOCKET s, struct handle *handle));

/* Set the state of a socket that the library has made. */
void handle_born(SOCKET s, uint64_t bits);
/* Change bits, in one step, unless the socket is being closed. */
void handle_change(SOCKET s, uint64_t clear, uint64_t set);
/* The same for what a call of the program has set: waits for a close that may be refused. */
void handle_set(SOCKET s, uint64_t clear, uint64_t set);
/* Set bits; with a channel, whose lock the caller may hold, without asking for the cookie. */
void handle_mark(SOCKET s, uint64_t bits);
/* Clear the state and give it to this socket. False: a close is under way. */
bool handle_claim(struct handle *handle, uint64_t cookie);
/* Return which of these bits the socket has, if the state is still that socket's. */
uint64_t handle_marks(SOCKET s, uint64_t bits);
/*
 * Wait for a moment in which a close that asks the kernel can end: a refused one has left no trace.
 * False: it lingers, or the number is another socket's by now. @cookie is 0 at first.
 */
bool handle_outlast(SOCKET s, struct handle *handle, uint64_t *cookie);
/* The bits, behind a close that asks the kernel. */
uint64_t handle_settled(SOCKET s);
/* Is the state still that of the number's socket? If not it is dropped. */
bool handle_verify(SOCKET s);
uint64_t handle_cookie(SOCKET s);	/* the kernel's; 0: it is no socket */

/* Return another handle of this process to the same socket, or -1. */
SOCKET handle_twin(SOCKET s, uint64_t cookie);

/*
 * Begin a close, or AcceptEx() with HANDLE_ACCEPTS in @going. Returns the bits, and sets them to
 * @going, with HANDLE_GOING and the close's number, unless another close is under way.
 */
uint64_t handle_leave(struct handle *handle, uint64_t *going);
/* End a close: set bits and cookie, unless the number has a new owner. */
void handle_end(struct handle *handle, uint64_t going, uint64_t bits, uint64_t cookie);

#endif /* WINSOCK_HANDLE_H */
