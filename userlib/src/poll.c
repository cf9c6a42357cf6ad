// SPDX-License-Identifier: LGPL-2.1-or-later
/* select and WSAPoll: many sockets, one wait. */
#include <stdlib.h>
#include <sys/select.h>

#include "tcpinfo.h"
#include "wait.h"

#define POLL_PAUSE_MS	10

enum { POLL_READ, POLL_WRITE, POLL_EXCEPT, POLL_SETS };

/**
 * struct poll_sets - a select() under way
 * @sets:	the caller's, or NULL
 * @asked:	what they said
 * @highest:	the highest number in them
 */
struct poll_sets {
	fd_set *sets[POLL_SETS];
	fd_set asked[POLL_SETS];
	int highest;
};

static void poll_restore(struct poll_sets *all)
{
	for (int i = 0; i < POLL_SETS; i++)
		if (all->sets[i])
			*all->sets[i] = all->asked[i];
}

static bool poll_asked(const struct poll_sets *all, int set, SOCKET s)
{
	return all->sets[set] && FD_ISSET(s, &all->asked[set]);
}

/*
 * A connect that failed is told in the set of exceptions and in no other; Linux has it
 * readable and writable. Who did not ask for exceptions gets what Linux says.
 */
static int poll_failed_connects(struct poll_sets *all, int found)
{
	for (SOCKET s = 0; all->sets[POLL_EXCEPT] && s <= all->highest; s++) {
		if (!poll_asked(all, POLL_EXCEPT, s) || !(table_get(s) & TABLE_CONNECTING) ||
		    !tcpinfo_connect_failed(s))
			continue;
		for (int set = POLL_READ; set <= POLL_WRITE; set++)
			if (poll_asked(all, set, s) && FD_ISSET(s, all->sets[set])) {
				FD_CLR(s, all->sets[set]);
				found--;
			}
		if (!FD_ISSET(s, all->sets[POLL_EXCEPT])) {
			FD_SET(s, all->sets[POLL_EXCEPT]);
			found++;
		}
	}
	return found;
}

/* Without waiting; an error leaves the sets as they were. */
static int poll_try(struct poll_sets *all)
{
	struct timeval none = { 0 };
	int found;

	poll_restore(all);
	do {
		found = select(all->highest + 1, all->sets[POLL_READ], all->sets[POLL_WRITE],
			       all->sets[POLL_EXCEPT], &none);
	} while (found < 0 && errno == EINTR);
	if (found >= 0)
		return poll_failed_connects(all, found);
	poll_restore(all);
	return found;
}

static nfds_t poll_list(const struct poll_sets *all, struct pollfd *polled)
{
	nfds_t count = 0;

	for (SOCKET s = 0; s <= all->highest; s++) {
		short events = 0;

		if (poll_asked(all, POLL_READ, s))
			events |= POLLIN;
		if (poll_asked(all, POLL_WRITE, s))
			events |= POLLOUT;
		if (poll_asked(all, POLL_EXCEPT, s))
			events |= POLLPRI;
		if (events)
			polled[count++] = (struct pollfd){ .fd = s, .events = events };
	}
	return count;
}

/* Sockets that were closed meanwhile, where they were asked for (P14, P15). */
static int poll_closed(struct poll_sets *all, const struct wait *wait)
{
	int found = 0;

	for (int i = 0; i < POLL_SETS; i++)
		if (all->sets[i])
			FD_ZERO(all->sets[i]);
	for (nfds_t i = 0; i < wait->count; i++)
		for (int set = POLL_READ; wait->closed[i] && set <= POLL_WRITE; set++)
			if (poll_asked(all, set, wait->polled[i].fd)) {
				FD_SET(wait->polled[i].fd, all->sets[set]);
				found++;
			}
	if (found)
		return found;
	poll_restore(all);
	return error_fail(WSAENOTSOCK);
}

static int poll_none(struct poll_sets *all)
{
	for (int i = 0; i < POLL_SETS; i++)
		if (all->sets[i])
			FD_ZERO(all->sets[i]);
	return 0;
}

static int poll_wait(struct poll_sets *all, int64_t deadline)
{
	struct pollfd polled[FD_SETSIZE + 1];
	bool closed[FD_SETSIZE];
	struct wait wait = { .polled = polled, .closed = closed };
	enum wait_end end;
	int found = 0, error;

	wait.count = poll_list(all, polled);
	error = wait_enter(&wait);
	if (error) {
		poll_restore(all);
		return error_fail(error);
	}
	for (;;) {
		end = wait_poll(&wait, deadline);
		if (end == WAIT_READY)
			found = poll_try(all);
		if (end != WAIT_READY || found)
			break;
		/* Hung up, but only asked for exceptions: poll cannot be told not to say so. */
		if (thread_now() >= deadline) {
			end = WAIT_TIMED_OUT;
			break;
		}
		SleepEx(POLL_PAUSE_MS, FALSE);
	}
	if (end == WAIT_CLOSED)
		found = poll_closed(all, &wait);
	else if (end == WAIT_TIMED_OUT)
		found = poll_none(all);
	wait_leave(&wait);
	if (end == WAIT_CANCELLED) {
		poll_restore(all);
		found = error_fail(WSAEINTR);
	} else if (end == WAIT_READY && found < 0) {
		found = error_fail_errno(errno);
	}
	return found;
}

static int poll_highest(const fd_set *set)
{
	int s = FD_SETSIZE - 1;

	while (set && s >= 0 && !FD_ISSET(s, set))
		s--;
	return set ? s : -1;
}

/* Nonzero: no time that can be waited for. What is beyond the clock is for ever. */
static int poll_deadline(const struct timeval *timeout, int64_t *deadline)
{
	int64_t ns;

	if (timeout->tv_sec < 0 || timeout->tv_usec < 0)
		return -1;
	if (__builtin_mul_overflow(timeout->tv_sec, 1000000000LL, &ns) ||
	    __builtin_add_overflow(ns, thread_now(), &ns) ||
	    __builtin_add_overflow(ns, timeout->tv_usec * 1000LL, deadline))
		*deadline = THREAD_FOREVER;
	return 0;
}

WINSOCK_API int winsock_select(int unused, fd_set *readable, fd_set *writable,
			       fd_set *exceptional, const struct timeval *timeout)
{
	struct poll_sets all = { .sets = { readable, writable, exceptional }, .highest = -1 };
	int64_t deadline = THREAD_FOREVER;
	int saved = errno, found;

	(void)unused;
	STARTED_OR(SOCKET_ERROR);
	for (int i = 0; i < POLL_SETS; i++) {
		int s = poll_highest(all.sets[i]);

		if (all.sets[i])
			all.asked[i] = *all.sets[i];
		all.highest = s > all.highest ? s : all.highest;
	}
	if (all.highest < 0)
		return error_fail(WSAEINVAL);
	if (timeout && poll_deadline(timeout, &deadline))
		return error_fail(WSAEINVAL);
	found = poll_try(&all);
	if (found < 0)
		found = error_fail_errno(errno);
	else if (!found && (!timeout || timeout->tv_sec || timeout->tv_usec))
		found = poll_wait(&all, deadline);
	errno = saved;
	return found;
}

static int poll_now(LPWSAPOLLFD sockets, ULONG count)
{
	int found;

	do {
		found = poll(sockets, count, 0);
	} while (found < 0 && errno == EINTR);
	return found;
}

/* 0 or more, or SOCKET_ERROR with the error set. */
static int poll_wait_list(LPWSAPOLLFD sockets, struct wait *wait, INT ms)
{
	int64_t deadline = thread_deadline(ms < 0 ? INFINITE : (DWORD)ms);
	int found = 0, error = wait_enter(wait);
	enum wait_end end;

	if (error)
		return error_fail(error);
	do {
		end = wait_poll(wait, deadline);
		if (end == WAIT_READY)
			found = poll_now(sockets, wait->count);
	} while (end == WAIT_READY && !found);
	for (nfds_t i = 0; end == WAIT_CLOSED && i < wait->count; i++) {
		sockets[i].revents = wait->closed[i] ? POLLNVAL : 0;
		found += wait->closed[i];
	}
	wait_leave(wait);
	if (end == WAIT_CANCELLED)
		return error_fail(WSAEINTR);
	return found < 0 ? error_fail_errno(errno) : found;
}

WINSOCK_API int WSAPoll(LPWSAPOLLFD sockets, ULONG count, INT ms)
{
	struct wait wait = { .count = count };
	int saved = errno, found;

	STARTED_OR(SOCKET_ERROR);
	if (!count)
		return error_fail(WSAEINVAL);
	if (!sockets)
		return error_fail(WSAEFAULT);
	found = poll_now(sockets, count);
	if (found < 0) {
		found = error_fail_errno(errno);
	} else if (!found && ms) {
		wait.polled = calloc(count + 1, sizeof(*wait.polled));
		wait.closed = calloc(count, sizeof(*wait.closed));
		if (wait.polled && wait.closed) {
			memcpy(wait.polled, sockets, count * sizeof(*sockets));
			found = poll_wait_list(sockets, &wait, ms);
		} else {
			found = error_fail(WSAENOBUFS);
		}
		free(wait.polled);
		free(wait.closed);
	}
	errno = saved;
	return found;
}
