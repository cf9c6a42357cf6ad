// SPDX-License-Identifier: GPL-2.0-only
/* The policy in the kernel that it decides for. */
#include <kunit/test.h>

#include "../policy.h"
#include "policy_cases.h"

static void policy_describe(const typeof(policy_cases[0]) *one, char *to)
{
	strscpy(to, one->says, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(policy, policy_cases, policy_describe);

static void policy_says(struct kunit *test)
{
	const typeof(policy_cases[0]) *one = test->param_value;

	KUNIT_EXPECT_EQ(test, winsock_policy_verdict(one->facts), one->verdict);
}

static void policy_is_total(struct kunit *test)
{
	u32 facts;

	for (facts = 0; facts < 1U << WINSOCK_FACT_BITS; facts++) {
		enum winsock_verdict verdict = winsock_policy_verdict(facts);

		KUNIT_EXPECT_TRUE(test, verdict >= WINSOCK_VERDICT_DROP &&
				  verdict <= WINSOCK_VERDICT_WAIT);
	}
}

static u32 unacked(int state, u32 write_seq, u32 snd_una, bool syn)
{
	return winsock_policy_unacked(state, write_seq, snd_una, syn);
}

static void policy_does_not_count_syn_and_fin(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, unacked(TCP_ESTABLISHED, 107, 100, false), 7);
	KUNIT_EXPECT_EQ(test, unacked(TCP_FIN_WAIT1, 108, 100, false), 7);
	KUNIT_EXPECT_EQ(test, unacked(TCP_FIN_WAIT1, 101, 100, false), 0);
	KUNIT_EXPECT_EQ(test, unacked(TCP_SYN_SENT, 101, 100, true), 0);
	KUNIT_EXPECT_EQ(test, unacked(TCP_ESTABLISHED, 3, U32_MAX, false), 4);
	KUNIT_EXPECT_EQ(test, unacked(TCP_CLOSE, 107, 100, false), 0);
	KUNIT_EXPECT_EQ(test, winsock_policy_state(WINSOCK_STATES), 0);
}

static struct kunit_case policy_tests[] = {
	KUNIT_CASE_PARAM(policy_says, policy_gen_params),
	KUNIT_CASE(policy_is_total),
	KUNIT_CASE(policy_does_not_count_syn_and_fin),
	{ }
};

static struct kunit_suite policy_suite = {
	.name = "winsock_policy",
	.test_cases = policy_tests,
};

kunit_test_suite(policy_suite);
