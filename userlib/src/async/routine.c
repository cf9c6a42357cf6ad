// SPDX-License-Identifier: LGPL-2.1-or-later
/* QueueUserAPC(), and threads as handles. */
#include <stdlib.h>

#include "routine.h"

#define ROUTINE_CURRENT_THREAD	((HANDLE)(intptr_t)-2)

/* A thread's handle, which outlives the thread. */
struct routine_thread {
	struct object object;
	struct thread *thread;
};

static void routine_free_thread(struct object *object)
{
	thread_put(((struct routine_thread *)object)->thread);
	free(object);
}

bool routine_is_own(const struct object *object)
{
	return object->type == OBJECT_THREAD &&
	       ((const struct routine_thread *)object)->thread == thread_self();
}

WINSOCK_API HANDLE GetCurrentThread(void)
{
	return ROUTINE_CURRENT_THREAD;
}

WINSOCK_API HANDLE winsock_thread_self(void)
{
	struct routine_thread *made;
	struct thread *self;
	HANDLE handle;
	BORDER;

	self = thread_self();
	made = self ? calloc(1, sizeof(*made)) : NULL;
	if (!made) {
		error_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	made->object.type = OBJECT_THREAD;
	made->object.free = routine_free_thread;
	made->thread = self;
	thread_hold(self);
	handle = object_publish(&made->object);
	if (!handle)
		routine_free_thread(&made->object);
	return handle;
}

/* Returns the thread with a reference, or NULL and the error. */
static struct thread *routine_thread(HANDLE handle)
{
	struct routine_thread *made;
	struct thread *thread;

	if (handle == ROUTINE_CURRENT_THREAD) {
		thread = thread_self();
		if (!thread)
			error_fail(ERROR_NOT_ENOUGH_MEMORY);
		else
			thread_hold(thread);
		return thread;
	}
	made = object_get(handle, OBJECT_THREAD);
	if (!made)
		return NULL;
	thread = made->thread;
	thread_hold(thread);
	object_put(&made->object);
	return thread;
}

struct routine_apc {
	struct routine routine;
	PAPCFUNC function;
	ULONG_PTR data;
};

static void routine_run(struct routine *routine, bool cancelled)
{
	struct routine_apc apc = *(struct routine_apc *)routine;

	free(routine);
	if (!cancelled)
		apc.function(apc.data);
}

WINSOCK_API DWORD QueueUserAPC(PAPCFUNC function, HANDLE handle, ULONG_PTR data)
{
	struct routine_apc *apc;
	struct thread *thread;
	bool done = false;
	BORDER;

	thread = routine_thread(handle);
	if (!thread)
		return 0;
	apc = malloc(sizeof(*apc));
	if (apc) {
		*apc = (struct routine_apc){ { .run = routine_run }, function, data };
		done = thread_queue(thread, &apc->routine);
	}
	if (!done) {
		error_fail(apc ? ERROR_INVALID_HANDLE : ERROR_NOT_ENOUGH_MEMORY);
		free(apc);
	}
	thread_put(thread);
	return done;
}

WINSOCK_API void Sleep(DWORD ms)
{
	SleepEx(ms, FALSE);
}

WINSOCK_API DWORD SleepEx(DWORD ms, BOOL alertable)
{
	int64_t deadline = thread_deadline(ms), left;
	struct thread *self;
	BORDER_OF_WAIT;

	self = alertable ? thread_self() : NULL;
	if (!self) {
		while ((left = deadline - thread_now()) > 0)
			thread_sleep_poll(NULL, 0, &(struct timespec){
				left / 1000000000, left % 1000000000
			});
		return 0;
	}
	do {
		if (thread_deliver(self))
			return WAIT_IO_COMPLETION;
	} while (thread_poll(self, NULL, 0, deadline) == THREAD_WOKEN);
	return 0;
}
