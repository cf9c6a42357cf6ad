// SPDX-License-Identifier: GPL-2.0-only
/* A server of two workers, each of which begins to accept the next connection. See threads.h. */
#include <string.h>

#include <mswsock.h>

#include "threads.h"

#define WORKERS		2
#define CLIENTS		2
#define CONNECTIONS	8
#define DATA		4
#define PAUSE_US	500
#define ROOM		(sizeof(struct sockaddr_in) + 16)

#define STOP		((ULONG_PTR)1)

/* A connection that is waited for: one worker at a time has it. */
struct serving {
	WSAOVERLAPPED overlapped;	/* first, for casts */
	SOCKET s;
	bool takes_data;
	char buffer[DATA + 2 * ROOM];
};

struct server {
	SOCKET listener;
	struct sockaddr_in name;
	HANDLE port;
	pthread_mutex_t lock;
	struct serving serving[WORKERS];	/* under lock, as is the next one */
	unsigned int served;
};

/* The socket's port is set while a connection may come: the kernel's cookie is another one then. */
static void serve(struct server *server, struct serving *serving)
{
	pthread_mutex_lock(&server->lock);
	memset(&serving->overlapped, 0, sizeof(serving->overlapped));
	serving->s = socket(AF_INET, SOCK_STREAM, 0);
	THREADS_EXPECT(AcceptEx(server->listener, serving->s, serving->buffer,
				serving->takes_data ? DATA : 0, ROOM, ROOM, NULL,
				&serving->overlapped) ||
		       WSAGetLastError() == WSA_IO_PENDING);
	THREADS_EXPECT(CreateIoCompletionPort((HANDLE)(intptr_t)serving->s, server->port, 0, 0));
	pthread_mutex_unlock(&server->lock);
}

static void *work(void *argument)
{
	struct server *server = argument;
	struct serving *serving;
	LPOVERLAPPED overlapped;
	ULONG_PTR key;
	DWORD moved;

	for (;;) {
		THREADS_EXPECT(GetQueuedCompletionStatus(server->port, &moved, &key, &overlapped,
							 INFINITE));
		if (key == STOP)
			return NULL;
		serving = (struct serving *)overlapped;
		pthread_mutex_lock(&server->lock);
		server->served++;
		THREADS_EXPECT(moved == (serving->takes_data ? DATA : 0));
		THREADS_EXPECT(!closesocket(serving->s));
		pthread_mutex_unlock(&server->lock);
		serve(server, serving);
	}
}

static void *visit(void *argument)
{
	struct server *server = argument;
	char byte;

	for (int i = 0; i < CONNECTIONS; i++) {
		SOCKET s = socket(AF_INET, SOCK_STREAM, 0);

		THREADS_EXPECT(!connect(s, (struct sockaddr *)&server->name,
					sizeof(server->name)));
		/* Long enough for AcceptEx() to be handed on. */
		usleep(i % 2 * PAUSE_US);
		send(s, "data", DATA, 0);
		/* The end, or a reset where data came too late for AcceptEx(). */
		THREADS_EXPECT(recv(s, &byte, 1, 0) <= 0);
		closesocket(s);
	}
	return NULL;
}

/* While one worker hands a connection on another one begins to accept the next. */
void served_round(struct party *party)
{
	struct server server = { .lock = PTHREAD_MUTEX_INITIALIZER };
	unsigned int pending = 1 + threads_random(party, WORKERS);
	pthread_t workers[WORKERS], clients[CLIENTS];

	server.listener = threads_listen(CLIENTS, &server.name);
	server.port = CreateIoCompletionPort((HANDLE)(intptr_t)server.listener, NULL, 0, 0);
	for (unsigned int i = 0; i < pending; i++) {
		server.serving[i].takes_data = threads_random(party, 2);
		serve(&server, &server.serving[i]);
	}
	for (int i = 0; i < WORKERS; i++)
		workers[i] = threads_begin(work, &server);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = threads_begin(visit, &server);
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(clients[i], NULL);
	for (int i = 0; i < WORKERS; i++)
		PostQueuedCompletionStatus(server.port, 0, STOP, NULL);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	THREADS_EXPECT(server.served == CLIENTS * CONNECTIONS);
	THREADS_EXPECT(!closesocket(server.listener));
	for (unsigned int i = 0; i < pending; i++) {
		THREADS_EXPECT(HasOverlappedIoCompleted(&server.serving[i].overlapped));
		THREADS_EXPECT(!closesocket(server.serving[i].s));
	}
	THREADS_EXPECT(CloseHandle(server.port));
	pthread_mutex_destroy(&server.lock);
}
