/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <sys/socket.h>; behind <winsock2.h> only the type that Linux' other headers need. */
#pragma GCC system_header
#include_next <sys/socket.h>

#ifndef __socklen_t_defined
typedef __socklen_t socklen_t;
#define __socklen_t_defined
#endif
