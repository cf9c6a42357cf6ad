// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plain send of more bytes than an int counts, in one call; on the host, whose processor is fast
 * enough, with a stand-in for the device.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#include <winsock2.h>

#define PARTS	5
#define PART	(512u << 20)

static SOCKET peer;
static size_t got;

/* MSG_TRUNC discards the bytes without a copy. */
static void *discard(void *unused)
{
	static char block[1 << 20];
	int more;

	while ((more = recv(peer, block, sizeof(block), MSG_TRUNC)) > 0)
		got += more;
	return unused;
}

int main(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	int size = sizeof(name), result, all;
	SOCKET listener, s;
	WSABUF parts[PARTS];
	pthread_t thread;
	DWORD sent = 7;
	WSADATA data;
	char *memory;

	printf("TAP version 13\n1..1\n");
	memory = mmap(NULL, PART, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED || WSAStartup(MAKEWORD(2, 2), &data))
		return 1;
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	s = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&name, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&name, &size) ||
	    connect(s, (struct sockaddr *)&name, size))
		return 1;
	peer = accept(listener, NULL, NULL);
	if (pthread_create(&thread, NULL, discard, NULL))
		return 1;
	for (int i = 0; i < PARTS; i++)
		parts[i] = (WSABUF){ PART, memory };
	result = WSASend(s, parts, PARTS, &sent, 0, NULL, NULL);
	all = !result && sent == PARTS * PART;
	closesocket(s);
	pthread_join(thread, NULL);
	all = all && got == (size_t)PARTS * PART;
	printf("%sok 1 2.5 GB in one call\n", all ? "" : "not ");
	if (!all)
		printf("# Expected 0 and all of it, got: %d, %u sent, %zu received\n", result, sent,
		       got);
	WSACleanup();
	return !all;
}
