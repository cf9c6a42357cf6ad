/* SPDX-License-Identifier: GPL-2.0-only */
/* The stand-in for /dev/winsock, for the checks. */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

extern unsigned int fake_version;		/* of its interface */
extern __thread unsigned int fake_closes;	/* WINSOCK_IOC_CLOSE of the calling thread */

#endif /* FAKE_DEVICE_H */
