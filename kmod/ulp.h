/* SPDX-License-Identifier: GPL-2.0-only */
/* The TCP ULP "winsock". */
#ifndef WINSOCK_ULP_H
#define WINSOCK_ULP_H

#include <linux/types.h>

struct sock;

/* Decides the last close of an attached socket: true if an op has it. */
bool winsock_release(struct sock *sk);

void winsock_ulp_close(struct sock *sk);
int winsock_ulp_init(void);
void winsock_ulp_start(void);
void winsock_ulp_exit(void);

#endif /* WINSOCK_ULP_H */
