/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/winsock: the ioctls. */
#ifndef WINSOCK_DEVICE_H
#define WINSOCK_DEVICE_H

int winsock_device_init(void);
void winsock_device_exit(void);

#endif /* WINSOCK_DEVICE_H */
