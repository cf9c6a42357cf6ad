/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and addresses, by the system's own calls and types. */
#ifndef WS2TCPIP_H
#define WS2TCPIP_H

#include <winsock2.h>

/* Windows' socklen_t is signed, as accept() and others take it; libc's may have been seen. */
#ifndef WINSOCK_KEEP_LIBC_NAMES
#ifdef __socklen_t_defined
typedef int winsock_socklen_t;
#define socklen_t	winsock_socklen_t
#else
typedef int socklen_t;
#define __socklen_t_defined
#endif
#endif

typedef struct addrinfo ADDRINFOA, *PADDRINFOA;

#define InetPtonA	inet_pton
#define InetNtopA	inet_ntop

#endif /* WS2TCPIP_H */
