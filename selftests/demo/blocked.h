/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads blocked on a socket while another thread closes it. */
#ifndef BLOCKED_H
#define BLOCKED_H

#include <stdbool.h>

/* Show the row. Returns true if closesocket() woke each of them, with the code of its call. */
bool blocked_show(unsigned int number);

#endif /* BLOCKED_H */
