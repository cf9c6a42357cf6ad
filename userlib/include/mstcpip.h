/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Codes of WSAIoctl() for TCP and UDP. */
#ifndef MSTCPIP_H
#define MSTCPIP_H

#include <winsock2.h>

/**
 * struct tcp_keepalive - for SIO_KEEPALIVE_VALS
 * @onoff:		not 0: probe a peer that is silent
 * @keepalivetime:	ms of silence before the first probe
 * @keepaliveinterval:	ms between two probes
 *
 * Linux counts both in seconds: they are rounded up, and cut to 32767 seconds.
 */
struct tcp_keepalive {
	ULONG onoff;
	ULONG keepalivetime;
	ULONG keepaliveinterval;
};

#define SIO_KEEPALIVE_VALS	0x98000004U
/* A BOOL. With FALSE no call of a connected UDP socket fails with WSAECONNRESET. */
#define SIO_UDP_CONNRESET	0x9800000CU

#endif /* MSTCPIP_H */
