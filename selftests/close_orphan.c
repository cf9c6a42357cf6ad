// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user loses the process while closes are pending, in many ways. What remains are orphans:
 * counted, limited, and over when nothing has moved for 100 s.
 */
#include <liburing.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "ulp.h"
#include "villain.h"

#define PAGE		4096
#define FOREVER		0x7fffffff	/* s, as SO_LINGER */

static void villain_attach(struct villain *villain)
{
	for (int i = 0; i < PAIRS; i++) {
		villain_must(!ulp_attach(villain->clients[i]), "attach");
		net_linger(villain->clients[i], 1, FOREVER);
	}
}

static void lose_by_exit(struct villain *villain)
{
	villain_begin(villain, DETACHED);
}

/* The user's own descriptor of the socket stays beside the op's. */
static void lose_with_the_socket_open(struct villain *villain)
{
	villain_begin(villain, WINSOCK_CLOSE_DETACH);
}

static void lose_by_exec(struct villain *villain)
{
	villain_begin(villain, DETACHED);
	execl("/bin/true", "true", NULL);
}

static void lose_by_close(struct villain *villain)
{
	villain_begin(villain, DETACHED);
	for (int i = 0; i < PAIRS; i++)
		close(villain->ops[i]);
}

static void lose_without_detach(struct villain *villain)
{
	villain_begin(villain, WINSOCK_CLOSE_DROP_FD);
}

static sigjmp_buf away;

static void on_signal_jump(int number)
{
	siglongjmp(away, 1);
}

static void lose_by_longjmp(struct villain *villain)
{
	struct sigaction action = { .sa_handler = on_signal_jump };
	struct itimerval timer = { .it_value = { 0, 50000 } };
	struct winsock_record record;

	sigaction(SIGALRM, &action, NULL);
	villain_begin(villain, DETACHED);
	for (volatile int i = 0; i < PAIRS; i++)
		if (!sigsetjmp(away, 1)) {
			setitimer(ITIMER_REAL, &timer, NULL);
			villain_must(read(villain->ops[i], &record, sizeof(record)) < 0, "read");
		}
}

static void *reader_run(void *argument)
{
	struct winsock_record record;

	villain_must(read(*(int *)argument, &record, sizeof(record)) < 0, "read");
	return NULL;
}

static void *exec_run(void *argument)
{
	net_sleep(100);
	execl("/bin/true", "true", NULL);
	return NULL;
}

/* Threads sleep in reads of the ops, the first thread has ended, another one executes a program. */
static void lose_by_threads(struct villain *villain)
{
	pthread_t thread;

	villain_begin(villain, DETACHED);
	for (int i = 0; i < PAIRS; i++)
		villain_must(!pthread_create(&thread, NULL, reader_run, &villain->ops[i]),
			     "pthread_create");
	villain_must(!pthread_create(&thread, NULL, exec_run, NULL), "pthread_create");
	syscall(SYS_exit, 0);
}

/* Op descriptors are in the queue of a socket that is in its own queue. */
static void lose_by_cycles(struct villain *villain)
{
	villain_begin(villain, DETACHED);
	for (int i = 0; i < PAIRS; i++) {
		int ends[2];

		villain_must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
		villain_must(pass_send(ends[0], ends[1]) == 1, "pass");
		villain_must(pass_send(ends[0], villain->ops[i]) == 1, "pass");
		close(villain->ops[i]);
		close(ends[0]);
		close(ends[1]);
	}
}

static void ring_open(struct io_uring *ring)
{
	villain_must(!io_uring_queue_init(4 * PAIRS, ring, 0), "io_uring");
}

/* A ring reads the op descriptors, polls them, and has them registered. */
static void lose_in_a_ring(struct villain *villain)
{
	static struct winsock_record records[PAIRS];
	struct io_uring ring;

	villain_begin(villain, DETACHED);
	ring_open(&ring);
	villain_must(!io_uring_register_files(&ring, villain->ops, PAIRS), "register");
	for (int i = 0; i < PAIRS; i++) {
		io_uring_prep_poll_add(io_uring_get_sqe(&ring), villain->ops[i], POLLIN);
		io_uring_prep_read(io_uring_get_sqe(&ring), villain->ops[i], &records[i],
				   sizeof(records[i]), 0);
	}
	villain_must(io_uring_submit(&ring) == 2 * PAIRS, "submit");
	for (int i = 0; i < PAIRS; i++)
		close(villain->ops[i]);
}

static void ring_close(const int *fds, bool worker)
{
	struct io_uring_cqe *done;
	struct io_uring ring;

	ring_open(&ring);
	for (int i = 0; i < PAIRS; i++) {
		struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

		io_uring_prep_close(entry, fds[i]);
		if (worker)
			io_uring_sqe_set_flags(entry, IOSQE_ASYNC);
	}
	villain_must(io_uring_submit(&ring) == PAIRS, "submit");
	for (int i = 0; i < PAIRS; i++) {
		villain_must(!io_uring_wait_cqe(&ring, &done) && !done->res, "close by a ring");
		io_uring_cqe_seen(&ring, done);
	}
}

static void lose_ops_by_a_ring(struct villain *villain)
{
	villain_begin(villain, DETACHED);
	ring_close(villain->ops, false);
}

/* A ring closes the sockets, and its workers do not wait in the release. */
static void lose_sockets_by_a_ring(struct villain *villain)
{
	villain_attach(villain);
	ring_close(villain->clients, true);
}

static void lose_attached(struct villain *villain)
{
	villain_attach(villain);
}

static void lose_attached_by_kill(struct villain *villain)
{
	villain_attach(villain);
	raise(SIGKILL);
}

static void lose_attached_by_exec(struct villain *villain)
{
	villain_attach(villain);
	for (int i = 0; i < PAIRS; i++)
		fcntl(villain->clients[i], F_SETFD, FD_CLOEXEC);
	execl("/bin/true", "true", NULL);
}

static void *close_run(void *argument)
{
	close(*(int *)argument);
	return NULL;
}

/* All threads are killed in close(2). */
static void lose_attached_in_close(struct villain *villain)
{
	pthread_t thread;

	villain_attach(villain);
	for (int i = 0; i < PAIRS; i++)
		villain_must(!pthread_create(&thread, NULL, close_run, &villain->clients[i]),
			     "pthread_create");
	net_sleep(200);
	raise(SIGKILL);
}

/* Returns a page that is never provided. */
static char *page_missing(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register range = {
		.range = { (unsigned long)page, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	villain_must(fd >= 0 && !ioctl(fd, UFFDIO_API, &api) &&
		     !ioctl(fd, UFFDIO_REGISTER, &range), "userfaultfd");
	return page;
}

struct holder {
	int fd;
	char *page;
};

/* Sleep inside send() with the socket's lock. */
static void *holder_run(void *argument)
{
	struct holder *holder = argument;

	send(holder->fd, holder->page, 100, MSG_NOSIGNAL);
	return NULL;
}

static void hold_all(struct villain *villain)
{
	static struct holder holders[PAIRS];
	pthread_t thread;

	for (int i = 0; i < PAIRS; i++) {
		int room = 4 << 20;

		/* Room in the send buffer: the send copies from memory. */
		setsockopt(villain->clients[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		holders[i] = (struct holder){ villain->clients[i], page_missing() };
		villain_must(!pthread_create(&thread, NULL, holder_run, &holders[i]),
			     "pthread_create");
	}
	net_sleep(200);
}

/* Closes of sockets whose lock a thread holds inside a call. */
static void lose_held(struct villain *villain)
{
	villain_begin(villain, WINSOCK_CLOSE_DETACH);
	hold_all(villain);
	raise(SIGKILL);
}

struct beginner {
	int dev;
	int fd;
};

static void *beginner_run(void *argument)
{
	struct beginner *beginner = argument;
	struct winsock_close call;

	pending_begin(beginner->dev, beginner->fd, DETACHED, WINSOCK_TIMEOUT_MAX_NS, &call);
	return NULL;
}

/*
 * Closes that have not begun, as they wait for the lock, as close(2) would. When the holder is
 * killed, a close that is killed with it may still get the lock.
 */
static void lose_waiting_for_the_lock(struct villain *villain)
{
	static struct beginner beginners[PAIRS];
	pthread_t thread;

	hold_all(villain);
	for (int i = 0; i < PAIRS; i++) {
		beginners[i] = (struct beginner){ villain->dev, villain->clients[i] };
		villain_must(!pthread_create(&thread, NULL, beginner_run, &beginners[i]),
			     "pthread_create");
	}
	net_sleep(200);
	raise(SIGKILL);
}

/* Fill op_fd, an output, with the number of another descriptor. */
static void lose_with_fields_that_lie(struct villain *villain)
{
	for (int i = 0; i < PAIRS; i++) {
		struct winsock_close call;

		memset(&call, 0, sizeof(call));
		call.fd = villain->clients[i];
		call.flags = DETACHED | WINSOCK_CLOSE_TIMEOUT;
		call.timeout_ns = WINSOCK_TIMEOUT_MAX_NS;
		call.op_fd = i;
		villain_must(!ioctl(villain->dev, WINSOCK_IOC_CLOSE, &call), "begin");
		villain_must(call.op_fd == villain->clients[i], "its own number");
	}
	raise(SIGKILL);
}

FIXTURE(orphan) {
};

FIXTURE_VARIANT(orphan) {
	void (*lose)(struct villain *villain);
	int orphans;	/* -1: all or none */
};

#define WAYS(way) \
	way(by_kill, PAIRS) \
	way(by_exit, PAIRS) \
	way(with_the_socket_open, PAIRS) \
	way(by_exec, PAIRS) \
	way(by_close, PAIRS) \
	way(without_detach, 0) \
	way(by_longjmp, PAIRS) \
	way(by_threads, PAIRS) \
	way(by_cycles, PAIRS) \
	way(in_a_ring, PAIRS) \
	way(ops_by_a_ring, PAIRS) \
	way(sockets_by_a_ring, PAIRS) \
	way(attached, PAIRS) \
	way(attached_by_kill, PAIRS) \
	way(attached_by_exec, PAIRS) \
	way(attached_in_close, PAIRS) \
	way(held, PAIRS) \
	way(waiting_for_the_lock, -1) \
	way(with_fields_that_lie, PAIRS)

#define WAY_VARIANT(name, left) \
	FIXTURE_VARIANT_ADD(orphan, name) { \
		.lose = lose_##name, \
		.orphans = left, \
	};

WAYS(WAY_VARIANT)

FIXTURE_SETUP(orphan)
{
	ASSERT_TRUE(state_open());
}

FIXTURE_TEARDOWN(orphan)
{
	EXPECT_EQ(0, write_to(LIMIT, state.limit));
}

/* TCP's count includes dying orphans of earlier programs: wait for these. */
static int others_orphans(void)
{
	int left = usage_sockets("orphan");

	for (int s = 0; left > 0 && s < 800; s++) {
		net_sleep(1000);
		left = usage_sockets("orphan");
	}
	return left;
}

/* claims: B3 B9 */
TEST_F_TIMEOUT(orphan, the_process_is_lost, 900)
{
	if (variant->orphans > 0 && sockstat_counts())
		ASSERT_EQ(0, others_orphans());
	ASSERT_TRUE(ended(START(variant->lose)));
	if (variant->orphans >= 0) {
		EXPECT_EQ(variant->orphans, orphans_wait(variant->orphans, 3));
		EXPECT_EQ(variant->orphans, listed_wait(variant->orphans, 3));
	}
	if (variant->orphans > 0 && sockstat_counts())
		EXPECT_EQ(PAIRS, usage_sockets("orphan"));
	/* The peers end the closes, and then nothing is left. */
	EXPECT_NOTHING();
}

#define WAY_ROW(name, left) { lose_##name, left },

FIXTURE(everything) {
};

FIXTURE_SETUP(everything)
{
	ASSERT_TRUE(state_open());
}

FIXTURE_TEARDOWN(everything)
{
}

/* Without any action everything ends: all ways, in one wait. */
TEST_F_TIMEOUT(everything, is_over_when_nothing_moves, 250)
{
	static const struct {
		void (*lose)(struct villain *villain);
		int orphans;
	} ways[] = { WAYS(WAY_ROW) };
	int sum = 0;
	double start;

	start = net_now();
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		ASSERT_TRUE(ended(START(ways[i].lose)));
		sum += ways[i].orphans < 0 ? orphans() - sum : ways[i].orphans;
		EXPECT_EQ(sum, orphans_wait(sum, 3));
	}
	start = net_now();
	EXPECT_EQ(sum, listed());
	EXPECT_EQ(0, orphans_wait(0, NO_PROGRESS + SLACK));
	TH_LOG("%d orphans, the last gone after %.1f s", sum, net_now() - start);
	EXPECT_EQ(0, listed_wait(0, 3));
	EXPECT_EQ(0, references_wait(0));
}

TEST_HARNESS_MAIN
