/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAKE_RING_H
#define FAKE_RING_H

#include <stdbool.h>

/* For this thread's receives the library's io_uring has no room, as when memory is short. */
extern __thread bool fake_ring_is_full;

#endif /* FAKE_RING_H */
