// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names and addresses: libc's calls, with Windows' last error. A file of its own in the archive,
 * since a static program that calls any of these gets all of libc's resolver.
 */
#include <netdb.h>
#include <unistd.h>

#include "internal.h"

static int resolve_done(int result)
{
	switch (result) {
	case 0:
		return 0;
	case EAI_NONAME:
		error_fail(WSAHOST_NOT_FOUND);
		break;
	case EAI_AGAIN:
		error_fail(WSATRY_AGAIN);
		break;
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		error_fail(WSANO_DATA);
		break;
	case EAI_FAMILY:
		error_fail(WSAEAFNOSUPPORT);
		break;
	case EAI_SOCKTYPE:
		error_fail(WSAESOCKTNOSUPPORT);
		break;
	case EAI_SERVICE:
		error_fail(WSATYPE_NOT_FOUND);
		break;
	case EAI_BADFLAGS:
		error_fail(WSAEINVAL);
		break;
	case EAI_MEMORY:
		error_fail(WSA_NOT_ENOUGH_MEMORY);
		break;
	case EAI_OVERFLOW:
		error_fail(WSAEFAULT);
		break;
	case EAI_SYSTEM:
		error_fail_errno(errno);
		break;
	default:
		error_fail(WSANO_RECOVERY);
	}
	return result;
}

#define RESOLVE_NAME	256

/* An empty name is this machine's. */
static const char *resolve_name(const char *name, char *own)
{
	return *name || gethostname(own, RESOLVE_NAME) ? name : own;
}

WINSOCK_API int winsock_getaddrinfo(const char *node, const char *service,
				    const struct addrinfo *hints, struct addrinfo **result)
{
	char own[RESOLVE_NAME];
	BORDER;

	STARTED_OR(EAI_FAIL);
	if (node)
		node = resolve_name(node, own);
	return resolve_done(getaddrinfo(node, service, hints, result));
}

WINSOCK_API int winsock_getnameinfo(const struct sockaddr *name, int size, char *node,
				    DWORD node_size, char *service, DWORD service_size, int flags)
{
	BORDER;

	STARTED_OR(EAI_FAIL);
	return resolve_done(getnameinfo(name, size, node, node_size, service, service_size,
					flags));
}

WINSOCK_API struct hostent *winsock_gethostbyname(const char *name)
{
	char own[RESOLVE_NAME];
	struct hostent *found;
	BORDER;

	STARTED_OR(NULL);
	found = gethostbyname(resolve_name(name ?: "", own));
	if (!found)
		error_fail(h_errno > 0 ? WSABASEERR + 1000 + h_errno : WSANO_RECOVERY);
	return found;
}
