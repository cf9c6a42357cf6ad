// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The process's io_uring. Requests are submitted by the threads that make them, one at a
 * time, so the submission queue never fills up. What a thread has submitted is cancelled
 * by the kernel when it ends; pending.c begins it again where it is to go on.
 */
#include <liburing.h>

#include "helper.h"
#include "port.h"
#include "ring.h"
#include "thread.h"

#define RING_ENTRIES	64

/* Under the records' lock but for the sleep. */
static struct io_uring ring;
static bool ring_up;

int ring_start(void)
{
	int error;

	if (ring_up)
		return 0;
	error = helper_start();
	if (error)
		return error;
	error = io_uring_queue_init(RING_ENTRIES, &ring, IORING_SETUP_CLAMP);
	if (error)
		return error == -ENOSYS || error == -EPERM ? WSAEOPNOTSUPP : WSAENOBUFS;
	if (!helper_watch_ring(ring.ring_fd)) {
		io_uring_queue_exit(&ring);
		return WSAENOBUFS;
	}
	ring_up = true;
	return 0;
}

bool ring_started(void)
{
	return ring_up;
}

void ring_forked(void)
{
	/* The parent's requests are untouched: it has the ring open too. */
	if (ring_up)
		io_uring_queue_exit(&ring);
	ring_up = false;
}

static struct io_uring_sqe *ring_entry(void)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

	/* Left over by a submission that failed. */
	if (!entry && io_uring_submit(&ring) > 0)
		entry = io_uring_get_sqe(&ring);
	return entry;
}

static void ring_submit(void)
{
	int submitted;

	/* An entry that cannot be taken now is taken with the next one. */
	do {
		submitted = io_uring_submit(&ring);
	} while (submitted == -EINTR || submitted == -EAGAIN);
}

bool ring_receive(struct ring_request *request, int fd, struct msghdr *message, int flags,
		  bool stream)
{
	struct io_uring_sqe *entry = ring_entry();

	if (!entry)
		return false;
	/* The shorter way for the usual case. */
	if (stream && message->msg_iovlen == 1 && !message->msg_name)
		io_uring_prep_recv(entry, fd, message->msg_iov->iov_base,
				   message->msg_iov->iov_len, flags);
	else
		io_uring_prep_recvmsg(entry, fd, message, flags);
	io_uring_sqe_set_data(entry, request);
	ring_submit();
	return true;
}

bool ring_send(struct ring_request *request, int fd, const struct msghdr *message, int flags)
{
	struct io_uring_sqe *entry = ring_entry();

	if (!entry)
		return false;
	io_uring_prep_sendmsg(entry, fd, message, flags);
	io_uring_sqe_set_data(entry, request);
	ring_submit();
	return true;
}

bool ring_poll(struct ring_request *request, int fd, short events)
{
	struct io_uring_sqe *entry = ring_entry();

	if (!entry)
		return false;
	io_uring_prep_poll_add(entry, fd, events);
	io_uring_sqe_set_data(entry, request);
	ring_submit();
	return true;
}

void ring_cancel(struct ring_request *request)
{
	struct io_uring_sqe *entry = ring_entry();

	if (!entry)
		return;
	io_uring_prep_cancel(entry, request, 0);
	io_uring_sqe_set_data(entry, NULL);
	ring_submit();
}

void ring_reap(void)
{
	struct io_uring_cqe *completion;
	struct ring_request *request;
	int result;

	/* What is done may begin something that is done at once. */
	while (ring_up && !io_uring_peek_cqe(&ring, &completion)) {
		request = io_uring_cqe_get_data(completion);
		result = completion->res;
		io_uring_cqe_seen(&ring, completion);
		if (request)
			request->done(request, result);
	}
	/* For ports whose threads sleep in the ring and did not see it happen. */
	port_kick();
}

void ring_reap_one(void)
{
	struct io_uring_cqe *completion;

	while (io_uring_wait_cqe(&ring, &completion) == -EINTR)
		;
	ring_reap();
}

/* The system call alone: the ring's memory is the business of those who have the lock. */
void ring_sleep(int64_t deadline)
{
	struct __kernel_timespec left = { 0 };
	struct io_uring_getevents_arg argument = { .sigmask_sz = _NSIG / 8 };
	int64_t ns;

	if (deadline != THREAD_FOREVER) {
		ns = deadline - thread_now();
		if (ns <= 0)
			return;
		left.tv_sec = ns / 1000000000;
		left.tv_nsec = ns % 1000000000;
		argument.ts = (uintptr_t)&left;
	}
	io_uring_enter2(ring.ring_fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
			(sigset_t *)&argument, sizeof(argument));
}

void ring_kick(void)
{
	struct io_uring_sqe *entry = ring_up ? ring_entry() : NULL;

	if (!entry)
		return;
	io_uring_prep_nop(entry);
	io_uring_sqe_set_data(entry, NULL);
	ring_submit();
}
