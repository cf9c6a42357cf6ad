// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A server that owns other programs' sockets closes them without ever waiting, in the
 * manner of wineserver: one thread, one level-triggered epoll loop.
 *
 * - Every socket is O_NONBLOCK, whatever its Winsock mode, and SO_LINGER is off: the
 *   server keeps mode and linger time itself, so no stray close() can ever linger.
 * - Client processes hold descriptors of the same sockets. The server knows which
 *   Winsock handle is the last, so it leaves WINSOCK_CLOSE_IF_LAST off. It keeps its
 *   own descriptor until the close is final, so it leaves WINSOCK_CLOSE_DROP_FD off, too,
 *   and the op descriptor gets a number of its own.
 * - A send that did not fit was reported complete; the rest is queued here and has to
 *   go first. The kernel gets only the linger time that is left.
 * - A handle may go without closesocket(), by CloseHandle() or with the client. Then no
 *   client waits and nothing can be refused, but the linger time runs all the same.
 *
 * Linux only. It closes CONNECTIONS sockets, half of them to peers that never read,
 * and fails if the loop ever slept outside of epoll_wait(), or if a turn of it took
 * more than TURN_MS of processor time. (Wall time would also count other processes
 * on the same processor.) A real-time kernel sleeps for spin locks, too, also in
 * send(2): there no turn may last longer than a tenth of the linger time.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/winsock.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS	1000
#define BACKLOG		20000		/* bytes queued in user space */
#define LINGER_NS	1500000000ULL
#define TURN_MS		5
#define BUDGET_NS	2000000ULL	/* work begun in one turn */

enum phase { OPEN, DRAINING, LINGERING, CLOSED };

struct handle {
	int fd;
	int op;
	enum phase phase;
	bool nonblocking;		/* the Winsock mode, not O_NONBLOCK */
	size_t queued;			/* in this program's queue */
	uint64_t deadline;
	uint32_t outcome;
};

static struct handle handles[CONNECTIONS];
static int device, loop;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static uint64_t used_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* Count how often this thread slept of its own accord. */
static long slept(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

static bool is_real_time(void)
{
	struct utsname name;

	return !uname(&name) && strstr(name.version, "PREEMPT_RT");
}

static void watch(int fd, uint32_t events, struct handle *handle)
{
	struct epoll_event event = { .events = events, .data.ptr = handle };

	if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event))
		abort();
}

/* Send the bytes whose send was reported complete. True if none is left. */
static bool drain(struct handle *handle)
{
	static const char block[BACKLOG];
	ssize_t sent = 1;

	while (handle->queued && sent > 0) {
		sent = send(handle->fd, block, handle->queued, MSG_NOSIGNAL);
		if (sent > 0)
			handle->queued -= sent;
	}
	return !handle->queued || (sent < 0 && errno != EAGAIN);
}

static void finish(struct handle *handle, uint32_t outcome)
{
	handle->outcome = outcome;
	handle->phase = CLOSED;
	close(handle->fd);
}

/*
 * The kernel takes over with the time that is left, and goes on if the server dies. False: it
 * would block, and nothing was begun.
 *
 * If the kernel has no op (ENOSPC, ENOMEM, EMFILE, ENFILE), or the module was unloaded, the
 * connection ends gracefully without a wait: SO_LINGER is off, so close() does that.
 */
static bool say_close(struct handle *handle, uint64_t mode)
{
	uint64_t now = now_ns();
	struct winsock_close call = {
		.fd = handle->fd,
		.flags = mode | WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DETACH,
		.timeout_ns = handle->deadline > now ? handle->deadline - now : 0,
		.tag = handle - handles,
		.op_fd = -1,
	};

	if (ioctl(device, WINSOCK_IOC_CLOSE, &call) && errno == EWOULDBLOCK)
		return false;
	if (call.op_fd < 0) {
		finish(handle, call.record.outcome);
		return true;
	}
	handle->phase = LINGERING;
	handle->op = call.op_fd;
	watch(handle->op, EPOLLIN, handle);
	return true;
}

/* The last handle goes without closesocket(). */
static void drop(struct handle *handle)
{
	handle->deadline = now_ns() + LINGER_NS;
	handle->phase = DRAINING;
	if (drain(handle))
		say_close(handle, WINSOCK_CLOSE_BLOCKING);
	else
		watch(handle->fd, EPOLLOUT, handle);
}

/* A client calls closesocket() on its last handle. False: WSAEWOULDBLOCK. */
static bool request_close(struct handle *handle)
{
	if (!handle->nonblocking) {
		drop(handle);
		return true;
	}
	handle->deadline = now_ns() + LINGER_NS;
	return !handle->queued && say_close(handle, WINSOCK_CLOSE_NONBLOCKING);
}

static void serve(struct handle *handle)
{
	struct winsock_record record;

	if (handle->phase == DRAINING && drain(handle)) {
		/* Stop watching: the close is no event for the client. */
		epoll_ctl(loop, EPOLL_CTL_DEL, handle->fd, NULL);
		say_close(handle, WINSOCK_CLOSE_BLOCKING);
	} else if (handle->phase == LINGERING) {
		if (read(handle->op, &record, sizeof(record)) != sizeof(record))
			abort();
		close(handle->op);
		finish(handle, record.outcome);
	}
}

/* The linger time has passed while the queue is not empty: CLOSE with no time resets. */
static void expire(struct handle *handle)
{
	epoll_ctl(loop, EPOLL_CTL_DEL, handle->fd, NULL);
	say_close(handle, WINSOCK_CLOSE_BLOCKING);
}

/* The peers: read every other connection, after a while. */
static void peers(int listener)
{
	static char block[65536];
	static int fds[CONNECTIONS];
	struct timespec pause = { 0, 300000000 };

	for (int i = 0; i < CONNECTIONS; i++)
		fds[i] = accept(listener, NULL, NULL);
	nanosleep(&pause, NULL);
	for (int i = 0; i < CONNECTIONS; i += 2)
		while (recv(fds[i], block, sizeof(block), 0) > 0)
			;
	for (;;)
		sleep(1000);
}

static void connect_all(const struct sockaddr_in *to)
{
	static const char block[BACKLOG];

	for (int i = 0; i < CONNECTIONS; i++) {
		struct handle *handle = &handles[i];

		handle->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (handle->fd < 0 || connect(handle->fd, (const void *)to, sizeof(*to)))
			abort();
		fcntl(handle->fd, F_SETFL, O_NONBLOCK);
		while (send(handle->fd, block, 2000, MSG_NOSIGNAL) > 0 && i % 4 < 2)
			;
		handle->queued = i % 4 < 2 ? BACKLOG : 0;
		handle->nonblocking = i % 10 == 9;
	}
}

int main(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	struct rlimit limit = { 8192, 8192 };
	unsigned int refused = 0, graceful = 0, reset = 0, left = CONNECTIONS;
	socklen_t size = sizeof(name);
	int listener, buffer = 4096;
	uint64_t longest = 0, slowest = 0;
	long sleeps = 0;
	pid_t peer, holder;

	device = open(WINSOCK_DEVICE, O_RDONLY | O_CLOEXEC);
	if (device < 0) {
		perror(WINSOCK_DEVICE);
		return 4;
	}
	setrlimit(RLIMIT_NOFILE, &limit);
	loop = epoll_create1(EPOLL_CLOEXEC);
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (bind(listener, (void *)&name, sizeof(name)) || listen(listener, CONNECTIONS) ||
	    getsockname(listener, (void *)&name, &size))
		return 1;
	peer = fork();
	if (!peer)
		peers(listener);
	connect_all(&name);
	/* A client process with descriptors of all the sockets. */
	holder = fork();
	if (!holder)
		for (;;)
			sleep(1000);

	for (int i = 0; i < CONNECTIONS; i++)
		refused += !request_close(&handles[i]);
	/* The client ends, and the handles that it still has go with it. */
	for (int i = 0; i < CONNECTIONS; i++)
		if (handles[i].phase == OPEN)
			drop(&handles[i]);
	while (left) {
		struct epoll_event events[64];
		int count = epoll_wait(loop, events, 64, TURN_MS);
		uint64_t start = now_ns(), used = used_ns(), turn;
		long before = slept();

		/* epoll is level-triggered: the rest comes in the next turn. */
		for (int i = 0; i < count && now_ns() - start < BUDGET_NS; i++)
			serve(events[i].data.ptr);
		left = 0;
		for (int i = 0; i < CONNECTIONS; i++) {
			struct handle *handle = &handles[i];

			if (handle->phase == DRAINING && handle->deadline <= start &&
			    now_ns() - start < BUDGET_NS)
				expire(handle);
			left += handle->phase == DRAINING || handle->phase == LINGERING;
		}
		sleeps += slept() - before;
		turn = used_ns() - used;
		longest = turn > longest ? turn : longest;
		turn = now_ns() - start;
		slowest = turn > slowest ? turn : slowest;
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		graceful += handles[i].outcome == WINSOCK_OUTCOME_GRACEFUL;
		reset += handles[i].outcome == WINSOCK_OUTCOME_DEADLINE ||
			 handles[i].outcome == WINSOCK_OUTCOME_REQUEST;
	}
	kill(peer, SIGKILL);
	kill(holder, SIGKILL);
	waitpid(peer, NULL, 0);
	waitpid(holder, NULL, 0);
	printf("%u closed gracefully, %u reset at the deadline, %u refused at first; "
	       "the longest turn of the loop used %.3f ms and lasted %.3f ms, and it slept %ld "
	       "times in a turn\n", graceful, reset, refused, longest / 1e6, slowest / 1e6, sleeps);
	return graceful + reset != CONNECTIONS || !graceful || !reset || !refused ||
	       (is_real_time() ? slowest > LINGER_NS / 10 : sleeps) ||
	       longest > TURN_MS * 1000000ULL;
}
