// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls of /dev/winsock as calls. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dev.h"

void dev_require(void)
{
	if (!access(WINSOCK_DEVICE, F_OK))
		return;
	printf("TAP version 13\n1..0 # SKIP no " WINSOCK_DEVICE ": load the module\n");
	exit(4);
}

int dev_open(void)
{
	return open(WINSOCK_DEVICE, O_RDONLY | O_CLOEXEC);
}

static int dev_call(int dev, unsigned long request, void *argument)
{
	return ioctl(dev, request, argument) ? -errno : 0;
}

int dev_info(int dev, struct winsock_info *info)
{
	return dev_call(dev, WINSOCK_IOC_INFO, info);
}

int dev_query(int dev, int fd, struct winsock_query *query)
{
	memset(query, 0, sizeof(*query));
	query->fd = fd;
	return dev_call(dev, WINSOCK_IOC_QUERY, query);
}

int dev_abort(int dev, int fd)
{
	struct winsock_abort call = { .fd = fd };

	return dev_call(dev, WINSOCK_IOC_ABORT, &call);
}

int dev_close(int dev, int fd, unsigned int flags, unsigned long long timeout_ns,
	      struct winsock_close *call)
{
	/* Outputs start with values that no success leaves. */
	memset(call, 0xa5, sizeof(*call));
	call->fd = fd;
	call->flags = flags;
	call->cookie = 0;
	call->timeout_ns = timeout_ns;
	call->tag = 0;
	return dev_call(dev, WINSOCK_IOC_CLOSE, call);
}

int dev_finish(struct winsock_close *call)
{
	ssize_t got;

	if (call->op_fd < 0)
		return 0;
	do
		got = read(call->op_fd, &call->record, sizeof(call->record));
	while (got < 0 && errno == EINTR);
	if (got != sizeof(call->record))
		return got < 0 ? -errno : -EIO;
	/* As the library does: close it, unless it is another file by now. */
	if (ioctl(call->op_fd, WINSOCK_IOC_OP_CANCEL) &&
	    (errno == EALREADY || errno == EPERM) && close(call->op_fd))
		return -errno;
	call->op_fd = -1;
	return 0;
}

int dev_close_wait(int dev, int fd, unsigned int flags, unsigned long long timeout_ns,
		   struct winsock_close *call)
{
	return dev_close(dev, fd, flags, timeout_ns, call) ?: dev_finish(call);
}

int dev_closesocket(int dev, int fd, struct winsock_close *call)
{
	return dev_close_wait(dev, fd, DEV_CLOSESOCKET, 0, call);
}

uint64_t dev_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) ? 0 : cookie;
}

int dev_references(int built_in)
{
	FILE *file = fopen("/sys/module/winsock/refcnt", "r");
	int count = built_in;

	if (file) {
		if (fscanf(file, "%d", &count) != 1)
			count = -1;
		fclose(file);
	}
	return count;
}
