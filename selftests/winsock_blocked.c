// SPDX-License-Identifier: GPL-2.0-only
/* Blocked calls: a close in another thread, or the last cleanup, ends them. */
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/resource.h>

#include "winsock_test.h"

enum call { RECV, RECV_ALL, SEND, ACCEPT, CONNECT, RECVFROM, SELECT_READ, SELECT_WRITE,
	    SELECT_EXCEPT, POLL, CALLS };

struct blocked {
	SOCKET s;
	enum call call;
	uint16_t port;
	int result;
	int error;
	fd_set set;
	WSAPOLLFD polled[2];
	double ended;
	pthread_t thread;
};

static int blocked_call(struct blocked *blocked)
{
	struct sockaddr_in name = loopback(0);
	static char block[8 << 20];
	SOCKET s = blocked->s;

	FD_ZERO(&blocked->set);
	FD_SET(s, &blocked->set);
	switch (blocked->call) {
	case RECV:
		return recv(s, block, 100, 0);
	case RECV_ALL:
		return recv(s, block, 100, MSG_WAITALL);
	case SEND:
		return send(s, block, sizeof(block), 0);
	case ACCEPT:
		return accept(s, NULL, NULL);
	case CONNECT:
		name.sin_port = htons(blocked->port);
		return connect(s, (struct sockaddr *)&name, sizeof(name));
	case RECVFROM:
		return recvfrom(s, block, 100, 0, NULL, NULL);
	case SELECT_READ:
		return select(0, &blocked->set, NULL, NULL, NULL);
	case SELECT_WRITE:
		return select(0, NULL, &blocked->set, NULL, NULL);
	case SELECT_EXCEPT:
		return select(0, NULL, NULL, &blocked->set, NULL);
	default:
		blocked->polled[0] = (WSAPOLLFD){ .fd = -1, .events = POLLIN };
		blocked->polled[1] = (WSAPOLLFD){ .fd = s, .events = POLLIN };
		return WSAPoll(blocked->polled, 2, -1);
	}
}

static void *blocked_run(void *argument)
{
	struct blocked *blocked = argument;

	WSASetLastError(0);
	blocked->result = blocked_call(blocked);
	blocked->error = WSAGetLastError();
	blocked->ended = net_now();
	return NULL;
}

/* Start a thread and return when it is in the call. */
static void blocked_start(struct __test_metadata *_metadata, struct blocked *blocked)
{
	blocked->ended = 0;
	ASSERT_EQ(0, pthread_create(&blocked->thread, NULL, blocked_run, blocked));
	net_sleep(150);
	ASSERT_EQ(0, blocked->ended);
}

#define EXPECT_WOKEN(blocked, wanted, code) do { \
	double closed_ = net_now(); \
	ASSERT_EQ(0, pthread_join((blocked)->thread, NULL)); \
	EXPECT_LT((blocked)->ended - closed_, AT_ONCE); \
	EXPECT_EQ(wanted, (blocked)->result); \
	EXPECT_EQ(code, (blocked)->error); \
} while (0)

/* claims: P10 G9 */
TEST_F(winsock, recv_and_send_on_a_stream)
{
	static const enum call calls[] = { RECV, RECV_ALL };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct blocked blocked = { self->client, calls[i] };

		blocked_start(_metadata, &blocked);
		ASSERT_EQ(0, closesocket(self->client));
		EXPECT_WOKEN(&blocked, SOCKET_ERROR, WSAECONNABORTED);
		EXPECT_FALSE(net_is_open(self->client));
		closesocket(self->server);
		self->client = open_pair(self->listener, self->port, &self->server);
	}
	net_sleep(50);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
	{
		struct blocked blocked = { self->client, SEND };

		blocked_start(_metadata, &blocked);
		set_linger(self->client, 1, 0);
		ASSERT_EQ(0, closesocket(self->client));
		EXPECT_WOKEN(&blocked, SOCKET_ERROR, WSAECONNABORTED);
	}
}

/* claims: P11 */
TEST_F(winsock, accept_and_datagram_recvfrom)
{
	struct sockaddr_in name = loopback(0);
	SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
	struct blocked accepting = { listener, ACCEPT };
	struct blocked receiving = { socket(AF_INET, SOCK_DGRAM, 0), RECVFROM };

	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, listen(listener, 5));
	blocked_start(_metadata, &accepting);
	ASSERT_EQ(0, closesocket(listener));
	EXPECT_WOKEN(&accepting, INVALID_SOCKET, WSAEINTR);
	ASSERT_EQ(0, bind(receiving.s, (struct sockaddr *)&name, sizeof(name)));
	blocked_start(_metadata, &receiving);
	ASSERT_EQ(0, closesocket(receiving.s));
	EXPECT_WOKEN(&receiving, SOCKET_ERROR, WSAEINTR);
}

/* claims: P12 P9 */
TEST_F(winsock, connect)
{
	struct blocked blocked = { socket(AF_INET, SOCK_STREAM, 0), CONNECT, self->port };

	/* The listener does not answer any more. */
	net_mute(self->listener);
	blocked_start(_metadata, &blocked);
	ASSERT_EQ(0, closesocket(blocked.s));
	EXPECT_WOKEN(&blocked, SOCKET_ERROR, WSAENOTSOCK);
	EXPECT_FALSE(net_is_open(blocked.s));
}

/* claims: P14 P15 P16 */
TEST_F(winsock, select_and_poll)
{
	for (enum call call = SELECT_READ; call <= POLL; call++) {
		struct blocked blocked = { self->client, call };

		if (call == SELECT_WRITE)
			stuff(self->client);
		blocked_start(_metadata, &blocked);
		ASSERT_EQ(0, closesocket(self->client));
		if (call == SELECT_EXCEPT)
			EXPECT_WOKEN(&blocked, SOCKET_ERROR, WSAENOTSOCK);
		else
			EXPECT_WOKEN(&blocked, 1, 0);
		if (call == POLL) {
			EXPECT_EQ(POLLNVAL, blocked.polled[1].revents);
			EXPECT_EQ(POLLNVAL, blocked.polled[0].revents);
		} else {
			EXPECT_TRUE(FD_ISSET(blocked.s, &blocked.set));
		}
		net_drain(self->server, &blocked.error);
		closesocket(self->server);
		self->client = open_pair(self->listener, self->port, &self->server);
	}
}

/* claims: N5 N1 B8 */
TEST_F(winsock, would_block_wakes_nobody)
{
	struct blocked blocked = { self->client, RECV };
	u_long on = 1;

	stuff(self->client);
	set_linger(self->client, 1, 5);
	blocked_start(_metadata, &blocked);
	ASSERT_EQ(0, ioctlsocket(self->client, FIONBIO, &on));
	for (int i = 0; i < 5; i++)
		EXPECT_WSA(WSAEWOULDBLOCK, closesocket(self->client));
	net_sleep(200);
	EXPECT_EQ(0, blocked.ended);
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	ASSERT_EQ(0, pthread_join(blocked.thread, NULL));
	EXPECT_EQ(5, blocked.result);
	set_linger(self->client, 1, 0);
	EXPECT_EQ(0, closesocket(self->client));
}

/* claims: P10 B8 B3 */
TEST_F(winsock, a_lingering_close_wakes_when_it_is_decided)
{
	struct blocked blocked = { self->client, RECV };
	double begun;

	stuff(self->client);
	set_linger(self->client, 1, 1);
	blocked_start(_metadata, &blocked);
	begun = net_now();
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_GE(net_now() - begun, 1.0);
	EXPECT_WOKEN(&blocked, SOCKET_ERROR, WSAECONNABORTED);
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(0, net_left(self->client_port, self->port));
}

/* claims: M1 */
TEST_F(winsock, users_of_another_handle_are_not_disturbed)
{
	WSAPROTOCOL_INFO info;
	struct blocked blocked;
	SOCKET twin;

	ASSERT_EQ(0, WSADuplicateSocket(self->client, GetCurrentProcessId(), &info));
	twin = WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, 0);
	blocked = (struct blocked){ twin, RECV };
	blocked_start(_metadata, &blocked);
	ASSERT_EQ(0, closesocket(self->client));
	net_sleep(200);
	EXPECT_EQ(0, blocked.ended);
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	ASSERT_EQ(0, pthread_join(blocked.thread, NULL));
	EXPECT_EQ(5, blocked.result);
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

/* claims: X2 A4 */
TEST_F(winsock, the_last_cleanup_ends_blocked_and_lingering_threads)
{
	SOCKET quiet;
	struct blocked blocked = { open_pair(self->listener, self->port, &quiet), RECV };
	struct lingerer lingerer = { self->client };
	pthread_t thread;
	int null;

	stuff(self->client);
	set_linger(self->client, 1, 30);
	ASSERT_EQ(0, pthread_create(&thread, NULL, lingerer_run, &lingerer));
	blocked_start(_metadata, &blocked);
	ASSERT_EQ(0, WSACleanup());
	EXPECT_WOKEN(&blocked, SOCKET_ERROR, WSAECONNABORTED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, lingerer.result);
	EXPECT_EQ(1, RSTS());
	EXPECT_FALSE(net_is_open(self->client));
	/* The number was closed once only. */
	null = open("/dev/null", O_RDONLY);
	net_sleep(50);
	EXPECT_TRUE(net_is_open(null));
}

/* A thread that waits for two sockets. */
struct watcher {
	SOCKET sockets[2];
	bool polls;
	int result;
	fd_set set;
	double ended;
	pthread_t thread;
};

static void *watcher_run(void *argument)
{
	struct watcher *watcher = argument;
	WSAPOLLFD polled[2];

	FD_ZERO(&watcher->set);
	for (int i = 0; i < 2; i++) {
		polled[i] = (WSAPOLLFD){ .fd = watcher->sockets[i], .events = POLLIN };
		FD_SET(watcher->sockets[i], &watcher->set);
	}
	watcher->result = watcher->polls ? WSAPoll(polled, 2, -1)
					 : select(0, &watcher->set, NULL, NULL, NULL);
	watcher->ended = net_now();
	return NULL;
}

/* claims: B8 P14 */
TEST_F(winsock, a_lingering_close_holds_up_nobody_who_waits_for_other_sockets_as_well)
{
	enum { EARLY, EARLY_POLL, SILENT, LATE, LATE_POLL, WATCHERS };
	struct lingerer lingerer = { self->client };
	struct watcher watchers[WATCHERS];
	SOCKET other, peer, silent, quiet;
	pthread_t thread;
	double begun, told;

	other = open_pair(self->listener, self->port, &peer);
	ASSERT_NE(INVALID_SOCKET, other);
	silent = open_pair(self->listener, self->port, &quiet);
	stuff(self->client);
	set_linger(self->client, 1, 5);
	/* Threads that sleep before the close begins, and threads that come while it lingers. */
	for (int i = 0; i < WATCHERS; i++) {
		if (i == LATE) {
			begun = net_now();
			ASSERT_EQ(0, pthread_create(&thread, NULL, lingerer_run, &lingerer));
			net_sleep(150);
		}
		watchers[i] = (struct watcher){ { self->client, i == SILENT ? silent : other },
						i == EARLY_POLL || i == LATE_POLL };
		ASSERT_EQ(0, pthread_create(&watchers[i].thread, NULL, watcher_run, &watchers[i]));
		net_sleep(150);
	}
	ASSERT_EQ(1, send(peer, "x", 1, 0));
	told = net_now();
	for (int i = 0; i < WATCHERS; i++) {
		if (i == SILENT)
			continue;
		ASSERT_EQ(0, pthread_join(watchers[i].thread, NULL));
		EXPECT_LT(watchers[i].ended - told, 2.0);
		EXPECT_EQ(1, watchers[i].result);
		EXPECT_TRUE(FD_ISSET(other, &watchers[i].set));
		EXPECT_EQ(watchers[i].polls, !!FD_ISSET(self->client, &watchers[i].set));
	}
	/* A thread that waits for this socket only returns at the end. */
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, lingerer.result);
	ASSERT_EQ(0, pthread_join(watchers[SILENT].thread, NULL));
	EXPECT_GE(watchers[SILENT].ended - begun, 5.0);
	EXPECT_EQ(1, watchers[SILENT].result);
	EXPECT_TRUE(FD_ISSET(self->client, &watchers[SILENT].set));
	EXPECT_FALSE(FD_ISSET(silent, &watchers[SILENT].set));
}

static void cancel(ULONG_PTR unused)
{
	WSACancelBlockingCall();
}

/* claims: B8 B9 A14 */
TEST_F(winsock, a_lingering_close_holds_up_no_timeout_and_no_cancellation)
{
	struct lingerer lingerer = { self->client };
	struct timeval second = { 1, 0 };
	WSAPOLLFD polled = { .fd = self->client, .events = POLLIN };
	struct blocked early = { self->client, RECV };
	DWORD ms = 1000;
	pthread_t thread;
	double begun;
	fd_set set;
	char byte;

	stuff(self->client);
	set_linger(self->client, 1, 20);
	ASSERT_EQ(0, setsockopt(self->client, SOL_SOCKET, SO_RCVTIMEO, (char *)&ms, sizeof(ms)));
	blocked_start(_metadata, &early);
	begun = net_now();
	ASSERT_EQ(0, pthread_create(&thread, NULL, lingerer_run, &lingerer));
	net_sleep(150);

	/* A call that comes now finds the handle closing. */
	EXPECT_WSA(WSAENOTSOCK, recv(self->client, &byte, 1, 0));
	EXPECT_WSA(WSAENOTSOCK, closesocket(self->client));
	EXPECT_LT(net_now() - begun, 1.0);
	ASSERT_EQ(0, pthread_join(early.thread, NULL));
	EXPECT_GE(early.ended - begun, 0.5);
	EXPECT_LT(early.ended - begun, 3.0);
	EXPECT_EQ(SOCKET_ERROR, early.result);
	EXPECT_EQ(WSAETIMEDOUT, early.error);

	begun = net_now();
	FD_ZERO(&set);
	FD_SET(self->client, &set);
	EXPECT_EQ(0, select(0, &set, NULL, NULL, &second));
	EXPECT_FALSE(FD_ISSET(self->client, &set));
	EXPECT_EQ(0, WSAPoll(&polled, 1, 1000));
	EXPECT_GE(net_now() - begun, 2.0);
	EXPECT_LT(net_now() - begun, 4.0);

	begun = net_now();
	FD_SET(self->client, &set);
	ASSERT_TRUE(QueueUserAPC(cancel, GetCurrentThread(), 0));
	EXPECT_WSA(WSAEINTR, select(0, &set, NULL, NULL, NULL));
	EXPECT_LT(net_now() - begun, 1.0);

	/* The close still lingers, and its end wakes the threads that came during it. */
	early = (struct blocked){ self->client, SELECT_READ };
	blocked_start(_metadata, &early);
	set_linger(self->server, 1, 0);
	ASSERT_EQ(0, closesocket(self->server));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, lingerer.result);
	EXPECT_WOKEN(&early, 1, 0);
}

static long cpu_ms(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
	       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

TEST_F(winsock, select_for_exceptions_alone_does_not_spin_on_what_has_hung_up)
{
	struct timeval timeout = { 1, 0 };
	struct rusage before, after;
	fd_set set;

	set_linger(self->server, 1, 0);
	ASSERT_EQ(0, closesocket(self->server));
	FD_ZERO(&set);
	FD_SET(self->client, &set);
	getrusage(RUSAGE_THREAD, &before);
	EXPECT_EQ(0, select(0, NULL, NULL, &set, &timeout));
	getrusage(RUSAGE_THREAD, &after);
	EXPECT_FALSE(FD_ISSET(self->client, &set));
	EXPECT_LT(cpu_ms(&after) - cpu_ms(&before), 500);
}

TEST_F(winsock, what_cannot_be_waited_for_is_over)
{
	WSAPOLLFD polled[2] = { { self->client, POLLIN }, { self->listener, POLLIN } };
	struct rlimit before, little = { 2, 0 };

	/* With the thread's own timer poll(2) has more descriptors than the limit allows. */
	EXPECT_EQ(0, WSAPoll(polled, 2, 10));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	little.rlim_max = before.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &little));
	EXPECT_EQ(0, WSAPoll(polled, 2, 100));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	EXPECT_EQ(1, WSAPoll(polled, 2, 5000));
}

static void *send_late(void *s)
{
	net_sleep(100);
	return (void *)(uintptr_t)(send(*(SOCKET *)s, "x", 1, 0) == 1);
}

/* A receive that waits, so that the thread's next one does not try first. */
static void wait_once(struct __test_metadata *_metadata, SOCKET s, SOCKET peer)
{
	pthread_t thread;
	char byte;

	ASSERT_EQ(0, pthread_create(&thread, NULL, send_late, &peer));
	ASSERT_EQ(1, recv(s, &byte, 1, 0));
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

static void *close_in_thread(void *s)
{
	return (void *)(intptr_t)closesocket(*(SOCKET *)s);
}

/* claims: B8 */
TEST_F(winsock, a_receive_behind_one_that_waited_answers_as_that_one)
{
	struct winsock_close_options options = { WINSOCK_CLOSE_TIMEOUT, 10000000000, 0 };
	struct sockaddr_in name = loopback(0);
	double begun = net_now();
	SOCKET s, server;
	pthread_t thread;
	char byte;
	int op;

	wait_once(_metadata, self->client, self->server);
	net_mute(self->server);
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	set_linger(self->client, 1, 10);
	ASSERT_EQ(0, pthread_create(&thread, NULL, close_in_thread, &self->client));
	net_sleep(200);
	EXPECT_WSA(WSAENOTSOCK, recv(self->client, &byte, 1, 0));
	EXPECT_LT(net_now() - begun, 5.0);
	net_unmute(self->server);
	ASSERT_EQ(0, pthread_join(thread, NULL));

	/* The number is a pending close's, and then another socket's. */
	s = open_pair(self->listener, self->port, &server);
	wait_once(_metadata, s, server);
	net_mute(server);
	ASSERT_EQ(1, send(s, "x", 1, 0));
	begun = net_now();
	ASSERT_EQ(0, winsock_close_begin(s, &options, &op, NULL));
	ASSERT_EQ(s, op);
	EXPECT_WSA(WSAENOTSOCK, recv(s, &byte, 1, 0));
	EXPECT_LT(net_now() - begun, 5.0);
	close(op);
	ASSERT_EQ(s, socket(AF_INET, SOCK_STREAM, 0));
	ASSERT_EQ(0, bind(s, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, listen(s, 1));
	EXPECT_WSA(WSAENOTCONN, recv(s, &byte, 1, 0));
}

static _Atomic bool routine_runs, routine_may_end;

static void run_long(ULONG_PTR unused)
{
	routine_runs = true;
	while (!routine_may_end)
		net_sleep(1);
}

static void *receive_in_routines(void *s)
{
	char byte;

	QueueUserAPC(run_long, GetCurrentThread(), 0);
	return (void *)(intptr_t)recv(*(SOCKET *)s, &byte, 1, 0);
}

TEST_F(winsock, a_routine_does_not_hold_up_a_receive_that_comes_later)
{
	struct blocked late = { .s = self->client, .call = RECV };
	pthread_t early;
	void *result;

	routine_runs = false;
	routine_may_end = false;
	ASSERT_EQ(0, pthread_create(&early, NULL, receive_in_routines, &self->client));
	while (!routine_runs)
		net_sleep(1);
	blocked_start(_metadata, &late);
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	ASSERT_EQ(0, pthread_join(late.thread, NULL));
	EXPECT_EQ(1, late.result);
	routine_may_end = true;
	ASSERT_EQ(1, send(self->server, "y", 1, 0));
	ASSERT_EQ(0, pthread_join(early, &result));
	EXPECT_EQ((void *)1, result);
}

/* claims: X2 M1 */
TEST_F(winsock, a_childs_last_cleanup_resets_nothing_of_its_parents)
{
	pid_t child = fork();
	int status;

	ASSERT_GE(child, 0);
	if (!child)
		_exit(WSACleanup() ? 1 : 0);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	net_sleep(50);
	EXPECT_EQ(0, FINS() + RSTS());
	EXPECT_EQ(1, send(self->client, "x", 1, 0));
}

/* claims: A12 */
TEST_F(winsock, the_network_is_down)
{
	/* A test can provoke one failure of the subsystem: an interface that is down. */
	SOCKET s = socket(AF_PACKET, SOCK_DGRAM, 0);
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = 1,
	};

	ASSERT_NE(INVALID_SOCKET, s);
	ASSERT_EQ(0, system("ip link set lo down"));
	EXPECT_WSA(WSAENETDOWN, sendto(s, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	EXPECT_EQ(0, closesocket(s));
}

TEST_HARNESS_MAIN
