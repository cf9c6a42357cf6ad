// SPDX-License-Identifier: GPL-2.0-only
/* The example for Wine-like layers does what its head comment says. */
#define main wineserver_main
#include "../userlib/examples/wineserver.c"
#undef main

#include "kselftest_harness.h"

#include "dev.h"
#include "net.h"

DEV_REQUIRED;

/* claims: M2 N1 B2 B3 */
TEST(a_thousand_closes_and_the_loop_never_stalls)
{
	net_enter();
	EXPECT_EQ(0, wineserver_main());
}

TEST_HARNESS_MAIN
