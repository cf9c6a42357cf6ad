// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Completion ports. Each packet wakes one of the waiting threads, the one that came last, as it has
 * the port's memory in its cache.
 */
#include <stdlib.h>

#include "engine.h"
#include "port.h"

/* A thread that waits. */
struct port_sleeper {
	struct port *port;
	struct port_sleeper *next;
	struct thread *thread;
	bool listed;
};

/**
 * struct port - a completion port
 * @object:	lifetime
 * @lock:	for the members below; nests in a handle's
 * @first:	packets
 * @last:	the place of the next one
 * @sleepers:	waiting threads that were not woken
 * @closed:	the handle was closed
 */
struct port {
	struct object object;
	pthread_mutex_t lock;
	struct packet *first;
	struct packet **last;
	struct port_sleeper *sleepers;
	bool closed;
};

static void port_throw_away(struct port *port)
{
	struct packet *packet;

	while ((packet = port->first)) {
		port->first = packet->next;
		packet->free(packet);
	}
	port->last = &port->first;
}

static void port_free(struct object *object)
{
	struct port *port = (struct port *)object;

	port_throw_away(port);
	pthread_mutex_destroy(&port->lock);
	free(port);
}

struct port *port_hold(struct port *port)
{
	object_hold(&port->object);
	return port;
}

void port_put(struct port *port)
{
	if (port)
		object_put(&port->object);
}

static void port_wake(struct port *port)
{
	struct port_sleeper *sleeper = port->sleepers;

	if (!sleeper)
		return;
	port->sleepers = sleeper->next;
	sleeper->listed = false;
	thread_wake(sleeper->thread);
}

static void port_close(struct object *object)
{
	struct port *port = (struct port *)object;

	pthread_mutex_lock(&port->lock);
	port->closed = true;
	port_throw_away(port);
	while (port->sleepers)
		port_wake(port);
	pthread_mutex_unlock(&port->lock);
}

void port_post(struct port *port, struct packet *packet)
{
	bool closed;

	packet->next = NULL;
	pthread_mutex_lock(&port->lock);
	closed = port->closed;
	if (!closed) {
		*port->last = packet;
		port->last = &packet->next;
		port_wake(port);
	}
	pthread_mutex_unlock(&port->lock);
	if (closed)
		packet->free(packet);
}

/* Packets, sleeping threads and the lock's holder are the parent's. */
void port_forked(struct port *port)
{
	pthread_mutex_init(&port->lock, NULL);
	port->first = NULL;
	port->sleepers = NULL;
	port->closed = true;
}

HANDLE port_make(void)
{
	struct port *port = calloc(1, sizeof(*port));
	HANDLE handle;

	if (!port) {
		error_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	port->object.type = OBJECT_PORT;
	port->object.close = port_close;
	port->object.free = port_free;
	pthread_mutex_init(&port->lock, NULL);
	port->last = &port->first;
	handle = object_publish(&port->object);
	if (!handle)
		port_free(&port->object);
	return handle;
}

struct port *port_get(HANDLE handle)
{
	return object_get(handle, OBJECT_PORT);
}

static void port_get_up(struct port_sleeper *sleeper)
{
	struct port_sleeper **link = &sleeper->port->sleepers;

	pthread_mutex_lock(&sleeper->port->lock);
	if (!sleeper->listed)
		return;
	while (*link && *link != sleeper)
		link = &(*link)->next;
	if (*link)
		*link = sleeper->next;
}

/* With the lock: sleep until there may be a packet. True: the timeout has passed. */
static bool port_sleep(struct port *port, struct thread *self, int64_t deadline, bool alertable)
{
	struct port_sleeper sleeper CLEANUP(port_get_up) = { port, port->sleepers, self, true };
	int ready = ENGINE_BUSY;

	port->sleepers = &sleeper;
	pthread_mutex_unlock(&port->lock);
	if (!alertable)
		ready = engine_visit(self, deadline);
	if (ready == ENGINE_BUSY)
		ready = thread_poll(self, NULL, 0, deadline);
	/* Events of sockets that no packet comes from do not prolong the wait. */
	return !ready || (deadline != THREAD_FOREVER && thread_now() >= deadline);
}

static void port_lock(struct port **port)
{
	pthread_mutex_lock(&(*port)->lock);
}

/* With the lock, which is released while routines run, and taken if one ends the thread. */
static bool port_deliver(struct port *port, struct thread *self)
{
	struct port *released CLEANUP(port_lock) = port;

	pthread_mutex_unlock(&released->lock);
	return thread_deliver(self);
}

/* With the lock: wait for a packet. Returns 0, or the error. */
static int port_wait(struct port *port, DWORD ms, bool alertable)
{
	int64_t deadline = thread_deadline(ms);
	struct thread *self = thread_self();
	bool over = !ms;

	if (!self)
		return ERROR_NOT_ENOUGH_MEMORY;
	for (;;) {
		if (alertable && !port->closed && !port->first && port_deliver(port, self))
			return WAIT_IO_COMPLETION;
		if (port->closed)
			return ERROR_ABANDONED_WAIT_0;
		if (port->first)
			return 0;
		if (over)
			return WAIT_TIMEOUT;
		over = port_sleep(port, self, deadline, alertable);
	}
}

/* With the lock: take packets into @entries. */
static ULONG port_take(struct port *port, OVERLAPPED_ENTRY *entries, ULONG count)
{
	struct packet *packet;
	ULONG taken = 0;

	while (taken < count && (packet = port->first)) {
		port->first = packet->next;
		if (!port->first)
			port->last = &port->first;
		entries[taken++] = packet->entry;
		packet->free(packet);
	}
	return taken;
}

/* With the lock. */
static void port_leave(struct port **port)
{
	/* This thread's packet may be another's, or left: wake one for the rest. */
	if ((*port)->first)
		port_wake(*port);
	pthread_mutex_unlock(&(*port)->lock);
	port_put(*port);
}

/* Returns the number taken; 0 with the error set. */
static ULONG port_remove(HANDLE handle, OVERLAPPED_ENTRY *entries, ULONG count, DWORD ms,
		      bool alertable)
{
	struct port *found = port_get(handle);
	int error;

	if (!found)
		return 0;
	pthread_mutex_lock(&found->lock);
	struct port *port CLEANUP(port_leave) = found;

	error = port_wait(port, ms, alertable);
	if (!error)
		return port_take(port, entries, count);
	error_fail(error);
	return 0;
}

WINSOCK_API BOOL GetQueuedCompletionStatus(HANDLE port, LPDWORD transferred, PULONG_PTR key,
					   LPOVERLAPPED *overlapped, DWORD ms)
{
	OVERLAPPED_ENTRY entry;
	BORDER_OF_WAIT;

	if (!transferred || !key || !overlapped) {
		error_fail(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	*overlapped = NULL;
	if (!port_remove(port, &entry, 1, ms, false))
		return FALSE;
	*transferred = entry.dwNumberOfBytesTransferred;
	*key = entry.lpCompletionKey;
	*overlapped = entry.lpOverlapped;
	if (!entry.Internal)
		return TRUE;
	/* WSAGetOverlappedResult() sets Winsock's name. */
	error_fail(entry.Internal);
	return FALSE;
}

WINSOCK_API BOOL GetQueuedCompletionStatusEx(HANDLE port, LPOVERLAPPED_ENTRY entries,
					     ULONG count, PULONG removed, DWORD ms,
					     BOOL alertable)
{
	BORDER_OF_WAIT;

	if (!entries || !count || !removed) {
		error_fail(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	*removed = port_remove(port, entries, count, ms, alertable);
	return *removed > 0;
}

static void port_free_posted(struct packet *packet)
{
	free(packet);
}

WINSOCK_API BOOL PostQueuedCompletionStatus(HANDLE handle, DWORD transferred, ULONG_PTR key,
					    LPOVERLAPPED overlapped)
{
	struct packet *packet;
	struct port *port;
	BORDER;

	port = port_get(handle);
	if (!port)
		return FALSE;
	packet = malloc(sizeof(*packet));
	if (packet) {
		*packet = (struct packet){
			.entry = {
				.lpCompletionKey = key,
				.lpOverlapped = overlapped,
				.dwNumberOfBytesTransferred = transferred,
			},
			.free = port_free_posted,
		};
		port_post(port, packet);
	} else {
		error_fail(ERROR_NOT_ENOUGH_MEMORY);
	}
	port_put(port);
	return packet != NULL;
}
