/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINSOCK_TCPINFO_H
#define WINSOCK_TCPINFO_H

#include <stdbool.h>

/* A TCP socket that asked for a connection and got none; false for all others. Sets errno. */
bool tcpinfo_connect_failed(int fd);

/* The TCP_* state, or -1: not TCP. @moved: something has been acknowledged or received. */
int tcpinfo_state(int fd, bool *moved);

/* Has a connection's peer sent its FIN or reset? Of other families true. */
bool tcpinfo_peer_is_done(int fd);

#endif /* WINSOCK_TCPINFO_H */
