// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors over AF_UNIX sockets. */
#include <string.h>
#include <sys/socket.h>

#include "pass.h"

/* Room for one descriptor. */
union pass_space {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int pass_send(int channel, int fd)
{
	union pass_space space = { .header = {
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(int)),
	} };
	struct iovec text = { "f", 1 };
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1,
		.msg_control = &space, .msg_controllen = sizeof(space),
	};

	memcpy(CMSG_DATA(&space.header), &fd, sizeof(int));
	return sendmsg(channel, &message, 0);
}

int pass_receive(int channel)
{
	union pass_space space = { .header = { .cmsg_len = 0 } };
	char byte;
	struct iovec text = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1,
		.msg_control = &space, .msg_controllen = sizeof(space),
	};
	int fd = -1;

	if (recvmsg(channel, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}
