/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and addresses: the system's own calls and types serve. */
#ifndef WS2TCPIP_H
#define WS2TCPIP_H

#include <winsock2.h>

typedef struct addrinfo ADDRINFOA, *PADDRINFOA;

#define InetPtonA	inet_pton
#define InetNtopA	inet_ntop

#endif /* WS2TCPIP_H */
