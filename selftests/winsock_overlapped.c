// SPDX-License-Identifier: GPL-2.0-only
/* Overlapped operations: order, completion, and the effect of a close. */
#include "winsock_test.h"

struct pending {
	WSAOVERLAPPED overlapped;
	char data[64];
	WSABUF buffer;
	DWORD moved, flags;
	unsigned int told;	/* calls of the completion routine */
	DWORD error;
};

static void pending_init(struct pending *pending, WSAEVENT event)
{
	memset(pending, 0, sizeof(*pending));
	memset(pending->data, 0x55, sizeof(pending->data));
	pending->overlapped.hEvent = event;
	pending->buffer.buf = pending->data;
	pending->buffer.len = sizeof(pending->data);
	pending->moved = 77;
}

static int pending_receive(struct pending *pending, SOCKET s)
{
	return WSARecv(s, &pending->buffer, 1, &pending->moved, &pending->flags,
		       &pending->overlapped, NULL);
}

#define EXPECT_PENDING(call) do { \
	EXPECT_WSA(WSA_IO_PENDING, call); \
} while (0)

#define EXPECT_ABORTED(s, pending) do { \
	DWORD moved_ = 77, flags_; \
	EXPECT_FALSE(WSAGetOverlappedResult(s, &(pending)->overlapped, &moved_, TRUE, &flags_)); \
	EXPECT_EQ(WSA_OPERATION_ABORTED, WSAGetLastError()); \
	EXPECT_EQ(0, moved_); \
	EXPECT_EQ(0x55, (pending)->data[0]); \
} while (0)

/* Is the event set, now or soon? */
TEST_F(winsock, a_receive_completes_by_its_event)
{
	WSAEVENT event = WSACreateEvent();
	struct pending pending;
	DWORD moved, flags;

	ASSERT_NE(WSA_INVALID_EVENT, event);
	pending_init(&pending, event);
	WSASetEvent(event);
	EXPECT_PENDING(pending_receive(&pending, self->client));
	EXPECT_TRUE(is_unset(event));
	EXPECT_FALSE(WSAGetOverlappedResult(self->client, &pending.overlapped, &moved, FALSE,
					    &flags));
	EXPECT_EQ(WSA_IO_INCOMPLETE, WSAGetLastError());
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	EXPECT_TRUE(is_set(event));
	ASSERT_TRUE(WSAGetOverlappedResult(self->client, &pending.overlapped, &moved, FALSE,
					   &flags));
	EXPECT_EQ(5, moved);
	EXPECT_EQ(0, memcmp(pending.data, "hello", 5));
	EXPECT_TRUE(WSACloseEvent(event));
	EXPECT_FALSE(WSASetEvent(event));
	EXPECT_EQ(WSA_INVALID_HANDLE, WSAGetLastError());
}

TEST_F(winsock, what_is_there_completes_at_once_and_is_told)
{
	WSAEVENT event = WSACreateEvent();
	struct pending pending;

	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	net_sleep(50);
	pending_init(&pending, event);
	EXPECT_EQ(0, pending_receive(&pending, self->client));
	EXPECT_EQ(5, pending.moved);
	EXPECT_TRUE(is_set(event));
}

TEST_F(winsock, receives_are_filled_in_their_order)
{
	struct pending pending[8];

	for (int mode = 0; mode < 2; mode++) {
		set_nonblock(self->client, mode);
		for (int i = 0; i < 8; i++) {
			pending_init(&pending[i], NULL);
			pending[i].buffer.len = 1;
			EXPECT_PENDING(pending_receive(&pending[i], self->client));
		}
		ASSERT_EQ(8, send(self->server, "01234567", 8, 0));
		for (int i = 0; i < 8; i++) {
			DWORD moved, flags;

			ASSERT_TRUE(WSAGetOverlappedResult(self->client, &pending[i].overlapped,
							   &moved, TRUE, &flags));
			EXPECT_EQ(1, moved);
			EXPECT_EQ('0' + i, pending[i].data[0]);
		}
	}
}

TEST_F(winsock, sends_arrive_whole_and_in_their_order)
{
	enum { SENDS = 6, SIZE = 1 << 20 };
	static char block[SENDS][SIZE];
	WSAOVERLAPPED overlapped[SENDS] = { 0 };
	size_t got = 0;

	for (int i = 0; i < SENDS; i++) {
		WSABUF halves[2] = { { SIZE / 2, block[i] }, { SIZE / 2, block[i] + SIZE / 2 } };

		memset(block[i], 'a' + i, SIZE);
		if (WSASend(self->client, halves, 2, NULL, 0, &overlapped[i], NULL))
			EXPECT_EQ(WSA_IO_PENDING, WSAGetLastError());
	}
	while (got < SENDS * SIZE) {
		static char read[65536];
		int more = recv(self->server, read, sizeof(read), 0);

		ASSERT_GT(more, 0);
		for (int i = 0; i < more; i++)
			ASSERT_EQ('a' + (got + i) / SIZE, read[i]);
		got += more;
	}
	for (int i = 0; i < SENDS; i++) {
		DWORD moved, flags;

		EXPECT_TRUE(WSAGetOverlappedResult(self->client, &overlapped[i], &moved, TRUE,
						   &flags));
		EXPECT_EQ(SIZE, moved);
	}
}

/*
 * A receive and a send are both pending: the end of one must leave the other one watched, whichever
 * comes first.
 */
TEST_F(winsock, the_end_of_one_direction_leaves_the_other_pending)
{
	enum { SIZE = 8 << 20 };
	static char block[1 << 16];

	for (int receive_first = 0; receive_first < 2; receive_first++) {
		WSAEVENT received = WSACreateEvent(), sent = WSACreateEvent();
		WSAOVERLAPPED sending = { .hEvent = sent };
		WSABUF buffer = { SIZE, calloc(1, SIZE) };
		struct pending pending;
		size_t got = 0;
		int more;

		ASSERT_NE(NULL, buffer.buf);
		pending_init(&pending, received);
		EXPECT_PENDING(pending_receive(&pending, self->client));
		EXPECT_PENDING(WSASend(self->client, &buffer, 1, NULL, 0, &sending, NULL));
		if (receive_first) {
			ASSERT_EQ(5, send(self->server, "hello", 5, 0));
			EXPECT_TRUE(is_set(received));
			EXPECT_TRUE(is_unset(sent));
		}
		while (got < SIZE) {
			more = recv(self->server, block, sizeof(block), 0);
			ASSERT_GT(more, 0);
			got += more;
		}
		EXPECT_TRUE(is_set(sent));
		if (!receive_first) {
			EXPECT_TRUE(is_unset(received));
			ASSERT_EQ(5, send(self->server, "hello", 5, 0));
			EXPECT_TRUE(is_set(received));
		}
		free(buffer.buf);
		WSACloseEvent(received);
		WSACloseEvent(sent);
	}
}

TEST_F(winsock, datagrams_with_their_addresses)
{
	struct sockaddr_in name = loopback(0), from = { 0 };
	int size = sizeof(name), from_size = sizeof(from);
	SOCKET a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
	WSABUF text = { 4, "text" };
	struct pending pending;
	DWORD moved, flags;

	ASSERT_EQ(0, bind(a, (struct sockaddr *)&name, sizeof(name)));
	ASSERT_EQ(0, getsockname(a, (struct sockaddr *)&name, &size));
	pending_init(&pending, NULL);
	EXPECT_PENDING(WSARecvFrom(a, &pending.buffer, 1, &pending.moved, &pending.flags,
				   (struct sockaddr *)&from, &from_size, &pending.overlapped, NULL));
	EXPECT_EQ(0, WSASendTo(b, &text, 1, &moved, 0, (struct sockaddr *)&name, sizeof(name),
			       NULL, NULL));
	EXPECT_EQ(4, moved);
	ASSERT_TRUE(WSAGetOverlappedResult(a, &pending.overlapped, &moved, TRUE, &flags));
	EXPECT_EQ(4, moved);
	EXPECT_EQ(AF_INET, from.sin_family);
	EXPECT_EQ(sizeof(from), from_size);
	/* A datagram that does not fit. */
	pending.buffer.len = 2;
	EXPECT_PENDING(pending_receive(&pending, a));
	ASSERT_EQ(4, sendto(b, "text", 4, 0, (struct sockaddr *)&name, sizeof(name)));
	EXPECT_FALSE(WSAGetOverlappedResult(a, &pending.overlapped, &moved, TRUE, &flags));
	EXPECT_EQ(WSAEMSGSIZE, WSAGetLastError());
	EXPECT_EQ(2, moved);
	/* The same at once, and without an operation. */
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(4, sendto(b, "text", 4, 0, (struct sockaddr *)&name, sizeof(name)));
		ASSERT_EQ(1, WSAPoll(&(WSAPOLLFD){ .fd = a, .events = POLLIN }, 1, 5000));
		moved = flags = 0;
		EXPECT_WSA(WSAEMSGSIZE, WSARecv(a, &pending.buffer, 1, &moved, &flags,
						i ? NULL : &pending.overlapped, NULL));
		EXPECT_EQ(2, moved);
		EXPECT_EQ(MSG_PARTIAL, flags);
	}
	EXPECT_WSA(WSAEFAULT, WSASendTo(b, &text, 1, &moved, 0, (struct sockaddr *)&name, 8, NULL,
					NULL));
	EXPECT_WSA(WSAEFAULT, WSASendTo(b, &text, 1, &moved, 0, (struct sockaddr *)&name, 8,
					&pending.overlapped, NULL));
}

/* What is only looked at is not there twice, and what is not connected never readable. */
TEST_F(winsock, receives_that_take_nothing)
{
	DWORD moved, flags = MSG_PEEK | MSG_WAITALL;
	struct pending pending;
	struct net_pair pair;
	WSABUF buffer;

	pending_init(&pending, NULL);
	buffer = (WSABUF){ 8, pending.data };
	ASSERT_EQ(4, send(self->server, "abcd", 4, 0));
	EXPECT_EQ(0, WSARecv(self->client, &buffer, 1, &moved, &flags, &pending.overlapped, NULL));
	EXPECT_EQ(4, moved);
	buffer.len = flags = 0;
	EXPECT_WSA(WSAENOTCONN, WSARecv(socket(AF_INET, SOCK_STREAM, 0), &buffer, 1, &moved, &flags,
					&pending.overlapped, NULL));
	/* A connection that is not the library's, and that the peer has reset. */
	net_pair_open(&pair, NET_V4, true);
	net_linger(pair.client, 1, 0);
	close(pair.client);
	EXPECT_WSA(WSAECONNRESET, WSARecv(pair.server, &buffer, 1, &moved, &flags,
					  &pending.overlapped, NULL));
}

static void routine(DWORD error, DWORD moved, LPWSAOVERLAPPED overlapped, DWORD flags)
{
	struct pending *pending = (struct pending *)overlapped;

	pending->told++;
	pending->error = error;
	pending->moved = moved;
}

TEST_F(winsock, routines_run_in_alertable_waits_only)
{
	struct pending pending;

	pending_init(&pending, NULL);
	EXPECT_PENDING(WSARecv(self->client, &pending.buffer, 1, NULL, &pending.flags,
			       &pending.overlapped, routine));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	EXPECT_EQ(0, SleepEx(100, FALSE));
	EXPECT_EQ(0, pending.told);
	EXPECT_EQ(WAIT_IO_COMPLETION, SleepEx(5000, TRUE));
	EXPECT_EQ(1, pending.told);
	EXPECT_EQ(0, pending.error);
	EXPECT_EQ(5, pending.moved);
	EXPECT_EQ(0, SleepEx(50, TRUE));
	EXPECT_EQ(1, pending.told);
}

/* claims: P1 P2 P3 P4 P18 G9 */
TEST_F(winsock, a_close_cancels_by_event_and_routine)
{
	WSAEVENT event = WSACreateEvent();
	struct pending evented, routined, behind;

	pending_init(&evented, event);
	pending_init(&routined, NULL);
	pending_init(&behind, NULL);
	EXPECT_PENDING(pending_receive(&evented, self->client));
	EXPECT_PENDING(WSARecv(self->client, &routined.buffer, 1, NULL, &routined.flags,
			       &routined.overlapped, routine));
	EXPECT_PENDING(pending_receive(&behind, self->client));
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_TRUE(is_set(event));
	EXPECT_ABORTED(self->client, &evented);
	EXPECT_ABORTED(self->client, &behind);
	EXPECT_EQ(WAIT_IO_COMPLETION, SleepEx(2000, TRUE));
	EXPECT_EQ(1, routined.told);
	EXPECT_EQ(WSA_OPERATION_ABORTED, routined.error);
	EXPECT_EQ(0, routined.moved);
	EXPECT_EQ(0, SleepEx(100, TRUE));
	EXPECT_EQ(1, routined.told);
	/* The page: with linger off a close is graceful even with a receive pending. */
	net_sleep(50);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
	/* No operation writes into the buffer any more. */
	send(self->server, "late", 4, 0);
	net_sleep(50);
	EXPECT_EQ(0x55, evented.data[0]);
}

/* claims: P19 P1 */
TEST_F(winsock, a_pending_send_is_cancelled_a_completed_one_arrives)
{
	static char block[8 << 20];
	WSABUF buffer = { sizeof(block), block };
	WSAOVERLAPPED overlapped = { 0 };
	DWORD moved = 77, flags;
	size_t got;
	int error;

	ASSERT_EQ(5, send(self->client, "first", 5, 0));
	EXPECT_PENDING(WSASend(self->client, &buffer, 1, NULL, 0, &overlapped, NULL));
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_FALSE(WSAGetOverlappedResult(self->client, &overlapped, &moved, TRUE, &flags));
	EXPECT_EQ(WSA_OPERATION_ABORTED, WSAGetLastError());
	EXPECT_EQ(0, moved);
	got = net_drain(self->server, &error);
	EXPECT_GE(got, 5);
	EXPECT_LT(got, 5 + sizeof(block));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, RSTS());
}

/* claims: N5 N1 N7 */
TEST_F(winsock, would_block_leaves_operations_alone)
{
	WSAEVENT event = WSACreateEvent();
	struct pending pending, behind;
	DWORD moved, flags;
	int error;
	size_t stuffed = stuff(self->client);

	pending_init(&pending, event);
	pending_init(&behind, NULL);
	EXPECT_PENDING(pending_receive(&pending, self->client));
	EXPECT_PENDING(pending_receive(&behind, self->client));
	set_linger(self->client, 1, 5);
	set_nonblock(self->client, 1);
	for (int i = 0; i < 3; i++)
		EXPECT_WSA(WSAEWOULDBLOCK, closesocket(self->client));
	EXPECT_TRUE(is_unset(event));
	EXPECT_EQ(0, FINS() + RSTS());
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	EXPECT_TRUE(is_set(event));
	ASSERT_TRUE(WSAGetOverlappedResult(self->client, &pending.overlapped, &moved, TRUE,
					   &flags));
	EXPECT_EQ(5, moved);
	/* When drained the close succeeds, and cancels the other operation. */
	shutdown(self->server, SD_SEND);
	ASSERT_TRUE(WSAGetOverlappedResult(self->client, &behind.overlapped, &moved, TRUE,
					   &flags));
	EXPECT_EQ(0, moved);
	while (stuffed) {
		static char block[65536];
		int got = recv(self->server, block, sizeof(block), 0);

		ASSERT_GT(got, 0);
		stuffed -= got;
	}
	net_sleep(50);
	EXPECT_EQ(0, closesocket(self->client));
	net_drain(self->server, &error);
	EXPECT_EQ(0, error);
}

/* claims: P7 M4 M1 */
TEST_F(winsock, another_handle_in_the_process_keeps_them)
{
	WSAPROTOCOL_INFO info;
	struct pending first, second;
	DWORD moved, flags;
	SOCKET twin;

	ASSERT_EQ(0, WSADuplicateSocket(self->client, GetCurrentProcessId(), &info));
	twin = WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, 0);
	ASSERT_NE(INVALID_SOCKET, twin);
	pending_init(&first, NULL);
	pending_init(&second, NULL);
	EXPECT_PENDING(pending_receive(&first, self->client));
	EXPECT_PENDING(pending_receive(&second, self->client));
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_FALSE(net_is_open(self->client));
	EXPECT_FALSE(HasOverlappedIoCompleted(&first.overlapped));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	ASSERT_TRUE(WSAGetOverlappedResult(twin, &first.overlapped, &moved, TRUE, &flags));
	EXPECT_EQ(5, moved);
	EXPECT_FALSE(HasOverlappedIoCompleted(&second.overlapped));
	EXPECT_EQ(0, FINS() + RSTS());
	/* The last handle: closed hard, to show that it is taken for the last one. */
	set_linger(twin, 1, 0);
	ASSERT_EQ(0, closesocket(twin));
	EXPECT_ABORTED(twin, &second);
	EXPECT_EQ(1, RSTS());
}

/* claims: P6 M1 */
TEST_F(winsock, another_processs_operations_are_its_own)
{
	struct pending ours;
	int ready[2], status;
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		struct pending pending;
		DWORD moved, flags;

		pending_init(&pending, NULL);
		pending_receive(&pending, self->client);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		if (!WSAGetOverlappedResult(self->client, &pending.overlapped, &moved, TRUE,
					    &flags))
			_exit(2);
		_exit(moved == 5 ? 0 : 3);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	pending_init(&ours, NULL);
	EXPECT_PENDING(pending_receive(&ours, self->client));
	/* This process's last handle: its own operations are cancelled, the connection goes on. */
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_ABORTED(self->client, &ours);
	EXPECT_EQ(0, FINS() + RSTS());
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(winsock, cancel_one_or_all)
{
	struct pending pending[4];
	DWORD moved, flags;
	HANDLE file = (HANDLE)(intptr_t)self->client;

	for (int i = 0; i < 4; i++) {
		pending_init(&pending[i], NULL);
		EXPECT_PENDING(pending_receive(&pending[i], self->client));
	}
	EXPECT_TRUE(CancelIoEx(file, &pending[2].overlapped));
	EXPECT_ABORTED(self->client, &pending[2]);
	EXPECT_TRUE(CancelIoEx(file, &pending[0].overlapped));
	EXPECT_ABORTED(self->client, &pending[0]);
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	ASSERT_TRUE(WSAGetOverlappedResult(self->client, &pending[1].overlapped, &moved, TRUE,
					   &flags));
	EXPECT_EQ(1, moved);
	EXPECT_TRUE(CancelIoEx(file, NULL));
	EXPECT_ABORTED(self->client, &pending[3]);
	EXPECT_FALSE(CancelIoEx(file, NULL));
	EXPECT_EQ(ERROR_NOT_FOUND, GetLastError());
	EXPECT_FALSE(CancelIoEx((HANDLE)(intptr_t)999, NULL));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
}

struct issued {
	SOCKET s;
	struct pending pending;
	volatile bool begun, over;
};

static void *issued_run(void *argument)
{
	struct issued *issued = argument;

	pending_receive(&issued->pending, issued->s);
	issued->begun = true;
	while (!issued->over)
		net_sleep(10);
	return NULL;
}

TEST_F(winsock, cancel_the_threads_own)
{
	HANDLE file = (HANDLE)(intptr_t)self->client;
	struct issued other = { self->client };
	struct pending own[2];
	pthread_t thread;
	DWORD moved;

	pending_init(&own[0], NULL);
	pending_init(&own[1], NULL);
	pending_init(&other.pending, NULL);
	EXPECT_TRUE(CancelIo(file));
	EXPECT_PENDING(pending_receive(&own[0], self->client));
	ASSERT_EQ(0, pthread_create(&thread, NULL, issued_run, &other));
	while (!other.begun)
		net_sleep(10);
	EXPECT_PENDING(pending_receive(&own[1], self->client));
	EXPECT_FALSE(GetOverlappedResult(file, &own[1].overlapped, &moved, FALSE));
	EXPECT_EQ(ERROR_IO_INCOMPLETE, GetLastError());
	EXPECT_TRUE(CancelIo(file));
	EXPECT_ABORTED(self->client, &own[0]);
	EXPECT_ABORTED(self->client, &own[1]);
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	EXPECT_TRUE(GetOverlappedResult(file, &other.pending.overlapped, &moved, TRUE));
	EXPECT_EQ(5, moved);
	other.over = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_FALSE(CancelIo((HANDLE)(intptr_t)999));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
}

struct issuer {
	SOCKET s;
	struct pending plain, ported;
};

static void *issuer_run(void *argument)
{
	struct issuer *issuer = argument;

	pending_receive(&issuer->plain, issuer->s);
	return NULL;
}

/* claims: P22 */
TEST_F(winsock, a_thread_that_ends_takes_its_operations_along)
{
	HANDLE port = CreateIoCompletionPort((HANDLE)(intptr_t)self->server, NULL, 7, 0);
	struct issuer bound = { self->client }, ported = { self->server };
	LPOVERLAPPED overlapped;
	ULONG_PTR key;
	DWORD moved;
	pthread_t thread;

	ASSERT_NE(NULL, port);
	pending_init(&bound.plain, NULL);
	pending_init(&ported.plain, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, issuer_run, &bound));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_ABORTED(self->client, &bound.plain);
	ASSERT_EQ(0, pthread_create(&thread, NULL, issuer_run, &ported));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_FALSE(HasOverlappedIoCompleted(&ported.plain.overlapped));
	ASSERT_EQ(5, send(self->client, "hello", 5, 0));
	ASSERT_TRUE(GetQueuedCompletionStatus(port, &moved, &key, &overlapped, 5000));
	EXPECT_EQ(5, moved);
	EXPECT_EQ(7, key);
	EXPECT_EQ(&ported.plain.overlapped, overlapped);
}

/* claims: H4 H6 V6 */
TEST_F(winsock, the_peers_reset_fails_what_is_pending)
{
	struct pending pending[3];
	DWORD moved, flags;

	for (int i = 0; i < 3; i++) {
		pending_init(&pending[i], NULL);
		/* The last one waits for data alone. */
		if (i == 2)
			pending[i].buffer.len = 0;
		EXPECT_PENDING(pending_receive(&pending[i], self->client));
	}
	set_linger(self->server, 1, 0);
	ASSERT_EQ(0, closesocket(self->server));
	for (int i = 0; i < 3; i++) {
		EXPECT_FALSE(WSAGetOverlappedResult(self->client, &pending[i].overlapped, &moved,
						    TRUE, &flags));
		EXPECT_EQ(WSAECONNRESET, WSAGetLastError());
	}
	for (int i = 0; i < 2; i++)
		EXPECT_WSA(WSAECONNRESET, pending_receive(&pending[0], self->client));
}

/* claims: X2 */
TEST_F(winsock, the_last_cleanup_tells_nobody)
{
	WSAEVENT event = WSACreateEvent();
	struct pending pending;
	int error;

	pending_init(&pending, event);
	EXPECT_PENDING(pending_receive(&pending, self->client));
	ASSERT_EQ(0, WSACleanup());
	EXPECT_TRUE(is_unset(event));
	net_drain(self->server, &error);
	EXPECT_FALSE(net_is_open(self->client));
	EXPECT_EQ(1, RSTS() + wire_count(&self->wire, self->port, self->client_port, WIRE_RST));
}

TEST_F(winsock, a_receive_of_nothing_waits_for_something)
{
	WSAEVENT event = WSACreateEvent();
	struct pending pending;
	DWORD moved = 77, flags;
	char data[8];

	pending_init(&pending, event);
	pending.buffer.len = 0;
	EXPECT_PENDING(pending_receive(&pending, self->client));
	EXPECT_TRUE(is_unset(event));
	ASSERT_EQ(5, send(self->server, "hello", 5, 0));
	EXPECT_TRUE(is_set(event));
	ASSERT_TRUE(WSAGetOverlappedResult(self->client, &pending.overlapped, &moved, TRUE,
					   &flags));
	EXPECT_EQ(0, moved);
	/* The data is there: the receive completes at once. */
	EXPECT_EQ(0, pending_receive(&pending, self->client));
	EXPECT_EQ(5, recv(self->client, data, 8, 0));
	EXPECT_PENDING(pending_receive(&pending, self->client));
	/* The end completes it, and so does a reset. */
	set_linger(self->server, 1, 0);
	ASSERT_EQ(0, closesocket(self->server));
	EXPECT_FALSE(WSAGetOverlappedResult(self->client, &pending.overlapped, &moved, TRUE,
					    &flags));
	EXPECT_EQ(WSAECONNRESET, WSAGetLastError());
}

/* claims: X5 */
TEST_F(winsock, the_end_of_receiving_leaves_a_pending_receive)
{
	static const int ways[] = { SD_RECEIVE, SD_BOTH };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		WSAEVENT event = WSACreateEvent();
		struct pending pending;
		DWORD moved, flags;

		pending_init(&pending, event);
		EXPECT_PENDING(pending_receive(&pending, self->client));
		ASSERT_EQ(0, shutdown(self->client, ways[i]));
		EXPECT_TRUE(is_unset(event));
		EXPECT_WSA(WSAESHUTDOWN, recv(self->client, pending.data, 1, 0));
		ASSERT_EQ(5, send(self->server, "hello", 5, 0));
		ASSERT_TRUE(WSAGetOverlappedResult(self->client, &pending.overlapped, &moved, TRUE,
						   &flags));
		EXPECT_EQ(5, moved);
		closesocket(self->client);
		closesocket(self->server);
		self->client = open_pair(self->listener, self->port, &self->server);
	}
}

struct computer {
	HANDLE port;
	double until;
	DWORD moved;
	unsigned int told;
	double told_at;
};

/* The port's only worker computes for a while before it takes its packet. */
static void *computer_run(void *argument)
{
	struct computer *computer = argument;
	LPOVERLAPPED overlapped;
	ULONG_PTR key;

	while (net_now() < computer->until)
		net_sleep(10);
	while (GetQueuedCompletionStatus(computer->port, &computer->moved, &key, &overlapped, 1000))
		computer->told++;
	return NULL;
}

/* claims: P2 */
TEST_F(winsock, a_large_send_goes_on_while_the_only_worker_computes)
{
	enum { SIZE = 64 << 20 };
	struct computer computer = {
		.port = CreateIoCompletionPort((HANDLE)(intptr_t)self->client, NULL, 1, 0),
		.until = net_now() + 5,
	};
	static char block[1 << 16];
	WSABUF buffer = { SIZE, calloc(1, SIZE) };
	WSAOVERLAPPED overlapped = { 0 };
	size_t got = 0;
	pthread_t thread;

	ASSERT_NE(NULL, buffer.buf);
	ASSERT_EQ(0, pthread_create(&thread, NULL, computer_run, &computer));
	EXPECT_PENDING(WSASend(self->client, &buffer, 1, NULL, 0, &overlapped, NULL));
	while (got < SIZE) {
		int more = recv(self->server, block, sizeof(block), 0);

		ASSERT_GT(more, 0);
		got += more;
	}
	/* The transfer is complete before any thread has come to the port. */
	EXPECT_LT(net_now(), computer.until);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, computer.told);
	EXPECT_EQ(SIZE, computer.moved);
	free(buffer.buf);
}

/* The duration of a post while another socket sends what its peer reads. */
TEST_F(winsock, a_large_send_holds_up_no_port)
{
	enum { SIZE = 64 << 20 };
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	WSABUF buffer = { SIZE, calloc(1, SIZE) };
	WSAOVERLAPPED overlapped = { 0 };
	LPOVERLAPPED taken;
	ULONG_PTR key;
	DWORD moved, flags;
	pid_t reader;

	reader = fork();
	if (!reader) {
		static char block[1 << 16];

		close(self->client);
		while (recv(self->server, block, sizeof(block), 0) > 0)
			;
		_exit(0);
	}
	EXPECT_PENDING(WSASend(self->client, &buffer, 1, NULL, 0, &overlapped, NULL));
	/* Another thread carries out the operation. */
	EXPECT_FALSE(HasOverlappedIoCompleted(&overlapped));
	for (int i = 0; i < 100; i++) {
		EXPECT_TRUE(PostQueuedCompletionStatus(port, i, 0, NULL));
		EXPECT_TRUE(GetQueuedCompletionStatus(port, &moved, &key, &taken, 0));
	}
	EXPECT_TRUE(WSAGetOverlappedResult(self->client, &overlapped, &moved, TRUE, &flags));
	EXPECT_EQ(SIZE, moved);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	free(buffer.buf);
}

TEST_F(winsock, refusals)
{
	struct pending pending;

	pending_init(&pending, NULL);
	EXPECT_WSA(WSAENOTSOCK, pending_receive(&pending, 999));
	EXPECT_WSA(WSAEINVAL, WSARecv(self->client, &pending.buffer, 0, NULL, &pending.flags,
				      &pending.overlapped, NULL));
	EXPECT_WSA(WSAEFAULT, WSARecv(self->client, (LPWSABUF)8, 1, NULL, &pending.flags,
				      &pending.overlapped, NULL));
	pending.overlapped.hEvent = (HANDLE)0x50001000;
	EXPECT_WSA(WSA_INVALID_HANDLE, pending_receive(&pending, self->client));
	pending.overlapped.hEvent = NULL;
	shutdown(self->client, SD_RECEIVE);
	EXPECT_WSA(WSAESHUTDOWN, pending_receive(&pending, self->client));
	/* Without an OVERLAPPED it is a plain call. */
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	EXPECT_EQ(0, WSARecv(self->server, &pending.buffer, 1, &pending.moved, &pending.flags,
			     NULL, NULL));
	EXPECT_EQ(1, pending.moved);
}

TEST_HARNESS_MAIN
