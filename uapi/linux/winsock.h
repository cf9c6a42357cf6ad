/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Winsock's closesocket for Linux sockets: /dev/winsock, the ULP, SOL_WINSOCK.
 *
 * Every call acts on a descriptor that the caller holds. Possession of the
 * socket's descriptor is the authority, as for shutdown(2); no capability is
 * needed, and /dev/winsock itself may be opened read-only by anybody.
 *
 * Rules for all structures: fixed size, no implicit padding, the same layout
 * for 32-bit and 64-bit callers. Unknown flags and non-zero padding are refused
 * with EINVAL. A new meaning gets a feature bit and, where the layout changes,
 * a new ioctl number; an existing field is never reinterpreted.
 *
 * Claim IDs in comments (B3, N1, ...) are those of Documentation/claims.rst.
 *
 * Words are TCP's: payload, acknowledged, reset, RST, FIN. With
 * WINSOCK_FEATURE_FAMILIES the calls also take AF_UNIX, ATM and IrDA
 * connections, where the words mean what Documentation/families.rst says, and
 * datagram and raw sockets of any family, which have no linger: a close is done
 * at once, never would-block, and resets nothing.
 */
#ifndef _UAPI_LINUX_WINSOCK_H
#define _UAPI_LINUX_WINSOCK_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Version of this interface; grows with each release that adds a feature bit. */
#define WINSOCK_ABI_VERSION	1

/* Feature bits of struct winsock_info. */
#define WINSOCK_FEATURE_CLOSE	(1ULL << 0)	/* QUERY, CLOSE, ABORT */
#define WINSOCK_FEATURE_STRICT	(1ULL << 1)	/* WINSOCK_CLOSE_STRICT, sysctl */
#define WINSOCK_FEATURE_RESUME	(1ULL << 2)	/* interrupted waits resume by op_fd */
#define WINSOCK_FEATURE_ASYNC	(1ULL << 3)	/* WINSOCK_CLOSE_ASYNC, op descriptors */
#define WINSOCK_FEATURE_ULP	(1ULL << 4)	/* TCP_ULP "winsock", SOL_WINSOCK */
#define WINSOCK_FEATURE_KEEP	(1ULL << 5)	/* IF_LAST without DROP_FD */
#define WINSOCK_FEATURE_FAMILIES (1ULL << 6)	/* other sockets than TCP's */

/**
 * struct winsock_info - what this module can do (WINSOCK_IOC_INFO)
 * @abi_version:	WINSOCK_ABI_VERSION of the running module
 * @ops_max:		closes that one user may have pending in the caller's
 *			network namespace (sysctl net.winsock.ops_max)
 * @features:		WINSOCK_FEATURE_* bits
 * @close_flags:	every WINSOCK_CLOSE_* flag that CLOSE accepts
 * @timeout_max_ns:	longest timeout CLOSE accepts, in ns
 * @module_version:	version text of the module, NUL-terminated
 */
struct winsock_info {
	__u32	abi_version;
	__u32	ops_max;
	__u64	features;
	__u64	close_flags;
	__u64	timeout_max_ns;
	char	module_version[32];
};

/* Bits of struct winsock_query.flags. */
#define WINSOCK_QUERY_LINGER		(1U << 0)	/* SO_LINGER is on */
#define WINSOCK_QUERY_NONBLOCK		(1U << 1)	/* O_NONBLOCK is set on the file */
/* Payload is unacknowledged: a timed close could not finish now. */
#define WINSOCK_QUERY_WOULD_BLOCK	(1U << 2)
/* Other descriptors hold the socket (see WINSOCK_CLOSE_IF_LAST). */
#define WINSOCK_QUERY_SHARED		(1U << 3)
/* The literal reading is in force: the socket's own switch, else its network namespace's. */
#define WINSOCK_QUERY_STRICT		(1U << 4)
/* A lingering close is pending on the socket. */
#define WINSOCK_QUERY_CLOSING		(1U << 5)
#define WINSOCK_QUERY_ATTACHED		(1U << 6)	/* the socket has the ULP "winsock" */

/**
 * struct winsock_query - the facts a close would be decided by (WINSOCK_IOC_QUERY)
 * @fd:		in: the socket
 * @pad:	in: zero
 * @flags:	out: WINSOCK_QUERY_* bits
 * @state:	out: TCP state (TCP_ESTABLISHED = 1 ... as in <netinet/tcp.h>), of other
 *		families what they keep by the same numbers; an ATM circuit is 1 or 7, a
 *		datagram or raw socket 7
 * @linger_ns:	out: SO_LINGER's timeout in ns; meaningful with WINSOCK_QUERY_LINGER
 * @unsent:	out: payload bytes accepted by send and not yet given to the wire; 0 for
 *		other families than TCP
 * @unacked:	out: payload bytes not acknowledged by the peer's TCP, @unsent
 *		included; the FIN is no payload. ATM and IrDA: bytes of memory
 *		of the packets that are still the socket's. AF_UNIX: 0
 * @unread:	out: bytes received behind the last one read; a close with any
 *		turns into a reset (G7, RFC 1122 4.2.2.13), not so for ATM and
 *		IrDA. 0 for datagram and raw sockets
 *
 * No side effect. Errors: EBADF, ENOTSOCK, EOPNOTSUPP (a family that is not known:
 * AF_VSOCK, SCTP, MPTCP ...), EINVAL (@pad), EFAULT.
 */
struct winsock_query {
	__s32	fd;
	__u32	pad;
	__u32	flags;
	__u32	state;
	__u64	linger_ns;
	__u64	unsent;
	__u64	unacked;
	__u64	unread;
};

/* struct winsock_close.mode: is the socket blocking in Winsock's sense? */
#define WINSOCK_MODE_FROM_FILE		0	/* as O_NONBLOCK of the open file says */
#define WINSOCK_MODE_BLOCKING		1
#define WINSOCK_MODE_NONBLOCKING	2

/*
 * struct winsock_close.flags
 *
 * TIMEOUT: @timeout_ns decides instead of SO_LINGER: as if linger were on with
 *	that many ns; 0 is the hard close. SO_LINGER is not asked, nor set: a close
 *	that is decided switches it off, this one like any other.
 * DROP_FD: remove the caller's descriptor unless the answer is would-block or
 *	an error: success means closed. The number is removed only if it still
 *	refers to the same open file, so a number that another thread reused in
 *	the meantime is never touched.
 * IF_LAST: if the open file has other holders (dup, fork, SCM_RIGHTS, also in
 *	flight), release this descriptor only and disturb nobody (M1). Threads
 *	inside a call on this very descriptor are no holders. Without DROP_FD
 *	nothing is released: the caller is told, and gives the descriptor up itself.
 *	Without the flag the caller asserts that it decides for all holders.
 * STRICT: the literal reading of the page's error table: non-blocking and
 *	linger with a timeout gives would-block whatever is or is not queued.
 * CANCEL: a close that succeeds also ends the calls in which other threads
 *	sit blocked on this descriptor: one of them with ECONNABORTED, or ECONNRESET if
 *	the close resets; accept(2) with EINVAL; further ones as after a shutdown(2); a
 *	send that has moved something returns that. Not with a shared descriptor. A
 *	thread in epoll_wait(2) is not woken: a watch ends with the descriptor, and an
 *	event after that would name what the program may have freed.
 * ASYNC: where the close would wait, answer WINSOCK_RESULT_PENDING at once; @op_fd
 *	is then a descriptor (close-on-exec) that becomes readable when the close is
 *	final. With DROP_FD the socket's descriptor goes at once.
 * DETACH: with ASYNC: closing the op descriptor early leaves the close to the
 *	kernel, for at most 65535 seconds more. Without it that resets the connection,
 *	so that nothing stays behind.
 */
#define WINSOCK_CLOSE_TIMEOUT	(1U << 0)
#define WINSOCK_CLOSE_DROP_FD	(1U << 1)
#define WINSOCK_CLOSE_IF_LAST	(1U << 2)
#define WINSOCK_CLOSE_STRICT	(1U << 3)
#define WINSOCK_CLOSE_CANCEL	(1U << 4)
#define WINSOCK_CLOSE_ASYNC	(1U << 5)
#define WINSOCK_CLOSE_DETACH	(1U << 6)

/* Every flag above. */
#define WINSOCK_CLOSE_FLAGS	(WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DROP_FD | \
				 WINSOCK_CLOSE_IF_LAST | WINSOCK_CLOSE_STRICT | \
				 WINSOCK_CLOSE_CANCEL | WINSOCK_CLOSE_ASYNC | \
				 WINSOCK_CLOSE_DETACH)

/* struct winsock_close.result */
#define WINSOCK_RESULT_DONE		1	/* decided and carried out, see @outcome */
/* Nothing was begun; same descriptor, try again (N1). */
#define WINSOCK_RESULT_WOULDBLOCK	2
#define WINSOCK_RESULT_PENDING		3	/* the kernel lingers; @op_fd tells the end */

/* struct winsock_close.outcome, with WINSOCK_RESULT_DONE */
#define WINSOCK_OUTCOME_NONE		0	/* no decision */
/* Released; TCP sends FIN, or no connection existed. */
#define WINSOCK_OUTCOME_GRACEFUL	1
#define WINSOCK_OUTCOME_DEADLINE	2	/* reset: the linger timeout passed first (B3) */
#define WINSOCK_OUTCOME_REQUEST		3	/* reset: hard close (H1), or an op was aborted */
/* The connection was already dead, or died in the wait (B5). */
#define WINSOCK_OUTCOME_PEER		4
/* Not the last holder: only the descriptor went (M1). */
#define WINSOCK_OUTCOME_SHARED		5
/* Released with unread data: TCP sends RST, not FIN (G7). */
#define WINSOCK_OUTCOME_UNREAD		6
#define WINSOCK_OUTCOME_CANCELLED	7	/* the op was cancelled: nothing has happened */

/* Longest @timeout_ns: 2^31 seconds, more than SO_LINGER can express. */
#define WINSOCK_TIMEOUT_MAX_NS	(2147483648ULL * 1000000000ULL)

/**
 * struct winsock_close - closesocket (WINSOCK_IOC_CLOSE)
 * @fd:		in: the socket
 * @mode:	in: WINSOCK_MODE_*
 * @flags:	in: WINSOCK_CLOSE_*
 * @op_fd:	in: -1. Written by the kernel when a signal handler has to run in
 *		the middle of a wait: the wait is then owned by this descriptor,
 *		the system call restarts by itself whatever SA_RESTART says, and
 *		the restarted call finds its way back by it, deadline kept. -1
 *		again when the call returns. Whoever leaves the handler by
 *		longjmp owns the descriptor; the close goes on all the same. With
 *		WINSOCK_RESULT_PENDING: out, the op descriptor, owned by the caller
 * @timeout_ns:	in: with WINSOCK_CLOSE_TIMEOUT, ns from now, at most
 *		WINSOCK_TIMEOUT_MAX_NS; else zero
 * @tag:	in: the caller's own mark, comes back in struct winsock_record
 * @result:	out: WINSOCK_RESULT_*
 * @outcome:	out: WINSOCK_OUTCOME_*
 * @elapsed_ns:	out: from the call to the decision, monotonic clock; 0 where no wait
 *		was possible (linger off, timeout zero, not the last handle)
 * @unacked:	out: payload bytes the peer never acknowledged, at the decision
 * @state:	out: TCP state that was found when the close was decided
 * @error:	out: the socket's pending error then (positive errno), or 0
 *
 * The ioctl returns 0 with @result set, or fails with nothing changed:
 * EFAULT (the structure is not readable and writable), EBADF, ENOTSOCK,
 * EOPNOTSUPP (a family that is not known), EINVAL (unknown mode or flag,
 * timeout out of range, @op_fd neither -1 nor a wait of
 * this socket, DETACH without ASYNC), EBUSY (a close is already waiting on this
 * socket), ENOMEM, ENOSPC (the user has @ops_max closes pending), EMFILE and ENFILE
 * (with ASYNC: no descriptor for the op). It never fails with EINTR.
 *
 * A blocking close with unacknowledged payload waits until it is acknowledged
 * or the deadline passes; in the latter case the connection has been reset (RST
 * on the wire, state CLOSE, nothing in TIME_WAIT) before the call returns. The
 * deadline is the kernel's: if the caller is killed in the wait, it still holds.
 */
struct winsock_close {
	__s32	fd;
	__u32	mode;
	__u32	flags;
	__s32	op_fd;
	__u64	timeout_ns;
	__u64	tag;
	__u32	result;
	__u32	outcome;
	__u64	elapsed_ns;
	__u64	unacked;
	__u32	state;
	__s32	error;
};

/**
 * struct winsock_record - how a close ended, as read from an op descriptor
 * @outcome:	WINSOCK_OUTCOME_*
 * @error:	the socket's pending error at the decision (positive errno), or 0
 * @elapsed_ns:	from the start of the close to the decision, monotonic clock
 * @unacked:	payload bytes the peer never acknowledged
 * @state:	TCP state that was found at the decision
 * @pad:	zero
 * @tag:	the @tag of struct winsock_close
 *
 * An op descriptor polls readable (level-triggered) once the close is final. By then
 * the kernel has let go of the socket: its port may be bound by whoever wakes. read()
 * returns one record, the same every time; EINVAL for a shorter buffer; before the
 * end it waits, or fails with EAGAIN if the descriptor is O_NONBLOCK. The descriptor
 * may be passed on; whoever holds it may cancel and abort.
 */
struct winsock_record {
	__u32	outcome;
	__s32	error;
	__u64	elapsed_ns;
	__u64	unacked;
	__u32	state;
	__u32	pad;
	__u64	tag;
};

/**
 * struct winsock_abort - reset the connection now (WINSOCK_IOC_ABORT)
 * @fd:		in: the socket; the descriptor stays open
 * @flags:	in: zero
 *
 * RST for all holders, without touching the shared SO_LINGER. A connection
 * attempt under way is given up. ATM: the circuit is released. Errors: EBADF,
 * ENOTSOCK, EOPNOTSUPP, ENOTCONN (no connection: closed, bound or listening,
 * in TCP_REPAIR's mode, datagram and raw sockets), EINVAL (@flags), EFAULT.
 */
struct winsock_abort {
	__s32	fd;
	__u32	flags;
};

#define WINSOCK_IOC_MAGIC	0xBD
#define WINSOCK_IOC_INFO	_IOR(WINSOCK_IOC_MAGIC, 0x00, struct winsock_info)
#define WINSOCK_IOC_QUERY	_IOWR(WINSOCK_IOC_MAGIC, 0x01, struct winsock_query)
#define WINSOCK_IOC_CLOSE	_IOWR(WINSOCK_IOC_MAGIC, 0x02, struct winsock_close)
#define WINSOCK_IOC_ABORT	_IOW(WINSOCK_IOC_MAGIC, 0x03, struct winsock_abort)

/*
 * On an op descriptor:
 *
 * OP_CANCEL: take the close back. The connection and its options are as before, and
 *	the record says CANCELLED. The argument is set to a new descriptor of the socket
 *	if DROP_FD had removed the caller's, else to -1. EALREADY: it was decided
 *	before; EMFILE, ENFILE, EFAULT: nothing was cancelled.
 * OP_ABORT: reset now; when it returns the record says REQUEST. EALREADY as above.
 */
#define WINSOCK_IOC_OP_CANCEL	_IOR(WINSOCK_IOC_MAGIC, 0x10, __s32)
#define WINSOCK_IOC_OP_ABORT	_IO(WINSOCK_IOC_MAGIC, 0x11)

#define WINSOCK_DEVICE		"/dev/winsock"

/*
 * The ULP: setsockopt(fd, SOL_TCP, TCP_ULP, WINSOCK_ULP, sizeof(WINSOCK_ULP)) on a TCP
 * socket, at any time from socket(2) on. Connections accepted from a listener that is
 * attached are attached. There is no way back. A listener's own close is TCP's, also
 * after it has become a client. Of others close(2), dup2(2) over
 * the descriptor, execve(2), exit and a fatal signal end a lingering connection as
 * the page says: drained, then FIN, or RST at the deadline; the thread waits in the
 * close only if the socket is blocking, and not at exit. See Documentation/ulp.rst.
 *
 * Errors, the socket is untouched: ENOENT (module not loaded), EEXIST (another ULP,
 * or attached already), EINVAL (the socket is in a sockmap), EOPNOTSUPP and
 * ENOPROTOOPT (not plain TCP), ENOSPC (TCP's operations were replaced by too many
 * other parties), ENOMEM.
 */
#define WINSOCK_ULP		"winsock"

/*
 * Level of the socket options below; on an attached socket that does not listen only,
 * elsewhere they fail with ENOPROTOOPT or EOPNOTSUPP. What was set before listen(2) is
 * inherited. "WS" in ASCII, above all levels of the kernel.
 */
#define SOL_WINSOCK		0x5753

/**
 * struct winsock_so_linger - WINSOCK_SO_LINGER, Windows' struct linger
 * @l_onoff:	linger is on; reads as 0 or 1
 * @l_linger:	timeout in seconds. Stored also with @l_onoff 0 (O5)
 *
 * The same setting as SO_LINGER: what one sets the other reads. A longer native timeout
 * reads as 65535.
 */
struct winsock_so_linger {
	__u16	l_onoff;
	__u16	l_linger;
};

/*
 * Options at SOL_WINSOCK. Sizes below the type's fail with EINVAL, unreadable memory
 * with EFAULT, unknown names with ENOPROTOOPT.
 *
 * LINGER: struct winsock_so_linger.
 * DONTLINGER: int. 1 switches linger off and keeps the timeout; 0 switches it on with
 *	the earlier timeout, which may be 0; if none was ever set, with
 *	WINSOCK_SO_LINGER_DEFAULT seconds (2.5). Reads as 1 while linger is off.
 * STRICT: int. 1 and 0: the literal reading of the error table for this socket,
 *	whatever net.winsock.strict says; -1: as that says, the default.
 * INFO: struct winsock_query, read only; fd is -1, and WINSOCK_QUERY_SHARED is not told.
 */
#define WINSOCK_SO_LINGER	1
#define WINSOCK_SO_DONTLINGER	2
#define WINSOCK_SO_STRICT	3
#define WINSOCK_SO_INFO		4

/* Seconds. */
#define WINSOCK_SO_LINGER_DEFAULT	5

/*
 * What sock_diag (ss -tie) tells of an attached socket: in INET_DIAG_ULP_INFO, beside
 * the name, a nest WINSOCK_DIAG with these attributes.
 */
#define WINSOCK_DIAG		87
#define WINSOCK_DIAG_FLAGS	1	/* __u32, WINSOCK_QUERY_* */
#define WINSOCK_DIAG_LINGER	2	/* __u64, linger timeout in ns */
#define WINSOCK_DIAG_PAD	3

#endif /* _UAPI_LINUX_WINSOCK_H */
