// SPDX-License-Identifier: GPL-2.0-only
/*
 * The op descriptor has the socket's own number until the close is over: what works there until
 * then, and which processes can take the close back.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "pass.h"
#include "pending.h"

/* Send a request to an op descriptor. Returns 0 or a negative errno. */
static int op_cancel(int op)
{
	return ioctl(op, WINSOCK_IOC_OP_CANCEL) ? -errno : 0;
}

static int op_abort(int op)
{
	return ioctl(op, WINSOCK_IOC_OP_ABORT) ? -errno : 0;
}

/* Returns a negative errno, or the outcome. */
static int op_read(int op)
{
	struct winsock_record record;

	return read(op, &record, sizeof(record)) == sizeof(record) ? (int)record.outcome : -errno;
}

/* claims: A14 */
TEST_F(closing, the_number_is_the_ops_until_it_is_over)
{
	struct winsock_query query;

	net_stuff(self->pair.client);
	for (int bit = 0; bit <= FD_CLOEXEC; bit++) {
		ASSERT_EQ(0, fcntl(self->pair.client, F_SETFD, bit));
		BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
		EXPECT_EQ(FD_CLOEXEC, fcntl(self->pair.client, F_GETFD));
		/* The number is no socket. */
		EXPECT_EQ(-ENOTSOCK, dev_query(self->dev, self->pair.client, &query));
		EXPECT_EQ(-ENOTSOCK, CLOSE());
		EXPECT_EQ(-ENOTSOCK, dev_abort(self->dev, self->pair.client));
		EXPECT_FALSE(pending_is_final(self->pair.client, 0));
		ASSERT_EQ(0, op_cancel(self->pair.client));
		EXPECT_EQ(bit, fcntl(self->pair.client, F_GETFD));
		EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
	}
	/* After the end the op descriptor is still open: its owner has to close it. */
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS / 4);
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, op_read(self->pair.client));
	EXPECT_TRUE(net_is_open(self->pair.client));
	EXPECT_EQ(-EALREADY, op_cancel(self->pair.client));
}

/* claims: A14 N5 */
TEST_F(closing, the_mode_of_the_socket_is_not_the_ops)
{
	struct winsock_record record;

	net_stuff(self->pair.client);
	net_nonblock(self->pair.client, true);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	EXPECT_FALSE(fcntl(self->pair.client, F_GETFL) & O_NONBLOCK);
	net_nonblock(self->pair.client, true);
	EXPECT_EQ(-1, read(self->pair.client, &record, sizeof(record)));
	EXPECT_EQ(EAGAIN, errno);
	net_nonblock(self->pair.client, false);
	ASSERT_EQ(0, op_cancel(self->pair.client));
	EXPECT_TRUE(fcntl(self->pair.client, F_GETFL) & O_NONBLOCK);
}

/* claims: B8 */
TEST_F(closing, a_copy_of_the_socket_finds_it_busy)
{
	int copy = dup(self->pair.client);
	struct winsock_close other;

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	EXPECT_EQ(-EBUSY, dev_closesocket(self->dev, copy, &other));
	EXPECT_EQ(-EBUSY, pending_begin(self->dev, copy, WINSOCK_CLOSE_DROP_FD, 0, &other));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(copy));
	ASSERT_EQ(0, op_cancel(self->pair.client));
	close(copy);
}

/* A child may do everything but cancel. */
static int in_a_child(int op)
{
	if (pending_is_final(op, 0))
		return 1;
	if (op_cancel(op) != -EPERM)
		return 2;
	if (pending_is_final(op, 0))
		return 3;
	if (op_abort(op))
		return 4;
	if (op_read(op) != WINSOCK_OUTCOME_REQUEST)
		return 5;
	/* Only the process that began the close may cancel. */
	return op_cancel(op) != -EPERM ? 6 : 0;
}

/* claims: A14 */
TEST_F(closing, a_forked_child_may_abort_and_not_cancel)
{
	for (int drop = 0; drop < 2; drop++) {
		int status;
		pid_t child;

		net_stuff(self->pair.client);
		BEGIN(drop ? WINSOCK_CLOSE_DROP_FD : 0, 60 * SECOND_NS);
		child = fork();
		ASSERT_GE(child, 0);
		if (!child)
			_exit(in_a_child(self->call.op_fd));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(0, status) TH_LOG("step %d", WEXITSTATUS(status));
		EXPECT_EQ(-EALREADY, op_cancel(self->call.op_fd));
		EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_REQUEST);
		EXPECT_EQ(1, RSTS());
		close(self->call.op_fd);
		if (drop)
			self->pair.client = -1;
		net_pair_close(&self->pair);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

/* claims: A14 */
TEST_F(closing, a_process_that_was_given_it_may_abort_and_not_cancel)
{
	int channel[2], status;
	pid_t other;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
	net_stuff(self->pair.client);
	other = net_fork_without(self->pair.client);
	ASSERT_GE(other, 0);
	if (!other)
		_exit(in_a_child(pass_receive(channel[1])));
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	ASSERT_EQ(1, pass_send(channel[0], self->call.op_fd));
	/* In flight or received, the descriptor is another process's, and closed in this one. */
	close(self->call.op_fd);
	ASSERT_EQ(other, waitpid(other, &status, 0));
	EXPECT_EQ(0, status) TH_LOG("step %d", WEXITSTATUS(status));
	EXPECT_EQ(1, RSTS());
	close(channel[0]);
	close(channel[1]);
	self->pair.client = -1;
}

/* claims: A14 */
TEST_F(closing, taken_back_a_childs_copy_says_so)
{
	int status;
	pid_t child;

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child)
		_exit(op_read(self->call.op_fd) != WINSOCK_OUTCOME_CANCELLED ||
		      op_cancel(self->call.op_fd) != -EPERM);
	net_sleep(200);
	ASSERT_EQ(0, op_cancel(self->call.op_fd));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	/* The cancel did not give the socket back to the child. */
	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
}

static void *cancel_run(void *argument)
{
	return (void *)(long)op_cancel(*(int *)argument);
}

/* claims: A14 */
TEST_F(closing, any_thread_and_any_copy_may_cancel)
{
	pthread_t thread;
	void *result;
	int copy;

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	ASSERT_EQ(0, pthread_create(&thread, NULL, cancel_run, &self->call.op_fd));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(0, (long)result);
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));

	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	copy = dup(self->call.op_fd);
	EXPECT_EQ(0, op_cancel(copy));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
	EXPECT_EQ(WINSOCK_OUTCOME_CANCELLED, op_read(copy));
	close(copy);
}

/* claims: A14 */
TEST_F(closing, not_when_the_number_is_somebody_elses)
{
	int null = open("/dev/null", O_RDONLY), copy;

	/* A cancel would drop the file that has the number now. */
	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	copy = dup(self->call.op_fd);
	ASSERT_EQ(self->pair.client, dup2(null, self->pair.client));
	EXPECT_EQ(-EPERM, op_cancel(copy));
	EXPECT_FALSE(pending_is_final(copy, 0));
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
	/* Cancel also fails if the number is free. */
	close(self->pair.client);
	EXPECT_EQ(-EPERM, op_cancel(copy));
	EXPECT_EQ(0, op_abort(copy));
	EXPECT_EQ(1, RSTS());
	close(copy);
	close(self->pair.server);

	/* The same holds for an op descriptor with a number of its own. */
	net_pair_open(&self->pair, variant->family, variant->accepted);
	wire_reset(&self->wire);
	net_stuff(self->pair.client);
	BEGIN(0, 60 * SECOND_NS);
	copy = dup(self->call.op_fd);
	close(self->call.op_fd);
	EXPECT_EQ(-EPERM, op_cancel(copy));
	EXPECT_EQ(0, op_abort(copy));
	close(copy);
	close(null);
}

/* An epoll watch belongs to file and number: it stays, and no module can remove it. */
TEST_F(closing, a_watch_on_the_socket_stays_until_the_end)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = 1 }, got;
	int watch = epoll_create1(0);

	net_stuff(self->pair.client);
	ASSERT_EQ(0, epoll_ctl(watch, EPOLL_CTL_ADD, self->pair.client, &event));
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	EXPECT_EQ(0, epoll_wait(watch, &got, 1, 100));
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, 0));
	EXPECT_EQ(1, epoll_wait(watch, &got, 1, 1000));
	EXPECT_EQ(1, got.data.u32);
	/* The number is the op's by now, so the socket's watch cannot be reached by it. */
	EXPECT_EQ(-1, epoll_ctl(watch, EPOLL_CTL_DEL, self->pair.client, NULL));
	EXPECT_EQ(ENOENT, errno);
	event.data.u32 = 2;
	EXPECT_EQ(0, epoll_ctl(watch, EPOLL_CTL_ADD, self->pair.client, &event));
	EXPECT_EQ(0, op_abort(self->pair.client));
	/* A worker drops the socket, and its watch with it; the op is ready. */
	net_sleep(100);
	EXPECT_EQ(1, epoll_wait(watch, &got, 1, 1000));
	EXPECT_EQ(2, got.data.u32);
	EXPECT_EQ(0, epoll_ctl(watch, EPOLL_CTL_DEL, self->pair.client, NULL));
	EXPECT_EQ(0, epoll_wait(watch, &got, 1, 100));
	net_pair_close(&self->pair);

	/* A watch that was removed before reports nothing; after a cancel it can be set again. */
	net_pair_open(&self->pair, variant->family, variant->accepted);
	net_stuff(self->pair.client);
	ASSERT_EQ(0, epoll_ctl(watch, EPOLL_CTL_ADD, self->pair.client, &event));
	ASSERT_EQ(0, epoll_ctl(watch, EPOLL_CTL_DEL, self->pair.client, NULL));
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	ASSERT_EQ(5, send(self->pair.server, "hello", 5, 0));
	EXPECT_EQ(0, epoll_wait(watch, &got, 1, 200));
	ASSERT_EQ(0, op_cancel(self->pair.client));
	ASSERT_EQ(0, epoll_ctl(watch, EPOLL_CTL_ADD, self->pair.client, &event));
	EXPECT_EQ(1, epoll_wait(watch, &got, 1, 1000));
	close(watch);
}

/* claims: A9 */
TEST_F(closing, a_stranger_at_the_number_is_not_closed)
{
	uint64_t cookie = dev_cookie(self->pair.client);
	struct net_pair stranger;

	/* Another thread has closed the socket, and a third one has opened another. */
	net_pair_open(&stranger, variant->family, variant->accepted);
	net_stuff(stranger.client);
	ASSERT_EQ(self->pair.client, dup2(stranger.client, self->pair.client));
	for (int hard = 0; hard < 2; hard++) {
		struct winsock_close call = {
			.fd = self->pair.client,
			.flags = WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_TIMEOUT,
			.cookie = cookie,
			.timeout_ns = hard ? 0 : SECOND_NS,
		};
		struct winsock_query query;

		EXPECT_EQ(-1, ioctl(self->dev, WINSOCK_IOC_CLOSE, &call));
		EXPECT_EQ(ESTALE, errno);
		EXPECT_TRUE(net_is_open(self->pair.client));
		ASSERT_EQ(0, dev_query(self->dev, stranger.client, &query));
		EXPECT_FALSE(query.flags & WINSOCK_QUERY_CLOSING);
		EXPECT_EQ(TCP_ESTABLISHED, query.state);
	}
	net_pair_close(&stranger);
}

TEST_HARNESS_MAIN
