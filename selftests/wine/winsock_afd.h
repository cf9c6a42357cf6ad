/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The request by which ws2_32 asks wineserver for a close. A private AFD request
 * that carries no data: neither protocol nor wow64 has to know it.
 *
 * The status says whether ws2_32 may close the handle:
 *	STATUS_SUCCESS			it can be closed, nothing waits any more
 *	STATUS_PENDING			so, but when the request has completed
 *	STATUS_DEVICE_NOT_READY		WSAEWOULDBLOCK: it stays, nothing was begun
 *	STATUS_INVALID_HANDLE		WSAENOTSOCK: another thread is closing it
 *	STATUS_CANCELLED		WSAEINTR: it stays, the close was taken back
 * and any other (a server without the change): it can be closed.
 */
#ifndef WINSOCK_AFD_H
#define WINSOCK_AFD_H

#define IOCTL_AFD_WINSOCK_CLOSE		WINE_AFD_IOC(0xbd2)

#endif
