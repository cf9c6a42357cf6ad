/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* WSAStartup(), and the device. */
#ifndef WINSOCK_STARTUP_H
#define WINSOCK_STARTUP_H

#include "handle.h"

/*
 * ioctl(2) on the device. The program may have closed the library's descriptor (closefrom());
 * then the device is opened again.
 */
int startup_ioctl(unsigned long request, void *argument);

/* Called around fork(). */
void startup_lock(void);
void startup_unlock(void);

#endif /* WINSOCK_STARTUP_H */
