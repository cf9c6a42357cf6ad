// SPDX-License-Identifier: GPL-2.0-only
/* The module's tracepoints, read through tracefs. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

#define TRACE_ROOT	"/sys/kernel/tracing"

static void trace_must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	exit(1);
}

void trace_open(struct trace *trace)
{
	char path[128];
	int fd;

	if (access(TRACE_ROOT "/instances", F_OK))
		trace_must(!mount("tracefs", TRACE_ROOT, "tracefs", 0, NULL), "tracefs");
	snprintf(trace->path, sizeof(trace->path), TRACE_ROOT "/instances/test-%d", getpid());
	trace_must(!mkdir(trace->path, 0700), trace->path);
	snprintf(path, sizeof(path), "%s/events/winsock/enable", trace->path);
	fd = open(path, O_WRONLY);
	trace_must(fd >= 0 && write(fd, "1", 1) == 1, path);
	close(fd);
	snprintf(path, sizeof(path), "%s/trace_pipe", trace->path);
	trace->pipe = open(path, O_RDONLY | O_NONBLOCK);
	trace_must(trace->pipe >= 0, path);
	trace->length = 0;
}

void trace_close(struct trace *trace)
{
	char path[128];
	int fd;

	close(trace->pipe);
	snprintf(path, sizeof(path), "%s/events/winsock/enable", trace->path);
	fd = open(path, O_WRONLY);
	trace_must(fd >= 0 && write(fd, "0", 1) == 1, path);
	close(fd);
	trace_must(!rmdir(trace->path), trace->path);
}

const char *trace_next(struct trace *trace)
{
	static char event[1024];
	char *end, *name;
	ssize_t got;

	do {
		got = read(trace->pipe, trace->text + trace->length,
			   sizeof(trace->text) - 1 - trace->length);
		if (got > 0)
			trace->length += got;
	} while (got > 0);
	trace->text[trace->length] = 0;

	end = strchr(trace->text, '\n');
	if (!end)
		return NULL;
	*end++ = 0;
	/* The program's name comes before it, and may look the same. */
	name = strstr(trace->text, ": winsock_");
	snprintf(event, sizeof(event), "%.*s", (int)sizeof(event) - 1,
		 name ? name + 2 : trace->text);
	trace->length -= end - trace->text;
	memmove(trace->text, end, trace->length);
	return event;
}

const char *trace_field(const char *event, const char *name)
{
	static char values[8][64];
	static unsigned int turn;
	char *value = values[turn++ % 8], key[32];
	const char *at;

	value[0] = 0;
	snprintf(key, sizeof(key), " %s=", name);
	at = event ? strstr(event, key) : NULL;
	if (at)
		snprintf(value, sizeof(values[0]), "%.*s",
			 (int)strcspn(at + strlen(key), " \n"), at + strlen(key));
	return value;
}
