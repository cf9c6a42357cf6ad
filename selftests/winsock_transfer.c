// SPDX-License-Identifier: GPL-2.0-only
/* Transfers of several buffers, in parts, and the state after they fail. */
#include "winsock_test.h"

/* An address that is not mapped. */
#define NOWHERE ((char *)64)

struct transfer {
	SOCKET s;
	bool receives;
	int result;
	int error;
	pthread_t thread;
};

static void *transfer_run(void *argument)
{
	struct transfer *transfer = argument;
	static char block[8 << 20];

	WSASetLastError(0);
	transfer->result = transfer->receives
			   ? recv(transfer->s, block, sizeof(block), MSG_WAITALL)
			   : send(transfer->s, block, sizeof(block), 0);
	transfer->error = WSAGetLastError();
	return NULL;
}

/* The server resets: the transfer and every later call return that. */
#define EXPECT_RESULT_IS_RESET(transfer) do { \
	char byte_ = 0; \
	set_linger(self->server, 1, 0); \
	ASSERT_EQ(0, closesocket(self->server)); \
	ASSERT_EQ(0, pthread_join((transfer)->thread, NULL)); \
	EXPECT_EQ(SOCKET_ERROR, (transfer)->result); \
	EXPECT_EQ(WSAECONNRESET, (transfer)->error); \
	for (int i_ = 0; i_ < 2; i_++) { \
		EXPECT_WSA(WSAECONNRESET, send(self->client, &byte_, 1, 0)); \
		EXPECT_WSA(WSAECONNRESET, recv(self->client, &byte_, 1, 0)); \
	} \
} while (0)

/* claims: H4 V6 */
TEST_F(winsock, a_reset_behind_a_part_of_a_send_is_its_result)
{
	struct transfer transfer = { self->client };
	static char block[65536];

	ASSERT_EQ(0, pthread_create(&transfer.thread, NULL, transfer_run, &transfer));
	for (int got = 0; got < 200000;) {
		int more = recv(self->server, block, sizeof(block), 0);

		ASSERT_GT(more, 0);
		got += more;
	}
	net_sleep(100);
	EXPECT_RESULT_IS_RESET(&transfer);
}

/* claims: H4 */
TEST_F(winsock, so_error_leaves_a_reset_to_the_transfers)
{
	struct pollfd polled = { self->client, POLLIN, 0 };
	int error = -1, size = sizeof(error);
	char byte = 0;

	set_linger(self->server, 1, 0);
	ASSERT_EQ(0, closesocket(self->server));
	ASSERT_EQ(1, WSAPoll(&polled, 1, 5000));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, getsockopt(self->client, SOL_SOCKET, SO_ERROR, (char *)&error, &size));
		EXPECT_EQ(0, error);
		EXPECT_WSA(WSAECONNRESET, recv(self->client, &byte, 1, 0));
		EXPECT_WSA(WSAECONNRESET, send(self->client, &byte, 1, 0));
	}
}

TEST_F(winsock, a_connection_that_has_died_of_silence_has_no_end)
{
	int ms = 500;
	char byte;

	ASSERT_EQ(0, setsockopt(self->client, IPPROTO_TCP, TCP_USER_TIMEOUT, (char *)&ms,
				sizeof(ms)));
	net_mute(self->server);
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	EXPECT_WSA(WSAETIMEDOUT, recv(self->client, &byte, 1, 0));
	for (int i = 0; i < 2; i++)
		EXPECT_WSA(WSAECONNABORTED, recv(self->client, &byte, 1, 0));
}

static int shut_by_child(SOCKET s)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(shutdown(s, SD_SEND));
	waitpid(child, &status, 0);
	return status;
}

/* claims: M6 */
TEST_F(winsock, another_holders_shutdown_is_no_end_of_receiving)
{
	SOCKET s[2] = { socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_DGRAM, 0) };
	struct sockaddr_in names[2] = { loopback(0), loopback(0) };
	char byte;

	for (int i = 0; i < 2; i++) {
		int size = sizeof(names[i]);

		ASSERT_EQ(0, bind(s[i], (struct sockaddr *)&names[i], size));
		ASSERT_EQ(0, getsockname(s[i], (struct sockaddr *)&names[i], &size));
	}
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, connect(s[i], (struct sockaddr *)&names[!i], sizeof(names[i])));
	ASSERT_EQ(0, shut_by_child(s[0]));
	for (int i = 0; i < 2; i++)
		EXPECT_WSA(WSAESHUTDOWN, send(s[0], "x", 1, 0));
	ASSERT_EQ(1, send(s[1], "y", 1, 0));
	EXPECT_EQ(1, recv(s[0], &byte, 1, 0));

	ASSERT_EQ(0, shut_by_child(self->client));
	for (int i = 0; i < 2; i++)
		EXPECT_WSA(WSAESHUTDOWN, send(self->client, "x", 1, 0));
	ASSERT_EQ(1, send(self->server, "y", 1, 0));
	EXPECT_EQ(1, recv(self->client, &byte, 1, 0));
	ASSERT_EQ(0, closesocket(self->server));
	EXPECT_EQ(0, recv(self->client, &byte, 1, 0));
}

/* claims: H4 V6 */
TEST_F(winsock, a_reset_behind_a_part_of_a_whole_receive_is_its_result)
{
	struct transfer transfer = { self->client, true };

	ASSERT_EQ(0, pthread_create(&transfer.thread, NULL, transfer_run, &transfer));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	net_sleep(150);
	EXPECT_RESULT_IS_RESET(&transfer);
}

/* The end of an operation, by return value or completion: 0, or its error. */
static int transfer_end(SOCKET s, int result, WSAOVERLAPPED *overlapped, DWORD *moved)
{
	DWORD flags;

	if (result && WSAGetLastError() != WSA_IO_PENDING)
		return WSAGetLastError();
	if (!overlapped || WSAGetOverlappedResult(s, overlapped, moved, TRUE, &flags))
		return 0;
	return WSAGetLastError();
}

static int transfer_send(SOCKET s, WSABUF *buffers, DWORD count, bool overlaps, DWORD *moved)
{
	WSAOVERLAPPED overlapped = { 0 }, *used = overlaps ? &overlapped : NULL;

	*moved = 77;
	return transfer_end(s, WSASend(s, buffers, count, moved, 0, used, NULL), used, moved);
}

static int transfer_receive(SOCKET s, WSABUF *buffers, DWORD count, DWORD flags, bool overlaps,
			    DWORD *moved)
{
	WSAOVERLAPPED overlapped = { 0 }, *used = overlaps ? &overlapped : NULL;

	*moved = 77;
	return transfer_end(s, WSARecv(s, buffers, count, moved, &flags, used, NULL), used, moved);
}

struct reader {
	SOCKET s;
	size_t wanted, got;
	bool wrong;
	pthread_t thread;
};

/* Check that each byte is the number of its place. */
static void *reader_run(void *argument)
{
	struct reader *reader = argument;
	static unsigned char block[65536];
	int more;

	while (reader->got < reader->wanted &&
	       (more = recv(reader->s, (char *)block, sizeof(block), 0)) > 0)
		for (int i = 0; i < more; i++)
			reader->wrong |= block[i] != (unsigned char)(reader->got++ % 251);
	return NULL;
}

/* Send the rest of eight bytes, one after the other. */
static void *feeder_run(void *argument)
{
	SOCKET s = *(SOCKET *)argument;

	for (char byte = '3'; byte <= '8'; byte++) {
		net_sleep(20);
		send(s, &byte, 1, 0);
	}
	return NULL;
}

TEST_F(winsock, empty_buffers_among_others_are_passed_over)
{
	enum { BIG = 3 << 20 };
	static char block[BIG], rest[8];
	/* More than fits at a time, so that a step may begin anywhere in the list. */
	WSABUF sent[] = { { 0, block }, { BIG / 2, block }, { 0, NOWHERE }, { 0, NULL },
			  { 1, block + BIG / 2 }, { BIG / 2 - 1, block + BIG / 2 + 1 },
			  { 0, NULL } };
	WSABUF asked[] = { { 0, NULL }, { 3, rest }, { 0, NOWHERE }, { 5, rest + 3 }, { 0, NULL } };
	DWORD moved;

	for (int i = 0; i < BIG; i++)
		block[i] = i % 251;
	for (int overlaps = 0; overlaps < 2; overlaps++) {
		struct reader reader = { self->server, BIG };

		ASSERT_EQ(0, pthread_create(&reader.thread, NULL, reader_run, &reader));
		EXPECT_EQ(0, transfer_send(self->client, sent, ARRAY_SIZE(sent), overlaps, &moved));
		EXPECT_EQ(BIG, moved);
		ASSERT_EQ(0, pthread_join(reader.thread, NULL));
		EXPECT_EQ(BIG, reader.got);
		EXPECT_FALSE(reader.wrong);
		/* The data comes in small parts, and the call asks for the whole. */
		ASSERT_EQ(2, send(self->server, "12", 2, 0));
		ASSERT_EQ(0, pthread_create(&reader.thread, NULL, feeder_run, &self->server));
		memset(rest, 0, sizeof(rest));
		EXPECT_EQ(0, transfer_receive(self->client, asked, ARRAY_SIZE(asked), MSG_WAITALL,
					      overlaps, &moved));
		EXPECT_EQ(8, moved);
		EXPECT_EQ(0, memcmp(rest, "12345678", 8));
		ASSERT_EQ(0, pthread_join(reader.thread, NULL));
	}
}

/* A receive of 0 bytes waits until there is data, and takes none. */
TEST_F(winsock, a_receive_into_empty_buffers_tells_of_data)
{
	WSAOVERLAPPED overlapped = { 0 };
	WSABUF none[2] = { { 0, NULL }, { 0, NULL } };
	DWORD moved, flags = 0;
	char data[8];

	for (int count = 1; count <= 2; count++) {
		EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->client, none, count, NULL, &flags,
						   &overlapped, NULL));
		net_sleep(50);
		EXPECT_FALSE(HasOverlappedIoCompleted(&overlapped));
		ASSERT_EQ(5, send(self->server, "hello", 5, 0));
		ASSERT_TRUE(WSAGetOverlappedResult(self->client, &overlapped, &moved, TRUE, &flags));
		EXPECT_EQ(0, moved);
		EXPECT_EQ(0, transfer_receive(self->client, none, count, 0, false, &moved));
		EXPECT_EQ(0, moved);
		EXPECT_EQ(5, recv(self->client, data, 8, 0));
	}
}

TEST_F(winsock, as_many_buffers_as_there_may_be_and_one_more)
{
	enum { MOST = 1024 };
	static WSABUF buffers[MOST + 1];
	static char bytes[MOST + 1];
	DWORD moved;
	char byte;

	for (int i = 0; i <= MOST; i++) {
		buffers[i] = (WSABUF){ 1, &bytes[i] };
		bytes[i] = i % 251;
	}
	for (int overlaps = 0; overlaps < 2; overlaps++) {
		struct reader reader = { self->server, MOST };

		EXPECT_EQ(WSAEINVAL, transfer_send(self->client, buffers, MOST + 1, overlaps, &moved));
		EXPECT_EQ(WSAEINVAL, transfer_receive(self->client, buffers, MOST + 1, 0, overlaps,
						      &moved));
		EXPECT_EQ(77, moved);
		EXPECT_EQ(0, transfer_send(self->client, buffers, MOST, overlaps, &moved));
		EXPECT_EQ(MOST, moved);
		reader_run(&reader);
		EXPECT_EQ(MOST, reader.got);
		EXPECT_FALSE(reader.wrong);
	}
	set_nonblock(self->server, 1);
	EXPECT_WSA(WSAEWOULDBLOCK, recv(self->server, &byte, 1, 0));
}

TEST_F(winsock, a_buffer_that_is_nowhere_loses_nothing)
{
	char data[16], tail[4];
	WSABUF sent[2] = { { 4, "good" }, { 4, NOWHERE } };
	WSABUF asked[2] = { { 4, data }, { 4, NOWHERE } };
	DWORD moved;
	int got;

	for (int overlaps = 0; overlaps < 2; overlaps++) {
		/* Bytes before that buffer may be on their way, and no others. */
		EXPECT_EQ(WSAEFAULT, transfer_send(self->client, sent, 2, overlaps, &moved));
		ASSERT_EQ(3, send(self->client, "end", 3, 0));
		net_sleep(50);
		got = recv(self->server, data, 16, 0);
		ASSERT_GE(got, 3);
		ASSERT_LE(got, 7);
		EXPECT_EQ(0, memcmp(data, "good", got - 3));
		EXPECT_EQ(0, memcmp(data + got - 3, "end", 3));
		/* Bytes that could not be stored are still in the socket. */
		ASSERT_EQ(8, send(self->server, "12345678", 8, 0));
		net_sleep(50);
		EXPECT_EQ(WSAEFAULT, transfer_receive(self->client, asked, 2, 0, overlaps, &moved));
		EXPECT_EQ(8, recv(self->client, data, 16, 0));
		EXPECT_EQ(0, memcmp(data, "12345678", 8));
		/* A valid receive behind it: neither affects the other. */
		asked[1].buf = tail;
		ASSERT_EQ(8, send(self->server, "abcdefgh", 8, 0));
		net_sleep(50);
		EXPECT_EQ(0, transfer_receive(self->client, asked, 2, 0, overlaps, &moved));
		EXPECT_EQ(8, moved);
		EXPECT_EQ(0, memcmp(tail, "efgh", 4));
		asked[1].buf = NOWHERE;
	}
}

/* The kernel may find the bad buffer when much is sent. */
TEST_F(winsock, a_part_that_was_sent_before_a_buffer_that_is_nowhere)
{
	enum { BIG = 3 << 20 };
	static char block[BIG];
	WSABUF buffers[2] = { { BIG, block }, { 4, NOWHERE } };
	struct reader reader = { self->server, BIG + 1 };
	DWORD moved;

	for (int i = 0; i < BIG; i++)
		block[i] = i % 251;
	for (int overlaps = 0; overlaps < 2; overlaps++) {
		reader.got = 0;
		ASSERT_EQ(0, pthread_create(&reader.thread, NULL, reader_run, &reader));
		EXPECT_EQ(WSAEFAULT, transfer_send(self->client, buffers, 2, overlaps, &moved));
		ASSERT_EQ(0, closesocket(self->client));
		ASSERT_EQ(0, pthread_join(reader.thread, NULL));
		EXPECT_GT(reader.got, 0);
		EXPECT_LE(reader.got, BIG);
		EXPECT_FALSE(reader.wrong);
		ASSERT_EQ(0, closesocket(self->server));
		self->client = open_pair(self->listener, self->port, &self->server);
		reader.s = self->server;
	}
}

/* The caller gets the part of a datagram that fits, and its sender. */
TEST_F(winsock, a_datagram_that_is_cut_short)
{
	struct sockaddr_in name = loopback(0);
	struct sockaddr_storage from;
	int size = sizeof(name), from_size;
	SOCKET a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
	WSAOVERLAPPED overlapped = { 0 };
	char data[2];
	WSABUF buffer = { 2, data };
	DWORD moved, flags = 0;

	ASSERT_EQ(0, bind(a, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, getsockname(a, (struct sockaddr *)&name, &size));
	for (int overlaps = 0; overlaps < 2; overlaps++) {
		ASSERT_EQ(4, sendto(b, "some", 4, 0, (struct sockaddr *)&name, sizeof(name)));
		net_sleep(50);
		memset(&from, 0, sizeof(from));
		memset(data, 0, sizeof(data));
		from_size = sizeof(from);
		EXPECT_WSA(WSAEMSGSIZE, WSARecvFrom(a, &buffer, 1, &moved, &flags,
						    (struct sockaddr *)&from, &from_size,
						    overlaps ? &overlapped : NULL, NULL));
		EXPECT_EQ(MSG_PARTIAL, flags);
		EXPECT_EQ(AF_INET, from.ss_family);
		EXPECT_EQ(sizeof(name), from_size);
		EXPECT_EQ(0, memcmp(data, "so", 2));
	}
	/* A receive that waits reports how much fits. */
	from_size = sizeof(from);
	EXPECT_WSA(WSA_IO_PENDING, WSARecvFrom(a, &buffer, 1, &moved, &flags,
					       (struct sockaddr *)&from, &from_size, &overlapped,
					       NULL));
	ASSERT_EQ(4, sendto(b, "next", 4, 0, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_FALSE(WSAGetOverlappedResult(a, &overlapped, &moved, TRUE, &flags));
	EXPECT_EQ(WSAEMSGSIZE, WSAGetLastError());
	EXPECT_EQ(2, moved);
	EXPECT_EQ(MSG_PARTIAL, flags);
	EXPECT_EQ(sizeof(name), from_size);
	EXPECT_EQ(0, memcmp(data, "ne", 2));
}

TEST_HARNESS_MAIN
