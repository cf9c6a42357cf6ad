/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handles that are not descriptors: events, ports, threads. */
#ifndef WINSOCK_OBJECT_H
#define WINSOCK_OBJECT_H

#include "thread.h"

enum object_type { OBJECT_EVENT = 1, OBJECT_PORT, OBJECT_THREAD };

/**
 * struct object - the object of a handle; the first member of each kind
 * @type:	which kind
 * @refs:	lifetime: one for the handle, one for each association, one for each call under way
 * @close:	called when the handle is closed: wakes waiting threads. May be NULL
 * @free:	called when the last reference is dropped
 */
struct object {
	enum object_type type;
	_Atomic unsigned int refs;
	void (*close)(struct object *object);
	void (*free)(struct object *object);
};

/* Return a handle for a new object, to which it has the only reference. NULL: no memory. */
HANDLE object_publish(struct object *object);

/* Return the object of a handle, with a reference, or NULL and ERROR_INVALID_HANDLE. */
void *object_get(HANDLE handle, enum object_type type);

/* Take one more reference; the caller has one. */
void object_hold(struct object *object);
void object_put(struct object *object);		/* NULL is fine */

/* Close a handle. False: it is none. */
bool object_close(HANDLE handle);

/* Is this number a handle's rather than a descriptor's? */
bool object_is_handle(HANDLE handle);

/* In a child: keep the objects that @keep picks, drop the others. */
void object_forked(bool (*keep)(struct object *object));

#endif /* WINSOCK_OBJECT_H */
