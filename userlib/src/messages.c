// SPDX-License-Identifier: LGPL-2.1-or-later
/* Message queues, for WSAAsyncSelect(). */
#include <stdlib.h>

#include "port.h"
#include "record.h"
#include "thread.h"

struct messages_entry {
	struct messages_entry *next;
	struct winsock_message message;
};

/**
 * struct messages - a queue, under the records' lock
 * @object:	lifetime
 * @window:	its handle
 * @first:	messages
 * @last:	where the next one goes
 * @filled:	an event that is set while there is a message, or the queue is closed
 * @closed:	the handle is gone
 */
struct messages {
	struct object object;
	HWND window;
	struct messages_entry *first;
	struct messages_entry **last;
	HANDLE filled;
	bool closed;
};

static void messages_throw_away(struct messages *messages)
{
	struct messages_entry *entry;

	while ((entry = messages->first)) {
		messages->first = entry->next;
		free(entry);
	}
	messages->last = &messages->first;
}

static void messages_free(struct object *object)
{
	struct messages *messages = (struct messages *)object;

	messages_throw_away(messages);
	object_close(messages->filled);
	free(messages);
}

static void messages_close(struct object *object)
{
	struct messages *messages = (struct messages *)object;

	record_lock();
	messages->closed = true;
	messages_throw_away(messages);
	record_unlock();
	WSASetEvent(messages->filled);
}

WINSOCK_API HWND winsock_message_queue(void)
{
	struct messages *messages = calloc(1, sizeof(*messages));

	if (!messages) {
		error_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	messages->object = (struct object){ OBJECT_MESSAGES, 0, messages_close, messages_free };
	messages->last = &messages->first;
	messages->filled = WSACreateEvent();
	if (!messages->filled)
		goto fail;
	messages->window = object_publish(&messages->object);
	if (messages->window)
		return messages->window;
	object_close(messages->filled);
fail:
	free(messages);
	return NULL;
}

struct messages *messages_get(HWND window)
{
	return object_get(window, OBJECT_MESSAGES);
}

void messages_hold(struct messages *messages)
{
	object_hold(&messages->object);
}

void messages_release(struct messages *messages)
{
	if (messages)
		object_put(&messages->object);
}

void messages_post(struct messages *messages, const struct winsock_message *message)
{
	struct messages_entry *entry = messages->closed ? NULL : malloc(sizeof(*entry));

	/* Windows, too, loses what its queue cannot hold. */
	if (!entry)
		return;
	entry->next = NULL;
	entry->message = *message;
	entry->message.window = messages->window;
	*messages->last = entry;
	messages->last = &entry->next;
	WSASetEvent(messages->filled);
}

/* With the lock. */
static bool messages_take(struct messages *messages, struct winsock_message *message)
{
	struct messages_entry *entry = messages->first;

	if (!entry)
		return false;
	*message = entry->message;
	messages->first = entry->next;
	if (!messages->first) {
		messages->last = &messages->first;
		WSAResetEvent(messages->filled);
	}
	free(entry);
	return true;
}

static int messages_wait(struct messages *messages, struct winsock_message *message, DWORD ms)
{
	int64_t deadline = thread_deadline(ms), left;
	bool taken, closed;
	DWORD wait = 0;

	for (;;) {
		record_lock();
		closed = messages->closed;
		taken = messages_take(messages, message);
		record_unlock();
		if (taken)
			return 0;
		if (closed)
			return ERROR_INVALID_HANDLE;
		if (wait)
			return wait;
		left = (deadline - thread_now() + 999999) / 1000000;
		if (left < 0)
			left = 0;
		wait = WSAWaitForMultipleEvents(1, &messages->filled, TRUE,
						ms == INFINITE ? INFINITE : (DWORD)left, TRUE);
	}
}

WINSOCK_API BOOL winsock_message_get(HWND queue, struct winsock_message *message, DWORD ms)
{
	struct messages *messages = messages_get(queue);
	int error;

	if (!messages)
		return FALSE;
	error = messages_wait(messages, message, ms);
	messages_release(messages);
	if (error)
		error_fail(error == (int)WSA_WAIT_FAILED ? ERROR_NOT_ENOUGH_MEMORY : error);
	return !error;
}
