// SPDX-License-Identifier: GPL-2.0-only
/* SO_LINGER and SO_DONTLINGER through the library: values and length rules. */
#include "kselftest_harness.h"

#include "dev.h"
#include "net.h"

#include <winsock2.h>

DEV_REQUIRED;

FIXTURE(options) {
	SOCKET s;
};

FIXTURE_SETUP(options)
{
	WSADATA data;

	net_enter();
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	self->s = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_NE(INVALID_SOCKET, self->s);
}

FIXTURE_TEARDOWN(options)
{
	closesocket(self->s);
	WSACleanup();
}

static int set_linger(SOCKET s, unsigned int onoff, unsigned int seconds)
{
	struct linger linger = { onoff, seconds };

	return setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger));
}

static int set_dontlinger(SOCKET s, int value)
{
	return setsockopt(s, SOL_SOCKET, SO_DONTLINGER, (char *)&value, sizeof(value));
}

static int get_dontlinger(SOCKET s)
{
	int value = -1, size = sizeof(value);

	return getsockopt(s, SOL_SOCKET, SO_DONTLINGER, (char *)&value, &size) ? -1 : value;
}

#define EXPECT_LINGER(s, onoff, seconds) do { \
	struct linger linger_ = { 0xa5a5, 0xa5a5 }; \
	int size_ = sizeof(linger_); \
	EXPECT_EQ(0, getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger_, &size_)); \
	EXPECT_EQ(4, size_); \
	EXPECT_EQ(onoff, linger_.l_onoff); \
	EXPECT_EQ(seconds, linger_.l_linger); \
	EXPECT_EQ(!(onoff), get_dontlinger(s)); \
} while (0)

#define EXPECT_WSA(error, call) do { \
	WSASetLastError(0); \
	EXPECT_EQ(SOCKET_ERROR, call); \
	EXPECT_EQ(error, WSAGetLastError()); \
} while (0)

/* claims: O1 O2 O7 */
TEST_F(options, a_new_socket)
{
	EXPECT_LINGER(self->s, 0, 0);
	EXPECT_EQ(1, get_dontlinger(self->s));
}

/* claims: O3 O4 O7 O19 O25 */
TEST_F(options, what_is_set_is_read_back)
{
	static const unsigned short values[][2] = {
		{ 1, 5 }, { 5, 189 }, { 0, 73 }, { 1, 0 }, { 0x100, 1 }, { 0xffff, 65535 },
		{ 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		ASSERT_EQ(0, set_linger(self->s, values[i][0], values[i][1]));
		EXPECT_LINGER(self->s, values[i][0], values[i][1]);
	}
}

/* claims: O4 O6 */
TEST_F(options, a_timeout_stored_while_off_is_revealed)
{
	ASSERT_EQ(0, set_linger(self->s, 0, 73));
	ASSERT_EQ(0, set_dontlinger(self->s, 0));
	EXPECT_LINGER(self->s, 1, 73);
}

/* claims: O5 O7 */
TEST_F(options, dontlinger_switches_off)
{
	ASSERT_EQ(0, set_linger(self->s, 1, 30));
	ASSERT_EQ(0, set_dontlinger(self->s, 7));
	EXPECT_LINGER(self->s, 0, 30);
}

/* claims: O6 O8 */
TEST_F(options, the_earlier_timeout_is_reinstated)
{
	ASSERT_EQ(0, set_linger(self->s, 1, 30));
	ASSERT_EQ(0, set_dontlinger(self->s, 1));
	ASSERT_EQ(0, set_dontlinger(self->s, 0));
	EXPECT_LINGER(self->s, 1, 30);
	/* The program has chosen 0, which counts like any other. */
	ASSERT_EQ(0, set_linger(self->s, 1, 0));
	ASSERT_EQ(0, set_dontlinger(self->s, 1));
	ASSERT_EQ(0, set_dontlinger(self->s, 0));
	EXPECT_LINGER(self->s, 1, 0);
}

/* claims: O6 */
TEST_F(options, never_set_it_is_the_default_and_no_hard_close)
{
	ASSERT_EQ(0, set_dontlinger(self->s, 0));
	EXPECT_LINGER(self->s, 1, WINSOCK_LINGER_DEFAULT);
	EXPECT_GT(WINSOCK_LINGER_DEFAULT, 0);
}

/* claims: O9 */
TEST_F(options, the_last_writer_wins)
{
	ASSERT_EQ(0, set_dontlinger(self->s, 1));
	ASSERT_EQ(0, set_linger(self->s, 1, 7));
	EXPECT_LINGER(self->s, 1, 7);
}

/* claims: O10 O11 O12 */
TEST_F(options, set_linger_lengths)
{
	static const int good[] = { 4, 8, -1 }, bad[] = { 0, 1, 2, 3 };
	unsigned short value[4] = { 1, 9 };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(0, set_linger(self->s, 0, 0));
		EXPECT_EQ(0, setsockopt(self->s, SOL_SOCKET, SO_LINGER, (char *)value, good[i]));
		EXPECT_LINGER(self->s, 1, 9);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_WSA(WSAEFAULT, setsockopt(self->s, SOL_SOCKET, SO_LINGER, (char *)value,
						 bad[i]));
	EXPECT_WSA(WSAEFAULT, setsockopt(self->s, SOL_SOCKET, SO_LINGER, NULL, 4));
	EXPECT_WSA(WSAEFAULT, setsockopt(self->s, SOL_SOCKET, SO_LINGER, NULL, 0));
	EXPECT_WSA(WSAEFAULT, setsockopt(self->s, SOL_SOCKET, SO_LINGER, (char *)8, 4));
	EXPECT_WSA(WSAEFAULT, setsockopt(self->s, SOL_SOCKET, SO_DONTLINGER, NULL, 4));
	EXPECT_WSA(WSAEFAULT, setsockopt(self->s, SOL_SOCKET, SO_DONTLINGER, NULL, 0));
	EXPECT_WSA(WSAEFAULT, setsockopt(self->s, SOL_SOCKET, SO_DONTLINGER, (char *)8, 4));
	EXPECT_LINGER(self->s, 1, 9);
}

/* claims: O13 O14 */
TEST_F(options, get_linger_lengths)
{
	static const int bad[] = { 0, 1, 2, 3, -1 };
	unsigned char buffer[8];
	int size;

	ASSERT_EQ(0, set_linger(self->s, 1, 9));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(buffer, 0xa5, sizeof(buffer));
		size = bad[i];
		EXPECT_WSA(WSAEFAULT, getsockopt(self->s, SOL_SOCKET, SO_LINGER, (char *)buffer,
						 &size));
		EXPECT_EQ(bad[i], size);
		for (int j = 0; j < 8; j++)
			EXPECT_EQ(j < bad[i] ? 0 : 0xa5, buffer[j]);
	}
	size = 8;
	EXPECT_EQ(0, getsockopt(self->s, SOL_SOCKET, SO_LINGER, (char *)buffer, &size));
	EXPECT_EQ(4, size);
	EXPECT_WSA(WSAEFAULT, getsockopt(self->s, SOL_SOCKET, SO_LINGER, NULL, &size));
	EXPECT_WSA(WSAEFAULT, getsockopt(self->s, SOL_SOCKET, SO_LINGER, (char *)buffer, NULL));
}

/* claims: O15 */
TEST_F(options, set_dontlinger_lengths)
{
	static const int sizes[] = { 1, 2, 4, 8, -1 };
	char value[8] = { 2 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, set_linger(self->s, 1, 9));
		EXPECT_EQ(0, setsockopt(self->s, SOL_SOCKET, SO_DONTLINGER, value, sizes[i]));
		EXPECT_LINGER(self->s, 0, 9);
	}
	EXPECT_EQ(0, setsockopt(self->s, SOL_SOCKET, SO_DONTLINGER, value, 0));
}

/* claims: O16 */
TEST_F(options, get_dontlinger_lengths)
{
	static const int sizes[][3] = {
		/* asked, answered, bytes written */
		{ 1, 1, 1 }, { 2, 1, 2 }, { 4, 4, 4 }, { 8, 4, 4 },
	};
	unsigned char buffer[8];
	int size;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(buffer, 0xa5, sizeof(buffer));
		size = sizes[i][0];
		EXPECT_EQ(0, getsockopt(self->s, SOL_SOCKET, SO_DONTLINGER, (char *)buffer, &size));
		EXPECT_EQ(sizes[i][1], size);
		for (int j = 0; j < 8; j++)
			EXPECT_EQ(j == 0 ? 1 : j < sizes[i][2] ? 0 : 0xa5, buffer[j]);
	}
	size = 0;
	EXPECT_WSA(WSAEFAULT, getsockopt(self->s, SOL_SOCKET, SO_DONTLINGER, (char *)buffer, &size));
	size = -1;
	EXPECT_WSA(WSAEFAULT, getsockopt(self->s, SOL_SOCKET, SO_DONTLINGER, (char *)buffer, &size));
}

/* claims: O17 O18 */
TEST_F(options, datagram_sockets_do_not_linger)
{
	SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
	struct linger linger;
	int size = sizeof(linger);

	EXPECT_WSA(WSAENOPROTOOPT, getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, &size));
	EXPECT_WSA(WSAENOPROTOOPT, set_linger(s, 1, 1));
	EXPECT_WSA(WSAENOPROTOOPT, set_dontlinger(s, 1));
	EXPECT_EQ(0, closesocket(s));
}

/* claims: O20 O22 H11 N12 */
TEST_F(options, accept_hands_them_on)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	u_long on = 1;
	int size = sizeof(name);
	SOCKET client, accepted;
	char byte;

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(0, set_linger(self->s, 3, 555));
	ASSERT_EQ(0, bind(self->s, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, listen(self->s, 1));
	ASSERT_EQ(0, ioctlsocket(self->s, FIONBIO, &on));
	ASSERT_EQ(0, getsockname(self->s, (struct sockaddr *)&name, &size));
	EXPECT_WSA(WSAEWOULDBLOCK, accept(self->s, NULL, NULL));
	client = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(client, (struct sockaddr *)&name, sizeof(name)));
	accepted = accept(self->s, NULL, NULL);
	ASSERT_NE(INVALID_SOCKET, accepted);
	EXPECT_LINGER(accepted, 3, 555);
	EXPECT_WSA(WSAEWOULDBLOCK, recv(accepted, &byte, 1, 0));
	while (send(accepted, (char *)&name, sizeof(name), 0) > 0)
		;
	EXPECT_WSA(WSAEWOULDBLOCK, closesocket(accepted));
	/* The accepted socket has the timeout, too: SO_DONTLINGER on and off restores it. */
	ASSERT_EQ(0, set_dontlinger(accepted, 1));
	ASSERT_EQ(0, set_dontlinger(accepted, 0));
	EXPECT_LINGER(accepted, 1, 555);
	ASSERT_EQ(0, set_dontlinger(accepted, 1));
	EXPECT_EQ(0, closesocket(accepted));
	EXPECT_EQ(0, closesocket(client));
}

/* claims: O23 M3 */
TEST_F(options, one_socket_one_setting)
{
	SOCKET copy = dup(self->s);

	ASSERT_EQ(0, set_linger(self->s, 1, 12));
	EXPECT_LINGER(copy, 1, 12);
	ASSERT_EQ(0, set_dontlinger(copy, 1));
	EXPECT_EQ(1, get_dontlinger(self->s));
	EXPECT_EQ(0, closesocket(copy));
}

/* claims: O23 */
TEST_F(options, set_natively_the_kernel_wins)
{
	ASSERT_EQ(0, set_linger(self->s, 5, 12));
	net_linger(self->s, 1, 20);
	EXPECT_LINGER(self->s, 5, 20);
	net_linger(self->s, 0, 0);
	EXPECT_LINGER(self->s, 0, 12);
}

TEST_F(options, timeouts_are_milliseconds)
{
	DWORD ms = 1500;
	int size = sizeof(ms);

	ASSERT_EQ(0, setsockopt(self->s, SOL_SOCKET, SO_RCVTIMEO, (char *)&ms, sizeof(ms)));
	ms = 0;
	ASSERT_EQ(0, getsockopt(self->s, SOL_SOCKET, SO_RCVTIMEO, (char *)&ms, &size));
	EXPECT_EQ(1500, ms);
	EXPECT_EQ(4, size);
}

TEST_HARNESS_MAIN
