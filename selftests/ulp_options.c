// SPDX-License-Identifier: GPL-2.0-only
/* Options at SOL_WINSOCK, their native counterparts, and sock_diag. */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>

#include "closing.h"
#include "ulp.h"

/* struct linger of <sys/socket.h>, by a name that libwinsock's headers do not take. */
struct native {
	int onoff;
	int seconds;
};

static struct native native_get(int fd)
{
	struct native native = { -1, -1 };
	socklen_t size = sizeof(native);

	getsockopt(fd, SOL_SOCKET, SO_LINGER, &native, &size);
	return native;
}

static struct winsock_so_linger linger_get(int fd)
{
	struct winsock_so_linger linger = { 0xffff, 0xffff };
	socklen_t size = sizeof(linger);

	getsockopt(fd, SOL_WINSOCK, WINSOCK_SO_LINGER, &linger, &size);
	return linger;
}

#define EXPECT_NATIVE(on, time) do { \
	struct native native_ = native_get(self->pair.client); \
	EXPECT_EQ(on, native_.onoff); \
	EXPECT_EQ(time, native_.seconds); \
} while (0)

#define EXPECT_LINGER(on, time) do { \
	struct winsock_so_linger linger_ = linger_get(self->pair.client); \
	EXPECT_EQ(on, linger_.l_onoff); \
	EXPECT_EQ(time, linger_.l_linger); \
} while (0)

#define DONTLINGER(value) \
	ulp_set_int(self->pair.client, WINSOCK_SO_DONTLINGER, value)

/* claims: O1 O4 */
TEST_F(closing, linger_is_the_native_setting)
{
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	EXPECT_LINGER(0, 0);
	EXPECT_EQ(0, ulp_set_linger(self->pair.client, 7, 3));
	EXPECT_LINGER(1, 3);
	EXPECT_NATIVE(1, 3);
	net_linger(self->pair.client, 1, 9);
	EXPECT_LINGER(1, 9);
	net_linger(self->pair.client, 1, 100000);
	EXPECT_LINGER(1, 65535);
	net_linger(self->pair.client, 0, 0);
	EXPECT_EQ(0, linger_get(self->pair.client).l_onoff);
	/* With linger off the time is stored all the same. */
	EXPECT_EQ(0, ulp_set_linger(self->pair.client, 0, 65535));
	EXPECT_LINGER(0, 65535);
	EXPECT_NATIVE(0, 65535);
}

/* claims: O5 O6 O7 O8 */
TEST_F(closing, dontlinger_reinstates_the_earlier_timeout)
{
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	EXPECT_EQ(1, ulp_get_int(self->pair.client, WINSOCK_SO_DONTLINGER));
	ASSERT_EQ(0, ulp_set_linger(self->pair.client, 1, 42));
	EXPECT_EQ(0, ulp_get_int(self->pair.client, WINSOCK_SO_DONTLINGER));
	EXPECT_EQ(0, DONTLINGER(1));
	EXPECT_LINGER(0, 42);
	EXPECT_EQ(1, ulp_get_int(self->pair.client, WINSOCK_SO_DONTLINGER));
	EXPECT_EQ(0, DONTLINGER(0));
	EXPECT_LINGER(1, 42);
	EXPECT_NATIVE(1, 42);
}

/* claims: O6 */
TEST_F(closing, never_set_is_not_set_to_zero)
{
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	EXPECT_EQ(0, DONTLINGER(0));
	EXPECT_LINGER(1, WINSOCK_SO_LINGER_DEFAULT);
	EXPECT_EQ(0, ulp_set_linger(self->pair.client, 1, 0));
	EXPECT_EQ(0, DONTLINGER(1));
	EXPECT_EQ(0, DONTLINGER(0));
	EXPECT_LINGER(1, 0);
}

TEST_F(closing, a_native_timeout_counts_as_set)
{
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	net_linger(self->pair.client, 1, 0);
	EXPECT_EQ(0, DONTLINGER(1));
	EXPECT_EQ(0, DONTLINGER(0));
	EXPECT_LINGER(1, 0);
	net_linger(self->pair.client, 1, 8);
	net_linger(self->pair.client, 0, 0);
	EXPECT_EQ(0, DONTLINGER(0));
	EXPECT_LINGER(1, 8);
}

/* net.winsock.strict applies to attached sockets, too. */
TEST_F(closing, the_namespaces_strict_switch_counts)
{
	FILE *sysctl = fopen("/proc/sys/net/winsock/strict", "w");
	struct winsock_query query;

	ASSERT_TRUE(sysctl != NULL);
	fprintf(sysctl, "1\n");
	ASSERT_EQ(0, fclose(sysctl));
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	ASSERT_EQ(0, ulp_set_linger(self->pair.client, 1, 5));
	net_nonblock(self->pair.client, true);
	ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query));
	EXPECT_TRUE(query.flags & WINSOCK_QUERY_STRICT);
	EXPECT_WOULDBLOCK(CLOSE());
	EXPECT_EQ(0, ulp_set_int(self->pair.client, WINSOCK_SO_MODE, 0));
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
}

TEST_F(closing, info_tells_what_query_tells)
{
	struct winsock_query told, asked;
	socklen_t size = sizeof(told);

	net_stuff(self->pair.client);
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	ASSERT_EQ(0, ulp_set_linger(self->pair.client, 1, 5));
	net_nonblock(self->pair.client, true);
	ASSERT_EQ(0, getsockopt(self->pair.client, SOL_WINSOCK, WINSOCK_SO_INFO, &told, &size));
	ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &asked));
	EXPECT_EQ(sizeof(told), size);
	EXPECT_EQ(-1, told.fd);
	EXPECT_EQ(WINSOCK_QUERY_ATTACHED | WINSOCK_QUERY_LINGER | WINSOCK_QUERY_NONBLOCK |
		  WINSOCK_QUERY_WOULD_BLOCK, told.flags);
	asked.fd = -1;
	EXPECT_EQ(0, memcmp(&told, &asked, sizeof(told)));
	EXPECT_EQ(-1, setsockopt(self->pair.client, SOL_WINSOCK, WINSOCK_SO_INFO, &told, size));
	EXPECT_EQ(ENOPROTOOPT, errno);
}

TEST_F(closing, bad_input_changes_nothing)
{
	int fd = self->pair.client, value = 0;
	char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	socklen_t size;

	ASSERT_EQ(0, munmap(edge + 4096, 4096));
	ASSERT_EQ(0, ulp_attach(fd));
	ASSERT_EQ(0, ulp_set_linger(fd, 1, 5));
	for (int name = -1; name < 7; name++) {
		bool known = name >= WINSOCK_SO_LINGER && name <= WINSOCK_SO_INFO;
		bool settable = known && name != WINSOCK_SO_INFO;

		EXPECT_EQ(-1, setsockopt(fd, SOL_WINSOCK, name, &value, 3));
		EXPECT_EQ(settable ? EINVAL : ENOPROTOOPT, errno);
		EXPECT_EQ(-1, setsockopt(fd, SOL_WINSOCK, name, edge + 4094, 4));
		EXPECT_EQ(settable ? EFAULT : ENOPROTOOPT, errno);
		size = 3;
		EXPECT_EQ(-1, getsockopt(fd, SOL_WINSOCK, name, &value, &size));
		EXPECT_EQ(known ? EINVAL : ENOPROTOOPT, errno);
		size = -1;
		EXPECT_EQ(-1, getsockopt(fd, SOL_WINSOCK, name, &value, &size));
		EXPECT_EQ(known ? EINVAL : ENOPROTOOPT, errno);
		size = 64;
		EXPECT_EQ(-1, getsockopt(fd, SOL_WINSOCK, name, edge + 4094, &size));
		EXPECT_EQ(known ? EFAULT : ENOPROTOOPT, errno);
	}
	EXPECT_LINGER(1, 5);
	EXPECT_EQ(-1, ulp_get_int(fd, WINSOCK_SO_MODE));
	/* Other levels still reach TCP and IP. */
	EXPECT_EQ(0, setsockopt(fd, SOL_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)));
	EXPECT_EQ(-1, setsockopt(fd, SOL_WINSOCK + 1, 1, &value, sizeof(value)));
	munmap(edge, 4096);
}

/* On a listener SOL_WINSOCK is no level. Its children inherit options set before listen(2). */
TEST_F(closing, a_listener_passes_its_options_on)
{
	uint16_t port = 0;
	int listener = net_bind_shared(variant->family, &port), client, server, error;

	ASSERT_EQ(0, ulp_attach(listener));
	ASSERT_EQ(0, ulp_set_linger(listener, 1, 42));
	ASSERT_EQ(0, ulp_set_int(listener, WINSOCK_SO_DONTLINGER, 1));
	ASSERT_EQ(0, ulp_set_int(listener, WINSOCK_SO_MODE, 1));
	ASSERT_EQ(0, listen(listener, 1));
	EXPECT_EQ(-ENOPROTOOPT, ulp_set_linger(listener, 1, 7));
	EXPECT_EQ(-ENOPROTOOPT, ulp_set_int(listener, WINSOCK_SO_DONTLINGER, 0));
	EXPECT_EQ(-ENOPROTOOPT, ulp_set_int(listener, WINSOCK_SO_MODE, 0));
	error = variant->family == NET_V4 ? EOPNOTSUPP : ENOPROTOOPT;
	EXPECT_EQ(ULP_ERROR(error), ulp_get_int(listener, WINSOCK_SO_MODE));
	client = net_connect(variant->family, port, false);
	server = accept(listener, NULL, NULL);
	ASSERT_GE(server, 0);
	EXPECT_EQ(1, ulp_get_int(server, WINSOCK_SO_MODE));
	EXPECT_EQ(0, ulp_set_int(server, WINSOCK_SO_DONTLINGER, 0));
	EXPECT_EQ(1, linger_get(server).l_onoff);
	EXPECT_EQ(42, linger_get(server).l_linger);
	/* The native option works on every socket, and is inherited. */
	net_linger(listener, 1, 8);
	close(client);
	close(server);
	client = net_connect(variant->family, port, false);
	server = accept(listener, NULL, NULL);
	ASSERT_GE(server, 0);
	EXPECT_EQ(8, linger_get(server).l_linger);
	close(client);
	close(server);
	close(listener);
}

TEST_F(closing, without_the_ulp_there_is_no_level)
{
	EXPECT_EQ(-ENOPROTOOPT, ulp_set_linger(self->pair.client, 1, 5));
	EXPECT_LT(ulp_get_int(self->pair.client, WINSOCK_SO_MODE), -1);
	EXPECT_EQ(0, linger_get(self->pair.client).l_onoff == 1);
}

/* Returns the length of the ULP's nest of the socket with these ports, or -1. */
static int diag_ulp(const struct net_pair *pair, int family, char *name, void *nest, int room)
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
			.idiag_states = -1,
			.idiag_ext = 1 << (INET_DIAG_INFO - 1),
		},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG), length = -1;
	static char answer[65536];
	ssize_t size;

	send(fd, &ask, sizeof(ask), 0);
	while ((size = recv(fd, answer, sizeof(answer), 0)) > 0) {
		struct nlmsghdr *header = (struct nlmsghdr *)answer;

		for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
			struct inet_diag_msg *message = NLMSG_DATA(header);
			struct rtattr *attribute = (void *)(message + 1), *inner;
			int rest = NLMSG_PAYLOAD(header, sizeof(*message)), within;

			if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
				goto done;
			if (ntohs(message->id.idiag_sport) != pair->client_port)
				continue;
			for (; RTA_OK(attribute, rest); attribute = RTA_NEXT(attribute, rest)) {
				if (attribute->rta_type != INET_DIAG_ULP_INFO)
					continue;
				inner = RTA_DATA(attribute);
				within = RTA_PAYLOAD(attribute);
				for (; RTA_OK(inner, within); inner = RTA_NEXT(inner, within)) {
					if (inner->rta_type == INET_ULP_INFO_NAME)
						strcpy(name, RTA_DATA(inner));
					if ((inner->rta_type & NLA_TYPE_MASK) != WINSOCK_DIAG)
						continue;
					length = RTA_PAYLOAD(inner);
					memcpy(nest, RTA_DATA(inner),
					       length < room ? length : room);
				}
			}
		}
	}
done:
	close(fd);
	return length;
}

TEST_F(closing, sock_diag_tells)
{
	int family = variant->family == NET_V4 ? AF_INET : AF_INET6, rest;
	struct winsock_query query = { 0 };
	char name[16] = "";

	ASSERT_EQ(0, ulp_attach(self->pair.client));
	ASSERT_EQ(0, ulp_set_linger(self->pair.client, 1, 5));
	ASSERT_EQ(0, ulp_set_int(self->pair.client, WINSOCK_SO_MODE, 1));
	rest = diag_ulp(&self->pair, family, name, &query, sizeof(query));
	EXPECT_EQ(sizeof(query), rest);
	EXPECT_STREQ(WINSOCK_ULP, name);
	EXPECT_EQ(-1, query.fd);
	EXPECT_EQ(WINSOCK_QUERY_ATTACHED | WINSOCK_QUERY_LINGER | WINSOCK_QUERY_NONBLOCK,
		  query.flags);
	EXPECT_EQ(TCP_ESTABLISHED, query.state);
	EXPECT_EQ(5000000000ULL, query.linger_ns);
}

/* Newer kernels give the ULP's name to every user, and ask the ULP for the rest. */
TEST_F(closing, sock_diag_tells_nobody_but_the_administrator)
{
	int family = variant->family == NET_V4 ? AF_INET : AF_INET6, status;
	struct winsock_query query;
	pid_t child;

	ASSERT_EQ(0, ulp_attach(self->pair.client));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		char name[16];

		_exit(setresuid(65534, 65534, 65534) ||
		      diag_ulp(&self->pair, family, name, &query, sizeof(query)) >= 0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
