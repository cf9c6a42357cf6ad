/* SPDX-License-Identifier: GPL-2.0-only */
/* The ioctls of /dev/winsock as calls: 0 or a negative errno. */
#ifndef DEV_H
#define DEV_H

#include <stdint.h>

#include <linux/winsock.h>

/* The flags that libwinsock's closesocket uses. */
#define DEV_CLOSESOCKET	(WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_IF_LAST | \
			 WINSOCK_CLOSE_CANCEL | WINSOCK_CLOSE_DETACH)

/* All flags of CLOSE. */
#define DEV_CLOSE_FLAGS	((WINSOCK_CLOSE_NONBLOCKING << 1) - 1)

/* Skip the whole program, as kselftest does, if there is no device. */
void dev_require(void);
#define DEV_REQUIRED \
	static void __attribute__((constructor)) dev_required(void) { dev_require(); } \
	struct dev_required_end

/* Open the device. Returns -1 without it. */
int dev_open(void);

/* References to the module; @built_in if the kernel has it built in, and counts none. */
int dev_references(int built_in);

int dev_info(int dev, struct winsock_info *info);
int dev_query(int dev, int fd, struct winsock_query *query);
int dev_abort(int dev, int fd);

/* Call WINSOCK_IOC_CLOSE, which may leave an op descriptor in call->op_fd. */
int dev_close(int dev, int fd, unsigned int flags, unsigned long long timeout_ns,
	      struct winsock_close *call);

/*
 * If the close is pending, read its op descriptor to the end, whatever signals come, and close it.
 * call->record then has the outcome, and call->op_fd is -1.
 */
int dev_finish(struct winsock_close *call);

/* Call dev_close() and dev_finish(): a close that waits. */
int dev_close_wait(int dev, int fd, unsigned int flags, unsigned long long timeout_ns,
		   struct winsock_close *call);

/* Close as libwinsock's closesocket() does. */
int dev_closesocket(int dev, int fd, struct winsock_close *call);

/* Returns a socket's SO_COOKIE, or 0. */
uint64_t dev_cookie(int fd);

#endif /* DEV_H */
