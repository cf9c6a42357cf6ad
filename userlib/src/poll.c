// SPDX-License-Identifier: LGPL-2.1-or-later
/* select and WSAPoll: many sockets, one wait. */
#include <stdlib.h>

#include "handle.h"
#include "tcpinfo.h"
#include "wait.h"

#define POLL_PAUSE_MS	10
/* So many entries on the stack. */
#define POLL_FEW	64

enum { POLL_READ, POLL_WRITE, POLL_EXCEPT, POLL_SETS };

/* What poll(2) is asked, what it says of a socket that is ready, and when Windows may differ. */
struct poll_events {
	short asked, told, differs;
};

static const struct poll_events poll_events[POLL_SETS] = {
	[POLL_READ] = { POLLIN, POLLIN | POLLHUP | POLLERR, POLLNVAL | POLLHUP },
	[POLL_WRITE] = { POLLOUT, POLLOUT | POLLERR, POLLNVAL | POLLHUP | POLLOUT },
	[POLL_EXCEPT] = { POLLPRI, POLLPRI, POLLNVAL | POLLHUP },
};

/**
 * struct poll_sets - a select() under way
 * @sets:	the caller's lists, or NULL
 * @events:	what each is asked for
 * @lengths:	how many each had
 * @exceptional: the list of exceptions
 * @exceptions:	how many it had; 0 if there is none
 * @polled:	the lists, one behind the other; fd ~n is the socket of entry n
 * @first:	how many in the first list that has any
 * @count:	how many in all lists
 */
struct poll_sets {
	FD_SET *sets[POLL_SETS];
	const struct poll_events *events;
	u_int lengths[POLL_SETS];
	const FD_SET *exceptional;
	u_int exceptions;
	struct pollfd *polled;
	size_t first;
	size_t count;
};

/* A list that is given twice: ask for both, and list what is ready for either, as Windows does. */
static void poll_unite(struct poll_sets *all, struct poll_events *events, int to, int from)
{
	if (!all->sets[from] || all->sets[to] != all->sets[from])
		return;
	events[to].asked |= events[from].asked;
	events[to].told |= events[from].told;
	events[to].differs |= events[from].differs;
	all->sets[from] = NULL;
}

/*
 * Let the kernel look once at a socket that is in this list, from @one to @end, and in one before.
 * A program fills its lists in the same order: look behind the last one found. A socket that is
 * missed has two entries.
 */
static void poll_share(struct pollfd *polled, struct pollfd *one, struct pollfd *end)
{
	const struct pollfd *before = one;

	for (struct pollfd *other = polled; one < end; one++) {
		while (other < before && other->fd != one->fd)
			other++;
		if (other == before)
			break;
		other->events |= one->events;
		one->fd = ~(other - polled);
	}
}

/* Returns 0 or the error. */
static int poll_fill(struct poll_sets *all)
{
	struct pollfd *one = all->polled;
	SOCKET any = 0;

	for (int i = 0; i < POLL_SETS; i++) {
		const FD_SET *set = all->sets[i];
		struct pollfd *begin = one;

		if (!set)
			continue;
		for (u_int n = 0; n < all->lengths[i]; n++, one++) {
			one->fd = set->fd_array[n];
			one->events = all->events[i].asked;
			any |= one->fd;
		}
		if (begin == all->polled)
			all->first = one - begin;
		else
			poll_share(all->polled, begin, one);
	}
	/* poll(2) ignores numbers below 0. */
	return any < 0 ? WSAENOTSOCK : 0;
}

/*
 * Ask without waiting. Returns 0, or SOCKET_ERROR with the error set. poll(2) refuses more entries
 * than RLIMIT_NOFILE; a socket that is in all lists has three.
 */
static int poll_ask_in_steps(struct pollfd *polled, size_t count)
{
	for (size_t step = count; count;) {
		if (step > count)
			step = count;
		if (poll(polled, step, 0) >= 0) {
			polled += step;
			count -= step;
		} else if (errno == EINVAL && step > 1) {
			step /= 2;
		} else if (errno != EINTR) {
			return error_fail_errno(errno);
		}
	}
	return 0;
}

static bool poll_excepts(const struct poll_sets *all, SOCKET s)
{
	u_int n = 0;

	while (n < all->exceptions && all->exceptional->fd_array[n] != s)
		n++;
	return n < all->exceptions;
}

/*
 * What Windows reports of a socket that Linux reports as hung up or writable. If it is a stream
 * without a connection, which did not ask for one, nothing. If its connect has failed, an exception
 * only; but a caller that did not ask for exceptions gets what Linux reports.
 */
static short poll_told(const struct poll_sets *all, SOCKET s, short told)
{
	const uint64_t any = HANDLE_OURS | HANDLE_STREAM | HANDLE_PEER | HANDLE_LISTENS;
	uint64_t bits = handle_bits(s);

	/* The connect may have been another handle's. */
	if ((bits & any) == (HANDLE_OURS | HANDLE_STREAM) && !socket_is_connected(s))
		return 0;
	if ((bits & HANDLE_CONNECTING) && (told & POLLHUP) && poll_excepts(all, s) &&
	    tcpinfo_connect_failed(s))
		return POLLPRI;
	return told;
}

/*
 * Leave the sockets that are ready in list @i, whose entries begin at @one. Returns how many, or
 * SOCKET_ERROR with the error set.
 */
static int poll_keep(struct poll_sets *all, int i, const struct pollfd *one)
{
	const struct poll_events events = all->events[i];
	FD_SET *set = all->sets[i];
	u_int kept = 0;

	for (u_int n = 0, length = all->lengths[i]; n < length; n++, one++) {
		short told = one->revents;

		if (told & events.differs) {
			if (told & POLLNVAL)
				return error_fail(WSAENOTSOCK);
			told = poll_told(all, set->fd_array[n], told);
		}
		if (!(told & events.told))
			continue;
		if (kept != n)
			set->fd_array[kept] = set->fd_array[n];
		kept++;
	}
	return set->fd_count = kept;
}

/* The same for all lists. */
static int poll_answer(struct poll_sets *all)
{
	struct pollfd *one = all->polled;
	int kept, found = 0;

	for (size_t n = all->first; n < all->count; n++)
		if (one[n].fd < 0)
			one[n].revents = one[~one[n].fd].revents;
	for (int i = 0; i < POLL_SETS; i++) {
		if (!all->sets[i])
			continue;
		kept = poll_keep(all, i, one);
		if (kept < 0)
			return kept;
		found += kept;
		one += all->lengths[i];
	}
	return found;
}

/* The call fails: the lists are as they were. */
static void poll_restore(struct poll_sets *all)
{
	const struct pollfd *one = all->polled;

	for (int i = 0; i < POLL_SETS; i++) {
		for (u_int n = 0; n < all->lengths[i]; n++, one++)
			all->sets[i]->fd_array[n] = one->fd < 0 ? all->polled[~one->fd].fd :
								  one->fd;
		if (all->sets[i])
			all->sets[i]->fd_count = all->lengths[i];
	}
}

/* Returns as poll_answer(). */
static int poll_try(struct poll_sets *all)
{
	if (poll(all->polled, all->count, 0) < 0 && poll_ask_in_steps(all->polled, all->count))
		return SOCKET_ERROR;
	return poll_answer(all);
}

static int poll_compare(const void *a, const void *b)
{
	return ((const struct pollfd *)a)->fd - ((const struct pollfd *)b)->fd;
}

/* Make a list with one entry for each socket. Returns its length. */
static nfds_t poll_merge(const struct poll_sets *all, struct pollfd *polled)
{
	struct pollfd *last = polled;
	size_t count = 0;

	for (size_t n = 0; n < all->count; n++)
		if (all->polled[n].fd >= 0)
			polled[count++] = all->polled[n];
	qsort(polled, count, sizeof(*polled), poll_compare);
	for (size_t n = 1; n < count; n++)
		if (polled[n].fd == last->fd)
			last->events |= polled[n].events;
		else
			*++last = polled[n];
	return last - polled + 1;
}

/* Report sockets that were closed during the call, if asked for (P14, P15). */
static int poll_closed(struct poll_sets *all, const struct wait *wait)
{
	int found;

	for (size_t i = 0; i < all->count; i++) {
		struct pollfd *one = &all->polled[i];

		/* The number may be another socket's by now: nothing that poll_told() looks at. */
		one->revents = 0;
		for (nfds_t j = 0; j < wait->count; j++)
			if (wait->closed[j] && wait->polled[j].fd == one->fd)
				one->revents = POLLERR;
	}
	found = poll_answer(all);
	return found ? found : error_fail(WSAENOTSOCK);
}

static int poll_wait_for(struct poll_sets *all, struct wait *wait, int64_t deadline)
{
	int found = 0, error = wait_enter(wait);
	enum wait_end end;

	if (error)
		return error_fail(error);
	for (;;) {
		end = wait_poll(wait, deadline);
		if (end == WAIT_READY)
			found = poll_try(all);
		if (end != WAIT_READY || found)
			break;
		/* A socket that hung up, with exceptions asked for only: poll reports it always. */
		if (thread_now() >= deadline)
			break;
		poll(NULL, 0, POLL_PAUSE_MS);
	}
	wait_leave(wait);
	if (end == WAIT_CLOSED)
		found = poll_closed(all, wait);
	return end == WAIT_CANCELLED ? error_fail(WSAEINTR) : found;
}

/* A timeout beyond the clock's range means for ever. */
static int64_t poll_deadline(const struct timeval *timeout)
{
	int64_t ns, deadline;

	if (!timeout || __builtin_mul_overflow(timeout->tv_sec, 1000000000LL, &ns) ||
	    __builtin_add_overflow(ns, thread_now(), &ns) ||
	    __builtin_add_overflow(ns, timeout->tv_usec * 1000LL, &deadline))
		return THREAD_FOREVER;
	return deadline;
}

static int poll_wait(struct poll_sets *all, const struct timeval *timeout)
{
	struct wait wait CLEANUP(wait_release) = { 0 };

	if (!wait_reserve(&wait, all->count))
		return error_fail(WSAENOBUFS);
	wait.count = poll_merge(all, wait.polled);
	return poll_wait_for(all, &wait, poll_deadline(timeout));
}

static int poll_select(struct poll_sets *all, const struct timeval *timeout)
{
	int found, error = poll_fill(all);

	if (error)
		return error_fail(error);
	found = poll_try(all);
	if (!found && (!timeout || timeout->tv_sec || timeout->tv_usec))
		found = poll_wait(all, timeout);
	if (found < 0)
		poll_restore(all);
	return found;
}

static void poll_free_sets(struct poll_sets *all)
{
	if (all->count > POLL_FEW)
		free(all->polled);
}

WINSOCK_API int winsock_select(int unused, FD_SET *readable, FD_SET *writable,
			       FD_SET *exceptional, const struct timeval *timeout)
{
	BORDER_OF_WAIT;
	struct poll_sets all CLEANUP(poll_free_sets) = {
		.sets = { readable, writable, exceptional },
		.events = poll_events,
		.exceptional = exceptional,
		.exceptions = exceptional ? exceptional->fd_count : 0,
	};
	struct poll_events united[POLL_SETS];
	struct pollfd few[POLL_FEW];

	(void)unused;
	STARTED_OR(SOCKET_ERROR);
	if (readable == writable ||
	    (exceptional && (exceptional == readable || exceptional == writable))) {
		memcpy(united, poll_events, sizeof(united));
		poll_unite(&all, united, POLL_READ, POLL_WRITE);
		poll_unite(&all, united, POLL_READ, POLL_EXCEPT);
		poll_unite(&all, united, POLL_WRITE, POLL_EXCEPT);
		all.events = united;
	}
	for (int i = 0; i < POLL_SETS; i++)
		if (all.sets[i])
			all.count += all.lengths[i] = all.sets[i]->fd_count;
	if (!all.count || (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0)))
		return error_fail(WSAEINVAL);
	all.polled = all.count > POLL_FEW ? malloc(all.count * sizeof(few[0])) : few;
	if (!all.polled)
		return error_fail(WSAENOBUFS);
	return error_result(poll_select(&all, timeout));
}

/* Windows has two names for each of these. */
#define POLL_ANY_IN	(POLLIN | POLLRDNORM)
#define POLL_ANY_OUT	(POLLOUT | POLLWRNORM)

static short poll_both(short events)
{
	return events | (events & POLL_ANY_IN ? POLL_ANY_IN : 0) |
	       (events & POLL_ANY_OUT ? POLL_ANY_OUT : 0);
}

/*
 * Poll all without waiting. Returns how many have events, or -1 with the error set.
 *
 * A number that is no socket gets POLLNVAL, is not counted, and not polled again; the call fails if
 * all are such. The peer's FIN is reported even if not asked for.
 */
static int poll_now(LPWSAPOLLFD sockets, struct pollfd *polled, ULONG count)
{
	ULONG gone = 0;
	int found;

	do {
		found = poll(polled, count, 0);
	} while (found < 0 && errno == EINTR);
	if (found < 0)
		return error_fail_errno(errno);
	found = 0;
	for (ULONG i = 0; i < count; i++) {
		short told = polled[i].revents;

		if (told & POLLRDHUP)
			told = (told & ~POLLRDHUP) | POLLHUP;
		if (polled[i].fd < 0 || (told & POLLNVAL)) {
			polled[i].fd = -1;
			told = POLLNVAL;
			gone++;
		} else if (told) {
			told = poll_both(told);
			told &= poll_both(sockets[i].events) | POLLERR | POLLHUP;
		}
		sockets[i].revents = told;
		found += told && told != POLLNVAL;
	}
	return gone < count ? found : error_fail(WSAENOTSOCK);
}

/* As poll_now(). */
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
			found = poll_now(sockets, wait->polled, wait->count);
	} while (end == WAIT_READY && !found);
	wait_leave(wait);
	for (nfds_t i = 0; end == WAIT_CLOSED && i < wait->count; i++) {
		sockets[i].revents = wait->closed[i] || wait->polled[i].fd < 0 ? POLLNVAL : 0;
		found += wait->closed[i];
	}
	return end == WAIT_CANCELLED ? error_fail(WSAEINTR) : found;
}

static int poll_list_of(LPWSAPOLLFD sockets, struct wait *wait, INT ms)
{
	int found;

	for (nfds_t i = 0; i < wait->count; i++) {
		wait->polled[i].fd = sockets[i].fd;
		wait->polled[i].events = poll_both(sockets[i].events) | POLLRDHUP;
	}
	found = poll_now(sockets, wait->polled, wait->count);
	return found || !ms ? found : poll_wait_list(sockets, wait, ms);
}

WINSOCK_API int WSAPoll(LPWSAPOLLFD sockets, ULONG count, INT ms)
{
	BORDER_OF_WAIT;
	struct wait wait CLEANUP(wait_release) = { 0 };

	STARTED_OR(SOCKET_ERROR);
	if (!count)
		return error_fail(WSAEINVAL);
	if (!option_readable(sockets, sizeof(*sockets)))
		return error_fail(WSAEFAULT);
	if (!wait_reserve(&wait, count))
		return error_fail(WSAENOBUFS);
	return poll_list_of(sockets, &wait, ms);
}
