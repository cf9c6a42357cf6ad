// SPDX-License-Identifier: LGPL-2.1-or-later
/* WSAEventSelect and WSAEnumNetworkEvents. */
#include <fcntl.h>

#include "layer.h"
#include "netevent.h"
#include "upper.h"

#define EVENTSELECT_KNOWN (FD_READ | FD_WRITE | FD_OOB | FD_ACCEPT | FD_CONNECT | FD_CLOSE)

/* @event is held, unless @events is 0; the call drops the reference. */
static int eventselect(SOCKET s, struct event *event, long events)
{
	struct channel *channel;
	int error = 0, flags;

	if (events & ~(long)FD_ALL_EVENTS)
		return WSAEINVAL;
	/* A cancelled association makes it non-blocking, too (O24). */
	flags = fcntl(s, F_GETFL);
	if (!(flags & O_NONBLOCK))
		fcntl(s, F_SETFL, flags | O_NONBLOCK);
	upper_begin();
	channel = events || layer_handle(s) ? channel_open(s, &error) : NULL;
	if (!channel)
		return error;
	error = netevent_select(channel, event, events & EVENTSELECT_KNOWN);
	channel_unlock(channel);
	return error;
}

WINSOCK_API int WSAEventSelect(SOCKET s, WSAEVENT handle, long events)
{
	struct event *event = NULL;
	int error;
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (events && !(event = event_get(handle)))
		return error_fail(WSAEINVAL);
	error = socket_check(s) ? eventselect(s, event, events) : WSAENOTSOCK;
	if (!error)
		return 0;
	event_put(event);
	return error_fail(error);
}

WINSOCK_API int WSAEnumNetworkEvents(SOCKET s, WSAEVENT handle, LPWSANETWORKEVENTS events)
{
	struct event *event = NULL;
	struct channel *channel;
	long happened;
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (!socket_check(s))
		return SOCKET_ERROR;
	if (!option_readable(events, sizeof(*events)))
		return error_fail(WSAEFAULT);
	if (handle && !(event = event_get(handle)))
		return error_fail(WSAEINVAL);
	memset(events, 0, sizeof(*events));
	channel = channel_find(s);
	if (event)
		event_reset(event);
	if (channel) {
		happened = channel->happened & channel->selected;
		events->lNetworkEvents = happened;
		for (int bit = 0; bit < FD_MAX_EVENTS; bit++)
			if (happened & 1L << bit)
				events->iErrorCode[bit] = channel->errors[bit];
		channel->happened &= ~happened;
		channel_unlock(channel);
	}
	event_put(event);
	return 0;
}
