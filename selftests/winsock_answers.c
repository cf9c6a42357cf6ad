// SPDX-License-Identifier: GPL-2.0-only
/* Answers of Windows that differ from Linux': arguments, last errors, bound ports, readiness. */
#include "winsock_test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <mstcpip.h>

#define ANY_ADDRESS(name) ((struct sockaddr *)&(name))

static int bind_to(SOCKET s, uint16_t port)
{
	struct sockaddr_in name = loopback(port);

	return bind(s, ANY_ADDRESS(name), sizeof(name));
}

static uint16_t port_of(SOCKET s)
{
	struct sockaddr_in name;
	int size = sizeof(name);

	return getsockname(s, ANY_ADDRESS(name), &size) ? 0 : ntohs(name.sin_port);
}

TEST_F(winsock, a_version_is_the_next_one_that_there_is)
{
	static const WORD versions[][2] = {
		{ MAKEWORD(1, 0), MAKEWORD(1, 0) }, { MAKEWORD(1, 1), MAKEWORD(1, 1) },
		{ MAKEWORD(1, 2), MAKEWORD(1, 1) }, { MAKEWORD(2, 0), MAKEWORD(2, 0) },
		{ MAKEWORD(2, 1), MAKEWORD(2, 1) }, { MAKEWORD(2, 3), MAKEWORD(2, 2) },
		{ MAKEWORD(3, 0), MAKEWORD(2, 2) },
	};
	WSADATA data;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		ASSERT_EQ(0, WSAStartup(versions[i][0], &data));
		EXPECT_EQ(versions[i][1], data.wVersion);
		EXPECT_EQ(MAKEWORD(2, 2), data.wHighVersion);
		EXPECT_EQ(LOBYTE(versions[i][1]) < 2, data.iMaxSockets > 0);
		ASSERT_EQ(0, WSACleanup());
	}
}

#define LEAVES(error, call) do { \
	WSASetLastError(77); \
	EXPECT_NE(SOCKET_ERROR, call); \
	EXPECT_EQ(error, WSAGetLastError()); \
} while (0)

/* claims: A15 */
TEST_F(winsock, the_last_error_after_a_success)
{
	struct timeval none = { 0 };
	struct sockaddr_in name;
	int value = 1, size = sizeof(value), name_size = sizeof(name);
	char buffer[8];
	fd_set set;
	SOCKET s;

	s = socket(AF_INET, SOCK_STREAM, 0);
	LEAVES(0, bind_to(s, 0));
	LEAVES(0, listen(s, 1));
	LEAVES(77, closesocket(s));
	s = socket(AF_INET, SOCK_STREAM, 0);
	name = loopback(self->port);
	LEAVES(77, connect(s, ANY_ADDRESS(name), sizeof(name)));
	LEAVES(0, setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, (char *)&value, sizeof(value)));
	LEAVES(0, getsockopt(s, SOL_SOCKET, SO_KEEPALIVE, (char *)&value, &size));
	LEAVES(0, getsockname(s, ANY_ADDRESS(name), &name_size));
	LEAVES(0, getpeername(s, ANY_ADDRESS(name), &name_size));
	LEAVES(0, send(self->client, "abc", 3, 0));
	LEAVES(0, recv(self->server, buffer, 3, MSG_WAITALL));
	FD_ZERO(&set);
	FD_SET(self->client, &set);
	LEAVES(0, select(0, NULL, &set, NULL, &none));
	LEAVES(0, shutdown(self->client, SD_SEND));
	LEAVES(77, closesocket(s));
}

TEST_F(winsock, what_is_not_bound_has_no_name_and_does_not_listen)
{
	SOCKET tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name;
	int size = sizeof(name);

	EXPECT_WSA(WSAEINVAL, getsockname(tcp, ANY_ADDRESS(name), &size));
	EXPECT_WSA(WSAEINVAL, getsockname(udp, ANY_ADDRESS(name), &size));
	EXPECT_WSA(WSAEINVAL, listen(tcp, 1));
	ASSERT_EQ(0, bind_to(tcp, 0));
	EXPECT_EQ(0, getsockname(tcp, ANY_ADDRESS(name), &size));
	EXPECT_EQ(0, listen(tcp, 1));
}

TEST_F(winsock, half_an_address)
{
	struct sockaddr_in name = loopback(self->port);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	int size = sizeof(name) - 1;
	char byte;

	EXPECT_WSA(WSAEFAULT, bind(s, ANY_ADDRESS(name), size));
	EXPECT_WSA(WSAEFAULT, connect(s, ANY_ADDRESS(name), size));
	EXPECT_WSA(WSAEFAULT, sendto(udp, "x", 1, 0, ANY_ADDRESS(name), size));
	EXPECT_WSA(WSAEFAULT, recvfrom(udp, &byte, 1, 0, ANY_ADDRESS(name), &size));
	EXPECT_WSA(WSAEFAULT, getsockname(self->client, ANY_ADDRESS(name), &size));
	EXPECT_WSA(WSAEFAULT, getpeername(self->client, ANY_ADDRESS(name), &size));
	EXPECT_EQ(sizeof(name) - 1, size);
	/* The connection can still be accepted. */
	name = loopback(self->port);
	ASSERT_EQ(0, connect(s, ANY_ADDRESS(name), sizeof(name)));
	EXPECT_WSA(WSAEFAULT, accept(self->listener, ANY_ADDRESS(name), &size));
	EXPECT_NE(INVALID_SOCKET, accept(self->listener, ANY_ADDRESS(name), NULL));
}

TEST_F(winsock, a_flag_of_any_length)
{
	static const struct { int level, name; } flags[] = {
		{ SOL_SOCKET, SO_KEEPALIVE }, { SOL_SOCKET, SO_OOBINLINE },
		{ SOL_SOCKET, SO_REUSEADDR }, { IPPROTO_TCP, TCP_NODELAY },
	};
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	char value[8];
	int size;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		for (int length = 0; length <= 8; length += length ? length : 1) {
			memset(value, 0, sizeof(value));
			value[0] = 5;
			EXPECT_EQ(0, setsockopt(s, flags[i].level, flags[i].name, value, length));
			size = sizeof(value);
			EXPECT_EQ(0, getsockopt(s, flags[i].level, flags[i].name, value, &size));
			EXPECT_EQ(length > 0, value[0]);
			EXPECT_EQ(4, size);
		}
		size = 1;
		value[0] = value[1] = 7;
		EXPECT_EQ(0, getsockopt(s, flags[i].level, flags[i].name, value, &size));
		EXPECT_EQ(1, size);
		EXPECT_EQ(1, value[0]);
		EXPECT_EQ(7, value[1]);
		size = 0;
		EXPECT_WSA(WSAEFAULT, getsockopt(s, flags[i].level, flags[i].name, value, &size));
	}
	size = 3;
	EXPECT_WSA(WSAEFAULT, getsockopt(s, SOL_SOCKET, SO_RCVBUF, value, &size));
	EXPECT_WSA(WSAEFAULT, setsockopt(s, SOL_SOCKET, SO_RCVBUF, value, 3));
}

/* A server has closed its connections first, and starts again at the same port. */
TEST_F(winsock, a_port_in_time_wait_can_be_bound)
{
	SOCKET listener = socket(AF_INET, SOCK_STREAM, 0), again, third, client, server;
	int value = 7, size = sizeof(value);
	uint16_t port;
	char byte;

	ASSERT_EQ(0, bind_to(listener, 0));
	port = port_of(listener);
	ASSERT_EQ(0, listen(listener, 1));
	client = open_pair(listener, port, &server);
	ASSERT_GE(client, 0);
	ASSERT_EQ(0, closesocket(server));
	EXPECT_EQ(0, recv(client, &byte, 1, 0));
	ASSERT_EQ(0, closesocket(client));

	/* No two sockets that listen, or are bound, share the port. */
	again = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_WSA(WSAEADDRINUSE, bind_to(again, port));
	ASSERT_EQ(0, closesocket(listener));
	ASSERT_EQ(0, bind_to(again, port));
	third = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_WSA(WSAEADDRINUSE, bind_to(third, port));
	ASSERT_EQ(0, listen(again, 1));
	EXPECT_WSA(WSAEADDRINUSE, bind_to(third, port));
	EXPECT_EQ(0, getsockopt(again, SOL_SOCKET, SO_REUSEADDR, (char *)&value, &size));
	EXPECT_EQ(0, value);
}

TEST_F(winsock, exclusive_and_shared_exclude_each_other)
{
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	int value = 1, size = sizeof(value);

	EXPECT_EQ(0, setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&value, sizeof(value)));
	EXPECT_WSA(WSAEINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (char *)&value,
					 sizeof(value)));
	value = 0;
	EXPECT_EQ(0, getsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&value, &size));
	EXPECT_EQ(1, value);
	value = 0;
	EXPECT_EQ(0, setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&value, sizeof(value)));
	value = 1;
	EXPECT_EQ(0, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (char *)&value, sizeof(value)));
	EXPECT_WSA(WSAEINVAL, setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&value,
					 sizeof(value)));
}

TEST_F(winsock, ipv6_is_ipv6_only)
{
	SOCKET six = socket(AF_INET6, SOCK_STREAM, 0), four = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in6 name = { .sin6_family = AF_INET6 };
	int value = 7, size = sizeof(value);

	ASSERT_EQ(0, getsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&value, &size));
	EXPECT_EQ(1, value);
	ASSERT_EQ(0, bind_to(four, 0));
	name.sin6_port = htons(port_of(four));
	EXPECT_EQ(0, bind(six, ANY_ADDRESS(name), sizeof(name)));
}

TEST_F(winsock, at_mark_is_nothing_out_of_band)
{
	u_long mark = 7;
	char byte;

	ASSERT_EQ(0, ioctlsocket(self->server, SIOCATMARK, &mark));
	EXPECT_EQ(1, mark);
	ASSERT_EQ(1, send(self->client, "!", 1, MSG_OOB));
	ASSERT_EQ(0, usleep(100000));
	ASSERT_EQ(0, ioctlsocket(self->server, SIOCATMARK, &mark));
	EXPECT_EQ(0, mark);
	ASSERT_EQ(1, recv(self->server, &byte, 1, MSG_OOB));
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	ASSERT_EQ(1, recv(self->server, &byte, 1, 0));
	ASSERT_EQ(0, ioctlsocket(self->server, SIOCATMARK, &mark));
	EXPECT_EQ(1, mark);
}

TEST_F(winsock, a_datagram_that_nobody_wanted)
{
	SOCKET gone = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name;
	BOOL on = FALSE;
	DWORD size;
	char byte;

	ASSERT_EQ(0, bind_to(gone, 0));
	name = loopback(port_of(gone));
	ASSERT_EQ(0, closesocket(gone));
	ASSERT_EQ(0, connect(s, ANY_ADDRESS(name), sizeof(name)));
	ASSERT_EQ(1, send(s, "x", 1, 0));
	EXPECT_WSA(WSAECONNRESET, recv(s, &byte, 1, 0));
	ASSERT_EQ(0, WSAIoctl(s, SIO_UDP_CONNRESET, &on, sizeof(on), NULL, 0, &size, NULL, NULL));
	ASSERT_EQ(1, send(s, "x", 1, 0));
	set_nonblock(s, 1);
	EXPECT_WSA(WSAEWOULDBLOCK, recv(s, &byte, 1, 0));
}

TEST_F(winsock, select_finds_nothing_at_what_is_not_connected)
{
	struct timeval soon = { 0, 100000 };
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	fd_set sets[3];

	for (int i = 0; i < 3; i++) {
		FD_ZERO(&sets[i]);
		FD_SET(s, &sets[i]);
	}
	EXPECT_EQ(0, select(0, &sets[0], &sets[1], &sets[2], &soon));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, sets[i].fd_count);
}

/* The sets exceed FD_SETSIZE, and the kernel's own sets. */
TEST_F(winsock, select_obeys_the_count_alone)
{
	enum { COUNT = 3000 };
	struct { u_int count; SOCKET sockets[COUNT]; } many = { .count = COUNT };
	struct timeval none = { 0 }, soon = { 0, 100000 };
	struct rlimit limit = { 5000, 5000 };
	double begun;
	SOCKET high;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	high = fcntl(self->server, F_DUPFD, 4000);
	ASSERT_EQ(4000, high);
	/* poll(2) takes no more entries than this. */
	limit.rlim_cur = 100;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < COUNT; i++)
		many.sockets[i] = self->client;
	many.sockets[COUNT - 1] = high;
	EXPECT_EQ(0, select(0, (fd_set *)&many, NULL, NULL, &none));
	many.count = COUNT;
	begun = net_now();
	EXPECT_EQ(0, select(0, (fd_set *)&many, NULL, NULL, &soon));
	EXPECT_GE(net_now() - begun, 0.1);
	many.count = COUNT;
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	EXPECT_EQ(1, select(0, (fd_set *)&many, NULL, NULL, NULL));
	EXPECT_EQ(1, many.count);
	EXPECT_EQ(high, many.sockets[0]);
	/* No descriptor table has these numbers. */
	many.sockets[0] = 4001;
	EXPECT_WSA(WSAENOTSOCK, select(0, (fd_set *)&many, NULL, NULL, &none));
	many.sockets[0] = 0x7fffffff;
	EXPECT_WSA(WSAENOTSOCK, select(0, (fd_set *)&many, NULL, NULL, NULL));
	many.sockets[0] = INVALID_SOCKET;
	EXPECT_WSA(WSAENOTSOCK, select(0, (fd_set *)&many, NULL, NULL, NULL));
	EXPECT_EQ(1, many.count);

	/* A call that fails leaves the set, whatever it has found before. */
	many = (typeof(many)){ 3, { self->client, high, 4001 } };
	EXPECT_WSA(WSAENOTSOCK, select(0, (fd_set *)&many, NULL, NULL, NULL));
	EXPECT_EQ(3, many.count);
	EXPECT_TRUE(FD_ISSET(self->client, (fd_set *)&many));
	EXPECT_TRUE(FD_ISSET(high, (fd_set *)&many));
	EXPECT_TRUE(FD_ISSET(4001, (fd_set *)&many));
}

static void *close_later(void *s)
{
	net_sleep(300);
	closesocket(*(SOCKET *)s);
	return NULL;
}

static void fill(fd_set *set, SOCKET first, SOCKET second)
{
	FD_ZERO(set);
	FD_SET(first, set);
	FD_SET(second, set);
}

/* claims: P14 P15 */
TEST_F(winsock, select_of_what_is_in_several_sets)
{
	SOCKET peer, both[2] = { self->client, open_pair(self->listener, self->port, &peer) };
	struct timeval none = { 0 };
	pthread_t thread;
	fd_set sets[3];
	char byte;

	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	for (int order = 0; order < 8; order++) {
		for (int i = 0; i < 3; i++)
			fill(&sets[i], both[order >> i & 1], both[!(order >> i & 1)]);
		EXPECT_EQ(3, select(0, &sets[0], &sets[1], &sets[2], &none));
		EXPECT_EQ(1, sets[0].fd_count);
		EXPECT_EQ(self->client, sets[0].fd_array[0]);
		EXPECT_EQ(2, sets[1].fd_count);
		for (int i = 0; i < 2; i++)
			EXPECT_TRUE(FD_ISSET(both[i], &sets[1]));
		EXPECT_EQ(0, sets[2].fd_count);
	}

	/* Given twice, a set has in the end what is ready for either. */
	fill(&sets[0], both[1], self->client);
	FD_SET(self->listener, &sets[0]);
	EXPECT_EQ(2, select(0, &sets[0], &sets[0], NULL, &none));
	EXPECT_EQ(2, sets[0].fd_count);
	EXPECT_FALSE(FD_ISSET(self->listener, &sets[0]));
	EXPECT_EQ(2, select(0, &sets[0], &sets[0], &sets[0], &none));
	EXPECT_EQ(2, sets[0].fd_count);
	EXPECT_EQ(1, select(0, &sets[0], NULL, &sets[0], &none));
	EXPECT_EQ(1, sets[0].fd_count);
	EXPECT_EQ(self->client, sets[0].fd_array[0]);

	ASSERT_EQ(1, recv(self->client, &byte, 1, 0));
	stuff(self->client);
	stuff(both[1]);
	for (int i = 0; i < 3; i++)
		fill(&sets[i], both[0], both[1]);
	ASSERT_EQ(0, pthread_create(&thread, NULL, close_later, &self->client));
	EXPECT_EQ(2, select(0, &sets[0], &sets[1], &sets[2], NULL));
	pthread_join(thread, NULL);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(i < 2, sets[i].fd_count);
		EXPECT_EQ(self->client, sets[i].fd_array[0]);
	}
}

TEST_F(winsock, wsapoll)
{
	WSAPOLLFD polled[2] = { { self->client, POLLRDNORM, 0 }, { INVALID_SOCKET, POLLIN, 7 } };

	EXPECT_EQ(0, WSAPoll(polled, 2, 0));
	EXPECT_EQ(0, polled[0].revents);
	EXPECT_EQ(POLLNVAL, polled[1].revents);
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	EXPECT_EQ(1, WSAPoll(polled, 2, -1));
	EXPECT_EQ(POLLIN | POLLRDNORM, polled[0].revents);
	polled[0].events = POLLOUT;
	EXPECT_EQ(1, WSAPoll(polled, 1, -1));
	EXPECT_EQ(POLLOUT | POLLWRNORM, polled[0].revents);

	/* The peer's FIN is reported, asked for or not. */
	polled[0].events = 0;
	EXPECT_EQ(0, WSAPoll(polled, 1, 100));
	ASSERT_EQ(0, shutdown(self->server, SD_SEND));
	EXPECT_EQ(1, WSAPoll(polled, 1, 2000));
	EXPECT_EQ(POLLHUP, polled[0].revents);

	/* All entries are no sockets. */
	polled[0] = (WSAPOLLFD){ 999, POLLIN, 0 };
	EXPECT_WSA(WSAENOTSOCK, WSAPoll(polled, 2, -1));
	EXPECT_EQ(POLLNVAL, polled[0].revents);
}

TEST_F(winsock, an_event_that_one_wait_takes)
{
	HANDLE taken = CreateEvent(NULL, FALSE, TRUE, NULL);
	HANDLE stays = CreateEvent(NULL, TRUE, FALSE, NULL);
	HANDLE both[] = { taken, stays };

	ASSERT_NE(NULL, taken);
	ASSERT_NE(NULL, stays);
	EXPECT_EQ(WAIT_OBJECT_0, WaitForSingleObject(taken, 0));
	EXPECT_EQ(WAIT_TIMEOUT, WaitForSingleObject(taken, 10));
	ASSERT_TRUE(SetEvent(taken));
	/* A wait for all takes no event before it has all. */
	EXPECT_EQ(WAIT_TIMEOUT, WaitForMultipleObjects(2, both, TRUE, 10));
	ASSERT_TRUE(SetEvent(stays));
	EXPECT_EQ(WAIT_OBJECT_0, WaitForMultipleObjects(2, both, TRUE, 0));
	EXPECT_EQ(WAIT_OBJECT_0 + 1, WaitForMultipleObjects(2, both, FALSE, 0));
	EXPECT_EQ(WAIT_OBJECT_0, WaitForSingleObject(stays, 0));
	ASSERT_TRUE(ResetEvent(stays));
	EXPECT_EQ(WAIT_TIMEOUT, WaitForMultipleObjects(2, both, FALSE, 10));
	EXPECT_EQ(NULL, CreateEvent(NULL, FALSE, FALSE, "name"));
	EXPECT_EQ(ERROR_NOT_SUPPORTED, GetLastError());
	EXPECT_TRUE(CloseHandle(taken));
	EXPECT_EQ(WAIT_FAILED, WaitForSingleObject(taken, 0));
}

struct waiter {
	HANDLE event;
	HANDLE events[2];
	DWORD result;
	pthread_t thread;
};

static void *waiter_run(void *argument)
{
	struct waiter *waiter = argument;

	waiter->result = WaitForSingleObject(waiter->event, 5000);
	return NULL;
}

/* SetEvent() itself ends the waits, not what becomes of the event until their threads run. */
TEST_F(winsock, an_event_ends_the_waits_when_it_is_set)
{
	for (int automatic = 0; automatic < 2; automatic++) {
		HANDLE event = CreateEvent(NULL, !automatic, FALSE, NULL);
		struct waiter waiters[3];

		for (int i = 0; i < 3; i++) {
			waiters[i] = (struct waiter){ .event = event };
			ASSERT_EQ(0, pthread_create(&waiters[i].thread, NULL, waiter_run,
						    &waiters[i]));
		}
		net_sleep(200);
		for (int i = 0; i < (automatic ? 3 : 1); i++)
			ASSERT_TRUE(SetEvent(event));
		ASSERT_TRUE(ResetEvent(event));
		for (int i = 0; i < 3; i++) {
			pthread_join(waiters[i].thread, NULL);
			EXPECT_EQ(WAIT_OBJECT_0, waiters[i].result);
		}
		EXPECT_EQ(WAIT_TIMEOUT, WaitForSingleObject(event, 0));
		EXPECT_TRUE(CloseHandle(event));
	}
}

static void *waiter_of_two(void *argument)
{
	struct waiter *waiter = argument;

	waiter->result = WaitForMultipleObjects(2, waiter->events, FALSE, 5000);
	return NULL;
}

/* One event ends a wait for any; the others stay. */
TEST_F(winsock, the_event_that_is_set_first_ends_the_wait)
{
	struct waiter waiter = {
		.events = { CreateEvent(NULL, FALSE, FALSE, NULL), CreateEvent(NULL, FALSE, FALSE, NULL) },
	};

	ASSERT_EQ(0, pthread_create(&waiter.thread, NULL, waiter_of_two, &waiter));
	net_sleep(200);
	ASSERT_TRUE(SetEvent(waiter.events[1]));
	ASSERT_TRUE(SetEvent(waiter.events[0]));
	pthread_join(waiter.thread, NULL);
	EXPECT_EQ(WAIT_OBJECT_0 + 1, waiter.result);
	EXPECT_EQ(WAIT_OBJECT_0, WaitForSingleObject(waiter.events[0], 0));
	EXPECT_EQ(WAIT_TIMEOUT, WaitForSingleObject(waiter.events[1], 0));
}

static HANDLE routines_event;

static void routine_waits(ULONG_PTR result)
{
	*(DWORD *)result = WaitForSingleObject(routines_event, 0);
	SetEvent(routines_event);
	*(DWORD *)result += WaitForSingleObject(routines_event, 0) << 16;
}

/* The wait that a routine interrupts has nothing; the next one has what the routine leaves. */
TEST_F(winsock, an_event_is_the_routines_while_it_runs)
{
	DWORD result = 77;

	routines_event = CreateEvent(NULL, FALSE, FALSE, NULL);
	ASSERT_NE(0, QueueUserAPC(routine_waits, GetCurrentThread(), (ULONG_PTR)&result));
	EXPECT_EQ(WAIT_IO_COMPLETION, WSAWaitForMultipleEvents(1, &routines_event, FALSE, 5000,
							       TRUE));
	EXPECT_EQ(WAIT_TIMEOUT + (WAIT_OBJECT_0 << 16), result);
	EXPECT_EQ(WAIT_TIMEOUT, WaitForSingleObject(routines_event, 0));
}

TEST_F(winsock, no_handle_is_no_descriptor)
{
	ASSERT_EQ(0, dup2(self->client, 0));
	EXPECT_FALSE(CloseHandle(NULL));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
	EXPECT_EQ(0, fcntl(0, F_GETFD));
}

TEST_HARNESS_MAIN
