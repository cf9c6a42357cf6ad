// SPDX-License-Identifier: GPL-2.0-only
/* WSAIoctl(), and inheritance of handles. */
#include "winsock_test.h"

#include <fcntl.h>
#include <mstcpip.h>
#include <unistd.h>

#define NOTHING NULL, 0
#define PLAIN NULL, NULL

static int native(SOCKET s, int level, int name)
{
	int value = -1, size = sizeof(value);

	getsockopt(s, level, name, (char *)&value, &size);
	return value;
}

TEST_F(winsock, the_mode_and_what_is_there)
{
	ULONG number = 1;
	DWORD size = 77;
	char byte;

	ASSERT_EQ(0, WSAIoctl(self->client, FIONBIO, &number, sizeof(number), NOTHING, &size,
			      PLAIN));
	EXPECT_EQ(0, size);
	EXPECT_WSA(WSAEWOULDBLOCK, recv(self->client, &byte, 1, 0));
	ASSERT_EQ(3, send(self->server, "abc", 3, 0));
	ASSERT_EQ(0, usleep(100000));
	ASSERT_EQ(0, WSAIoctl(self->client, FIONREAD, NOTHING, &number, sizeof(number), &size,
			      PLAIN));
	EXPECT_EQ(3, number);
	EXPECT_EQ(sizeof(number), size);
}

TEST_F(winsock, keepalive_in_milliseconds)
{
	struct tcp_keepalive keepalive = { 1, 61500, 200 };
	DWORD size;

	ASSERT_EQ(0, WSAIoctl(self->client, SIO_KEEPALIVE_VALS, &keepalive, sizeof(keepalive),
			      NOTHING, &size, PLAIN));
	EXPECT_EQ(1, native(self->client, SOL_SOCKET, SO_KEEPALIVE));
	EXPECT_EQ(62, native(self->client, IPPROTO_TCP, TCP_KEEPIDLE));
	EXPECT_EQ(1, native(self->client, IPPROTO_TCP, TCP_KEEPINTVL));
	keepalive.onoff = 0;
	ASSERT_EQ(0, WSAIoctl(self->client, SIO_KEEPALIVE_VALS, &keepalive, sizeof(keepalive),
			      NOTHING, &size, PLAIN));
	EXPECT_EQ(0, native(self->client, SOL_SOCKET, SO_KEEPALIVE));
}

TEST_F(winsock, what_it_refuses)
{
	struct tcp_keepalive keepalive = { 1, 1000, 1000 };
	WSAOVERLAPPED overlapped = { 0 };
	ULONG number;
	DWORD size;

	EXPECT_WSA(WSAENOTSOCK, WSAIoctl(-1, FIONREAD, NOTHING, &number, 4, &size, PLAIN));
	EXPECT_WSA(WSAEFAULT, WSAIoctl(self->client, FIONREAD, NOTHING, &number, 3, &size,
				       PLAIN));
	EXPECT_WSA(WSAEFAULT, WSAIoctl(self->client, FIONBIO, &number, 3, NOTHING, &size,
				       PLAIN));
	EXPECT_WSA(WSAEFAULT, WSAIoctl(self->client, FIONREAD, NOTHING, &number, 4, NULL,
				       PLAIN));
	EXPECT_WSA(WSAEFAULT, WSAIoctl(self->client, SIO_KEEPALIVE_VALS, &keepalive,
				       sizeof(keepalive) - 1, NOTHING, &size, PLAIN));
	EXPECT_WSA(WSAEOPNOTSUPP, WSAIoctl(self->client, 0x98000001U, NOTHING, &number, 4, &size,
					   PLAIN));
	EXPECT_WSA(WSAEOPNOTSUPP, WSAIoctl(self->client, FIONREAD, NOTHING, &number, 4, &size,
					   &overlapped, NULL));
}

TEST_F(winsock, inheritance_is_what_was_asked_for)
{
	HANDLE handle = (HANDLE)(intptr_t)self->client;
	DWORD flags = 77;

	ASSERT_TRUE(SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
	EXPECT_EQ(0, fcntl(self->client, F_GETFD) & FD_CLOEXEC);
	ASSERT_TRUE(GetHandleInformation(handle, &flags));
	EXPECT_EQ(HANDLE_FLAG_INHERIT, flags);
	ASSERT_TRUE(SetHandleInformation(handle, 0, HANDLE_FLAG_INHERIT));
	ASSERT_TRUE(SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0));
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->client, F_GETFD) & FD_CLOEXEC);
	ASSERT_TRUE(GetHandleInformation(handle, &flags));
	EXPECT_EQ(0, flags);

	EXPECT_FALSE(SetHandleInformation(handle, 4, 4));
	EXPECT_EQ(ERROR_INVALID_PARAMETER, GetLastError());
	EXPECT_FALSE(GetHandleInformation((HANDLE)(intptr_t)999, &flags));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
}

TEST_HARNESS_MAIN
