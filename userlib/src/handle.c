// SPDX-License-Identifier: LGPL-2.1-or-later
/* Handle state. See handle.h. */
#include <stdlib.h>

#include "handle.h"
#include "layer.h"
#include "wait.h"

const struct layer *_Atomic winsock_layer;

struct handle *_Atomic handle_chunks[HANDLE_CHUNKS];

struct handle *handle_make(SOCKET s)
{
	struct handle *handle = handle_find(s), *none = NULL, *chunk;

	if (handle || s < 0 || s >= HANDLE_CHUNK * HANDLE_CHUNKS)
		return handle;
	/* Zeroes are PTHREAD_MUTEX_INITIALIZER. */
	chunk = calloc(HANDLE_CHUNK, sizeof(*chunk));
	if (!chunk)
		return NULL;
	if (!atomic_compare_exchange_strong(&handle_chunks[s / HANDLE_CHUNK], &none, chunk))
		free(chunk);
	return handle_find(s);
}

void handle_each(void (*visit)(SOCKET s, struct handle *handle))
{
	for (int i = 0; i < HANDLE_CHUNKS; i++) {
		struct handle *chunk = atomic_load(&handle_chunks[i]);

		for (int j = 0; chunk && j < HANDLE_CHUNK; j++)
			visit(i * HANDLE_CHUNK + j, &chunk[j]);
	}
}

uint64_t handle_cookie(SOCKET s)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	return getsockopt(s, SOL_SOCKET, SO_COOKIE, &cookie, &size) ? 0 : cookie;
}

bool handle_claim(struct handle *handle, uint64_t cookie)
{
	uint64_t bits = atomic_load(&handle->bits);

	do {
		if (bits & HANDLE_GOING)
			return false;
	} while (!atomic_compare_exchange_weak(&handle->bits, &bits, 0));
	atomic_store(&handle->cookie, cookie);
	return true;
}

/* Drop the state of an earlier socket, which the program closed without the library. */
static void handle_forget(SOCKET s, struct handle *handle, uint64_t cookie)
{
	if (handle_claim(handle, cookie) && atomic_load(&handle->channel))
		layer_above()->forget(s, handle);
}

void handle_born(SOCKET s, uint64_t bits)
{
	struct handle *handle = handle_make(s);
	int saved = errno;

	if (!handle)
		return;
	if (atomic_load(&handle->channel))
		layer_above()->forget(s, handle);
	atomic_store(&handle->cookie, handle_cookie(s));
	atomic_store(&handle->bits, HANDLE_OURS | bits);
	errno = saved;
}

/*
 * Ask the kernel for the cookie, and read the known one. Cookies of two times, with a close or
 * AcceptEx() between them, would make a stranger of a socket that has its state. These two set
 * the known cookie while the bits have HANDLE_GOING; until then they are taken for the same.
 */
static uint64_t handle_ask(SOCKET s, struct handle *handle, uint64_t *known)
{
	uint64_t cookie, bits;

	do {
		*known = atomic_load(&handle->cookie);
		cookie = handle_cookie(s);
		bits = atomic_load(&handle->bits);
	} while (*known != atomic_load(&handle->cookie));
	if (bits & HANDLE_GOING)
		*known = cookie;
	return cookie;
}

/* Begin to keep state of a socket that the library did not make. False: it is none. */
static bool handle_adopt(SOCKET s, struct handle *handle)
{
	uint64_t known, cookie = handle_ask(s, handle, &known);

	if (cookie && known != cookie)
		handle_forget(s, handle, cookie);
	return cookie;
}

bool handle_outlast(SOCKET s, struct handle *handle, uint64_t *cookie)
{
	uint64_t bits = atomic_load(&handle->bits);

	/* Without a socket no cookie will be the same. AcceptEx() changes it. */
	if (!*cookie && (bits & (HANDLE_GOING | HANDLE_ACCEPTS)) == HANDLE_GOING)
		*cookie = handle_cookie(s) ?: UINT64_MAX;
	wait_pause();
	return !(atomic_load(&handle->bits) & HANDLE_LINGERS) &&
	       (!*cookie || handle_cookie(s) == *cookie);
}

uint64_t handle_settled(SOCKET s)
{
	struct handle *handle = handle_find(s);
	uint64_t cookie = 0;

	while (handle && (atomic_load(&handle->bits) & HANDLE_GOING) &&
	       handle_outlast(s, handle, &cookie))
		;
	return handle_bits(s);
}

/* False: a close is under way. */
static bool handle_update(struct handle *handle, uint64_t clear, uint64_t set)
{
	uint64_t bits = atomic_load(&handle->bits);

	while (!(bits & HANDLE_GOING))
		if (atomic_compare_exchange_weak(&handle->bits, &bits, (bits & ~clear) | set))
			return true;
	return false;
}

static bool handle_try(SOCKET s, struct handle *handle, uint64_t clear, uint64_t set)
{
	if (!(atomic_load(&handle->bits) & (HANDLE_OURS | HANDLE_GOING)) &&
	    !handle_adopt(s, handle))
		return true;
	return handle_update(handle, clear, set);
}

void handle_change(SOCKET s, uint64_t clear, uint64_t set)
{
	struct handle *handle = handle_make(s);
	int saved = errno;

	if (handle)
		handle_try(s, handle, clear, set);
	errno = saved;
}

void handle_set(SOCKET s, uint64_t clear, uint64_t set)
{
	struct handle *handle = handle_make(s);
	uint64_t cookie = 0;
	int saved = errno;

	while (handle && !handle_try(s, handle, clear, set) && handle_outlast(s, handle, &cookie))
		;
	errno = saved;
}

void handle_mark(SOCKET s, uint64_t bits)
{
	struct handle *handle;

	if (!(~handle_bits(s) & bits))
		return;
	handle = layer_handle(s);
	if (handle)
		handle_update(handle, 0, bits);
	else
		handle_change(s, 0, bits);
}

bool handle_verify(SOCKET s)
{
	struct handle *handle = handle_find(s);
	int saved = errno;
	uint64_t known, cookie;
	bool same;

	if (!handle || !atomic_load(&handle->cookie))
		return true;
	/* A close that is under way has set the known cookie to 0. */
	cookie = handle_ask(s, handle, &known);
	same = !known || cookie == known;
	if (!same)
		handle_forget(s, handle, 0);
	errno = saved;
	return same;
}

uint64_t handle_marks(SOCKET s, uint64_t bits)
{
	bits &= handle_bits(s);
	return bits && handle_verify(s) ? bits : 0;
}

SOCKET handle_twin(SOCKET s, uint64_t cookie)
{
	for (int i = 0; i < HANDLE_CHUNKS; i++) {
		struct handle *chunk = atomic_load(&handle_chunks[i]);

		for (int j = 0; chunk && j < HANDLE_CHUNK; j++)
			if (atomic_load(&chunk[j].cookie) == cookie &&
			    i * HANDLE_CHUNK + j != s &&
			    handle_cookie(i * HANDLE_CHUNK + j) == cookie)
				return i * HANDLE_CHUNK + j;
	}
	return INVALID_SOCKET;
}

uint64_t handle_leave(struct handle *handle, uint64_t *going)
{
	uint64_t bits = atomic_load(&handle->bits);
	uint64_t close = atomic_fetch_add(&handle->closes, 1);

	*going = (*going & HANDLE_ACCEPTS) | HANDLE_GOING | close << HANDLE_CLOSE_SHIFT;
	while (!(bits & HANDLE_GOING) &&
	       !atomic_compare_exchange_weak(&handle->bits, &bits, *going))
		;
	return bits;
}

void handle_end(struct handle *handle, uint64_t going, uint64_t bits, uint64_t cookie)
{
	uint64_t none = 0;

	/*
	 * The cookie first: from the change of the bits on the next close may begin. A new owner of
	 * the number has its own.
	 */
	atomic_compare_exchange_strong(&handle->cookie, &none, cookie);
	atomic_compare_exchange_strong(&handle->bits, &going, bits);
}
