// SPDX-License-Identifier: GPL-2.0-only
/*
 * getaddrinfo() and its like on the host, with a stand-in for the device: libc's results, Windows'
 * last error. No name of this test is sent to a server.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <winsock2.h>
#include <ws2tcpip.h>

static int count, failed;

static void result(int ok, const char *name)
{
	count++;
	failed += !ok;
	printf("%s %d resolve: %s\n", ok ? "ok" : "not ok", count, name);
	WSASetLastError(0);
}

static int lookup(const char *node, const char *service, int family, int type, int flags)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = type, .ai_flags = flags };
	struct addrinfo *found = NULL;
	int error = getaddrinfo(node, service, &hints, &found);

	if (!error)
		freeaddrinfo(found);
	return error;
}

/* Instead of libc's, for the archive too: the machine's own name may need a server. */
int gethostname(char *name, size_t size)
{
	snprintf(name, size, "localhost");
	return 0;
}

static void *look_up_another(void *unused)
{
	return gethostbyname("127.0.0.2") ? unused : NULL;
}

int main(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	char node[64], service[64];
	struct hostent *host;
	pthread_t thread;
	WSADATA data;
	void *done;

	printf("TAP version 13\n1..15\n");
	result(lookup("127.0.0.1", NULL, AF_INET, 0, 0) == EAI_FAIL &&
	       WSAGetLastError() == WSANOTINITIALISED, "getaddrinfo() before WSAStartup()");
	result(!gethostbyname("127.0.0.1") && WSAGetLastError() == WSANOTINITIALISED,
	       "gethostbyname() before WSAStartup()");
	if (WSAStartup(MAKEWORD(2, 2), &data))
		return 1;
	result(!lookup("127.0.0.1", "80", AF_INET, SOCK_STREAM, 0) && !WSAGetLastError(),
	       "an address is found");
	result(lookup("no address", NULL, AF_INET, 0, AI_NUMERICHOST) == EAI_NONAME &&
	       WSAGetLastError() == WSAHOST_NOT_FOUND, "WSAHOST_NOT_FOUND");
	result(lookup("127.0.0.1", "no service", AF_INET, SOCK_STREAM, 0) == EAI_SERVICE &&
	       WSAGetLastError() == WSATYPE_NOT_FOUND, "WSATYPE_NOT_FOUND");
	result(lookup("127.0.0.1", NULL, 77, 0, 0) == EAI_FAMILY &&
	       WSAGetLastError() == WSAEAFNOSUPPORT, "WSAEAFNOSUPPORT");
	result(lookup("127.0.0.1", NULL, AF_INET, 77, 0) == EAI_SOCKTYPE &&
	       WSAGetLastError() == WSAESOCKTNOSUPPORT, "WSAESOCKTNOSUPPORT");
	result(lookup("127.0.0.1", NULL, AF_INET, 0, 1 << 30) == EAI_BADFLAGS &&
	       WSAGetLastError() == WSAEINVAL, "WSAEINVAL for flags");
	result(!lookup("", "80", AF_INET, SOCK_STREAM, 0) && !WSAGetLastError(),
	       "an empty name is this machine's");
	host = gethostbyname(NULL);
	result(host && !strcmp(host->h_name, "localhost"), "so is none, for gethostbyname()");
	host = gethostbyname("127.0.0.1");
	result(host && host->h_length == 4 && !WSAGetLastError(), "gethostbyname() of an address");
	result(!pthread_create(&thread, NULL, look_up_another, &data) &&
	       !pthread_join(thread, &done) && done && host &&
	       !memcmp(host->h_addr, "\x7f\0\0\1", 4), "each thread has its own answer");
	result(!gethostbyname("256.256.256.256") && WSAGetLastError() == WSAHOST_NOT_FOUND,
	       "WSAHOST_NOT_FOUND of gethostbyname()");
	result(!getnameinfo((struct sockaddr *)&name, sizeof(name), node, sizeof(node), service,
			    sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) &&
	       !strcmp(node, "0.0.0.0") && !strcmp(service, "0"), "getnameinfo()");
	result(getnameinfo((struct sockaddr *)&name, 3, node, sizeof(node), NULL, 0,
			   NI_NUMERICHOST) == EAI_FAMILY &&
	       WSAGetLastError() == WSAEAFNOSUPPORT, "of half an address");
	return failed != 0;
}
