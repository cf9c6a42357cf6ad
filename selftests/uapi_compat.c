// SPDX-License-Identifier: GPL-2.0-only
/* 32-bit callers have the same layouts: calls through the compat entry. */
#include "closing.h"

#include <sys/mman.h>

#ifdef __x86_64__
/* A system call by its i386 number, through the compat entry. */
static long call_i386(long number, long first, long second, void *third)
{
	long result = number;

	asm volatile("int $0x80" : "+a"(result) : "b"(first), "c"(second), "d"(third)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}

#define I386_GETPID	20
#define I386_IOCTL	54

/* A 32-bit caller has the same layout. */
TEST_F(closing, compat_entry)
{
	const long request = (unsigned int)WINSOCK_IOC_CLOSE;
	struct winsock_close *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	ASSERT_NE(MAP_FAILED, low);
	if (call_i386(I386_GETPID, 0, 0, NULL) != getpid())
		SKIP(return, "no 32-bit system calls in this kernel");
	/* A mistake would show: this one would be reset. */
	net_linger(self->pair.client, 1, 0);
	*low = (struct winsock_close){ .fd = self->pair.client, .op_fd = -1,
				       .flags = DEV_CLOSESOCKET, .mode = 3 };
	EXPECT_EQ(-EINVAL, call_i386(I386_IOCTL, self->dev, request, low));
	EXPECT_EQ(1, net_state(self->pair.client));

	low->mode = 0;
	EXPECT_EQ(0, call_i386(I386_IOCTL, self->dev, request, low));
	EXPECT_EQ(WINSOCK_RESULT_DONE, low->result);
	EXPECT_EQ(WINSOCK_OUTCOME_REQUEST, low->outcome);
	EXPECT_FALSE(net_is_open(self->pair.client));
}
#endif

TEST_HARNESS_MAIN

