// SPDX-License-Identifier: GPL-2.0-only
/*
 * IrDA's row of the table, by a family in its place (modules/test_irda.c): the close
 * is deferred until the peer's receive queue is empty (X7).
 */
#include "lingering.h"

static void irda_open(struct ends *ends)
{
	ends_pair(ends, AF_IRDA, SOCK_STREAM);
}

/* It has no word for an abort. */
FIXTURE_VARIANT_ADD(lingering, irda) {
	.open = irda_open,
};

/* claims: X7 */
TEST_F(lingering, the_peer_reads_all_before_the_end)
{
	struct winsock_query query;
	struct ends_reader reader;
	static char block[100];

	net_linger(self->ends.near, 1, 20);
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(100, send(self->ends.near, block, sizeof(block), 0));
	ASSERT_EQ(0, dev_query(self->dev, self->ends.near, &query));
	EXPECT_GT(query.unacked, 0);
	ends_read_later(&reader, self->ends.far, 300);
	ASSERT_EQ(0, CLOSE());
	EXPECT_DONE(WINSOCK_OUTCOME_GRACEFUL);
	EXPECT_GT(self->call.elapsed_ns, 200000000ULL);
	ends_read_done(&reader);
	EXPECT_EQ(500, reader.got);
	EXPECT_EQ(0, reader.error);
}

TEST_HARNESS_MAIN
