/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handles that are no descriptors: events, ports, threads. */
#ifndef WINSOCK_OBJECT_H
#define WINSOCK_OBJECT_H

#include "thread.h"

enum object_type { OBJECT_EVENT = 1, OBJECT_PORT, OBJECT_THREAD };

/**
 * struct object - what a handle refers to; the first member of each kind
 * @type:	which kind
 * @refs:	lifetime: the handle's, one for each association, one for each call under
 *		way
 * @close:	the handle is given up: wake the threads that wait. May be NULL
 * @free:	nobody refers to it any more
 */
struct object {
	enum object_type type;
	_Atomic unsigned int refs;
	void (*close)(struct object *object);
	void (*free)(struct object *object);
};

/* A handle for a new object, which then holds the only reference. NULL: no memory. */
HANDLE object_publish(struct object *object);

/* The object of a handle, with a reference, or NULL and ERROR_INVALID_HANDLE. */
void *object_get(HANDLE handle, enum object_type type);

/* One more reference to an object that the caller has one of. */
void object_hold(struct object *object);
void object_put(struct object *object);		/* NULL is fine */

/* Give a handle up. False: it is none. */
bool object_close(HANDLE handle);

/* Is this number a handle's rather than a descriptor's? */
bool object_is_handle(HANDLE handle);

/* In a child: keep those that @keep says, forget the others. */
void object_forked(bool (*keep)(struct object *object));

#endif /* WINSOCK_OBJECT_H */
