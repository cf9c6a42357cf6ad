// SPDX-License-Identifier: GPL-2.0-only
/* CLOSE never waits; to wait a program reads or polls the op descriptor. */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "pending.h"
#include "ulp.h"

/* claims: B2 B11 */
TEST_F(closing, the_call_never_waits)
{
	static const unsigned int flags[] = {
		0, WINSOCK_CLOSE_DROP_FD, DEV_CLOSESOCKET, DEV_CLOSESOCKET | WINSOCK_CLOSE_BLOCKING,
	};

	/* The longest linger, with a peer that reads nothing, or that has vanished. */
	for (int vanished = 0; vanished < 2; vanished++)
		for (int attached = 0; attached < 2; attached++)
			for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
				double start;

				if (attached)
					ASSERT_EQ(0, ulp_attach(self->pair.client));
				if (vanished)
					net_pair_into(&self->pair, TCP_ESTABLISHED, true);
				else
					net_stuff(self->pair.client);
				net_linger(self->pair.client, 1, 65535);
				start = net_now();
				ASSERT_EQ(0, dev_close(self->dev, self->pair.client, flags[i], 0,
						       &self->call));
				EXPECT_LT(net_now() - start, AT_ONCE);
				ASSERT_GE(self->call.op_fd, 0);
				EXPECT_FALSE(pending_is_final(self->call.op_fd, 0));
				EXPECT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_ABORT));
				EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_REQUEST);
				if (self->call.op_fd != self->pair.client)
					close(self->call.op_fd);
				net_pair_close(&self->pair);
				net_pair_open(&self->pair, variant->family, variant->accepted);
			}
}

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	handled++;
}

/* claims: B9 */
TEST_F(closing, a_signal_ends_the_read_and_not_the_close)
{
	struct itimerval timer = { { 0, 100000 }, { 0, 100000 } }, none = { 0 };
	struct sigaction action = { .sa_handler = on_signal };
	struct winsock_record record;
	double start = net_now();

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 2 * SECOND_NS);
	start = net_now();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	EXPECT_EQ(-1, read(self->call.op_fd, &record, sizeof(record)));
	EXPECT_EQ(EINTR, errno);
	EXPECT_EQ(1, handled);
	EXPECT_LT(net_now() - start, 1.9);
	EXPECT_FALSE(pending_is_final(self->call.op_fd, 0));
	/* With SA_RESTART the read goes on by itself. */
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	EXPECT_EQ(sizeof(record), read(self->call.op_fd, &record, sizeof(record)));
	setitimer(ITIMER_REAL, &none, NULL);
	EXPECT_GE(handled, 4);
	EXPECT_GE(net_now() - start, 1.9);
	EXPECT_LT(net_now() - start, 3.5);
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, record.outcome);
	EXPECT_EQ(0, FINS());
	EXPECT_EQ(1, RSTS());
}

/* A read returns as much of the record as it asks for, but at least the first version. */
TEST_F(closing, what_a_read_gives)
{
	unsigned char bytes[sizeof(struct winsock_record) + 24], rest[24];
	struct winsock_record *record = (void *)bytes;
	void *volatile nowhere = NULL;

	self->call = (struct winsock_close){
		.fd = self->pair.client,
		.flags = WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_TIMEOUT,
		.timeout_ns = SECOND_NS / 4,
		.tag = 0x1122334455667788ULL,
	};
	net_stuff(self->pair.client);
	ASSERT_EQ(0, ioctl(self->dev, WINSOCK_IOC_CLOSE, &self->call));
	ASSERT_GE(self->call.op_fd, 0);
	/* A read that is too short fails before and after the end. */
	for (int final = 0; final < 2; final++) {
		for (size_t size = 0; size < sizeof(*record); size++) {
			EXPECT_EQ(-1, read(self->call.op_fd, bytes, size));
			EXPECT_EQ(EINVAL, errno);
		}
		ASSERT_TRUE(final || pending_is_final(self->call.op_fd, 5000));
	}
	memset(bytes, 0xa5, sizeof(bytes));
	memset(rest, 0xa5, sizeof(rest));
	EXPECT_EQ(sizeof(*record), read(self->call.op_fd, bytes, sizeof(bytes)));
	EXPECT_EQ(0, memcmp(bytes + sizeof(*record), rest, sizeof(rest)));
	EXPECT_EQ(0x1122334455667788ULL, record->tag);
	EXPECT_EQ(WINSOCK_OUTCOME_DEADLINE, record->outcome);
	EXPECT_EQ(TCP_ESTABLISHED, record->state);
	EXPECT_EQ(0, record->error);
	EXPECT_EQ(0, record->pad);
	EXPECT_EQ(-1, read(self->call.op_fd, nowhere, sizeof(*record)));
	EXPECT_EQ(EFAULT, errno);
	/* A further read returns the record again. */
	EXPECT_EQ(sizeof(*record), read(self->call.op_fd, bytes, sizeof(bytes)));
}

static void *read_run(void *argument)
{
	struct winsock_record record;

	return (void *)(long)(read(*(int *)argument, &record, sizeof(record)) == sizeof(record) ?
			      (int)record.outcome : -errno);
}

/* claims: B7 */
TEST_F(closing, a_sleeping_reader_is_told_of_each_end)
{
	pthread_t thread;
	void *outcome;

	for (int cancelled = 0; cancelled < 2; cancelled++) {
		net_stuff(self->pair.client);
		BEGIN(0, 60 * SECOND_NS);
		ASSERT_EQ(0, pthread_create(&thread, NULL, read_run, &self->call.op_fd));
		net_sleep(200);
		ASSERT_EQ(0, ioctl(self->call.op_fd, cancelled ? WINSOCK_IOC_OP_CANCEL :
				   WINSOCK_IOC_OP_ABORT));
		ASSERT_EQ(0, pthread_join(thread, &outcome));
		EXPECT_EQ(cancelled ? WINSOCK_OUTCOME_CANCELLED : WINSOCK_OUTCOME_REQUEST,
			  (long)outcome);
		close(self->call.op_fd);
		if (cancelled)
			continue;
		net_pair_close(&self->pair);
		net_pair_open(&self->pair, variant->family, variant->accepted);
	}
}

/* claims: B7 */
TEST_F(closing, poll_says_the_same_every_time)
{
	struct pollfd polled;

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS / 4);
	polled = (struct pollfd){ self->call.op_fd, POLLIN | POLLOUT | POLLPRI | POLLRDNORM };
	EXPECT_EQ(0, poll(&polled, 1, 0));
	EXPECT_EQ(1, poll(&polled, 1, 5000));
	EXPECT_EQ(POLLIN | POLLRDNORM, polled.revents);
	EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
	for (int i = 0; i < 3; i++) {
		polled.revents = 0;
		EXPECT_EQ(1, poll(&polled, 1, 0));
		EXPECT_EQ(POLLIN | POLLRDNORM, polled.revents);
	}
}

/* claims: B3 B9 */
TEST_F(closing, a_killed_reader_goes_at_once)
{
	double start;
	pid_t child;
	int status;

	net_stuff(self->pair.client);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		net_linger(self->pair.client, 1, 2);
		_exit(dev_close_wait(self->dev, self->pair.client,
				     WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_DETACH, 0,
				     &self->call));
	}
	close(self->pair.client);
	self->pair.client = -1;
	net_sleep(500);
	start = net_now();
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_LT(net_now() - start, AT_ONCE);
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 3000));
	EXPECT_GT(net_now() - start, 1.0);
	EXPECT_EQ(1, RSTS());
}

/* claims: B3 */
TEST_F(closing, exec_takes_the_op_away)
{
	for (int detach = 0; detach < 2; detach++) {
		double start;
		pid_t child;

		net_stuff(self->pair.client);
		child = fork();
		ASSERT_GE(child, 0);
		if (!child) {
			fcntl(self->pair.client, F_SETFD, 0);
			pending_begin(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD |
				      (detach ? WINSOCK_CLOSE_DETACH : 0), 2 * SECOND_NS,
				      &self->call);
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		close(self->pair.client);
		start = net_now();
		waitpid(child, NULL, 0);
		/* The close did not delay the program. */
		EXPECT_LT(net_now() - start, 2.0);
		EXPECT_EQ(detach ? TCP_ESTABLISHED : 0, LEFT());
		EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0,
					   3000));
		EXPECT_EQ(0, FINS());
		EXPECT_EQ(1, RSTS());
		close(self->pair.server);
		net_pair_open(&self->pair, variant->family, variant->accepted);
		wire_reset(&self->wire);
	}
}

TEST_HARNESS_MAIN
