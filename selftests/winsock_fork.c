// SPDX-License-Identifier: GPL-2.0-only
/* fork(): what a child inherits of its parent's state, and what it does not. */
#include <dirent.h>

#include "winsock_test.h"

#define TO_HANDLE(s) ((HANDLE)(intptr_t)(s))

struct family {
	HANDLE port;
	HANDLE self, other;
	WSAEVENT event;
	SOCKET client, server;
};

static void count(ULONG_PTR data)
{
	++*(unsigned int *)data;
}

static int receive(SOCKET s, WSAOVERLAPPED *overlapped, char *data, ULONG size)
{
	WSABUF buffer = { size, data };
	DWORD flags = 0;

	return WSARecv(s, &buffer, 1, NULL, &flags, overlapped, NULL) ? WSAGetLastError() : 0;
}

/* Wait briefly for one packet. Returns the error, 0 if it came. */
static int take(HANDLE port, ULONG_PTR *key, DWORD *moved)
{
	LPOVERLAPPED overlapped;

	return GetQueuedCompletionStatus(port, moved, key, &overlapped, 5000) ? 0 : GetLastError();
}

#define MUST(what) do { \
	if (!(what)) \
		return __LINE__; \
} while (0)

/* Each call fails at once, by its own error. Returns 0, or the line. */
static int child_handles(const struct family *family)
{
	OVERLAPPED_ENTRY entry;
	unsigned int runs = 0;
	ULONG_PTR key;
	DWORD moved;
	ULONG removed;

	MUST(take(family->port, &key, &moved) == ERROR_INVALID_HANDLE);
	MUST(!GetQueuedCompletionStatusEx(family->port, &entry, 1, &removed, 5000, TRUE));
	MUST(GetLastError() == ERROR_INVALID_HANDLE);
	MUST(!PostQueuedCompletionStatus(family->port, 1, 1, NULL));
	MUST(GetLastError() == ERROR_INVALID_HANDLE);
	MUST(!CreateIoCompletionPort(TO_HANDLE(family->client), family->port, 1, 0));
	MUST(GetLastError() == ERROR_INVALID_HANDLE);
	MUST(!CloseHandle(family->port));
	MUST(GetLastError() == ERROR_INVALID_HANDLE);
	MUST(!QueueUserAPC(count, family->other, (ULONG_PTR)&runs));
	MUST(GetLastError() == ERROR_INVALID_HANDLE);
	/* The child has the thread that forked. */
	MUST(QueueUserAPC(count, family->self, (ULONG_PTR)&runs));
	MUST(SleepEx(0, TRUE) == WAIT_IO_COMPLETION && runs == 1);
	MUST(WSASetEvent(family->event));
	MUST(WSAWaitForMultipleEvents(1, &family->event, FALSE, 0, FALSE) == WSA_WAIT_EVENT_0);
	return 0;
}

/* A child can use its sockets, and what it makes of them. */
static int child_sockets(const struct family *family)
{
	HANDLE port = CreateIoCompletionPort(TO_HANDLE(family->client), NULL, 22, 0);
	WSAEVENT event = WSACreateEvent();
	WSAOVERLAPPED overlapped = { 0 };
	WSANETWORKEVENTS events;
	char data[16];
	ULONG_PTR key;
	DWORD moved;

	/* The child does not have the association with a port. */
	MUST(port);
	MUST(receive(family->client, &overlapped, data, 16) == WSA_IO_PENDING);
	MUST(send(family->server, "hello", 5, 0) == 5);
	MUST(!take(port, &key, &moved));
	MUST(key == 22 && moved == 5 && !memcmp(data, "hello", 5));
	MUST(!WSAEventSelect(family->server, event, FD_READ));
	MUST(send(family->client, "x", 1, 0) == 1);
	MUST(WSAWaitForMultipleEvents(1, &event, FALSE, 5000, FALSE) == WSA_WAIT_EVENT_0);
	MUST(!WSAEnumNetworkEvents(family->server, event, &events));
	MUST(events.lNetworkEvents == FD_READ);
	MUST(recv(family->server, data, 16, 0) == 1);
	MUST(!closesocket(family->client) && !closesocket(family->server));
	return 0;
}

static void child_end(int line)
{
	if (line)
		printf("# the child: line %d, error %d\n", line, WSAGetLastError());
	fflush(stdout);
	_exit(!!line);
}

static void *sleeper_run(void *argument)
{
	struct family *family = argument;
	ULONG_PTR key = 0;
	DWORD moved;

	family->other = winsock_thread_self();
	return (void *)(intptr_t)(take(family->port, &key, &moved) ? -1 : (int)key);
}

/* claims: P6 M1 */
TEST_F(winsock, a_child_has_the_sockets_and_none_of_the_ports)
{
	struct family family = { .client = self->client, .server = self->server };
	WSAOVERLAPPED overlapped[2] = { 0 };
	SOCKET quiet, other;
	pthread_t thread;
	char data[16];
	int status;
	pid_t child;
	void *key;

	other = open_pair(self->listener, self->port, &quiet);
	family.port = CreateIoCompletionPort(TO_HANDLE(self->client), NULL, 11, 0);
	ASSERT_EQ(family.port, CreateIoCompletionPort(TO_HANDLE(other), family.port, 12, 0));
	family.event = WSACreateEvent();
	family.self = winsock_thread_self();
	EXPECT_EQ(WSA_IO_PENDING, receive(other, &overlapped[0], data, 16));
	/* A thread sleeps at the port. */
	ASSERT_EQ(0, pthread_create(&thread, NULL, sleeper_run, &family));
	net_sleep(100);
	for (int part = 0; part < 2; part++) {
		child = fork();
		ASSERT_GE(child, 0);
		if (!child) {
			alarm(10);
			child_end(part ? child_sockets(&family) : child_handles(&family));
		}
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(0, status);
	}
	/* The child's event differs from the parent's; the parent's port is as it was. */
	EXPECT_EQ(WSA_WAIT_TIMEOUT, WSAWaitForMultipleEvents(1, &family.event, FALSE, 0, FALSE));
	EXPECT_FALSE(HasOverlappedIoCompleted(&overlapped[0]));
	ASSERT_EQ(5, send(quiet, "hello", 5, 0));
	ASSERT_EQ(0, pthread_join(thread, &key));
	EXPECT_EQ(12, (intptr_t)key);
	EXPECT_EQ(0, FINS() + RSTS());
}

/* A routine that forks; its child may end in it. */
struct forker {
	pid_t child;
	bool cleanup;
};

static void fork_routine(ULONG_PTR data)
{
	struct forker *forker = (struct forker *)data;

	forker->child = fork();
	if (!forker->child && forker->cleanup)
		child_end(WSACleanup() ? __LINE__ : 0);
}

static void *blocked_run(void *s)
{
	char byte;

	return (void *)(intptr_t)recv(*(SOCKET *)s, &byte, 1, 0);
}

/* The child's handle is one of two, and is closed at once; the operation is the parent's. */
static int child_closed(SOCKET s, WSAOVERLAPPED *overlapped, double begun)
{
	MUST(net_now() - begun < 1.0);
	MUST(!net_is_open(s));
	MUST(!HasOverlappedIoCompleted(overlapped));
	MUST(WSAWaitForMultipleEvents(1, &overlapped->hEvent, FALSE, 0, FALSE) ==
	     WSA_WAIT_TIMEOUT);
	return 0;
}

/* claims: B9 B10 M1 */
TEST_F(winsock, a_routine_forks_in_a_lingering_close)
{
	WSAOVERLAPPED overlapped = { .hEvent = WSACreateEvent() };
	struct forker forker = { -1, false };
	SOCKET other, peer;
	pthread_t thread;
	double begun;
	char data[16];
	int status, result;
	void *received;

	/* A blocked call and an operation, which the close ends. */
	other = open_pair(self->listener, self->port, &peer);
	ASSERT_EQ(0, pthread_create(&thread, NULL, blocked_run, &other));
	net_sleep(150);
	EXPECT_EQ(WSA_IO_PENDING, receive(self->client, &overlapped, data, 16));
	stuff(self->client);
	set_linger(self->client, 1, 2);
	ASSERT_TRUE(QueueUserAPC(fork_routine, GetCurrentThread(), (ULONG_PTR)&forker));
	begun = net_now();
	result = closesocket(self->client);
	if (!forker.child)
		child_end(result ? __LINE__ : child_closed(self->client, &overlapped, begun));
	ASSERT_GT(forker.child, 0);
	EXPECT_EQ(0, result);
	EXPECT_GE(net_now() - begun, 2.0);
	EXPECT_TRUE(HasOverlappedIoCompleted(&overlapped));
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, FINS());
	ASSERT_EQ(forker.child, waitpid(forker.child, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(1, send(peer, "x", 1, 0));
	ASSERT_EQ(0, pthread_join(thread, &received));
	EXPECT_EQ(1, (intptr_t)received);
}

struct lingerer {
	SOCKET s;
	int result;
};

static void *lingerer_run(void *argument)
{
	struct lingerer *lingerer = argument;

	lingerer->result = closesocket(lingerer->s);
	return NULL;
}

/* In the child the number is free, and good for another socket. */
static int child_without_op(SOCKET s)
{
	MUST(!net_is_open(s));
	MUST(closesocket(s) == SOCKET_ERROR && WSAGetLastError() == WSAENOTSOCK);
	MUST(dup2(socket(AF_INET, SOCK_STREAM, 0), s) == s);
	MUST(WSAEventSelect(s, WSACreateEvent(), FD_READ) == 0);
	MUST(!closesocket(s));
	return WSACleanup() ? __LINE__ : 0;
}

/* Count this process's descriptors that the library uses internally. */
static int inner_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[64];
	int count = 0;

	while ((entry = readdir(directory))) {
		ssize_t size = readlinkat(dirfd(directory), entry->d_name, target, 63);

		target[size > 0 ? size : 0] = 0;
		count += strstr(target, "[eventpoll]") || strstr(target, "[timerfd]");
	}
	closedir(directory);
	return count;
}

/* Child and parent share the helper's epoll: the child must not change it. */
static int child_watches(SOCKET s, SOCKET peer)
{
	WSAOVERLAPPED overlapped = { 0 };
	DWORD moved, flags;
	char data[4];

	MUST(inner_descriptors() == 0);
	MUST(receive(s, &overlapped, data, 4) == WSA_IO_PENDING);
	MUST(inner_descriptors() == 1);
	MUST(send(peer, "1234", 4, 0) == 4);
	MUST(WSAGetOverlappedResult(s, &overlapped, &moved, TRUE, &flags) && moved == 4);
	MUST(!closesocket(s) && !closesocket(peer));
	return 0;
}

TEST_F(winsock, a_child_leaves_its_parents_helper_alone)
{
	WSAOVERLAPPED overlapped = { 0 };
	WSAEVENT event = WSACreateEvent();
	SOCKET other, peer;
	DWORD moved, flags;
	char data[4];
	int status;
	pid_t child;

	other = open_pair(self->listener, self->port, &peer);
	EXPECT_EQ(WSA_IO_PENDING, receive(other, &overlapped, data, 4));
	ASSERT_EQ(0, WSAEventSelect(self->server, event, FD_READ));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child)
		child_end(child_watches(self->client, self->server));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(2, send(peer, "ab", 2, 0));
	EXPECT_TRUE(WSAGetOverlappedResult(other, &overlapped, &moved, TRUE, &flags));
	EXPECT_EQ(2, moved);
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	EXPECT_TRUE(is_set(event));
}

/* claims: M1 H1 */
TEST_F(winsock, what_is_executed_has_no_sockets_but_those_it_is_to_have)
{
	for (int inherits = 0; inherits < 2; inherits++) {
		pid_t child;
		char byte;
		struct winsock_record record;
		DWORD flags = 7;

		if (inherits)
			ASSERT_TRUE(SetHandleInformation((HANDLE)(intptr_t)self->client,
							 HANDLE_FLAG_INHERIT,
							 HANDLE_FLAG_INHERIT));
		EXPECT_TRUE(GetHandleInformation((HANDLE)(intptr_t)self->client, &flags));
		EXPECT_EQ(inherits ? HANDLE_FLAG_INHERIT : 0, flags);
		/* The same holds for an accepted socket. */
		EXPECT_TRUE(GetHandleInformation((HANDLE)(intptr_t)self->server, &flags));
		EXPECT_EQ(0, flags);
		child = fork();
		ASSERT_GE(child, 0);
		if (!child) {
			execlp("sleep", "sleep", "3", NULL);
			_exit(1);
		}
		net_sleep(500);
		set_linger(self->client, 1, 0);
		ASSERT_EQ(0, winsock_closesocket(self->client, 0, &record));
		EXPECT_EQ(inherits ? WINSOCK_OUTCOME_SHARED : WINSOCK_OUTCOME_REQUEST,
			  record.outcome);
		set_nonblock(self->server, 1);
		EXPECT_WSA(inherits ? WSAEWOULDBLOCK : WSAECONNRESET,
			   recv(self->server, &byte, 1, 0));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		closesocket(self->server);
		self->client = open_pair(self->listener, self->port, &self->server);
	}
}

/* claims: M1 M2 */
TEST_F(winsock, a_worker_that_was_forked_is_a_holder)
{
	/* The first close returns at once; the last one lingers. */
	for (int parent_first = 0; parent_first < 2; parent_first++) {
		int go[2], status;
		double begun;
		pid_t child;
		char byte;

		ASSERT_EQ(0, pipe(go));
		stuff(self->client);
		set_linger(self->client, 1, 2);
		child = fork();
		ASSERT_GE(child, 0);
		if (!child) {
			if (parent_first && read(go[0], &byte, 1) != 1)
				_exit(1);
			begun = net_now();
			if (closesocket(self->client))
				_exit(2);
			_exit((net_now() - begun < 1.0) == parent_first ? 3 : 0);
		}
		if (!parent_first) {
			ASSERT_EQ(child, waitpid(child, &status, 0));
			EXPECT_EQ(0, status);
		}
		begun = net_now();
		ASSERT_EQ(0, closesocket(self->client));
		if (parent_first) {
			EXPECT_LT(net_now() - begun, 1.0);
			EXPECT_EQ(1, recv(self->server, &byte, 1, 0));
			ASSERT_EQ(1, write(go[1], "x", 1));
			ASSERT_EQ(child, waitpid(child, &status, 0));
			EXPECT_EQ(0, status);
		} else {
			EXPECT_GE(net_now() - begun, 2.0);
		}
		closesocket(self->server);
		self->client = open_pair(self->listener, self->port, &self->server);
	}
}

/* claims: M1 X2 */
TEST_F(winsock, a_child_has_nothing_of_a_close_in_which_another_thread_lingers)
{
	struct lingerer lingerer = { self->client };
	pthread_t thread;
	double begun;
	int status;
	pid_t child;

	stuff(self->client);
	set_linger(self->client, 1, 2);
	begun = net_now();
	ASSERT_EQ(0, pthread_create(&thread, NULL, lingerer_run, &lingerer));
	net_sleep(300);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child)
		child_end(child_without_op(self->client));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_LT(net_now() - begun, 1.5);
	EXPECT_EQ(0, FINS() + RSTS());
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, lingerer.result);
	EXPECT_GE(net_now() - begun, 2.0);
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, FINS());
}

/* claims: X2 M1 B9 */
TEST_F(winsock, the_last_cleanup_of_a_child_leaves_a_lingering_close_alone)
{
	struct forker forker = { -1, true };
	double begun;
	int status;

	stuff(self->client);
	set_linger(self->client, 1, 2);
	ASSERT_TRUE(QueueUserAPC(fork_routine, GetCurrentThread(), (ULONG_PTR)&forker));
	begun = net_now();
	EXPECT_EQ(0, closesocket(self->client));
	EXPECT_GE(net_now() - begun, 2.0);
	ASSERT_EQ(forker.child, waitpid(forker.child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, FINS());
}

TEST_HARNESS_MAIN
