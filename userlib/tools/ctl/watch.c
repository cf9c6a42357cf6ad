// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * winsockctl watch: outcomes as they happen.
 *
 * A caller that may use tracefs gets each one with its connection, through a tracefs instance of
 * its own, so that no other trace is disturbed. Other callers get the changes of the counters, five
 * times a second: only these show closes to which no process has a descriptor, and every user may
 * read them.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "out.h"

#define WATCH_ROOT	"/sys/kernel/tracing/instances"
#define WATCH_POLL_NS	200000000

/* The instance, "" while there is none, its switch, and its open trace_pipe. */
static char watch_instance[64];
static char watch_enable[128];
static int watch_pipe = -1;

/* Called in a signal handler, too: uses system calls only. */
static void watch_give_up(void)
{
	int fd = open(watch_enable, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0", 1) == 1)
		close(fd);
	if (watch_pipe >= 0)
		close(watch_pipe);
	rmdir(watch_instance);
}

static void watch_end(int signal)
{
	(void)signal;
	watch_give_up();
	_exit(CTL_DONE);
}

/* SIGINT and its like end the watch, but not while an instance is half made. */
static void watch_signals(int how)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = watch_end };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sigaddset(&set, ends[i]);
		sigaction(ends[i], &action, NULL);
	}
	sigprocmask(how, &set, NULL);
}

static bool watch_write(const char *file, const char *text)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/events/winsock/%s", watch_instance, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/* Make an instance that shows this network namespace's events. On failure sets errno. */
static bool watch_start(bool decisions)
{
	char path[128], filter[64];
	struct stat space;
	int saved;

	if (stat("/proc/self/ns/net", &space))
		return false;
	snprintf(watch_instance, sizeof(watch_instance), WATCH_ROOT "/winsockctl-%d", getpid());
	if (mkdir(watch_instance, 0700))
		return false;
	snprintf(watch_enable, sizeof(watch_enable), "%s/events/winsock/enable", watch_instance);
	snprintf(filter, sizeof(filter), "netns == %u", (unsigned int)space.st_ino);
	snprintf(path, sizeof(path), "%s/trace_pipe", watch_instance);
	if (watch_write("filter", filter) &&
	    watch_write(decisions ? "enable" : "winsock_outcome/enable", "1")) {
		watch_pipe = open(path, O_RDONLY | O_CLOEXEC);
		if (watch_pipe >= 0)
			return true;
	}
	saved = errno;
	watch_give_up();
	errno = saved;
	return false;
}

/**
 * struct watch_event - a line of trace_pipe, taken apart
 * @task:	"COMM-PID"
 * @time:	seconds, the trace's clock
 * @name:	"outcome" or "verdict"
 * @fields:	"NAME=VALUE ..."
 */
struct watch_event {
	char *task;
	char *time;
	char *name;
	char *fields;
};

/* "    COMM-PID     [CPU] FLAGS  TIME: winsock_NAME: FIELDS" */
static bool watch_parse(char *line, struct watch_event *event)
{
	char *end = strstr(line, ": winsock_"), *cpu;

	line[strcspn(line, "\n")] = 0;
	if (!end)
		return false;
	event->name = end + strlen(": winsock_");
	event->fields = strstr(event->name, ": ");
	*end = 0;
	event->time = strrchr(line, ' ');
	cpu = strstr(line, " [");
	if (!event->fields || !event->time || !cpu)
		return false;
	*event->fields = 0;
	event->fields += 2;
	event->time++;
	while (cpu > line && cpu[-1] == ' ')
		cpu--;
	*cpu = 0;
	event->task = line + strspn(line, " ");
	return true;
}

static void watch_json(const struct watch_event *event)
{
	char *pid = strrchr(event->task, '-'), *field, *rest = event->fields;

	out_object(NULL);
	out_text("event", event->name);
	out_text("time", event->time);
	if (pid) {
		*pid++ = 0;
		out_text("comm", event->task);
		out_number("pid", atoi(pid));
	}
	while ((field = strsep(&rest, " "))) {
		char *value = strchr(field, '=');

		if (!value)
			continue;
		*value++ = 0;
		if (*value && !value[strspn(value, "0123456789")])
			out_number(field, strtoll(value, NULL, 10));
		else
			out_text(field, value);
	}
	out_end();
}

/* The value of a field. A blank ends it, so it is printed by its length. */
struct watch_field {
	const char *text;
	int length;
};

static struct watch_field watch_find(const struct watch_event *event, const char *name)
{
	size_t length = strlen(name);
	const char *at = event->fields;

	while (at && (strncmp(at, name, length) != 0 || at[length] != '=')) {
		at = strchr(at, ' ');
		at += !!at;
	}
	if (!at)
		return (struct watch_field){ "?", 1 };
	at += length + 1;
	return (struct watch_field){ at, (int)strcspn(at, " ") };
}

static void watch_text(const struct watch_event *event)
{
	struct watch_field what = watch_find(event, event->name);
	struct watch_field local = watch_find(event, "local");
	struct watch_field remote = watch_find(event, "remote");
	struct watch_field facts = watch_find(event, "facts");
	struct watch_field unacked = watch_find(event, "unacked");
	struct watch_field elapsed = watch_find(event, "elapsed_ns");

	printf("%s %s %s %.*s %.*s > %.*s unacked %.*s ", event->time, event->task,
	       event->name, what.length, what.text, local.length, local.text, remote.length,
	       remote.text, unacked.length, unacked.text);
	if (!strcmp(event->name, "outcome"))
		printf("after %.6f s\n", strtoull(elapsed.text, NULL, 10) / 1e9);
	else
		printf("facts %.*s\n", facts.length, facts.text);
}

static void watch_line(char *line)
{
	struct watch_event event;

	if (!watch_parse(line, &event)) {
		/* "CPU:0 [LOST 12 EVENTS]" */
		fprintf(stderr, "winsockctl: %s\n", line);
		return;
	}
	if (out_json)
		watch_json(&event);
	else
		watch_text(&event);
}

static void watch_events(unsigned long count)
{
	FILE *pipe = fdopen(watch_pipe, "r");
	char line[1024];

	while (pipe && fgets(line, sizeof(line), pipe)) {
		watch_line(line);
		if (fflush(stdout) || (count && !--count))
			break;
	}
	watch_give_up();
}

static void watch_counter(const struct ctl_counter *counter, unsigned long more)
{
	if (!out_json) {
		printf("%s +%lu, %lu\n", counter->name, more, counter->value);
		return;
	}
	out_object(NULL);
	out_text("counter", counter->name);
	out_number("more", more);
	out_number("value", counter->value);
	out_end();
}

static void watch_counters(unsigned long count)
{
	struct ctl_counter before[CTL_COUNTERS_MAX], now[CTL_COUNTERS_MAX];
	unsigned int number = status_counters(before);

	for (;;) {
		nanosleep(&(struct timespec){ .tv_nsec = WATCH_POLL_NS }, NULL);
		if (status_counters(now) != number)
			ctl_fail(CTL_FAILED, "the module was replaced by another");
		for (unsigned int i = 0; i < number; i++) {
			/* Orphans is no counter: it can fall. */
			if (now[i].value <= before[i].value)
				continue;
			watch_counter(&now[i], now[i].value - before[i].value);
			if (fflush(stdout) || (count && !--count))
				return;
		}
		memcpy(before, now, sizeof(before));
	}
}

void watch_run(const struct ctl_options *options)
{
	bool traced;
	int reason;

	/* Exit here if there is no module. */
	fclose(ctl_proc(CTL_COUNTERS));
	/* A write to a closed pipe fails, and the instance is removed. */
	signal(SIGPIPE, SIG_IGN);
	watch_signals(SIG_BLOCK);
	traced = watch_start(options->decisions);
	reason = errno;
	watch_signals(SIG_UNBLOCK);
	if (traced) {
		watch_events(options->count);
		return;
	}
	fprintf(stderr, "winsockctl: " WATCH_ROOT ": %s; watching the counters instead\n",
		reason == ENOENT ? "tracefs is not mounted" : strerror(reason));
	watch_counters(options->count);
}
