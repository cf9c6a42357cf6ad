/* SPDX-License-Identifier: GPL-2.0-only */
/* An event loop that closes stuck connections while it goes on serving. */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>

/* Show the row. Returns true if the loop served throughout, with closes that never block. */
bool loop_show(unsigned int number);

#endif /* LOOP_H */
