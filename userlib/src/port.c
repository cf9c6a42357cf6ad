// SPDX-License-Identifier: LGPL-2.1-or-later
/* Completion ports. */
#include <stdlib.h>

#include "helper.h"
#include "pending.h"
#include "port.h"
#include "record.h"
#include "ring.h"

/* A thread that waits for packets on its own wake-up descriptor. */
struct port_sleeper {
	struct port_sleeper *next;
	struct thread *thread;
};

/**
 * struct port - a completion port, all under the records' lock
 * @object:	lifetime
 * @next:	among those that threads sleep for in the ring
 * @first:	packets
 * @last:	where the next one goes
 * @sleepers:	threads in alertable waits, or without a ring
 * @inside:	threads that sleep in the ring
 * @closed:	the handle is gone
 */
struct port {
	struct object object;
	struct port *next;
	struct packet *first;
	struct packet **last;
	struct port_sleeper *sleepers;
	unsigned int inside;
	bool closed;
};

/* Ports that threads sleep for in the ring; under the records' lock. */
static struct port *port_list;

static void port_free(struct object *object)
{
	free(object);
}

void port_release(struct port *port)
{
	if (port)
		object_put(&port->object);
}

void port_forked(void)
{
	/* The threads that sleep are the parent's. */
	for (; port_list; port_list = port_list->next)
		port_list->inside = 0;
}

static void port_throw_away(struct port *port)
{
	struct packet *packet;

	while ((packet = port->first)) {
		port->first = packet->next;
		packet->free(packet);
	}
	port->last = &port->first;
}

static void port_wake(struct port *port)
{
	if (port->sleepers)
		thread_wake(port->sleepers->thread);
	else if (port->inside)
		ring_kick();
}

static void port_close(struct object *object)
{
	struct port *port = (struct port *)object;

	record_lock();
	port->closed = true;
	port_throw_away(port);
	for (struct port_sleeper *sleeper = port->sleepers; sleeper; sleeper = sleeper->next)
		thread_wake(sleeper->thread);
	if (port->inside)
		ring_kick();
	record_unlock();
}

void port_post(struct port *port, struct packet *packet)
{
	if (port->closed) {
		packet->free(packet);
		return;
	}
	packet->next = NULL;
	*port->last = packet;
	port->last = &packet->next;
	/* Who sleeps in the ring is woken at the end of ring_reap(), once for all. */
	if (port->sleepers)
		thread_wake(port->sleepers->thread);
}

void port_kick(void)
{
	for (const struct port *port = port_list; port; port = port->next)
		if (port->first || port->closed) {
			ring_kick();
			return;
		}
}

static void port_enter_ring(struct port *port)
{
	if (!port->inside++) {
		port->next = port_list;
		port_list = port;
	}
	helper_ring_entered();
}

static void port_leave_ring(struct port *port)
{
	struct port **link = &port_list;

	helper_ring_left();
	if (--port->inside)
		return;
	while (*link != port)
		link = &(*link)->next;
	*link = port->next;
}

static struct port *port_make(HANDLE *handle)
{
	struct port *port = calloc(1, sizeof(*port));

	if (!port) {
		error_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	port->object = (struct object){ OBJECT_PORT, 1, port_close, port_free };
	port->last = &port->first;
	*handle = object_share(&port->object);
	return port;
}

static bool port_associate(struct port *port, SOCKET s, ULONG_PTR key)
{
	struct record *record;
	int error = 0;

	if (!socket_check(s)) {
		error_fail(ERROR_INVALID_HANDLE);
		return false;
	}
	record_lock();
	record = record_make(s);
	if (!record) {
		error = errno == EBADF ? ERROR_INVALID_HANDLE : ERROR_NOT_ENOUGH_MEMORY;
	} else if (record->port) {
		error = ERROR_INVALID_PARAMETER;
	} else {
		object_hold(&port->object);
		record->port = port;
		record->key = key;
	}
	record_unlock();
	if (error)
		error_fail(error);
	return !error;
}

WINSOCK_API HANDLE CreateIoCompletionPort(HANDLE file, HANDLE existing, ULONG_PTR key,
					  DWORD threads)
{
	bool new = !existing, done = true;
	HANDLE handle = existing;
	int saved = errno;
	struct port *port;

	(void)threads;
	if (file == INVALID_HANDLE_VALUE && existing) {
		error_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	port = new ? port_make(&handle) : object_get(existing, OBJECT_PORT);
	if (!port)
		return NULL;
	if (!handle)
		done = false;
	else if (file != INVALID_HANDLE_VALUE)
		done = port_associate(port, (SOCKET)(intptr_t)file, key);
	port_release(port);
	if (!done && new && handle)
		object_close(handle);
	errno = saved;
	return done ? handle : NULL;
}

/* With the lock: sleep until there may be a packet. 0, or the error. */
static int port_sleep(struct port *port, int64_t deadline, bool alertable)
{
	struct port_sleeper self = { port->sleepers, NULL }, **link;
	struct pollfd polled[1];

	if (ring_started() && !alertable) {
		port_enter_ring(port);
		record_unlock();
		ring_sleep(deadline);
		record_lock();
		port_leave_ring(port);
		return 0;
	}
	self.thread = thread_self();
	if (!self.thread)
		return ERROR_NOT_ENOUGH_MEMORY;
	port->sleepers = &self;
	record_unlock();
	thread_poll(self.thread, polled, 0, deadline);
	record_lock();
	link = &port->sleepers;
	while (*link != &self)
		link = &(*link)->next;
	*link = self.next;
	return 0;
}

/* Has a routine run? The lock is dropped for it. */
static bool port_interrupted(void)
{
	struct thread *self = thread_self();
	bool any;

	record_unlock();
	any = self && thread_deliver(self);
	record_lock();
	return any;
}

/* With the lock: wait until there is a packet. 0, or the error. */
static int port_wait(struct port *port, DWORD ms, bool alertable)
{
	int64_t deadline = thread_deadline(ms);
	int error = 0;

	while (!error) {
		if (port->closed)
			return ERROR_ABANDONED_WAIT_0;
		if (!port->first)
			ring_reap();
		if (port->first)
			return 0;
		if (alertable && port_interrupted())
			return WAIT_IO_COMPLETION;
		if (deadline != THREAD_FOREVER && thread_now() >= deadline)
			return WAIT_TIMEOUT;
		error = port_sleep(port, deadline, alertable);
	}
	return error;
}

/* Take packets into @entries; the rest is for others to be woken. */
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
	if (port->first)
		port_wake(port);
	return taken;
}

/* The number taken; 0 with the error set. */
static ULONG port_get(HANDLE handle, OVERLAPPED_ENTRY *entries, ULONG count, DWORD ms,
		      bool alertable)
{
	struct port *port = object_get(handle, OBJECT_PORT);
	int saved = errno, error;
	ULONG taken = 0;

	if (!port)
		return 0;
	record_lock();
	if (!alertable)
		helper_ring_visited();
	error = port_wait(port, ms, alertable);
	if (!error)
		taken = port_take(port, entries, count);
	port_release(port);
	record_unlock();
	if (error)
		error_fail(error);
	errno = saved;
	return taken;
}

WINSOCK_API BOOL GetQueuedCompletionStatus(HANDLE port, LPDWORD transferred, PULONG_PTR key,
					   LPOVERLAPPED *overlapped, DWORD ms)
{
	OVERLAPPED_ENTRY entry;

	if (!transferred || !key || !overlapped) {
		error_fail(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	*overlapped = NULL;
	if (!port_get(port, &entry, 1, ms, false))
		return FALSE;
	*transferred = entry.dwNumberOfBytesTransferred;
	*key = entry.lpCompletionKey;
	*overlapped = entry.lpOverlapped;
	if (!entry.Internal)
		return TRUE;
	error_fail(entry.Internal);
	return FALSE;
}

WINSOCK_API BOOL GetQueuedCompletionStatusEx(HANDLE port, LPOVERLAPPED_ENTRY entries,
					     ULONG count, PULONG removed, DWORD ms,
					     BOOL alertable)
{
	if (!entries || !count || !removed) {
		error_fail(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	*removed = port_get(port, entries, count, ms, alertable);
	return *removed > 0;
}

static void port_free_posted(struct packet *packet)
{
	free(packet);
}

WINSOCK_API BOOL PostQueuedCompletionStatus(HANDLE handle, DWORD transferred, ULONG_PTR key,
					    LPOVERLAPPED overlapped)
{
	struct port *port = object_get(handle, OBJECT_PORT);
	struct packet *packet;

	if (!port)
		return FALSE;
	packet = malloc(sizeof(*packet));
	if (packet)
		*packet = (struct packet){
			.entry = {
				.lpCompletionKey = key,
				.lpOverlapped = overlapped,
				.dwNumberOfBytesTransferred = transferred,
			},
			.free = port_free_posted,
		};
	else
		error_fail(ERROR_NOT_ENOUGH_MEMORY);
	record_lock();
	if (packet) {
		port_post(port, packet);
		port_kick();
	}
	port_release(port);
	record_unlock();
	return packet != NULL;
}
