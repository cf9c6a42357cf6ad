/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network events: WSAEventSelect(), WSAAsyncSelect(). */
#ifndef WINSOCK_NETEVENT_H
#define WINSOCK_NETEVENT_H

#include "internal.h"

struct record;

/* The helper's: something has happened. With the records' lock. */
void netevent_happened(SOCKET s, uint32_t generation);

/* A close begins to look, or leaves everything as it was. With the records' lock. */
void netevent_suspend(struct record *record);
void netevent_resume(struct record *record);

/* Nothing is pending in a direction any more. With the records' lock. */
void netevent_emptied(struct record *record, int direction);

/* End an association. With the records' lock. */
void netevent_forget(struct record *record);

/*
 * Calls that change what may happen; cheap for sockets without a record. After a receive,
 * a send that would have blocked, accept(), the start of a connect, listen().
 */
void netevent_received(SOCKET s);
void netevent_blocked(SOCKET s);
void netevent_accepted(SOCKET listener, SOCKET s);	/* @s -1: it failed */
void netevent_connecting(SOCKET s, bool done);

/* Are events selected? Then the mode cannot be changed (O24). */
bool netevent_selected(SOCKET s);

#endif /* WINSOCK_NETEVENT_H */
