// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The supervisor: takes the socket of a stopped call, attaches it, and lets the call go on; with -b
 * it refuses the closes that closesocket() would refuse. It only acts on sockets that the program
 * has itself, in the program's namespaces and with its credentials.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/winsock.h>

#include "run.h"

/* Since Linux 6.9; the same number as O_EXCL. */
#ifndef PIDFD_THREAD
#define PIDFD_THREAD	O_EXCL
#endif

static int listener;
static int device = -1;
static bool verbose;

/* A stopped call. */
struct call {
	const struct seccomp_notif *notice;
	pid_t process;
	int pidfd;
};

static bool is_tcp_like(int fd)
{
	int type = 0, family = 0;
	socklen_t size = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
	       !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) &&
	       type == SOCK_STREAM && (family == AF_INET || family == AF_INET6);
}

bool is_attached(int fd)
{
	char name[16] = "";
	socklen_t size = sizeof(name) - 1;

	return !getsockopt(fd, SOL_TCP, TCP_ULP, name, &size) && !strcmp(name, WINSOCK_ULP);
}

static void stays(int number, pid_t process, int error)
{
	dprintf(STDERR_FILENO, "winsock-run: socket %d of process %d stays as it is: %s\n",
		number, process,
		error == EEXIST ? "it has kTLS or another ULP, and there can be only one"
				: strerror(error));
}

void attach(int fd, int number, pid_t process, bool say)
{
	int error;

	if (!setsockopt(fd, SOL_TCP, TCP_ULP, WINSOCK_ULP, sizeof(WINSOCK_ULP)))
		return;
	error = errno;
	if (say && is_tcp_like(fd) && !is_attached(fd))
		stays(number, process, error);
}

static pid_t process_of(pid_t thread)
{
	char path[64], line[256];
	pid_t process = -1;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", thread);
	status = fopen(path, "re");
	if (!status)
		return -1;
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "Tgid: %d", &process) == 1)
			break;
	fclose(status);
	return process;
}

/* Older kernels give pidfds of processes only, by the first thread. */
static bool open_call(struct call *call, const struct seccomp_notif *notice)
{
	call->notice = notice;
	call->process = notice->pid;
	call->pidfd = syscall(SYS_pidfd_open, notice->pid, PIDFD_THREAD);
	if (call->pidfd < 0)
		call->pidfd = syscall(SYS_pidfd_open, notice->pid, 0);
	if (call->pidfd < 0) {
		call->process = process_of(notice->pid);
		call->pidfd = syscall(SYS_pidfd_open, call->process, 0);
	}
	return call->pidfd >= 0;
}

/* Get a copy of the caller's descriptor, or -1. */
static int take(const struct call *call, int fd)
{
	int copy = syscall(SYS_pidfd_getfd, call->pidfd, fd, 0);

	if (copy < 0) {
		if (verbose && errno != EBADF)
			stays(fd, call->process, errno);
		return -1;
	}
	/* The caller may have been killed, and its number reused. */
	if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->notice->id))
		return copy;
	close(copy);
	return -1;
}

static void wake(int signal __attribute__((unused)))
{
}

/*
 * If the caller was killed, or another of its threads has closed the socket, the copy is the last
 * descriptor and close(2) lingers here, until a signal: then the kernel lingers alone. The signal
 * is repeated in case it came too early.
 */
static void drop(int copy)
{
	static const struct itimerval soon = { { 0, 1000 }, { 0, 1000 } }, never;
	struct linger linger = { 0 };
	socklen_t size = sizeof(linger);
	bool lingers = !getsockopt(copy, SOL_SOCKET, SO_LINGER, &linger, &size) &&
		       linger.l_onoff && linger.l_linger;

	if (lingers)
		setitimer(ITIMER_REAL, &soon, NULL);
	close(copy);
	if (lingers)
		setitimer(ITIMER_REAL, &never, NULL);
}

static void attach_taken(const struct call *call, int fd)
{
	int copy = take(call, fd);

	if (copy < 0)
		return;
	attach(copy, fd, call->process, verbose);
	drop(copy);
}

/* The arguments of socketcall(2) are in the caller's memory. */
static void attach_by_socketcall(const struct call *call)
{
	uint32_t arguments[3];
	struct iovec here = { arguments, sizeof(arguments) };
	struct iovec there = { (void *)(uintptr_t)call->notice->data.args[1], sizeof(arguments) };

	if (process_vm_readv(call->process, &here, 1, &there, 1, 0) == sizeof(arguments) &&
	    arguments[1] == SOL_SOCKET && arguments[2] == SO_LINGER)
		attach_taken(call, arguments[0]);
}

/* Count the descriptors of this socket in a process' table, which may be out of reach. */
static unsigned int count_in(const char *process, ino_t inode)
{
	char path[64], link[64], socket[64];
	unsigned int count = 0;
	struct dirent *entry;
	ssize_t size;
	DIR *table;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", process);
	snprintf(socket, sizeof(socket), "socket:[%llu]", (unsigned long long)inode);
	table = opendir(path);
	if (!table)
		return 0;
	while ((entry = readdir(table))) {
		size = readlinkat(dirfd(table), entry->d_name, link, sizeof(link) - 1);
		if (size < 0)
			continue;
		link[size] = '\0';
		count += !strcmp(link, socket);
	}
	closedir(table);
	return count;
}

static bool is_shared(ino_t inode)
{
	unsigned int count = 0;
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return false;
	while (count < 2 && (entry = readdir(proc)))
		if (isdigit(entry->d_name[0]))
			count += count_in(entry->d_name, inode);
	closedir(proc);
	return count > 1;
}

/*
 * Would closesocket() refuse to close this descriptor, the last of its socket? A child on its way
 * to execve(2) has it too, for a moment: a real holder has it at each look.
 */
static bool would_block(const struct call *call, int fd)
{
	const unsigned int all = WINSOCK_QUERY_LINGER | WINSOCK_QUERY_NONBLOCK |
				 WINSOCK_QUERY_WOULD_BLOCK;
	struct winsock_query query = { .fd = take(call, fd) };
	unsigned int looks = 5;
	struct stat status;
	bool blocks;

	if (query.fd < 0)
		return false;
	blocks = !ioctl(device, WINSOCK_IOC_QUERY, &query) && (query.flags & all) == all &&
		 query.linger_ns && !fstat(query.fd, &status);
	drop(query.fd);
	if (!blocks)
		return false;
	while (is_shared(status.st_ino)) {
		if (!--looks)
			return false;
		usleep(1000);
	}
	return true;
}

static bool dup_would_block(const struct call *call)
{
	int old = call->notice->data.args[0], new = call->notice->data.args[1], copy;

	/* dup2() of a descriptor over itself closes nothing. */
	if (old == new)
		return false;
	copy = take(call, old);
	if (copy < 0)
		return false;
	drop(copy);
	return would_block(call, new);
}

/* If one close would block the whole range is refused. */
static bool range_would_block(const struct call *call)
{
	unsigned int first = call->notice->data.args[0], last = call->notice->data.args[1], fd;
	bool blocks = false;
	struct dirent *entry;
	char path[64];
	DIR *table;

	/* CLOSE_RANGE_CLOEXEC closes nothing. */
	if (call->notice->data.args[2] & (1U << 2))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/fd", call->process);
	table = opendir(path);
	if (!table)
		return false;
	while (!blocks && (entry = readdir(table))) {
		if (!isdigit(entry->d_name[0]))
			continue;
		fd = strtoul(entry->d_name, NULL, 10);
		blocks = fd >= first && fd <= last && would_block(call, fd);
	}
	closedir(table);
	return blocks;
}

/* Serve a call. True: it is refused. */
static bool serve(const struct call *call)
{
	switch (filter_trap(call->notice->data.arch, call->notice->data.nr)) {
	case TRAP_LINGER:
		attach_taken(call, call->notice->data.args[0]);
		break;
	case TRAP_SOCKETCALL:
		attach_by_socketcall(call);
		break;
	case TRAP_CLOSE:
		return would_block(call, call->notice->data.args[0]);
	case TRAP_DUP:
		return dup_would_block(call);
	case TRAP_CLOSE_RANGE:
		return range_would_block(call);
	case TRAP_NONE:
		break;
	}
	return false;
}

static void next_call(struct seccomp_notif *notice, size_t notice_size,
		      struct seccomp_notif_resp *answer, size_t answer_size)
{
	struct call call;

	memset(notice, 0, notice_size);
	memset(answer, 0, answer_size);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, notice))
		return;
	answer->id = notice->id;
	answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (open_call(&call, notice)) {
		if (serve(&call)) {
			answer->flags = 0;
			answer->error = -EWOULDBLOCK;
		}
		close(call.pidfd);
	}
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, answer);
}

/*
 * Leave the program's session, ignore signals, and close its files: the supervisor keeps none of
 * them open, and survives what ends the program.
 */
static int settle(int channel)
{
	struct sigaction action = { .sa_handler = wake };
	int null, signal;

	setsid();
	for (signal = 1; signal < NSIG; signal++)
		sigaction(signal, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	sigaction(SIGALRM, &action, NULL);
	sigprocmask(SIG_SETMASK, &(sigset_t){ 0 }, NULL);
	if (chdir("/") || dup2(channel, 0) < 0)
		return errno;
	syscall(SYS_close_range, 3, ~0U, 0);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 1) < 0 || (!verbose && dup2(null, 2) < 0))
		return errno;
	return 0;
}

/* Taking the listener proves that sockets can be taken. */
static int take_listener(pid_t program)
{
	int pidfd, number;

	if (read(0, &number, sizeof(number)) != sizeof(number))
		exit(0);
	pidfd = syscall(SYS_pidfd_open, program, 0);
	listener = syscall(SYS_pidfd_getfd, pidfd, number, 0);
	return listener < 0 ? errno : 0;
}

void supervise(int channel, pid_t program, const struct run_options *options)
{
	struct seccomp_notif_sizes sizes = { 0 };
	struct seccomp_notif_resp *answer;
	struct seccomp_notif *notice;
	struct pollfd poll_listener;
	int error;

	verbose = options->verbose;
	error = settle(channel);
	if (!error)
		error = take_listener(program);
	if (!error && options->would_block) {
		device = open(WINSOCK_DEVICE, O_RDONLY | O_CLOEXEC);
		error = device < 0 ? errno : 0;
	}
	/* The kernel's structures may be larger. */
	syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
	notice = malloc(sizes.seccomp_notif + sizeof(*notice));
	answer = malloc(sizes.seccomp_notif_resp + sizeof(*answer));
	if (!error && (!notice || !answer))
		error = ENOMEM;
	if (write(0, &error, sizeof(error)) != sizeof(error) || error)
		exit(1);
	dup2(1, 0);

	/* Serve until the last process with the filter has ended. */
	poll_listener = (struct pollfd){ .fd = listener, .events = POLLIN };
	while (!(poll_listener.revents & POLLHUP)) {
		poll_listener.revents = 0;
		if (poll(&poll_listener, 1, -1) > 0 && (poll_listener.revents & POLLIN))
			next_call(notice, sizes.seccomp_notif, answer, sizes.seccomp_notif_resp);
	}
	exit(0);
}
