// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program of 32 bits, without a C library of that size: it makes the calls on descriptors of
 * uapi_compat. Exit status: 0, or the number of the step that failed.
 */
#include "uapi_compat.h"

_Static_assert(sizeof(void *) == 4, "a program of 32 bits");

#define SYS_EXIT	1
#define SYS_READ	3
#define SYS_WRITE	4
#define SYS_IOCTL	54

static long call(long number, long first, long second, void *third)
{
	long result = number;

	__asm__ volatile("int $0x80" : "+a"(result) : "b"(first), "c"(second), "d"(third)
			 : "memory");
	return result;
}

#define STEP(condition) do { \
	step++; \
	if (!(condition)) \
		return step; \
} while (0)

static int steps(void)
{
	struct winsock_query query = { .fd = UAPI_ABORT };
	struct winsock_abort reset = { .fd = UAPI_ABORT };
	struct winsock_close pending = {
		.fd = UAPI_PENDING,
		.flags = WINSOCK_CLOSE_DROP_FD | WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_BLOCKING,
		.timeout_ns = 10000000,
		.tag = 0x123456789abcdefULL,
	};
	struct winsock_close taken_back = pending;
	struct winsock_record record = { .outcome = 0 };
	struct winsock_info info;
	int step = 0;

	STEP(call(SYS_WRITE, UAPI_LAYOUT, (long)uapi_layout, (void *)sizeof(uapi_layout)) ==
	     sizeof(uapi_layout));
	STEP(!call(SYS_IOCTL, UAPI_DEVICE, WINSOCK_IOC_INFO, &info));
	STEP(info.abi_version == WINSOCK_ABI_VERSION &&
	     info.timeout_max_ns == WINSOCK_TIMEOUT_MAX_NS);
	STEP(!call(SYS_IOCTL, UAPI_DEVICE, WINSOCK_IOC_QUERY, &query));
	STEP(query.flags & WINSOCK_QUERY_WOULD_BLOCK && query.state == 1 && query.unacked == 7);
	STEP(!call(SYS_IOCTL, UAPI_DEVICE, WINSOCK_IOC_ABORT, &reset));
	STEP(!call(SYS_IOCTL, UAPI_DEVICE, WINSOCK_IOC_CLOSE, &pending));
	STEP(pending.op_fd == UAPI_PENDING);
	STEP(call(SYS_READ, UAPI_PENDING, (long)&record, (void *)sizeof(record)) ==
	     sizeof(record));
	STEP(record.outcome == WINSOCK_OUTCOME_DEADLINE && record.unacked == 7 &&
	     record.elapsed_ns >= pending.timeout_ns && record.tag == pending.tag);
	taken_back.fd = UAPI_CANCEL;
	taken_back.timeout_ns = WINSOCK_TIMEOUT_MAX_NS;
	STEP(!call(SYS_IOCTL, UAPI_DEVICE, WINSOCK_IOC_CLOSE, &taken_back));
	STEP(!call(SYS_IOCTL, UAPI_CANCEL, WINSOCK_IOC_OP_CANCEL, 0));
	query.fd = UAPI_CANCEL;
	query.flags = 0;
	STEP(!call(SYS_IOCTL, UAPI_DEVICE, WINSOCK_IOC_QUERY, &query));
	STEP(query.state == 1);
	return 0;
}

void _start(void)
{
	call(SYS_EXIT, steps(), 0, 0);
}
