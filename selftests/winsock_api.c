// SPDX-License-Identifier: GPL-2.0-only
/* Start-up, errors and the calls around closesocket. */
#include <fcntl.h>
#include <pthread.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "net.h"

#include <winsock_ext.h>

DEV_REQUIRED;

#define EXPECT_WSA(error, call) do { \
	WSASetLastError(0); \
	EXPECT_EQ(SOCKET_ERROR, call); \
	EXPECT_EQ(error, WSAGetLastError()); \
} while (0)

static void start(struct __test_metadata *_metadata)
{
	WSADATA data;

	net_enter();
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	EXPECT_EQ(MAKEWORD(2, 2), data.wVersion);
}

/* claims: A3 */
TEST(nothing_before_startup)
{
	char byte;
	int size = 0;
	int before = socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 });

	(void)before;
	EXPECT_WSA(WSANOTINITIALISED, closesocket(INVALID_SOCKET));
	EXPECT_WSA(WSANOTINITIALISED, closesocket(0));
	EXPECT_WSA(WSANOTINITIALISED, socket(AF_INET, SOCK_STREAM, 0));
	EXPECT_WSA(WSANOTINITIALISED, send(-1, &byte, 1, 0));
	EXPECT_WSA(WSANOTINITIALISED, recv(-1, &byte, 1, 0));
	EXPECT_WSA(WSANOTINITIALISED, getsockopt(-1, SOL_SOCKET, SO_LINGER, &byte, &size));
	EXPECT_WSA(WSANOTINITIALISED, shutdown(-1, 77));
	EXPECT_WSA(WSANOTINITIALISED, WSACleanup());
	EXPECT_TRUE(net_is_open(0));
}

TEST(startup_versions)
{
	WSADATA data;

	EXPECT_EQ(WSAEFAULT, WSAStartup(MAKEWORD(2, 2), NULL));
	EXPECT_EQ(WSAVERNOTSUPPORTED, WSAStartup(MAKEWORD(0, 9), &data));
	EXPECT_EQ(0, WSAStartup(MAKEWORD(1, 1), &data));
	EXPECT_EQ(MAKEWORD(1, 1), data.wVersion);
	EXPECT_EQ(MAKEWORD(2, 2), data.wHighVersion);
	EXPECT_EQ(0, WSAStartup(MAKEWORD(9, 0), &data));
	EXPECT_EQ(MAKEWORD(2, 2), data.wVersion);
	EXPECT_EQ(0, WSACleanup());
	EXPECT_EQ(0, WSACleanup());
}

TEST(without_the_device_it_says_why)
{
	WSADATA data;

	net_enter();
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, rename(WINSOCK_DEVICE, WINSOCK_DEVICE ".away"));
	EXPECT_EQ(WSASYSNOTREADY, WSAStartup(MAKEWORD(2, 2), &data));
	EXPECT_NE(NULL, strstr(winsock_startup_error(), "is loaded, but"));
	EXPECT_WSA(WSANOTINITIALISED, closesocket(0));
	ASSERT_EQ(0, rename(WINSOCK_DEVICE ".away", WINSOCK_DEVICE));
	EXPECT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	EXPECT_STREQ("", winsock_startup_error());
}

/* claims: A4 A5 A16 X2 */
TEST(the_last_cleanup_destroys_the_sockets)
{
	struct net_pair pair;
	SOCKET s, kept;
	WSADATA data;
	int error;

	start(_metadata);
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	net_pair_open(&pair, NET_V4, false);
	s = socket(AF_INET, SOCK_STREAM, 0);
	kept = socket(AF_INET, SOCK_STREAM, 0);
	{
		uint16_t port;
		int listener = net_listen(NET_V4, &port);
		struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };

		name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		ASSERT_EQ(0, connect(s, (struct sockaddr *)&name, sizeof(name)));
		/* A socket closed gracefully before: its data still arrives. */
		ASSERT_EQ(0, connect(kept, (struct sockaddr *)&name, sizeof(name)));
		ASSERT_EQ(4, send(kept, "sent", 4, 0));
		pair.server = accept4(listener, NULL, NULL, 0);
		pair.client = accept4(listener, NULL, NULL, 0);
	}
	ASSERT_EQ(0, closesocket(kept));
	ASSERT_EQ(0, WSACleanup());
	EXPECT_EQ(4, send(s, "more", 4, 0));
	ASSERT_EQ(0, WSACleanup());
	EXPECT_FALSE(net_is_open(s));
	EXPECT_WSA(WSANOTINITIALISED, send(s, "more", 4, 0));
	EXPECT_WSA(WSANOTINITIALISED, WSACleanup());
	net_drain(pair.server, &error);
	EXPECT_EQ(104 /* ECONNRESET */, error);
	EXPECT_EQ(4, net_drain(pair.client, &error));
	EXPECT_EQ(0, error);
}

/* claims: A6 A8 A11 */
TEST(closed_and_absurd_values)
{
	static const SOCKET values[] = { -1, 1000, 1000000, 2000000000, -77 };
	SOCKET s;

	start(_metadata);
	s = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, closesocket(s));
	EXPECT_WSA(WSAENOTSOCK, closesocket(s));
	for (size_t i = 0; i <= ARRAY_SIZE(values); i++) {
		SOCKET value = i < ARRAY_SIZE(values) ? values[i] : s;
		char buffer[4] = { 1, 2, 3, 4 };
		u_long argument = 77;
		int size = 4;

		EXPECT_WSA(WSAENOTSOCK, closesocket(value));
		EXPECT_WSA(WSAENOTSOCK, send(value, buffer, 4, 0));
		EXPECT_WSA(WSAENOTSOCK, recv(value, buffer, 4, 0));
		EXPECT_WSA(WSAENOTSOCK, getsockopt(value, SOL_SOCKET, SO_LINGER, buffer, &size));
		EXPECT_WSA(WSAENOTSOCK, setsockopt(value, SOL_SOCKET, SO_LINGER, buffer, size));
		EXPECT_WSA(WSAENOTSOCK, ioctlsocket(value, FIONREAD, &argument));
		EXPECT_WSA(WSAENOTSOCK, shutdown(value, SD_SEND));
		EXPECT_WSA(WSAENOTSOCK, listen(value, 1));
		EXPECT_WSA(WSAENOTSOCK, accept(value, NULL, NULL));
		EXPECT_EQ(4, size);
		EXPECT_EQ(77, argument);
		EXPECT_EQ(1, buffer[0]);
		EXPECT_EQ(4, buffer[3]);
	}
}

/* claims: A11 */
TEST(select_on_a_closed_value)
{
	struct timeval timeout = { 5, 0 };
	fd_set set;
	SOCKET s;

	start(_metadata);
	s = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, closesocket(s));
	FD_ZERO(&set);
	FD_SET(s, &set);
	EXPECT_WSA(WSAENOTSOCK, select(0, &set, NULL, NULL, &timeout));
	EXPECT_TRUE(FD_ISSET(s, &set));
	EXPECT_EQ(5, timeout.tv_sec);
}

/* claims: A7 */
TEST(other_handles_stay_open)
{
	int ends[2], file;

	start(_metadata);
	ASSERT_EQ(0, pipe(ends));
	file = open("/dev/null", O_RDWR);
	EXPECT_WSA(WSAENOTSOCK, closesocket(ends[0]));
	EXPECT_WSA(WSAENOTSOCK, closesocket(file));
	EXPECT_WSA(WSAENOTSOCK, shutdown(file, SD_BOTH));
	ASSERT_EQ(1, write(ends[1], "x", 1));
	EXPECT_TRUE(net_is_open(ends[0]));
	EXPECT_EQ(1, write(file, "x", 1));
}

/* claims: A1 A10 */
TEST(closed_it_may_come_back)
{
	SOCKET s, again;

	start(_metadata);
	s = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(0, closesocket(s));
	again = socket(AF_INET6, SOCK_STREAM, 0);
	EXPECT_EQ(s, again);
	EXPECT_EQ(0, closesocket(again));
}

static void *other_thread(void *unused)
{
	WSASetLastError(WSAEADDRINUSE);
	closesocket(-1);
	return (void *)(long)WSAGetLastError();
}

/* claims: A2 A15 */
TEST(errors_are_per_thread)
{
	pthread_t thread;
	void *seen;

	start(_metadata);
	WSASetLastError(WSAEWOULDBLOCK);
	errno = 42;
	ASSERT_EQ(0, pthread_create(&thread, NULL, other_thread, NULL));
	ASSERT_EQ(0, pthread_join(thread, &seen));
	EXPECT_EQ(WSAENOTSOCK, (long)seen);
	EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
	errno = 42;
	EXPECT_EQ(SOCKET_ERROR, closesocket(-1));
	EXPECT_EQ(42, errno);
}

TEST(other_families_close_too)
{
	SOCKET udp, local;

	start(_metadata);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	local = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_EQ(0, closesocket(udp));
	EXPECT_EQ(0, closesocket(local));
	EXPECT_FALSE(net_is_open(udp));
	EXPECT_FALSE(net_is_open(local));
	EXPECT_WSA(WSAENOTSOCK, closesocket(udp));
}

TEST(wsasocket_flags)
{
	SOCKET s;

	start(_metadata);
	s = WSASocket(AF_INET, SOCK_STREAM, 0, NULL, 0,
		      WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
	ASSERT_NE(INVALID_SOCKET, s);
	EXPECT_TRUE(fcntl(s, F_GETFD) & FD_CLOEXEC);
	EXPECT_FALSE(fcntl(s, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, closesocket(s));
	EXPECT_WSA(WSAEINVAL, WSASocket(AF_INET, SOCK_STREAM, 0, NULL, 0, 0x1000));
	EXPECT_WSA(WSAEINVAL, WSASocket(AF_INET, SOCK_STREAM, 0, NULL, 5, 0));
	EXPECT_WSA(WSAEAFNOSUPPORT, socket(200, SOCK_STREAM, 0));
}

/* claims: X4 X5 M6 */
TEST(shutdown_and_after)
{
	struct net_pair pair;
	SOCKET fresh, listener;
	uint16_t port;
	char byte;

	start(_metadata);
	net_pair_open(&pair, NET_V4, false);
	fresh = socket(AF_INET, SOCK_STREAM, 0);
	listener = net_listen(NET_V4, &port);
	EXPECT_WSA(WSAENOTCONN, shutdown(fresh, SD_SEND));
	EXPECT_WSA(WSAENOTCONN, shutdown(listener, SD_BOTH));
	EXPECT_WSA(WSAEINVAL, shutdown(pair.client, 3));
	EXPECT_WSA(WSAEINVAL, shutdown(pair.client, -1));
	closesocket(fresh);

	/* A socket of the library, which remembers what was shut down. */
	fresh = socket(AF_INET, SOCK_STREAM, 0);
	{
		struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };

		name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		ASSERT_EQ(0, connect(fresh, (struct sockaddr *)&name, sizeof(name)));
	}
	net_linger(fresh, 1, 30);
	EXPECT_EQ(0, shutdown(fresh, SD_SEND));
	EXPECT_EQ(0, shutdown(fresh, SD_SEND));
	EXPECT_WSA(WSAESHUTDOWN, send(fresh, "x", 1, 0));
	EXPECT_EQ(0, shutdown(fresh, SD_RECEIVE));
	EXPECT_WSA(WSAESHUTDOWN, recv(fresh, &byte, 1, 0));
	EXPECT_EQ(0, closesocket(fresh));
}

/* claims: H4 V6 */
TEST(a_reset_is_told_on_every_call)
{
	uint16_t port;
	int listener, accepted;
	struct sockaddr_in name = { .sin_family = AF_INET };
	SOCKET s;
	char byte;

	start(_metadata);
	listener = net_listen(NET_V4, &port);
	name.sin_port = htons(port);
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(s, (struct sockaddr *)&name, sizeof(name)));
	accepted = accept4(listener, NULL, NULL, 0);
	net_linger(accepted, 1, 0);
	close(accepted);
	net_sleep(50);
	for (int i = 0; i < 3; i++) {
		EXPECT_WSA(WSAECONNRESET, recv(s, &byte, 1, 0));
		EXPECT_WSA(WSAECONNRESET, send(s, &byte, 1, 0));
	}
	EXPECT_EQ(0, closesocket(s));
}

TEST(ioctlsocket_commands)
{
	struct net_pair pair;
	u_long value = 1;

	start(_metadata);
	net_pair_open(&pair, NET_V4, false);
	EXPECT_EQ(0, ioctlsocket(pair.client, FIONBIO, &value));
	EXPECT_TRUE(fcntl(pair.client, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(1, value);
	value = 0;
	EXPECT_EQ(0, ioctlsocket(pair.client, FIONBIO, &value));
	EXPECT_FALSE(fcntl(pair.client, F_GETFL) & O_NONBLOCK);
	ASSERT_EQ(5, send(pair.server, "hello", 5, 0));
	net_sleep(20);
	EXPECT_EQ(0, ioctlsocket(pair.client, FIONREAD, &value));
	EXPECT_EQ(5, value);
	EXPECT_WSA(WSAEINVAL, ioctlsocket(pair.client, 0x1234, &value));
	EXPECT_WSA(WSAEFAULT, ioctlsocket(pair.client, FIONBIO, NULL));
	EXPECT_WSA(WSAEFAULT, ioctlsocket(pair.client, FIONBIO, (u_long *)8));
}

TEST(connect_in_progress)
{
	uint16_t port;
	int listener;
	struct sockaddr_in name = { .sin_family = AF_INET };
	u_long on = 1;
	SOCKET s;

	start(_metadata);
	listener = net_listen(NET_V4, &port);
	net_mute(listener);
	name.sin_port = htons(port);
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, ioctlsocket(s, FIONBIO, &on));
	EXPECT_WSA(WSAEWOULDBLOCK, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_WSA(WSAEALREADY, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_EQ(0, closesocket(s));
	close(listener);
	s = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_WSA(WSAECONNREFUSED, connect(s, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_EQ(0, closesocket(s));
}

TEST(receive_timeout)
{
	struct net_pair pair;
	DWORD ms = 200;
	double begun;
	char byte;

	start(_metadata);
	net_pair_open(&pair, NET_V4, false);
	ASSERT_EQ(0, setsockopt(pair.client, SOL_SOCKET, SO_RCVTIMEO, (char *)&ms, sizeof(ms)));
	begun = net_now();
	EXPECT_WSA(WSAETIMEDOUT, recv(pair.client, &byte, 1, 0));
	EXPECT_GE(net_now() - begun, 0.2);
}

TEST_HARNESS_MAIN
