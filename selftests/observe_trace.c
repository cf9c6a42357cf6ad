// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints: one event for each decision, one for each outcome, true fields. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "pending.h"
#include "trace.h"
#include "ulp.h"

FIXTURE(tracing) {
	int dev;
	struct net_pair pair;
	struct winsock_close call;
	struct trace *trace;
	char netns[16];
};

FIXTURE_VARIANT(tracing) {
	enum net_family family;
	const char *number;
	const char *local;
};

FIXTURE_VARIANT_ADD(tracing, v4) {
	.family = NET_V4,
	.number = "2",
	.local = "127.0.0.1:%u",
};

FIXTURE_VARIANT_ADD(tracing, v6) {
	.family = NET_V6,
	.number = "10",
	.local = "[::1]:%u",
};

FIXTURE_SETUP(tracing)
{
	struct stat status;

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	net_enter();
	ASSERT_EQ(0, stat("/proc/self/ns/net", &status));
	snprintf(self->netns, sizeof(self->netns), "%u", (unsigned int)status.st_ino);
	net_pair_open(&self->pair, variant->family, false);
	self->trace = malloc(sizeof(*self->trace));
	trace_open(self->trace);
}

FIXTURE_TEARDOWN(tracing)
{
	trace_close(self->trace);
	free(self->trace);
	net_pair_close(&self->pair);
	close(self->dev);
}

/* The next event has this name and is about the client. */
#define EXPECT_EVENT(event, name) do { \
	char ends_[2][32]; \
	snprintf(ends_[0], sizeof(ends_[0]), variant->local, self->pair.client_port); \
	snprintf(ends_[1], sizeof(ends_[1]), variant->local, self->pair.server_port); \
	event = trace_next(self->trace); \
	ASSERT_NE(NULL, event); \
	EXPECT_EQ(0, strncmp(event, name ":", strlen(name) + 1)) TH_LOG("%s", event); \
	EXPECT_STREQ(self->netns, trace_field(event, "netns")); \
	EXPECT_STREQ(variant->number, trace_field(event, "family")); \
	EXPECT_STREQ(ends_[0], trace_field(event, "local")); \
	EXPECT_STREQ(ends_[1], trace_field(event, "remote")); \
} while (0)

#define EXPECT_VERDICT(wanted, with) do { \
	const char *event_; \
	EXPECT_EVENT(event_, "winsock_verdict"); \
	EXPECT_STREQ(wanted, trace_field(event_, "verdict")); \
	EXPECT_STREQ(with, trace_field(event_, "facts")); \
} while (0)

#define EXPECT_OUTCOME(wanted) do { \
	EXPECT_EVENT(outcome, "winsock_outcome"); \
	EXPECT_STREQ(wanted, trace_field(outcome, "outcome")); \
} while (0)

#define NUMBER(event, field) strtoull(trace_field(event, field), NULL, 10)

TEST_F(tracing, a_close_that_needs_no_wait)
{
	const char *outcome;

	ASSERT_EQ(0, CLOSE());
	/* With linger off the other facts are not gathered. */
	EXPECT_VERDICT("release", "");
	EXPECT_OUTCOME("graceful");
	EXPECT_EQ(TCP_ESTABLISHED, NUMBER(outcome, "state"));
	EXPECT_EQ(0, NUMBER(outcome, "unacked"));
	EXPECT_EQ(NULL, trace_next(self->trace));
}

/* The addresses are those from before the reset. */
TEST_F(tracing, the_hard_close)
{
	const char *outcome;

	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, CLOSE());
	EXPECT_VERDICT("abort", "linger|peer");
	EXPECT_OUTCOME("request");
	EXPECT_EQ(NULL, trace_next(self->trace));
}

TEST_F(tracing, would_block_has_no_outcome)
{
	net_stuff(self->pair.client);
	net_nonblock(self->pair.client, true);
	net_linger(self->pair.client, 1, 3);
	ASSERT_EQ(-EWOULDBLOCK, CLOSE());
	EXPECT_VERDICT("wouldblock", "linger|timed|nonblock|peer|unacked");
	EXPECT_EQ(NULL, trace_next(self->trace));
}

TEST_F(tracing, a_wait_until_the_deadline)
{
	const char *outcome;

	net_stuff(self->pair.client);
	self->call = (struct winsock_close){
		.fd = self->pair.client,
		.flags = WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DROP_FD,
		.timeout_ns = SECOND_NS,
		.tag = 4711,
	};
	ASSERT_EQ(0, ioctl(self->dev, WINSOCK_IOC_CLOSE, &self->call));
	EXPECT_EVENT(outcome, "winsock_verdict");
	EXPECT_STREQ("wait", trace_field(outcome, "verdict"));
	EXPECT_STREQ("linger|timed|peer|unacked", trace_field(outcome, "facts"));
	EXPECT_EQ(SECOND_NS, NUMBER(outcome, "timeout_ns"));
	EXPECT_EQ(4711, NUMBER(outcome, "tag"));
	EXPECT_GT(NUMBER(outcome, "unacked"), 0);
	EXPECT_EQ(NULL, trace_next(self->trace));

	EXPECT_TRUE(pending_is_final(self->call.op_fd, 5000));
	EXPECT_VERDICT("abort", "linger|timed|peer|unacked|expired");
	EXPECT_OUTCOME("deadline");
	EXPECT_GE(NUMBER(outcome, "elapsed_ns"), SECOND_NS);
	EXPECT_GT(NUMBER(outcome, "unacked"), 0);
	EXPECT_EQ(4711, NUMBER(outcome, "tag"));
	EXPECT_EQ(NULL, trace_next(self->trace));
	close(self->call.op_fd);
}

TEST_F(tracing, cancelled_the_policy_is_not_asked)
{
	const char *outcome;

	net_stuff(self->pair.client);
	BEGIN(0, 60 * SECOND_NS);
	EXPECT_VERDICT("wait", "linger|timed|peer|unacked");
	ASSERT_EQ(0, ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL));
	EXPECT_OUTCOME("cancelled");
	EXPECT_EQ(NULL, trace_next(self->trace));
	close(self->call.op_fd);
}

TEST_F(tracing, close_of_an_attached_socket)
{
	const char *outcome;

	ASSERT_EQ(0, ulp_attach(self->pair.client));
	net_stuff(self->pair.client);
	net_linger(self->pair.client, 1, 1);
	close(self->pair.client);
	self->pair.client = -1;
	EXPECT_VERDICT("wait", "linger|timed|peer|unacked");
	EXPECT_VERDICT("abort", "linger|timed|peer|unacked|expired");
	EXPECT_OUTCOME("deadline");
	EXPECT_EQ(NULL, trace_next(self->trace));
	net_pair_close(&self->pair);

	/* TCP's own close has an outcome event, too: the policy is not asked. */
	net_pair_open(&self->pair, variant->family, false);
	ASSERT_EQ(0, ulp_attach(self->pair.client));
	ASSERT_EQ(4, send(self->pair.client, "data", 4, 0));
	close(self->pair.client);
	self->pair.client = -1;
	EXPECT_OUTCOME("plain");
	EXPECT_EQ(TCP_ESTABLISHED, NUMBER(outcome, "state"));
	EXPECT_EQ(NULL, trace_next(self->trace));
}

TEST_HARNESS_MAIN
