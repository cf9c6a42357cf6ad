// SPDX-License-Identifier: LGPL-2.1-or-later
/* winsockctl query and abort: one socket, or one pending close. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/winsock.h>

#include "ctl.h"
#include "out.h"

union socket_name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

__attribute__((noreturn))
static void socket_refused(const char *argument)
{
	switch (errno) {
	case ENOTSOCK:
		ctl_fail(CTL_FAILED, "%s is not a socket", argument);
	case EOPNOTSUPP:
		ctl_fail(CTL_FAILED, "%s is a socket of a kind that winsock does not close", argument);
	case ENOTCONN:
		ctl_fail(CTL_FAILED, "%s has no connection to reset", argument);
	case ENOENT:
		ctl_fail(CTL_FAILED, "no pending close %s", argument);
	case EPERM:
	case EACCES:
		ctl_fail(CTL_DENIED, "%s: %s", argument, *argument == '#' ?
			 "a pending close by its number is the administrator's" :
			 "a security module refuses");
	case EALREADY:
		ctl_fail(CTL_FAILED, "%s: this close was decided before", argument);
	default:
		ctl_fail(CTL_FAILED, "%s: %s", argument, strerror(errno));
	}
}

static void socket_name(const char *name, int fd,
			int (*ask)(int, struct sockaddr *, socklen_t *))
{
	char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];
	union socket_name of = { 0 };
	socklen_t size = sizeof(of);

	if (ask(fd, &of.any, &size))
		return;
	if (of.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &of.v4.sin_addr, address, sizeof(address));
		snprintf(text, sizeof(text), "%s:%u", address, ntohs(of.v4.sin_port));
	} else if (of.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &of.v6.sin6_addr, address, sizeof(address));
		snprintf(text, sizeof(text), "[%s]:%u", address, ntohs(of.v6.sin6_port));
	} else {
		return;
	}
	out_text(name, text);
}

static void socket_query_op(const struct ctl_target *target)
{
	struct pollfd polled = { .fd = target->fd, .events = POLLIN };
	struct winsock_record record;
	bool final = poll(&polled, 1, 0) == 1;

	if (final && read(target->fd, &record, sizeof(record)) != sizeof(record))
		ctl_fail(CTL_FAILED, "the record cannot be read: %s", strerror(errno));
	out_object(NULL);
	out_text("kind", "pending close");
	out_flag("final", final);
	if (final) {
		out_text("outcome", state_outcome(record.outcome));
		out_text("state", state_name(record.state));
		out_number("error", record.error);
		out_number("unacked", record.unacked);
		out_number("elapsed_ms", record.elapsed_ns / 1000000);
		out_number("tag", record.tag);
	}
	out_end();
}

void query_run(const struct ctl_options *options)
{
	int device = ctl_device();
	struct ctl_target target = target_open(options->argument);
	struct winsock_query query = { .fd = target.fd };

	if (target.id)
		ctl_fail(CTL_USAGE, "a pending close is listed by its number: winsockctl list");
	if (target.is_op) {
		socket_query_op(&target);
		return;
	}
	if (ioctl(device, WINSOCK_IOC_QUERY, &query))
		socket_refused(options->argument);
	out_object(NULL);
	out_text("kind", "socket");
	out_text("state", state_name(query.state));
	socket_name("local", target.fd, getsockname);
	socket_name("remote", target.fd, getpeername);
	out_flag("linger", query.flags & WINSOCK_QUERY_LINGER);
	out_number("linger_ms", query.linger_ns / 1000000);
	out_flag("nonblock", query.flags & WINSOCK_QUERY_NONBLOCK);
	out_flag("strict", query.flags & WINSOCK_QUERY_STRICT);
	out_flag("attached", query.flags & WINSOCK_QUERY_ATTACHED);
	out_flag("closing", query.flags & WINSOCK_QUERY_CLOSING);
	/* SHARED is not printed: winsockctl itself holds the socket. */
	out_number("unsent", query.unsent);
	out_number("unacked", query.unacked);
	out_number("unread", query.unread);
	out_flag("would_wait", query.flags & WINSOCK_QUERY_WOULD_BLOCK);
	out_end();
}

void abort_run(const struct ctl_options *options)
{
	int device = ctl_device();
	struct ctl_target target = target_open(options->argument);
	struct winsock_abort_id pending = { .id = target.id };
	struct winsock_abort call = { .fd = target.fd };
	int result;

	if (target.id)
		result = ioctl(device, WINSOCK_IOC_ABORT_ID, &pending);
	else if (target.is_op)
		result = ioctl(target.fd, WINSOCK_IOC_OP_ABORT);
	else
		result = ioctl(device, WINSOCK_IOC_ABORT, &call);
	if (result)
		socket_refused(options->argument);
	if (!out_json)
		return;
	out_object(NULL);
	out_text("aborted", target.is_op || target.id ? "pending close" : "socket");
	out_end();
}
