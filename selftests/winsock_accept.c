// SPDX-License-Identifier: GPL-2.0-only
/*
 * accept(): connections that another process takes first, and closes in between. This program
 * defines the accept4(2) that the library calls.
 */
#include <sys/syscall.h>

#include "winsock_test.h"

static SOCKET robbed = -1;	/* the next connection of this one is taken away */
static SOCKET held = -1;	/* accept() from this one returns when released */
static volatile bool there;	/* the thread is in the call */

int accept4(int fd, __SOCKADDR_ARG name, socklen_t *size, int flags)
{
	int accepted;

	if (fd == robbed) {
		robbed = -1;
		close(syscall(SYS_accept4, fd, NULL, NULL, 0));
		there = true;
	}
	accepted = syscall(SYS_accept4, fd, name.__sockaddr__, size, flags);
	if (fd == held) {
		there = true;
		while (*(volatile SOCKET *)&held == fd)
			net_sleep(1);
	}
	return accepted;
}

struct acceptor {
	SOCKET listener;
	SOCKET accepted;
	int error;
	pthread_t thread;
};

static void *acceptor_run(void *argument)
{
	struct acceptor *acceptor = argument;

	WSASetLastError(0);
	acceptor->accepted = accept(acceptor->listener, NULL, NULL);
	acceptor->error = WSAGetLastError();
	return NULL;
}

/* Start a thread that waits for a connection; the next one to come makes it go on. */
#define ACCEPTOR(acceptor) do { \
	there = false; \
	ASSERT_EQ(0, pthread_create(&(acceptor)->thread, NULL, acceptor_run, acceptor)); \
	net_sleep(100); \
} while (0)

/* Start a thread that sleeps in accept(2), as another holder took its connection. */
#define ACCEPTOR_IN_THE_KERNEL(acceptor) do { \
	robbed = (acceptor)->listener; \
	ACCEPTOR(acceptor); \
	close(net_connect(NET_V4, self->port, false)); \
	while (!there) \
		net_sleep(1); \
	net_sleep(100); \
} while (0)

/* claims: P11 */
TEST_F(winsock, one_that_sleeps_in_the_kernel_holds_up_no_other)
{
	struct acceptor acceptor = { self->listener };
	struct sockaddr_in name;
	SOCKET second, visitor, accepted;
	uint16_t port;

	second = net_listen(NET_V4, &port);
	ACCEPTOR_IN_THE_KERNEL(&acceptor);
	/* Another listener's accept() works. */
	name = loopback(port);
	visitor = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(visitor, (struct sockaddr *)&name, sizeof(name)));
	accepted = accept(second, NULL, NULL);
	ASSERT_NE(INVALID_SOCKET, accepted);
	EXPECT_EQ(1, send(visitor, "x", 1, 0));
	EXPECT_EQ(1, recv(accepted, (char[1]){ 0 }, 1, 0));
	/* On the same listener accept() works if it does not wait. */
	set_nonblock(self->listener, 1);
	EXPECT_WSA(WSAEWOULDBLOCK, accept(self->listener, NULL, NULL));
	set_nonblock(self->listener, 0);
	/* The thread gets the next connection, and the close of the listener ends it. */
	visitor = net_connect(NET_V4, self->port, false);
	ASSERT_EQ(0, pthread_join(acceptor.thread, NULL));
	EXPECT_NE(INVALID_SOCKET, acceptor.accepted);
	ACCEPTOR_IN_THE_KERNEL(&acceptor);
	ASSERT_EQ(0, closesocket(self->listener));
	ASSERT_EQ(0, pthread_join(acceptor.thread, NULL));
	EXPECT_EQ(INVALID_SOCKET, acceptor.accepted);
	EXPECT_EQ(WSAEINTR, acceptor.error);
}

TEST_F(winsock, one_that_sleeps_in_the_kernel_is_not_in_a_child)
{
	struct acceptor acceptor = { self->listener };
	int status;
	pid_t child;

	ACCEPTOR_IN_THE_KERNEL(&acceptor);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		alarm(10);
		/* Connect once for each of the two. */
		for (int i = 0; i < 2; i++)
			net_connect(NET_V4, self->port, false);
		_exit(accept(self->listener, NULL, NULL) == INVALID_SOCKET);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, pthread_join(acceptor.thread, NULL));
	EXPECT_NE(INVALID_SOCKET, acceptor.accepted);
}

/* claims: M7 */
TEST_F(winsock, what_was_accepted_when_the_listener_is_closed_is_the_programs)
{
	struct acceptor acceptor = { self->listener };
	SOCKET visitor;

	held = self->listener;
	ACCEPTOR(&acceptor);
	visitor = net_connect(NET_V4, self->port, false);
	while (!there)
		net_sleep(1);
	ASSERT_EQ(0, closesocket(self->listener));
	held = -1;
	ASSERT_EQ(0, pthread_join(acceptor.thread, NULL));
	ASSERT_NE(INVALID_SOCKET, acceptor.accepted);
	EXPECT_EQ(5, send(visitor, "hello", 5, 0));
	EXPECT_EQ(5, recv(acceptor.accepted, (char[8]){ 0 }, 8, 0));
	EXPECT_EQ(0, closesocket(acceptor.accepted));
}

TEST_F(winsock, what_was_accepted_has_its_listeners_timeout)
{
	SOCKET listeners[2] = { self->listener, socket(AF_INET, SOCK_STREAM, 0) };
	struct sockaddr_in name = loopback(0);
	int size = sizeof(name);
	DWORD ms = 100;

	ASSERT_EQ(0, bind(listeners[1], (struct sockaddr *)&name, size));
	ASSERT_EQ(0, listen(listeners[1], 4));
	/* One that the library does not know, and one that it made. */
	for (int i = 0; i < 2; i++) {
		SOCKET client, server = INVALID_SOCKET;
		char byte;

		ASSERT_EQ(0, getsockname(listeners[i], (struct sockaddr *)&name, &size));
		ASSERT_EQ(0, setsockopt(listeners[i], SOL_SOCKET, SO_RCVTIMEO, (char *)&ms,
					sizeof(ms)));
		client = open_pair(listeners[i], ntohs(name.sin_port), &server);
		EXPECT_WSA(WSAETIMEDOUT, recv(server, &byte, 1, 0));
		ASSERT_EQ(0, closesocket(client));
		ASSERT_EQ(0, closesocket(server));
	}
}

TEST_HARNESS_MAIN
