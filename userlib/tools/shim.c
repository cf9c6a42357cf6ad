// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The shim of winsock-run, preloaded into a program that cannot be changed: its TCP
 * sockets are attached to the kernel's ULP, and close(2) may refuse as closesocket()
 * does. Whatever cannot be had, the program runs as without.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/winsock.h>

#include "run.h"

#define SHIM_EXPORT	__attribute__((visibility("default")))

static int (*shim_socket)(int, int, int);
static int (*shim_listen)(int, int);
static int (*shim_accept4)(int, struct sockaddr *, socklen_t *, int);
static int (*shim_setsockopt)(int, int, int, const void *, socklen_t);
static int (*shim_close)(int);
/* Read once: programs overwrite their environment. */
static bool shim_refuses;
static bool shim_verbose;

static bool shim_wish(const char *name)
{
	const char *value = getenv(name);

	return value && !strcmp(value, "1");
}

/* Other libraries' constructors may be ahead of ours: every call comes by here. */
__attribute__((constructor)) static void shim_prepare(void)
{
	if (shim_close)
		return;
	shim_refuses = shim_wish(RUN_WOULD_BLOCK);
	shim_verbose = shim_wish(RUN_VERBOSE);
	shim_socket = dlsym(RTLD_NEXT, "socket");
	shim_listen = dlsym(RTLD_NEXT, "listen");
	shim_accept4 = dlsym(RTLD_NEXT, "accept4");
	shim_setsockopt = dlsym(RTLD_NEXT, "setsockopt");
	shim_close = dlsym(RTLD_NEXT, "close");
}

static bool shim_is_attached(int fd)
{
	char name[16] = "";
	socklen_t size = sizeof(name) - 1;

	return !getsockopt(fd, SOL_TCP, TCP_ULP, name, &size) && !strcmp(name, WINSOCK_ULP);
}

static void shim_attach(int fd)
{
	int saved = errno;

	if (shim_setsockopt(fd, SOL_TCP, TCP_ULP, WINSOCK_ULP, sizeof(WINSOCK_ULP)) &&
	    shim_verbose && !(errno == EEXIST && shim_is_attached(fd)))
		dprintf(STDERR_FILENO, "winsock-run: socket %d stays as it is: %s\n", fd,
			errno == EEXIST ? "it has kTLS or another ULP, and there can be only one"
					: strerror(errno));
	errno = saved;
}

/* The other order: TLS libraries take the refusal in silence. */
SHIM_EXPORT int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	int result, error;

	shim_prepare();
	result = shim_setsockopt(fd, level, option, value, size);
	error = errno;
	if (result && level == SOL_TCP && option == TCP_ULP && error == EEXIST && shim_verbose)
		dprintf(STDERR_FILENO, "winsock-run: socket %d gets no kTLS or other ULP: it is "
			"attached to winsock, and there can be only one; the program that wants "
			"kTLS has to run without winsock-run\n", fd);
	errno = error;
	return result;
}

static bool shim_is_tcp(int fd)
{
	int type = 0, family = 0, protocol = 0, saved = errno;
	socklen_t size = sizeof(int);
	bool is;

	is = !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
	     !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) &&
	     !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) &&
	     type == SOCK_STREAM && protocol == IPPROTO_TCP &&
	     (family == AF_INET || family == AF_INET6);
	errno = saved;
	return is;
}

SHIM_EXPORT int socket(int family, int type, int protocol)
{
	int fd;

	shim_prepare();
	fd = shim_socket(family, type, protocol);
	if (fd >= 0 && shim_is_tcp(fd))
		shim_attach(fd);
	return fd;
}

/* What it accepts inherits the ULP. */
SHIM_EXPORT int listen(int fd, int backlog)
{
	shim_prepare();
	if (shim_is_tcp(fd))
		shim_attach(fd);
	return shim_listen(fd, backlog);
}

/* A listener may have been handed over, listening. */
SHIM_EXPORT int accept4(int fd, struct sockaddr *name, socklen_t *size, int flags)
{
	int accepted;

	shim_prepare();
	accepted = shim_accept4(fd, name, size, flags);
	if (accepted >= 0 && shim_is_tcp(accepted))
		shim_attach(accepted);
	return accepted;
}

SHIM_EXPORT int accept(int fd, struct sockaddr *name, socklen_t *size)
{
	return accept4(fd, name, size, 0);
}

/* Would closesocket() refuse? Only then is the kernel asked to close. */
static bool shim_lingers(int fd)
{
	const unsigned int all = WINSOCK_QUERY_LINGER | WINSOCK_QUERY_NONBLOCK |
				 WINSOCK_QUERY_WOULD_BLOCK;
	struct winsock_query query;
	socklen_t size = sizeof(query);

	return !getsockopt(fd, SOL_WINSOCK, WINSOCK_SO_INFO, &query, &size) &&
	       (query.flags & all) == all && query.linger_ns;
}

/*
 * 0 closed, 1 refused, -1 not ours to say. The device is opened for each: programs
 * close descriptors that they do not know.
 */
static int shim_ask(int fd)
{
	struct winsock_close call = {
		.fd = fd,
		.flags = WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_IF_LAST |
			 WINSOCK_CLOSE_NONBLOCKING,
	};
	int device = open(WINSOCK_DEVICE, O_RDONLY | O_CLOEXEC), answer = -1;

	if (device < 0)
		return -1;
	if (!ioctl(device, WINSOCK_IOC_CLOSE, &call))
		answer = 0;
	else if (errno == EWOULDBLOCK)
		answer = 1;
	shim_close(device);
	return answer;
}

SHIM_EXPORT int close(int fd)
{
	int saved = errno, answer;

	shim_prepare();
	if (shim_refuses && fd >= 0 && shim_lingers(fd)) {
		answer = shim_ask(fd);
		errno = answer > 0 ? EWOULDBLOCK : saved;
		if (answer >= 0)
			return -answer;
	}
	errno = saved;
	return shim_close(fd);
}
