// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that can be attached, what their children inherit, and what keeps the module loaded. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "migration.h"
#include "net.h"
#include "ulp.h"

DEV_REQUIRED;

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define PROTOCOL_SMC 0
#define ADDRESS_FAMILY_SMC 43

/* Try rmmod. Returns 0 or a negative errno; the module is expected to stay. */
static int try_unload(void)
{
	if (dev_references(-1) < 0)
		return -EAGAIN;
	return syscall(SYS_delete_module, "winsock", O_NONBLOCK) ? -errno : 0;
}

/* Wait up to some ms for the module's references to come down to @count. */
static int references_wait(int count, unsigned int ms)
{
	while (dev_references(count) > count && ms--)
		net_sleep(1);
	return dev_references(count);
}

FIXTURE(attach) {
	int listener;
	uint16_t port;
};

FIXTURE_VARIANT(attach) {
	enum net_family family;
};

FIXTURE_VARIANT_ADD(attach, v4) {
	.family = NET_V4,
};

FIXTURE_VARIANT_ADD(attach, v6) {
	.family = NET_V6,
};

FIXTURE_VARIANT_ADD(attach, mapped) {
	.family = NET_MAPPED,
};

FIXTURE_SETUP(attach)
{
	net_enter();
	/* Sockets of earlier tests end before the count. */
	ASSERT_EQ(0, references_wait(0, 5000));
	self->listener = net_listen(variant->family, &self->port);
}

FIXTURE_TEARDOWN(attach)
{
	close(self->listener);
	EXPECT_EQ(0, references_wait(0, 5000));
}

#define EXPECT_DATA_PASSES(from, to) do { \
	char text_[8]; \
	EXPECT_EQ(4, send(from, "data", 4, MSG_NOSIGNAL)); \
	EXPECT_EQ(4, recv(to, text_, sizeof(text_), 0)); \
} while (0)

TEST_F(attach, every_state_takes_it)
{
	int fresh = net_connect(variant->family, self->port, true), one = 1, server;
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	/* The socket is connecting: the SYN is under way, or answered already. */
	EXPECT_EQ(0, ulp_attach(fresh));
	EXPECT_TRUE(ulp_is_attached(fresh));
	EXPECT_EQ(1, dev_references(1));
	server = accept(self->listener, NULL, NULL);
	ASSERT_GE(server, 0);
	EXPECT_FALSE(ulp_is_attached(server));
	/* Connected. */
	EXPECT_EQ(0, ulp_attach(server));
	EXPECT_EQ(2, dev_references(2));
	net_nonblock(fresh, false);
	EXPECT_DATA_PASSES(fresh, server);
	EXPECT_DATA_PASSES(server, fresh);
	close(fresh);
	close(server);

	/* The socket is new, then bound, then connected. */
	fresh = socket(variant->family == NET_V4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	ASSERT_EQ(0, ulp_attach(fresh));
	ASSERT_EQ(0, setsockopt(fresh, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	ASSERT_EQ(0, getsockname(self->listener, (struct sockaddr *)&name, &size));
	EXPECT_EQ(0, connect(fresh, (struct sockaddr *)&name, size));
	server = accept(self->listener, NULL, NULL);
	EXPECT_DATA_PASSES(fresh, server);
	close(server);
	close(fresh);

	/* Bound. */
	fresh = socket(variant->family == NET_V4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	((struct sockaddr_in *)&name)->sin_port = 0;
	ASSERT_EQ(0, bind(fresh, (struct sockaddr *)&name, size));
	EXPECT_EQ(0, ulp_attach(fresh));
	ASSERT_EQ(0, listen(fresh, 5));
	close(fresh);
}

TEST_F(attach, once_and_no_more)
{
	ASSERT_EQ(0, ulp_attach(self->listener));
	EXPECT_EQ(-EEXIST, ulp_attach(self->listener));
	EXPECT_EQ(-EEXIST, ulp_attach_name(self->listener, "tls"));
	EXPECT_TRUE(ulp_is_attached(self->listener));
}

TEST_F(attach, accepted_connections_inherit_it)
{
	int client, server;

	ASSERT_EQ(0, ulp_attach(self->listener));
	client = net_connect(variant->family, self->port, false);
	net_sleep(20);
	/* The child is in the accept queue: one reference is the listener's, one the child's. */
	EXPECT_EQ(2, dev_references(2));
	server = accept(self->listener, NULL, NULL);
	EXPECT_TRUE(ulp_is_attached(server));
	EXPECT_FALSE(ulp_is_attached(client));
	EXPECT_EQ(-1, ulp_get_int(server, WINSOCK_SO_MODE));
	EXPECT_DATA_PASSES(client, server);
	EXPECT_EQ(-EAGAIN, try_unload());
	close(self->listener);
	EXPECT_EQ(1, references_wait(1, 1000));
	EXPECT_DATA_PASSES(server, client);
	/* The active closer ends in TIME_WAIT, which has no reference. */
	close(server);
	close(client);
	EXPECT_EQ(0, references_wait(0, 1000));
	EXPECT_EQ(TCP_TIME_WAIT, net_left(self->port, 0) ?: TCP_TIME_WAIT);
}

TEST_F(attach, an_accept_under_way_inherits_it)
{
	int client, status;
	pid_t child = fork();

	ASSERT_GE(child, 0);
	if (!child) {
		int server = accept(self->listener, NULL, NULL);

		_exit(ulp_is_attached(server) ? 0 : 1);
	}
	net_sleep(100);
	ASSERT_EQ(0, ulp_attach(self->listener));
	client = net_connect(variant->family, self->port, false);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	close(client);
}

TEST_F(attach, unaccepted_children_end_with_the_listener)
{
	int clients[5];

	ASSERT_EQ(0, ulp_attach(self->listener));
	for (int i = 0; i < 5; i++)
		clients[i] = net_connect(variant->family, self->port, false);
	net_sleep(20);
	EXPECT_EQ(6, dev_references(6));
	close(self->listener);
	EXPECT_EQ(0, references_wait(0, 1000));
	for (int i = 0; i < 5; i++)
		close(clients[i]);
}

TEST_F(attach, half_open_connections_hold_nothing)
{
	struct migration scene = { .family = variant->family, .way = MIGRATION_HALF_OPEN };
	int client;

	ASSERT_EQ(0, ulp_attach(self->listener));
	client = migration_connect(&scene, self->port);
	ASSERT_GE(client, 0);
	EXPECT_EQ(TCP_SYN_RECV, net_left(self->port, net_port(client)));
	EXPECT_EQ(1, dev_references(1));
	close(self->listener);
	/* The request is still there; its operations, copied from the listener, are TCP's. */
	EXPECT_EQ(TCP_SYN_RECV, net_left(self->port, net_port(client)));
	EXPECT_EQ(0, dev_references(0));
	close(client);
}

TEST_F(attach, a_migrated_connection_is_what_it_was_made_from)
{
	for (int i = 0; i < MIGRATIONS / 3; i++) {
		struct migration scene = migration_number(i);
		const char *wrong;

		scene.family = variant->family;
		wrong = migration_scene(&scene);
		EXPECT_EQ(NULL, wrong) TH_LOG("way %d, from %d, to %d, late %d: %s", scene.way,
					      scene.from, scene.to, scene.late, wrong);
	}
}

/* The copy for the new family may not exist yet. */
TEST_F(attach, a_former_listener_may_change_its_family)
{
	struct sockaddr unspecified = { .sa_family = AF_UNSPEC };
	int fd = net_listen(variant->family, &(uint16_t){ 0 }), family = AF_INET, client, server;
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	uint16_t port;

	ASSERT_EQ(0, ulp_attach(fd));
	ASSERT_EQ(0, shutdown(fd, SHUT_RDWR));
	ASSERT_EQ(0, getsockname(self->listener, (struct sockaddr *)&name, &size));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&name, size));
	server = accept(self->listener, NULL, NULL);
	EXPECT_EQ(variant->family == NET_MAPPED ? 0 : -1,
		  setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &family, sizeof(family)));
	EXPECT_DATA_PASSES(fd, server);
	ASSERT_EQ(0, connect(fd, &unspecified, sizeof(unspecified)));
	close(server);
	ASSERT_EQ(0, listen(fd, 1));
	port = net_port(fd);
	client = net_connect(variant->family, port, false);
	server = accept(fd, NULL, NULL);
	ASSERT_GE(server, 0);
	EXPECT_TRUE(variant->family == NET_MAPPED || ulp_is_attached(server));
	EXPECT_DATA_PASSES(client, server);
	close(client);
	close(server);
	close(fd);
}

/* A request of the time before is no sign that a lookup has met a connection. */
TEST_F(attach, who_has_listened_before_keeps_nothing)
{
	struct sockaddr unspecified = { .sa_family = AF_UNSPEC };
	uint16_t port = 0;
	int fd = net_bind_shared(variant->family, &port), client, later = 30;
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	ASSERT_EQ(0, getsockname(self->listener, (struct sockaddr *)&name, &size));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&name, size));
	ASSERT_EQ(0, connect(fd, &unspecified, sizeof(unspecified)));
	ASSERT_EQ(0, setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &later, sizeof(later)));
	ASSERT_EQ(0, listen(fd, 1));
	port = net_port(fd);
	client = net_connect(variant->family, port, true);
	EXPECT_EQ(TCP_SYN_RECV, net_left_wait(port, net_port(client), TCP_SYN_RECV, 1000));
	ASSERT_EQ(0, shutdown(fd, SHUT_RD));
	ASSERT_EQ(0, ulp_attach(fd));
	EXPECT_EQ(-ENOPROTOOPT, ulp_set_int(fd, WINSOCK_SO_MODE, 1));
	ASSERT_EQ(0, listen(fd, 1));
	EXPECT_EQ(1, dev_references(1));
	close(fd);
	close(client);
	EXPECT_EQ(0, dev_references(0));
}

TEST_F(attach, a_listener_may_become_a_client_and_back)
{
	struct sockaddr unspecified = { .sa_family = AF_UNSPEC };
	uint16_t port;
	int listener = net_listen(variant->family, &port), server;
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	ASSERT_EQ(0, ulp_attach(listener));
	ASSERT_EQ(0, shutdown(listener, SHUT_RDWR));
	ASSERT_EQ(0, getsockname(self->listener, (struct sockaddr *)&name, &size));
	ASSERT_EQ(0, connect(listener, (struct sockaddr *)&name, size));
	server = accept(self->listener, NULL, NULL);
	EXPECT_TRUE(ulp_is_attached(listener));
	EXPECT_DATA_PASSES(listener, server);
	ASSERT_EQ(0, connect(listener, &unspecified, sizeof(unspecified)));
	EXPECT_EQ(0, listen(listener, 1));
	EXPECT_TRUE(ulp_is_attached(listener));
	close(listener);
	close(server);
}

TEST_F(attach, a_client_may_become_a_listener)
{
	struct sockaddr unspecified = { .sa_family = AF_UNSPEC };
	uint16_t port = 0;
	int fd = net_bind_shared(variant->family, &port), client, server;
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	ASSERT_EQ(0, ulp_attach(fd));
	ASSERT_EQ(0, getsockname(self->listener, (struct sockaddr *)&name, &size));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&name, size));
	ASSERT_EQ(0, connect(fd, &unspecified, sizeof(unspecified)));
	EXPECT_EQ(0, ulp_set_int(fd, WINSOCK_SO_MODE, 1));
	ASSERT_EQ(0, listen(fd, 1));
	EXPECT_EQ(-ENOPROTOOPT, ulp_set_int(fd, WINSOCK_SO_MODE, 1));
	/* listen() on an unbound socket chooses another port. */
	client = net_connect(variant->family, net_port(fd), false);
	server = accept(fd, NULL, NULL);
	EXPECT_EQ(1, ulp_get_int(server, WINSOCK_SO_MODE));
	EXPECT_DATA_PASSES(client, server);
	close(client);
	close(server);
	close(fd);
}

TEST_F(attach, other_sockets_refuse_it)
{
	struct { int family, type, protocol; } others[] = {
		{ AF_INET, SOCK_DGRAM, 0 },
		{ AF_INET6, SOCK_DGRAM, 0 },
		{ AF_UNIX, SOCK_STREAM, 0 },
		{ AF_INET, SOCK_STREAM, IPPROTO_MPTCP },
		{ ADDRESS_FAMILY_SMC, SOCK_STREAM, PROTOCOL_SMC },
	};

	for (int i = 0; i < 5; i++) {
		int fd = socket(others[i].family, others[i].type, others[i].protocol), err;

		/* A kernel may lack MPTCP or SMC. */
		if (fd < 0 && i > 2)
			continue;
		ASSERT_GE(fd, 0);
		err = ulp_attach(fd);
		/* The protocol chooses one of the two errors. */
		EXPECT_TRUE(err == -EOPNOTSUPP || err == -ENOPROTOOPT)
			TH_LOG("socket %d: %d", i, err);
		close(fd);
	}
	EXPECT_EQ(0, dev_references(0));
}

TEST_F(attach, after_tls_it_is_refused_and_tls_stays)
{
	int client = net_connect(variant->family, self->port, false);
	int server = accept(self->listener, NULL, NULL);
	char name[16] = "";
	socklen_t size = sizeof(name) - 1;

	if (ulp_attach_name(client, "tls"))
		SKIP(return, "no kTLS in this kernel");
	EXPECT_EQ(-EEXIST, ulp_attach(client));
	EXPECT_EQ(0, getsockopt(client, SOL_TCP, TCP_ULP, name, &size));
	EXPECT_STREQ("tls", name);
	EXPECT_LT(ulp_get_int(client, WINSOCK_SO_MODE), -1);
	EXPECT_EQ(-ENOPROTOOPT, ulp_set_int(client, WINSOCK_SO_MODE, 1));
	EXPECT_DATA_PASSES(client, server);
	EXPECT_EQ(0, dev_references(0));
	close(client);
	close(server);
}

static int bpf_call(int command, union bpf_attr *attributes)
{
	int result = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

	return result < 0 ? -errno : result;
}

static int sockmap_put(int map, int fd)
{
	uint32_t key = 0, value = fd;
	union bpf_attr attributes = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};

	return bpf_call(BPF_MAP_UPDATE_ELEM, &attributes);
}

TEST_F(attach, a_sockmap_and_the_ulp_exclude_each_other)
{
	union bpf_attr attributes = {
		.map_type = BPF_MAP_TYPE_SOCKMAP,
		.key_size = 4, .value_size = 4, .max_entries = 1,
	};
	int map = bpf_call(BPF_MAP_CREATE, &attributes);
	int client = net_connect(variant->family, self->port, false);
	int server = accept(self->listener, NULL, NULL);

	if (map < 0)
		SKIP(return, "no sockmap in this kernel");
	ASSERT_EQ(0, sockmap_put(map, client));
	EXPECT_EQ(-EINVAL, ulp_attach(client));
	EXPECT_FALSE(ulp_is_attached(client));
	EXPECT_DATA_PASSES(client, server);

	ASSERT_EQ(0, ulp_attach(server));
	EXPECT_EQ(-EINVAL, sockmap_put(map, server));
	EXPECT_TRUE(ulp_is_attached(server));
	EXPECT_DATA_PASSES(server, client);
	/* Outside of the map the socket can be attached. */
	close(map);
	for (int i = 0; i < 1000 && ulp_attach(client) == -EINVAL; i++)
		net_sleep(1);
	EXPECT_TRUE(ulp_is_attached(client));
	EXPECT_DATA_PASSES(client, server);
	close(client);
	close(server);
}

TEST_F(attach, unloading_waits_for_what_the_kernel_closes)
{
	int client = net_connect(variant->family, self->port, false);
	int server = accept(self->listener, NULL, NULL);

	net_mute(server);
	ASSERT_EQ(0, ulp_attach(client));
	ASSERT_EQ(4, send(client, "data", 4, 0));
	net_linger(client, 1, 1);
	net_nonblock(client, true);
	close(client);
	EXPECT_GT(dev_references(1), 0);
	EXPECT_EQ(-EAGAIN, try_unload());
	/* After its deadline nothing is left; TCP's own orphan counts one. */
	EXPECT_EQ(0, references_wait(0, 2000));

	client = net_connect(variant->family, self->port, false);
	close(server);
	server = accept(self->listener, NULL, NULL);
	net_mute(server);
	ASSERT_EQ(0, ulp_attach(client));
	close(client);
	net_sleep(20);
	EXPECT_EQ(1, dev_references(1));
	EXPECT_EQ(-EAGAIN, try_unload());
	net_unmute(server);
	net_linger(server, 1, 0);
	close(server);
}

TEST_F(attach, a_long_linger_pins_nothing_without_its_connection)
{
	int client = net_connect(variant->family, self->port, false);
	int server = accept(self->listener, NULL, NULL);

	net_stuff(client);
	ASSERT_EQ(0, ulp_attach(client));
	ASSERT_EQ(0, ulp_set_linger(client, 1, 65535));
	net_nonblock(client, true);
	close(client);
	EXPECT_GT(dev_references(1), 0);
	net_linger(server, 1, 0);
	close(server);
	EXPECT_EQ(0, references_wait(0, 1000));
}

/* A known limit, shared with kTLS: see Documentation/uapi.rst. */
TEST_F(attach, changing_the_family_is_refused)
{
	int client = net_connect(variant->family, self->port, false);
	int server = accept(self->listener, NULL, NULL), family = AF_INET;

	ASSERT_EQ(0, ulp_attach(client));
	if (variant->family == NET_MAPPED) {
		EXPECT_EQ(-1, setsockopt(client, IPPROTO_IPV6, IPV6_ADDRFORM, &family,
					 sizeof(family)));
		EXPECT_EQ(EBUSY, errno);
	}
	EXPECT_DATA_PASSES(client, server);
	close(client);
	close(server);
}

TEST_HARNESS_MAIN
