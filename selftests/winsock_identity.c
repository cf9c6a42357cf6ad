// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program reuses numbers without the library, whose state belongs to a socket, not to a number.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "winsock_test.h"

static bool is_stream_alive(int a, int b)
{
	char byte = 0;

	return write(a, "x", 1) == 1 && read(b, &byte, 1) == 1 && byte == 'x';
}

/* claims: X2 A10 */
TEST_F(winsock, the_last_cleanup_closes_no_file_and_no_stranger)
{
	SOCKET used[3];
	int ends[2], file;
	FILE *stream;

	for (int i = 0; i < 3; i++)
		used[i] = socket(AF_INET, SOCK_STREAM, 0);
	/* fclose() after fdopen(), and another library's close. */
	stream = fdopen(used[0], "r+");
	ASSERT_NE(NULL, stream);
	fclose(stream);
	close(used[1]);
	close(used[2]);
	file = open("/dev/null", O_WRONLY);
	ASSERT_EQ(used[0], file);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	ASSERT_EQ(used[1], ends[0]);
	ASSERT_EQ(used[2], ends[1]);
	EXPECT_EQ(0, WSACleanup());
	EXPECT_EQ(1, write(file, "x", 1));
	EXPECT_TRUE(is_stream_alive(ends[0], ends[1]));
	/* The library has closed its own sockets. */
	EXPECT_FALSE(net_is_open(self->client));
}

/* claims: A4 */
TEST_F(winsock, a_program_may_close_all_descriptors)
{
	SOCKET s;
	int file;

	ASSERT_EQ(0, close_range(3, ~0U, 0));
	file = open("/dev/null", O_WRONLY);
	ASSERT_GE(file, 0);
	s = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_GE(s, 0);
	set_linger(s, 1, 0);
	EXPECT_EQ(0, closesocket(s));
	EXPECT_FALSE(net_is_open(s));
	EXPECT_EQ(0, WSACleanup());
	EXPECT_EQ(1, write(file, "x", 1));
}

/* claims: A7 */
TEST_F(winsock, marks_do_not_refuse_another_socket)
{
	int ends[2];
	char byte;

	ASSERT_EQ(0, shutdown(self->client, SD_BOTH));
	EXPECT_WSA(WSAESHUTDOWN, send(self->client, "x", 1, 0));
	close(self->client);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	ASSERT_EQ(self->client, ends[0]);
	EXPECT_EQ(1, send(ends[0], "x", 1, 0));
	EXPECT_EQ(1, read(ends[1], &byte, 1));
	EXPECT_EQ(1, write(ends[1], "y", 1));
	EXPECT_EQ(1, recv(ends[0], &byte, 1, 0));
	EXPECT_EQ('y', byte);
	/* The number is closed as the socket that it is now. */
	EXPECT_EQ(0, closesocket(ends[0]));
	EXPECT_EQ(0, read(ends[1], &byte, 1));
}

/* claims: A10 */
TEST_F(winsock, a_close_asks_for_the_socket_that_is_there)
{
	int ends[2];
	char byte;

	set_linger(self->client, 1, 30);
	stuff(self->client);
	set_nonblock(self->client, 1);
	EXPECT_WSA(WSAEWOULDBLOCK, closesocket(self->client));
	close(self->client);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	ASSERT_EQ(self->client, ends[0]);
	EXPECT_EQ(0, closesocket(ends[0]));
	EXPECT_EQ(0, read(ends[1], &byte, 1));
}

/* The library asks for a number's socket while it holds the lock of the old state. */
TEST_F(winsock, events_of_a_socket_that_has_gone_are_looked_for_at_another)
{
	struct net_pair pairs[2];
	char byte;

	for (int i = 0; i < 2; i++)
		net_pair_open(&pairs[i], NET_V4, false);
	ASSERT_EQ(0, WSAEventSelect(pairs[0].client, WSACreateEvent(), FD_READ | FD_CLOSE));
	net_linger(pairs[1].server, 1, 0);
	close(pairs[1].server);
	ASSERT_EQ(pairs[0].client, dup2(pairs[1].client, pairs[0].client));
	/* This receive may leave data, and does not consume the reset. */
	EXPECT_WSA(WSAEINVAL, recv(pairs[0].client, &byte, 1, MSG_OOB));
	EXPECT_EQ(0, closesocket(pairs[0].client));
}

static void *wait_for_a_byte(void *argument)
{
	char byte;

	return (void *)(intptr_t)recv(*(SOCKET *)argument, &byte, 1, 0);
}

/* Put other files at the library's own descriptors. Returns how many, and their numbers. */
static int take_over(int *numbers)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[64];
	int count = 0;

	while ((entry = readdir(directory)) && count < 8) {
		ssize_t size = readlinkat(dirfd(directory), entry->d_name, target, 63);

		target[size > 0 ? size : 0] = 0;
		if (strstr(target, "[timerfd]") || strstr(target, "[eventpoll]"))
			numbers[count++] = atoi(entry->d_name);
	}
	closedir(directory);
	for (int i = 0; i < count; i++)
		dup2(eventfd(0, EFD_NONBLOCK), numbers[i]);
	return count;
}

TEST_F(winsock, what_has_the_number_of_a_wake_up_is_not_written_to)
{
	WSAOVERLAPPED overlapped = { .hEvent = WSACreateEvent() };
	WSABUF buffer = { 1, (char[1]){ 0 } };
	DWORD moved, flags = 0, ms = 200;
	int numbers[8], count;
	uint64_t value;
	pthread_t thread;
	void *result;
	char byte;

	setsockopt(self->client, SOL_SOCKET, SO_RCVTIMEO, (char *)&ms, sizeof(ms));
	EXPECT_WSA(WSAETIMEDOUT, recv(self->client, &byte, 1, 0));
	EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->server, &buffer, 1, &moved, &flags, &overlapped,
					   NULL));
	EXPECT_TRUE(CancelIoEx((HANDLE)(intptr_t)self->server, NULL));
	count = take_over(numbers);
	ASSERT_EQ(2, count);
	/* Everything works, and no byte went to these files. */
	EXPECT_WSA(WSAETIMEDOUT, recv(self->client, &byte, 1, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_a_byte, &self->client));
	net_sleep(50);
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(1, (intptr_t)result);
	for (int i = 0; i < count; i++) {
		EXPECT_TRUE(net_is_open(numbers[i]));
		EXPECT_EQ(-1, read(numbers[i], &value, sizeof(value)));
	}
}

TEST_HARNESS_MAIN
