// SPDX-License-Identifier: GPL-2.0-only
/* WINSOCK_SO_MODE: blocking or not in Winsock's sense, whatever O_NONBLOCK says. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "pending.h"
#include "ulp.h"

/* claims: N13 */
TEST_F(closing, mode_has_three_values)
{
	int fd = self->pair.client, value = 1;

	EXPECT_LT(ulp_get_int(fd, WINSOCK_SO_MODE), -1000);
	EXPECT_NE(0, ulp_set_int(fd, WINSOCK_SO_MODE, 1));
	ASSERT_EQ(0, ulp_attach(fd));
	EXPECT_EQ(-1, ulp_get_int(fd, WINSOCK_SO_MODE));
	for (int mode = -1; mode < 2; mode++) {
		EXPECT_EQ(0, ulp_set_int(fd, WINSOCK_SO_MODE, mode));
		EXPECT_EQ(mode, ulp_get_int(fd, WINSOCK_SO_MODE));
		EXPECT_EQ(-EINVAL, ulp_set_int(fd, WINSOCK_SO_MODE, 2));
		EXPECT_EQ(-EINVAL, ulp_set_int(fd, WINSOCK_SO_MODE, -2));
		EXPECT_EQ(mode, ulp_get_int(fd, WINSOCK_SO_MODE));
	}
	EXPECT_EQ(-1, setsockopt(fd, SOL_WINSOCK, WINSOCK_SO_MODE, &value, 3));
	EXPECT_EQ(EINVAL, errno);
	/* The mode does not change O_NONBLOCK. */
	EXPECT_FALSE(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* claims: N13 */
TEST_F(closing, mode_is_inherited_by_accept)
{
	uint16_t port;
	int listener, far, near;

	/* Set before listen(): a listener has TCP's own operations. */
	listener = net_listen(variant->family, &port);
	close(listener);
	listener = socket(variant->family == NET_V4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	ASSERT_EQ(0, ulp_attach(listener));
	ASSERT_EQ(0, ulp_set_int(listener, WINSOCK_SO_MODE, 1));
	ASSERT_EQ(0, listen(listener, 4));
	{
		struct sockaddr_storage name;
		socklen_t size = sizeof(name);

		ASSERT_EQ(0, getsockname(listener, (struct sockaddr *)&name, &size));
		/* Both families have the port at the same place. */
		port = ntohs(((struct sockaddr_in *)&name)->sin_port);
	}
	far = net_connect(variant->family, port, false);
	near = accept(listener, NULL, NULL);
	ASSERT_GE(near, 0);
	EXPECT_EQ(1, ulp_get_int(near, WINSOCK_SO_MODE));
	close(near);
	close(far);
	close(listener);
}

/* QUERY and a close with this mode and this flag. */
#define EXPECT_MODE(mode, nonblock, wanted) do { \
	struct winsock_query query_; \
	ASSERT_EQ(0, ulp_set_int(self->pair.client, WINSOCK_SO_MODE, mode)); \
	net_nonblock(self->pair.client, nonblock); \
	ASSERT_EQ(0, dev_query(self->dev, self->pair.client, &query_)); \
	EXPECT_EQ(wanted, !!(query_.flags & WINSOCK_QUERY_NONBLOCK)); \
	if (wanted) { \
		EXPECT_WOULDBLOCK(CLOSE()); \
	} else { \
		ASSERT_EQ(0, dev_close(self->dev, self->pair.client, DEV_CLOSESOCKET, 0, \
				       &self->call)); \
		ASSERT_EQ(self->pair.client, self->call.op_fd); \
		ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL)); \
	} \
} while (0)

/* claims: N1 N13 B2 */
TEST_F(closing, close_by_the_device_obeys_it)
{
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	net_linger(self->pair.client, 1, 60);
	net_stuff(self->pair.client);
	EXPECT_MODE(-1, false, 0);
	EXPECT_MODE(-1, true, 1);
	EXPECT_MODE(0, false, 0);
	EXPECT_MODE(0, true, 0);
	EXPECT_MODE(1, false, 1);
	EXPECT_MODE(1, true, 1);
	/* A flag of the call overrides the socket's mode. */
	ASSERT_EQ(0, dev_close(self->dev, self->pair.client,
			       DEV_CLOSESOCKET | WINSOCK_CLOSE_BLOCKING, 0, &self->call));
	ASSERT_EQ(self->pair.client, self->call.op_fd);
	ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL));
	ASSERT_EQ(0, ulp_set_int(self->pair.client, WINSOCK_SO_MODE, 0));
	EXPECT_WOULDBLOCK(dev_close(self->dev, self->pair.client,
				    DEV_CLOSESOCKET | WINSOCK_CLOSE_NONBLOCKING, 0, &self->call));
	EXPECT_EQ(0, FINS() + RSTS());
	/* The fixture closes it. */
	net_linger(self->pair.client, 1, 0);
}

/* claims: B2 B3 N13 */
TEST_F(closing, plain_close_obeys_it)
{
	for (int mode = -1; mode < 2; mode++)
		for (int nonblock = 0; nonblock < 2; nonblock++) {
			bool waits = mode == 0 || (mode == -1 && !nonblock);
			double start;

			ASSERT_EQ(0, ulp_attach(self->pair.client));
			net_linger(self->pair.client, 1, 1);
			net_stuff(self->pair.client);
			net_nonblock(self->pair.client, nonblock);
			ASSERT_EQ(0, ulp_set_int(self->pair.client, WINSOCK_SO_MODE, mode));
			start = net_now();
			close(self->pair.client);
			if (waits) {
				EXPECT_GE(net_now() - start, 1.0);
				EXPECT_EQ(0, LEFT());
			} else {
				EXPECT_LT(net_now() - start, AT_ONCE);
				EXPECT_EQ(TCP_ESTABLISHED, LEFT());
			}
			EXPECT_EQ(0, net_left_wait(self->pair.client_port,
						   self->pair.server_port, 0, 3000));
			EXPECT_GE(net_now() - start, 1.0);
			EXPECT_EQ(0, FINS());
			EXPECT_EQ(1, RSTS());
			close(self->pair.server);
			net_pair_open(&self->pair, variant->family, variant->accepted);
			wire_reset(&self->wire);
		}
}

TEST_HARNESS_MAIN
