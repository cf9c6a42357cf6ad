/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Declarations that the library's files share, grouped by file. The library itself is written with
 * libc's names.
 */
#ifndef WINSOCK_INTERNAL_H
#define WINSOCK_INTERNAL_H

#define WINSOCK_KEEP_LIBC_NAMES
#include <winsock_ext.h>
#undef linger

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WINSOCK_API __attribute__((visibility("default")))

/* Run at the end of a variable's scope, and when pthread_cancel() ends the thread in a sleep. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/*
 * BORDER is the first line of each call of the API that takes a lock, changes errno or runs a
 * routine: errno is restored at the end, and pthread_cancel() does not end the thread in between,
 * where it would leave locks taken and lists with entries on its stack. Calls may nest.
 */
struct border {
	int number;
	int cancel_state;
};

static inline struct border border_enter(void)
{
	struct border border = { .number = errno };

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &border.cancel_state);
	return border;
}

static inline void border_leave(struct border *border)
{
	pthread_setcancelstate(border->cancel_state, NULL);
	errno = border->number;
}

#define BORDER_WITH(begin) \
	struct border border_ __attribute__((unused)) CLEANUP(border_leave) = begin
#define BORDER	BORDER_WITH(border_enter())

/* thread.c: the state of pthread_setcancelstate() while the calling thread sleeps. */
extern __thread int border_asleep;

static inline int border_change(int state)
{
	int before = border_asleep;

	border_asleep = state;
	return before;
}

static inline void border_restore(const int *before)
{
	border_asleep = *before;
}

#define BORDER_ASLEEP(state) \
	int asleep_ __attribute__((unused)) CLEANUP(border_restore) = border_change(state)

/*
 * For a call that may wait: pthread_cancel() ends the thread before it begins and while it sleeps,
 * except in routines and their calls, as what is below them is not ready for that.
 */
#define BORDER_OF_WAIT \
	BORDER_WITH((pthread_testcancel(), border_enter())); \
	BORDER_ASLEEP(border_.cancel_state)

/* error.c: every function that fails returns through one of these. */
int error_fail(int wsa);		/* sets the last error; SOCKET_ERROR */
int error_fail_errno(int number);	/* the same from an errno */
int error_from_errno(int number);	/* the table */
int error_system(int wsa, bool stream);	/* the system's name of it, if there is one */
/* End a call that sets the last error to 0 on success, as on Windows. */
int error_result(int result);

/* startup.c */
bool startup_done(void);

/* Most calls have this behind BORDER: return @failure before WSAStartup(). */
#define STARTED_OR(failure) do { \
	if (__builtin_expect(!startup_done(), 0)) { \
		error_fail(WSANOTINITIALISED); \
		return failure; \
	} \
} while (0)

/* socket.c: as socket(). */
SOCKET socket_make(int af, int type, int protocol);
/* May @s be used? Otherwise WSAENOTSOCK is set. */
bool socket_check(SOCKET s);
int socket_option(SOCKET s, int name);	/* an int at SOL_SOCKET, or -1 */
bool socket_is_stream(SOCKET s);
bool socket_is_nonblocking(SOCKET s);
bool socket_is_short(SOCKET s, int size);	/* too short for an address? */
bool socket_is_connected(SOCKET s);	/* has or had a peer */
/* Can a stream not connect to it: an address that is any, or port 0? */
bool socket_is_nowhere(SOCKET s, const struct sockaddr *name, int size);
bool socket_is_bound(SOCKET s);		/* has a port, or an address of another family */
/* Begin a connect without waiting; @flags: of F_GETFL. Returns 0, EINPROGRESS or an errno. */
int socket_begin_connect(SOCKET s, const struct sockaddr *name, int size, int flags);

/* attach.c: attach if possible; sets errno. */
void attach_quietly(SOCKET s);

/* option.c: is this memory readable? */
bool option_readable(const void *memory, size_t size);
/* Set the options of @from that a program can set for @to, a socket of the same family. */
void option_copy(SOCKET from, SOCKET to);

#endif /* WINSOCK_INTERNAL_H */
