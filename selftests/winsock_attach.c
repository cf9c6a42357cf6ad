// SPDX-License-Identifier: GPL-2.0-only
/* libwinsock attaches its sockets: their deadlines outlive the process. */
#include <netinet/tcp.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "net.h"
#include "ulp.h"
#include "wire.h"

#include <winsock_ext.h>

DEV_REQUIRED;

FIXTURE(library) {
	int listener;
	uint16_t port;
};

FIXTURE_SETUP(library)
{
	WSADATA data;

	net_enter();
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	self->listener = net_listen(NET_V4, &self->port);
}

FIXTURE_TEARDOWN(library)
{
	close(self->listener);
	WSACleanup();
}

TEST_F(library, new_sockets_are_attached)
{
	SOCKET made[] = {
		socket(AF_INET, SOCK_STREAM, 0),
		socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
		WSASocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED),
		WSASocket(AF_INET, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_NO_HANDLE_INHERIT),
	};

	for (int i = 0; i < 4; i++) {
		EXPECT_TRUE(ulp_is_attached(made[i])) TH_LOG("socket %d", i);
		EXPECT_EQ(0, winsock_attach(made[i]));
		EXPECT_EQ(0, closesocket(made[i]));
	}
	made[0] = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_NE(INVALID_SOCKET, made[0]);
	EXPECT_EQ(SOCKET_ERROR, winsock_attach(made[0]));
	EXPECT_EQ(WSAEOPNOTSUPP, WSAGetLastError());
	EXPECT_EQ(0, closesocket(made[0]));
}

TEST_F(library, it_can_be_switched_off_and_asked_for)
{
	SOCKET s;

	EXPECT_EQ(1, winsock_attach_default(-1));
	EXPECT_EQ(1, winsock_attach_default(0));
	EXPECT_EQ(0, winsock_attach_default(-1));
	s = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_FALSE(ulp_is_attached(s));
	EXPECT_EQ(0, winsock_attach(s));
	EXPECT_TRUE(ulp_is_attached(s));
	EXPECT_EQ(0, closesocket(s));
	EXPECT_EQ(0, winsock_attach_default(1));
}

TEST_F(library, another_ulp_stays)
{
	SOCKET client, server;

	winsock_attach_default(0);
	client = net_connect(NET_V4, self->port, false);
	server = accept(self->listener, NULL, NULL);
	if (ulp_attach_name(client, "tls"))
		SKIP(return, "no kTLS in this kernel");
	EXPECT_EQ(SOCKET_ERROR, winsock_attach(client));
	EXPECT_EQ(WSAEALREADY, WSAGetLastError());
	EXPECT_EQ(0, closesocket(client));
	EXPECT_EQ(0, closesocket(server));
}

TEST_F(library, accepted_sockets_are_attached)
{
	SOCKET client = net_connect(NET_V4, self->port, false), server;

	/* The listener is not attached. */
	server = accept(self->listener, NULL, NULL);
	EXPECT_FALSE(ulp_is_attached(self->listener));
	EXPECT_TRUE(ulp_is_attached(server));
	EXPECT_EQ(0, closesocket(server));
	EXPECT_EQ(0, closesocket(client));
}

/* claims: B3 */
TEST_F(library, the_deadline_outlives_the_process)
{
	struct linger linger = { 1, 1 };
	struct sockaddr_in name;
	int size = sizeof(name);
	struct wire wire;
	uint16_t port;
	SOCKET server;
	pid_t child;

	wire_open(&wire);
	ASSERT_EQ(0, getsockname(self->listener, (struct sockaddr *)&name, &size));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		SOCKET client = socket(AF_INET, SOCK_STREAM, 0);

		connect(client, (struct sockaddr *)&name, size);
		setsockopt(client, SOL_SOCKET, SO_LINGER, (char *)&linger, sizeof(linger));
		net_stuff(client);
		_exit(0);
	}
	size = sizeof(name);
	server = accept(self->listener, (struct sockaddr *)&name, &size);
	port = ntohs(name.sin_port);
	ASSERT_EQ(child, waitpid(child, NULL, 0));
	EXPECT_EQ(TCP_ESTABLISHED, net_left(port, self->port));
	EXPECT_EQ(0, net_left_wait(port, self->port, 0, 2000));
	EXPECT_EQ(0, wire_count(&wire, port, self->port, WIRE_FIN));
	EXPECT_EQ(1, wire_count(&wire, port, self->port, WIRE_RST));
	wire_close(&wire);
	closesocket(server);
}

TEST_HARNESS_MAIN
