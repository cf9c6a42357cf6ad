// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's counters and traces of the library's closes agree with what the program saw. */
#include <stdlib.h>
#include <string.h>

#include "mib.h"
#include "trace.h"
#include "winsock_test.h"

static struct trace trace;

static char verdict_letter(const char *verdict)
{
	return strcmp(verdict, "wouldblock") ? verdict[0] : 'b';
}

/*
 * Returns the events since the last call, a letter each: a verdict's, or an outcome's as a capital.
 */
static const char *traced(void)
{
	static char text[64];
	const char *event;
	size_t length = 0;

	while ((event = trace_next(&trace)) && length < sizeof(text) - 1) {
		if (!strncmp(event, "winsock_verdict:", 16))
			text[length++] = verdict_letter(trace_field(event, "verdict"));
		else if (!strncmp(event, "winsock_outcome:", 16))
			text[length++] = trace_field(event, "outcome")[0] - 'a' + 'A';
	}
	text[length] = 0;
	return text;
}

/* claims: B2 N1 */
TEST_F(winsock, a_lingering_close_asks_once)
{
	struct mib mib;
	size_t queued;
	pid_t reader;
	int error;

	queued = stuff(self->client);
	set_linger(self->client, 1, 20);
	/* The server's end stays open here: the kernel would count its close as well. */
	reader = net_drain_later(&(struct net_pair){ .client = self->client,
						     .server = dup(self->server) }, 500);
	trace_open(&trace);
	mib_read(&mib);
	ASSERT_EQ(0, closesocket(self->client));
	/* The close waited and was released: no refusal is counted. */
	EXPECT_STREQ("Graceful 1 Begun 1", mib_changes(&mib));
	EXPECT_STREQ("wrG", traced());
	trace_close(&trace);
	EXPECT_EQ(queued, net_drain_result(reader, &error));
	EXPECT_EQ(1, FINS());
	EXPECT_EQ(0, RSTS());
}

/* claims: B3 B9 */
TEST_F(winsock, one_that_meets_its_deadline_too)
{
	struct mib mib;

	stuff(self->client);
	set_linger(self->client, 1, 1);
	trace_open(&trace);
	mib_read(&mib);
	ASSERT_EQ(0, closesocket(self->client));
	EXPECT_STREQ("Deadline 1 Begun 1", mib_changes(&mib));
	EXPECT_STREQ("waD", traced());
	trace_close(&trace);
	EXPECT_EQ(1, RSTS());
}

/* claims: N1 N6 */
TEST_F(winsock, each_refusal_is_one)
{
	struct mib mib;

	stuff(self->client);
	set_linger(self->client, 1, 5);
	set_nonblock(self->client, 1);
	trace_open(&trace);
	mib_read(&mib);
	for (int i = 0; i < 3; i++)
		EXPECT_WSA(WSAEWOULDBLOCK, closesocket(self->client));
	EXPECT_STREQ("WouldBlock 3", mib_changes(&mib));
	EXPECT_STREQ("bbb", traced());
	trace_close(&trace);
	EXPECT_EQ(0, FINS() + RSTS());
}

/* claims: G1 H1 B1 */
TEST_F(winsock, one_that_need_not_wait_is_one)
{
	static const struct {
		int on;
		int seconds;
		const char *counted;
		const char *traced;
	} rows[] = {
		{ 0, 0, "Graceful 1", "rG" },
		{ 1, 0, "Request 1", "aR" },
		{ 1, 5, "Graceful 1", "rG" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mib mib;

		set_linger(self->client, rows[i].on, rows[i].seconds);
		trace_open(&trace);
		mib_read(&mib);
		ASSERT_EQ(0, closesocket(self->client));
		EXPECT_STREQ(rows[i].counted, mib_changes(&mib));
		EXPECT_STREQ(rows[i].traced, traced());
		trace_close(&trace);
		closesocket(self->server);
		self->client = open_pair(self->listener, self->port, &self->server);
		ASSERT_GE(self->client, 0);
	}
}

TEST_HARNESS_MAIN
