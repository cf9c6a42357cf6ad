/* SPDX-License-Identifier: GPL-2.0-only */
/* Before 6.10 a part of this. */
#include <net/sock.h>
