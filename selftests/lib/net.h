/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections to close: pairs over loopback in a network namespace of the test's own, peers that do
 * not read or have vanished, and the state that TCP keeps.
 *
 * If the set-up fails the program ends: a test without its set-up shows nothing.
 */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum net_family { NET_V4, NET_V6, NET_MAPPED };

/**
 * struct net_pair - a TCP connection over loopback
 * @client:	the end that connected, the one that tests close
 * @server:	the accepted end
 * @client_port, @server_port: host byte order
 *
 * The server's receive buffer is small, so that a client which sends all it can to a
 * server that does not read has most of it unacknowledged. That is megabytes where the
 * client has connected by IPv4, and 200 kB otherwise: enough for a full queue, and a debug
 * kernel is busy for a while with megabytes.
 */
struct net_pair {
	int client;
	int server;
	uint16_t client_port;
	uint16_t server_port;
};

/* Enter a new network namespace, with lo up. */
void net_enter(void);

/* Open a pair. If @accepted, the accepted end is the client, the one to close. */
void net_pair_open(struct net_pair *pair, enum net_family family, bool accepted);

/* Open @count pairs, in each of which the client has sent 7 bytes to a server that vanished. */
void net_pairs_vanished(struct net_pair *pairs, int count);

/* Close the open ends of a pair; a descriptor of -1 is skipped. */
void net_pair_close(struct net_pair *pair);

/* Returns a listening socket on an ephemeral loopback port, which is put into *port. */
int net_listen(enum net_family family, uint16_t *port);

/*
 * Returns a socket bound to the loopback port *port, or if that is 0 to one that is put there.
 * Other sockets may be bound to it as well (SO_REUSEPORT).
 */
int net_bind_shared(enum net_family family, uint16_t *port);

/* Returns a socket connected, or with @nonblock connecting, to a loopback port. */
int net_connect(enum net_family family, uint16_t port, bool nonblock);

/* The port that a socket is bound to. */
uint16_t net_port(int fd);

/* Try to bind a new socket to a loopback port, without SO_REUSEADDR. Returns 0 or errno. */
int net_bind_error(enum net_family family, uint16_t port);

/* Send until nothing more is accepted; returns the bytes accepted. */
size_t net_stuff(int fd);

/* Read until end or error; the errno (0 at the end) goes to *error. */
size_t net_drain(int fd, int *error);

/* fork(); returns when the child has closed its copy of @fd. */
pid_t net_fork_without(int fd);

/* Start a child that reads the pair's server after a delay. Returns its pid. */
pid_t net_drain_later(struct net_pair *pair, unsigned int delay_ms);

/* Wait for a child of net_drain_later(). Returns the bytes read; *error as net_drain(). */
size_t net_drain_result(pid_t child, int *error);

/* Make the socket drop every segment that arrives: a peer that vanished. */
void net_mute(int fd);
void net_unmute(int fd);

void net_linger(int fd, int on, int seconds);
void net_nonblock(int fd, bool on);

/* Is the descriptor open? */
bool net_is_open(int fd);

/* TCP state of an open socket. */
int net_state(int fd);

/*
 * Returns the state of the connection with these ports in this namespace, orphans and TIME_WAIT
 * included; 0 if there is none.
 */
int net_left(uint16_t local_port, uint16_t remote_port);

/* The same, after waiting for @state for at most @ms. */
int net_left_wait(uint16_t local_port, uint16_t remote_port, int state,
		  unsigned int ms);

const char *net_state_name(int state);

/*
 * Bring the pair's client into a TCP state with its descriptor open, with or
 * without unacknowledged payload: ESTABLISHED, CLOSE_WAIT, FIN_WAIT1, FIN_WAIT2,
 * CLOSING, LAST_ACK. The server is muted where the state would pass otherwise.
 */
void net_pair_into(struct net_pair *pair, int state, bool payload);

/* Monotonic clock, seconds. */
double net_now(void);
void net_sleep(unsigned int ms);

/*
 * Seconds that count as "at once": below the shortest linger, and enough on a busy machine whose
 * clock does not wait for the guest.
 */
#define AT_ONCE	0.9

#endif /* NET_H */
