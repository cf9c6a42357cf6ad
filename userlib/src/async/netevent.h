/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network events: WSAEventSelect(). All are called with the handle's lock. */
#ifndef WINSOCK_NETEVENT_H
#define WINSOCK_NETEVENT_H

#include "channel.h"

/* Find out what has happened, and signal it. */
void netevent_look(struct channel *channel);

/* No operation is pending in a direction any more. */
void netevent_emptied(struct channel *channel, int direction);

/* The program has made the call that these events invite to: they may happen again. */
void netevent_enable(struct channel *channel, long events);

/* A connect is under way; or, @done, has ended at once. */
void netevent_connecting(struct channel *channel, bool done);

/* The connect has ended, with an error or 0. */
void netevent_connect_ended(struct channel *channel, int error);

/* AcceptEx() has given the handle a connection. */
void netevent_accepted(struct channel *channel);

/* Replace the association, which takes @event's reference. Returns 0 or an error. */
int netevent_select(struct channel *channel, struct event *event, long events);

#endif /* WINSOCK_NETEVENT_H */
