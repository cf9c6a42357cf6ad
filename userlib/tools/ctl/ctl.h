/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winsockctl: shared declarations, grouped by file. */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Exit status. */
enum ctl_status {
	CTL_DONE,
	CTL_FAILED,	/* the kernel refused, or there is no such thing */
	CTL_USAGE,
	CTL_NO_MODULE,	/* not loaded, or not visible in this container */
	CTL_DENIED,	/* no permission */
};

/**
 * struct ctl_options - the command line
 * @argument:	the argument of the command, or NULL
 * @count:	lines after which watch ends; 0: never
 * @decisions:	watch shows the policy's verdicts as well
 */
struct ctl_options {
	const char *argument;
	unsigned long count;
	bool decisions;
};

/* main.c: write a line to standard error and exit. */
__attribute__((format(printf, 2, 3), noreturn))
void ctl_fail(enum ctl_status status, const char *format, ...);

/* main.c: open /dev/winsock, or exit with a hint. */
int ctl_device(void);

/* main.c: open a file of the module in /proc/net, or exit with a hint. */
FILE *ctl_proc(const char *path);

/* status.c, list.c, watch.c, socket.c: the commands. */
void status_run(const struct ctl_options *options);
void list_run(const struct ctl_options *options);
void watch_run(const struct ctl_options *options);
void query_run(const struct ctl_options *options);
void abort_run(const struct ctl_options *options);

/* The files of the module. */
#define CTL_COUNTERS	"/proc/net/winsock"
#define CTL_PENDING	"/proc/net/winsock_pending"

/* status.c: counters of this network namespace. */
#define CTL_COUNTERS_MAX 64

struct ctl_counter {
	char name[32];
	unsigned long value;
};

/* status.c: read at most CTL_COUNTERS_MAX counters. Returns their number. */
unsigned int status_counters(struct ctl_counter *counters);

/* state.c: names of TCP states and of WINSOCK_OUTCOME_*. */
const char *state_name(unsigned int state);
const char *state_outcome(unsigned int outcome);

/**
 * struct ctl_target - a descriptor to act on
 * @fd:		winsockctl's own descriptor
 * @pid:	process that it was taken from, 0: winsockctl's own
 * @is_op:	an op descriptor: a pending close
 * @id:		number of a pending close; then there is no descriptor
 */
struct ctl_target {
	int fd;
	pid_t pid;
	bool is_op;
	unsigned int id;
};

/* target.c: open FD, PID/FD or #ID, or exit with the reason. */
struct ctl_target target_open(const char *text);

#endif /* CTL_H */
