/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process's io_uring. All but ring_sleep() with the records' lock. */
#ifndef WINSOCK_RING_H
#define WINSOCK_RING_H

#include <sys/socket.h>

#include "internal.h"

/**
 * struct ring_request - something under way
 * @done:	called with its result, a negative errno or what the call returns
 */
struct ring_request {
	void (*done)(struct ring_request *request, int result);
};

/* 0 or an error: WSAENOBUFS, WSAEOPNOTSUPP (the kernel or a sandbox has no io_uring). */
int ring_start(void);
bool ring_started(void);
void ring_forked(void);

/* Each begins one request. False: no room, nothing was begun. @stream: no flags come back. */
bool ring_receive(struct ring_request *request, int fd, struct msghdr *message, int flags,
		  bool stream);
bool ring_send(struct ring_request *request, int fd, const struct msghdr *message, int flags);
bool ring_poll(struct ring_request *request, int fd, short events);

/* Its result comes all the same: -ECANCELED, or what it had come to. */
void ring_cancel(struct ring_request *request);

/* Take in what has completed. */
void ring_reap(void);
/* The same, after waiting for something. */
void ring_reap_one(void);

/*
 * Sleep until something may have completed, or the deadline. Without the lock, between
 * helper_ring_entered() and helper_ring_left().
 */
void ring_sleep(int64_t deadline);

/* Wake who sleeps in the ring. */
void ring_kick(void);

#endif /* WINSOCK_RING_H */
