// SPDX-License-Identifier: LGPL-2.1-or-later
/* select and WSAPoll: many sockets, one wait. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/select.h>

#include "handle.h"
#include "tcpinfo.h"
#include "wait.h"

#define POLL_PAUSE_MS	10
#define POLL_WORD	(8 * sizeof(unsigned long))
/* Words of bits on the stack, enough for numbers below 1024. */
#define POLL_FEW	(1024 / POLL_WORD)

enum { POLL_READ, POLL_WRITE, POLL_EXCEPT, POLL_SETS };

/**
 * struct poll_sets - a select() under way
 * @sets:	the caller's lists, or NULL; written at the end, if that is no error
 * @found:	the same for select(2), in and out: a bit for each number up to @highest
 * @words:	the length of each of these, which lie one behind the other
 * @highest:	the highest number
 * @entries:	how many in all lists
 */
struct poll_sets {
	FD_SET *sets[POLL_SETS];
	unsigned long *found[POLL_SETS];
	size_t words;
	int highest;
	size_t entries;
};

static bool poll_has(const unsigned long *bits, SOCKET s)
{
	return bits[s / POLL_WORD] >> s % POLL_WORD & 1;
}

static void poll_put(unsigned long *bits, SOCKET s)
{
	bits[s / POLL_WORD] |= 1UL << s % POLL_WORD;
}

static void poll_take(unsigned long *bits, SOCKET s)
{
	bits[s / POLL_WORD] &= ~(1UL << s % POLL_WORD);
}

/* Set @highest, @words and @entries. Returns 0 or the error. */
static int poll_count(struct poll_sets *all)
{
	all->highest = -1;
	for (int i = 0; i < POLL_SETS; i++) {
		const FD_SET *set = all->sets[i];

		for (u_int n = 0; set && n < set->fd_count; n++) {
			if (set->fd_array[n] < 0)
				return WSAENOTSOCK;
			if (set->fd_array[n] > all->highest)
				all->highest = set->fd_array[n];
		}
		all->entries += set ? set->fd_count : 0;
	}
	if (all->highest < 0)
		return WSAEINVAL;
	all->words = all->highest / POLL_WORD + 1;
	/* A list may have any number; allocate only for one that is open. */
	if (all->words > POLL_FEW && fcntl(all->highest, F_GETFD) < 0)
		return WSAENOTSOCK;
	return 0;
}

static void poll_forget(struct poll_sets *all)
{
	memset(all->found[0], 0, POLL_SETS * all->words * sizeof(*all->found[0]));
}

/* Set the bits of the caller's lists. */
static void poll_fill(struct poll_sets *all)
{
	poll_forget(all);
	for (int i = 0; i < POLL_SETS; i++)
		for (u_int n = 0; all->sets[i] && n < all->sets[i]->fd_count; n++)
			poll_put(all->found[i], all->sets[i]->fd_array[n]);
}

/* Leave only what was found, and asked for, in the caller's lists. Returns how many. */
static int poll_answer(struct poll_sets *all)
{
	int found = 0;

	for (int i = 0; i < POLL_SETS; i++) {
		FD_SET *set = all->sets[i];
		u_int kept = 0;

		if (!set)
			continue;
		for (u_int n = 0; n < set->fd_count; n++)
			if (poll_has(all->found[i], set->fd_array[n]))
				set->fd_array[kept++] = set->fd_array[n];
		set->fd_count = kept;
		found += kept;
	}
	return found;
}

/*
 * Windows reports a connect that failed in the set of exceptions only; Linux reports it as readable
 * and writable. A caller that did not ask for exceptions gets what Linux reports.
 */
static int poll_failed_connects(struct poll_sets *all, int found)
{
	const FD_SET *set = all->sets[POLL_EXCEPT];

	for (u_int n = 0; set && n < set->fd_count; n++) {
		SOCKET s = set->fd_array[n];

		if ((handle_bits(s) & HANDLE_CONNECTING) && tcpinfo_connect_failed(s)) {
			poll_take(all->found[POLL_READ], s);
			poll_take(all->found[POLL_WRITE], s);
			poll_put(all->found[POLL_EXCEPT], s);
			found++;
		}
	}
	return found;
}

/*
 * A stream socket without a connection, which did not ask for one, is never ready on Windows; Linux
 * reports it as writable and hung up.
 */
static int poll_unconnected(struct poll_sets *all, int found)
{
	const uint64_t any = HANDLE_OURS | HANDLE_STREAM | HANDLE_PEER | HANDLE_LISTENS;

	for (int i = 0; found && i < POLL_SETS; i++)
		for (u_int n = 0; all->sets[i] && n < all->sets[i]->fd_count; n++) {
			SOCKET s = all->sets[i]->fd_array[n];

			if ((handle_bits(s) & any) == (HANDLE_OURS | HANDLE_STREAM) &&
			    poll_has(all->found[i], s)) {
				poll_take(all->found[i], s);
				found--;
			}
		}
	return found;
}

/* Ask without waiting. Returns the number found, or below 0 with errno set. */
static int poll_try(struct poll_sets *all)
{
	struct timeval none = { 0 };
	fd_set *bits[POLL_SETS];
	int found;

	for (int i = 0; i < POLL_SETS; i++)
		bits[i] = all->sets[i] ? (fd_set *)all->found[i] : NULL;
	do {
		poll_fill(all);
		found = select(all->highest + 1, bits[POLL_READ], bits[POLL_WRITE],
			       bits[POLL_EXCEPT], &none);
	} while (found < 0 && errno == EINTR);
	/* select(2) ignores numbers that the process never had. */
	if (!found && fcntl(all->highest, F_GETFD) < 0)
		return -1;
	return found < 0 ? found : poll_failed_connects(all, poll_unconnected(all, found));
}

static nfds_t poll_list(struct poll_sets *all, struct pollfd *polled)
{
	static const short events[POLL_SETS] = { POLLIN, POLLOUT, POLLPRI };
	nfds_t count = 0;

	poll_fill(all);
	for (size_t word = 0; word < all->words; word++) {
		unsigned long any = 0;

		for (int i = 0; i < POLL_SETS; i++)
			any |= all->found[i][word];
		for (; any; any &= any - 1) {
			struct pollfd *one = &polled[count++];

			one->fd = word * POLL_WORD + __builtin_ctzl(any);
			one->events = 0;
			for (int i = 0; i < POLL_SETS; i++)
				if (poll_has(all->found[i], one->fd))
					one->events |= events[i];
		}
	}
	return count;
}

/* Report sockets that were closed during the call, if asked for (P14, P15). */
static int poll_closed(struct poll_sets *all, const struct wait *wait)
{
	const short told = POLLIN | POLLOUT;
	int found = 0;

	poll_forget(all);
	for (nfds_t i = 0; i < wait->count; i++)
		if (wait->closed[i] && (wait->polled[i].events & told)) {
			poll_put(all->found[POLL_READ], wait->polled[i].fd);
			poll_put(all->found[POLL_WRITE], wait->polled[i].fd);
			found++;
		}
	return found ? found : error_fail(WSAENOTSOCK);
}

/* As poll_try(), with the error set. */
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
	if (end == WAIT_READY && found < 0)
		found = error_fail_errno(errno);
	wait_leave(wait);
	if (end == WAIT_CLOSED)
		found = poll_closed(all, wait);
	else if (end == WAIT_TIMED_OUT)
		poll_forget(all);
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
	struct wait wait = {
		.polled = malloc((all->entries + 1) * sizeof(*wait.polled)),
		.closed = malloc(all->entries * sizeof(*wait.closed)),
	};
	int found;

	if (wait.polled && wait.closed) {
		wait.count = poll_list(all, wait.polled);
		found = poll_wait_for(all, &wait, poll_deadline(timeout));
	} else {
		found = error_fail(WSAENOBUFS);
	}
	free(wait.polled);
	free(wait.closed);
	return found;
}

/* @bits: room for all bits. */
static int poll_select(struct poll_sets *all, unsigned long *bits, const struct timeval *timeout)
{
	int found;

	for (int i = 0; i < POLL_SETS; i++)
		all->found[i] = bits + i * all->words;
	found = poll_try(all);
	if (found < 0)
		found = error_fail_errno(errno);
	else if (!found && (!timeout || timeout->tv_sec || timeout->tv_usec))
		found = poll_wait(all, timeout);
	return found < 0 ? found : poll_answer(all);
}

WINSOCK_API int winsock_select(int unused, FD_SET *readable, FD_SET *writable,
			       FD_SET *exceptional, const struct timeval *timeout)
{
	struct poll_sets all = { .sets = { readable, writable, exceptional } };
	unsigned long few[POLL_SETS * POLL_FEW], *bits = few;
	int found, error;
	BORDER_OF_WAIT;

	(void)unused;
	STARTED_OR(SOCKET_ERROR);
	error = poll_count(&all);
	if (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0))
		error = WSAEINVAL;
	if (!error && all.words > POLL_FEW) {
		bits = malloc(POLL_SETS * all.words * sizeof(*bits));
		error = bits ? 0 : WSAENOBUFS;
	}
	found = error ? error_fail(error) : poll_select(&all, bits, timeout);
	if (bits != few)
		free(bits);
	return error_result(found);
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
	struct wait wait = { .count = count };
	int found;
	BORDER_OF_WAIT;

	STARTED_OR(SOCKET_ERROR);
	if (!count)
		return error_fail(WSAEINVAL);
	if (!option_readable(sockets, sizeof(*sockets)))
		return error_fail(WSAEFAULT);
	wait.polled = malloc((count + 1UL) * sizeof(*wait.polled));
	wait.closed = malloc(count * sizeof(*wait.closed));
	found = wait.polled && wait.closed ? poll_list_of(sockets, &wait, ms)
					   : error_fail(WSAENOBUFS);
	free(wait.polled);
	free(wait.closed);
	return found;
}
