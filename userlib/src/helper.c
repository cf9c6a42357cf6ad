// SPDX-License-Identifier: LGPL-2.1-or-later
/* The helper thread. See helper.h. */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "helper.h"
#include "netevent.h"
#include "record.h"
#include "ring.h"

#define HELPER_STACK	(64 * 1024)
#define HELPER_EVENTS	32
/* How long completions may lie when a thread that waited in the ring does not return. */
#define HELPER_TICK_MS	5

/* What an epoll event is about: a socket's number and its record's generation, or */
#define HELPER_RING	UINT64_MAX
#define HELPER_KICK	(UINT64_MAX - 1)

/* Under the records' lock. */
static int helper_epoll = -1;
static int helper_kick_fd = -1;
static int helper_ring = -1;
static bool helper_armed;		/* the helper sees completions */
static bool helper_deep;		/* it sleeps until a thread leaves the ring */
static unsigned int helper_inside;	/* threads in the ring */
static unsigned int helper_moves;	/* how often one came, left or looked */
static unsigned int helper_seen;	/* as of the helper's last look */

static bool helper_control(int operation, int fd, uint32_t events, uint64_t what)
{
	struct epoll_event event = { .events = events, .data.u64 = what };

	return !epoll_ctl(helper_epoll, operation, fd, &event);
}

static void helper_arm(bool on)
{
	helper_armed = on && helper_control(EPOLL_CTL_MOD, helper_ring, EPOLLIN, HELPER_RING);
	if (!on)
		helper_control(EPOLL_CTL_MOD, helper_ring, 0, HELPER_RING);
}

/* Nothing has happened for a tick. */
static void helper_settle(void)
{
	if (helper_moves == helper_seen) {
		if (helper_inside)
			helper_deep = true;
		else
			helper_arm(true);
	}
	helper_seen = helper_moves;
}

static int helper_timeout(void)
{
	return helper_ring < 0 || helper_armed || helper_deep ? -1 : HELPER_TICK_MS;
}

static void helper_handle(const struct epoll_event *event)
{
	uint64_t kicks;

	switch (event->data.u64) {
	case HELPER_KICK:
		if (read(helper_kick_fd, &kicks, sizeof(kicks)) < 0)
			return;
		break;
	case HELPER_RING:
		ring_reap();
		/* Who was there has seen it, and may have left before we came. */
		if (helper_inside || helper_moves != helper_seen)
			helper_arm(false);
		helper_seen = helper_moves;
		break;
	default:
		netevent_happened((SOCKET)(event->data.u64 & 0xffffffff),
				  event->data.u64 >> 32);
		break;
	}
}

static void *helper_run(void *unused)
{
	struct epoll_event events[HELPER_EVENTS];
	int timeout = -1, epoll, count;

	(void)unused;
	record_lock();
	epoll = helper_epoll;
	record_unlock();
	for (;;) {
		count = epoll_wait(epoll, events, HELPER_EVENTS, timeout);
		record_lock();
		for (int i = 0; i < count; i++)
			helper_handle(&events[i]);
		if (!count && timeout > 0)
			helper_settle();
		timeout = helper_timeout();
		record_unlock();
	}
	return NULL;
}

/* @stack: its size, or 0 for the usual one. */
static bool helper_make_thread(size_t stack)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;
	bool made;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	if (stack)
		pthread_attr_setstacksize(&attributes, stack);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	made = !pthread_create(&thread, &attributes, helper_run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return made;
}

int helper_start(void)
{
	if (helper_epoll >= 0)
		return 0;
	helper_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (helper_epoll < 0)
		return WSAENOBUFS;
	helper_kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (helper_kick_fd < 0)
		goto close_epoll;
	if (helper_control(EPOLL_CTL_ADD, helper_kick_fd, EPOLLIN, HELPER_KICK) &&
	    /* On a small one the program's thread-local data may have no room. */
	    (helper_make_thread(HELPER_STACK) || helper_make_thread(0)))
		return 0;
	close(helper_kick_fd);
	helper_kick_fd = -1;
close_epoll:
	close(helper_epoll);
	helper_epoll = -1;
	return WSAENOBUFS;
}

void helper_forked(void)
{
	if (helper_epoll >= 0) {
		close(helper_epoll);
		close(helper_kick_fd);
	}
	helper_epoll = -1;
	helper_kick_fd = -1;
	helper_ring = -1;
	helper_armed = false;
	helper_deep = false;
	helper_inside = 0;
}

bool helper_watch_ring(int fd)
{
	if (!helper_control(EPOLL_CTL_ADD, fd, EPOLLIN, HELPER_RING))
		return false;
	helper_ring = fd;
	helper_armed = true;
	return true;
}

bool helper_watch(SOCKET s, uint32_t generation)
{
	const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;
	uint64_t what = (uint64_t)generation << 32 | (uint32_t)s;

	return helper_control(EPOLL_CTL_ADD, s, events, what) ||
	       (errno == EEXIST && helper_control(EPOLL_CTL_MOD, s, events, what));
}

void helper_unwatch(SOCKET s)
{
	helper_control(EPOLL_CTL_DEL, s, 0, 0);
}

void helper_ring_entered(void)
{
	helper_inside++;
	helper_moves++;
}

void helper_ring_visited(void)
{
	helper_moves++;
}

void helper_ring_left(void)
{
	const uint64_t one = 1;

	helper_inside--;
	helper_moves++;
	if (!helper_deep)
		return;
	helper_deep = false;
	if (write(helper_kick_fd, &one, sizeof(one)) < 0)
		return;
}
