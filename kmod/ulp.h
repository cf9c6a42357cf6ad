/* SPDX-License-Identifier: GPL-2.0-only */
/* The TCP ULP "winsock": attaching, inheriting, diag. */
#ifndef WINSOCK_ULP_H
#define WINSOCK_ULP_H

int winsock_ulp_init(void);
void winsock_ulp_start(void);
void winsock_ulp_exit(void);

#endif /* WINSOCK_ULP_H */
