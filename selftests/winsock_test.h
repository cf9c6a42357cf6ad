/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of the library's tests: WSAStartup() done, a network of its own, connections. */
#ifndef WINSOCK_TEST_H
#define WINSOCK_TEST_H

#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "net.h"
#include "wire.h"

#include <winsock_ext.h>

DEV_REQUIRED;

#define EXPECT_WSA(error, call) do { \
	WSASetLastError(0); \
	EXPECT_EQ(SOCKET_ERROR, call); \
	EXPECT_EQ(error, WSAGetLastError()); \
} while (0)

FIXTURE(winsock) {
	SOCKET listener;
	uint16_t port;
	SOCKET client;		/* connected to server */
	SOCKET server;
	uint16_t client_port;
	struct wire wire;
};

static inline struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return name;
}

/* Open a connection of library sockets, whose server takes little unread data. */
static inline SOCKET open_pair(SOCKET listener, uint16_t port, SOCKET *server)
{
	struct sockaddr_in name = loopback(port);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(s, (struct sockaddr *)&name, sizeof(name)))
		return INVALID_SOCKET;
	*server = accept(listener, NULL, NULL);
	return s;
}

FIXTURE_SETUP(winsock)
{
	struct sockaddr_in name;
	int size = sizeof(name);
	WSADATA data;

	net_enter();
	wire_open(&self->wire);
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	self->listener = net_listen(NET_V4, &self->port);
	self->client = open_pair(self->listener, self->port, &self->server);
	ASSERT_GE(self->client, 0);
	ASSERT_GE(self->server, 0);
	ASSERT_EQ(0, getsockname(self->client, (struct sockaddr *)&name, &size));
	self->client_port = ntohs(name.sin_port);
}

FIXTURE_TEARDOWN(winsock)
{
	WSACleanup();
	wire_close(&self->wire);
}

#define FINS() wire_distinct(&self->wire, self->client_port, self->port, WIRE_FIN)
#define RSTS() wire_count(&self->wire, self->client_port, self->port, WIRE_RST)

static inline void set_linger(SOCKET s, int on, int seconds)
{
	struct linger linger = { on, seconds };

	setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger));
}

static inline void set_nonblock(SOCKET s, u_long on)
{
	ioctlsocket(s, FIONBIO, &on);
}

/* Is an event set soon, or unset for some time? */
static inline bool is_set(WSAEVENT event)
{
	return WSAWaitForMultipleEvents(1, &event, FALSE, 2000, FALSE) == WSA_WAIT_EVENT_0;
}

static inline bool is_unset(WSAEVENT event)
{
	return WSAWaitForMultipleEvents(1, &event, FALSE, 150, FALSE) == WSA_WAIT_TIMEOUT;
}

/* Begin a connect that stays under way: the listener is muted until net_unmute(). */
static inline SOCKET open_connecting(SOCKET listener, uint16_t port)
{
	struct sockaddr_in name = loopback(port);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);

	net_mute(listener);
	set_nonblock(s, 1);
	connect(s, (struct sockaddr *)&name, sizeof(name));
	return s;
}

/* Send until nothing more is accepted, then make the socket blocking. */
static inline size_t stuff(SOCKET s)
{
	static char block[65536];
	size_t sum = 0;
	int sent;

	set_nonblock(s, 1);
	while ((sent = send(s, block, sizeof(block), 0)) > 0)
		sum += sent;
	set_nonblock(s, 0);
	return sum;
}

#endif /* WINSOCK_TEST_H */
