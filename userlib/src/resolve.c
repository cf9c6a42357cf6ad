// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names and addresses: libc's calls, with Windows' last error. A file of its own in the archive,
 * since a static program that calls any of these gets all of libc's resolver.
 */
#include <netdb.h>
#include <stdlib.h>
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

#define RESOLVE_FIRST	1024
#define RESOLVE_LAST	(1 << 20)

/* The answer belongs to the thread, until its next call or its end. */
struct resolve_answer {
	struct hostent host;
	size_t size;
	char data[];
};

static pthread_key_t resolve_key;
static bool resolve_keyed;

static void resolve_make_key(void)
{
	resolve_keyed = !pthread_key_create(&resolve_key, free);
}

/* Return the thread's answer, with this room or more. NULL: no memory. */
static struct resolve_answer *resolve_room(size_t size)
{
	struct resolve_answer *answer = resolve_keyed ? pthread_getspecific(resolve_key) : NULL;

	if (answer && answer->size >= size)
		return answer;
	free(answer);
	answer = resolve_keyed ? malloc(sizeof(*answer) + size) : NULL;
	if (answer)
		answer->size = size;
	if (resolve_keyed && pthread_setspecific(resolve_key, answer)) {
		free(answer);
		return NULL;
	}
	return answer;
}

WINSOCK_API struct hostent *winsock_gethostbyname(const char *name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct resolve_answer *answer;
	struct hostent *found = NULL;
	char own[RESOLVE_NAME];
	int reason = 0, result = ERANGE;
	BORDER;

	STARTED_OR(NULL);
	pthread_once(&once, resolve_make_key);
	name = resolve_name(name ?: "", own);
	for (size_t size = RESOLVE_FIRST; result == ERANGE && size <= RESOLVE_LAST; size *= 2) {
		answer = resolve_room(size);
		if (!answer) {
			error_fail(WSA_NOT_ENOUGH_MEMORY);
			return NULL;
		}
		result = gethostbyname_r(name, &answer->host, answer->data, answer->size, &found,
					 &reason);
	}
	if (!found)
		error_fail(reason > 0 ? WSABASEERR + 1000 + reason : WSANO_RECOVERY);
	return found;
}
