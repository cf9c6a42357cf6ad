// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The table of handles that are not descriptors. Its chunks are never freed, so that a slot has a
 * lock of its own.
 */
#include <stdlib.h>

#include "close.h"
#include "object.h"
#include "upper.h"

/* Above the highest fs.nr_open. Handles are multiples of four, as on Windows. */
#define OBJECT_FIRST	0x50000000U
#define OBJECT_STEP	4U
#define OBJECT_CHUNK	1024
#define OBJECT_CHUNKS	4096

/**
 * struct object_slot - one handle
 * @lock:	for @object, and for taking a reference to it
 * @object:	or NULL
 * @free:	the next free slot's number and 1, under object_lock
 */
struct object_slot {
	pthread_mutex_t lock;
	struct object *object;
	unsigned int free;
};

static struct object_slot *_Atomic object_chunks[OBJECT_CHUNKS];
static pthread_mutex_t object_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int object_free;	/* the first free slot's number and 1, under it */
static unsigned int object_count;	/* slots that have ever been used, under it */

bool object_is_handle(HANDLE handle)
{
	uintptr_t value = (uintptr_t)handle;

	return value >= OBJECT_FIRST && value <= 0x7fffffffU;
}

static struct object_slot *object_slot(unsigned int number)
{
	struct object_slot *chunk = NULL;

	if (number < OBJECT_CHUNK * OBJECT_CHUNKS)
		chunk = atomic_load(&object_chunks[number / OBJECT_CHUNK]);
	return chunk ? &chunk[number % OBJECT_CHUNK] : NULL;
}

static struct object_slot *object_find(HANDLE handle)
{
	uintptr_t value = (uintptr_t)handle - OBJECT_FIRST;

	if (!object_is_handle(handle) || value % OBJECT_STEP)
		return NULL;
	return object_slot(value / OBJECT_STEP);
}

/* With the lock: take a slot and its number. NULL: no memory. */
static struct object_slot *object_take_slot(unsigned int *number)
{
	struct object_slot *slot;

	if (object_free) {
		*number = object_free - 1;
		slot = object_slot(*number);
		object_free = slot->free;
		return slot;
	}
	if (object_count >= OBJECT_CHUNK * OBJECT_CHUNKS)
		return NULL;
	if (!(object_count % OBJECT_CHUNK)) {
		/* Zeroes are PTHREAD_MUTEX_INITIALIZER. */
		slot = calloc(OBJECT_CHUNK, sizeof(*slot));
		if (!slot)
			return NULL;
		atomic_store(&object_chunks[object_count / OBJECT_CHUNK], slot);
	}
	*number = object_count++;
	return object_slot(*number);
}

HANDLE object_publish(struct object *object)
{
	struct object_slot *slot;
	unsigned int number = 0;

	/* fork() must find the object. */
	upper_begin();
	pthread_mutex_lock(&object_lock);
	slot = object_take_slot(&number);
	pthread_mutex_unlock(&object_lock);
	if (!slot) {
		error_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	atomic_init(&object->refs, 1);
	pthread_mutex_lock(&slot->lock);
	slot->object = object;
	pthread_mutex_unlock(&slot->lock);
	return (HANDLE)(uintptr_t)(OBJECT_FIRST + number * OBJECT_STEP);
}

void *object_get(HANDLE handle, enum object_type type)
{
	struct object_slot *slot = object_find(handle);
	struct object *object = NULL;

	if (slot) {
		pthread_mutex_lock(&slot->lock);
		if (slot->object && slot->object->type == type) {
			object = slot->object;
			object_hold(object);
		}
		pthread_mutex_unlock(&slot->lock);
	}
	if (!object)
		error_fail(ERROR_INVALID_HANDLE);
	return object;
}

void object_hold(struct object *object)
{
	atomic_fetch_add(&object->refs, 1);
}

void object_put(struct object *object)
{
	if (object && atomic_fetch_sub(&object->refs, 1) == 1)
		object->free(object);
}

bool object_close(HANDLE handle)
{
	struct object_slot *slot = object_find(handle);
	struct object *object;

	if (!slot)
		return false;
	pthread_mutex_lock(&slot->lock);
	object = slot->object;
	slot->object = NULL;
	pthread_mutex_unlock(&slot->lock);
	if (!object)
		return false;
	pthread_mutex_lock(&object_lock);
	slot->free = object_free;
	object_free = ((uintptr_t)handle - OBJECT_FIRST) / OBJECT_STEP + 1;
	pthread_mutex_unlock(&object_lock);
	if (object->close)
		object->close(object);
	object_put(object);
	return true;
}

void object_forked(bool (*keep)(struct object *object))
{
	/* Reset locks and lists of threads that the child does not have. */
	pthread_mutex_init(&object_lock, NULL);
	object_free = 0;
	for (unsigned int i = 0; i < object_count; i++) {
		struct object_slot *slot = object_slot(i);

		if (!slot)
			continue;
		pthread_mutex_init(&slot->lock, NULL);
		if (slot->object && !keep(slot->object))
			slot->object = NULL;
		if (!slot->object) {
			slot->free = object_free;
			object_free = i + 1;
		}
	}
}

WINSOCK_API BOOL CloseHandle(HANDLE handle)
{
	BORDER;

	if (handle && (object_is_handle(handle) ? object_close(handle) : close_handle(handle)))
		return TRUE;
	error_fail(ERROR_INVALID_HANDLE);
	return FALSE;
}
