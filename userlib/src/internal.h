/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the library share, grouped by file. The library itself is
 * written with libc's names.
 */
#ifndef WINSOCK_INTERNAL_H
#define WINSOCK_INTERNAL_H

#define WINSOCK_KEEP_LIBC_NAMES
#include <winsock_ext.h>
#undef linger

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WINSOCK_API __attribute__((visibility("default")))

/* error.c: every function that fails returns through one of these. */
int error_fail(int wsa);		/* sets the last error; SOCKET_ERROR */
int error_fail_errno(int number);	/* the same from an errno */
int error_from_errno(int number);	/* the table */

/* startup.c */

/* /dev/winsock while the library is started, else -1. */
int startup_device(void);

/* The first line of every call: leaves the caller with the error set. */
#define STARTED_OR(failure) do { \
	if (__builtin_expect(startup_device() < 0, 0)) { \
		error_fail(WSANOTINITIALISED); \
		return failure; \
	} \
} while (0)

/*
 * table.c: what the library knows about a socket, one word for each descriptor
 * number. Words are read and written whole, so there is no lock; a number is only
 * ever used by one socket at a time, and its word is cleared before the number can
 * come free.
 */
#define TABLE_OURS		(1ULL << 0)	/* made by this library */
#define TABLE_TIMEOUT		(1ULL << 1)	/* a timeout was set through SO_LINGER */
#define TABLE_SHUT_SEND		(1ULL << 2)	/* shutdown(SD_SEND) was called */
#define TABLE_SHUT_RECEIVE	(1ULL << 3)	/* shutdown(SD_RECEIVE) was called */
#define TABLE_RESET		(1ULL << 4)	/* the peer's reset was seen (H4) */
#define TABLE_CLOSING		(1ULL << 5)	/* a thread lingers: the number is the op's */
#define TABLE_GOING		(1ULL << 6)	/* a close asks the kernel: begin nothing */
#define TABLE_CONNECTING	(1ULL << 7)	/* a connect that did not wait was begun */
#define TABLE_PEER		(1ULL << 8)	/* has, had or asked for a peer, or may have */
#define TABLE_ONOFF_SHIFT	16		/* l_onoff as it was set, 16 bits */
#define TABLE_LINGER_SHIFT	32		/* l_linger as it was set, 16 bits */

uint64_t table_get(SOCKET s);
void table_set(SOCKET s, uint64_t word);
/* Change bits, in one step; not of a socket that is being closed. */
void table_change(SOCKET s, uint64_t clear, uint64_t set);
void table_mark(SOCKET s, uint64_t bits);	/* only on our own sockets */
/* Read, and set to TABLE_GOING alone; what has that is another close's, and stays. */
uint64_t table_leave(SOCKET s);
void table_end(SOCKET s, uint64_t word);	/* the close is over; unless it has a new owner */
void table_each(void (*visit)(SOCKET s));	/* with TABLE_OURS or TABLE_GOING */

/* The record is written with the records' lock, see record.h. False: beyond the table. */
struct record;
struct record *table_record(SOCKET s);
bool table_set_record(SOCKET s, struct record *record);
bool table_is_going(SOCKET s);	/* ordered after table_set_record(), as a close's reverse is */
void table_each_record(void (*visit)(SOCKET s));

/* socket.c: may @s be used? Otherwise WSAENOTSOCK is set. */
bool socket_check(SOCKET s);
/* A new socket of ours, and what is known of it. */
void socket_born(SOCKET s, uint64_t word);
int socket_option(SOCKET s, int name);	/* an int at SOL_SOCKET, or -1 */
bool socket_is_stream(SOCKET s);
bool socket_is_connected(SOCKET s);	/* has a peer */
bool socket_is_nonblocking(SOCKET s);

/* attach.c: take the ULP if it can be had; sets errno. */
void attach_quietly(SOCKET s);

/* option.c: is this memory readable? */
bool option_readable(const void *memory, size_t size);

/* close.c */
void close_destroy(SOCKET s);
bool close_is_whole(SOCKET s);		/* a family without half-close? */
int close_circuit(SOCKET s);		/* end its connection, as a system call */
bool close_handle(HANDLE handle);	/* CloseHandle() on a socket (M5) */

/* duplicate.c */
SOCKET duplicate_open(LPWSAPROTOCOL_INFOA info, DWORD flags);

#endif /* WINSOCK_INTERNAL_H */
