// SPDX-License-Identifier: GPL-2.0-only
/* WSADuplicateSocket: a socket for another process. */
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

		/* Nothing inherited: it comes by the structure alone. */
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
	/* It is not for us, and when the socket is closed for nobody. */
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

TEST_HARNESS_MAIN
