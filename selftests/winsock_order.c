// SPDX-License-Identifier: GPL-2.0-only
/* Plain calls and shutdown() come behind the operations that are pending on a stream. */
#include <netinet/tcp.h>

#include "winsock_test.h"

#define BLOCK	(2 << 20)	/* exceeds the buffers of both ends */
#define SNDBUF	65536

/* A send of As that is pending until the peer reads. */
struct sending {
	WSAOVERLAPPED overlapped;
	WSABUF buffer;
};

static int sending_begin(struct sending *sending, SOCKET s)
{
	static char block[BLOCK];
	int sndbuf = SNDBUF;

	setsockopt(s, SOL_SOCKET, SO_SNDBUF, (char *)&sndbuf, sizeof(sndbuf));
	memset(block, 'A', sizeof(block));
	*sending = (struct sending){ .buffer = { sizeof(block), block } };
	return WSASend(s, &sending->buffer, 1, NULL, 0, &sending->overlapped, NULL);
}

/* The send ends with this error, or with 0 and the whole block. */
#define EXPECT_SENT(error, s, sending) do { \
	DWORD moved_ = 77, flags_; \
	BOOL done_ = WSAGetOverlappedResult(s, &(sending)->overlapped, &moved_, TRUE, &flags_); \
	EXPECT_EQ(!(error), done_); \
	EXPECT_EQ((error) ? 0 : BLOCK, moved_); \
	if (error) \
		EXPECT_EQ(error, WSAGetLastError()); \
} while (0)

/* A peer that reads to the end, or until no data has come for two seconds. */
struct reader {
	SOCKET s;
	size_t got;
	size_t first_b;		/* position of the first B */
	size_t bs;
	int last;
	pthread_t thread;
};

static void *reader_run(void *argument)
{
	struct reader *reader = argument;
	static char block[65536];

	while ((reader->last = recv(reader->s, block, sizeof(block), 0)) > 0)
		for (int i = 0; i < reader->last; i++, reader->got++) {
			if (block[i] != 'B')
				continue;
			if (!reader->bs++)
				reader->first_b = reader->got;
		}
	return NULL;
}

static void reader_start(struct __test_metadata *_metadata, struct reader *reader, SOCKET s)
{
	DWORD patience = 2000;

	*reader = (struct reader){ .s = s };
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (char *)&patience, sizeof(patience));
	ASSERT_EQ(0, pthread_create(&reader->thread, NULL, reader_run, reader));
}

/* The peer reads all As, then so many Bs, then the end. */
#define EXPECT_READ(reader, bees) do { \
	ASSERT_EQ(0, pthread_join((reader)->thread, NULL)); \
	EXPECT_EQ(0, (reader)->last); \
	EXPECT_EQ(BLOCK + (bees), (reader)->got); \
	EXPECT_EQ(bees, (reader)->bs); \
	if ((bees) && (reader)->bs) \
		EXPECT_EQ(BLOCK, (reader)->first_b); \
} while (0)

/* A thread in a plain call. */
struct blocked {
	SOCKET s;
	bool receives;
	int size;
	char data[1000];
	int result;
	int error;
	double ended;
	unsigned int runs;	/* of routines during the call */
	HANDLE self;
	pthread_t thread;
};

static void *blocked_run(void *argument)
{
	struct blocked *blocked = argument;

	blocked->self = winsock_thread_self();
	WSASetLastError(0);
	blocked->result = blocked->receives ? recv(blocked->s, blocked->data, blocked->size, 0)
					    : send(blocked->s, blocked->data, blocked->size, 0);
	blocked->error = WSAGetLastError();
	blocked->ended = net_now();
	return NULL;
}

/* Start a thread and return when it is in the call, and does not end by itself. */
static void blocked_start(struct __test_metadata *_metadata, struct blocked *blocked, SOCKET s,
			  bool receives)
{
	*blocked = (struct blocked){ .s = s, .receives = receives, .size = 1000 };
	memset(blocked->data, receives ? 0x55 : 'B', sizeof(blocked->data));
	ASSERT_EQ(0, pthread_create(&blocked->thread, NULL, blocked_run, blocked));
	net_sleep(200);
	ASSERT_EQ(0, blocked->ended);
}

#define EXPECT_ENDED(blocked, wanted, code) do { \
	ASSERT_EQ(0, pthread_join((blocked)->thread, NULL)); \
	EXPECT_EQ(wanted, (blocked)->result); \
	EXPECT_EQ(code, (blocked)->error); \
} while (0)

TEST_F(winsock, shutdown_comes_behind_a_pending_send)
{
	static const int ways[] = { SD_SEND, SD_BOTH };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct sending sending;
		struct reader reader;
		char byte;

		EXPECT_WSA(WSA_IO_PENDING, sending_begin(&sending, self->client));
		EXPECT_EQ(0, shutdown(self->client, ways[i]));
		/* For the program the shutdown is done. */
		EXPECT_WSA(WSAESHUTDOWN, send(self->client, "B", 1, 0));
		EXPECT_WSA(WSAESHUTDOWN, WSASend(self->client, &sending.buffer, 1, NULL, 0,
						 &(WSAOVERLAPPED){ 0 }, NULL));
		if (ways[i] == SD_BOTH)
			EXPECT_WSA(WSAESHUTDOWN, recv(self->client, &byte, 1, 0));
		EXPECT_EQ(0, shutdown(self->client, ways[i]));
		net_sleep(50);
		EXPECT_EQ(TCP_ESTABLISHED, net_state(self->client));
		reader_start(_metadata, &reader, self->server);
		EXPECT_SENT(0, self->client, &sending);
		EXPECT_READ(&reader, 0);
		closesocket(self->client);
		closesocket(self->server);
		self->client = open_pair(self->listener, self->port, &self->server);
	}
}

TEST_F(winsock, shutdown_comes_when_what_was_pending_is_cancelled)
{
	struct sending sending;
	struct reader reader;

	EXPECT_WSA(WSA_IO_PENDING, sending_begin(&sending, self->client));
	EXPECT_EQ(0, shutdown(self->client, SD_SEND));
	EXPECT_TRUE(CancelIoEx((HANDLE)(intptr_t)self->client, NULL));
	EXPECT_SENT(WSA_OPERATION_ABORTED, self->client, &sending);
	reader_start(_metadata, &reader, self->server);
	ASSERT_EQ(0, pthread_join(reader.thread, NULL));
	EXPECT_EQ(0, reader.last);
	EXPECT_LT(reader.got, BLOCK);
}

/* claims: N5 */
TEST_F(winsock, shutdown_survives_a_refused_close)
{
	struct sending sending;
	struct reader reader;

	EXPECT_WSA(WSA_IO_PENDING, sending_begin(&sending, self->client));
	EXPECT_EQ(0, shutdown(self->client, SD_SEND));
	set_linger(self->client, 1, 5);
	set_nonblock(self->client, 1);
	for (int i = 0; i < 3; i++)
		EXPECT_WSA(WSAEWOULDBLOCK, closesocket(self->client));
	EXPECT_WSA(WSAESHUTDOWN, send(self->client, "B", 1, 0));
	reader_start(_metadata, &reader, self->server);
	EXPECT_SENT(0, self->client, &sending);
	EXPECT_READ(&reader, 0);
}

/* claims: P7 */
TEST_F(winsock, shutdown_survives_the_close_of_one_of_several_handles)
{
	WSAPROTOCOL_INFO info;
	struct sending sending;
	struct reader reader;
	SOCKET twin;

	ASSERT_EQ(0, WSADuplicateSocket(self->client, GetCurrentProcessId(), &info));
	twin = WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, 0);
	ASSERT_NE(INVALID_SOCKET, twin);
	EXPECT_WSA(WSA_IO_PENDING, sending_begin(&sending, self->client));
	EXPECT_EQ(0, shutdown(self->client, SD_SEND));
	EXPECT_EQ(0, closesocket(self->client));
	reader_start(_metadata, &reader, self->server);
	EXPECT_SENT(0, twin, &sending);
	EXPECT_READ(&reader, 0);
	/* The acknowledgement of the FIN may arrive after the reader has seen the FIN. */
	EXPECT_EQ(TCP_FIN_WAIT2, net_left_wait(self->client_port, self->port, TCP_FIN_WAIT2, 2000));
	EXPECT_EQ(TCP_FIN_WAIT2, net_state(twin));
}

TEST_F(winsock, a_plain_send_comes_behind_pending_ones)
{
	WSABUF parts[2] = { { 400, (char[400]){ 0 } }, { 600, (char[600]){ 0 } } };
	struct sending sending;
	struct reader reader;
	DWORD moved = 0;
	char bs[1000];

	memset(bs, 'B', sizeof(bs));
	memset(parts[0].buf, 'B', 400);
	memset(parts[1].buf, 'B', 600);
	for (int way = 0; way < 2; way++) {
		EXPECT_WSA(WSA_IO_PENDING, sending_begin(&sending, self->client));
		reader_start(_metadata, &reader, self->server);
		if (way) {
			EXPECT_EQ(0, WSASend(self->client, parts, 2, &moved, 0, NULL, NULL));
			EXPECT_EQ(1000, moved);
		} else {
			EXPECT_EQ(1000, send(self->client, bs, sizeof(bs), 0));
		}
		EXPECT_TRUE(HasOverlappedIoCompleted(&sending.overlapped));
		EXPECT_SENT(0, self->client, &sending);
		EXPECT_EQ(0, shutdown(self->client, SD_SEND));
		EXPECT_READ(&reader, 1000);
		closesocket(self->client);
		closesocket(self->server);
		self->client = open_pair(self->listener, self->port, &self->server);
	}
}

TEST_F(winsock, a_non_blocking_send_would_block_and_is_told_when_it_may)
{
	WSAEVENT event = WSACreateEvent();
	WSANETWORKEVENTS events;
	struct sending sending;
	struct reader reader;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_WRITE));
	EXPECT_TRUE(is_set(event));
	ASSERT_EQ(0, WSAEnumNetworkEvents(self->client, event, &events));
	EXPECT_WSA(WSA_IO_PENDING, sending_begin(&sending, self->client));
	EXPECT_WSA(WSAEWOULDBLOCK, send(self->client, "B", 1, 0));
	reader_start(_metadata, &reader, self->server);
	/* Now and then there is room, and the operation takes it. */
	while (!HasOverlappedIoCompleted(&sending.overlapped) &&
	       send(self->client, "B", 1, 0) < 0) {
		EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
		usleep(1);
	}
	EXPECT_SENT(0, self->client, &sending);
	EXPECT_TRUE(is_set(event));
	ASSERT_EQ(0, WSAEnumNetworkEvents(self->client, event, &events));
	EXPECT_EQ(FD_WRITE, events.lNetworkEvents);
	EXPECT_EQ(1, send(self->client, "B", 1, 0));
	EXPECT_EQ(0, shutdown(self->client, SD_SEND));
	ASSERT_EQ(0, pthread_join(reader.thread, NULL));
	EXPECT_EQ(0, reader.last);
	EXPECT_EQ(BLOCK, reader.first_b);
	EXPECT_EQ(BLOCK + reader.bs, reader.got);
}

TEST_F(winsock, writing_is_not_told_while_a_send_is_pending)
{
	WSAEVENT event = WSACreateEvent();
	struct sending sending;
	struct reader reader;

	EXPECT_WSA(WSA_IO_PENDING, sending_begin(&sending, self->client));
	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_WRITE));
	EXPECT_WSA(WSAEWOULDBLOCK, send(self->client, "B", 1, 0));
	EXPECT_TRUE(is_unset(event));
	EXPECT_TRUE(CancelIoEx((HANDLE)(intptr_t)self->client, NULL));
	EXPECT_SENT(WSA_OPERATION_ABORTED, self->client, &sending);
	reader_start(_metadata, &reader, self->server);
	EXPECT_TRUE(is_set(event));
	closesocket(self->client);
	ASSERT_EQ(0, pthread_join(reader.thread, NULL));
}

TEST_F(winsock, a_plain_receive_comes_behind_pending_ones)
{
	WSABUF buffers[2] = { { 1, (char[1]){ 0 } }, { 1, (char[1]){ 0 } } };
	WSAOVERLAPPED overlapped[2] = { 0 };
	struct blocked blocked;
	DWORD flags = 0, moved;

	for (int i = 0; i < 2; i++)
		EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->client, &buffers[i], 1, NULL, &flags,
						   &overlapped[i], NULL));
	EXPECT_EQ(SOCKET_ERROR, recv(self->client, (char[1]){ 0 }, 1, MSG_DONTWAIT));
	EXPECT_EQ(WSAEWOULDBLOCK, WSAGetLastError());
	blocked_start(_metadata, &blocked, self->client, true);
	ASSERT_EQ(1, send(self->server, "1", 1, 0));
	EXPECT_TRUE(WSAGetOverlappedResult(self->client, &overlapped[0], &moved, TRUE, &flags));
	net_sleep(100);
	EXPECT_EQ(0, blocked.ended);
	ASSERT_EQ(4, send(self->server, "2345", 4, 0));
	EXPECT_TRUE(WSAGetOverlappedResult(self->client, &overlapped[1], &moved, TRUE, &flags));
	EXPECT_ENDED(&blocked, 3, 0);
	EXPECT_EQ('1', buffers[0].buf[0]);
	EXPECT_EQ('2', buffers[1].buf[0]);
	EXPECT_EQ(0, memcmp(blocked.data, "345", 3));
}

TEST_F(winsock, reading_is_told_when_the_pending_receives_have_theirs)
{
	WSABUF buffer = { 1, (char[1]){ 0 } };
	WSAEVENT event = WSACreateEvent();
	WSAOVERLAPPED overlapped = { 0 };
	DWORD flags = 0, moved;
	char byte;

	ASSERT_EQ(0, WSAEventSelect(self->client, event, FD_READ));
	EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->client, &buffer, 1, NULL, &flags, &overlapped,
					   NULL));
	EXPECT_WSA(WSAEWOULDBLOCK, recv(self->client, &byte, 1, 0));
	ASSERT_EQ(1, send(self->server, "1", 1, 0));
	EXPECT_TRUE(WSAGetOverlappedResult(self->client, &overlapped, &moved, TRUE, &flags));
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(1, send(self->server, "2", 1, 0));
	EXPECT_TRUE(is_set(event));
	EXPECT_EQ(1, recv(self->client, &byte, 1, 0));
	EXPECT_EQ('2', byte);
}

/* claims: P10 */
TEST_F(winsock, a_close_ends_a_send_that_waits_for_its_turn)
{
	struct sending sending;
	struct blocked blocked;
	double closed;

	EXPECT_WSA(WSA_IO_PENDING, sending_begin(&sending, self->client));
	blocked_start(_metadata, &blocked, self->client, false);
	/* A refused close ends nothing. */
	set_linger(self->client, 1, 5);
	set_nonblock(self->client, 1);
	EXPECT_WSA(WSAEWOULDBLOCK, closesocket(self->client));
	net_sleep(100);
	EXPECT_EQ(0, blocked.ended);
	set_linger(self->client, 0, 0);
	closed = net_now();
	EXPECT_EQ(0, closesocket(self->client));
	EXPECT_ENDED(&blocked, SOCKET_ERROR, WSAECONNABORTED);
	EXPECT_LT(blocked.ended - closed, AT_ONCE);
	EXPECT_SENT(WSA_OPERATION_ABORTED, self->client, &sending);
}

TEST_F(winsock, a_timeout_ends_a_call_that_waits_for_its_turn)
{
	WSAOVERLAPPED overlapped = { 0 };
	WSABUF buffer = { 1, (char[1]){ 0 } };
	DWORD ms = 500, flags = 0;
	struct sending sending;
	double began;

	setsockopt(self->client, SOL_SOCKET, SO_SNDTIMEO, (char *)&ms, sizeof(ms));
	setsockopt(self->client, SOL_SOCKET, SO_RCVTIMEO, (char *)&ms, sizeof(ms));
	EXPECT_WSA(WSA_IO_PENDING, sending_begin(&sending, self->client));
	EXPECT_WSA(WSA_IO_PENDING, WSARecv(self->client, &buffer, 1, NULL, &flags, &overlapped,
					   NULL));
	for (int receives = 0; receives < 2; receives++) {
		struct blocked blocked = { .s = self->client, .receives = receives, .size = 1 };

		began = net_now();
		blocked_run(&blocked);
		EXPECT_EQ(SOCKET_ERROR, blocked.result);
		EXPECT_EQ(WSAETIMEDOUT, blocked.error);
		EXPECT_GE(blocked.ended - began, 0.45);
		EXPECT_LT(blocked.ended - began, 0.5 + AT_ONCE);
	}
}

static void count(ULONG_PTR data)
{
	((struct blocked *)data)->runs++;
}

static void cancel(ULONG_PTR data)
{
	WSACancelBlockingCall();
}

/* claims: P13 */
TEST_F(winsock, routines_run_meanwhile_and_may_cancel_it)
{
	struct sending sending;
	struct blocked blocked;

	EXPECT_WSA(WSA_IO_PENDING, sending_begin(&sending, self->client));
	blocked_start(_metadata, &blocked, self->client, false);
	EXPECT_TRUE(QueueUserAPC(count, blocked.self, (ULONG_PTR)&blocked));
	net_sleep(100);
	EXPECT_EQ(1, blocked.runs);
	EXPECT_EQ(0, blocked.ended);
	EXPECT_TRUE(QueueUserAPC(cancel, blocked.self, 0));
	EXPECT_ENDED(&blocked, SOCKET_ERROR, WSAEINTR);
	EXPECT_FALSE(HasOverlappedIoCompleted(&sending.overlapped));
}

TEST_HARNESS_MAIN
