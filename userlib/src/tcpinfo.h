/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINSOCK_TCPINFO_H
#define WINSOCK_TCPINFO_H

#include <stdbool.h>

/* A TCP socket that asked for a connection and got none; false for all others. Sets errno. */
bool tcpinfo_connect_failed(int fd);

#endif /* WINSOCK_TCPINFO_H */
