/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that sit blocked on a socket while another thread closes it. */
#ifndef BLOCKED_H
#define BLOCKED_H

#include <stdbool.h>

/* Show the row; true if closesocket() woke each of them, with the code for its call. */
bool blocked_show(unsigned int number);

#endif /* BLOCKED_H */
