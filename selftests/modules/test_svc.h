/* SPDX-License-Identifier: GPL-2.0-only */
/* An ioctl of the signalling daemon's socket, for root and the tests only. */
#ifndef TEST_SVC_H
#define TEST_SVC_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct test_svc_okay - let a connect succeed
 * @vcc:	the circuit, as the kernel's message names it; trusted
 * @vci:	the VCI that it gets
 */
struct test_svc_okay {
	__u64 vcc;
	__s32 vci;
	__u32 pad;
};

#define TEST_SVC_OKAY	_IOW('a', 0xf7, struct test_svc_okay)

#endif /* TEST_SVC_H */
