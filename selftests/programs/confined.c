// SPDX-License-Identifier: GPL-2.0-only
/*
 * A confined program tries the calls on connections that it inherits, with a device that
 * it inherits and with one that it opens itself. For each call one line: the call, its
 * error, and what the peer has seen. The arguments name the confinement:
 *
 *   none               not confined
 *   user UID           another user, whose group has the same number
 *   apparmor PROFILE   AppArmor, for the running thread
 *   selinux CONTEXT    SELinux, the same
 *   landlock           no rule for the device
 *   landlock-ioctl     a rule to open the device, but not for ioctl
 *   seccomp            CLOSE and ABORT are refused, by number, and TCP_ULP
 *
 * Exit status 4: the kernel does not have it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/winsock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV	(1ULL << 15)
#endif

/* A later program: a longer structure has another request number. */
#define ABORT_LONGER	_IOC(_IOC_WRITE, WINSOCK_IOC_MAGIC, _IOC_NR(WINSOCK_IOC_ABORT), 64)

enum { SKIPPED = -1, NOT_HERE = 4 };

static void check(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(errno == EINVAL || errno == EOPNOTSUPP ? NOT_HERE : 1);
}

/* Set the thread's own security attribute. */
static void set_current(const char *format, const char *name)
{
	char text[256];
	int fd = open("/proc/self/attr/current", O_WRONLY), size;

	size = snprintf(text, sizeof(text), format, name);
	check(write(fd, text, size) == size, "/proc/self/attr/current");
	close(fd);
}

static void use_landlock(int rule)
{
	struct landlock_ruleset_attr handled = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE,
	};
	struct landlock_path_beneath_attr device = {
		.allowed_access = handled.handled_access_fs,
		.parent_fd = open(WINSOCK_DEVICE, O_PATH | O_CLOEXEC),
	};
	int rules;

	if (rule)
		handled.handled_access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	rules = syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	check(rules >= 0, "landlock_create_ruleset");
	check(!rule || !syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
				&device, 0), "landlock_add_rule");
	check(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	check(!syscall(SYS_landlock_restrict_self, rules, 0), "landlock_restrict_self");
}

/* Type and number are the low 16 bits of a request; the size is above them. */
static void use_seccomp(void)
{
#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, yes, no)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
	struct sock_filter filter[] = {
		LOAD(nr),
		IS(SYS_ioctl, 0, 4),
		LOAD(args[1]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffff),
		IS(WINSOCK_IOC_CLOSE & 0xffff, 7, 0),
		IS(WINSOCK_IOC_ABORT & 0xffff, 6, 5),
		IS(SYS_setsockopt, 0, 4),
		LOAD(args[1]),
		IS(SOL_TCP, 0, 2),
		LOAD(args[2]),
		IS(TCP_ULP, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	check(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	check(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

static void confine(const char *how, const char *name)
{
	if (!strcmp(how, "user"))
		check(!setgid(atoi(name)) && !setuid(atoi(name)), "user");
	else if (!strcmp(how, "apparmor"))
		set_current("changeprofile %s", name);
	else if (!strcmp(how, "selinux"))
		set_current("%s", name);
	else if (!strncmp(how, "landlock", 8))
		use_landlock(how[8]);
	else if (!strcmp(how, "seccomp"))
		use_seccomp();
}

static int call_send(int device, int fd)
{
	return send(fd, "x", 1, MSG_NOSIGNAL) - 1;
}

static int call_linger(int device, int fd)
{
	struct linger linger = { 1, 0 };

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static int call_attach(int device, int fd)
{
	return setsockopt(fd, SOL_TCP, TCP_ULP, WINSOCK_ULP, sizeof(WINSOCK_ULP));
}

static int call_option(int device, int fd)
{
	int mode = 0;

	return setsockopt(fd, SOL_WINSOCK, WINSOCK_SO_MODE, &mode, sizeof(mode));
}

static int call_open(int device, int fd)
{
	return open(WINSOCK_DEVICE, O_RDONLY);
}

static int call_query(int device, int fd)
{
	struct winsock_query query = { .fd = fd };

	return ioctl(device, WINSOCK_IOC_QUERY, &query);
}

static int call_abort(int device, int fd)
{
	struct winsock_abort abort = { .fd = fd };

	return ioctl(device, WINSOCK_IOC_ABORT, &abort);
}

static int call_abort_longer(int device, int fd)
{
	char longer[64] = { 0 };

	((struct winsock_abort *)longer)->fd = fd;
	return ioctl(device, ABORT_LONGER, longer);
}

static int call_close(int device, int fd)
{
	struct winsock_close close = { .fd = fd, .flags = WINSOCK_CLOSE_TIMEOUT };

	return ioctl(device, WINSOCK_IOC_CLOSE, &close);
}

static int call_closesocket(int device, int fd)
{
	struct winsock_close close = {
		.fd = fd, .flags = WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_IF_LAST,
	};

	return ioctl(device, WINSOCK_IOC_CLOSE, &close);
}

static int call_op_abort(int device, int op)
{
	return ioctl(op, WINSOCK_IOC_OP_ABORT);
}

/* The device: none, the inherited one, the one that OPEN has opened. */
static const struct {
	const char *name;
	int (*call)(int device, int fd);
	enum { NONE, HANDED, OPEN, OPENED } device;
} calls[] = {
	{ "send", call_send },
	{ "SO_LINGER", call_linger },
	{ "TCP_ULP", call_attach },
	{ "SOL_WINSOCK", call_option },
	{ "handed QUERY", call_query, HANDED },
	{ "handed ABORT", call_abort, HANDED },
	{ "handed ABORT, longer", call_abort_longer, HANDED },
	{ "handed CLOSE", call_close, HANDED },
	{ "handed closesocket", call_closesocket, HANDED },
	{ "handed OP_ABORT", call_op_abort },
	{ "open", call_open, OPEN },
	{ "opened QUERY", call_query, OPENED },
	{ "opened ABORT", call_abort, OPENED },
	{ "opened CLOSE", call_close, OPENED },
	{ "opened closesocket", call_closesocket, OPENED },
};

#define CALLS	(sizeof(calls) / sizeof(calls[0]))

/* Prepare the call: attach the ULP, or begin a pending close. */
static int prepared(int call, int device, int fd)
{
	struct winsock_close close = {
		.fd = fd, .flags = WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_BLOCKING,
		.timeout_ns = 3600000000000ULL,
	};
	char data[65536] = { 0 };

	if (calls[call].call == call_option)
		check(!call_attach(device, fd), "TCP_ULP");
	if (calls[call].call != call_op_abort)
		return fd;
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	check(!ioctl(device, WINSOCK_IOC_CLOSE, &close) && close.op_fd >= 0, "CLOSE");
	return close.op_fd;
}

static const char *seen(int peer)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	check(!getsockopt(peer, SOL_TCP, TCP_INFO, &info, &size), "TCP_INFO");
	return info.tcpi_state == TCP_ESTABLISHED ? "connected" :
	       info.tcpi_state == TCP_CLOSE ? "reset" : "closed";
}

int main(int count, char **arguments)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), clients[CALLS], peers[CALLS], status;
	int devices[] = {
		[NONE] = -1, [HANDED] = open(WINSOCK_DEVICE, O_RDONLY), [OPENED] = -1,
	};
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(name);
	int *errors = mmap(NULL, sizeof(int) * CALLS, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	check(count > 1, "none|user|apparmor|selinux|landlock|landlock-ioctl|seccomp [NAME]");
	check(devices[HANDED] >= 0, WINSOCK_DEVICE);
	check(!bind(listener, (struct sockaddr *)&name, size) && !listen(listener, CALLS) &&
	      !getsockname(listener, (struct sockaddr *)&name, &size), "listener");
	for (int i = 0; i < CALLS; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		check(!connect(clients[i], (struct sockaddr *)&name, size), "connect");
		peers[i] = accept(listener, NULL, NULL);
		clients[i] = prepared(i, devices[HANDED], clients[i]);
	}
	if (!fork()) {
		confine(arguments[1], count > 2 ? arguments[2] : "");
		for (int i = 0; i < CALLS; i++) {
			int device = devices[calls[i].device], result;

			if (calls[i].device == OPENED && devices[OPENED] < 0) {
				errors[i] = SKIPPED;
				continue;
			}
			result = calls[i].call(device, clients[i]);
			errors[i] = result < 0 ? errno : 0;
			if (calls[i].device == OPEN)
				devices[OPENED] = result;
		}
		_exit(0);
	}
	wait(&status);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	for (int i = 0; i < CALLS; i++)
		if (errors[i] != SKIPPED)
			printf("%s: %s, %s\n", calls[i].name,
			       errors[i] ? strerrorname_np(errors[i]) : "done", seen(peers[i]));
	return 0;
}
