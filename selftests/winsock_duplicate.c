// SPDX-License-Identifier: GPL-2.0-only
/* WSADuplicateSocket: a socket for another process, and a further handle in this one. */
#include <fcntl.h>

#include "winsock_test.h"

/* claims: M4 P6 */
TEST_F(winsock, a_socket_for_another_process)
{
	int channel[2], status, size = sizeof(int);
	WSAPROTOCOL_INFO info;
	pid_t child;

	ASSERT_EQ(0, pipe(channel));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		SOCKET s;

		/* The child inherits no handle: the structure alone gives it one. */
		close(self->client);
		if (read(channel[0], &info, sizeof(info)) != sizeof(info))
			_exit(1);
		s = WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
			      WSA_FLAG_OVERLAPPED);
		if (s == INVALID_SOCKET)
			_exit(2);
		if (send(s, "child", 5, 0) != 5)
			_exit(3);
		_exit(closesocket(s) ? 4 : 0);
	}
	EXPECT_WSA(WSAEFAULT, WSADuplicateSocket(self->client, child, NULL));
	EXPECT_WSA(WSAEINVAL, WSADuplicateSocket(self->client, 0, &info));
	EXPECT_WSA(WSAENOTSOCK, WSADuplicateSocket(channel[0], child, &info));
	ASSERT_EQ(0, WSADuplicateSocket(self->client, child, &info));
	EXPECT_EQ(AF_INET, info.iAddressFamily);
	EXPECT_EQ(SOCK_STREAM, info.iSocketType);
	ASSERT_EQ(sizeof(info), write(channel[1], &info, sizeof(info)));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	/* It is for another process, and after the close of the socket for none. */
	EXPECT_EQ(INVALID_SOCKET, WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
					    FROM_PROTOCOL_INFO, &info, 0, 0));
	EXPECT_EQ(WSAEINVAL, WSAGetLastError());
	EXPECT_EQ(0, getsockopt(self->client, SOL_SOCKET, SO_ERROR, (char *)&status, &size));
	ASSERT_EQ(0, WSADuplicateSocket(self->client, GetCurrentProcessId(), &info));
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_EQ(INVALID_SOCKET, WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
					    FROM_PROTOCOL_INFO, &info, 0, 0));
	EXPECT_EQ(WSAEINVAL, WSAGetLastError());
}

/* claims: A6 A7 A8 P7 */
TEST_F(winsock, the_close_of_no_socket_touches_nobodys_operations)
{
	WSAOVERLAPPED kept = { 0 }, plain = { 0 };
	WSABUF buffers[2] = { { 16, (char[16]){ 0 } }, { 16, (char[16]){ 0 } } };
	SOCKET values[] = { self->client, self->client, -1, 999, 2000000000, 0, 0 };
	DWORD moved, flags = 0;
	WSAPROTOCOL_INFO info;
	SOCKET twin;
	int ends[2];

	ASSERT_EQ(0, pipe(ends));
	values[5] = ends[0];
	values[6] = open("/dev/null", O_RDWR);
	ASSERT_EQ(0, WSADuplicateSocket(self->client, GetCurrentProcessId(), &info));
	twin = WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, 0);
	ASSERT_NE(INVALID_SOCKET, twin);
	EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->client, &buffers[0], 1, NULL, &flags, &kept, NULL));
	EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->server, &buffers[1], 1, NULL, &flags, &plain, NULL));
	/* The handle is closed, and its operation goes on at the other one. */
	ASSERT_EQ(0, closesocket(self->client));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		EXPECT_WSA(WSAENOTSOCK, closesocket(values[i]));
		EXPECT_FALSE(HasOverlappedIoCompleted(&kept));
		EXPECT_FALSE(HasOverlappedIoCompleted(&plain));
	}
	EXPECT_TRUE(net_is_open(values[6]));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	ASSERT_EQ(3, send(twin, "one", 3, 0));
	EXPECT_TRUE(WSAGetOverlappedResult(twin, &kept, &moved, TRUE, &flags));
	EXPECT_EQ(5, moved);
	EXPECT_TRUE(WSAGetOverlappedResult(self->server, &plain, &moved, TRUE, &flags));
	EXPECT_EQ(3, moved);
	EXPECT_EQ(0, memcmp(buffers[0].buf, "hello", 5));
	EXPECT_EQ(0, FINS() + RSTS());
}

TEST_HARNESS_MAIN
