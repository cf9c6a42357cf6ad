// SPDX-License-Identifier: GPL-2.0-only
/* The ULP: attaching, asking, and the options at SOL_WINSOCK. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/winsock.h>

#include "ulp.h"

int ulp_attach_name(int fd, const char *name)
{
	return setsockopt(fd, SOL_TCP, TCP_ULP, name, strlen(name) + 1) ? -errno : 0;
}

int ulp_attach(int fd)
{
	return ulp_attach_name(fd, WINSOCK_ULP);
}

bool ulp_is_attached(int fd)
{
	char name[16] = "";
	socklen_t size = sizeof(name) - 1;

	return !getsockopt(fd, SOL_TCP, TCP_ULP, name, &size) && !strcmp(name, WINSOCK_ULP);
}

int ulp_set_int(int fd, int name, int value)
{
	return setsockopt(fd, SOL_WINSOCK, name, &value, sizeof(value)) ? -errno : 0;
}

int ulp_get_int(int fd, int name)
{
	int value;
	socklen_t size = sizeof(value);

	if (getsockopt(fd, SOL_WINSOCK, name, &value, &size))
		return ULP_ERROR(errno);
	return value;
}

int ulp_set_linger(int fd, unsigned int on, unsigned int seconds)
{
	struct winsock_so_linger linger = { on, seconds };

	return setsockopt(fd, SOL_WINSOCK, WINSOCK_SO_LINGER, &linger, sizeof(linger)) ?
	       -errno : 0;
}
