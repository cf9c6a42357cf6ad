/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * winsock-run: a seccomp filter in the program stops the calls that matter; a supervisor outside
 * acts on the socket and lets the call go on.
 */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct run_options {
	bool would_block;
	bool verbose;
};

enum run_trap {
	TRAP_NONE,
	TRAP_LINGER,		/* setsockopt(fd, SOL_SOCKET, SO_LINGER, ...) */
	TRAP_SOCKETCALL,	/* setsockopt() with arguments in memory */
	TRAP_CLOSE,
	TRAP_DUP,		/* dup2() and dup3() */
	TRAP_CLOSE_RANGE,
};

/* filter.c */

/* Install the filter for this thread and its children. Returns the listener, or -errno. */
int filter_install(bool would_block);
enum run_trap filter_trap(uint32_t arch, uint32_t number);

/* supervisor.c */

/*
 * Run as the supervisor of @program; does not return. Reads the listener's number there from
 * @channel and answers with an errno, 0 when it serves.
 */
void supervise(int channel, pid_t program, const struct run_options *options)
	__attribute__((noreturn));
bool is_attached(int fd);
/* Attach @fd, which is descriptor @number of @process. */
void attach(int fd, int number, pid_t process, bool verbose);

#endif /* RUN_H */
