/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the 32-bit and the 64-bit program: the interface must look alike to both. */
#ifndef UAPI_COMPAT_H
#define UAPI_COMPAT_H

#include <linux/winsock.h>

#define UAPI_FIELD(structure, field) \
	__builtin_offsetof(struct structure, field), \
	sizeof(((struct structure *)0)->field)

/* The request numbers contain the sizes of the structures. */
static const unsigned int uapi_layout[] = {
	WINSOCK_IOC_INFO, WINSOCK_IOC_QUERY, WINSOCK_IOC_CLOSE, WINSOCK_IOC_ABORT,
	WINSOCK_IOC_OP_CANCEL, WINSOCK_IOC_OP_ABORT,
	sizeof(struct winsock_record), sizeof(struct winsock_so_linger),
	UAPI_FIELD(winsock_info, abi_version), UAPI_FIELD(winsock_info, ops_max),
	UAPI_FIELD(winsock_info, close_flags), UAPI_FIELD(winsock_info, timeout_max_ns),
	UAPI_FIELD(winsock_info, module_version),
	UAPI_FIELD(winsock_query, fd), UAPI_FIELD(winsock_query, flags),
	UAPI_FIELD(winsock_query, state), UAPI_FIELD(winsock_query, pad),
	UAPI_FIELD(winsock_query, linger_ns), UAPI_FIELD(winsock_query, unsent),
	UAPI_FIELD(winsock_query, unacked), UAPI_FIELD(winsock_query, unread),
	UAPI_FIELD(winsock_record, tag), UAPI_FIELD(winsock_record, elapsed_ns),
	UAPI_FIELD(winsock_record, unacked), UAPI_FIELD(winsock_record, outcome),
	UAPI_FIELD(winsock_record, state), UAPI_FIELD(winsock_record, error),
	UAPI_FIELD(winsock_record, pad),
	UAPI_FIELD(winsock_close, fd), UAPI_FIELD(winsock_close, flags),
	UAPI_FIELD(winsock_close, cookie), UAPI_FIELD(winsock_close, timeout_ns),
	UAPI_FIELD(winsock_close, tag), UAPI_FIELD(winsock_close, op_fd),
	UAPI_FIELD(winsock_close, pad), UAPI_FIELD(winsock_close, record),
	UAPI_FIELD(winsock_abort, fd), UAPI_FIELD(winsock_abort, flags),
	UAPI_FIELD(winsock_abort, cookie),
	WINSOCK_TIMEOUT_MAX_NS >> 32, (unsigned int)WINSOCK_TIMEOUT_MAX_NS,
};

/* The 32-bit program's descriptors: the device, three connections, and one to write to. */
enum { UAPI_DEVICE = 100, UAPI_ABORT, UAPI_PENDING, UAPI_CANCEL, UAPI_LAYOUT };

#endif /* UAPI_COMPAT_H */
