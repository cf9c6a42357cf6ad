/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network events: WSAEventSelect(). All with the handle's lock. */
#ifndef WINSOCK_NETEVENT_H
#define WINSOCK_NETEVENT_H

#include "channel.h"

/* Something has happened, or may have. */
void netevent_look(struct channel *channel);

/* Nothing is pending in a direction any more. */
void netevent_emptied(struct channel *channel, int direction);

/* The program has made the call that these invite to: they may happen again. */
void netevent_enable(struct channel *channel, long events);

/* A connect is under way; or has ended at once. */
void netevent_connecting(struct channel *channel, bool done);

/* It has ended, with an error or 0. */
void netevent_connect_ended(struct channel *channel, int error);

/* A connection has come to the handle, which another one asked for. */
void netevent_accepted(struct channel *channel);

/* Exchange the association; @event's reference is the channel's then. 0 or an error. */
int netevent_select(struct channel *channel, struct event *event, long events);

#endif /* WINSOCK_NETEVENT_H */
