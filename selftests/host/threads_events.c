// SPDX-License-Identifier: GPL-2.0-only
/* Network events, routines queued by other threads, and fork. See threads.h. */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

#include "fake_device.h"
#include "threads.h"

struct watched {
	SOCKET s;
	WSAEVENT event;
};

static void *watch_events(void *argument)
{
	struct watched *watched = argument;
	WSANETWORKEVENTS events;
	bool closed = false;
	char data[64];

	while (!closed &&
	       WSAWaitForMultipleEvents(1, &watched->event, FALSE, 50, TRUE) == WSA_WAIT_EVENT_0 &&
	       !WSAEnumNetworkEvents(watched->s, watched->event, &events)) {
		if (events.lNetworkEvents & FD_READ)
			recv(watched->s, data, sizeof(data), 0);
		closed = events.lNetworkEvents & FD_CLOSE;
	}
	return NULL;
}

void netevent_round(struct party *party)
{
	struct threads_pair pair;
	struct watched watched;
	pthread_t threads[2];
	WSANETWORKEVENTS events;

	threads_pair_open(&pair);
	pair.client = threads_private(pair.client);
	watched = (struct watched){ pair.client, WSACreateEvent() };
	THREADS_EXPECT(!WSAEventSelect(pair.client, watched.event, FD_ALL_EVENTS));
	THREADS_EXPECT(!WSAEventSelect(pair.server, watched.event, FD_ALL_EVENTS));
	threads[0] = threads_begin(watch_events, &watched);
	threads[1] = threads_begin(watch_events, &watched);
	for (int i = 0; i < 5; i++) {
		send(pair.server, "data", 4, 0);
		send(pair.client, "more", 4, 0);
		threads_pause(party, 500);
	}
	if (threads_random(party, 2))
		WSAEnumNetworkEvents(pair.client, watched.event, &events);
	if (threads_random(party, 2))
		THREADS_EXPECT(!WSAEventSelect(pair.client, NULL, 0));
	if (threads_random(party, 2))
		threads_linger(pair.server, 1, 0);
	THREADS_EXPECT(!closesocket(pair.server));
	threads_pause(party, 1000);
	THREADS_EXPECT(!closesocket(pair.client));
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	THREADS_EXPECT(WSACloseEvent(watched.event));
}

#define QUEUERS		3
#define ROUTINES	20

/* A thread that waits, and the routines that others queue to it. */
struct target {
	pthread_mutex_t lock;
	HANDLE thread;
	unsigned int ran;
	unsigned int queued;
	bool lingers;
	bool cancels;
};

static void apc_routine(ULONG_PTR data)
{
	struct target *target = (struct target *)data;

	pthread_mutex_lock(&target->lock);
	target->ran++;
	pthread_mutex_unlock(&target->lock);
	if (target->cancels)
		WSACancelBlockingCall();
}

static void *apc_queuer(void *argument)
{
	struct target *target = argument;
	HANDLE thread = NULL;

	while (!thread) {
		pthread_mutex_lock(&target->lock);
		thread = target->thread;
		pthread_mutex_unlock(&target->lock);
		usleep(50);
	}
	for (int i = 0; i < ROUTINES; i++) {
		if (!QueueUserAPC(apc_routine, thread, (ULONG_PTR)target)) {
			THREADS_EXPECT(GetLastError() == ERROR_INVALID_HANDLE);
			break;
		}
		pthread_mutex_lock(&target->lock);
		target->queued++;
		pthread_mutex_unlock(&target->lock);
	}
	return NULL;
}

/* The library asks the kernel once, lingering or not. */
static int close_once(SOCKET s)
{
	unsigned int asked = fake_closes;
	int result = closesocket(s);

	THREADS_EXPECT(fake_closes == asked + 1);
	return result;
}

static void apc_linger(const struct target *target, struct threads_pair pair)
{
	threads_stuff(pair.client);
	threads_linger(pair.client, 1, 1);
	while (close_once(pair.client)) {
		THREADS_EXPECT(target->cancels && WSAGetLastError() == WSAEINTR);
		/* The cancel has left no trace: close hard, or once more. */
		threads_linger(pair.client, 1, 0);
	}
	closesocket(pair.server);
}

static void *apc_target(void *argument)
{
	struct target *target = argument;
	HANDLE self = winsock_thread_self();
	WSAEVENT event = WSACreateEvent();
	struct threads_pair pair;

	if (target->lingers)
		threads_pair_open(&pair);
	pthread_mutex_lock(&target->lock);
	target->thread = self;
	pthread_mutex_unlock(&target->lock);
	if (target->lingers)
		apc_linger(target, pair);
	else
		WSAWaitForMultipleEvents(1, &event, FALSE, 5, TRUE);
	SleepEx(1, TRUE);
	WSACloseEvent(event);
	return NULL;
}

void apc_round(struct party *party)
{
	struct target target = { .lingers = threads_random(party, 4) == 0,
				 .cancels = threads_random(party, 2) };
	pthread_t thread, queuers[QUEUERS];

	pthread_mutex_init(&target.lock, NULL);
	thread = threads_begin(apc_target, &target);
	for (int i = 0; i < QUEUERS; i++)
		queuers[i] = threads_begin(apc_queuer, &target);
	pthread_join(thread, NULL);
	for (int i = 0; i < QUEUERS; i++)
		pthread_join(queuers[i], NULL);
	/* A thread that ends drops the routines that did not run. */
	THREADS_EXPECT(target.ran <= target.queued);
	THREADS_EXPECT(!QueueUserAPC(apc_routine, target.thread, 0));
	THREADS_EXPECT(CloseHandle(target.thread));
	pthread_mutex_destroy(&target.lock);
}

#define POSTERS	2

/* A port at which a routine forks, while other threads take its lock. */
struct forked_port {
	HANDLE port;
	atomic_bool over;
	pid_t child;
	unsigned int forks;
};

static void *forked_post(void *argument)
{
	struct forked_port *forked = argument;
	OVERLAPPED_ENTRY entries[4];
	ULONG count;

	while (!forked->over) {
		for (int i = 0; i < 4; i++)
			PostQueuedCompletionStatus(forked->port, 1, 1, NULL);
		GetQueuedCompletionStatusEx(forked->port, entries, 4, &count, 0, FALSE);
	}
	return NULL;
}

static void forked_routine(ULONG_PTR data)
{
	struct forked_port *forked = (struct forked_port *)data;

	forked->forks++;
	forked->child = fork();
	if (!forked->child) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
		_exit(0);	/* as in fork_round() */
#endif
		signal(SIGALRM, SIG_DFL);
		alarm(20);
	}
}

void fork_port_round(struct party *party)
{
	struct forked_port forked = { .port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL,
								     0, 0) };
	pthread_t threads[POSTERS];
	OVERLAPPED_ENTRY entry;
	int status = -1;
	ULONG count;

	for (int i = 0; i < POSTERS; i++)
		threads[i] = threads_begin(forked_post, &forked);
	THREADS_EXPECT(QueueUserAPC(forked_routine, GetCurrentThread(), (ULONG_PTR)&forked));
	while (!forked.forks)
		GetQueuedCompletionStatusEx(forked.port, &entry, 1, &count, 10, TRUE);
	if (!forked.child)
		_exit(0);
	forked.over = true;
	THREADS_EXPECT(waitpid(forked.child, &status, 0) == forked.child && !status);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	THREADS_EXPECT(CloseHandle(forked.port));
	(void)party;
}

static int fork_overlapped(struct threads_pair *pair)
{
	WSABUF buffer = { 4, (char[4]){ 0 } };
	WSAOVERLAPPED overlapped;
	DWORD moved, flags = 0;

	memset(&overlapped, 0, sizeof(overlapped));
	if (WSARecv(pair->client, &buffer, 1, NULL, &flags, &overlapped, NULL) &&
	    WSAGetLastError() != WSA_IO_PENDING)
		return 1;
	if (send(pair->server, "data", 4, 0) != 4)
		return 2;
	if (!WSAGetOverlappedResult(pair->client, &overlapped, &moved, TRUE, &flags))
		return 3;
	return 0;
}

/*
 * The child uses its inherited sockets, while its parent goes on. Returns 0, or the place of the
 * failure.
 */
static int fork_child(struct threads_pair *pair)
{
	struct sockaddr_in name;
	int failed = fork_overlapped(pair);
	SOCKET s;

	if (failed)
		return failed;
	s = threads_listen(1, &name);
	threads_nonblock(s, 1);
	if (accept(s, NULL, NULL) != INVALID_SOCKET)
		return 4;
	return closesocket(s) || closesocket(pair->client) || closesocket(pair->server) ? 5 : 0;
}

void fork_round(struct party *party)
{
	struct threads_pair pair;
	int status = -1;
	pid_t child;

	threads_pair_open(&pair);
	child = fork();
	if (!child) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
		/* Another thread may have held a lock of the tool's allocator. */
		_exit(0);
#endif
		signal(SIGALRM, SIG_DFL);
		alarm(20);
		_exit(fork_child(&pair));
	}
	threads_pause(party, 2000);
	THREADS_EXPECT(waitpid(child, &status, 0) == child);
	if (status)
		threads_wrong("the child ended with %#x", status);
	THREADS_EXPECT(!closesocket(pair.client) && !closesocket(pair.server));
}
