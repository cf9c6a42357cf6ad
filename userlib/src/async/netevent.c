// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Network events.
 *
 * epoll reports to the helper, edge-triggered, that a socket has news; netevent_look() finds out
 * which. An event that has happened is not looked for again until the call that it invites to: that
 * is Windows' rule, and saves the helper work on a busy socket. The rule survives a new
 * association: another choice of events signals none twice.
 */
#include "netevent.h"
#include "tcpinfo.h"

static void netevent_tell(struct channel *channel, int bit, int error)
{
	channel->enabled &= ~(1L << bit);
	channel->happened |= 1L << bit;
	channel->errors[bit] = error;
	event_set(channel->event);
}

static bool netevent_wants(const struct channel *channel, long event)
{
	return channel->enabled & channel->selected & event;
}

void netevent_connect_ended(struct channel *channel, int error)
{
	channel->connecting = false;
	channel->connected = !error;
	channel->connect_error = error;
	channel->enabled |= FD_READ | FD_WRITE | FD_OOB | FD_CLOSE;
	if (netevent_wants(channel, FD_CONNECT))
		netevent_tell(channel, FD_CONNECT_BIT, error);
}

/* The result of a connect that is over. SO_ERROR has it once: the program may have read it. */
static int netevent_result(const struct channel *channel)
{
	int error = error_from_errno(socket_option(channel->s, SO_ERROR));

	if (!error && tcpinfo_connect_failed(channel->s))
		error = channel->connect_error ?: WSAECONNREFUSED;
	return error;
}

static void netevent_connected(struct channel *channel, short ready)
{
	if (ready & (POLLOUT | POLLERR | POLLHUP))
		netevent_connect_ended(channel, netevent_result(channel));
}

void netevent_accepted(struct channel *channel)
{
	channel->connected = true;
	channel->connect_error = 0;
	channel->enabled = FD_ALL_EVENTS & ~FD_CONNECT;
	if (channel->selected)
		channel_watch(channel);
	netevent_look(channel);
}

/* Data can be read, or the end: the peer's, not our own. */
static void netevent_readable(struct channel *channel)
{
	SOCKET s = channel->s;
	ssize_t got = 1;
	char byte;

	/* A datagram socket's error is left to the call. After a reset nothing can be read. */
	if (channel->stream)
		got = io_past(s) ? 0 : recv(s, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (got > 0) {
		if (netevent_wants(channel, FD_READ))
			netevent_tell(channel, FD_READ_BIT, 0);
		return;
	}
	if (got < 0 && (errno == EAGAIN || errno == ENOTCONN))
		return;
	if (!got && !tcpinfo_peer_is_done(s))
		return;
	/* The peek has consumed the error: the program's own calls still have to fail (H4). */
	if (got < 0)
		handle_mark(s, errno == ECONNRESET ? HANDLE_RESET : HANDLE_ABORTED);
	if (netevent_wants(channel, FD_CLOSE))
		netevent_tell(channel, FD_CLOSE_BIT, io_past(s) ? WSAECONNABORTED : 0);
}

/* Pending operations take the data, or the room. */
static bool netevent_is_taken(const struct channel *channel, int direction)
{
	return channel->stream && channel->queues[direction].first;
}

void netevent_look(struct channel *channel)
{
	struct pollfd polled = { channel->s, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	if (!channel->selected || channel->closing || poll(&polled, 1, 0) < 1)
		return;
	if (socket_option(channel->s, SO_ACCEPTCONN) > 0) {
		if (netevent_wants(channel, FD_ACCEPT) && (polled.revents & POLLIN) &&
		    !netevent_is_taken(channel, IO_RECEIVE))
			netevent_tell(channel, FD_ACCEPT_BIT, 0);
		return;
	}
	/* ConnectEx() itself reports its error. */
	if (channel->connecting && !netevent_is_taken(channel, IO_SEND))
		netevent_connected(channel, polled.revents);
	if (!channel->connected)
		return;
	if (netevent_wants(channel, FD_WRITE) && (polled.revents & POLLOUT) &&
	    !(polled.revents & (POLLERR | POLLHUP)) && !netevent_is_taken(channel, IO_SEND))
		netevent_tell(channel, FD_WRITE_BIT, 0);
	if (netevent_wants(channel, FD_OOB) && (polled.revents & POLLPRI))
		netevent_tell(channel, FD_OOB_BIT, 0);
	if (netevent_wants(channel, FD_READ | FD_CLOSE) &&
	    (polled.revents & (POLLIN | POLLRDHUP | POLLHUP | POLLERR)) &&
	    !netevent_is_taken(channel, IO_RECEIVE))
		netevent_readable(channel);
}

void netevent_emptied(struct channel *channel, int direction)
{
	if (netevent_wants(channel, direction == IO_SEND ? FD_WRITE
							 : FD_READ | FD_CLOSE | FD_ACCEPT))
		netevent_look(channel);
}

void netevent_enable(struct channel *channel, long events)
{
	channel->enabled |= events;
	channel->happened &= ~events;
	netevent_look(channel);
}

void netevent_connecting(struct channel *channel, bool done)
{
	channel->enabled |= FD_CONNECT;
	channel->connecting = true;
	channel->connect_error = 0;
	if (done)
		netevent_connected(channel, POLLOUT);
	netevent_look(channel);
}

/* Is a connect under way on a stream without a peer? Then nothing is ready. */
static bool netevent_is_connecting(SOCKET s)
{
	struct pollfd polled = { s, POLLIN | POLLOUT, 0 };

	return socket_option(s, SO_ACCEPTCONN) <= 0 && !poll(&polled, 1, 0);
}

/* Has a connect failed before? */
static bool netevent_has_failed(SOCKET s)
{
	return (handle_bits(s) & HANDLE_CONNECTING) && tcpinfo_connect_failed(s);
}

/* Set what is known of a connect that was before, and signal it, unless that was done. */
static void netevent_begin(struct channel *channel)
{
	SOCKET s = channel->s;

	if (!channel->connecting && !channel->connected && !channel->connect_error) {
		channel->connected = !channel->stream || socket_is_connected(s);
		if (!channel->connected && netevent_has_failed(s))
			channel->connect_error = netevent_result(channel);
		else
			channel->connecting = !channel->connected && netevent_is_connecting(s);
	}
	if (!channel->stream || (handle_bits(s) & HANDLE_ACCEPTED))
		channel->enabled &= ~FD_CONNECT;
	if ((channel->connected || channel->connect_error) && netevent_wants(channel, FD_CONNECT))
		netevent_tell(channel, FD_CONNECT_BIT, channel->connect_error);
}

int netevent_select(struct channel *channel, struct event *event, long events)
{
	long before = channel->selected;
	int error;

	channel->selected = events;
	/* Do first what can fail, while the old association is whole. */
	error = events ? channel_watch(channel) : 0;
	if (error) {
		channel->selected = before;
		return error;
	}
	event_put(channel->event);
	channel->event = event;
	if (!events) {
		/* The watch for operations becomes one-shot again. */
		channel_unwatch(channel);
		return channel_watch(channel);
	}
	if (channel->happened & events)
		event_set(event);
	netevent_begin(channel);
	netevent_look(channel);
	return 0;
}
