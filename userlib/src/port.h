/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completion ports, and message queues, which are the same with other contents. */
#ifndef WINSOCK_PORT_H
#define WINSOCK_PORT_H

#include "thread.h"

struct port;
struct messages;

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

/* With the records' lock. A port that is closed throws it away. */
void port_post(struct port *port, struct packet *packet);
void port_release(struct port *port);		/* drop a reference; NULL is fine */

/* After posting: wake those who sleep in the ring and have something to take. */
void port_kick(void);
void port_forked(void);

struct messages *messages_get(HWND window);	/* with a reference, or NULL and the error */
void messages_hold(struct messages *messages);
void messages_release(struct messages *messages);
/* With the records' lock. */
void messages_post(struct messages *messages, const struct winsock_message *message);

#endif /* WINSOCK_PORT_H */
