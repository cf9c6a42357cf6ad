/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINSOCK_UPPER_H
#define WINSOCK_UPPER_H

/* Register the layer with the core; called before anything that the core must know of. */
void upper_begin(void);

#endif /* WINSOCK_UPPER_H */
