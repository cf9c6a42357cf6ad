// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * winsock-run: run a program that cannot be changed with the TCP sockets for which it sets
 * SO_LINGER attached to the kernel's ULP "winsock". See winsock-run(1).
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/winsock.h>

#include "run.h"

/* The shell's status: not executable, not found. */
#define CANNOT_RUN	126
#define NOT_FOUND	127

static void usage(FILE *to)
{
	fprintf(to,
		"usage: winsock-run [-bv] PROGRAM [ARGUMENT ...]\n"
		"  -b  to close a non-blocking lingering socket with unacknowledged data fails\n"
		"      with EWOULDBLOCK and leaves it open, as closesocket() on Windows; every\n"
		"      close of any file takes longer\n"
		"  -v  say how it is done, and which sockets could not be attached\n"
		"  -h  this text\n");
}

__attribute__((format(printf, 2, 3), noreturn))
static void give_up(int status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("winsock-run: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(status);
}

/* Does the kernel have the ULP, and may the caller use it? */
static void check_kernel(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		give_up(CANNOT_RUN, "no TCP here: %s", strerror(errno));
	if (setsockopt(fd, SOL_TCP, TCP_ULP, WINSOCK_ULP, sizeof(WINSOCK_ULP))) {
		if (errno == ENOENT)
			give_up(CANNOT_RUN, "the kernel module winsock is not loaded "
				"(modprobe winsock; of a container, on its host)");
		give_up(CANNOT_RUN, "sockets cannot be attached: %s", strerror(errno));
	}
	close(fd);
}

/* Only -b uses the device; the ULP does not need it. */
static void check_device(void)
{
	int fd = open(WINSOCK_DEVICE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		give_up(CANNOT_RUN, "-b needs " WINSOCK_DEVICE ": %s (into a container it has to "
			"be passed: docker run --device " WINSOCK_DEVICE ")", strerror(errno));
	close(fd);
}

/* Find PROGRAM as execvp() would. */
static void find_program(const char *name, char path[PATH_MAX])
{
	const char *directories = getenv("PATH"), *end;
	struct stat status;

	if (!directories)
		directories = "/bin:/usr/bin";
	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		if (access(path, F_OK))
			give_up(NOT_FOUND, "%s: %s", name, strerror(errno));
		if (access(path, X_OK))
			give_up(CANNOT_RUN, "%s: %s", name, strerror(errno));
		return;
	}
	for (;; directories = end + 1) {
		end = strchrnul(directories, ':');
		snprintf(path, PATH_MAX, "%.*s/%s",
			 end == directories ? 1 : (int)(end - directories),
			 end == directories ? "." : directories, name);
		if (!access(path, X_OK) && !stat(path, &status) && S_ISREG(status.st_mode))
			return;
		if (!*end)
			give_up(NOT_FOUND, "%s: not found", name);
	}
}

/* A filter set without CAP_SYS_ADMIN takes from programs the rights that they would gain. */
static void check_rights(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		give_up(CANNOT_RUN, "%s: %s", path, strerror(errno));
	if (((status.st_mode & S_ISUID) && status.st_uid != getuid()) ||
	    ((status.st_mode & S_ISGID) && status.st_gid != getgid()))
		give_up(CANNOT_RUN, "%s is setuid or setgid, and would not be without "
			"CAP_SYS_ADMIN here", path);
	if (getuid() && getxattr(path, "security.capability", NULL, 0) > 0)
		give_up(CANNOT_RUN, "%s has file capabilities, and would have none without "
			"CAP_SYS_ADMIN here", path);
}

/* Attach inherited sockets that linger already. */
static void attach_inherited(bool verbose)
{
	struct linger linger;
	struct dirent *entry;
	socklen_t size;
	DIR *table;
	int fd;

	table = opendir("/proc/self/fd");
	if (!table)
		return;
	while ((entry = readdir(table))) {
		fd = atoi(entry->d_name);
		size = sizeof(linger);
		if (isdigit(entry->d_name[0]) &&
		    !getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size) && linger.l_onoff)
			attach(fd, fd, getpid(), verbose);
	}
	closedir(table);
}

/* Does another winsock-run supervise this process? */
static bool is_served(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct linger linger = { 0 };
	bool served;

	served = !setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) &&
		 is_attached(fd);
	close(fd);
	return served;
}

/*
 * The supervisor is a child without a signal for its end, which wait(2) does not see: the program
 * keeps its own PID, parent and terminal, and sees no child.
 */
static pid_t start_supervisor(int channel[2], const struct run_options *options)
{
	pid_t program = getpid(), supervisor;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel))
		give_up(CANNOT_RUN, "no supervisor: %s", strerror(errno));
	supervisor = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (supervisor < 0)
		give_up(CANNOT_RUN, "no supervisor: %s", strerror(errno));
	if (!supervisor) {
		close(channel[0]);
		supervise(channel[1], program, options);
	}
	close(channel[1]);
	/* With Yama this lets the supervisor attach to this process, not to its children. */
	prctl(PR_SET_PTRACER, supervisor, 0, 0, 0);
	return supervisor;
}

static void run_supervised(const char *path, const struct run_options *options)
{
	const char *way = "with CAP_SYS_ADMIN";
	int channel[2], error = EPIPE, listener;
	pid_t supervisor;

	/* Started before the filter, so it is not filtered. */
	supervisor = start_supervisor(channel, options);
	listener = filter_install(options->would_block);
	if (listener == -EACCES) {
		check_rights(path);
		way = "with no_new_privs: what is setuid gains nothing";
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		listener = filter_install(options->would_block);
	}
	if (listener == -EBUSY && !options->would_block && is_served()) {
		way = "by the winsock-run around it";
		supervisor = 0;
	} else if (listener == -EBUSY) {
		give_up(CANNOT_RUN, "another supervisor has this process already (a seccomp "
			"listener: a container manager's, or another winsock-run's)");
	} else if (listener < 0) {
		give_up(CANNOT_RUN, "no seccomp filter: %s", strerror(-listener));
	} else if (write(channel[0], &listener, sizeof(listener)) != sizeof(listener) ||
		   read(channel[0], &error, sizeof(error)) != sizeof(error) || error) {
		give_up(CANNOT_RUN, "sockets cannot be taken: %s (kernel.yama.ptrace_scope, or a "
			"container without CAP_SYS_PTRACE)", strerror(error));
	}
	if (options->verbose)
		fprintf(stderr, "winsock-run: process %d, supervisor %d: SO_LINGER%s %s\n",
			getpid(), supervisor,
			options->would_block ? " and closes stop," : " stops,", way);
}

/* Wine sets O_NONBLOCK on every socket, whatever its program's mode is. */
static void check_layer(const char *path)
{
	static const char *const names[] = { "wine", "wine32", "wine64", "wineserver" };
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			give_up(CANNOT_RUN, "%s keeps its sockets non-blocking, so no close would "
				"wait; it has to call the module itself: Documentation/wine.rst", name);
}

int main(int count, char **arguments)
{
	static const struct option names[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	struct run_options options = { 0 };
	char program[PATH_MAX];
	int option;

	/* "+": options behind PROGRAM are the program's. */
	while ((option = getopt_long(count, arguments, "+bvh", names, NULL)) != -1) {
		switch (option) {
		case 'b':
			options.would_block = true;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind == count) {
		usage(stderr);
		return 2;
	}
	check_kernel();
	if (options.would_block)
		check_device();
	find_program(arguments[optind], program);
	check_layer(program);
	attach_inherited(options.verbose);
	run_supervised(program, &options);
	execv(program, arguments + optind);
	give_up(CANNOT_RUN, "%s: %s", program, strerror(errno));
}
