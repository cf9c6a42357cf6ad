// SPDX-License-Identifier: GPL-2.0-only
/* The life of an op, on sockets that it owns. */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/net.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>

#include <linux/winsock.h>

#include "../netns.h"
#include "../op.h"
#include "connection.h"

#define LONG_NS		(60ULL * NSEC_PER_SEC)
#define SHORT_NS	(50ULL * NSEC_PER_MSEC)

static struct winsock_op *prepare(struct connection *pair, u64 timeout_ns)
{
	return winsock_op_alloc(pair->client->sk, pair->client, NULL,
				ktime_get(), timeout_ns, 42);
}

static void start(struct connection *pair, struct winsock_op *op)
{
	lock_sock(op->sk);
	winsock_op_start(op, 1);
	release_sock(op->sk);
	/* The op owns the socket now. */
	pair->client = NULL;
}

static bool ends(struct winsock_op *op)
{
	return wait_event_timeout(op->waiters, winsock_op_is_final(op),
				  10 * HZ);
}

static void op_resets_at_the_deadline(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_op *op;

	connection_fill(pair->client);
	op = prepare(pair, SHORT_NS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	start(pair, op);
	KUNIT_ASSERT_TRUE(test, ends(op));
	KUNIT_EXPECT_EQ(test, op->record.outcome, WINSOCK_OUTCOME_DEADLINE);
	KUNIT_EXPECT_EQ(test, op->record.tag, 42);
	KUNIT_EXPECT_GT(test, op->record.unacked, 0);
	KUNIT_EXPECT_GE(test, op->record.elapsed_ns, SHORT_NS);
	winsock_op_put(op);
}

static void op_lets_go_when_drained(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_op *op;
	int tries;

	connection_fill(pair->client);
	op = prepare(pair, LONG_NS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	start(pair, op);
	for (tries = 0; tries < 5000 && !winsock_op_is_final(op); tries++) {
		connection_drain(pair->server);
		schedule_timeout_uninterruptible(1);
	}
	KUNIT_ASSERT_TRUE(test, ends(op));
	KUNIT_EXPECT_EQ(test, op->record.outcome, WINSOCK_OUTCOME_GRACEFUL);
	KUNIT_EXPECT_EQ(test, op->record.unacked, 0);
	/* recv() returns 0: the peer's FIN, not a reset. */
	KUNIT_EXPECT_EQ(test, connection_drain(pair->server), 0);
	winsock_op_put(op);
}

static void op_is_told_of_the_peers_reset(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_op *op;

	connection_fill(pair->client);
	op = prepare(pair, LONG_NS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	start(pair, op);
	sock_set_flag(pair->server->sk, SOCK_LINGER);
	pair->server->sk->sk_lingertime = 0;
	sock_release(pair->server);
	pair->server = NULL;
	KUNIT_ASSERT_TRUE(test, ends(op));
	KUNIT_EXPECT_EQ(test, op->record.outcome, WINSOCK_OUTCOME_PEER);
	KUNIT_EXPECT_EQ(test, op->record.error, ECONNRESET);
	winsock_op_put(op);
}

static void op_is_aborted_once(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_op *op;

	connection_fill(pair->client);
	op = prepare(pair, LONG_NS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	start(pair, op);
	KUNIT_EXPECT_TRUE(test, winsock_op_fire(op, WINSOCK_OP_ABORTED));
	KUNIT_EXPECT_FALSE(test, winsock_op_fire(op, WINSOCK_OP_ABORTED));
	KUNIT_ASSERT_TRUE(test, ends(op));
	KUNIT_EXPECT_EQ(test, op->record.outcome, WINSOCK_OUTCOME_REQUEST);
	KUNIT_EXPECT_FALSE(test, winsock_op_fire(op, WINSOCK_OP_EXPIRED));
	winsock_op_put(op);
}

static s64 seconds(const struct winsock_op *op)
{
	return ktime_divns(ktime_sub(op->deadline, op->began), NSEC_PER_SEC);
}

static void op_that_is_an_orphan_is_limited(struct kunit *test)
{
	static const u64 timeouts[] = { WINSOCK_TIMEOUT_MAX_NS, KTIME_MAX };
	struct connection *pair = test->priv;
	struct winsock_op *op;

	for (int i = 0; i < ARRAY_SIZE(timeouts); i++) {
		if (i) {
			connection_close(test);
			KUNIT_ASSERT_EQ(test, connection_open(test), 0);
			pair = test->priv;
		}
		connection_fill(pair->client);
		op = prepare(pair, timeouts[i]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
		start(pair, op);
		KUNIT_EXPECT_GT(test, seconds(op), 65536);
		winsock_orphan_add(op);
		KUNIT_EXPECT_EQ(test, winsock_mib_orphans, 1);
		KUNIT_EXPECT_LE(test, seconds(op), 65536);
		KUNIT_EXPECT_EQ(test, hrtimer_get_expires(&op->timer),
				op->deadline);
		KUNIT_EXPECT_EQ(test, inet_csk(op->sk)->icsk_user_timeout,
				100000);
		winsock_op_fire(op, WINSOCK_OP_ABORTED);
		KUNIT_ASSERT_TRUE(test, ends(op));
		KUNIT_EXPECT_EQ(test, winsock_mib_orphans, 0);
		winsock_op_put(op);
	}
}

static void op_makes_its_socket_busy(struct kunit *test)
{
	struct connection *pair = test->priv;
	struct winsock_op *op;

	connection_fill(pair->client);
	op = prepare(pair, LONG_NS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, op);
	KUNIT_EXPECT_FALSE(test, winsock_op_busy(pair->client));
	start(pair, op);
	KUNIT_EXPECT_TRUE(test, winsock_op_busy(op->sock));
	winsock_op_fire(op, WINSOCK_OP_ABORTED);
	KUNIT_ASSERT_TRUE(test, ends(op));
	winsock_op_put(op);
}

static int over_the_limit(struct net *net, kuid_t user)
{
	return -ENOSPC;
}

/* A built-in module has no count. */
static unsigned int references(void)
{
#ifdef MODULE
	return module_refcount(THIS_MODULE);
#else
	return 0;
#endif
}

static void op_over_the_limit_leaves_nothing(struct kunit *test)
{
	struct connection *pair = test->priv;
	int before = refcount_read(&pair->client->sk->sk_refcnt);
	unsigned int modules = references();
	struct winsock_op *op;

	kunit_activate_static_stub(test, winsock_netns_charge, over_the_limit);
	op = prepare(pair, LONG_NS);
	kunit_deactivate_static_stub(test, winsock_netns_charge);
	KUNIT_EXPECT_EQ(test, PTR_ERR(op), -ENOSPC);
	KUNIT_EXPECT_EQ(test, refcount_read(&pair->client->sk->sk_refcnt),
			before);
	KUNIT_EXPECT_EQ(test, references(), modules);
}

static int op_suite_init(struct kunit_suite *suite)
{
	return connection_prepare();
}

static struct kunit_case op_tests[] = {
	KUNIT_CASE(op_resets_at_the_deadline),
	KUNIT_CASE(op_lets_go_when_drained),
	KUNIT_CASE(op_is_told_of_the_peers_reset),
	KUNIT_CASE(op_is_aborted_once),
	KUNIT_CASE(op_that_is_an_orphan_is_limited),
	KUNIT_CASE(op_makes_its_socket_busy),
	KUNIT_CASE(op_over_the_limit_leaves_nothing),
	{ }
};

static struct kunit_suite op_suite = {
	.name = "winsock_op",
	.suite_init = op_suite_init,
	.init = connection_open,
	.exit = connection_close,
	.test_cases = op_tests,
};

kunit_test_suite(op_suite);
