/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completion ports. */
#ifndef WINSOCK_PORT_H
#define WINSOCK_PORT_H

#include "object.h"

struct port;

/**
 * struct packet - one completion
 * @next:	the port's next one
 * @entry:	the program's entry; Internal is the error, by the system's name
 * @free:	frees the structure around it
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

/* In a child: close the port, for a thread whose routine has forked. */
void port_forked(struct port *port);

/* Queue a packet and wake one thread. A closed port frees the packet. */
void port_post(struct port *port, struct packet *packet);

#endif /* WINSOCK_PORT_H */
