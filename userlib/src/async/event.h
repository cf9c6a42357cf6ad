/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events, in memory. */
#ifndef WINSOCK_EVENT_H
#define WINSOCK_EVENT_H

#include "object.h"

struct event;

struct event *event_get(HANDLE handle);		/* with a reference, or NULL and the error */
void event_hold(struct event *event);
void event_put(struct event *event);		/* NULL is fine */
void event_set(struct event *event);
void event_reset(struct event *event);
void event_forked(struct event *event);

#endif /* WINSOCK_EVENT_H */
