// SPDX-License-Identifier: GPL-2.0-only
/*
 * close(2), dup2, exec, exit and kill on an attached socket obey the page without a call of the
 * module.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "closing.h"
#include "mib.h"
#include "ulp.h"

/* Attach the client and let it linger. */
#define ATTACH(seconds) do { \
	ASSERT_EQ(0, ulp_attach(self->pair.client)); \
	net_linger(self->pair.client, 1, seconds); \
} while (0)

#define EXPECT_RESET_AND_GONE() do { \
	EXPECT_EQ(0, LEFT()); \
	EXPECT_EQ(0, FINS()); \
	EXPECT_EQ(1, RSTS()); \
} while (0)

#define TAKE_CLIENT() ({ \
	int fd_ = self->pair.client; \
	self->pair.client = -1; \
	fd_; \
})

static double timed_close(int fd)
{
	double start = net_now();

	close(fd);
	return net_now() - start;
}

/* claims: B2 B7 */
TEST_F(closing, drained_in_time_it_is_graceful)
{
	size_t queued = net_stuff(self->pair.client);
	double elapsed;
	pid_t reader;
	int error;

	ATTACH(10);
	reader = net_drain_later(&self->pair, 1000);
	elapsed = timed_close(TAKE_CLIENT());
	EXPECT_GT(elapsed, 0.8);
	EXPECT_LT(elapsed, 5.0);
	EXPECT_EQ(queued, net_drain_result(reader, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: B3 B6 */
TEST_F(closing, the_deadline_resets_before_close_returns)
{
	double elapsed;
	int error;

	net_stuff(self->pair.client);
	ATTACH(2);
	elapsed = timed_close(TAKE_CLIENT());
	EXPECT_GE(elapsed, 2.0);
	EXPECT_LE(elapsed, 3.0);
	EXPECT_RESET_AND_GONE();
	EXPECT_EQ(0, net_bind_error(variant->family, self->pair.client_port));
	net_drain(self->pair.server, &error);
	EXPECT_EQ(ECONNRESET, error);
}

/* claims: B1 B4 */
TEST_F(closing, an_idle_socket_does_not_wait)
{
	ATTACH(5);
	net_mute(self->pair.server);
	EXPECT_LT(timed_close(TAKE_CLIENT()), AT_ONCE);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
	EXPECT_EQ(TCP_FIN_WAIT1, LEFT());
	/* TCP's orphan has a reference to the module: end it. */
	net_unmute(self->pair.server);
	net_linger(self->pair.server, 1, 0);
	close(self->pair.server);
	self->pair.server = -1;
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 500));
}

/* claims: H1 H3 */
TEST_F(closing, timeout_zero_resets)
{
	net_stuff(self->pair.client);
	ATTACH(0);
	EXPECT_LT(timed_close(TAKE_CLIENT()), AT_ONCE);
	EXPECT_RESET_AND_GONE();
}

/* The connection goes on elsewhere (CRIU), whatever linger says: no reset is counted. */
TEST_F(closing, checkpointed_it_ends_without_a_word)
{
	for (int seconds = 0; seconds < 4; seconds += 3) {
		struct mib mib;
		int on = 1;

		net_stuff(self->pair.client);
		ATTACH(seconds);
		net_sleep(300);
		wire_reset(&self->wire);
		ASSERT_EQ(0, setsockopt(self->pair.client, SOL_TCP, TCP_REPAIR, &on, sizeof(on)));
		mib_read(&mib);
		EXPECT_LT(timed_close(TAKE_CLIENT()), AT_ONCE);
		EXPECT_STREQ("Graceful 1", mib_changes(&mib));
		EXPECT_EQ(0, FINS() + RSTS());
		EXPECT_EQ(0, LEFT());
		net_pair_close(&self->pair);
		net_pair_open(&self->pair, variant->family, variant->accepted);
	}
}

/* claims: G1 G2 */
TEST_F(closing, linger_off_is_linux)
{
	size_t queued = net_stuff(self->pair.client);
	pid_t reader;
	int error;

	ASSERT_EQ(0, ulp_attach(self->pair.client));
	EXPECT_LT(timed_close(TAKE_CLIENT()), AT_ONCE);
	EXPECT_EQ(TCP_FIN_WAIT1, LEFT());
	reader = net_drain_later(&self->pair, 500);
	EXPECT_EQ(queued, net_drain_result(reader, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: G7 */
TEST_F(closing, unread_data_turns_into_a_reset)
{
	ATTACH(5);
	ASSERT_EQ(3, send(self->pair.server, "abc", 3, 0));
	net_sleep(20);
	EXPECT_LT(timed_close(TAKE_CLIENT()), AT_ONCE);
	EXPECT_RESET_AND_GONE();
}

/* claims: N1 B3 */
TEST_F(closing, nonblocking_the_kernel_waits)
{
	net_stuff(self->pair.client);
	net_nonblock(self->pair.client, true);
	ATTACH(2);
	EXPECT_LT(timed_close(TAKE_CLIENT()), AT_ONCE);
	net_sleep(1500);
	/* The connection stays until the decision. */
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
	EXPECT_EQ(0, FINS() + RSTS());
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 1000));
	EXPECT_RESET_AND_GONE();
}

/* claims: N1 B2 */
TEST_F(closing, nonblocking_and_drained_it_is_graceful)
{
	size_t queued = net_stuff(self->pair.client);
	pid_t reader;
	int error;

	net_nonblock(self->pair.client, true);
	ATTACH(10);
	EXPECT_LT(timed_close(TAKE_CLIENT()), AT_ONCE);
	reader = net_drain_later(&self->pair, 1000);
	EXPECT_EQ(queued, net_drain_result(reader, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: B5 */
TEST_F(closing, the_peers_reset_ends_it)
{
	net_stuff(self->pair.client);
	net_nonblock(self->pair.client, true);
	ATTACH(60);
	close(TAKE_CLIENT());
	net_linger(self->pair.server, 1, 0);
	close(self->pair.server);
	self->pair.server = -1;
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 500));
	EXPECT_EQ(0, FINS());
}

/* claims: B6 */
TEST_F(closing, a_corked_tail_is_pushed)
{
	char text[8];
	int one = 1;

	ATTACH(5);
	ASSERT_EQ(0, setsockopt(self->pair.client, SOL_TCP, TCP_CORK, &one, sizeof(one)));
	ASSERT_EQ(4, send(self->pair.client, "tail", 4, 0));
	EXPECT_LT(timed_close(TAKE_CLIENT()), AT_ONCE);
	EXPECT_EQ(4, recv(self->pair.server, text, sizeof(text), 0));
	EXPECT_EQ(0, recv(self->pair.server, text, sizeof(text), 0));
	EXPECT_EQ(0, RSTS());
}

/* claims: M1 */
TEST_F(closing, only_the_last_descriptor_lingers)
{
	int copy = dup(self->pair.client);

	net_stuff(self->pair.client);
	ATTACH(2);
	EXPECT_LT(timed_close(TAKE_CLIENT()), AT_ONCE);
	net_sleep(2500);
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
	EXPECT_GE(timed_close(copy), 2.0);
	EXPECT_RESET_AND_GONE();
}

#ifdef __x86_64__
/* close(2) as a 32-bit program calls it. */
static int close_ia32(int fd)
{
	int result = 6;

	__asm__ volatile("int $0x80" : "+a"(result) : "b"(fd) : "memory", "r8", "r9", "r10", "r11");
	/* User Mode Linux has none, and a kernel can be without. */
	return result == -EFAULT || result == -ENOSYS ? close(fd) : result;
}

/* Most kernels have no x32. */
static int close_x32(int fd)
{
	int result = syscall(0x40000000 | __NR_close, fd);

	return result && errno == ENOSYS ? close(fd) : result;
}
#endif

static int close_by_dup2(int fd)
{
	return dup2(STDERR_FILENO, fd);
}

static int close_by_dup3(int fd)
{
	return dup3(STDERR_FILENO, fd, O_CLOEXEC);
}

static int close_range_of_one(int fd)
{
	return close_range(fd, fd, 0);
}

/* claims: B3 */
TEST_F(closing, each_system_call_that_closes_lingers)
{
	static const struct {
		const char *name;
		int (*close)(int fd);
	} ways[] = {
		{ "dup2", close_by_dup2 },
		{ "dup3", close_by_dup3 },
		{ "close_range", close_range_of_one },
#ifdef __x86_64__
		{ "close of i386", close_ia32 },
		{ "close of x32", close_x32 },
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct net_pair pair;
		double start;

		net_pair_open(&pair, variant->family, true);
		net_stuff(pair.client);
		ASSERT_EQ(0, ulp_attach(pair.client));
		net_linger(pair.client, 1, 1);
		start = net_now();
		ASSERT_LE(0, ways[i].close(pair.client)) TH_LOG("%s", ways[i].name);
		EXPECT_GE(net_now() - start, 1.0) TH_LOG("%s", ways[i].name);
		EXPECT_EQ(0, net_left(pair.client_port, pair.server_port));
		close(pair.client);
		pair.client = -1;
		net_pair_close(&pair);
	}
}

/* A listener has no payload, and its own close is TCP's. */
TEST_F(closing, a_listener_closes_at_once)
{
	uint16_t port = 0;
	int listener = net_bind_shared(variant->family, &port), client;

	ASSERT_EQ(0, ulp_attach(listener));
	net_linger(listener, 1, 5);
	ASSERT_EQ(0, listen(listener, 1));
	client = net_connect(variant->family, port, false);
	EXPECT_LT(timed_close(listener), AT_ONCE);
	EXPECT_EQ(-1, recv(client, &port, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
	close(client);
}

/* A former listener that connects has TCP's own close: its deadline leaves an orphan. */
TEST_F(closing, a_former_listener_is_linux)
{
	uint16_t port, own = 0;
	int listener = net_listen(variant->family, &port), server;
	int fd = net_bind_shared(variant->family, &own);
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	ASSERT_EQ(0, ulp_attach(fd));
	ASSERT_EQ(0, listen(fd, 1));
	ASSERT_EQ(0, shutdown(fd, SHUT_RDWR));
	ASSERT_EQ(0, getsockname(listener, (struct sockaddr *)&name, &size));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&name, size));
	server = accept(listener, NULL, NULL);
	ASSERT_GE(server, 0);
	EXPECT_EQ(-ENOPROTOOPT, ulp_set_int(fd, WINSOCK_SO_MODE, 1));
	own = net_port(fd);
	net_stuff(fd);
	net_linger(fd, 1, 1);
	EXPECT_GE(timed_close(fd), 1.0);
	EXPECT_EQ(TCP_FIN_WAIT1, net_left(own, port));
	net_linger(server, 1, 0);
	close(server);
	EXPECT_EQ(0, net_left_wait(own, port, 0, 500));
	close(listener);
}

static void *exit_now(void *unused)
{
	_exit(0);
}

enum end { END_EXIT, END_KILL, END_EXEC, END_THREADS, END_KILLED_IN_CLOSE, ENDS };

static void end_process(enum end how, int fd)
{
	char *arguments[] = { "/bin/busybox", "true", NULL };
	pthread_t thread;

	switch (how) {
	case END_KILL:
		raise(SIGKILL);
		break;
	case END_EXEC:
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		net_nonblock(fd, true);
		execv(arguments[0], arguments);
		break;
	case END_THREADS:
		pthread_create(&thread, NULL, exit_now, NULL);
		pthread_join(thread, NULL);
		break;
	case END_KILLED_IN_CLOSE:
		close(fd);
		break;
	default:
		break;
	}
	_exit(0);
}

/* claims: B3 */
TEST_F(closing, the_deadline_outlives_the_process)
{
	if (variant->family != NET_V4)
		return;
	for (enum end how = END_EXIT; how < ENDS; how++) {
		struct net_pair pair;
		double start;
		pid_t child;

		wire_reset(&self->wire);
		net_pair_open(&pair, NET_V4, how & 1);
		net_stuff(pair.client);
		ASSERT_EQ(0, ulp_attach(pair.client));
		net_linger(pair.client, 1, 2);
		start = net_now();
		child = fork();
		ASSERT_GE(child, 0);
		if (!child)
			end_process(how, pair.client);
		close(pair.client);
		pair.client = -1;
		if (how == END_KILLED_IN_CLOSE) {
			net_sleep(500);
			kill(child, SIGKILL);
		}
		ASSERT_EQ(child, waitpid(child, NULL, 0));
		/* The process ends at once, the connection does not. */
		EXPECT_LT(net_now() - start, 1.5);
		EXPECT_EQ(TCP_ESTABLISHED, net_left(pair.client_port, pair.server_port));
		EXPECT_EQ(0, net_left_wait(pair.client_port, pair.server_port, 0, 3000));
		EXPECT_GE(net_now() - start, 2.0);
		EXPECT_LT(net_now() - start, 3.0);
		EXPECT_EQ(0, wire_count(&self->wire, pair.client_port, pair.server_port,
					WIRE_FIN));
		EXPECT_EQ(1, wire_count(&self->wire, pair.client_port, pair.server_port,
					WIRE_RST));
		net_pair_close(&pair);
	}
}

static void caught(int number)
{
}

/* claims: B9 */
TEST_F(closing, a_signal_frees_the_thread_and_the_kernel_goes_on)
{
	struct sigaction action = { .sa_handler = caught };
	double elapsed, start;

	net_stuff(self->pair.client);
	ATTACH(3);
	sigaction(SIGALRM, &action, NULL);
	start = net_now();
	alarm(1);
	close(TAKE_CLIENT());
	elapsed = net_now() - start;
	EXPECT_GE(elapsed, 1.0);
	EXPECT_LT(elapsed, 1.9);
	EXPECT_EQ(TCP_ESTABLISHED, LEFT());
	EXPECT_EQ(0, net_left_wait(self->pair.client_port, self->pair.server_port, 0, 3000));
	EXPECT_RESET_AND_GONE();
}

/* claims: B3 */
TEST_F(closing, a_waiting_ioctl_and_the_ulp_decide_once)
{
	net_stuff(self->pair.client);
	ATTACH(1);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_DEADLINE);
	EXPECT_RESET_AND_GONE();
}

/* claims: B3 */
TEST_F(closing, over_the_limit_it_is_reset_now)
{
	FILE *sysctl = fopen("/proc/sys/net/winsock/ops_max", "w");

	ASSERT_TRUE(sysctl != NULL);
	fprintf(sysctl, "0\n");
	ASSERT_EQ(0, fclose(sysctl));
	net_stuff(self->pair.client);
	ATTACH(5);
	EXPECT_LT(timed_close(TAKE_CLIENT()), AT_ONCE);
	EXPECT_RESET_AND_GONE();
}

/* claims: B3 */
TEST_F(closing, after_shutdown_it_waits_and_resets)
{
	double elapsed;

	net_stuff(self->pair.client);
	ASSERT_EQ(0, shutdown(self->pair.client, SHUT_WR));
	ATTACH(1);
	elapsed = timed_close(TAKE_CLIENT());
	EXPECT_GE(elapsed, 1.0);
	EXPECT_LE(elapsed, 2.0);
	EXPECT_EQ(0, LEFT());
	EXPECT_EQ(1, RSTS());
}

TEST_HARNESS_MAIN
