// SPDX-License-Identifier: LGPL-2.1-or-later
/* WSAStartup and WSACleanup: the device, counted. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "fork.h"
#include "internal.h"

static pthread_mutex_t startup_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int startup_count;	/* under startup_lock */
static _Atomic int startup_fd = -1;
static const char *startup_why = "";	/* under startup_lock */

void startup_fork(enum fork_phase phase)
{
	fork_mutex(&startup_lock, phase);
}

int startup_device(void)
{
	return atomic_load_explicit(&startup_fd, memory_order_acquire);
}

static const char *startup_explain(int error)
{
	switch (error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		/* sysfs tells of the machine's modules in a container, too. */
		if (!access("/sys/module/winsock", F_OK))
			return "the kernel module winsock is loaded, but " WINSOCK_DEVICE
			       " is not here: pass the device into the container "
			       "(docker run --device " WINSOCK_DEVICE ")";
		return WINSOCK_DEVICE " is not there: load the kernel module winsock "
		       "(modprobe winsock; of a container, on its host)";
	case EACCES:
	case EPERM:
		return WINSOCK_DEVICE " may not be opened: its mode, a sandbox or a device "
		       "policy is in the way";
	case ENOTTY:
		return WINSOCK_DEVICE " is not the winsock module's device";
	default:
		return WINSOCK_DEVICE " cannot be used";
	}
}

/* The device, or -1 with startup_why set. */
static int startup_open(void)
{
	struct winsock_info info = { 0 };
	int fd = open(WINSOCK_DEVICE, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		startup_why = startup_explain(errno);
		return -1;
	}
	if (ioctl(fd, WINSOCK_IOC_INFO, &info)) {
		startup_why = startup_explain(errno);
	} else if (info.abi_version < WINSOCK_ABI_VERSION) {
		startup_why = "the winsock module is too old for this library: install a newer module";
	} else {
		startup_why = "";
		return fd;
	}
	close(fd);
	return -1;
}

WINSOCK_API const char *winsock_startup_error(void)
{
	const char *why;

	pthread_mutex_lock(&startup_lock);
	why = startup_why;
	pthread_mutex_unlock(&startup_lock);
	return why;
}

static void startup_fill(LPWSADATA data, WORD version)
{
	const WORD highest = MAKEWORD(2, 2);
	bool above = LOBYTE(version) > 2 ||
		     (LOBYTE(version) == 2 && HIBYTE(version) > 2);

	memset(data, 0, sizeof(*data));
	data->wVersion = above ? highest : version;
	data->wHighVersion = highest;
	snprintf(data->szDescription, sizeof(data->szDescription), "WinSock 2.0");
	snprintf(data->szSystemStatus, sizeof(data->szSystemStatus), "Running");
}

WINSOCK_API int WSAStartup(WORD version, LPWSADATA data)
{
	int saved = errno, result = 0;

	if (!data)
		return WSAEFAULT;
	if (!LOBYTE(version)) {
		startup_fill(data, MAKEWORD(2, 2));
		return WSAVERNOTSUPPORTED;
	}
	startup_fill(data, version);
	fork_watch();

	pthread_mutex_lock(&startup_lock);
	if (!startup_count) {
		int fd = startup_open();

		if (fd < 0)
			result = WSASYSNOTREADY;
		else
			atomic_store_explicit(&startup_fd, fd, memory_order_release);
	}
	if (!result)
		startup_count++;
	pthread_mutex_unlock(&startup_lock);
	errno = saved;
	return result;
}

WINSOCK_API int WSACleanup(void)
{
	int saved = errno, result = 0;

	pthread_mutex_lock(&startup_lock);
	if (!startup_count) {
		result = error_fail(WSANOTINITIALISED);
	} else if (!--startup_count) {
		int fd = startup_device();

		/* The sockets first: resetting them takes the device (X2). */
		table_each(close_destroy);
		atomic_store_explicit(&startup_fd, -1, memory_order_release);
		close(fd);
	}
	pthread_mutex_unlock(&startup_lock);
	errno = saved;
	return result;
}
