// SPDX-License-Identifier: GPL-2.0-only
/*
 * thread_check [SECONDS [all|valgrind [PARTY]]]: parties at the library, and a guard that opens and
 * closes files under them. valgrind: no thread waits in epoll_wait(2) for the helper, where
 * valgrind would stop the other threads, and none forks, as valgrind takes a child's locks for
 * those of its parent's threads. PARTY: a part of its name. See threads.h.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "fake_device.h"
#include "threads.h"

#define PRIVATE		500	/* numbers that the kernel does not give by itself */
#define PATIENCE	240	/* seconds more than the given time */

static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
/* Under threads_lock. */
static char threads_said[160];
static bool threads_over;
static SOCKET threads_listener;
static struct sockaddr_in threads_name;

void threads_wrong(const char *format, ...)
{
	va_list list;

	pthread_mutex_lock(&threads_lock);
	if (!threads_said[0]) {
		va_start(list, format);
		vsnprintf(threads_said, sizeof(threads_said), format, list);
		va_end(list);
	}
	pthread_mutex_unlock(&threads_lock);
}

static bool threads_end(void)
{
	bool over;

	pthread_mutex_lock(&threads_lock);
	over = threads_over || threads_said[0];
	pthread_mutex_unlock(&threads_lock);
	return over;
}

static void threads_must(bool done, const char *what)
{
	if (done)
		return;
	printf("Bail out! %s: error %d\n", what, WSAGetLastError());
	fflush(stdout);
	_exit(1);
}

SOCKET threads_listen(int backlog, struct sockaddr_in *name)
{
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	int size = sizeof(*name);

	memset(name, 0, sizeof(*name));
	name->sin_family = AF_INET;
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	threads_must(!bind(s, (struct sockaddr *)name, sizeof(*name)) && !listen(s, backlog) &&
		     !getsockname(s, (struct sockaddr *)name, &size), "listen");
	return s;
}

/* One connection at a time, so that the accepted end belongs to it. */
void threads_pair_open(struct threads_pair *pair)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int small = 8192;

	pair->client = socket(AF_INET, SOCK_STREAM, 0);
	threads_must(pair->client != INVALID_SOCKET, "socket");
	setsockopt(pair->client, SOL_SOCKET, SO_SNDBUF, (char *)&small, sizeof(small));
	pthread_mutex_lock(&lock);
	threads_must(!connect(pair->client, (struct sockaddr *)&threads_name,
			      sizeof(threads_name)), "connect");
	pair->server = accept(threads_listener, NULL, NULL);
	pthread_mutex_unlock(&lock);
	threads_must(pair->server != INVALID_SOCKET, "accept");
}

SOCKET threads_private(SOCKET s)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static unsigned int next;
	SOCKET number;

	pthread_mutex_lock(&lock);
	number = fcntl(s, F_DUPFD_CLOEXEC, PRIVATE + next++ % 256);
	pthread_mutex_unlock(&lock);
	threads_must(number >= 0, "F_DUPFD");
	CloseHandle((HANDLE)(intptr_t)s);
	return number;
}

void threads_linger(SOCKET s, int on, int seconds)
{
	struct linger linger = { on, seconds };

	setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger));
}

void threads_nonblock(SOCKET s, u_long on)
{
	ioctlsocket(s, FIONBIO, &on);
}

bool threads_close_refused(SOCKET s)
{
	threads_linger(s, 1, 2);
	threads_nonblock(s, 1);
	for (int i = 0; i < 3; i++) {
		if (!closesocket(s))
			return true;
		THREADS_EXPECT(WSAGetLastError() == WSAEWOULDBLOCK);
		usleep(100);
	}
	threads_linger(s, 0, 0);
	return false;
}

void threads_stuff(SOCKET s)
{
	static const char block[65536];

	threads_nonblock(s, 1);
	while (send(s, block, sizeof(block), 0) > 0)
		;
	threads_nonblock(s, 0);
}

pthread_t threads_begin(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	threads_must(!pthread_create(&thread, NULL, run, argument), "pthread_create");
	return thread;
}

unsigned int threads_random(struct party *party, unsigned int below)
{
	return rand_r(&party->seed) % below;
}

void threads_pause(struct party *party, unsigned int us)
{
	if (threads_random(party, 4))
		us = us / 20 + 1;
	usleep(threads_random(party, us));
}

/* Open files of the guard's own: is each unchanged when it is closed? */
static void guard_round(struct party *party)
{
	struct stat before[8], after;
	int fds[8];

	for (int i = 0; i < 8; i++) {
		threads_must(i % 2 || !pipe2(&fds[i], O_CLOEXEC), "pipe2");
		threads_must(!fstat(fds[i], &before[i]), "fstat");
	}
	threads_pause(party, 1000);
	for (int i = 0; i < 8; i++) {
		memset(&after, 0, sizeof(after));
		if (fstat(fds[i], &after) || after.st_ino != before[i].st_ino ||
		    after.st_dev != before[i].st_dev || close(fds[i]))
			threads_wrong("descriptor %d was closed by a stranger", fds[i]);
	}
}

static void *party_run(void *argument)
{
	struct party *party = argument;

	/* Run at least once, however late the thread begins. */
	do {
		party->round(party);
		party->rounds++;
	} while (!threads_end());
	return NULL;
}

#define PARTY(what, how) { .name = (what), .round = (how) }

static struct party parties[] = {
	PARTY("files that are nobody else's", guard_round),
	PARTY("receive, send, select, WSAPoll, woken by a close", blocked_round),
	PARTY("routines in a receive, ended by a close", alerted_round),
	PARTY("accept, woken by a close", blocked_accept_round),
	PARTY("connect, woken by a close", blocked_connect_round),
	PARTY("a reset that is seen while options are set", option_round),
	PARTY("operations on a port, against cancels and closes", ported_round),
	PARTY("the same again", ported_round),
	PARTY("operations begun while the socket is closed", contested_round),
	PARTY("connections accepted to sockets that are closed", accepted_round),
	PARTY("connections of a server with two workers", served_round),
	PARTY("two closes of one socket", twice_closed_round),
	PARTY("operations by event and routine, against closes", evented_round),
	PARTY("plain calls and shutdown behind operations, against closes", order_round),
	PARTY("threads that end before their operations", departed_round),
	PARTY("network events, against closes", netevent_round),
	PARTY("routines queued by many to one who waits or lingers", apc_round),
	PARTY("several handles of one socket", duplicate_round),
	PARTY("fork in the middle", fork_round),
	PARTY("fork in a routine at a port", fork_port_round),
};

#define PARTIES (sizeof(parties) / sizeof(parties[0]))

static void on_alarm(int number)
{
	static const char text[] = "Bail out! somebody waits for ever\n";

	(void)number;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) > 0)
		abort();
}

/* WSAStartup() refuses a module with an older interface, and gives the reason. */
static void threads_older_module(void)
{
	WSADATA data;

	fake_version--;
	threads_must(WSAStartup(MAKEWORD(2, 2), &data) == WSASYSNOTREADY &&
		     strstr(winsock_startup_error(), "too old"), "too old");
	fake_version++;
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? atoi(argv[1]) : 5;
	bool valgrind = argc > 2 && !strcmp(argv[2], "valgrind");
	const char *only = argc > 3 ? argv[3] : "";
	size_t results = 0;
	WSADATA data;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGALRM, on_alarm);
	alarm(seconds + PATIENCE);
	threads_older_module();
	threads_must(!WSAStartup(MAKEWORD(2, 2), &data), "WSAStartup");
	threads_listener = threads_listen(64, &threads_name);
	ported_start(valgrind);
	for (size_t i = 0; i < PARTIES; i++) {
		parties[i].seed = i + 1;
		if (strstr(parties[i].name, only) && !(valgrind && strstr(parties[i].name, "fork")))
			parties[i].thread = threads_begin(party_run, &parties[i]);
	}
	sleep(seconds);
	pthread_mutex_lock(&threads_lock);
	threads_over = true;
	pthread_mutex_unlock(&threads_lock);
	for (size_t i = 0; i < PARTIES; i++) {
		if (!parties[i].thread)
			continue;
		pthread_join(parties[i].thread, NULL);
		printf("%sok %zu %s: %u rounds\n", parties[i].rounds ? "" : "not ", ++results,
		       parties[i].name, parties[i].rounds);
	}
	ported_stop();
	closesocket(threads_listener);
	WSACleanup();
	printf("%sok %zu nothing lost, nothing twice%s%s\n", threads_said[0] ? "not " : "",
	       ++results, threads_said[0] ? ": " : "", threads_said);
	printf("1..%zu\n", results);
	return threads_said[0] != 0;
}
