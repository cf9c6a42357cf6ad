// SPDX-License-Identifier: GPL-2.0-only
/* A lingering close in user space. See emulate.h. */
#include <errno.h>
#include <limits.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "emulate.h"
#include "net.h"

static long long emulate_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static bool emulate_drained(int fd)
{
	int left;

	return !ioctl(fd, SIOCOUTQ, &left) && !left;
}

/* Send what Nagle or a cork holds back: it would never be acknowledged. */
static void emulate_push(int fd)
{
	int on = 1;

	setsockopt(fd, SOL_TCP, TCP_NODELAY, &on, sizeof(on));
	/* By default a sleep ends 50 us late. */
	prctl(PR_SET_TIMERSLACK, 1);
}

static int emulate_end(int fd, bool drained)
{
	/* With linger on close(2) would wait for the FIN's acknowledgement. */
	net_linger(fd, !drained, 0);
	return close(fd) ? -1 : drained;
}

/* Sleep. Returns false, and early, if the connection dies. */
static bool emulate_sleep(int fd, long long ns, short *events)
{
	struct timespec span = { ns / 1000000000, ns % 1000000000 };
	struct pollfd polled = { .fd = fd };
	int found = ppoll(&polled, 1, &span, NULL);

	*events = found > 0 ? polled.revents : 0;
	return !(*events & (POLLHUP | POLLNVAL));
}

int emulate_poll(int fd, long long timeout_ns, long poll_ns)
{
	long long deadline = emulate_now() + timeout_ns, left;
	bool drained;
	short events;

	emulate_push(fd);
	while (!(drained = emulate_drained(fd))) {
		left = deadline - emulate_now();
		if (left <= 0)
			break;
		if (!emulate_sleep(fd, left < poll_ns ? left : poll_ns, &events) ||
		    (events & POLLERR))
			break;
	}
	return emulate_end(fd, drained);
}

void emulate_arm(int fd)
{
	int flags = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE |
		    SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;

	bench_must(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)),
		   "SO_TIMESTAMPING");
}

int emulate_notified(int fd, long long timeout_ns)
{
	long long deadline = emulate_now() + timeout_ns, left;
	char control[256];
	bool drained;
	short events;

	emulate_push(fd);
	while (!(drained = emulate_drained(fd))) {
		struct msghdr message = {
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};

		left = deadline - emulate_now();
		if (left <= 0 || !emulate_sleep(fd, left, &events))
			break;
		/* The error queue has a notice of an earlier send, or the connection an error. */
		if ((events & POLLERR) &&
		    recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
	}
	return emulate_end(fd, drained);
}
