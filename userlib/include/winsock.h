/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The name of Winsock 1.1's header. */
#ifndef WINSOCK_H
#define WINSOCK_H
#include <winsock2.h>
#endif
