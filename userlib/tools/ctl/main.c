// SPDX-License-Identifier: LGPL-2.1-or-later
/* winsockctl: see what closes did, and what is pending. See winsockctl(8). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/winsock.h>

#include "ctl.h"
#include "out.h"

#ifndef CTL_VERSION
#define CTL_VERSION	"?"
#endif

static const struct {
	const char *name;
	void (*run)(const struct ctl_options *options);
	bool has_argument;
} main_commands[] = {
	{ "status", status_run, false },
	{ "list", list_run, false },
	{ "watch", watch_run, false },
	{ "query", query_run, true },
	{ "abort", abort_run, true },
};

static void usage(FILE *to)
{
	fprintf(to,
		"usage: winsockctl [-j] status            module, limits, counters\n"
		"       winsockctl [-j] list              pending closes: one's own, or all\n"
		"       winsockctl [-j] watch [-a] [-n N] outcomes as they happen\n"
		"       winsockctl [-j] query TARGET      what a close would be decided by\n"
		"       winsockctl [-j] abort TARGET      reset the connection now\n"
		"TARGET: FD, a descriptor that the shell passes on, or PID/FD: of a socket, or\n"
		"of a pending close; to abort one also '#ID', as in the list\n"
		"  -j, --json       for programs; watch writes one object a line\n"
		"  -a, --all        watch the decisions as well\n"
		"  -n, --count N    end after N lines\n"
		"  -V, --version    -h, --help\n");
}

void ctl_fail(enum ctl_status status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("winsockctl: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(status);
}

/* Exit because a file of the module cannot be opened. */
__attribute__((noreturn))
static void main_missing(const char *path)
{
	if (errno == EACCES || errno == EPERM)
		ctl_fail(CTL_DENIED, "%s: no permission", path);
	if (errno != ENOENT && errno != ENODEV && errno != ENXIO)
		ctl_fail(CTL_FAILED, "%s: %s", path, strerror(errno));
	if (!access("/sys/module/winsock", F_OK))
		ctl_fail(CTL_NO_MODULE,
			 "the kernel module winsock is loaded, but there is no %s here: a container has to be given it",
			 path);
	ctl_fail(CTL_NO_MODULE, "the kernel module winsock is not loaded (modprobe winsock)");
}

int ctl_device(void)
{
	int device = open(WINSOCK_DEVICE, O_RDONLY | O_CLOEXEC);

	if (device < 0)
		main_missing(WINSOCK_DEVICE);
	return device;
}

FILE *ctl_proc(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		main_missing(path);
	return file;
}

__attribute__((noreturn))
static void main_misused(const char *what)
{
	if (what)
		fprintf(stderr, "winsockctl: %s\n", what);
	usage(stderr);
	exit(CTL_USAGE);
}

static unsigned long main_count(const char *text)
{
	char *end;
	unsigned long count;

	errno = 0;
	count = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || !count)
		main_misused("a count is a number from 1 on");
	return count;
}

static void main_run(const char *name, struct ctl_options *options, int rest)
{
	for (size_t i = 0; i < sizeof(main_commands) / sizeof(main_commands[0]); i++) {
		if (strcmp(name, main_commands[i].name) != 0)
			continue;
		if (rest != main_commands[i].has_argument)
			main_misused(rest ? "too many arguments" : "which descriptor?");
		if ((options->count || options->decisions) && main_commands[i].run != watch_run)
			main_misused("-a and -n are for watch");
		main_commands[i].run(options);
		out_flush();
		return;
	}
	main_misused("no such command");
}

int main(int count, char **arguments)
{
	static const struct option names[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	struct ctl_options options = { 0 };
	int option;

	while ((option = getopt_long(count, arguments, "ajhn:V", names, NULL)) != -1) {
		switch (option) {
		case 'a':
			options.decisions = true;
			break;
		case 'j':
			out_json = true;
			break;
		case 'n':
			options.count = main_count(optarg);
			break;
		case 'h':
			usage(stdout);
			return CTL_DONE;
		case 'V':
			puts("winsockctl " CTL_VERSION);
			return CTL_DONE;
		default:
			main_misused(NULL);
		}
	}
	if (optind == count)
		main_misused(NULL);
	options.argument = arguments[optind + 1];
	main_run(arguments[optind], &options, count - optind - 1);
	return CTL_DONE;
}
