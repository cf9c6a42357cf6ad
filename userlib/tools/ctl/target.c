// SPDX-License-Identifier: LGPL-2.1-or-later
/* FD, PID/FD or #ID. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ctl.h"

/* Read a decimal number up to the end of the text, or to @end. */
static int target_number(const char *text, const char *end)
{
	char *stop;
	long number;

	errno = 0;
	number = strtol(text, &stop, 10);
	if (errno || stop != end || *text < '0' || *text > '9' || number > INT_MAX)
		return -1;
	return number;
}

static int target_fetch(pid_t pid, int fd)
{
	int process = syscall(SYS_pidfd_open, pid, 0), copy;

	if (process < 0)
		ctl_fail(CTL_FAILED, errno == ESRCH ? "there is no process %d" : "process %d: %m",
			 pid);
	copy = syscall(SYS_pidfd_getfd, process, fd, 0);
	if (copy < 0 && errno == EPERM)
		ctl_fail(CTL_DENIED,
			 "process %d may not be looked into: that takes the rights of a debugger (ptrace(2))",
			 pid);
	if (copy < 0 && errno == EBADF)
		ctl_fail(CTL_FAILED, "process %d has no descriptor %d", pid, fd);
	if (copy < 0)
		ctl_fail(CTL_FAILED, "descriptor %d of process %d: %s", fd, pid,
			 strerror(errno));
	close(process);
	return copy;
}

static bool target_is_op(int fd)
{
	static const char name[] = "anon_inode:[winsock]";
	char path[64], link[sizeof(name)];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, link, sizeof(link));
	return length == sizeof(name) - 1 && !memcmp(link, name, length);
}

struct ctl_target target_open(const char *text)
{
	const char *slash = strchr(text, '/');
	struct ctl_target target = { .fd = -1 };
	char *end;

	if (*text == '#') {
		errno = 0;
		target.id = strtoul(text + 1, &end, 10);
		if (errno || *end || !target.id)
			ctl_fail(CTL_USAGE, "%s is not the number of a pending close", text);
		return target;
	}
	target.fd = target_number(slash ? slash + 1 : text, text + strlen(text));
	if (slash)
		target.pid = target_number(text, slash);
	if (target.fd < 0 || (slash && target.pid <= 0))
		ctl_fail(CTL_USAGE, "%s is neither FD, PID/FD nor #ID", text);
	if (slash)
		target.fd = target_fetch(target.pid, target.fd);
	else if (fcntl(target.fd, F_GETFD) < 0)
		ctl_fail(CTL_FAILED, "descriptor %d is not open here; of another process it is PID/%d",
			 target.fd, target.fd);
	target.is_op = target_is_op(target.fd);
	return target;
}
