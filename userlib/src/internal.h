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
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WINSOCK_API __attribute__((visibility("default")))

/*
 * The border of the API, the first line of each call that takes a lock, changes errno or
 * runs a routine: errno comes back as it was, and pthread_cancel() does not end the thread
 * in between, where it would leave locks taken and lists with entries on its stack. Calls
 * within calls are fine.
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

#define BORDER \
	struct border border_ __attribute__((unused, cleanup(border_leave))) = border_enter()

/* Of a call that may wait: a thread that is to end does not begin it. */
#define BORDER_OF_WAIT \
	struct border border_ __attribute__((unused, cleanup(border_leave))) = \
		(pthread_testcancel(), border_enter())

/* error.c: every function that fails returns through one of these. */
int error_fail(int wsa);		/* sets the last error; SOCKET_ERROR */
int error_fail_system(int wsa);		/* the same under the system's name, if it has one */
int error_fail_errno(int number);	/* the same from an errno */
int error_from_errno(int number);	/* the table */
/* The end of calls that leave a last error of 0 behind where they succeed, as on Windows. */
int error_result(int result);

/* startup.c */
bool startup_done(void);

/* Behind the border, of most calls: leaves the caller with the error set. */
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
bool socket_is_short(SOCKET s, int size);	/* for an address; too short for any is enough */
bool socket_is_connected(SOCKET s);	/* has a peer, or had one */
bool socket_is_bound(SOCKET s);		/* has a port, or an address of another family */
/* Begin a connect without waiting; @flags: of F_GETFL. 0, EINPROGRESS, or another errno. */
int socket_begin_connect(SOCKET s, const struct sockaddr *name, int size, int flags);

/* attach.c: take the ULP if it can be had; sets errno. */
void attach_quietly(SOCKET s);

/* option.c: is this memory readable? */
bool option_readable(const void *memory, size_t size);
/* Set what the program can set of @from for @to as well, a socket of the same family. */
void option_copy(SOCKET from, SOCKET to);

#endif /* WINSOCK_INTERNAL_H */
