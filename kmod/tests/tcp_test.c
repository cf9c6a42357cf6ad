// SPDX-License-Identifier: GPL-2.0-only
/* Facts of real connections, the drained test, push and reset. */
#include <kunit/test.h>
#include <linux/net.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>

#include <linux/winsock.h>

#include "../decide.h"
#include "../family.h"
#include "../policy.h"
#include "connection.h"

static void look(struct socket *sock, struct winsock_facts *facts)
{
	lock_sock(sock->sk);
	winsock_tcp_snapshot(sock->sk, facts);
	release_sock(sock->sk);
}

static void reset(struct socket *sock)
{
	lock_sock(sock->sk);
	winsock_tcp_reset(sock->sk);
	release_sock(sock->sk);
}

static void tcp_is_taken_and_not_mptcp(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct socket *other;

	KUNIT_EXPECT_EQ(test, winsock_family_check(pair->client), 0);
	KUNIT_ASSERT_EQ(test,
			sock_create_kern(&init_net, AF_INET, SOCK_STREAM,
					 IPPROTO_MPTCP, &other),
			0);
	KUNIT_EXPECT_EQ(test, winsock_family_check(other), -EOPNOTSUPP);
	sock_release(other);
}

/* The outcome of a close that releases the socket now. */
static u32 outcome(const struct winsock_facts *facts)
{
	struct winsock_decision decision = {
		.verdict = WINSOCK_VERDICT_RELEASE,
		.facts = *facts,
	};

	return winsock_outcome(&decision);
}

static void tcp_idle(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_facts facts;

	look(pair->client, &facts);
	KUNIT_EXPECT_EQ(test, facts.state, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, facts.unacked, 0);
	KUNIT_EXPECT_FALSE(test, facts.linger);
	KUNIT_EXPECT_FALSE(test, facts.dead);
	KUNIT_EXPECT_TRUE(test, facts.peer);
	KUNIT_EXPECT_TRUE(test, winsock_tcp_settled(pair->client->sk));
	KUNIT_EXPECT_EQ(test, outcome(&facts), WINSOCK_OUTCOME_GRACEFUL);
}

static void tcp_linger_saturates(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_facts facts;

	sock_set_flag(pair->client->sk, SOCK_LINGER);
	pair->client->sk->sk_lingertime = 3 * HZ;
	look(pair->client, &facts);
	KUNIT_EXPECT_TRUE(test, facts.linger);
	KUNIT_EXPECT_EQ(test, facts.linger_ns, 3ULL * NSEC_PER_SEC);
	pair->client->sk->sk_lingertime = MAX_SCHEDULE_TIMEOUT;
	look(pair->client, &facts);
	KUNIT_EXPECT_EQ(test, facts.linger_ns, U64_MAX);
	sock_reset_flag(pair->client->sk, SOCK_LINGER);
}

static void tcp_queued_data(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_facts facts;
	size_t sent = connection_fill(pair->client), got = 0;
	int tries;

	look(pair->client, &facts);
	KUNIT_EXPECT_GT(test, facts.unacked, 0);
	KUNIT_EXPECT_GT(test, facts.unsent, 0);
	KUNIT_EXPECT_GE(test, facts.unacked, facts.unsent);
	KUNIT_EXPECT_LE(test, facts.unacked, sent);
	KUNIT_EXPECT_FALSE(test, winsock_tcp_settled(pair->client->sk));
	look(pair->server, &facts);
	KUNIT_EXPECT_GT(test, facts.unread, 0);
	KUNIT_EXPECT_EQ(test, outcome(&facts), WINSOCK_OUTCOME_UNREAD);

	for (tries = 0; tries < 2000 && got < sent; tries++) {
		got += max(connection_drain(pair->server), 0);
		schedule_timeout_uninterruptible(1);
	}
	KUNIT_EXPECT_EQ(test, got, sent);
	KUNIT_EXPECT_TRUE(test, winsock_tcp_settled(pair->client->sk));
}

static void tcp_a_reset_is_final(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_facts facts;

	connection_fill(pair->client);
	reset(pair->client);
	look(pair->client, &facts);
	KUNIT_EXPECT_EQ(test, facts.state, TCP_CLOSE);
	KUNIT_EXPECT_TRUE(test, winsock_tcp_settled(pair->client->sk));
	while (connection_drain(pair->server) > 0)
		;
	look(pair->server, &facts);
	KUNIT_EXPECT_EQ(test, facts.state, TCP_CLOSE);
}

static void tcp_the_peers_reset_is_a_death(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_facts facts;

	connection_fill(pair->client);
	reset(pair->server);
	look(pair->client, &facts);
	KUNIT_EXPECT_EQ(test, facts.state, TCP_CLOSE);
	KUNIT_EXPECT_TRUE(test, facts.dead);
	KUNIT_EXPECT_GT(test, facts.lost, 0);
	KUNIT_EXPECT_EQ(test, facts.error, ECONNRESET);
	KUNIT_EXPECT_EQ(test, outcome(&facts), WINSOCK_OUTCOME_PEER);
	/* The snapshot does not consume the error. */
	look(pair->client, &facts);
	KUNIT_EXPECT_EQ(test, facts.error, ECONNRESET);
}

static void push(struct socket *sock)
{
	lock_sock(sock->sk);
	winsock_tcp_push(sock->sk);
	release_sock(sock->sk);
}

static void tcp_push_leaves_the_options(struct kunit *test)
{
	struct connection *pair = test->priv;
	u8 before;

	tcp_sock_set_cork(pair->client->sk, true);
	before = tcp_sk(pair->client->sk)->nonagle;
	push(pair->client);
	KUNIT_EXPECT_EQ(test,
			tcp_sk(pair->client->sk)->nonagle & ~TCP_NAGLE_PUSH,
			before & ~TCP_NAGLE_PUSH);
	tcp_sock_set_cork(pair->client->sk, false);
	tcp_sock_set_nodelay(pair->client->sk);
	push(pair->client);
	KUNIT_EXPECT_TRUE(test,
			  tcp_sk(pair->client->sk)->nonagle & TCP_NAGLE_OFF);
}

static bool relocks(struct socket *sock, bool reset)
{
	bool relocks;

	lock_sock(sock->sk);
	relocks = winsock_family_relocks(sock->sk, reset);
	release_sock(sock->sk);
	return relocks;
}

static int refuse(struct sock *sk, int flags)
{
	return -EOPNOTSUPP;
}

/* A worker with other ops' deadlines to keep must not sleep for a lock (B3). */
static void tcp_keeps_the_lock_but_for_ktls(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct proto *plain = pair->client->sk->sk_prot;
	struct proto *refusing =
		kunit_kzalloc(test, sizeof(*refusing), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, refusing);
	KUNIT_EXPECT_FALSE(test, relocks(pair->client, true));
	KUNIT_EXPECT_FALSE(test, relocks(pair->client, false));
	*refusing = *plain;
	refusing->disconnect = refuse;
	pair->client->sk->sk_prot = refusing;
	KUNIT_EXPECT_TRUE(test, relocks(pair->client, true));
	KUNIT_EXPECT_TRUE(test, relocks(pair->client, false));
	pair->client->sk->sk_prot = plain;
}

static void tcp_disconnects_with_the_lock_held(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct sock *sk = pair->client->sk;

	lock_sock(sk);
	winsock_family_disconnect(sk);
	KUNIT_EXPECT_EQ(test, sk->sk_err, ECONNABORTED);
	KUNIT_EXPECT_EQ(test, sk->sk_shutdown, SHUTDOWN_MASK);
	KUNIT_EXPECT_EQ(test, sk->sk_state, TCP_FIN_WAIT1);
	release_sock(sk);
	KUNIT_EXPECT_EQ(test, connection_drain(pair->server), 0);
}

static int tcp_suite_init(struct kunit_suite *suite)
{
	return connection_prepare();
}

static struct kunit_case tcp_tests[] = {
	KUNIT_CASE(tcp_is_taken_and_not_mptcp),
	KUNIT_CASE(tcp_idle),
	KUNIT_CASE(tcp_linger_saturates),
	KUNIT_CASE(tcp_queued_data),
	KUNIT_CASE(tcp_a_reset_is_final),
	KUNIT_CASE(tcp_the_peers_reset_is_a_death),
	KUNIT_CASE(tcp_push_leaves_the_options),
	KUNIT_CASE(tcp_keeps_the_lock_but_for_ktls),
	KUNIT_CASE(tcp_disconnects_with_the_lock_held),
	{ }
};

static struct kunit_suite tcp_suite = {
	.name = "winsock_tcp",
	.suite_init = tcp_suite_init,
	.init = connection_open,
	.exit = connection_close,
	.test_cases = tcp_tests,
};

kunit_test_suite(tcp_suite);
