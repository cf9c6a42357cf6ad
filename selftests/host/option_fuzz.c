// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer on the library's parsers: socket options of any name, size and content, also at the
 * edge of readable memory, under ASan and UBSan. The sockets are the host's and never connected;
 * the module is not needed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../../userlib/src/fork.h"
#include "../../userlib/src/startup.h"

/* Stands in for startup.c and fork.c: the library is started, and does not fork. */
bool startup_done(void)
{
	return true;
}

int startup_ioctl(unsigned long request, void *argument)
{
	(void)request;
	(void)argument;
	errno = EOPNOTSUPP;
	return -1;
}

unsigned int fork_generation(void)
{
	return 0;
}

static char *edge_end(void)
{
	static char *memory;

	if (!memory) {
		memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(memory + 4096, 4096, PROT_NONE);
	}
	return memory + 4096;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int names[] = { SO_LINGER, SO_DONTLINGER, SO_RCVTIMEO, SO_SNDTIMEO,
				     SO_ERROR, SO_TYPE, SO_REUSEADDR, SO_KEEPALIVE };
	SOCKET s;
	int kind;

	if (size < 4)
		return 0;
	kind = data[0] % 2 ? SOCK_STREAM : SOCK_DGRAM;
	s = winsock_socket(AF_INET, kind, 0);
	while (size >= 4) {
		int name = names[data[0] % 8], level = data[1] & 1 ? SOL_SOCKET : data[1];
		int length = (signed char)data[2], room = length;
		size_t rest = size - 4 < 64 ? size - 4 : 64;
		char *end = edge_end(), *value = end - rest;

		memcpy(value, data + 4, rest);
		if (data[3] & 1)
			value = end - (data[3] >> 1) % 64;
		/* For plain options all claimed memory must be readable. */
		if (length > end - value && name != SO_LINGER && name != SO_DONTLINGER)
			length = room = end - value;
		if (data[3] & 2)
			winsock_setsockopt(s, level, name, data[3] & 4 ? NULL : value, length);
		else if (room <= end - value)
			winsock_getsockopt(s, level, name, data[3] & 4 ? NULL : value,
					   data[3] & 8 ? NULL : &room);
		data += 4;
		size -= 4;
	}
	close(s);
	return 0;
}
