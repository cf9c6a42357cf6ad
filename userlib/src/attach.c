// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ULP: with it the kernel keeps a lingering socket's deadline also where no closesocket() is
 * called, above all at exit.
 */
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "internal.h"

enum { ATTACH_UNKNOWN, ATTACH_OFF, ATTACH_ON };

static _Atomic int attach_setting;

static int attach_default(void)
{
	int setting = atomic_load_explicit(&attach_setting, memory_order_relaxed);
	const char *wish;

	if (setting)
		return setting;
	wish = getenv("WINSOCK_ATTACH");
	setting = wish && !strcmp(wish, "0") ? ATTACH_OFF : ATTACH_ON;
	atomic_store_explicit(&attach_setting, setting, memory_order_relaxed);
	return setting;
}

static int attach(SOCKET s)
{
	return setsockopt(s, SOL_TCP, TCP_ULP, WINSOCK_ULP, sizeof(WINSOCK_ULP));
}

void attach_quietly(SOCKET s)
{
	/* A socket that cannot be attached works without the ULP. */
	if (attach_default() == ATTACH_ON)
		attach(s);
}

WINSOCK_API int winsock_attach_default(int on)
{
	int before = attach_default();

	if (on >= 0)
		atomic_store(&attach_setting, on ? ATTACH_ON : ATTACH_OFF);
	return before == ATTACH_ON;
}

static bool attach_is_ours(SOCKET s)
{
	char name[16] = "";
	socklen_t size = sizeof(name) - 1;

	return !getsockopt(s, SOL_TCP, TCP_ULP, name, &size) && !strcmp(name, WINSOCK_ULP);
}

WINSOCK_API int winsock_attach(SOCKET s)
{
	int result = 0;
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	if (attach(s) && !(errno == EEXIST && attach_is_ours(s))) {
		switch (errno) {
		case EEXIST:
			result = error_fail(WSAEALREADY);
			break;
		case ENOENT:
		case ENOPROTOOPT:
			result = error_fail(WSAEOPNOTSUPP);
			break;
		default:
			result = error_fail_errno(errno);
			break;
		}
	}
	return result;
}
