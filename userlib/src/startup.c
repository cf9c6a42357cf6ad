// SPDX-License-Identifier: LGPL-2.1-or-later
/* WSAStartup and WSACleanup: the device, counted. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <sys/stat.h>

#include "close.h"
#include "fork.h"
#include "startup.h"

static pthread_mutex_t startup_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned int startup_count;	/* written under startup_mutex */
static _Atomic int startup_fd = -1;		/* the same, but see startup_reopen() */
static _Atomic dev_t startup_device;		/* its device number */
static const char *_Atomic startup_why = "";

void startup_lock(void)
{
	pthread_mutex_lock(&startup_mutex);
}

void startup_unlock(void)
{
	pthread_mutex_unlock(&startup_mutex);
}

bool startup_done(void)
{
	return atomic_load_explicit(&startup_count, memory_order_acquire);
}

static const char *startup_explain(int error)
{
	switch (error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		/* sysfs shows the machine's modules in a container, too. */
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

/* Returns the device's descriptor, or -1 with startup_why set. */
static int startup_open(void)
{
	struct winsock_info info = { 0 };
	int fd = open(WINSOCK_DEVICE, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0) {
		startup_why = startup_explain(errno);
		return -1;
	}
	if (ioctl(fd, WINSOCK_IOC_INFO, &info) || fstat(fd, &status)) {
		startup_why = startup_explain(errno);
	} else if (info.abi_version < WINSOCK_ABI_VERSION) {
		startup_why = "the winsock module is too old for this library: install a newer module";
	} else {
		startup_why = "";
		startup_device = status.st_rdev;
		return fd;
	}
	close(fd);
	return -1;
}

/* Is the number still the device? */
static bool startup_is_device(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISCHR(status.st_mode) && status.st_rdev == startup_device;
}

/*
 * The program has closed the descriptor, whose number may be any file by now. True: there is a new
 * one. Does not take the lock, which the last WSACleanup() holds while it waits for closes.
 */
static bool startup_reopen(int fd)
{
	int before = fd;

	if (atomic_load(&startup_fd) == fd) {
		if (fd < 0 || startup_is_device(fd))
			return false;
		fd = startup_open();
		if (fd >= 0 && !atomic_compare_exchange_strong(&startup_fd, &before, fd))
			close(fd);
	}
	return fd >= 0 && startup_done();
}

int startup_ioctl(unsigned long request, void *argument)
{
	int fd = atomic_load_explicit(&startup_fd, memory_order_acquire), error;
	int result = ioctl(fd, request, argument);

	if (result >= 0 || (errno != EBADF && errno != ENOTTY && errno != EINVAL))
		return result;
	error = errno;
	if (startup_reopen(fd))
		return ioctl(atomic_load(&startup_fd), request, argument);
	errno = error;
	return -1;
}

WINSOCK_API const char *winsock_startup_error(void)
{
	return atomic_load(&startup_why);
}

static void startup_fill(LPWSADATA data, WORD version)
{
	unsigned int major = LOBYTE(version), minor = HIBYTE(version);

	/* The next lower version that exists: 1.0, 1.1, 2.0 to 2.2. */
	if (major > 2 || minor > major)
		minor = major > 1 ? 2 : 1;
	memset(data, 0, sizeof(*data));
	data->wVersion = MAKEWORD(major > 2 ? 2 : major, minor);
	data->wHighVersion = MAKEWORD(2, 2);
	/* For Winsock 2 programs these are 0. */
	data->iMaxSockets = major > 1 ? 0 : 32767;
	data->iMaxUdpDg = major > 1 ? 0 : 65467;
	snprintf(data->szDescription, sizeof(data->szDescription), "WinSock 2.0");
	snprintf(data->szSystemStatus, sizeof(data->szSystemStatus), "Running");
}

WINSOCK_API int WSAStartup(WORD version, LPWSADATA data)
{
	int fd, result = 0;
	BORDER;

	if (!data)
		return WSAEFAULT;
	if (!LOBYTE(version)) {
		startup_fill(data, MAKEWORD(2, 2));
		return WSAVERNOTSUPPORTED;
	}
	startup_fill(data, version);
	fork_watch();
	startup_lock();
	if (!startup_done()) {
		fd = startup_open();
		if (fd < 0)
			result = WSASYSNOTREADY;
		else
			atomic_store(&startup_fd, fd);
	}
	if (!result)
		atomic_fetch_add(&startup_count, 1);
	startup_unlock();
	return result;
}

WINSOCK_API int WSACleanup(void)
{
	int fd, result = 0;
	BORDER;

	startup_lock();
	if (atomic_load(&startup_count) == 1) {
		/* The sockets first: resetting them needs the device (X2). */
		handle_each(close_destroy);
		fd = atomic_exchange(&startup_fd, -1);
		if (startup_is_device(fd))
			close(fd);
	}
	if (startup_done())
		atomic_fetch_sub(&startup_count, 1);
	else
		result = error_fail(WSANOTINITIALISED);
	startup_unlock();
	return result;
}
