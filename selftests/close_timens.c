// SPDX-License-Identifier: GPL-2.0-only
/* Time namespaces and the deadline. */
#include <fcntl.h>
#include <sched.h>

#include "pending.h"

/* claims: B3 */
TEST_F(closing, a_time_namespace_does_not_move_the_deadline)
{
	static const char offset[] = "monotonic 86400 0\n";
	int status, knob, err;
	double outside;
	pid_t child;

	net_stuff(self->pair.client);
	err = unshare(CLONE_NEWTIME);
	if (err && errno == EINVAL)
		SKIP(return, "this kernel has no time namespaces");
	ASSERT_EQ(0, err);
	knob = open("/proc/self/timens_offsets", O_WRONLY);
	ASSERT_GE(knob, 0);
	ASSERT_EQ(sizeof(offset) - 1, write(knob, offset, sizeof(offset) - 1));
	close(knob);
	outside = net_now();
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		double start = net_now(), took;

		if (start - outside < 86000)
			_exit(1);
		pending_begin(self->dev, self->pair.client, WINSOCK_CLOSE_DROP_FD, SECOND_NS,
			      &self->call);
		if (!pending_is_final(self->call.op_fd, 5000))
			_exit(2);
		took = net_now() - start;
		_exit(took >= 1 && took < 2 ? 0 : 3);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, RSTS());
}

TEST_HARNESS_MAIN
