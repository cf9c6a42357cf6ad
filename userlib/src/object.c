// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of handles that are no descriptors. */
#include <pthread.h>
#include <stdlib.h>

#include "fork.h"
#include "thread.h"

/* Above what fs.nr_open can be raised to, and multiples of four as on Windows. */
#define OBJECT_FIRST	0x50000000U
#define OBJECT_STEP	4U

static pthread_mutex_t object_lock = PTHREAD_MUTEX_INITIALIZER;
/* Under object_lock, as is refs of every object. Innermost: nothing is called with it. */
static struct object **object_table;
static unsigned int object_room;

void object_fork(enum fork_phase phase)
{
	/* Of ports, queues and other threads the waiting ends are in the parent. */
	for (unsigned int i = 0; phase == FORK_CHILD && i < object_room; i++)
		if (object_table[i] && object_table[i]->type != OBJECT_EVENT &&
		    !thread_is_mine(object_table[i]))
			object_table[i] = NULL;
	fork_mutex(&object_lock, phase);
}

bool object_is_handle(HANDLE handle)
{
	uintptr_t value = (uintptr_t)handle;

	return value >= OBJECT_FIRST && value <= 0x7fffffffU;
}

static struct object **object_slot(HANDLE handle)
{
	uintptr_t value = (uintptr_t)handle - OBJECT_FIRST;

	if (!object_is_handle(handle) || value % OBJECT_STEP ||
	    value / OBJECT_STEP >= object_room)
		return NULL;
	return &object_table[value / OBJECT_STEP];
}

static bool object_grow(void)
{
	unsigned int room = object_room ? 2 * object_room : 64;
	struct object **table = realloc(object_table, room * sizeof(struct object *));

	if (!table)
		return false;
	memset(table + object_room, 0, (room - object_room) * sizeof(struct object *));
	object_table = table;
	object_room = room;
	return true;
}

HANDLE object_share(struct object *object)
{
	HANDLE handle = NULL;
	unsigned int i = 0;

	pthread_mutex_lock(&object_lock);
	while (i < object_room && object_table[i])
		i++;
	if (i < object_room || object_grow()) {
		object_table[i] = object;
		object->refs++;
		handle = (HANDLE)(uintptr_t)(OBJECT_FIRST + i * OBJECT_STEP);
	}
	pthread_mutex_unlock(&object_lock);
	if (!handle)
		error_fail(ERROR_NOT_ENOUGH_MEMORY);
	return handle;
}

HANDLE object_publish(struct object *object)
{
	object->refs = 0;
	return object_share(object);
}

void *object_get(HANDLE handle, enum object_type type)
{
	struct object **slot, *object = NULL;

	pthread_mutex_lock(&object_lock);
	slot = object_slot(handle);
	if (slot && *slot && (*slot)->type == type) {
		object = *slot;
		object->refs++;
	}
	pthread_mutex_unlock(&object_lock);
	if (!object)
		error_fail(ERROR_INVALID_HANDLE);
	return object;
}

void object_hold(struct object *object)
{
	pthread_mutex_lock(&object_lock);
	object->refs++;
	pthread_mutex_unlock(&object_lock);
}

void object_put(struct object *object)
{
	unsigned int left;

	if (!object)
		return;
	pthread_mutex_lock(&object_lock);
	left = --object->refs;
	pthread_mutex_unlock(&object_lock);
	if (!left)
		object->free(object);
}

bool object_close(HANDLE handle)
{
	struct object **slot, *object = NULL;

	pthread_mutex_lock(&object_lock);
	slot = object_slot(handle);
	if (slot) {
		object = *slot;
		*slot = NULL;
	}
	pthread_mutex_unlock(&object_lock);
	if (!object)
		return false;
	if (object->close)
		object->close(object);
	object_put(object);
	return true;
}
