/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINSOCK_ROUTINE_H
#define WINSOCK_ROUTINE_H

#include "object.h"

/* Is this the calling thread's handle? */
bool routine_is_own(const struct object *object);

#endif /* WINSOCK_ROUTINE_H */
