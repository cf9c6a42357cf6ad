/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's tracepoints, read through a tracefs instance of the test's own. */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct trace - an instance
 * @pipe:	its trace_pipe, non-blocking
 * @text:	text that was read but not returned yet
 */
struct trace {
	int pipe;
	size_t length;
	char path[64];
	char text[65536];
};

/* Begin to trace; ends the program if the kernel has no tracefs. */
void trace_open(struct trace *trace);
void trace_close(struct trace *trace);

/* Returns the next event, its name and fields as text, or NULL. Valid until the next call. */
const char *trace_next(struct trace *trace);

/* Returns the value of an event's field, or "". Valid for eight calls. */
const char *trace_field(const char *event, const char *name);

#endif /* TRACE_H */
