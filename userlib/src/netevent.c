// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Network events. The helper is told by epoll, edge-triggered, that something is new; what
 * it is is found out by looking. An event that has happened is not looked for again until
 * the call that it invites to (armed), which is Windows' rule and also what keeps a busy
 * socket from busying the helper.
 */
#include <fcntl.h>
#include <poll.h>

#include "helper.h"
#include "netevent.h"
#include "port.h"
#include "record.h"

#define NETEVENT_KNOWN	(FD_READ | FD_WRITE | FD_OOB | FD_ACCEPT | FD_CONNECT | FD_CLOSE)

static void netevent_tell(struct record *record, int bit, int error)
{
	struct winsock_message message;

	record->armed &= ~(1L << bit);
	if (!(record->selected & 1L << bit))
		return;
	if (record->messages) {
		message = (struct winsock_message){
			.message = record->message,
			.wparam = record->fd,
			.lparam = (1L << bit) | (LPARAM)error << 16,
		};
		messages_post(record->messages, &message);
		return;
	}
	record->happened |= 1L << bit;
	record->errors[bit] = error;
	event_set(record->event);
}

/* A connect has ended, well or not. */
static void netevent_connected(struct record *record, short ready)
{
	int error;

	if (!(ready & (POLLOUT | POLLERR | POLLHUP)))
		return;
	error = socket_option(record->fd, SO_ERROR);
	record->connecting = false;
	record->connected = !error;
	record->armed |= FD_READ | FD_WRITE | FD_OOB | FD_CLOSE;
	netevent_tell(record, FD_CONNECT_BIT, error_from_errno(error));
}

/* There is something to be read, if only the end. */
static void netevent_readable(struct record *record)
{
	ssize_t got = 1;
	char byte;

	/* A datagram socket's error is for the call to find. */
	if (record->stream)
		got = recv(record->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (got > 0) {
		if (record->armed & FD_READ)
			netevent_tell(record, FD_READ_BIT, 0);
		return;
	}
	if (got < 0 && (errno == EAGAIN || errno == ENOTCONN))
		return;
	/* Looking has taken the error: the program's own calls still have to fail (H4). */
	if (got < 0)
		table_mark(record->fd, TABLE_RESET);
	if (record->armed & FD_CLOSE)
		netevent_tell(record, FD_CLOSE_BIT, got ? WSAECONNABORTED : 0);
}

/* What there is to be read, or room for, belongs to the operations that are pending. */
static bool netevent_is_taken(const struct record *record, int direction)
{
	return record->stream && record->queues[direction].first;
}

static void netevent_look(struct record *record)
{
	struct pollfd polled = { record->fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	if (!record->selected || record->closing || poll(&polled, 1, 0) < 1)
		return;
	if (socket_option(record->fd, SO_ACCEPTCONN) > 0) {
		if ((record->armed & FD_ACCEPT) && (polled.revents & POLLIN))
			netevent_tell(record, FD_ACCEPT_BIT, 0);
		return;
	}
	if (record->connecting)
		netevent_connected(record, polled.revents);
	if (!record->connected)
		return;
	if ((record->armed & FD_WRITE) && (polled.revents & POLLOUT) &&
	    !(polled.revents & (POLLERR | POLLHUP)) && !netevent_is_taken(record, RECORD_SEND))
		netevent_tell(record, FD_WRITE_BIT, 0);
	if ((record->armed & FD_OOB) && (polled.revents & POLLPRI))
		netevent_tell(record, FD_OOB_BIT, 0);
	if ((record->armed & (FD_READ | FD_CLOSE)) &&
	    (polled.revents & (POLLIN | POLLRDHUP | POLLHUP | POLLERR)) &&
	    !netevent_is_taken(record, RECORD_RECEIVE))
		netevent_readable(record);
}

void netevent_happened(SOCKET s, uint32_t generation)
{
	struct record *record = record_find_generation(s, generation);

	if (record)
		netevent_look(record);
}

void netevent_suspend(struct record *record)
{
	if (record->selected)
		helper_unwatch(record->fd);
}

void netevent_resume(struct record *record)
{
	if (!record->selected)
		return;
	helper_watch(record->fd, record->generation);
	netevent_look(record);
}

void netevent_emptied(struct record *record, int direction)
{
	if (record->armed & (direction == RECORD_SEND ? FD_WRITE : FD_READ | FD_CLOSE))
		netevent_look(record);
}

void netevent_forget(struct record *record)
{
	event_put(record->event);
	record->event = NULL;
	messages_release(record->messages);
	record->messages = NULL;
	record->selected = 0;
	record->happened = 0;
}

/* An invited call was made: the event may happen again, and may have already. */
static void netevent_rearm(SOCKET s, long events)
{
	struct record *record;

	if (!table_record(s))
		return;
	record_lock();
	record = record_find(s);
	if (record && record->selected) {
		record->armed |= events;
		netevent_look(record);
	}
	record_unlock();
}

void netevent_received(SOCKET s)
{
	netevent_rearm(s, FD_READ | FD_OOB);
}

void netevent_blocked(SOCKET s)
{
	netevent_rearm(s, FD_WRITE);
}

void netevent_connecting(SOCKET s, bool done)
{
	struct record *record;

	if (!table_record(s))
		return;
	record_lock();
	record = record_find(s);
	if (record && record->selected) {
		record->armed |= FD_CONNECT;
		record->connecting = true;
		if (done)
			netevent_connected(record, POLLOUT);
		netevent_look(record);
	}
	record_unlock();
}

/* Of a stream without a peer: a connect that is under way is ready for nothing. */
static bool netevent_is_connecting(SOCKET s)
{
	struct pollfd polled = { s, POLLIN | POLLOUT, 0 };

	return socket_option(s, SO_ACCEPTCONN) <= 0 && !poll(&polled, 1, 0);
}

/* It is watched. */
static void netevent_begin(struct record *record, long events)
{
	record->selected = events;
	record->happened = 0;
	record->armed = NETEVENT_KNOWN;
	if (!record->connecting) {
		record->connected = !record->stream || socket_is_connected(record->fd);
		record->connecting = !record->connected && netevent_is_connecting(record->fd);
	}
	netevent_look(record);
}

/* An association is exchanged for another one, or for none. 0 or an error. */
static int netevent_select(SOCKET s, struct event *event, struct messages *messages,
			   UINT message, long events)
{
	struct record *record;
	int error = 0;

	record_lock();
	record = events ? record_make(s) : record_find(s);
	if (events && !record)
		error = error_from_errno(errno);
	else if (events)
		error = helper_start();
	/* Whatever can fail does so while the old association is whole. */
	if (record && events && !error && !helper_watch(s, record->generation))
		error = WSAENOBUFS;
	if (error || !record) {
		event_put(event);
		messages_release(messages);
	} else {
		if (!events)
			netevent_suspend(record);
		netevent_forget(record);
		record->event = event;
		record->messages = messages;
		record->message = message;
		if (events)
			netevent_begin(record, events);
	}
	record_unlock();
	return error;
}

static bool netevent_check(SOCKET s, long events)
{
	int flags;

	if (!socket_check(s))
		return false;
	if (events & ~(long)FD_ALL_EVENTS) {
		error_fail(WSAEINVAL);
		return false;
	}
	/* Also when it is cancelled (O24). */
	flags = fcntl(s, F_GETFL);
	if (!(flags & O_NONBLOCK))
		fcntl(s, F_SETFL, flags | O_NONBLOCK);
	return true;
}

/* @event or @messages is held, unless @events is 0; the reference goes with the call. */
static int netevent_associate(SOCKET s, struct event *event, struct messages *messages,
			      UINT message, long events)
{
	int saved = errno, error;

	if (!netevent_check(s, events)) {
		event_put(event);
		messages_release(messages);
		errno = saved;
		return SOCKET_ERROR;
	}
	error = netevent_select(s, event, messages, message, events & NETEVENT_KNOWN);
	errno = saved;
	return error ? error_fail(error) : 0;
}

WINSOCK_API int WSAEventSelect(SOCKET s, WSAEVENT handle, long events)
{
	struct event *event = NULL;

	STARTED_OR(SOCKET_ERROR);
	if (events && !(event = event_get(handle)))
		return error_fail(WSAEINVAL);
	return netevent_associate(s, event, NULL, 0, events);
}

WINSOCK_API int WSAAsyncSelect(SOCKET s, HWND window, u_int message, long events)
{
	struct messages *messages = NULL;

	STARTED_OR(SOCKET_ERROR);
	if (events && !(messages = messages_get(window)))
		return error_fail(WSAEINVAL);
	return netevent_associate(s, NULL, messages, message, events);
}

WINSOCK_API int WSAEnumNetworkEvents(SOCKET s, WSAEVENT handle, LPWSANETWORKEVENTS events)
{
	struct event *event = NULL;
	struct record *record;
	int saved = errno;

	STARTED_OR(SOCKET_ERROR);
	if (!socket_check(s)) {
		errno = saved;
		return SOCKET_ERROR;
	}
	if (!option_readable(events, sizeof(*events)))
		return error_fail(WSAEFAULT);
	if (handle && !(event = event_get(handle)))
		return error_fail(WSAEINVAL);
	memset(events, 0, sizeof(*events));
	record_lock();
	record = record_find(s);
	if (event)
		event_reset(event);
	if (record) {
		events->lNetworkEvents = record->happened;
		for (int bit = 0; bit < FD_MAX_EVENTS; bit++)
			if (record->happened & 1L << bit)
				events->iErrorCode[bit] = record->errors[bit];
		record->happened = 0;
	}
	record_unlock();
	event_put(event);
	errno = saved;
	return 0;
}

bool netevent_selected(SOCKET s)
{
	struct record *record;
	bool selected;

	if (!table_record(s))
		return false;
	record_lock();
	record = record_find(s);
	selected = record && record->selected;
	record_unlock();
	return selected;
}

void netevent_accepted(SOCKET listener, SOCKET s)
{
	struct record *from, *record;

	if (!table_record(listener))
		return;
	record_lock();
	from = record_find(listener);
	if (from && from->selected) {
		record = s < 0 ? NULL : record_make(s);
		if (record && helper_watch(s, record->generation)) {
			if (from->event)
				event_hold(from->event);
			if (from->messages)
				messages_hold(from->messages);
			record->event = from->event;
			record->messages = from->messages;
			record->message = from->message;
			netevent_begin(record, from->selected);
		}
		from->armed |= FD_ACCEPT;
		netevent_look(from);
	}
	record_unlock();
}
