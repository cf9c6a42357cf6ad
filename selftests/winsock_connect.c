// SPDX-License-Identifier: GPL-2.0-only
/* Connects that fail: what select() reports, and later calls. */
#include <limits.h>

#include "winsock_test.h"

enum { READABLE = 1, WRITABLE = 2, EXCEPTIONAL = 4, ALL = 7 };

/* Returns the sets in @asked that have it, or -1; *@found is the call's result. */
static int selected(SOCKET s, int asked, int ms, int *found)
{
	struct timeval timeout = { ms / 1000, ms % 1000 * 1000 };
	fd_set sets[3];
	int result = 0;

	for (int i = 0; i < 3; i++) {
		FD_ZERO(&sets[i]);
		FD_SET(s, &sets[i]);
	}
	*found = select(0, asked & READABLE ? &sets[0] : NULL, asked & WRITABLE ? &sets[1] : NULL,
			asked & EXCEPTIONAL ? &sets[2] : NULL, &timeout);
	if (*found < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if ((asked & 1 << i) && FD_ISSET(s, &sets[i]))
			result |= 1 << i;
	return result;
}

#define EXPECT_SELECTED(wanted, s, asked, ms) do { \
	int found_; \
	EXPECT_EQ(wanted, selected(s, asked, ms, &found_)); \
	EXPECT_EQ(__builtin_popcount(wanted), found_); \
} while (0)

static int error_of(SOCKET s)
{
	int error = -1, size = sizeof(error);

	getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&error, &size);
	return error;
}

TEST_F(winsock, a_refused_connect_is_an_exception)
{
	struct sockaddr_in name = loopback(self->port);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);

	ASSERT_EQ(0, closesocket(self->listener));
	set_nonblock(s, 1);
	EXPECT_SELECTED(0, s, EXCEPTIONAL, 0);
	EXPECT_WSA(WSAEWOULDBLOCK, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_SELECTED(EXCEPTIONAL, s, ALL, 0);
	EXPECT_SELECTED(EXCEPTIONAL, s, EXCEPTIONAL, 2000);
	EXPECT_SELECTED(EXCEPTIONAL, s, WRITABLE | EXCEPTIONAL, 2000);
	/* Without the set of exceptions it answers as Linux does. */
	EXPECT_SELECTED(READABLE | WRITABLE, s, READABLE | WRITABLE, 0);
	/* select() has not consumed the error. */
	EXPECT_EQ(WSAECONNREFUSED, error_of(s));
	EXPECT_SELECTED(EXCEPTIONAL, s, ALL, 0);
	ASSERT_EQ(0, closesocket(s));
}

/* Linux takes any address for this machine's. */
TEST_F(winsock, there_is_no_peer_of_any_address_or_without_a_port)
{
	struct sockaddr_in names[] = { loopback(self->port), loopback(0), loopback(self->port) };
	struct sockaddr_in6 names6[] = {
		{ .sin6_family = AF_INET6, .sin6_port = htons(self->port) },
		{ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT },
	};
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0), s6 = socket(AF_INET6, SOCK_STREAM, 0);

	names[0].sin_addr.s_addr = INADDR_ANY;
	for (int i = 0; i < 2; i++) {
		EXPECT_WSA(WSAEADDRNOTAVAIL, connect(s, (struct sockaddr *)&names[i],
						     sizeof(names[i])));
		EXPECT_WSA(WSAEADDRNOTAVAIL, connect(s6, (struct sockaddr *)&names6[i],
						     sizeof(names6[i])));
	}
	EXPECT_WSA(WSAEFAULT, connect(s, (struct sockaddr *)8, sizeof(names[0])));
	EXPECT_EQ(0, connect(s, (struct sockaddr *)&names[2], sizeof(names[2])));
	/* A datagram socket takes it. */
	s = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(0, connect(s, (struct sockaddr *)&names[2], sizeof(names[2])));
	EXPECT_EQ(0, connect(s, (struct sockaddr *)&names[0], sizeof(names[0])));
}

TEST_F(winsock, a_connect_that_fails_meanwhile_ends_the_wait)
{
	SOCKET s = open_connecting(self->listener, self->port);
	double begun = net_now();

	EXPECT_SELECTED(0, s, ALL, 100);
	/* The next SYN finds no listener. */
	ASSERT_EQ(0, closesocket(self->listener));
	EXPECT_SELECTED(EXCEPTIONAL, s, ALL, 20000);
	EXPECT_LT(net_now() - begun, 10.0);
	EXPECT_EQ(WSAECONNREFUSED, error_of(s));
	ASSERT_EQ(0, closesocket(s));
}

static void cancel(ULONG_PTR unused)
{
	WSACancelBlockingCall();
}

TEST_F(winsock, so_does_one_whose_call_was_cancelled)
{
	struct sockaddr_in name = loopback(self->port);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);

	net_mute(self->listener);
	ASSERT_NE(0, QueueUserAPC(cancel, GetCurrentThread(), 0));
	EXPECT_WSA(WSAEINTR, connect(s, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, closesocket(self->listener));
	EXPECT_SELECTED(EXCEPTIONAL, s, ALL, 20000);
	EXPECT_EQ(WSAECONNREFUSED, error_of(s));
	ASSERT_EQ(0, closesocket(s));
}

/* claims: H6 */
TEST_F(winsock, a_connection_that_was_is_none)
{
	SOCKET s = open_connecting(self->listener, self->port);
	char byte;

	net_unmute(self->listener);
	EXPECT_SELECTED(WRITABLE, s, ALL, 20000);
	closesocket(self->server);
	self->server = accept(self->listener, NULL, NULL);
	ASSERT_GE(self->server, 0);
	set_linger(self->server, 1, 0);
	ASSERT_EQ(0, closesocket(self->server));
	EXPECT_SELECTED(READABLE | WRITABLE, s, ALL, 2000);
	EXPECT_SELECTED(0, s, EXCEPTIONAL, 100);
	EXPECT_WSA(WSAECONNRESET, recv(s, &byte, 1, 0));
	ASSERT_EQ(0, closesocket(s));
}

/* claims: M1 */
TEST_F(winsock, a_connection_of_another_holder_is_ready)
{
	struct sockaddr_in name = loopback(self->port);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	int status;
	pid_t child;

	EXPECT_SELECTED(0, s, ALL, 0);
	child = fork();
	if (!child)
		_exit(connect(s, (struct sockaddr *)&name, sizeof(name)));
	waitpid(child, &status, 0);
	ASSERT_EQ(0, status);
	EXPECT_SELECTED(WRITABLE, s, ALL, 1000);
	closesocket(self->server);
	self->server = accept(self->listener, NULL, NULL);
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	EXPECT_SELECTED(READABLE, s, READABLE | EXCEPTIONAL, 1000);
	ASSERT_EQ(0, closesocket(s));
}

TEST_F(winsock, connecting_and_listening_exclude_each_other)
{
	struct sockaddr_in name = loopback(self->port);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_WSA(WSAEISCONN, listen(self->client, 1));
	name.sin_port = 0;
	ASSERT_EQ(0, bind(s, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, listen(s, 1));
	name.sin_port = htons(self->port);
	EXPECT_WSA(WSAEINVAL, connect(s, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, closesocket(s));
}

TEST_F(winsock, connect_again_after_a_refusal)
{
	struct sockaddr_in name = loopback(self->port), nobody;
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0), free = socket(AF_INET, SOCK_STREAM, 0);
	int size = sizeof(nobody), found;

	nobody = loopback(0);
	ASSERT_EQ(0, bind(free, (struct sockaddr *)&nobody, size));
	ASSERT_EQ(0, getsockname(free, (struct sockaddr *)&nobody, &size));
	for (int i = 0; i < 3; i++)
		EXPECT_WSA(WSAECONNREFUSED, connect(s, (struct sockaddr *)&nobody, size));
	EXPECT_EQ(0, connect(s, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, closesocket(s));

	s = socket(AF_INET, SOCK_STREAM, 0);
	set_nonblock(s, 1);
	EXPECT_WSA(WSAEWOULDBLOCK, connect(s, (struct sockaddr *)&nobody, size));
	EXPECT_EQ(EXCEPTIONAL, selected(s, ALL, 2000, &found));
	EXPECT_EQ(WSAECONNREFUSED, error_of(s));
	EXPECT_WSA(WSAEWOULDBLOCK, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_EQ(WRITABLE, selected(s, ALL, 2000, &found));
	ASSERT_EQ(0, closesocket(s));
	closesocket(free);
}

TEST_F(winsock, sending_without_a_peer)
{
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
	WSABUF buffer = { 1, (char *)"x" };
	DWORD moved;

	EXPECT_WSA(WSAENOTCONN, send(s, "x", 1, 0));
	EXPECT_WSA(WSAENOTCONN, WSASend(s, &buffer, 1, &moved, 0, NULL, NULL));
	EXPECT_WSA(WSAENOTCONN, send(self->listener, "x", 1, 0));
	EXPECT_WSA(WSAENOTCONN, send(u, "x", 1, 0));
	/* A socket that had a peer has one still. */
	ASSERT_EQ(0, shutdown(self->client, SD_SEND));
	EXPECT_WSA(WSAESHUTDOWN, send(self->client, "x", 1, 0));
	closesocket(s);
	closesocket(u);
}

static void *tell_later(void *s)
{
	net_sleep(500);
	send(*(SOCKET *)s, "x", 1, 0);
	return NULL;
}

TEST_F(winsock, times_to_wait_for)
{
	struct timeval minus = { -1, 0 }, most = { LONG_MAX, 0 };
	pthread_t thread;
	fd_set set;

	FD_ZERO(&set);
	FD_SET(self->client, &set);
	EXPECT_WSA(WSAEINVAL, select(0, &set, NULL, NULL, &minus));
	EXPECT_TRUE(FD_ISSET(self->client, &set));
	ASSERT_EQ(0, pthread_create(&thread, NULL, tell_later, &self->server));
	EXPECT_EQ(1, select(0, &set, NULL, NULL, &most));
	pthread_join(thread, NULL);
}

/* claims: X4 */
TEST_F(winsock, a_shutdown_that_fails_leaves_no_mark)
{
	static const int ways[] = { SD_RECEIVE, SD_SEND, SD_BOTH };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct sockaddr_in name = loopback(self->port);
		SOCKET s = socket(AF_INET, SOCK_STREAM, 0), peer;
		char byte;

		EXPECT_WSA(WSAENOTCONN, shutdown(s, ways[i]));
		ASSERT_EQ(0, connect(s, (struct sockaddr *)&name, sizeof(name)));
		peer = accept(self->listener, NULL, NULL);
		EXPECT_EQ(1, send(s, "x", 1, 0));
		EXPECT_EQ(1, send(peer, "y", 1, 0));
		EXPECT_EQ(1, recv(s, &byte, 1, 0));
		closesocket(s);
		closesocket(peer);
		/* A connect that is under way goes on, too. */
		s = open_connecting(self->listener, self->port);
		EXPECT_WSA(WSAENOTCONN, shutdown(s, ways[i]));
		net_unmute(self->listener);
		set_nonblock(s, 0);
		peer = accept(self->listener, NULL, NULL);
		ASSERT_NE(INVALID_SOCKET, peer);
		EXPECT_EQ(1, send(s, "x", 1, 0));
		EXPECT_EQ(1, recv(peer, &byte, 1, 0));
		closesocket(s);
		closesocket(peer);
	}
}

/* claims: X4 */
TEST_F(winsock, a_connection_that_is_over_has_its_peer_still)
{
	/* After both FINs, and after a reset. */
	for (int reset = 0; reset < 2; reset++) {
		SOCKET near[2] = { self->client, self->server };
		struct sockaddr_in name;
		int size;

		if (reset)
			set_linger(near[1], 1, 0);
		ASSERT_EQ(0, reset ? closesocket(near[1]) : shutdown(near[1], SD_SEND));
		if (!reset)
			ASSERT_EQ(0, shutdown(near[0], SD_SEND));
		net_sleep(50);
		for (int i = 0; i < 2 - reset; i++) {
			size = sizeof(name);
			EXPECT_EQ(0, getpeername(near[i], (struct sockaddr *)&name, &size));
			EXPECT_EQ(sizeof(name), size);
			EXPECT_EQ(htonl(INADDR_LOOPBACK), name.sin_addr.s_addr);
			if (!i)
				EXPECT_EQ(htons(self->port), name.sin_port);
			EXPECT_EQ(0, shutdown(near[i], SD_BOTH));
			closesocket(near[i]);
		}
		self->client = open_pair(self->listener, self->port, &self->server);
	}
	/* A socket that never had a peer has none. */
	{
		SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
		struct sockaddr_in name = loopback(1);
		int size = sizeof(name);

		EXPECT_WSA(WSAECONNREFUSED, connect(s, (struct sockaddr *)&name, sizeof(name)));
		EXPECT_WSA(WSAENOTCONN, getpeername(s, (struct sockaddr *)&name, &size));
		EXPECT_WSA(WSAENOTCONN, shutdown(s, SD_BOTH));
	}
}

TEST_HARNESS_MAIN
