// SPDX-License-Identifier: GPL-2.0-only
/* Blocked calls: routines and signals interrupt and cancel them. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/time.h>

#include "winsock_test.h"

/* Results of the routines below. */
static struct {
	unsigned int runs;
	int result;
	int error;
	SOCKET s;
} seen;

static void count(ULONG_PTR data)
{
	seen.runs += data;
}

static void block_again(ULONG_PTR data)
{
	char byte;

	seen.runs++;
	WSASetLastError(0);
	seen.result = recv(seen.s, &byte, 1, 0);
	seen.error = WSAGetLastError();
}

static void close_in_it(ULONG_PTR data)
{
	seen.runs++;
	WSASetLastError(0);
	seen.result = closesocket(seen.s);
	seen.error = WSAGetLastError();
}

static void cancel(ULONG_PTR data)
{
	seen.runs++;
	seen.result = WSACancelBlockingCall();
}

struct alerter {
	HANDLE thread;
	PAPCFUNC routine;
	unsigned int after_ms;
	ULONG_PTR data;
};

static void *alerter_run(void *argument)
{
	struct alerter *alerter = argument;

	net_sleep(alerter->after_ms);
	return (void *)(uintptr_t)QueueUserAPC(alerter->routine, alerter->thread, alerter->data);
}

/* claims: X3 */
TEST_F(winsock, routines_run_where_a_call_waits_and_only_there)
{
	char byte;

	seen.runs = 0;
	EXPECT_NE(0, QueueUserAPC(count, GetCurrentThread(), 1));
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	net_sleep(50);
	ASSERT_EQ(1, recv(self->client, &byte, 1, 0));
	EXPECT_EQ(0, SleepEx(20, FALSE));
	EXPECT_EQ(0, seen.runs);
	EXPECT_EQ(WAIT_IO_COMPLETION, SleepEx(INFINITE, TRUE));
	EXPECT_EQ(1, seen.runs);
	EXPECT_NE(0, QueueUserAPC(count, GetCurrentThread(), 10));
	EXPECT_NE(0, QueueUserAPC(count, GetCurrentThread(), 100));
	EXPECT_EQ(WAIT_IO_COMPLETION, SleepEx(0, TRUE));
	EXPECT_EQ(111, seen.runs);
	EXPECT_EQ(0, SleepEx(20, TRUE));
	EXPECT_EQ(0, QueueUserAPC(count, (HANDLE)77, 1));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
}

static void *no_more(void *unused)
{
	return winsock_thread_self();
}

TEST_F(winsock, a_thread_that_has_ended_takes_no_routine)
{
	pthread_t thread;
	void *handle;

	ASSERT_EQ(0, pthread_create(&thread, NULL, no_more, NULL));
	ASSERT_EQ(0, pthread_join(thread, &handle));
	EXPECT_EQ(0, QueueUserAPC(count, handle, 1));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
	EXPECT_TRUE(CloseHandle(handle));
	EXPECT_FALSE(CloseHandle(handle));
}

#define ALERT(alerter) ({ \
	pthread_t thread_; \
	(alerter)->thread = winsock_thread_self(); \
	ASSERT_EQ(0, pthread_create(&thread_, NULL, alerter_run, alerter)); \
	thread_; \
})

/* claims: B9 B3 B6 X3 */
TEST_F(winsock, a_routine_runs_in_a_lingering_close_and_the_deadline_stays)
{
	struct alerter alerter = { .routine = count, .after_ms = 400, .data = 1 };
	pthread_t thread;
	double begun;

	seen.runs = 0;
	stuff(self->client);
	set_linger(self->client, 1, 2);
	thread = ALERT(&alerter);
	begun = net_now();
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_GE(net_now() - begun, 2.0);
	EXPECT_LT(net_now() - begun, 2 + AT_ONCE);
	EXPECT_EQ(1, seen.runs);
	EXPECT_FALSE(net_is_open(self->client));
	EXPECT_EQ(1, RSTS());
	EXPECT_EQ(0, FINS());
	pthread_join(thread, NULL);
}

struct closer {
	SOCKET s;
	HANDLE _Atomic thread;
	pid_t _Atomic child;	/* 0 in the child */
};

static WSAOVERLAPPED pending;

/* Behind the close's own clean-up: in a child the operation has not ended. */
static void closer_leaves(void *argument)
{
	struct closer *closer = argument;

	if (!closer->child && HasOverlappedIoCompleted(&pending))
		_exit(1);
}

/* Begin a receive that stays pending, and close. */
static void *closer_run(void *argument)
{
	struct closer *closer = argument;
	static char byte;
	WSABUF buffer = { 1, &byte };
	DWORD flags = 0;

	memset(&pending, 0, sizeof(pending));
	WSARecv(closer->s, &buffer, 1, NULL, &flags, &pending, NULL);
	closer->thread = winsock_thread_self();
	pthread_cleanup_push(closer_leaves, closer);
	closesocket(closer->s);
	pthread_cleanup_pop(0);
	return closer;
}

static void end_thread(ULONG_PTR unused)
{
	pthread_exit(NULL);
}

static void end_child(ULONG_PTR data)
{
	struct closer *closer = (struct closer *)data;

	closer->child = fork();
	if (!closer->child)
		pthread_exit(NULL);
}

static void *receive_run(void *argument)
{
	SOCKET *s = argument;
	char byte;

	return (void *)(uintptr_t)(recv(*s, &byte, 1, 0) < 0 ? WSAGetLastError() : 0);
}

#define CLOSE_AND_QUEUE(closer, routine) ({ \
	pthread_t thread_; \
	ASSERT_EQ(0, pthread_create(&thread_, NULL, closer_run, closer)); \
	while (!(closer)->thread) \
		net_sleep(10); \
	net_sleep(200); \
	ASSERT_TRUE(QueueUserAPC(routine, (closer)->thread, (ULONG_PTR)(closer))); \
	thread_; \
})

/* claims: B2 B4 */
TEST_F(winsock, a_close_goes_on_without_the_thread_that_a_routine_has_ended)
{
	struct closer closer = { .s = self->client, .child = -1 };
	size_t stuffed = stuff(self->client);
	pthread_t receiver;
	void *result;
	int error;

	set_linger(self->client, 1, 30);
	ASSERT_EQ(0, pthread_create(&receiver, NULL, receive_run, &self->client));
	net_sleep(200);
	ASSERT_EQ(0, pthread_join(CLOSE_AND_QUEUE(&closer, end_thread), &result));
	EXPECT_EQ(NULL, result);
	ASSERT_EQ(0, pthread_join(receiver, &result));
	EXPECT_EQ(WSAECONNABORTED, (uintptr_t)result);
	EXPECT_FALSE(net_is_open(self->client));
	/* Nothing of it is left at the number. */
	ASSERT_EQ(self->client, dup(self->listener));
	EXPECT_EQ(0, closesocket(self->client));
	EXPECT_EQ(stuffed, net_drain(self->server, &error));
	EXPECT_EQ(0, error);
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* The close, and the operation, are the parent's. */
TEST_F(winsock, a_child_may_end_in_a_routine_of_a_close)
{
	struct closer closer = { .s = self->client, .child = -1 };
	size_t stuffed = stuff(self->client);
	pthread_t thread;
	int error, status;

	set_linger(self->client, 1, 30);
	thread = CLOSE_AND_QUEUE(&closer, end_child);
	while (closer.child < 0)
		net_sleep(10);
	EXPECT_EQ(stuffed, net_drain(self->server, &error));
	EXPECT_EQ(0, error);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(closer.child, waitpid(closer.child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_FALSE(net_is_open(self->client));
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: A13 B10 */
TEST_F(winsock, a_blocking_call_inside_a_routine_is_refused)
{
	struct alerter alerter = { .routine = block_again, .after_ms = 300 };
	pthread_t thread;
	SOCKET quiet;
	double begun;

	memset(&seen, 0, sizeof(seen));
	seen.s = open_pair(self->listener, self->port, &quiet);
	stuff(self->client);
	set_linger(self->client, 1, 1);
	thread = ALERT(&alerter);
	begun = net_now();
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_GE(net_now() - begun, 1.0);
	EXPECT_EQ(1, seen.runs);
	EXPECT_EQ(SOCKET_ERROR, seen.result);
	EXPECT_EQ(WSAEINPROGRESS, seen.error);
	pthread_join(thread, NULL);
}

/* claims: A13 N3 */
TEST_F(winsock, a_lingering_close_inside_a_routine_is_refused_and_harmless)
{
	struct alerter alerter = { .routine = close_in_it, .after_ms = 200 };
	SOCKET other, quiet;
	pthread_t thread;
	DWORD ms = 600;
	char byte;

	memset(&seen, 0, sizeof(seen));
	seen.s = self->client;
	stuff(self->client);
	set_linger(self->client, 1, 1);
	other = open_pair(self->listener, self->port, &quiet);
	ASSERT_EQ(0, setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, (char *)&ms, sizeof(ms)));
	thread = ALERT(&alerter);
	EXPECT_WSA(WSAETIMEDOUT, recv(other, &byte, 1, 0));
	pthread_join(thread, NULL);
	EXPECT_EQ(1, seen.runs);
	EXPECT_EQ(SOCKET_ERROR, seen.result);
	EXPECT_EQ(WSAEINPROGRESS, seen.error);
	EXPECT_TRUE(net_is_open(self->client));
	EXPECT_EQ(0, FINS() + RSTS());
}

TEST_F(winsock, a_routine_may_close_the_socket_that_its_thread_waits_on)
{
	struct alerter alerter = { .routine = close_in_it, .after_ms = 200 };
	pthread_t thread;
	char byte;

	memset(&seen, 0, sizeof(seen));
	seen.s = self->client;
	thread = ALERT(&alerter);
	EXPECT_WSA(WSAECONNABORTED, recv(self->client, &byte, 1, 0));
	EXPECT_EQ(0, seen.result);
	EXPECT_FALSE(net_is_open(self->client));
	pthread_join(thread, NULL);
}

/* claims: A14 N3 N4 */
TEST_F(winsock, a_cancelled_lingering_close_leaves_everything)
{
	struct alerter alerter = { .routine = cancel, .after_ms = 300 };
	size_t stuffed = stuff(self->client);
	struct linger linger = { 0 };
	int size = sizeof(linger), error;
	pthread_t thread;
	double begun;

	memset(&seen, 0, sizeof(seen));
	set_linger(self->client, 1, 5);
	ASSERT_EQ(0, fcntl(self->client, F_SETFD, FD_CLOEXEC));
	thread = ALERT(&alerter);
	begun = net_now();
	EXPECT_WSA(WSAEINTR, closesocket(self->client));
	EXPECT_LT(net_now() - begun, 1.0);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, seen.result);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->client, F_GETFD));
	ASSERT_EQ(0, getsockopt(self->client, SOL_SOCKET, SO_LINGER, (char *)&linger, &size));
	EXPECT_EQ(1, linger.l_onoff);
	EXPECT_EQ(5, linger.l_linger);
	EXPECT_EQ(0, FINS() + RSTS());
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->client));
	ASSERT_EQ(4, send(self->server, "back", 4, 0));
	EXPECT_EQ(4, recv(self->client, (char[4]){ 0 }, 4, 0));
	/* A second close works. */
	set_linger(self->client, 0, 0);
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_EQ(stuffed, net_drain(self->server, &error));
	EXPECT_EQ(0, error);
}

/* Open files, and check whether one gets a certain number. */
struct opener {
	SOCKET s;
	volatile bool over;
	unsigned int opened, stolen;
};

static void *opener_run(void *argument)
{
	struct opener *opener = argument;

	while (!opener->over) {
		int fd = open("/dev/null", O_RDONLY);

		opener->opened++;
		opener->stolen += fd == opener->s;
		close(fd);
		net_sleep(1);
	}
	return NULL;
}

/* claims: A14 B9 */
TEST_F(winsock, nobody_gets_the_number_while_the_close_lingers)
{
	struct alerter alerter = { .routine = cancel, .after_ms = 500 };
	struct opener opener = { .s = self->client };
	pthread_t thread, other;

	stuff(self->client);
	set_linger(self->client, 1, 5);
	ASSERT_EQ(0, pthread_create(&other, NULL, opener_run, &opener));
	thread = ALERT(&alerter);
	EXPECT_WSA(WSAEINTR, closesocket(self->client));
	opener.over = true;
	pthread_join(other, NULL);
	pthread_join(thread, NULL);
	EXPECT_GT(opener.opened, 100);
	EXPECT_EQ(0, opener.stolen);
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->client));
	set_linger(self->client, 1, 0);
	EXPECT_EQ(0, closesocket(self->client));
}

static void cancel_by_signal(int number)
{
	seen.runs++;
	seen.result = WSACancelBlockingCall();
}

/* claims: A14 P13 */
TEST_F(winsock, a_signal_handler_cancels_the_call_that_it_interrupts)
{
	struct sigaction action = { .sa_handler = cancel_by_signal };
	struct itimerval in = { .it_value = { 0, 200000 } };
	fd_set set;
	char byte;

	memset(&seen, 0, sizeof(seen));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	setitimer(ITIMER_REAL, &in, NULL);
	EXPECT_WSA(WSAEINTR, recv(self->client, &byte, 1, 0));
	setitimer(ITIMER_REAL, &in, NULL);
	EXPECT_WSA(WSAEINTR, accept(self->listener, NULL, NULL));
	setitimer(ITIMER_REAL, &in, NULL);
	FD_ZERO(&set);
	FD_SET(self->client, &set);
	EXPECT_WSA(WSAEINTR, select(0, &set, NULL, NULL, NULL));
	EXPECT_TRUE(FD_ISSET(self->client, &set));
	EXPECT_EQ(3, seen.runs);
	EXPECT_EQ(0, seen.result);
	/* Outside of a call the cancel fails, and ends no later call. */
	EXPECT_WSA(WSAEINVAL, WSACancelBlockingCall());
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	EXPECT_EQ(1, recv(self->client, &byte, 1, 0));
}

/* claims: A14 B9 */
TEST_F(winsock, a_handler_that_restarts_system_calls_cancels_as_well)
{
	struct sigaction action = { .sa_handler = cancel_by_signal, .sa_flags = SA_RESTART };
	struct itimerval in = { .it_value = { 0, 300000 } };
	char byte;

	memset(&seen, 0, sizeof(seen));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	stuff(self->client);
	set_linger(self->client, 1, 10);
	setitimer(ITIMER_REAL, &in, NULL);
	EXPECT_WSA(WSAEINTR, closesocket(self->client));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->client));
	setitimer(ITIMER_REAL, &in, NULL);
	EXPECT_WSA(WSAEINTR, recv(self->client, &byte, 1, 0));
	EXPECT_EQ(2, seen.runs);
}

static void handled(int number)
{
	seen.runs++;
}

TEST_F(winsock, a_signal_alone_ends_nothing)
{
	struct sigaction action = { .sa_handler = handled };
	struct itimerval in = { .it_value = { 0, 100000 } };
	DWORD ms = 400;
	double begun;
	char byte;

	memset(&seen, 0, sizeof(seen));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setsockopt(self->client, SOL_SOCKET, SO_RCVTIMEO, (char *)&ms, sizeof(ms)));
	setitimer(ITIMER_REAL, &in, NULL);
	begun = net_now();
	EXPECT_WSA(WSAETIMEDOUT, recv(self->client, &byte, 1, 0));
	EXPECT_GE(net_now() - begun, 0.4);
	EXPECT_EQ(1, seen.runs);
}

/* Results of the traced child: calls that ended, and the first wrong end. */
struct traced {
	volatile unsigned int calls;
	volatile int result;
	volatile int error;
	volatile int cancelled;
};

static void stop(ULONG_PTR data)
{
	kill(getpid(), SIGSTOP);
}

static int call_recv(SOCKET s)
{
	char byte;

	return recv(s, &byte, 1, 0);
}

/*
 * Make one call after the other, each cancelled by a signal. In each a routine stops the child for
 * its tracer; as queueing it is also a wake-up, the call looks twice before it sleeps.
 */
static void traced_run(struct traced *traced, SOCKET s, int (*call)(SOCKET s))
{
	struct sigaction action = { .sa_handler = cancel_by_signal };
	int result;

	sigaction(SIGUSR1, &action, NULL);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	do {
		seen.result = 77;
		QueueUserAPC(stop, GetCurrentThread(), 0);
		WSASetLastError(0);
		result = call(s);
		traced->result = result;
		traced->error = WSAGetLastError();
		traced->cancelled = seen.result;
		traced->calls++;
	} while (result == SOCKET_ERROR && traced->error == WSAEINTR && !seen.result);
}

/* Returns the signal that the child stops with; 0 if it does not while the clock ticks so often. */
static int stopped(pid_t child, unsigned int ticks)
{
	int status;

	while (waitpid(child, &status, 0) != child)
		if (!ticks--)
			return 0;
	return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

/* Cancel a stopped call some instructions later. False: it slept before. */
static bool cancel_after(pid_t child, unsigned int steps)
{
	bool awake = true;

	for (unsigned int i = 0; i < steps && awake; i++) {
		ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
		awake = stopped(child, 1);
	}
	if (!awake) {
		kill(child, SIGUSR1);
		/* Wait for the end of the step, too. */
		while (stopped(child, 25) == SIGTRAP)
			ptrace(PTRACE_CONT, child, NULL, NULL);
	}
	ptrace(PTRACE_CONT, child, NULL, (void *)SIGUSR1);
	return awake;
}

/* Returns how many calls were cancelled, the last one asleep; 0 if one was not. */
static unsigned int cancel_all(pid_t child, unsigned int stride)
{
	struct itimerval clock = { { 0, 200000 }, { 0, 200000 } };
	struct sigaction action = { .sa_handler = handled };
	unsigned int calls = 0;
	bool more = true;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &clock, NULL);
	while (more) {
		if (stopped(child, 25) != SIGSTOP)
			return 0;
		more = cancel_after(child, calls++ * stride);
	}
	/* The child stops again in the next call. */
	return stopped(child, 25) == SIGSTOP ? calls : 0;
}

/* PREPARE and CALL are functions of a socket. */
#define EXPECT_CANCELLED_ANYWHERE(prepare, call, stride) do { \
	struct traced *traced_ = mmap(NULL, sizeof(*traced_), PROT_READ | PROT_WRITE, \
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0); \
	unsigned int calls_; \
	pid_t child_; \
	ASSERT_NE(MAP_FAILED, traced_); \
	child_ = fork(); \
	ASSERT_GE(child_, 0); \
	if (!child_) { \
		SOCKET peer_, s_ = open_pair(self->listener, self->port, &peer_); \
		prepare(s_); \
		traced_run(traced_, s_, call); \
		_exit(0); \
	} \
	calls_ = cancel_all(child_, stride); \
	TH_LOG("%u calls cancelled, one every %u instructions", traced_->calls, stride); \
	EXPECT_GT(calls_ * stride, 50); \
	EXPECT_EQ(calls_, traced_->calls); \
	EXPECT_EQ(SOCKET_ERROR, traced_->result); \
	EXPECT_EQ(WSAEINTR, traced_->error); \
	EXPECT_EQ(0, traced_->cancelled); \
	kill(child_, SIGKILL); \
	waitpid(child_, NULL, 0); \
	munmap(traced_, sizeof(*traced_)); \
} while (0)

static void fill_to_linger(SOCKET s)
{
	stuff(s);
	set_linger(s, 1, 60);
}

/* claims: A14 */
TEST_F(winsock, a_lingering_close_is_cancelled_at_any_instruction_before_it_sleeps)
{
	EXPECT_CANCELLED_ANYWHERE(fill_to_linger, closesocket, 1);
}

static void leave(SOCKET s)
{
}

/* The path is twice as long, and nothing on it undoes a cancellation: larger steps suffice. */
TEST_F(winsock, and_so_is_a_receive)
{
	EXPECT_CANCELLED_ANYWHERE(leave, call_recv, 5);
}

TEST_HARNESS_MAIN
