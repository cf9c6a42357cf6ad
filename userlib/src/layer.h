/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The core's calls of the asynchronous layer, which is above it and may not be linked: functions
 * that the layer registers when it is first used. All except the thread's and fork's are called
 * only for handles that have a channel.
 */
#ifndef WINSOCK_LAYER_H
#define WINSOCK_LAYER_H

#include "handle.h"

struct thread;

enum layer_event { LAYER_RECEIVED, LAYER_WOULD_BLOCK, LAYER_CONNECTING, LAYER_CONNECTED,
		   LAYER_ACCEPTING };
enum layer_close { LAYER_OPEN, LAYER_CLOSED, LAYER_SHARED, LAYER_SILENT };

/**
 * struct layer - the layer above
 * @pending:	do operations of a stream come before a plain transfer? wait_kick() follows their
 *		end. Called without the handle's lock
 * @shutdown:	returns the part of SHUT_* that must wait for operations, or -1
 * @happened:	network events: the program has done something on the socket
 * @accepted:	the same on a listener: the new socket, or -1 if accept failed
 * @connect_error: why the last connect failed, or 0: the layer has read SO_ERROR
 * @selects:	are events selected? Then the mode cannot be changed (O24)
 * @forget:	the program has closed the number without the library
 * @begin_close: keeps the layer from holding the socket, and from beginning anything
 * @end_close:	OPEN: everything goes on. CLOSED: operations are cancelled. SHARED: the same, unless
 *		this process has another handle (P7). SILENT: cancelled without a notification (X2)
 * @thread_ended: the thread's operations end, except those on a port (P22)
 * @forked:	in the child: drops everything, which remains the parent's
 */
struct layer {
	bool (*pending)(struct handle *handle, int direction);
	int (*shutdown)(struct handle *handle, int how);
	void (*happened)(SOCKET s, enum layer_event event);
	void (*accepted)(SOCKET listener, SOCKET s);
	int (*connect_error)(struct handle *handle);
	bool (*selects)(struct handle *handle);
	void (*forget)(SOCKET s, struct handle *handle);
	struct channel *(*begin_close)(struct handle *handle);
	void (*end_close)(struct handle *handle, struct channel *channel, enum layer_close end);
	void (*thread_ended)(struct thread *thread);
	void (*forked)(void);
};

/* NULL until the layer has registered. */
extern const struct layer *_Atomic winsock_layer;
static inline const struct layer *layer_above(void)
{
	return atomic_load_explicit(&winsock_layer, memory_order_acquire);
}

/* Return the handle if it has a channel, or NULL. */
static inline struct handle *layer_handle(SOCKET s)
{
	struct handle *handle = handle_find(s);

	return handle && atomic_load(&handle->channel) ? handle : NULL;
}

static inline void layer_happened(SOCKET s, enum layer_event event)
{
	if (layer_handle(s))
		layer_above()->happened(s, event);
}

#endif /* WINSOCK_LAYER_H */
