/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINSOCK_UPPER_H
#define WINSOCK_UPPER_H

/* Before anything that the core has to know of: register what it calls. */
void upper_begin(void);

#endif /* WINSOCK_UPPER_H */
