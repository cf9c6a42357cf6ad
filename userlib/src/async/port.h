/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completion ports. */
#ifndef WINSOCK_PORT_H
#define WINSOCK_PORT_H

#include "object.h"

struct port;

/**
 * struct packet - one completion
 * @next:	the port's next one
 * @entry:	what the program gets; Internal is the error
 * @free:	frees what it is embedded in
 */
struct packet {
	struct packet *next;
	OVERLAPPED_ENTRY entry;
	void (*free)(struct packet *packet);
};

HANDLE port_make(void);				/* NULL with the error */
struct port *port_get(HANDLE handle);		/* with a reference, or NULL and the error */
struct port *port_hold(struct port *port);
void port_put(struct port *port);		/* NULL is fine */

/* In a child: closed, for a thread whose routine has forked. */
void port_forked(struct port *port);

/* A port that is closed throws it away. One thread is woken. */
void port_post(struct port *port, struct packet *packet);

#endif /* WINSOCK_PORT_H */
