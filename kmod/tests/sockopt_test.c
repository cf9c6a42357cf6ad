// SPDX-License-Identifier: GPL-2.0-only
/* Parsing of the options at SOL_WINSOCK, on attached kernel sockets. */
#include <kunit/test.h>
#include <linux/net.h>
#include <linux/tcp.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "../sockopt.h"
#include "connection.h"

static int sockopt_open(struct kunit *test)
{
	int err = connection_open(test);
	struct connection *pair = test->priv;
	const struct proto_ops *ops;

	if (err)
		return err;
	ops = READ_ONCE(pair->client->ops);
	return ops->setsockopt(pair->client, SOL_TCP, TCP_ULP,
			       KERNEL_SOCKPTR(WINSOCK_ULP),
			       sizeof(WINSOCK_ULP));
}

static int set(struct kunit *test, int name, void *value, unsigned int size)
{
	struct connection *pair = test->priv;

	return winsock_sockopt_set(pair->client->sk, name,
				   KERNEL_SOCKPTR(value), size);
}

static int set_linger(struct kunit *test, struct winsock_so_linger *linger)
{
	return set(test, WINSOCK_SO_LINGER, linger, sizeof(*linger));
}

static int set_int(struct kunit *test, int name, int value)
{
	return set(test, name, &value, sizeof(value));
}

static void sockopt_linger_is_stored_on_and_off(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_so_linger linger = { 1, 65535 };

	KUNIT_EXPECT_EQ(test, set_linger(test, &linger), 0);
	KUNIT_EXPECT_TRUE(test, sock_flag(pair->client->sk, SOCK_LINGER));
	KUNIT_EXPECT_EQ(test, pair->client->sk->sk_lingertime, 65535UL * HZ);
	linger.l_onoff = 0;
	linger.l_linger = 7;
	KUNIT_EXPECT_EQ(test, set_linger(test, &linger), 0);
	KUNIT_EXPECT_FALSE(test, sock_flag(pair->client->sk, SOCK_LINGER));
	KUNIT_EXPECT_EQ(test, pair->client->sk->sk_lingertime, 7UL * HZ);
}

static void sockopt_never_set_is_not_zero(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_so_linger linger = { 1, 0 };

	KUNIT_EXPECT_EQ(test, set_int(test, WINSOCK_SO_DONTLINGER, 0), 0);
	KUNIT_EXPECT_EQ(test, pair->client->sk->sk_lingertime,
			(unsigned long)WINSOCK_SO_LINGER_DEFAULT * HZ);
	KUNIT_EXPECT_EQ(test, set_linger(test, &linger), 0);
	KUNIT_EXPECT_EQ(test, set_int(test, WINSOCK_SO_DONTLINGER, 1), 0);
	KUNIT_EXPECT_EQ(test, set_int(test, WINSOCK_SO_DONTLINGER, 0), 0);
	KUNIT_EXPECT_EQ(test, pair->client->sk->sk_lingertime, 0);
}

static void sockopt_mode_is_three_valued(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct sock *sk = pair->client->sk;

	KUNIT_EXPECT_TRUE(test, winsock_sockopt_attached(sk));
	KUNIT_EXPECT_FALSE(test, winsock_sockopt_attached(pair->server->sk));
	KUNIT_EXPECT_FALSE(test, winsock_sockopt_nonblock(sk, NULL));
	KUNIT_EXPECT_EQ(test, set_int(test, WINSOCK_SO_MODE, 1), 0);
	KUNIT_EXPECT_TRUE(test, winsock_sockopt_nonblock(sk, NULL));
	KUNIT_EXPECT_EQ(test, set_int(test, WINSOCK_SO_MODE, 2), -EINVAL);
	KUNIT_EXPECT_TRUE(test, winsock_sockopt_nonblock(sk, NULL));
	KUNIT_EXPECT_EQ(test, set_int(test, WINSOCK_SO_MODE, -1), 0);
	KUNIT_EXPECT_FALSE(test, winsock_sockopt_nonblock(sk, NULL));
}

static void sockopt_bad_sizes_and_names(struct kunit *test)
{
	int value = 0, size;

	for (size = 0; size < 4; size++) {
		KUNIT_EXPECT_EQ(test,
				set(test, WINSOCK_SO_LINGER, &value, size),
				-EINVAL);
		KUNIT_EXPECT_EQ(test,
				set(test, WINSOCK_SO_DONTLINGER, &value, size),
				-EINVAL);
		KUNIT_EXPECT_EQ(test, set(test, WINSOCK_SO_MODE, &value, size),
				-EINVAL);
	}
	KUNIT_EXPECT_EQ(test, set(test, 0, &value, sizeof(value)),
			-ENOPROTOOPT);
	KUNIT_EXPECT_EQ(test, set(test, WINSOCK_SO_INFO, &value, sizeof(value)),
			-ENOPROTOOPT);
	KUNIT_EXPECT_EQ(test, set(test, 99, &value, sizeof(value)),
			-ENOPROTOOPT);
}

static int sockopt_suite_init(struct kunit_suite *suite)
{
	return connection_prepare();
}

static struct kunit_case sockopt_tests[] = {
	KUNIT_CASE(sockopt_linger_is_stored_on_and_off),
	KUNIT_CASE(sockopt_never_set_is_not_zero),
	KUNIT_CASE(sockopt_mode_is_three_valued),
	KUNIT_CASE(sockopt_bad_sizes_and_names),
	{ }
};

static struct kunit_suite sockopt_suite = {
	.name = "winsock_sockopt",
	.suite_init = sockopt_suite_init,
	.init = sockopt_open,
	.exit = connection_close,
	.test_cases = sockopt_tests,
};

kunit_test_suite(sockopt_suite);
