/* SPDX-License-Identifier: GPL-2.0-only */
/* The ioctls of /dev/winsock as calls: 0 or a negative errno. */
#ifndef DEV_H
#define DEV_H

#include <linux/winsock.h>

/* The flags that libwinsock's closesocket uses. */
#define DEV_CLOSESOCKET	(WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_IF_LAST | \
			 WINSOCK_CLOSE_CANCEL)

/* Skip the whole program, as kselftest does it, where the device is missing. */
void dev_require(void);
#define DEV_REQUIRED \
	static void __attribute__((constructor)) dev_required(void) { dev_require(); } \
	struct dev_required_end

/* A descriptor of the device, or -1 without it. */
int dev_open(void);

/* References to the module, or -1. */
int dev_references(void);

int dev_info(int dev, struct winsock_info *info);
int dev_query(int dev, int fd, struct winsock_query *query);
int dev_abort(int dev, int fd);

/* closesocket() as libwinsock calls it; what came of it is in *call. */
int dev_closesocket(int dev, int fd, struct winsock_close *call);

/* A close with everything given. */
int dev_close(int dev, int fd, unsigned int mode, unsigned int flags,
	      unsigned long long timeout_ns, struct winsock_close *call);

#endif /* DEV_H */
