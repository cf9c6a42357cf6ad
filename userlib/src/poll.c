// SPDX-License-Identifier: LGPL-2.1-or-later
/* select and WSAPoll: many sockets, one wait. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/select.h>

#include "tcpinfo.h"
#include "wait.h"

#define POLL_PAUSE_MS	10
#define POLL_WORD	(8 * sizeof(unsigned long))
/* Words of bits on the stack, for numbers below 1024. */
#define POLL_FEW	(1024 / POLL_WORD)

enum { POLL_READ, POLL_WRITE, POLL_EXCEPT, POLL_SETS };

/**
 * struct poll_sets - a select() under way
 * @sets:	the caller's lists, or NULL; written at the end, if that is no error
 * @asked:	the same for select(2): a bit for each number up to @highest
 * @found:	its answer
 * @words:	how long these are; they lie one behind the other
 * @highest:	the highest number
 * @entries:	in all lists
 */
struct poll_sets {
	FD_SET *sets[POLL_SETS];
	unsigned long *asked[POLL_SETS];
	unsigned long *found[POLL_SETS];
	size_t words;
	int highest;
	size_t entries;
};

static bool poll_has(const unsigned long *bits, SOCKET s)
{
	return bits[s / POLL_WORD] >> s % POLL_WORD & 1;
}

static void poll_put(unsigned long *bits, SOCKET s, bool on)
{
	unsigned long bit = 1UL << s % POLL_WORD;

	bits[s / POLL_WORD] = on ? bits[s / POLL_WORD] | bit : bits[s / POLL_WORD] & ~bit;
}

/* 0 or the error: @highest, @words and @entries are set. */
static int poll_count(struct poll_sets *all)
{
	all->highest = -1;
	for (int i = 0; i < POLL_SETS; i++)
		for (u_int n = 0; all->sets[i] && n < all->sets[i]->fd_count; n++) {
			SOCKET s = all->sets[i]->fd_array[n];

			if (s < 0)
				return WSAENOTSOCK;
			all->highest = s > all->highest ? s : all->highest;
			all->entries++;
		}
	if (all->highest < 0)
		return WSAEINVAL;
	all->words = all->highest / POLL_WORD + 1;
	/* Any number may be in a list; one that is open is none to run out of memory for. */
	if (all->words > POLL_FEW && fcntl(all->highest, F_GETFD) < 0)
		return WSAENOTSOCK;
	return 0;
}

static void poll_fill(struct poll_sets *all, unsigned long *bits)
{
	for (int i = 0; i < POLL_SETS; i++) {
		all->asked[i] = bits + i * all->words;
		all->found[i] = bits + (POLL_SETS + i) * all->words;
		memset(all->asked[i], 0, all->words * sizeof(*bits));
		for (u_int n = 0; all->sets[i] && n < all->sets[i]->fd_count; n++)
			poll_put(all->asked[i], all->sets[i]->fd_array[n], true);
	}
}

static void poll_forget(struct poll_sets *all)
{
	memset(all->found[0], 0, POLL_SETS * all->words * sizeof(*all->found[0]));
}

/* What was found, in the caller's lists. How many that are. */
static int poll_answer(struct poll_sets *all)
{
	int found = 0;

	for (int i = 0; i < POLL_SETS; i++) {
		FD_SET *set = all->sets[i];
		u_int kept = 0;

		for (u_int n = 0; set && n < set->fd_count; n++)
			if (poll_has(all->found[i], set->fd_array[n]))
				set->fd_array[kept++] = set->fd_array[n];
		if (set)
			set->fd_count = kept;
		found += kept;
	}
	return found;
}

/*
 * A connect that failed is told in the set of exceptions and in no other; Linux has it
 * readable and writable. Who did not ask for exceptions gets what Linux says.
 */
static int poll_failed_connects(struct poll_sets *all, int found)
{
	const FD_SET *set = all->sets[POLL_EXCEPT];

	for (u_int n = 0; set && n < set->fd_count; n++) {
		SOCKET s = set->fd_array[n];

		if ((table_get(s) & TABLE_CONNECTING) && tcpinfo_connect_failed(s)) {
			poll_put(all->found[POLL_READ], s, false);
			poll_put(all->found[POLL_WRITE], s, false);
			poll_put(all->found[POLL_EXCEPT], s, true);
			found++;
		}
	}
	return found;
}

/* Without waiting: not 0 if something was found, below 0 with errno set. */
static int poll_try(struct poll_sets *all)
{
	struct timeval none = { 0 };
	fd_set *bits[POLL_SETS];
	int found;

	for (int i = 0; i < POLL_SETS; i++)
		bits[i] = all->sets[i] ? (fd_set *)all->found[i] : NULL;
	do {
		memcpy(all->found[0], all->asked[0],
		       POLL_SETS * all->words * sizeof(*all->asked[0]));
		found = select(all->highest + 1, bits[POLL_READ], bits[POLL_WRITE],
			       bits[POLL_EXCEPT], &none);
	} while (found < 0 && errno == EINTR);
	/* select(2) passes over numbers that the process never had. */
	if (!found && fcntl(all->highest, F_GETFD) < 0)
		return -1;
	return found < 0 ? found : poll_failed_connects(all, found);
}

static nfds_t poll_list(const struct poll_sets *all, struct pollfd *polled)
{
	static const short events[POLL_SETS] = { POLLIN, POLLOUT, POLLPRI };
	nfds_t count = 0;

	for (size_t word = 0; word < all->words; word++) {
		unsigned long any = 0;

		for (int i = 0; i < POLL_SETS; i++)
			any |= all->asked[i][word];
		for (; any; any &= any - 1) {
			struct pollfd *one = &polled[count++];

			one->fd = word * POLL_WORD + __builtin_ctzl(any);
			one->events = 0;
			for (int i = 0; i < POLL_SETS; i++)
				if (poll_has(all->asked[i], one->fd))
					one->events |= events[i];
		}
	}
	return count;
}

/* Sockets that were closed meanwhile, where they were asked for (P14, P15). */
static int poll_closed(struct poll_sets *all, const struct wait *wait)
{
	int found = 0;

	poll_forget(all);
	for (nfds_t i = 0; i < wait->count; i++)
		for (int set = POLL_READ; wait->closed[i] && set <= POLL_WRITE; set++)
			if (poll_has(all->asked[set], wait->polled[i].fd)) {
				poll_put(all->found[set], wait->polled[i].fd, true);
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
		/* Hung up, but only asked for exceptions: poll cannot be told not to say so. */
		if (thread_now() >= deadline)
			break;
		poll(NULL, 0, POLL_PAUSE_MS);
	}
	if (end == WAIT_READY && found < 0)
		found = error_fail_errno(errno);
	else if (end == WAIT_CLOSED)
		found = poll_closed(all, wait);
	wait_leave(wait);
	return end == WAIT_CANCELLED ? error_fail(WSAEINTR) : found;
}

static int poll_wait(struct poll_sets *all, int64_t deadline)
{
	struct wait wait = {
		.polled = malloc((all->entries + 1) * sizeof(*wait.polled)),
		.closed = malloc(all->entries * sizeof(*wait.closed)),
	};
	int found;

	if (wait.polled && wait.closed) {
		wait.count = poll_list(all, wait.polled);
		found = poll_wait_for(all, &wait, deadline);
	} else {
		found = error_fail(WSAENOBUFS);
	}
	free(wait.polled);
	free(wait.closed);
	return found;
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

/* With room for the bits. */
static int poll_select(struct poll_sets *all, unsigned long *bits, const struct timeval *timeout,
		       int64_t deadline)
{
	int found;

	poll_fill(all, bits);
	found = poll_try(all);
	if (found < 0)
		found = error_fail_errno(errno);
	else if (!found && (!timeout || timeout->tv_sec || timeout->tv_usec))
		found = poll_wait(all, deadline);
	return found < 0 ? found : poll_answer(all);
}

WINSOCK_API int winsock_select(int unused, FD_SET *readable, FD_SET *writable,
			       FD_SET *exceptional, const struct timeval *timeout)
{
	struct poll_sets all = { .sets = { readable, writable, exceptional } };
	unsigned long few[2 * POLL_SETS * POLL_FEW], *bits = few;
	int64_t deadline = THREAD_FOREVER;
	int saved = errno, found, error;

	(void)unused;
	STARTED_OR(SOCKET_ERROR);
	error = poll_count(&all);
	if (!error && timeout && poll_deadline(timeout, &deadline))
		error = WSAEINVAL;
	if (!error && all.words > POLL_FEW) {
		bits = calloc(2 * POLL_SETS * all.words, sizeof(*bits));
		error = bits ? 0 : WSAENOBUFS;
	}
	found = error ? error_fail(error) : poll_select(&all, bits, timeout, deadline);
	if (bits != few)
		free(bits);
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
