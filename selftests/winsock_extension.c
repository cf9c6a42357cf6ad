// SPDX-License-Identifier: GPL-2.0-only
/* AcceptEx() and ConnectEx(). */
#include <stdatomic.h>

#include "winsock_test.h"

#include <mswsock.h>

#define TO_HANDLE(s)	((HANDLE)(intptr_t)(s))
#define ROOM		(sizeof(struct sockaddr_in) + 16)
#define DATA		64
#define SOON		2000
#define LATE		150

struct accepting {
	WSAOVERLAPPED overlapped;
	SOCKET s;
	char buffer[DATA + 2 * ROOM];
	DWORD received;
};

static SOCKET make(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

/* Returns 0, or the last error. */
static int accept_to(SOCKET listener, struct accepting *accepting, SOCKET s, DWORD data_size)
{
	memset(accepting, 0, sizeof(*accepting));
	accepting->s = s;
	if (AcceptEx(listener, s, accepting->buffer, data_size, ROOM, ROOM, &accepting->received,
		     &accepting->overlapped))
		return 0;
	return WSAGetLastError();
}

static HANDLE port_for(SOCKET s, HANDLE port, ULONG_PTR key)
{
	return CreateIoCompletionPort(TO_HANDLE(s), port, key, 0);
}

struct packet {
	DWORD moved, error;
	ULONG_PTR key;
	LPOVERLAPPED overlapped;
};

static bool take(HANDLE port, struct packet *packet, DWORD ms)
{
	bool fine;

	memset(packet, 0, sizeof(*packet));
	fine = GetQueuedCompletionStatus(port, &packet->moved, &packet->key, &packet->overlapped,
					 ms);
	packet->error = fine ? 0 : GetLastError();
	return packet->overlapped;
}

static SOCKET connect_to(uint16_t port)
{
	struct sockaddr_in name = loopback(port);
	SOCKET s = make();

	return connect(s, (struct sockaddr *)&name, sizeof(name)) ? INVALID_SOCKET : s;
}

static LPFN_CONNECTEX connect_ex(SOCKET s)
{
	GUID id = WSAID_CONNECTEX;
	LPFN_CONNECTEX function = NULL;
	DWORD size;

	WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &function,
		 sizeof(function), &size, NULL, NULL);
	return function;
}

static void bind_any(SOCKET s)
{
	struct sockaddr_in name = loopback(0);

	bind(s, (struct sockaddr *)&name, sizeof(name));
}

static uint16_t own_port(SOCKET s)
{
	struct sockaddr_in name = { 0 };
	int size = sizeof(name);

	getsockname(s, (struct sockaddr *)&name, &size);
	return ntohs(name.sin_port);
}

static int linger_of(SOCKET s)
{
	struct linger linger = { 0 };
	int size = sizeof(linger);

	getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, &size);
	return linger.l_onoff ? linger.l_linger : -1;
}

TEST_F(winsock, a_connection_takes_the_sockets_place)
{
	HANDLE port = port_for(self->listener, NULL, 7);
	struct sockaddr *local, *remote;
	int local_size, remote_size;
	struct accepting accepting;
	struct packet packet;
	WSAOVERLAPPED receive = { 0 };
	WSABUF buffer = { DATA, accepting.buffer };
	DWORD flags = 0;
	char byte;
	SOCKET s = make(), peer;

	ASSERT_EQ(port, port_for(s, port, 8));
	ASSERT_EQ(WSA_IO_PENDING, accept_to(self->listener, &accepting, s, 0));
	EXPECT_FALSE(take(port, &packet, LATE));
	peer = connect_to(self->port);
	ASSERT_TRUE(take(port, &packet, SOON));
	EXPECT_EQ(0, packet.error);
	EXPECT_EQ(0, packet.moved);
	EXPECT_EQ(7, packet.key);
	EXPECT_EQ(&accepting.overlapped, packet.overlapped);
	GetAcceptExSockaddrs(accepting.buffer, 0, ROOM, ROOM, &local, &local_size, &remote,
			     &remote_size);
	ASSERT_EQ((int)sizeof(struct sockaddr_in), local_size);
	ASSERT_EQ((int)sizeof(struct sockaddr_in), remote_size);
	EXPECT_EQ(self->port, ntohs(((struct sockaddr_in *)local)->sin_port));
	EXPECT_EQ(own_port(peer), ntohs(((struct sockaddr_in *)remote)->sin_port));
	/* The socket keeps its port. */
	EXPECT_EQ(SOCKET_ERROR, WSARecv(s, &buffer, 1, NULL, &flags, &receive, NULL));
	EXPECT_EQ(WSA_IO_PENDING, WSAGetLastError());
	EXPECT_EQ(5, send(peer, "hello", 5, 0));
	ASSERT_TRUE(take(port, &packet, SOON));
	EXPECT_EQ(5, packet.moved);
	EXPECT_EQ(8, packet.key);
	EXPECT_EQ(2, send(s, "hi", 2, 0));
	EXPECT_EQ(1, recv(peer, &byte, 1, 0));
	EXPECT_EQ(0, closesocket(s));
	EXPECT_EQ(1, recv(peer, &byte, 1, 0));
	EXPECT_EQ(0, recv(peer, &byte, 1, 0));
}

TEST_F(winsock, who_is_silent_holds_up_nobody)
{
	HANDLE port = port_for(self->listener, NULL, 7);
	struct accepting first, second;
	struct packet packet;
	SOCKET silent, peer;

	ASSERT_EQ(WSA_IO_PENDING, accept_to(self->listener, &first, make(), DATA));
	ASSERT_EQ(WSA_IO_PENDING, accept_to(self->listener, &second, make(), DATA));
	silent = connect_to(self->port);
	EXPECT_FALSE(take(port, &packet, LATE));
	peer = connect_to(self->port);
	ASSERT_EQ(5, send(peer, "hello", 5, 0));
	ASSERT_TRUE(take(port, &packet, SOON));
	EXPECT_EQ(&second.overlapped, packet.overlapped);
	EXPECT_EQ(5, packet.moved);
	EXPECT_EQ(7, packet.key);
	EXPECT_EQ(0, memcmp(second.buffer, "hello", 5));
	ASSERT_EQ(2, send(silent, "hi", 2, 0));
	ASSERT_TRUE(take(port, &packet, SOON));
	EXPECT_EQ(&first.overlapped, packet.overlapped);
	EXPECT_EQ(2, packet.moved);
	/* The end of the connection completes it as data does. */
	ASSERT_EQ(WSA_IO_PENDING, accept_to(self->listener, &first, make(), DATA));
	closesocket(connect_to(self->port));
	ASSERT_TRUE(take(port, &packet, SOON));
	EXPECT_EQ(0, packet.moved);
	EXPECT_EQ(0, packet.error);
}

/* claims: P8 */
TEST_F(winsock, a_close_of_either_socket_ends_it)
{
	struct accepting accepting[4];
	HANDLE port = port_for(self->listener, NULL, 7);
	struct packet packet;
	SOCKET peer;

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(WSA_IO_PENDING, accept_to(self->listener, &accepting[i], make(), DATA));
	/* One operation has its connection, and waits for data. */
	peer = connect_to(self->port);
	EXPECT_FALSE(take(port, &packet, LATE));
	EXPECT_EQ(0, closesocket(accepting[2].s));
	ASSERT_TRUE(take(port, &packet, SOON));
	EXPECT_EQ(&accepting[2].overlapped, packet.overlapped);
	EXPECT_EQ(WSA_OPERATION_ABORTED, packet.error);
	EXPECT_TRUE(CancelIoEx(TO_HANDLE(self->listener), &accepting[1].overlapped));
	ASSERT_TRUE(take(port, &packet, SOON));
	EXPECT_EQ(&accepting[1].overlapped, packet.overlapped);
	EXPECT_EQ(0, closesocket(self->listener));
	for (int i = 0; i < 2; i++) {
		ASSERT_TRUE(take(port, &packet, SOON));
		EXPECT_EQ(WSA_OPERATION_ABORTED, packet.error);
		EXPECT_NE(&accepting[1].overlapped, packet.overlapped);
	}
	EXPECT_FALSE(take(port, &packet, 0));
	/* The sockets are as before, and can be used again. */
	self->listener = net_listen(NET_V4, &self->port);
	port_for(self->listener, port, 9);
	ASSERT_EQ(WSA_IO_PENDING, accept_to(self->listener, &accepting[1], accepting[1].s, 0));
	EXPECT_GE(connect_to(self->port), 0);
	ASSERT_TRUE(take(port, &packet, SOON));
	EXPECT_EQ(9, packet.key);
	closesocket(peer);
}

/* claims: O21 */
TEST_F(winsock, it_keeps_its_own_options_until_it_is_asked_for_the_listeners)
{
	HANDLE port = port_for(self->listener, NULL, 7);
	int on = 1, size = sizeof(on), buffer;
	struct accepting accepting;
	struct packet packet;
	SOCKET s = make();

	set_linger(self->listener, 1, 3);
	set_linger(s, 1, 7);
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, (char *)&on, sizeof(on));
	setsockopt(s, SOL_SOCKET, SO_RCVBUF, (char *)&(int){ 9000 }, sizeof(int));
	set_nonblock(s, 1);
	EXPECT_WSA(WSAENOTCONN, setsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
					   (char *)&self->listener, sizeof(SOCKET)));
	ASSERT_EQ(WSA_IO_PENDING, accept_to(self->listener, &accepting, s, 0));
	connect_to(self->port);
	ASSERT_TRUE(take(port, &packet, SOON));
	EXPECT_EQ(7, linger_of(s));
	on = 0;
	EXPECT_EQ(0, getsockopt(s, IPPROTO_TCP, TCP_NODELAY, (char *)&on, &size));
	EXPECT_EQ(1, on);
	size = sizeof(buffer);
	EXPECT_EQ(0, getsockopt(s, SOL_SOCKET, SO_RCVBUF, (char *)&buffer, &size));
	EXPECT_EQ(18000, buffer);
	EXPECT_WSA(WSAEWOULDBLOCK, recv(s, accepting.buffer, 1, 0));
	EXPECT_WSA(WSAEINVAL, setsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (char *)&s,
					 sizeof(SOCKET)));
	EXPECT_WSA(WSAEFAULT, setsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, NULL, 0));
	EXPECT_EQ(0, setsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
				(char *)&self->listener, sizeof(SOCKET)));
	EXPECT_EQ(3, linger_of(s));
}

TEST_F(winsock, what_is_no_use_is_refused)
{
	SOCKET bound = make(), other = socket(AF_INET6, SOCK_STREAM, 0), s = make();
	struct accepting accepting, again;
	GUID id = { 0 };
	void *function;
	DWORD size;

	bind_any(bound);
	EXPECT_EQ(WSAENOTSOCK, accept_to(-1, &accepting, s, 0));
	EXPECT_EQ(WSAENOTSOCK, accept_to(self->listener, &accepting, 999, 0));
	EXPECT_EQ(WSAEINVAL, accept_to(bound, &accepting, s, 0));
	EXPECT_EQ(WSAEINVAL, accept_to(self->listener, &accepting, bound, 0));
	EXPECT_EQ(WSAEINVAL, accept_to(self->listener, &accepting, other, 0));
	EXPECT_EQ(WSAEINVAL, accept_to(self->listener, &accepting, self->client, 0));
	EXPECT_EQ(WSAEINVAL, accept_to(self->listener, &accepting, self->listener, 0));
	EXPECT_FALSE(AcceptEx(self->listener, s, accepting.buffer, 0, ROOM - 1, ROOM, NULL,
			      &accepting.overlapped));
	EXPECT_EQ(WSAEFAULT, WSAGetLastError());
	EXPECT_FALSE(AcceptEx(self->listener, s, NULL, 0, ROOM, ROOM, NULL,
			      &accepting.overlapped));
	EXPECT_EQ(WSAEFAULT, WSAGetLastError());
	EXPECT_FALSE(AcceptEx(self->listener, s, accepting.buffer, 0, ROOM, ROOM, NULL, NULL));
	EXPECT_EQ(ERROR_INVALID_PARAMETER, WSAGetLastError());
	ASSERT_EQ(WSA_IO_PENDING, accept_to(self->listener, &accepting, s, 0));
	EXPECT_EQ(WSAEINVAL, accept_to(self->listener, &again, s, 0));
	EXPECT_WSA(WSAEINVAL, WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id),
				       &function, sizeof(function), &size, NULL, NULL));
	EXPECT_WSA(WSAEFAULT, WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, 3,
				       &function, sizeof(function), &size, NULL, NULL));
}

TEST_F(winsock, events_go_on_with_the_connection)
{
	WSAEVENT event = WSACreateEvent(), done = WSACreateEvent();
	struct accepting accepting = { .s = make() };
	WSANETWORKEVENTS events;
	SOCKET peer;

	ASSERT_EQ(0, WSAEventSelect(accepting.s, event, FD_READ | FD_CLOSE));
	accepting.overlapped.hEvent = done;
	EXPECT_FALSE(AcceptEx(self->listener, accepting.s, accepting.buffer, 0, ROOM, ROOM, NULL,
			      &accepting.overlapped));
	peer = connect_to(self->port);
	EXPECT_TRUE(is_set(done));
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(1, send(peer, "x", 1, 0));
	EXPECT_TRUE(is_set(event));
	ASSERT_EQ(0, WSAEnumNetworkEvents(accepting.s, event, &events));
	EXPECT_EQ(FD_READ, events.lNetworkEvents);
	EXPECT_EQ(1, recv(accepting.s, accepting.buffer, 8, 0));
	closesocket(peer);
	EXPECT_TRUE(is_set(event));
	ASSERT_EQ(0, WSAEnumNetworkEvents(accepting.s, event, &events));
	EXPECT_EQ(FD_CLOSE, events.lNetworkEvents);
}

/* A server takes FD_ACCEPT for: no AcceptEx() is left. */
TEST_F(winsock, what_no_operation_accepts_is_told_each_time)
{
	WSAEVENT event = WSACreateEvent();
	struct accepting accepting;
	WSANETWORKEVENTS events;
	DWORD moved, flags;

	ASSERT_EQ(0, WSAEventSelect(self->listener, event, FD_ACCEPT));
	for (int i = 0; i < 3; i++) {
		SOCKET s[2];

		/* One waits here when the operation begins, from the second round on. */
		accept_to(self->listener, &accepting, make(), 0);
		s[0] = connect_to(self->port);
		EXPECT_TRUE(WSAGetOverlappedResult(self->listener, &accepting.overlapped, &moved,
						   TRUE, &flags));
		if (!i) {
			EXPECT_TRUE(is_unset(event));
			s[1] = connect_to(self->port);
		}
		EXPECT_TRUE(is_set(event));
		ASSERT_EQ(0, WSAEnumNetworkEvents(self->listener, event, &events));
		EXPECT_EQ(FD_ACCEPT, events.lNetworkEvents);
		EXPECT_TRUE(is_unset(event));
		EXPECT_GE(s[0], 0);
	}
}

TEST_F(winsock, a_connect_with_data_is_one_operation)
{
	struct sockaddr_in name = loopback(self->port);
	LPFN_CONNECTEX function = connect_ex(self->client);
	WSAOVERLAPPED overlapped = { 0 };
	SOCKET s = make(), server;
	struct packet packet;
	DWORD sent = 77;
	char data[8];
	HANDLE port;

	ASSERT_NE(NULL, function);
	EXPECT_FALSE(function(s, (struct sockaddr *)&name, sizeof(name), "hello", 5, &sent,
			      &overlapped));
	EXPECT_EQ(WSAEINVAL, WSAGetLastError());
	bind_any(s);
	port = port_for(s, NULL, 5);
	EXPECT_FALSE(function(s, (struct sockaddr *)&name, sizeof(name), "hello", 5, &sent, NULL));
	EXPECT_EQ(ERROR_INVALID_PARAMETER, WSAGetLastError());
	EXPECT_FALSE(function(s, (struct sockaddr *)&name, 3, "hello", 5, &sent, &overlapped));
	EXPECT_EQ(WSAEFAULT, WSAGetLastError());
	EXPECT_FALSE(function(self->listener, (struct sockaddr *)&name, sizeof(name), NULL, 0,
			      &sent, &overlapped));
	EXPECT_EQ(WSAEINVAL, WSAGetLastError());
	if (!function(s, (struct sockaddr *)&name, sizeof(name), "hello", 5, &sent, &overlapped))
		EXPECT_EQ(WSA_IO_PENDING, WSAGetLastError());
	ASSERT_TRUE(take(port, &packet, SOON));
	EXPECT_EQ(0, packet.error);
	EXPECT_EQ(5, packet.moved);
	EXPECT_EQ(0, setsockopt(s, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0));
	server = accept(self->listener, NULL, NULL);
	EXPECT_EQ(5, recv(server, data, sizeof(data), 0));
	EXPECT_EQ(1, send(server, "y", 1, 0));
	/* The socket blocks, as before. */
	EXPECT_EQ(1, recv(s, data, sizeof(data), 0));
	EXPECT_FALSE(function(s, (struct sockaddr *)&name, sizeof(name), NULL, 0, &sent,
			      &overlapped));
	EXPECT_EQ(WSAEISCONN, WSAGetLastError());
}

TEST_F(winsock, a_connect_that_is_refused_can_be_tried_again)
{
	struct sockaddr_in name = loopback(1);
	LPFN_CONNECTEX function = connect_ex(self->client);
	WSAEVENT event = WSACreateEvent();
	WSAOVERLAPPED overlapped = { 0 };
	WSANETWORKEVENTS events;
	DWORD moved, flags;
	SOCKET s = make();

	bind_any(s);
	ASSERT_EQ(0, WSAEventSelect(s, event, FD_CONNECT));
	if (!function(s, (struct sockaddr *)&name, sizeof(name), NULL, 0, NULL, &overlapped) &&
	    WSAGetLastError() == WSA_IO_PENDING) {
		EXPECT_FALSE(WSAGetOverlappedResult(s, &overlapped, &moved, TRUE, &flags));
	}
	EXPECT_EQ(WSAECONNREFUSED, WSAGetLastError());
	EXPECT_TRUE(is_set(event));
	ASSERT_EQ(0, WSAEnumNetworkEvents(s, event, &events));
	EXPECT_EQ(FD_CONNECT, events.lNetworkEvents);
	EXPECT_EQ(WSAECONNREFUSED, events.iErrorCode[FD_CONNECT_BIT]);
	name = loopback(self->port);
	if (!function(s, (struct sockaddr *)&name, sizeof(name), NULL, 0, NULL, &overlapped))
		EXPECT_EQ(WSA_IO_PENDING, WSAGetLastError());
	EXPECT_TRUE(WSAGetOverlappedResult(s, &overlapped, &moved, TRUE, &flags));
	EXPECT_EQ(1, send(s, "x", 1, 0));
}

/* claims: P9 */
TEST_F(winsock, a_close_ends_the_attempt_to_connect)
{
	struct sockaddr_in name = loopback(self->port);
	LPFN_CONNECTEX function = connect_ex(self->client);
	WSAOVERLAPPED overlapped = { 0 };
	struct packet packet;
	SOCKET s = make();
	uint16_t port;
	HANDLE queue;

	bind_any(s);
	port = own_port(s);
	queue = port_for(s, NULL, 5);
	net_mute(self->listener);
	EXPECT_FALSE(function(s, (struct sockaddr *)&name, sizeof(name), "hello", 5, NULL,
			      &overlapped));
	EXPECT_EQ(WSA_IO_PENDING, WSAGetLastError());
	EXPECT_FALSE(take(queue, &packet, LATE));
	EXPECT_EQ(0, closesocket(s));
	ASSERT_TRUE(take(queue, &packet, SOON));
	EXPECT_EQ(WSA_OPERATION_ABORTED, packet.error);
	net_unmute(self->listener);
	EXPECT_EQ(0, net_left(port, self->port));
}

/* An event is all that a listener without a port has, whatever the socket is bound to. */
TEST_F(winsock, a_listener_without_a_port_completes_to_none)
{
	struct accepting accepting;
	struct packet packet;
	SOCKET s = make(), client;
	HANDLE port = port_for(s, NULL, 77);
	WSAEVENT event = WSACreateEvent();
	DWORD received;

	memset(&accepting, 0, sizeof(accepting));
	accepting.overlapped.hEvent = event;
	EXPECT_FALSE(AcceptEx(self->listener, s, accepting.buffer, DATA, ROOM, ROOM, &received,
			      &accepting.overlapped));
	EXPECT_EQ(ERROR_IO_PENDING, WSAGetLastError());
	client = connect_to(self->port);
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(2, send(client, "hi", 2, 0));
	EXPECT_TRUE(is_set(event));
	EXPECT_FALSE(take(port, &packet, LATE));
}

#define CLIENTS		3
#define CONNECTIONS	100
#define STOP		1

struct serving {
	struct accepting accepting;
	_Atomic bool pending;
};

static struct server {
	SOCKET listener;
	HANDLE port;
	uint16_t number;
	struct serving serving[2];
	_Atomic int served, wrong;
} server;

static void serve(struct serving *serving)
{
	serving->pending = true;
	if (accept_to(server.listener, &serving->accepting, make(), 8) != ERROR_IO_PENDING)
		server.wrong++;
}

static void *work(void *unused)
{
	struct serving *serving;
	struct packet packet;

	while (take(server.port, &packet, INFINITE) && packet.key != STOP) {
		serving = (struct serving *)packet.overlapped;
		if (!atomic_exchange(&serving->pending, false) || packet.error ||
		    packet.moved != 2 ||
		    setsockopt(serving->accepting.s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
			       (char *)&server.listener, sizeof(server.listener)))
			server.wrong++;
		closesocket(serving->accepting.s);
		server.served++;
		serve(serving);
	}
	return NULL;
}

static void *visit(void *unused)
{
	SOCKET s;
	char byte;

	for (int i = 0; i < CONNECTIONS; i++) {
		s = connect_to(server.number);
		if (send(s, "hi", 2, 0) != 2 || recv(s, &byte, 1, 0))
			server.wrong++;
		closesocket(s);
	}
	return NULL;
}

/* While one worker hands a connection on another one begins to accept the next. */
TEST_F(winsock, each_connection_of_two_workers_completes_once)
{
	pthread_t workers[2], clients[CLIENTS];

	for (int count = 1; count <= 2; count++) {
		memset(&server, 0, sizeof(server));
		server.listener = net_listen(NET_V4, &server.number);
		server.port = port_for(server.listener, NULL, 0);
		for (int i = 0; i < count; i++)
			serve(&server.serving[i]);
		for (int i = 0; i < 2; i++)
			ASSERT_EQ(0, pthread_create(&workers[i], NULL, work, NULL));
		for (int i = 0; i < CLIENTS; i++)
			ASSERT_EQ(0, pthread_create(&clients[i], NULL, visit, NULL));
		for (int i = 0; i < CLIENTS; i++)
			ASSERT_EQ(0, pthread_join(clients[i], NULL));
		for (int i = 0; i < 2; i++)
			PostQueuedCompletionStatus(server.port, 0, STOP,
						   &server.serving[0].accepting.overlapped);
		for (int i = 0; i < 2; i++)
			ASSERT_EQ(0, pthread_join(workers[i], NULL));
		EXPECT_EQ(CLIENTS * CONNECTIONS, server.served);
		EXPECT_EQ(0, server.wrong);
		ASSERT_EQ(0, closesocket(server.listener));
	}
}

TEST_HARNESS_MAIN
