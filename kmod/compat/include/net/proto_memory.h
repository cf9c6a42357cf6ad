/* SPDX-License-Identifier: GPL-2.0-only */
/* Before 6.10 <net/sock.h> had what is in <net/proto_memory.h> since. */
#include <net/sock.h>
