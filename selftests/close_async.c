// SPDX-License-Identifier: GPL-2.0-only
/* Closes that are pending: the op descriptor from start to outcome. */
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>

#include "pending.h"
#include "ulp.h"

/* claims: B2 B7 */
TEST_F(closing, drained_it_becomes_readable)
{
	size_t queued = net_stuff(self->pair.client);
	struct winsock_record first, second;
	pid_t reader;
	int error;

	BEGIN(WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_IF_LAST, 20 * SECOND_NS);
	EXPECT_TRUE(fcntl(self->call.op_fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_FALSE(pending_is_final(self->call.op_fd, 0));
	EXPECT_EQ(0, FINS() + RSTS());
	fcntl(self->call.op_fd, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(-1, read(self->call.op_fd, &first, sizeof(first)));
	EXPECT_EQ(EAGAIN, errno);

	reader = net_drain_later(&self->pair, 500);
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 15000));
	EXPECT_EQ(-1, read(self->call.op_fd, &first, sizeof(first) - 1));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(sizeof(first), read(self->call.op_fd, &first, sizeof(first)));
	ASSERT_EQ(sizeof(second), read(self->call.op_fd, &second, sizeof(second)));
	EXPECT_EQ(0, memcmp(&first, &second, sizeof(first)));
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, first.outcome);
	EXPECT_EQ(0, first.error);
	EXPECT_EQ(0, first.unacked);
	EXPECT_EQ(TCP_ESTABLISHED, first.state);
	EXPECT_GT(first.elapsed_ns, 300000000ULL);
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 0));
	EXPECT_EQ(queued, net_drain_result(reader, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
	close(self->call.op_fd);
}

/* claims: B3 B6 */
TEST_F(closing, at_the_deadline_the_port_is_free)
{
	double start = net_now();
	struct winsock_record record;

	net_stuff(self->pair.client);
	start = net_now();
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS);
	ASSERT_TRUE(pending_is_final(self->call.op_fd, 5000));
	EXPECT_EQ(0, net_bind_error(variant->family, self->pair.client_port));
	EXPECT_EQ(0, LEFT());
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_LE(net_now() - start, 2.0);
	ASSERT_EQ(sizeof(record), read(self->call.op_fd, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, record.outcome);
	EXPECT_GE(record.elapsed_ns, SECOND_NS);
	EXPECT_GT(record.unacked, 0);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
	close(self->call.op_fd);
}

/* claims: B3 B6 */
TEST_F(closing, ktls_at_its_deadline)
{
	net_stuff(self->pair.client);
	if (ulp_attach_name(self->pair.client, "tls"))
		SKIP(return, "no kTLS in this kernel");
	BEGIN(0, SECOND_NS);
	ASSERT_TRUE(pending_is_final(self->call.op_fd, 5000));
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
	close(self->call.op_fd);
}

/* claims: B2 */
TEST_F(closing, the_callers_own_descriptor_may_go_or_stay)
{
	for (int stays = 0; stays < 2; stays++) {
		size_t queued = net_stuff(self->pair.client);
		pid_t reader;
		int error;

		net_linger(self->pair.client, 1, 30);
		BEGIN(0, 20 * SECOND_NS);
		EXPECT_TRUE(net_is_open(self->pair.client));
		if (!stays) {
			double start = net_now();

			close(self->pair.client);
			EXPECT_LT(net_now() - start, AT_ONCE);
		}
		reader = net_drain_later(&self->pair, 200);
		EXPECT_TRUE(pending_is_final(self->call.op_fd, 15000));
		EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_GRACEFUL);
		EXPECT_EQ(queued, net_drain_result(reader, &error));
		EXPECT_EQ(0, error);
		EXPECT_EQ(1, FINS());
		EXPECT_EQ(0, RSTS());
		close(self->call.op_fd);
		if (stays) {
			double start = net_now();

			close(self->pair.client);
			EXPECT_LT(net_now() - start, AT_ONCE);
		}
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

/* claims: A14 N5 */
TEST_F(closing, cancel_leaves_no_trace)
{
	size_t queued = net_stuff(self->pair.client), more;
	struct linger linger;
	socklen_t size = sizeof(linger);
	pid_t reader;
	int error;

	net_linger(self->pair.client, 1, 9);
	BEGIN(0, 5 * SECOND_NS);
	ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL));
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 0));
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_CANCELLED);
	EXPECT_EQ(-1, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL));
	EXPECT_EQ(EALREADY, errno);
	EXPECT_EQ(-1, ioctl(self->call.op_fd, WINSOCK_IOC_OP_ABORT));
	EXPECT_EQ(EALREADY, errno);
	close(self->call.op_fd);

	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
	ASSERT_EQ(0, getsockopt(self->pair.client, SOL_SOCKET, SO_LINGER, &linger, &size));
	EXPECT_EQ(1, linger.l_onoff);
	EXPECT_EQ(9, linger.l_linger);
	EXPECT_EQ(0, FINS() + RSTS());
	reader = net_drain_later(&self->pair, 0);
	net_sleep(300);
	more = send(self->pair.client, "more", 4, 0);
	EXPECT_EQ(4, more);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued + 4, net_drain_result(reader, &error));
}

/* claims: A14 */
TEST_F(closing, cancel_puts_the_socket_back_at_its_number)
{
	net_stuff(self->pair.client);
	for (int i = 0; i < 3; i++) {
		BEGIN(WINSOCK_CLOSE_DROP_FD, 5 * SECOND_NS);
		EXPECT_FALSE(pending_is_final(self->call.op_fd, 0));
		ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL));
		EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
		EXPECT_EQ(0, FINS() + RSTS());
	}
	/* Close once more, to the end. */
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS);
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 5000));
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	close(self->call.op_fd);
}

TEST_F(closing, abort_resets_now)
{
	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 100 * SECOND_NS);
	ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_ABORT));
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, LEFT());
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_REQUEST);
	EXPECT_EQ(-1, ioctl(self->call.op_fd, _IO(WINSOCK_IOC_MAGIC, 0x55)));
	EXPECT_EQ(ENOTTY, errno);
	close(self->call.op_fd);
}

TEST_F(closing, closed_early_it_resets)
{
	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 100 * SECOND_NS);
	close(self->call.op_fd);
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 500));
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
}

TEST_F(closing, detached_the_kernel_goes_on)
{
	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_DETACH, SECOND_NS);
	close(self->call.op_fd);
	net_sleep(500);
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
	EXPECT_EQ(0, FINS() + RSTS());
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 2000));
	EXPECT_EQ(1, RSTS());
}

/* claims: B8 */
TEST_F(closing, one_op_for_each_socket)
{
	struct winsock_close other;
	struct winsock_query query;

	net_stuff(self->pair.client);
	BEGIN(0, SECOND_NS);
	EXPECT_EQ(-EBUSY, pending_begin(self->dev, self->pair.client, 0, SECOND_NS, &other));
	EXPECT_EQ(-EBUSY, dev_closesocket(self->dev, self->pair.client, &other));
	ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query));
	EXPECT_TRUE(query.flags & WINSOCK_QUERY_CLOSING);
	/* An option that is changed during the wait does not move the deadline. */
	net_linger(self->pair.client, 1, 60);
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 1900));
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	close(self->call.op_fd);
}

/* claims: B1 H1 G2 N1 */
TEST_F(closing, what_needs_no_wait_is_done)
{
	ASSERT_EQ(0, pending_begin(self->dev, self->pair.client, 0, SECOND_NS, &self->call));
	EXPECT_EQ(-1, self->call.op_fd);
	EXPECT_EQ(0, self->call.pad);
	EXPECT_EQ(WINSOCK_OUTCOME_GRACEFUL, self->call.record.outcome);
	EXPECT_EQ(0, self->call.record.pad);
	close(self->pair.client);
	close(self->pair.server);

	net_pair_open(&self->pair, variant->family, variant->accepted);
	net_stuff(self->pair.client);
	EXPECT_WOULDBLOCK(dev_close(self->dev, self->pair.client, WINSOCK_CLOSE_NONBLOCKING |
				    WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DROP_FD, SECOND_NS,
				    &self->call));
	ASSERT_EQ(0, pending_begin(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD, 0,
				   &self->call));
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
}

/* claims: B5 */
TEST_F(closing, the_peers_reset_is_told)
{
	struct winsock_record record;

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 100 * SECOND_NS);
	net_linger(self->pair.server, 1, 0);
	close(self->pair.server);
	self->pair.server = -1;
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 2000));
	ASSERT_EQ(sizeof(record), read(self->call.op_fd, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_PEER, record.outcome);
	EXPECT_EQ(ECONNRESET, record.error);
	EXPECT_GT(record.unacked, 0);
	close(self->call.op_fd);
}

static int set_ops_max(const char *value)
{
	FILE *knob = fopen("/proc/sys/net/winsock/ops_max", "w");
	int result;

	if (!knob)
		return -1;
	fputs(value, knob);
	result = fclose(knob);
	return result;
}

TEST_F(closing, a_user_has_a_limit)
{
	struct winsock_close calls[4];
	struct net_pair pairs[4];
	struct winsock_info info;

	ASSERT_EQ(0, dev_info(self->dev, &info));
	EXPECT_EQ(131072, info.ops_max);
	ASSERT_EQ(0, set_ops_max("3"));
	ASSERT_EQ(0, dev_info(self->dev, &info));
	EXPECT_EQ(3, info.ops_max);
	for (int i = 0; i < 4; i++) {
		net_pair_open(&pairs[i], variant->family, false);
		net_stuff(pairs[i].client);
		EXPECT_EQ(i < 3 ? 0 : -ENOSPC,
			  pending_begin(self->dev, pairs[i].client, WINSOCK_CLOSE_DROP_FD,
					5 * SECOND_NS, &calls[i]));
	}
	/* A further close that would wait is one too many, and leaves the socket open. */
	net_linger(pairs[3].client, 1, 1);
	EXPECT_EQ(-ENOSPC, dev_closesocket(self->dev, pairs[3].client, &self->call));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(pairs[3].client));
	/* A close that ends makes room. */
	ASSERT_EQ(0, ioctl(calls[0].op_fd, WINSOCK_IOC_OP_ABORT));
	EXPECT_EQ(0, dev_closesocket(self->dev, pairs[3].client, &self->call));
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, self->call.record.outcome);
	for (int i = 0; i < 3; i++)
		close(calls[i].op_fd);
	for (int i = 0; i < 4; i++)
		close(pairs[i].server);
}

TEST_F(closing, without_a_descriptor_nothing_begins)
{
	struct rlimit limit, none;

	net_stuff(self->pair.client);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	EXPECT_EQ(-EMFILE, pending_begin(self->dev, self->pair.client, 0, SECOND_NS,
					 &self->call));
	setrlimit(RLIMIT_NOFILE, &limit);
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
	net_sleep(1500);
	EXPECT_EQ(0, FINS() + RSTS());
}

/* claims: B3 A14 */
TEST_F(closing, at_the_sockets_own_number_none_has_to_be_free)
{
	struct rlimit limit, none;

	net_stuff(self->pair.client);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
	net_linger(self->pair.client, 1, 1);
	EXPECT_EQ(0, CLOSE());
	setrlimit(RLIMIT_NOFILE, &limit);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
}

TEST_F(closing, epoll_and_select_see_it)
{
	struct epoll_event level = { .events = EPOLLIN }, edge = { .events = EPOLLIN | EPOLLET };
	int watches[2] = { epoll_create1(0), epoll_create1(0) };
	struct epoll_event got;
	fd_set set;

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS / 4);
	ASSERT_EQ(0, epoll_ctl(watches[0], EPOLL_CTL_ADD, self->call.op_fd, &level));
	ASSERT_EQ(0, epoll_ctl(watches[1], EPOLL_CTL_ADD, self->call.op_fd, &edge));
	EXPECT_EQ(0, epoll_wait(watches[0], &got, 1, 0));
	FD_ZERO(&set);
	FD_SET(self->call.op_fd, &set);
	EXPECT_EQ(1, select(self->call.op_fd + 1, &set, NULL, NULL, NULL));
	EXPECT_EQ(1, epoll_wait(watches[0], &got, 1, 1000));
	EXPECT_EQ(1, epoll_wait(watches[0], &got, 1, 0));
	/* The edge is reported once. */
	EXPECT_EQ(1, epoll_wait(watches[1], &got, 1, 1000));
	EXPECT_EQ(0, epoll_wait(watches[1], &got, 1, 100));
	close(self->call.op_fd);
	close(watches[0]);
	close(watches[1]);
}

static void *read_op(void *argument)
{
	struct winsock_record record;

	return (void *)(read(*(int *)argument, &record, sizeof(record)) == sizeof(record) ?
			(long)record.outcome : -1);
}

TEST_F(closing, two_readers_are_told_the_same)
{
	pthread_t threads[2];

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS / 4);
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, read_op, &self->call.op_fd));
	for (int i = 0; i < 2; i++) {
		void *outcome;

		ASSERT_EQ(0, pthread_join(threads[i], &outcome));
		EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, (long)outcome);
	}
	close(self->call.op_fd);
}

/*
 * A thousand stuck connections delay neither each other nor the thread that begins one more. A
 * debug kernel on a busy machine computes for half a minute.
 */
TEST_F_TIMEOUT(closing, a_thousand_expire_together, 150)
{
	enum { COUNT = 1000 };
	static struct winsock_close calls[COUNT];
	static struct net_pair pairs[COUNT];
	double longest = 0, latest = 0;

	if (variant->family != NET_V4 || variant->accepted)
		return;
	net_pairs_vanished(pairs, COUNT);
	for (int i = 0; i < COUNT; i++) {
		double begun = net_now();

		ASSERT_EQ(0, pending_begin(self->dev, pairs[i].client, WINSOCK_CLOSE_DROP_FD,
					   SECOND_NS, &calls[i]));
		if (net_now() - begun > longest)
			longest = net_now() - begun;
	}
	EXPECT_LT(longest, 0.1);
	ASSERT_TRUE(pending_is_final(calls[COUNT - 1].op_fd, 60000));
	for (int i = 0; i < COUNT; i++) {
		struct winsock_record record;

		ASSERT_TRUE(pending_is_final(calls[i].op_fd, 5000));
		ASSERT_EQ(sizeof(record), read(calls[i].op_fd, &record, sizeof(record)));
		EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, record.outcome);
		EXPECT_GE(record.elapsed_ns, SECOND_NS);
		if (record.elapsed_ns / 1e9 - 1 > latest)
			latest = record.elapsed_ns / 1e9 - 1;
		EXPECT_EQ(0, net_bind_error(NET_V4, pairs[i].client_port));
		close(calls[i].op_fd);
		close(pairs[i].server);
	}
	TH_LOG("the latest %.3f s after its deadline", latest);
	/* Resets one after the other would take a thousand seconds. */
	EXPECT_LT(latest, 3.0);
}

TEST_F(closing, io_uring_polls_it)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;

	if (io_uring_queue_init(4, &ring, 0))
		SKIP(return, "no io_uring here");
	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS / 4);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_add(sqe, self->call.op_fd, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_EQ(-EAGAIN, io_uring_peek_cqe(&ring, &cqe));
	ASSERT_EQ(0, io_uring_wait_cqe(&ring, &cqe));
	EXPECT_TRUE(cqe->res & POLLIN);
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	io_uring_queue_exit(&ring);
	close(self->call.op_fd);
}

/* An op descriptor may be passed on: here to a child that outlives its parent. */
TEST_F(closing, whoever_holds_the_descriptor_may_read_and_abort)
{
	int status;
	pid_t child;

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 100 * SECOND_NS);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		struct winsock_record record;

		net_sleep(100);
		if (ioctl(self->call.op_fd, WINSOCK_IOC_OP_ABORT) ||
		    read(self->call.op_fd, &record, sizeof(record)) != sizeof(record))
			_exit(1);
		_exit(record.outcome != WINSOCK_OUTCOME_REQUEST);
	}
	/* The child has a copy, so this close resets nothing. */
	close(self->call.op_fd);
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, RSTS());
}

TEST_HARNESS_MAIN
