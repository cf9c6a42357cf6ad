// SPDX-License-Identifier: GPL-2.0-only
/* Network events: which are signalled, when, and that a close ends them. */
#include <netinet/tcp.h>

#include "winsock_test.h"

#define ANY_EVENT (FD_READ | FD_WRITE | FD_OOB | FD_ACCEPT | FD_CONNECT | FD_CLOSE)

/* Returns what has happened, and clears it. */
static long happened(SOCKET s, WSAEVENT event, int bit, int *error)
{
	WSANETWORKEVENTS events;

	if (WSAEnumNetworkEvents(s, event, &events))
		return -1;
	*error = events.iErrorCode[bit];
	return events.lNetworkEvents;
}

TEST_F(winsock, reading_is_told_again_after_a_receive_that_leaves_data)
{
	WSAEVENT event = WSACreateEvent();
	char data[16];
	int error;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ));
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_READ, happened(self->client, event, FD_READ_BIT, &error));
	EXPECT_EQ(0, error);
	/* The event is signalled once, until the data is read. */
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(5, send(self->server, "again", 5, 0));
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(3, recv(self->client, data, 3, 0));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_READ, happened(self->client, event, FD_READ_BIT, &error));
	ASSERT_EQ(7, recv(self->client, data, 16, 0));
	EXPECT_TRUE(is_unset(event));
	EXPECT_EQ(0, happened(self->client, event, FD_READ_BIT, &error));
}

TEST_F(winsock, writing_is_told_at_first_and_after_would_block)
{
	static char block[65536];
	WSAEVENT event = WSACreateEvent();
	int error;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_WRITE));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_WRITE, happened(self->client, event, FD_WRITE_BIT, &error));
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	EXPECT_TRUE(is_unset(event));
	while (send(self->client, block, sizeof(block), 0) > 0)
		;
	EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
	EXPECT_TRUE(is_unset(event));
	ASSERT_GT(recv(self->server, block, sizeof(block), 0), 0);
	while (recv(self->server, block, sizeof(block), MSG_DONTWAIT) > 0)
		net_sleep(1);
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_WRITE, happened(self->client, event, FD_WRITE_BIT, &error));
}

/* claims: N11 O22 O24 N12 */
TEST_F(winsock, the_socket_is_non_blocking_and_stays_so)
{
	WSAEVENT event = WSACreateEvent();
	u_long off = 0;
	char byte;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_CLOSE));
	EXPECT_WSA(WSAEWOULDBLOCK, recv(self->client, &byte, 1, 0));
	EXPECT_WSA(WSAEINVAL, ioctlsocket(self->client, FIONBIO, &off));
	stuff(self->client);
	set_linger(self->client, 1, 5);
	EXPECT_WSA(WSAEWOULDBLOCK, closesocket(self->client));
	EXPECT_TRUE(is_unset(event));
	/* The refused close has kept the association. */
	EXPECT_WSA(WSAEINVAL, ioctlsocket(self->client, FIONBIO, &off));
	ASSERT_EQ(0, WSAEventSelect(self->client, NULL, 0));
	EXPECT_WSA(WSAEWOULDBLOCK, recv(self->client, &byte, 1, 0));
	EXPECT_EQ(0, ioctlsocket(self->client, FIONBIO, &off));
	set_linger(self->client, 1, 0);
	EXPECT_EQ(0, closesocket(self->client));
}

/* claims: V4 H7 */
TEST_F(winsock, the_peers_close_is_told_once_and_after_the_data)
{
	WSAEVENT event = WSACreateEvent();
	char data[16];
	int error;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_CLOSE));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	ASSERT_EQ(0, closesocket(self->server));
	EXPECT_TRUE(is_set(event));
	net_sleep(100);
	EXPECT_EQ(FD_READ, happened(self->client, event, FD_CLOSE_BIT, &error));
	EXPECT_EQ(5, recv(self->client, data, 16, 0));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_CLOSE, happened(self->client, event, FD_CLOSE_BIT, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, recv(self->client, data, 16, 0));
	EXPECT_TRUE(is_unset(event));
	EXPECT_EQ(0, happened(self->client, event, FD_CLOSE_BIT, &error));
}

/* claims: H7 H4 V6 */
TEST_F(winsock, the_peers_reset_is_told_with_its_code)
{
	WSAEVENT event = WSACreateEvent();
	char data[16];
	int error;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_CLOSE));
	set_linger(self->server, 1, 0);
	ASSERT_EQ(0, closesocket(self->server));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_CLOSE, happened(self->client, event, FD_CLOSE_BIT, &error));
	EXPECT_EQ(WSAECONNABORTED, error);
	for (int i = 0; i < 2; i++)
		EXPECT_WSA(WSAECONNRESET, recv(self->client, data, 16, 0));
	EXPECT_TRUE(is_unset(event));
}

/* claims: V5 */
TEST_F(winsock, sending_to_a_peer_that_has_closed)
{
	WSABUF buffer = { 1, (char[1]){ 0 } };
	WSAOVERLAPPED overlapped = { 0 };
	DWORD flags = 0;
	char byte;

	for (int first_receives = 0; first_receives < 3; first_receives++) {
		ASSERT_EQ(0, closesocket(self->server));
		net_sleep(50);
		EXPECT_EQ(0, recv(self->client, &byte, 1, 0));
		ASSERT_EQ(1, send(self->client, "x", 1, 0));
		net_sleep(50);
		/* Each kind of call may be the first to find the reset. */
		if (first_receives == 2)
			EXPECT_WSA(WSAECONNABORTED, WSARecv(self->client, &buffer, 1, NULL, &flags,
							    &overlapped, NULL));
		else if (first_receives)
			EXPECT_WSA(WSAECONNABORTED, recv(self->client, &byte, 1, 0));
		for (int i = 0; i < 2; i++) {
			EXPECT_WSA(WSAECONNABORTED, send(self->client, "x", 1, 0));
			EXPECT_WSA(WSAECONNABORTED, recv(self->client, &byte, 1, 0));
		}
		closesocket(self->client);
		self->client = open_pair(self->listener, self->port, &self->server);
	}
}

/* claims: V1 V2 */
TEST_F(winsock, a_close_ends_the_association_and_tells_nothing)
{
	WSAEVENT event = WSACreateEvent();
	SOCKET again;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_CLOSE));
	ASSERT_EQ(0, closesocket(self->client));
	ASSERT_EQ(0, closesocket(self->server));
	EXPECT_TRUE(is_unset(event));
	/* The next socket with the number has no event, either. */
	again = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_TRUE(is_unset(event));
	EXPECT_EQ(0, closesocket(again));
	/* The event still belongs to the program. */
	EXPECT_TRUE(WSASetEvent(event));
	EXPECT_TRUE(is_set(event));
	EXPECT_TRUE(WSACloseEvent(event));
}

TEST_F(winsock, connecting_and_accepting)
{
	struct sockaddr_in name = loopback(self->port);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0), accepted;
	WSAEVENT event = WSACreateEvent(), listening = WSACreateEvent();
	int error;
	char byte;

	ASSERT_EQ(0, WSAEventSelect(self->listener, listening, FD_ACCEPT | FD_READ | FD_CLOSE));
	ASSERT_EQ(0, WSAEventSelect(s, event, ANY_EVENT));
	EXPECT_TRUE(is_unset(event));
	EXPECT_WSA(WSAEWOULDBLOCK, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_TRUE(is_set(event));
	net_sleep(50);
	EXPECT_EQ(FD_CONNECT | FD_WRITE, happened(s, event, FD_CONNECT_BIT, &error));
	EXPECT_EQ(0, error);
	EXPECT_TRUE(is_set(listening));
	EXPECT_EQ(FD_ACCEPT, happened(self->listener, listening, FD_ACCEPT_BIT, &error));
	accepted = accept(self->listener, NULL, NULL);
	ASSERT_NE(INVALID_SOCKET, accepted);
	/* The accepted socket is non-blocking and associated like its listener. */
	EXPECT_WSA(WSAEWOULDBLOCK, recv(accepted, &byte, 1, 0));
	EXPECT_TRUE(is_unset(listening));
	ASSERT_EQ(1, send(s, "x", 1, 0));
	EXPECT_TRUE(is_set(listening));
	EXPECT_EQ(FD_READ, happened(accepted, listening, FD_READ_BIT, &error));
	/* No socket listens there. */
	ASSERT_EQ(0, closesocket(s));
	s = socket(AF_INET, SOCK_STREAM, 0);
	name.sin_port = htons(1);
	ASSERT_EQ(0, WSAEventSelect(s, event, FD_CONNECT));
	EXPECT_WSA(WSAEWOULDBLOCK, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_CONNECT, happened(s, event, FD_CONNECT_BIT, &error));
	EXPECT_EQ(WSAECONNREFUSED, error);
}

TEST_F(winsock, refusals)
{
	WSAEVENT event = WSACreateEvent();
	WSANETWORKEVENTS events;

	EXPECT_WSA(WSAEINVAL, WSAEventSelect(self->client, NULL, FD_READ));
	EXPECT_WSA(WSAEINVAL, WSAEventSelect(self->client, event, 1 << 20));
	EXPECT_WSA(WSAENOTSOCK, WSAEventSelect(999, event, FD_READ));
	EXPECT_WSA(WSAENOTSOCK, WSAEnumNetworkEvents(999, event, &events));
	EXPECT_WSA(WSAEFAULT, WSAEnumNetworkEvents(self->client, event, NULL));
	/* A failed call changes nothing, not even the mode. */
	EXPECT_EQ(0, WSAEnumNetworkEvents(self->client, NULL, &events));
	EXPECT_EQ(0, events.lNetworkEvents);
}

TEST_F(winsock, a_connect_that_was_under_way_before_is_told_when_it_ends)
{
	SOCKET s = open_connecting(self->listener, self->port);
	WSAEVENT event = WSACreateEvent();
	int error;

	EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
	ASSERT_EQ(0, WSAEventSelect(s, event, FD_CONNECT | FD_WRITE | FD_CLOSE));
	EXPECT_TRUE(is_unset(event));
	/* Associate once more while the connect is under way. */
	ASSERT_EQ(0, WSAEventSelect(s, event, ANY_EVENT));
	EXPECT_TRUE(is_unset(event));
	net_unmute(self->listener);
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(1, &event, FALSE, 10000, FALSE));
	net_sleep(50);
	EXPECT_EQ(FD_CONNECT | FD_WRITE, happened(s, event, FD_CONNECT_BIT, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, send(s, "x", 1, 0));
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(0, closesocket(s));
	/* The same with a connect that fails. */
	s = open_connecting(self->listener, self->port);
	ASSERT_EQ(0, WSAEventSelect(s, event, FD_CONNECT | FD_WRITE));
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(0, closesocket(self->listener));
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(1, &event, FALSE, 10000, FALSE));
	EXPECT_EQ(FD_CONNECT, happened(s, event, FD_CONNECT_BIT, &error));
	EXPECT_EQ(WSAECONNREFUSED, error);
}

TEST_F(winsock, a_connect_that_has_failed_before_is_told_and_keeps_its_error)
{
	const long masks[] = { 0, FD_READ | FD_WRITE, FD_CONNECT };
	struct sockaddr_in name = loopback(1);
	WSAEVENT event = WSACreateEvent();

	for (int i = 0; i < 3; i++) {
		SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
		int error, size = sizeof(error);

		set_nonblock(s, 1);
		ASSERT_EQ(0, WSAEventSelect(s, event, masks[i]));
		EXPECT_WSA(WSAEWOULDBLOCK, connect(s, (struct sockaddr *)&name, sizeof(name)));
		EXPECT_EQ(masks[i] != FD_CONNECT, is_unset(event));
		ASSERT_EQ(0, WSAEventSelect(s, event, FD_CONNECT | FD_WRITE));
		EXPECT_TRUE(is_set(event));
		EXPECT_EQ(FD_CONNECT, happened(s, event, FD_CONNECT_BIT, &error));
		EXPECT_EQ(WSAECONNREFUSED, error);
		/* The event does not take it from the program. */
		EXPECT_EQ(0, getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&error, &size));
		EXPECT_EQ(WSAECONNREFUSED, error);
		ASSERT_EQ(0, WSAEventSelect(s, event, FD_CONNECT | FD_READ));
		EXPECT_TRUE(is_unset(event));
		name.sin_port = htons(self->port);
		connect(s, (struct sockaddr *)&name, sizeof(name));
		EXPECT_TRUE(is_set(event));
		EXPECT_EQ(FD_CONNECT, happened(s, event, FD_CONNECT_BIT, &error));
		EXPECT_EQ(0, error);
		EXPECT_EQ(0, getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&error, &size));
		EXPECT_EQ(0, error);
		name.sin_port = htons(1);
		ASSERT_EQ(0, closesocket(s));
	}
}

TEST_F(winsock, what_was_accepted_has_not_connected)
{
	WSAEVENT event = WSACreateEvent();
	int error;

	ASSERT_EQ(0, WSAEventSelect(self->server, event, ANY_EVENT));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_WRITE, happened(self->server, event, FD_WRITE_BIT, &error));
}

/* Only Linux' send() moves a part; the program waits for room all the same. */
TEST_F(winsock, writing_is_told_after_a_part_and_after_nothing)
{
	WSAEVENT event = WSACreateEvent();
	static char block[16 << 20];
	int error, sent;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_WRITE));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_WRITE, happened(self->client, event, FD_WRITE_BIT, &error));
	EXPECT_TRUE(is_unset(event));
	EXPECT_EQ(0, send(self->client, block, 0, 0));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_WRITE, happened(self->client, event, FD_WRITE_BIT, &error));
	sent = send(self->client, block, sizeof(block), 0);
	ASSERT_GT(sent, 0);
	ASSERT_LT(sent, sizeof(block));
	EXPECT_TRUE(is_unset(event));
	while (sent > 0)
		sent -= recv(self->server, block, sizeof(block), 0);
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_WRITE, happened(self->client, event, FD_WRITE_BIT, &error));
}

TEST_F(winsock, an_association_that_comes_late_is_told_what_is_there)
{
	WSAEVENT event = WSACreateEvent();
	char data[16];
	int error;

	/* Both FINs are exchanged, and data is there. */
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	ASSERT_EQ(0, shutdown(self->server, SD_SEND));
	ASSERT_EQ(0, shutdown(self->client, SD_SEND));
	net_sleep(100);
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_CLOSE));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_READ, happened(self->client, event, FD_READ_BIT, &error));
	EXPECT_EQ(5, recv(self->client, data, 16, 0));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_CLOSE, happened(self->client, event, FD_CLOSE_BIT, &error));
	EXPECT_EQ(0, error);
	closesocket(self->client);
	/* Reset either end. */
	for (int accepted = 0; accepted < 2; accepted++) {
		SOCKET near, far, server = -1, client = open_pair(self->listener, self->port, &server);

		near = accepted ? server : client;
		far = accepted ? client : server;
		set_linger(far, 1, 0);
		ASSERT_EQ(0, closesocket(far));
		net_sleep(50);
		ASSERT_EQ(0, WSAEventSelect(near, event, FD_READ | FD_CLOSE));
		EXPECT_TRUE(is_set(event));
		EXPECT_EQ(FD_CLOSE, happened(near, event, FD_CLOSE_BIT, &error));
		EXPECT_EQ(WSAECONNABORTED, error);
		EXPECT_WSA(WSAECONNRESET, recv(near, data, 16, 0));
		closesocket(near);
	}
}

TEST_F(winsock, another_choice_of_events_tells_nothing_twice)
{
	WSAEVENT event = WSACreateEvent(), other = WSACreateEvent();
	char data[16];
	int error;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_WRITE));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	net_sleep(100);
	EXPECT_EQ(FD_READ | FD_WRITE, happened(self->client, event, FD_READ_BIT, &error));
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_WRITE | FD_CLOSE));
	EXPECT_TRUE(is_unset(event));
	/*
	 * An event that was signalled to the former object, and not fetched, is signalled to the
	 * new one.
	 */
	EXPECT_EQ(3, recv(self->client, data, 3, 0));
	EXPECT_TRUE(is_set(event));
	ASSERT_EQ(0, WSAEventSelect(self->client, other, FD_READ));
	EXPECT_TRUE(is_set(other));
	/* After the program has read the data it is not signalled any more. */
	EXPECT_EQ(2, recv(self->client, data, 3, 0));
	EXPECT_EQ(0, happened(self->client, other, FD_READ_BIT, &error));
	/* A loop that ends its association and begins another one gets the end. */
	ASSERT_EQ(0, WSAEventSelect(self->client, NULL, 0));
	ASSERT_EQ(0, closesocket(self->server));
	net_sleep(50);
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_CLOSE));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_CLOSE, happened(self->client, event, FD_CLOSE_BIT, &error));
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_WRITE | FD_CLOSE));
	EXPECT_TRUE(is_unset(event));
}

TEST_F(winsock, a_connection_that_is_there_is_told_once)
{
	WSAEVENT event = WSACreateEvent();
	int error;

	/* An association that asks for FD_CONNECT later gets it, too. */
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ));
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_CONNECT | FD_WRITE));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_CONNECT | FD_WRITE, happened(self->client, event, FD_CONNECT_BIT, &error));
	EXPECT_EQ(0, error);
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_CONNECT));
	EXPECT_TRUE(is_unset(event));
}

/* claims: X5 */
TEST_F(winsock, the_own_end_of_receiving_is_no_close_of_the_peer)
{
	static const int ways[] = { SD_RECEIVE, SD_BOTH };
	WSAEVENT event = WSACreateEvent();
	int error;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_CLOSE));
		ASSERT_EQ(0, shutdown(self->client, ways[i]));
		EXPECT_TRUE(is_unset(event));
		ASSERT_EQ(0, closesocket(self->server));
		EXPECT_TRUE(is_set(event));
		EXPECT_EQ(FD_CLOSE, happened(self->client, event, FD_CLOSE_BIT, &error));
		EXPECT_EQ(0, error);
		ASSERT_EQ(0, closesocket(self->client));
		self->client = open_pair(self->listener, self->port, &self->server);
	}
}

#define EXPECT_NO_CONNECT(s, event) do { \
	int error_; \
	EXPECT_TRUE(is_unset(event)); \
	EXPECT_EQ(0, happened(s, event, FD_CONNECT_BIT, &error_)); \
} while (0)

TEST_F(winsock, a_connect_that_does_not_begin_is_told_by_the_call_alone)
{
	struct sockaddr_in name = loopback(self->port);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	WSAEVENT event = WSACreateEvent();
	int error;

	ASSERT_EQ(0, WSAEventSelect(s, event, FD_CONNECT | FD_WRITE | FD_CLOSE));
	EXPECT_NO_CONNECT(s, event);
	/* There is no route. */
	name.sin_addr.s_addr = htonl(0x0a000001);
	EXPECT_WSA(WSAENETUNREACH, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_NO_CONNECT(s, event);
	EXPECT_WSA(WSAEFAULT, connect(s, (struct sockaddr *)8, sizeof(name)));
	EXPECT_NO_CONNECT(s, event);
	/* The socket can still connect, and that is signalled; a second one is not. */
	name = loopback(self->port);
	EXPECT_WSA(WSAEWOULDBLOCK, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_TRUE(is_set(event));
	net_sleep(50);
	EXPECT_EQ(FD_CONNECT | FD_WRITE, happened(s, event, FD_CONNECT_BIT, &error));
	EXPECT_EQ(0, error);
	EXPECT_WSA(WSAEISCONN, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_NO_CONNECT(s, event);
}

TEST_F(winsock, a_datagram_sockets_error_is_left_to_the_call)
{
	SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name = loopback(1);
	WSAEVENT event = WSACreateEvent();
	char byte;
	int error;

	/* No socket has that port, and ICMP reports it. */
	ASSERT_EQ(0, connect(s, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, WSAEventSelect(s, event, FD_READ | FD_CLOSE));
	ASSERT_EQ(1, send(s, "x", 1, 0));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(FD_READ, happened(s, event, FD_READ_BIT, &error));
	EXPECT_WSA(WSAECONNRESET, recv(s, &byte, 1, 0));
	EXPECT_WSA(WSAEWOULDBLOCK, recv(s, &byte, 1, 0));
}

/* claims: H7 H4 */
TEST_F(winsock, a_connection_that_dies_of_silence_does_not_end_well)
{
	WSAEVENT event = WSACreateEvent();
	int ms = 500, error;
	char byte;

	ASSERT_EQ(0, setsockopt(self->client, IPPROTO_TCP, TCP_USER_TIMEOUT, (char *)&ms,
				sizeof(ms)));
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ | FD_CLOSE));
	net_mute(self->server);
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	EXPECT_EQ(WSA_WAIT_EVENT_0, WSAWaitForMultipleEvents(1, &event, FALSE, 20000, FALSE));
	EXPECT_EQ(FD_CLOSE, happened(self->client, event, FD_CLOSE_BIT, &error));
	EXPECT_EQ(WSAECONNABORTED, error);
	/* The library found the error first; the program's calls get it as well, not the end. */
	for (int i = 0; i < 2; i++)
		EXPECT_WSA(WSAECONNABORTED, recv(self->client, &byte, 1, 0));
}

/* Set how many watches a user may have. Returns the former number. */
static long watches(long number)
{
	FILE *file = fopen("/proc/sys/fs/epoll/max_user_watches", "r+");
	long before = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &before) == 1) {
		rewind(file);
		fprintf(file, "%ld\n", number);
	}
	fclose(file);
	return before;
}

TEST_F(winsock, what_cannot_be_watched_is_refused)
{
	WSAEVENT event = WSACreateEvent(), told = WSACreateEvent();
	long before;

	/* Make the library's own watches first. */
	ASSERT_EQ(0, WSAEventSelect(self->server, event, FD_CLOSE));
	before = watches(0);
	ASSERT_GT(before, 0);
	EXPECT_WSA(WSAENOBUFS, WSAEventSelect(self->client, event, FD_READ));
	/* Another choice of events needs no new watch. */
	EXPECT_EQ(0, WSAEventSelect(self->server, told, FD_READ | FD_CLOSE));
	ASSERT_EQ(0, watches(before));
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	EXPECT_TRUE(is_set(told));
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ));
	EXPECT_TRUE(is_set(event));
}

TEST_HARNESS_MAIN
