/* SPDX-License-Identifier: GPL-2.0-only */
/* The device's requests, see close.c; what main.c registers. */
#ifndef WINSOCK_CLOSE_H
#define WINSOCK_CLOSE_H

#include <linux/types.h>

#include <linux/winsock.h>

struct file;

/* Every flag of CLOSE; NONBLOCKING is the highest. */
#define WINSOCK_CLOSE_FLAGS	(2 * WINSOCK_CLOSE_NONBLOCKING - 1)

int winsock_close(struct winsock_close *args, struct file **op_file);
int winsock_abort(const struct winsock_abort *args);
int winsock_query(struct winsock_query *args);

int winsock_device_init(void);
void winsock_device_exit(void);

#endif /* WINSOCK_CLOSE_H */
