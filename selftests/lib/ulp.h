/* SPDX-License-Identifier: GPL-2.0-only */
/* The ULP: attaching, asking, and the options at SOL_WINSOCK. 0 or a negative errno. */
#ifndef ULP_H
#define ULP_H

#include <stdbool.h>

/* setsockopt(fd, SOL_TCP, TCP_ULP, name). */
int ulp_attach_name(int fd, const char *name);
int ulp_attach(int fd);

/* Does getsockopt(TCP_ULP) return "winsock"? */
bool ulp_is_attached(int fd);

int ulp_set_int(int fd, int name, int value);

/* The value of an int option, or a negative errno below -1000. */
int ulp_get_int(int fd, int name);
#define ULP_ERROR(number) (-1000 - (number))

int ulp_set_linger(int fd, unsigned int on, unsigned int seconds);

#endif /* ULP_H */
