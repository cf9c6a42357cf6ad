/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that move from one listener to another (SO_REUSEPORT, net.ipv4.tcp_migrate_req), for
 * each way in which TCP makes a child.
 */
#ifndef MIGRATION_H
#define MIGRATION_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"
#include "ulp.h"

enum migration_way {
	/* The child is complete, and in the accept queue. */
	MIGRATION_QUEUED,
	/* The request is in the queue; the other listener makes its child. */
	MIGRATION_DEFERRED,
	/* TCP makes the child from a cookie. */
	MIGRATION_COOKIE,
	/* TCP makes the child from a SYN with data, and gets no more segments. */
	MIGRATION_FASTOPEN,
	MIGRATION_WAYS,
	/* The client of the request gets no segment: only the timer moves the request. */
	MIGRATION_HALF_OPEN = MIGRATION_WAYS
};

/**
 * struct migration - one case
 * @family:	of all sockets
 * @way:	enum: what migrates
 * @from:	the listener that is closed is attached
 * @to:		the listener that gets the connection is attached
 * @late:	they were attached while they listened
 */
struct migration {
	enum net_family family;
	enum migration_way way;
	bool from, to, late;
};

#define MIGRATIONS (3 * MIGRATION_WAYS * 3 * 2)

/* The cases, from 0 to MIGRATIONS - 1; families change last. */
static inline struct migration migration_number(int number)
{
	int who = number / MIGRATION_WAYS % 3;

	return (struct migration) {
		.way = number % MIGRATION_WAYS,
		.from = who != 1,
		.to = who != 0,
		.late = number / MIGRATION_WAYS / 3 % 2,
		.family = number / MIGRATION_WAYS / 3 / 2 % 3,
	};
}

static inline void migration_setting(const char *name, const char *value)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	file = fopen(path, "w");
	if (!file || fprintf(file, "%s\n", value) < 0 || fclose(file)) {
		printf("# set-up failed: %s: %s\n", path, strerror(errno));
		abort();
	}
}

/* A counter of TCP in this namespace; 0 if the kernel has none of that name. */
static inline long migration_counter(const char *name)
{
	static char names[8192], values[8192];
	char *key, *value, *keys, *counts;
	FILE *file = fopen("/proc/net/netstat", "r");
	long found = 0;

	while (file && fgets(names, sizeof(names), file) &&
	       fgets(values, sizeof(values), file)) {
		key = strtok_r(names, " \n", &keys);
		value = strtok_r(values, " \n", &counts);
		while (key && value) {
			if (!strcmp(key, name))
				found = atol(value);
			key = strtok_r(NULL, " \n", &keys);
			value = strtok_r(NULL, " \n", &counts);
		}
	}
	if (file)
		fclose(file);
	return found;
}

/* Prepare the test's own namespace. The debug kernel has no cookies. */
static inline bool migration_prepare(void)
{
	bool cookies = !access("/proc/sys/net/ipv4/tcp_syncookies", F_OK);

	migration_setting("tcp_migrate_req", "1");
	/* Client and server, without cookies, for every listener. */
	migration_setting("tcp_fastopen", "1543");
	return cookies;
}

static inline bool migration_comes(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	return poll(&look, 1, 10000) == 1;
}

static inline int migration_listen(const struct migration *scene, bool attached, uint16_t *port,
				   bool defer)
{
	int fd = net_bind_shared(scene->family, port), seconds = 60, err = 0;

	if (defer)
		err |= setsockopt(fd, SOL_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	if (attached && !scene->late)
		err |= ulp_attach(fd) | ulp_set_int(fd, WINSOCK_SO_MODE, 1);
	err |= listen(fd, 16);
	if (attached && scene->late)
		err |= ulp_attach(fd);
	if (attached && ulp_set_int(fd, WINSOCK_SO_MODE, 1) != -ENOPROTOOPT)
		err = -1;
	if (!err)
		return fd;
	close(fd);
	return -1;
}

static inline int migration_connect(const struct migration *scene, uint16_t port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	bool is_v4 = scene->family == NET_V4;
	struct sockaddr *name = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t size = is_v4 ? sizeof(v4) : sizeof(v6);
	int fd, err;

	if (scene->way < MIGRATION_FASTOPEN)
		return net_connect(scene->family, port, false);
	if (scene->family == NET_MAPPED) {
		v6.sin6_addr.s6_addr32[2] = htonl(0xffff);
		v6.sin6_addr.s6_addr32[3] = htonl(INADDR_LOOPBACK);
	}
	fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	net_mute(fd);
	if (scene->way == MIGRATION_FASTOPEN)
		err = sendto(fd, "data", 4, MSG_FASTOPEN | MSG_NOSIGNAL, name, size) != 4;
	else
		err = connect(fd, name, size);
	if (err && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Check the child: is it attached as it should be, does it work, does it close? NULL or what is
 * wrong.
 */
static inline const char *migration_child(const struct migration *scene, int client, int child)
{
	bool attached = scene->way == MIGRATION_DEFERRED ? scene->to : scene->from;
	char text[4];

	if (ulp_is_attached(child) != attached)
		return attached ? "the child lacks the ULP" : "the child has the ULP";
	if (attached && ulp_get_int(child, WINSOCK_SO_MODE) != (scene->late ? -1 : 1))
		return "the child's options are not its listener's";
	if (!attached && ulp_set_int(child, WINSOCK_SO_MODE, 1) != -ENOPROTOOPT)
		return "the child has the options without the ULP";
	if (scene->way == MIGRATION_FASTOPEN) {
		net_linger(child, 1, 0);
		return recv(child, text, 4, MSG_DONTWAIT) == 4 ? NULL : "the SYN's data is lost";
	}
	if (scene->way != MIGRATION_DEFERRED && send(client, "data", 4, MSG_NOSIGNAL) != 4)
		return "the client cannot send";
	if (recv(child, text, 4, MSG_WAITALL) != 4)
		return "the child cannot receive";
	net_linger(child, 1, 5);
	return send(child, "back", 4, MSG_NOSIGNAL) == 4 ? NULL : "the child cannot send";
}

/* Run a case. Returns what is wrong, or NULL. */
static inline const char *migration_scene(const struct migration *scene)
{
	bool deferred = scene->way == MIGRATION_DEFERRED, cookies = migration_prepare();
	long migrated = migration_counter("TCPMigrateReqSuccess");
	long opened = migration_counter("TCPFastOpenPassive");
	long received = migration_counter("SyncookiesRecv");
	int first, second, client, child = -1;
	const char *wrong = NULL;
	uint16_t port = 0;

	if (cookies)
		migration_setting("tcp_syncookies", scene->way == MIGRATION_COOKIE ? "2" : "1");
	first = migration_listen(scene, scene->from, &port, deferred);
	client = migration_connect(scene, port);
	if (first < 0 || client < 0)
		return "cannot attach, listen, connect";
	if (!deferred && !migration_comes(first))
		return "nothing is in the queue";
	second = migration_listen(scene, scene->to, &port, false);
	if (second < 0)
		return "no second listener";
	close(first);
	if (deferred && send(client, "data", 4, MSG_NOSIGNAL) != 4)
		return "the client cannot send";
	if (migration_comes(second))
		child = accept(second, NULL, NULL);
	if (child < 0)
		return "the connection has not come to the second listener";
	if (migration_counter("TCPMigrateReqSuccess") != migrated + 1)
		wrong = "it has not migrated";
	if (scene->way == MIGRATION_FASTOPEN &&
	    migration_counter("TCPFastOpenPassive") != opened + 1)
		wrong = "not by Fast Open";
	if (cookies && scene->way == MIGRATION_COOKIE &&
	    migration_counter("SyncookiesRecv") != received + 1)
		wrong = "not by a cookie";
	wrong = wrong ?: migration_child(scene, client, child);
	close(child);
	close(client);
	close(second);
	return wrong;
}

#endif /* MIGRATION_H */
