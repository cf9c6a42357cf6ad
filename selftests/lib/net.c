// SPDX-License-Identifier: GPL-2.0-only
/* Connections to close. See net.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

/* Receive buffer of a deaf peer. */
#define NET_RCVBUF	4096
/* Send buffer towards it, where megabytes are not needed. */
#define NET_SNDBUF	131072

#define NET_MUST(call) net_must((call) >= 0, #call)

union net_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static void net_must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("# set-up failed: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	abort();
}

void net_enter(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	NET_MUST(unshare(CLONE_NEWNET));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	NET_MUST(fd);
	NET_MUST(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

static socklen_t net_loopback(union net_address *address, enum net_family family,
			      uint16_t port)
{
	memset(address, 0, sizeof(*address));
	if (family == NET_V4) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons(port);
		address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(address->v4);
	}
	address->v6.sin6_family = AF_INET6;
	address->v6.sin6_port = htons(port);
	address->v6.sin6_addr = in6addr_loopback;
	if (family == NET_MAPPED)
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &address->v6.sin6_addr);
	return sizeof(address->v6);
}

static int net_socket(enum net_family family)
{
	int fd = socket(family == NET_V4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);

	NET_MUST(fd);
	return fd;
}

uint16_t net_port(int fd)
{
	union net_address address;
	socklen_t size = sizeof(address);

	NET_MUST(getsockname(fd, &address.any, &size));
	return ntohs(address.v4.sin_port);
}

/* Bind a socket. A deaf one, and its children, take little unread data. */
static int net_bound(enum net_family family, uint16_t *port, bool deaf)
{
	union net_address address;
	socklen_t size = net_loopback(&address, family, 0);
	int rcvbuf = NET_RCVBUF;
	int fd = net_socket(family);

	/* Set before the handshake: segments are lost if the window shrinks later. */
	if (deaf)
		NET_MUST(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf)));
	NET_MUST(bind(fd, &address.any, size));
	*port = net_port(fd);
	return fd;
}

int net_listen(enum net_family family, uint16_t *port)
{
	int fd = net_bound(family, port, true);

	NET_MUST(listen(fd, 16));
	return fd;
}

int net_bind_shared(enum net_family family, uint16_t *port)
{
	union net_address address;
	socklen_t size = net_loopback(&address, family, *port);
	int fd = net_socket(family), one = 1;

	NET_MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	NET_MUST(bind(fd, &address.any, size));
	*port = net_port(fd);
	return fd;
}

int net_connect(enum net_family family, uint16_t port, bool nonblock)
{
	union net_address address;
	socklen_t size = net_loopback(&address, family, port);
	int fd = net_socket(family);

	if (nonblock)
		net_nonblock(fd, true);
	if (connect(fd, &address.any, size))
		net_must(nonblock && errno == EINPROGRESS, "connect");
	return fd;
}

int net_bind_error(enum net_family family, uint16_t port)
{
	union net_address address;
	socklen_t size = net_loopback(&address, family, port);
	int fd = net_socket(family);
	int error = bind(fd, &address.any, size) ? errno : 0;

	close(fd);
	return error;
}

void net_pair_open(struct net_pair *pair, enum net_family family, bool accepted)
{
	union net_address address;
	uint16_t port, other;
	int listener = net_bound(family, &port, !accepted);
	int first = net_bound(family, &other, accepted), second;
	int sndbuf = NET_SNDBUF;
	socklen_t size = net_loopback(&address, family, port);

	NET_MUST(listen(listener, 1));
	NET_MUST(connect(first, &address.any, size));
	second = accept(listener, NULL, NULL);
	NET_MUST(second);
	close(listener);

	pair->client = accepted ? second : first;
	pair->server = accepted ? first : second;
	pair->client_port = accepted ? port : other;
	pair->server_port = accepted ? other : port;
	if (family != NET_V4 || accepted)
		NET_MUST(setsockopt(pair->client, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)));
}

void net_pairs_vanished(struct net_pair *pairs, int count)
{
	struct rlimit limit;

	NET_MUST(getrlimit(RLIMIT_NOFILE, &limit));
	/* Room for both ends, and for the descriptors that a test opens besides. */
	if (limit.rlim_cur < 4U * count) {
		limit.rlim_cur = 4U * count;
		limit.rlim_max = limit.rlim_max > limit.rlim_cur ? limit.rlim_max : limit.rlim_cur;
		NET_MUST(setrlimit(RLIMIT_NOFILE, &limit));
	}
	for (int i = 0; i < count; i++) {
		net_pair_open(&pairs[i], NET_V4, false);
		net_mute(pairs[i].server);
		net_must(send(pairs[i].client, "payload", 7, 0) == 7, "send");
	}
}

void net_pair_close(struct net_pair *pair)
{
	if (pair->client >= 0)
		close(pair->client);
	if (pair->server >= 0)
		close(pair->server);
	pair->client = -1;
	pair->server = -1;
}

size_t net_stuff(int fd)
{
	static char block[65536];
	size_t total = 0;
	ssize_t sent;

	/* Stop when nothing is taken twice in a row: acknowledgements make room. */
	for (int idle = 0; idle < 2; idle++) {
		while ((sent = send(fd, block, sizeof(block),
				    MSG_DONTWAIT | MSG_NOSIGNAL)) > 0) {
			total += sent;
			idle = 0;
		}
		net_sleep(50);
	}
	return total;
}

size_t net_drain(int fd, int *error)
{
	static char block[65536];
	size_t total = 0;
	ssize_t got;

	while ((got = recv(fd, block, sizeof(block), 0)) > 0)
		total += got;
	*error = got < 0 ? errno : 0;
	return total;
}

pid_t net_fork_without(int fd)
{
	int ends[2];
	pid_t child;
	char none;

	NET_MUST(pipe(ends));
	child = fork();
	NET_MUST(child);
	if (!child)
		close(fd);
	close(ends[1]);
	/* The child closes @gate's end after its copy of @fd: then read() returns. */
	if (child)
		NET_MUST(read(ends[0], &none, 1));
	close(ends[0]);
	return child;
}

struct net_result {
	size_t bytes;
	int error;
};

static struct net_result *net_result;

pid_t net_drain_later(struct net_pair *pair, unsigned int delay_ms)
{
	pid_t child;

	if (!net_result)
		net_result = mmap(NULL, sizeof(*net_result), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	net_must(net_result != MAP_FAILED, "mmap");
	/* The child must not hold the end that is to be closed. */
	child = net_fork_without(pair->client);
	if (!child) {
		net_sleep(delay_ms);
		net_result->bytes = net_drain(pair->server, &net_result->error);
		_exit(0);
	}
	close(pair->server);
	pair->server = -1;
	return child;
}

size_t net_drain_result(pid_t child, int *error)
{
	NET_MUST(waitpid(child, NULL, 0));
	*error = net_result->error;
	return net_result->bytes;
}

void net_mute(int fd)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &drop };

	NET_MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

void net_unmute(int fd)
{
	int unused = 0;

	NET_MUST(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)));
}

void net_linger(int fd, int on, int seconds)
{
	struct linger linger = { .l_onoff = on, .l_linger = seconds };

	NET_MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
}

void net_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	NET_MUST(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

bool net_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

int net_state(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	NET_MUST(getsockopt(fd, SOL_TCP, TCP_INFO, &info, &size));
	return info.tcpi_state;
}

/* Ask inet_diag for one family. Returns the state of the pair, or 0. */
static int net_left_family(int family, uint16_t local_port, uint16_t remote_port)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} ask = {
		.header = {
			.nlmsg_len = sizeof(ask),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.request = {
			.sdiag_family = family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = ~0U,
		},
	};
	char buffer[16384];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int state = 0;
	bool done = false;

	NET_MUST(fd);
	NET_MUST(send(fd, &ask, sizeof(ask), 0));
	while (!done) {
		ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
		struct nlmsghdr *header = (void *)buffer;

		NET_MUST(got);
		for (; NLMSG_OK(header, got); header = NLMSG_NEXT(header, got)) {
			const struct inet_diag_msg *message = NLMSG_DATA(header);

			net_must(header->nlmsg_type != NLMSG_ERROR, "sock_diag");
			if (header->nlmsg_type == NLMSG_DONE) {
				done = true;
				break;
			}
			if (ntohs(message->id.idiag_sport) == local_port &&
			    ntohs(message->id.idiag_dport) == remote_port)
				state = message->idiag_state;
		}
	}
	close(fd);
	return state;
}

int net_left(uint16_t local_port, uint16_t remote_port)
{
	int state = net_left_family(AF_INET, local_port, remote_port);

	return state ? state : net_left_family(AF_INET6, local_port, remote_port);
}

int net_left_wait(uint16_t local_port, uint16_t remote_port, int state,
		  unsigned int ms)
{
	double end = net_now() + ms / 1000.0;
	int now = net_left(local_port, remote_port);

	while (now != state && net_now() < end) {
		net_sleep(5);
		now = net_left(local_port, remote_port);
	}
	return now;
}

const char *net_state_name(int state)
{
	static const char * const names[] = {
		"nothing", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1",
		"FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
		"LISTEN", "CLOSING", "NEW_SYN_RECV",
	};

	return state >= 0 && state < 13 ? names[state] : "?";
}

static void net_await(int fd, int state)
{
	for (int tries = 0; net_state(fd) != state && tries < 400; tries++)
		net_sleep(5);
	if (net_state(fd) != state)
		printf("# in %s, wanted %s\n", net_state_name(net_state(fd)),
		       net_state_name(state));
	net_must(net_state(fd) == state, "reach the TCP state");
}

void net_pair_into(struct net_pair *pair, int state, bool payload)
{
	/* The peer's FIN comes first, before the peer is muted. */
	if (state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK) {
		NET_MUST(shutdown(pair->server, SHUT_WR));
		net_await(pair->client, TCP_CLOSE_WAIT);
	}
	if (payload || state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK ||
	    state == TCP_CLOSING)
		net_mute(pair->server);
	if (payload)
		NET_MUST(send(pair->client, "payload", 7, MSG_NOSIGNAL));
	if (state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT)
		NET_MUST(shutdown(pair->client, SHUT_WR));
	/* A muted peer's FIN still arrives, and crosses ours. */
	if (state == TCP_CLOSING)
		NET_MUST(shutdown(pair->server, SHUT_WR));
	net_await(pair->client, state);
}

double net_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void net_sleep(unsigned int ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&span, &span) && errno == EINTR)
		;
}
