/* SPDX-License-Identifier: GPL-2.0-only */
/* Pending closes: begun on the fixture's client, read by their op descriptor. */
#ifndef PENDING_H
#define PENDING_H

#include <poll.h>
#include <string.h>

#include "closing.h"

#define SECOND_NS	1000000000ULL

static inline int pending_begin(int dev, int fd, unsigned int flags,
				unsigned long long timeout_ns, struct winsock_close *call)
{
	return dev_close(dev, fd, WINSOCK_CLOSE_BLOCKING | WINSOCK_CLOSE_TIMEOUT | flags,
			 timeout_ns, call);
}

static inline bool pending_is_final(int op, int timeout_ms)
{
	struct pollfd polled = { .fd = op, .events = POLLIN };

	return poll(&polled, 1, timeout_ms) == 1 && polled.revents == POLLIN;
}

/* Begin to close the client: the call must return at once, with a pending close. */
#define BEGIN(flags, ns) do { \
	double start_ = net_now(); \
	ASSERT_EQ(0, pending_begin(self->dev, self->pair.client, flags, ns, &self->call)); \
	EXPECT_LT(net_now() - start_, AT_ONCE); \
	ASSERT_GE(self->call.op_fd, 0); \
	EXPECT_EQ(0, self->call.pad); \
	if ((flags) & WINSOCK_CLOSE_DROP_FD) \
		EXPECT_EQ(self->pair.client, self->call.op_fd); \
} while (0)

#define EXPECT_RECORD(op, wanted) do { \
	struct winsock_record record_; \
	memset(&record_, 0xa5, sizeof(record_)); \
	EXPECT_EQ(sizeof(record_), read(op, &record_, sizeof(record_))); \
	EXPECT_EQ(wanted, record_.outcome); \
	EXPECT_EQ(0, record_.pad); \
} while (0)

#endif /* PENDING_H */
