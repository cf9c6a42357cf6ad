// SPDX-License-Identifier: GPL-2.0-only
/* Every TCP state x every linger setting x both modes: result, wire, what remains. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "closing.h"

enum setting { OFF, HARD, TIMED, SETTINGS };

static const char * const setting_names[] = { "off", "hard", "timed" };

/* One cell of the matrix. The expected result follows from the page. */
struct cell {
	int state;
	bool payload;
	enum setting setting;
	bool nonblock;
};

/* Returns the expected outcome, 0 for would-block. */
static uint32_t cell_outcome(const struct cell *cell)
{
	if (cell->setting == HARD)
		return WINSOCK_OUTCOME_REQUEST;
	if (cell->setting == TIMED && cell->payload)
		return cell->nonblock ? 0 : WINSOCK_OUTCOME_DEADLINE;
	return WINSOCK_OUTCOME_GRACEFUL;
}

static const int states[] = {
	TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSING,
	TCP_LAST_ACK,
};

/* claims: G2 H1 H2 H9 H10 B1 B3 B13 N1 N2 */
TEST_F(closing, every_connected_state)
{
	struct cell cell;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
	for (cell.setting = OFF; cell.setting < SETTINGS; cell.setting++)
	for (int bits = 0; bits < 4; bits++) {
		uint32_t outcome;
		bool had_fin;

		cell.state = states[i];
		cell.payload = bits & 1;
		cell.nonblock = bits & 2;
		/* In FIN_WAIT2 all payload is acknowledged. */
		if (cell.payload && cell.state == TCP_FIN_WAIT2)
			continue;
		outcome = cell_outcome(&cell);
		net_pair_into(&self->pair, cell.state, cell.payload);
		if (cell.setting != OFF)
			net_linger(self->pair.client, 1, cell.setting == HARD ? 0 : 1);
		net_nonblock(self->pair.client, cell.nonblock);
		had_fin = cell.state != TCP_ESTABLISHED && cell.state != TCP_CLOSE_WAIT;

		TH_LOG("%s%s, linger %s, %s", net_state_name(cell.state),
		       cell.payload ? " with payload" : "", setting_names[cell.setting],
		       cell.nonblock ? "non-blocking" : "blocking");
		if (!outcome) {
			EXPECT_WOULDBLOCK(CLOSE());
			EXPECT_EQ(cell.state, net_state(self->pair.client));
			EXPECT_EQ(0, RSTS());
			EXPECT_EQ(had_fin ? 1 : 0, FINS());
		} else {
			ASSERT_EQ(0, CLOSE());
			EXPECT_DONE(outcome);
			EXPECT_EQ(cell.state, self->call.record.state);
			if (outcome == WINSOCK_OUTCOME_GRACEFUL) {
				EXPECT_EQ(0, RSTS());
				EXPECT_EQ(1, FINS());
			} else {
				EXPECT_EQ(1, RSTS());
				EXPECT_EQ(had_fin ? 1 : 0, FINS());
				EXPECT_EQ(0, LEFT());
			}
			self->pair.client = -1;
		}
		net_pair_close(&self->pair);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

/* Make a socket without a connection: nothing to wait for, nothing on the wire. */
static int unconnected(int kind, enum net_family family, uint16_t *port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	int listener;
	int fd;

	*port = 0;
	switch (kind) {
	case 0:
		return socket(family == NET_V4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	case 1:
		fd = socket(family == NET_V4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
		if (family == NET_V4)
			bind(fd, (struct sockaddr *)&(struct sockaddr_in)
			     { .sin_family = AF_INET }, sizeof(struct sockaddr_in));
		else
			bind(fd, (struct sockaddr *)&any, sizeof(any));
		return fd;
	case 2:
		return net_listen(family, port);
	default:
		/* The listener does not answer: its filter drops the SYN. */
		listener = net_listen(family, port);
		net_mute(listener);
		fd = net_connect(family, *port, true);
		close(listener);
		return fd;
	}
}

/* claims: B12 H2 G1 M8 P9 */
TEST_F(closing, every_unconnected_state)
{
	static const int found[] = { TCP_CLOSE, TCP_CLOSE, TCP_LISTEN, TCP_SYN_SENT };

	for (int kind = 0; kind < 4; kind++)
	for (enum setting setting = OFF; setting < SETTINGS; setting++)
	for (int nonblock = 0; nonblock < 2; nonblock++) {
		uint16_t port;
		int fd = unconnected(kind, variant->family, &port);
		double start;

		ASSERT_GE(fd, 0);
		if (setting != OFF)
			net_linger(fd, 1, setting == HARD ? 0 : 5);
		net_nonblock(fd, nonblock);
		start = net_now();
		ASSERT_EQ(0, dev_closesocket(self->dev, fd, &self->call));
		EXPECT_LT(net_now() - start, AT_ONCE);
		EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, self->call.record.outcome);
		EXPECT_EQ(found[kind], self->call.record.state);
		EXPECT_FALSE(net_is_open(fd));
		if (port)
			EXPECT_EQ(0, net_bind_error(variant->family, port));
	}
}

/* claims: G5 B12 */
TEST_F(closing, time_wait_is_over_for_the_socket)
{
	/* Both FINs are exchanged: TCP's TIME_WAIT goes on without the socket. */
	ASSERT_EQ(0, shutdown(self->pair.client, SHUT_WR));
	ASSERT_EQ(0, shutdown(self->pair.server, SHUT_WR));
	net_sleep(50);
	EXPECT_EQ(TCP_TIME_WAIT, LEFT());
	net_linger(self->pair.client, 1, 5);
	wire_reset(&self->wire);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(TCP_CLOSE, self->call.record.state);
	EXPECT_EQ(0, FINS() + RSTS());
}

/* claims: H1 B3 */
TEST_F(closing, syn_recv_child_of_fast_open)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
	} address = { .v4 = { .sin_family = AF_INET } };
	int queue = 5, listener, peer, child;
	socklen_t size = sizeof(address);
	FILE *knob = fopen("/proc/sys/net/ipv4/tcp_fastopen", "w");

	if (variant->family != NET_V4 || variant->accepted)
		return;
	/* Both sides use Fast Open without a cookie. */
	ASSERT_NE(NULL, knob);
	fprintf(knob, "%d", 1 | 2 | 4 | 0x200);
	fclose(knob);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(0, bind(listener, &address.any, sizeof(address.v4)));
	ASSERT_EQ(0, setsockopt(listener, SOL_TCP, TCP_FASTOPEN, &queue, sizeof(queue)));
	ASSERT_EQ(0, listen(listener, 5));
	ASSERT_EQ(0, getsockname(listener, &address.any, &size));

	peer = socket(AF_INET, SOCK_STREAM, 0);
	net_nonblock(peer, true);
	/* The client never receives the SYN-ACK. */
	net_mute(peer);
	EXPECT_EQ(-1, sendto(peer, "hello", 5, MSG_FASTOPEN, &address.any, size) == 5 ?
		      -1 : -errno == -EINPROGRESS ? -1 : 0);
	child = accept(listener, NULL, NULL);
	ASSERT_GE(child, 0);
	EXPECT_EQ(TCP_SYN_RECV, net_state(child));
	ASSERT_EQ(5, send(child, "reply", 5, 0));
	net_linger(child, 1, 1);
	ASSERT_EQ(0, dev_closesocket(self->dev, child, &self->call));
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, self->call.record.outcome);
	EXPECT_EQ(5, self->call.record.unacked);
	EXPECT_EQ(TCP_SYN_RECV, self->call.record.state);
	close(peer);
	close(listener);
}

/* Put a socket with queued data and nothing in flight into repair mode: TCP sends nothing. */
#define CHECKPOINT() do { \
	int on_ = 1; \
	net_stuff(self->pair.client); \
	net_sleep(300); \
	wire_reset(&self->wire); \
	ASSERT_EQ(0, setsockopt(self->pair.client, SOL_TCP, TCP_REPAIR, &on_, sizeof(on_))); \
} while (0)

/* The connection goes on elsewhere (CRIU): here it has no peer, and nothing unsent. */
TEST_F(closing, checkpointed_it_ends_without_a_word)
{
	for (enum setting setting = OFF; setting < SETTINGS; setting++)
	for (int nonblock = 0; nonblock < 2; nonblock++) {
		struct winsock_query query;
		double start;

		if (setting != OFF)
			net_linger(self->pair.client, 1, setting == HARD ? 0 : 5);
		CHECKPOINT();
		net_nonblock(self->pair.client, nonblock);
		ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query));
		EXPECT_EQ(0, query.flags & WINSOCK_QUERY_WOULD_BLOCK);
		EXPECT_EQ(0, query.unacked);
		EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, self->pair.client));
		start = net_now();
		ASSERT_EQ(0, CLOSE());
		EXPECT_LT(net_now() - start, AT_ONCE);
		EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
		EXPECT_EQ(0, FINS() + RSTS());
		EXPECT_EQ(0, LEFT());
		self->pair.client = -1;
		net_pair_close(&self->pair);
		net_pair_open(&self->pair, variant->family, variant->accepted);
	}
}

TEST_F(closing, checkpointed_it_ends_for_all_without_a_word)
{
	int copy = dup(self->pair.client), on = 1;

	ASSERT_EQ(0, setsockopt(copy, SOL_TCP, TCP_REPAIR, &on, sizeof(on)));
	ASSERT_EQ(0, dev_close(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD, 0,
			       &self->call));
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(-1, send(copy, "x", 1, MSG_NOSIGNAL));
	net_sleep(50);
	EXPECT_EQ(0, FINS() + RSTS());
	close(copy);
	EXPECT_EQ(0, FINS() + RSTS());
	EXPECT_EQ(0, LEFT());
}

/* claims: H1 */
TEST_F(closing, abort_resets_for_all_and_keeps_the_option)
{
	struct linger linger;
	socklen_t size = sizeof(linger);
	int copy, error;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 9);
	copy = dup(self->pair.client);
	ASSERT_EQ(0, dev_abort(self->dev, self->pair.client));
	EXPECT_TRUE(net_is_open(self->pair.client));
	EXPECT_EQ(TCP_CLOSE, net_state(copy));
	ASSERT_EQ(0, getsockopt(copy, SOL_SOCKET, SO_LINGER, &linger, &size));
	EXPECT_EQ(1, linger.l_onoff);
	EXPECT_EQ(9, linger.l_linger);
	net_drain(self->pair.server, &error);
	EXPECT_EQ(ECONNRESET, error);
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, LEFT());
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, copy));
	close(copy);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_PEER);
}

/* claims: N1 */
TEST_F(closing, query_tells_and_touches_nothing)
{
	struct winsock_query query;
	size_t queued;

	ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query));
	EXPECT_EQ(0, query.flags);
	EXPECT_EQ(TCP_ESTABLISHED, query.state);
	EXPECT_EQ(0, query.unacked);
	queued = net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 3);
	net_nonblock(self->pair.client, true);
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, 0));
	net_sleep(20);
	ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query));
	EXPECT_EQ(WINSOCK_QUERY_LINGER | WINSOCK_QUERY_NONBLOCK | WINSOCK_QUERY_WOULD_BLOCK,
		  query.flags);
	EXPECT_EQ(3000000000ULL, query.linger_ns);
	EXPECT_GT(query.unacked, 0);
	EXPECT_LE(query.unacked, queued);
	EXPECT_LE(query.unsent, query.unacked);
	EXPECT_EQ(5, query.unread);
	EXPECT_EQ(0, FINS() + RSTS());
}

TEST_HARNESS_MAIN
