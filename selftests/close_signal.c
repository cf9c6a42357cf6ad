// SPDX-License-Identifier: GPL-2.0-only
/* Signals in a lingering close: handlers run, and the kernel keeps the deadline. */
#include <poll.h>
#include <setjmp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "closing.h"
#include "usage.h"

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	handled++;
}

static void ticks(const struct timeval *every, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };
	struct itimerval timer = { *every, *every };

	handled = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static const struct timeval tenth = { 0, 100000 };

/* claims: B9 B6 */
TEST_F(closing, handlers_run_and_the_deadline_stays)
{
	int flags[] = { 0, SA_RESTART };

	for (int i = 0; i < 2; i++) {
		int before;
		double start;

		net_stuff(self->pair.client);
		net_linger(self->pair.client, 1, 2);
		before = usage_descriptors();
		ticks(&tenth, flags[i]);
		start = net_now();
		ASSERT_EQ(0, CLOSE());
		EXPECT_GE(net_now() - start, 2.0);
		EXPECT_LE(net_now() - start, 3.0);
		ticks(&(struct timeval){ 0, 0 }, 0);
		EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
		EXPECT_EQ(1, RSTS());
		EXPECT_EQ(0, FINS());
		/* The op descriptor is closed again. */
		EXPECT_EQ(before - 1, usage_descriptors());
		close(self->pair.server);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

/* claims: B9 */
TEST_F(closing, handlers_were_really_called)
{
	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	ticks(&tenth, 0);
	ASSERT_EQ(0, CLOSE());
	/* A busy host merges several signals. */
	EXPECT_GE(handled, 3);
	ticks(&(struct timeval){ 0, 0 }, 0);
}

/* claims: B9 B2 */
TEST_F(closing, the_drain_is_seen_between_handlers)
{
	size_t queued = net_stuff(self->pair.client);
	pid_t reader;
	int error;

	net_linger(self->pair.client, 1, 20);
	reader = net_drain_later(&self->pair, 1000);
	ticks(&tenth, 0);
	ASSERT_EQ(0, CLOSE());
	ticks(&(struct timeval){ 0, 0 }, 0);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(queued, net_drain_result(reader, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(0, RSTS());
}

static void on_signal_slow(int number)
{
	handled++;
	net_sleep(2500);
}

/* claims: B9 B3 */
TEST_F(closing, the_deadline_holds_while_a_handler_runs)
{
	struct sigaction action = { .sa_handler = on_signal_slow };
	pid_t parent = getpid(), child;
	double start;

	sigaction(SIGUSR1, &action, NULL);
	handled = 0;
	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	child = net_fork_without(self->pair.client);
	if (!child) {
		int left;

		net_sleep(300);
		kill(parent, SIGUSR1);
		/* The handler runs until 2.8 s; the reset is due at 1 s. */
		net_sleep(1000);
		left = LEFT();
		_exit(left ? 1 : 0);
	}
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_EQ(1, handled);
	EXPECT_GE(net_now() - start, 2.5);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_LT(self->call.record.elapsed_ns, 2000000000ULL);
	EXPECT_EQ(1, RSTS());
	{
		int status;

		waitpid(child, &status, 0);
		EXPECT_EQ(0, status);
	}
}

/* claims: B3 B9 */
TEST_F(closing, a_killed_caller_leaves_the_deadline_behind)
{
	double start;
	pid_t child;
	int status;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 2);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		net_sleep(50);
		CLOSE();
		_exit(1);
	}
	close(self->pair.client);
	net_sleep(500);
	start = net_now();
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
	EXPECT_EQ(0, FINS() + RSTS());
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 3000));
	EXPECT_GT(net_now() - start, 1.0);
	EXPECT_LT(net_now() - start, 2.6);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
}

/* claims: B3 B9 */
TEST_F(closing, a_stopped_caller_cannot_stretch_it)
{
	double start = net_now();
	pid_t child;
	int status;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		net_sleep(50);
		_exit(CLOSE() || self->call.record.outcome != WINSOCK_OUTCOME_DEADLINE ||
		      net_is_open(self->pair.client));
	}
	close(self->pair.client);
	net_sleep(400);
	kill(child, SIGSTOP);
	net_sleep(2000);
	EXPECT_EQ(0, LEFT());
	EXPECT_EQ(1, RSTS());
	kill(child, SIGCONT);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_LT(net_now() - start, 5.0);
}

/* claims: B9 */
TEST_F(closing, without_a_free_descriptor_handlers_run_too)
{
	struct rlimit limit = { 0, 64 };
	double start;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	ticks(&tenth, 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	start = net_now();
	ASSERT_EQ(0, CLOSE());
	EXPECT_GE(net_now() - start, 1.0);
	EXPECT_LE(net_now() - start, 2.0);
	EXPECT_GE(handled, 3);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	ticks(&(struct timeval){ 0, 0 }, 0);
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
}

static sigjmp_buf away;

static void on_signal_jump(int number)
{
	siglongjmp(away, 1);
}

/* claims: B9 B10 */
TEST_F(closing, a_handler_that_never_comes_back)
{
	struct sigaction action = { .sa_handler = on_signal_jump };
	struct itimerval timer = { .it_value = { 0, 200000 } };

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	sigaction(SIGALRM, &action, NULL);
	if (!sigsetjmp(away, 1)) {
		setitimer(ITIMER_REAL, &timer, NULL);
		CLOSE();
		ASSERT_TRUE(false);
	}
	/*
	 * The close goes on without this thread, which has to close its descriptor, at the same
	 * number.
	 */
	EXPECT_EQ(self->pair.client, self->call.op_fd);
	EXPECT_TRUE(net_is_open(self->pair.client));
	net_sleep(1300);
	EXPECT_EQ(0, LEFT());
	EXPECT_EQ(1, RSTS());
}

/* claims: B9 G7 */
TEST_F(closing, interrupted_with_data_unread_it_resets)
{
	int copy = dup(self->pair.client), status;
	size_t queued = net_stuff(self->pair.client);
	pid_t peer;

	net_linger(self->pair.client, 1, 20);
	peer = fork();
	ASSERT_GE(peer, 0);
	if (!peer) {
		size_t got;
		int error;

		close(copy);
		close(self->pair.client);
		net_sleep(500);
		send(self->pair.server, "hello", 5, 0);
		got = net_drain(self->pair.server, &error);
		_exit(got != queued || error != ECONNRESET);
	}
	ticks(&tenth, 0);
	/* Without IF_LAST the close decides for the copy as well. */
	ASSERT_EQ(0, dev_close_wait(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD, 0,
				    &self->call));
	EXPECT_GE(handled, 3);
	ticks(&(struct timeval){ 0, 0 }, 0);
	EXPECT_DONE(WINSOCK_OUTCOME_UNREAD);
	EXPECT_GE(self->call.record.elapsed_ns, 300000000ULL);
	EXPECT_EQ(0, self->call.record.unacked);
	EXPECT_EQ(TCP_ESTABLISHED, self->call.record.state);
	EXPECT_EQ(0, self->call.record.error);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, LEFT());
	ASSERT_EQ(peer, waitpid(peer, &status, 0));
	EXPECT_EQ(0, status);
	close(copy);
}

static struct winsock_close *interrupted;
static int other_holder;

/* A handler ends the close by its op descriptor. */
static void on_signal_abort(int number)
{
	handled += !ioctl(interrupted->op_fd, WINSOCK_IOC_OP_ABORT);
}

static void interrupt_once(struct winsock_close *call, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };
	struct itimerval timer = { .it_value = { 0, 200000 } };

	interrupted = call;
	handled = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* claims: B9 */
TEST_F(closing, aborted_in_a_handler_it_is_not_shut_down_as_well)
{
	int copy = dup(self->pair.client);
	char byte;

	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 20);
	interrupt_once(&self->call, on_signal_abort);
	ASSERT_EQ(0, dev_close_wait(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD, 0,
				    &self->call));
	EXPECT_EQ(1, handled);
	EXPECT_DONE(WINSOCK_OUTCOME_REQUEST);
	EXPECT_GT(self->call.record.unacked, 0);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
	/* The copy is a socket that is not connected, not one that was shut down. */
	EXPECT_EQ(-1, recv(copy, &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ(ECONNRESET, errno);
	EXPECT_EQ(-1, recv(copy, &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ(ENOTCONN, errno);
	close(copy);
}

static void on_signal_take_the_error(int number)
{
	struct pollfd polled = { interrupted->op_fd, POLLIN };
	char byte;

	if (poll(&polled, 1, 5000) != 1 || recv(other_holder, &byte, 1, MSG_DONTWAIT) != -1)
		return;
	handled = errno;
}

/* claims: B9 */
TEST_F(closing, ended_in_a_handler_the_others_are_told_once)
{
	int far = dup(self->pair.server), error;
	pid_t reader;
	char byte;

	/* The peer has read the FIN and does not close yet: a close would be reported as well. */
	other_holder = dup(self->pair.client);
	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 20);
	reader = net_drain_later(&self->pair, 500);
	interrupt_once(&self->call, on_signal_take_the_error);
	ASSERT_EQ(0, dev_close_wait(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD, 0,
				    &self->call));
	EXPECT_EQ(ECONNABORTED, handled);
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_EQ(0, recv(other_holder, &byte, 1, MSG_DONTWAIT));
	net_drain_result(reader, &error);
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
	close(far);
	close(other_holder);
}

TEST_HARNESS_MAIN
