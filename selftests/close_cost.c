// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a close costs beside close(2), in instructions of the guest. Documentation/
 * benchmarks.rst has the figures; here are bounds that no change may pass unnoticed.
 */
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#define WINSOCK_KEEP_LIBC_NAMES
#include <winsock_ext.h>
#undef linger

#include "bench/close.h"
#include "count.h"
#include "dev.h"
#include "net.h"

DEV_REQUIRED;

#define ROUNDS		60
#define IOCTL_MORE	450	/* than close(2) and an ioctl that does nothing */
#define LIBRARY_MORE	750	/* and its word in the table, what it has pending */
#define ATTACHED_MORE	200	/* some 1.02 x, a counter included */

/* Entering an ioctl: it differs from kernel to kernel, and with the security modules. */
static double ioctl_entry(int dev)
{
	struct count_series series = { 0 };
	double median;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = count_now();

		ioctl(dev, _IO(WINSOCK_IOC_MAGIC, 0xff));
		count_add(&series, count_now() - start);
	}
	median = count_median(&series);
	count_free(&series);
	return median;
}

TEST(no_dearer_than_it_has_to_be)
{
	double medians[CLOSE_STATES][CLOSE_WAYS];
	double entry;
	WSADATA data;
	int dev;

	if (!count_is_exact())
		SKIP(return, "the time-stamp counter counts no instructions here");
	net_enter();
	ASSERT_EQ(0, WSAStartup(MAKEWORD(2, 2), &data));
	close_measure(ROUNDS, medians);
	dev = dev_open();
	entry = ioctl_entry(dev);
	close(dev);
	WSACleanup();
	for (int state = 0; state < CLOSE_STATES; state++) {
		const double *way = medians[state];

		TH_LOG("%s: close(2) %.0f, closesocket() %.0f, attached %.0f",
		       close_state_names[state], way[CLOSE_PLAIN], way[CLOSE_LIBRARY],
		       way[CLOSE_ATTACHED]);
		EXPECT_LE(way[CLOSE_IOCTL], way[CLOSE_PLAIN] + entry + IOCTL_MORE);
		EXPECT_LE(way[CLOSE_LIBRARY], way[CLOSE_PLAIN] + entry + LIBRARY_MORE);
		EXPECT_LE(way[CLOSE_ATTACHED], way[CLOSE_PLAIN] + ATTACHED_MORE);
	}
	/* Drained: the FIN's acknowledgement is not waited for (B4). */
	EXPECT_LE(medians[CLOSE_TIMED][CLOSE_LIBRARY], medians[CLOSE_IDLE][CLOSE_PLAIN] * 1.2);
	EXPECT_LE(medians[CLOSE_TIMED][CLOSE_ATTACHED], medians[CLOSE_IDLE][CLOSE_PLAIN] * 1.2);
}

TEST_HARNESS_MAIN
