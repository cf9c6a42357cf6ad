// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stand-in for /dev/winsock, so that tools of the host, which has no module, can watch the
 * library's concurrency. Linked in front of the library by -Wl,--wrap=open and --wrap=ioctl. It
 * answers as the module does, except where only a kernel can: it does not see holders in other
 * processes, nor compare and drop a descriptor in one step.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <linux/winsock.h>

#include "fake_device.h"

#define FAKE_PATH	"/dev/null"
/* An op descriptor is the end of a pipe, recognised by its size. */
#define FAKE_OP_SIZE	16384
#define SECOND		1000000000ULL

int __real_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

/* A pending close; in the list until it is final. */
struct fake_op {
	struct fake_op *next;
	int op_fd;		/* the number that the caller got */
	bool replaced;		/* it had the socket's number */
	int fd_flags;		/* the socket's descriptor flags */
	int told;		/* the stand-in's end of the pipe */
	int socket;		/* a descriptor of its own */
	ino_t inode;		/* the socket's */
	unsigned long long started, timeout;
	unsigned long long tag;
	bool cancelled;
	bool aborted;
};

static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake_op *fake_ops;	/* under fake_lock, as its members */
unsigned int fake_version = WINSOCK_ABI_VERSION;
__thread unsigned int fake_closes;

/* fork() does not copy a kernel's locks and closes. */
static void fake_fork_prepare(void)
{
	pthread_mutex_lock(&fake_lock);
}

static void fake_fork_parent(void)
{
	pthread_mutex_unlock(&fake_lock);
}

static void fake_fork_child(void)
{
	for (; fake_ops; fake_ops = fake_ops->next) {
		close(fake_ops->socket);
		close(fake_ops->told);
	}
	pthread_mutex_unlock(&fake_lock);
}

static void __attribute__((constructor)) fake_begins(void)
{
	pthread_atfork(fake_fork_prepare, fake_fork_parent, fake_fork_child);
}

static unsigned long long fake_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static ino_t fake_inode(int fd)
{
	struct stat status;

	return fstat(fd, &status) ? 0 : status.st_ino;
}

static unsigned long long fake_cookie(int fd)
{
	unsigned long long cookie = 0;
	socklen_t size = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) ? 0 : cookie;
}

static int fake_option(int fd, int name)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) ? -1 : value;
}

/* Drop the caller's descriptor, even with threads inside a call on it. */
static void fake_drop(int fd)
{
	close(fd);
}

static int fake_unacked(int fd)
{
	int bytes = 0;

	return __real_ioctl(fd, SIOCOUTQ, &bytes) ? 0 : bytes;
}

static void fake_reset(int fd)
{
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	connect(fd, &nobody, sizeof(nobody));
}

/* Count this process's descriptors of the socket, without those of pending closes. */
static int fake_holders(ino_t inode)
{
	char wanted[40], target[40], path[40];
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	int holders = 0;
	ssize_t size;

	if (!directory)
		return 1;
	snprintf(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long)inode);
	while ((entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%.20s", entry->d_name);
		size = readlink(path, target, sizeof(target) - 1);
		if (size < 0)
			continue;
		target[size] = 0;
		holders += !strcmp(target, wanted);
	}
	closedir(directory);
	return holders;
}

static bool fake_is_op(int fd)
{
	return fcntl(fd, F_GETPIPE_SZ) == FAKE_OP_SIZE;
}

/* With the lock: find the op of a descriptor, or the one pending on a socket. */
static struct fake_op *fake_find(int fd)
{
	struct fake_op *op = fake_ops;
	ino_t inode = fake_inode(fd);

	while (op && op->inode != inode && fake_inode(op->told) != inode)
		op = op->next;
	return op;
}

static void fake_remove(struct fake_op *op)
{
	struct fake_op **link = &fake_ops;

	while (*link != op)
		link = &(*link)->next;
	*link = op->next;
}

/* With the lock. Returns the outcome, or 0. */
static unsigned int fake_outcome(const struct fake_op *op)
{
	if (op->cancelled)
		return WINSOCK_OUTCOME_CANCELLED;
	if (op->aborted)
		return WINSOCK_OUTCOME_REQUEST;
	if (!fake_unacked(op->socket))
		return WINSOCK_OUTCOME_GRACEFUL;
	if (fake_now() - op->started >= op->timeout)
		return WINSOCK_OUTCOME_DEADLINE;
	return 0;
}

static void *fake_linger(void *argument)
{
	struct winsock_record record = { 0 };
	struct fake_op *op = argument;
	sigset_t broken;

	/* The caller's end may be closed: SIGPIPE. */
	sigemptyset(&broken);
	sigaddset(&broken, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &broken, NULL);
	for (;;) {
		pthread_mutex_lock(&fake_lock);
		record.outcome = fake_outcome(op);
		if (record.outcome)
			break;
		pthread_mutex_unlock(&fake_lock);
		usleep(500);
	}
	record.elapsed_ns = fake_now() - op->started;
	record.tag = op->tag;
	if (record.outcome == WINSOCK_OUTCOME_DEADLINE ||
	    record.outcome == WINSOCK_OUTCOME_REQUEST)
		fake_reset(op->socket);
	if (record.outcome != WINSOCK_OUTCOME_CANCELLED) {
		close(op->socket);
		/* The op is final: from here on no cancel, and no other file at its number. */
		fake_remove(op);
	}
	if (write(op->told, &record, sizeof(record)) < 0 && errno != EPIPE)
		abort();
	pthread_mutex_unlock(&fake_lock);
	close(op->told);
	free(op);
	return NULL;
}

static int fake_begin(struct winsock_close *call, unsigned long long timeout)
{
	struct fake_op *op = calloc(1, sizeof(*op));
	pthread_t thread;
	int ends[2];

	if (!op || pipe2(ends, O_CLOEXEC) ||
	    fcntl(ends[1], F_SETPIPE_SZ, FAKE_OP_SIZE) != FAKE_OP_SIZE)
		abort();
	op->replaced = call->flags & WINSOCK_CLOSE_DROP_FD;
	op->op_fd = op->replaced ? call->fd : ends[0];
	op->fd_flags = fcntl(call->fd, F_GETFD);
	op->told = ends[1];
	op->socket = fcntl(call->fd, F_DUPFD_CLOEXEC, 0);
	op->inode = fake_inode(call->fd);
	op->started = fake_now();
	op->timeout = timeout;
	op->tag = call->tag;
	pthread_mutex_lock(&fake_lock);
	op->next = fake_ops;
	fake_ops = op;
	if (op->replaced) {
		dup3(ends[0], call->fd, O_CLOEXEC);
		close(ends[0]);
	}
	pthread_mutex_unlock(&fake_lock);
	call->op_fd = op->op_fd;
	if (pthread_create(&thread, NULL, fake_linger, op))
		abort();
	pthread_detach(thread);
	return 0;
}

static int fake_done(struct winsock_close *call, unsigned int outcome, bool hard)
{
	call->record.outcome = outcome;
	if (outcome != WINSOCK_OUTCOME_SHARED) {
		if (hard)
			fake_reset(call->fd);
		else if (call->flags & WINSOCK_CLOSE_CANCEL)
			shutdown(call->fd, SHUT_RDWR);
	}
	if (call->flags & WINSOCK_CLOSE_DROP_FD)
		fake_drop(call->fd);
	return 0;
}

static bool fake_is_nonblocking(const struct winsock_close *call)
{
	if (call->flags & (WINSOCK_CLOSE_BLOCKING | WINSOCK_CLOSE_NONBLOCKING))
		return call->flags & WINSOCK_CLOSE_NONBLOCKING;
	return fcntl(call->fd, F_GETFL) & O_NONBLOCK;
}

static int fake_close(struct winsock_close *call)
{
	struct linger linger = { 0 };
	socklen_t size = sizeof(linger);
	unsigned long long timeout;
	bool busy;

	fake_closes++;
	call->op_fd = -1;
	call->record = (struct winsock_record){ .tag = call->tag };
	if (fake_option(call->fd, SO_TYPE) < 0)
		return errno;
	if (call->cookie && fake_cookie(call->fd) != call->cookie)
		return ESTALE;
	if (fake_option(call->fd, SO_PROTOCOL) != IPPROTO_TCP)
		return EOPNOTSUPP;
	pthread_mutex_lock(&fake_lock);
	busy = fake_find(call->fd);
	pthread_mutex_unlock(&fake_lock);
	if (busy)
		return EBUSY;
	if ((call->flags & WINSOCK_CLOSE_IF_LAST) && fake_holders(fake_inode(call->fd)) > 1)
		return fake_done(call, WINSOCK_OUTCOME_SHARED, false);
	getsockopt(call->fd, SOL_SOCKET, SO_LINGER, &linger, &size);
	timeout = linger.l_linger * SECOND;
	if (call->flags & WINSOCK_CLOSE_TIMEOUT) {
		linger.l_onoff = 1;
		timeout = call->timeout_ns;
	}
	if (!linger.l_onoff || !timeout || !fake_unacked(call->fd))
		return fake_done(call, linger.l_onoff && !timeout ? WINSOCK_OUTCOME_REQUEST
								  : WINSOCK_OUTCOME_GRACEFUL,
				 linger.l_onoff && !timeout);
	if (fake_is_nonblocking(call))
		return EWOULDBLOCK;
	return fake_begin(call, timeout);
}

static int fake_query(struct winsock_query *query)
{
	if (fake_option(query->fd, SO_TYPE) < 0)
		return errno;
	query->unacked = fake_unacked(query->fd);
	query->flags = query->unacked ? WINSOCK_QUERY_WOULD_BLOCK : 0;
	return 0;
}

static int fake_info(struct winsock_info *info)
{
	*info = (struct winsock_info){
		.abi_version = fake_version,
		.close_flags = ~0ULL,
		.timeout_max_ns = WINSOCK_TIMEOUT_MAX_NS,
	};
	return 0;
}

static int fake_stop(int fd, bool cancel)
{
	struct fake_op *op;
	int error = EALREADY;

	if (!fake_is_op(fd))
		return fcntl(fd, F_GETFD) < 0 ? EBADF : ENOTTY;
	pthread_mutex_lock(&fake_lock);
	op = fake_find(fd);
	if (op && cancel && fake_inode(op->op_fd) != fake_inode(op->told)) {
		error = EPERM;
	} else if (op && cancel) {
		error = 0;
		op->cancelled = true;
		if (op->replaced)
			dup3(op->socket, op->op_fd, op->fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0);
		/* Close it at once: the next close must not find it. */
		close(op->socket);
		fake_remove(op);
	} else if (op) {
		error = 0;
		op->aborted = true;
	}
	pthread_mutex_unlock(&fake_lock);
	return error;
}

static bool fake_is_device(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISCHR(status.st_mode) &&
	       status.st_rdev == makedev(1, 3);
}

static int fake_call(int fd, unsigned long request, void *argument)
{
	if (request == WINSOCK_IOC_OP_CANCEL)
		return fake_stop(fd, true);
	if (request == WINSOCK_IOC_OP_ABORT)
		return fake_stop(fd, false);
	/* The library's descriptor may be another file by now. */
	if (!fake_is_device(fd))
		return fcntl(fd, F_GETFD) < 0 ? EBADF : ENOTTY;
	switch (request) {
	case WINSOCK_IOC_INFO:
		return fake_info(argument);
	case WINSOCK_IOC_QUERY:
		return fake_query(argument);
	case WINSOCK_IOC_CLOSE:
		return fake_close(argument);
	case WINSOCK_IOC_ABORT:
		fake_reset(((struct winsock_abort *)argument)->fd);
		return 0;
	default:
		return ENOTTY;
	}
}

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list list;

	if (flags & O_CREAT) {
		va_start(list, flags);
		mode = va_arg(list, mode_t);
		va_end(list);
	}
	return __real_open(strcmp(path, WINSOCK_DEVICE) ? path : FAKE_PATH, flags, mode);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list list;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (_IOC_TYPE(request) != WINSOCK_IOC_MAGIC)
		return __real_ioctl(fd, request, argument);
	errno = fake_call(fd, request, argument);
	return errno ? -1 : 0;
}
