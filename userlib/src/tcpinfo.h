/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINSOCK_TCPINFO_H
#define WINSOCK_TCPINFO_H

#include <stdbool.h>

/* Is it a TCP socket whose connect failed? Sets errno. */
bool tcpinfo_connect_failed(int fd);

/* Returns the TCP_* state, or -1: not TCP. @moved: something was acknowledged or received. */
int tcpinfo_state(int fd, bool *moved);

/* Has the peer sent its FIN or a reset? True for other families. */
bool tcpinfo_peer_is_done(int fd);

#endif /* WINSOCK_TCPINFO_H */
