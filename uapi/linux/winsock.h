/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Winsock's closesocket for Linux sockets: /dev/winsock, the ULP, SOL_WINSOCK.
 *
 * Every call acts on a descriptor that the caller holds. Possession of the
 * socket's descriptor is the authority, as for shutdown(2): no capability is
 * needed, and every user may open /dev/winsock, read-only too, unless the
 * administrator says otherwise (Documentation/admin.rst).
 *
 * Rules for all structures: fixed size, no implicit padding, the same layout
 * for 32-bit and 64-bit callers. A field that is not an input is written only.
 * A structure may grow at its end: an ioctl is known by its number, and the
 * size that _IOC_SIZE(request) names is how much the kernel reads and writes.
 * A smaller structure than the first version's fails with EINVAL; a larger one
 * than the kernel's fails with E2BIG if the part that the kernel does not know
 * is not zero, except that INFO leaves that part alone. A field is never given
 * another meaning.
 *
 * Claim IDs in comments (B3, N1, ...) are those of Documentation/claims.rst,
 * which names "the page", too: Microsoft's of closesocket.
 *
 * Words are TCP's: payload, acknowledged, reset, RST, FIN. The calls also take
 * AF_UNIX, ATM and IrDA connections, where the words mean what Documentation/
 * closesocket.rst says, and datagram and raw sockets of any family, which have
 * no linger: a close is done at once and resets nothing. Every call on a socket
 * fails with EBADF (no descriptor), ENOTSOCK (no socket), EOPNOTSUPP (a family
 * that the module does not know: MPTCP, SMC, SCTP, vsock) and EFAULT (the
 * structure is not readable and writable).
 */
#ifndef _UAPI_LINUX_WINSOCK_H
#define _UAPI_LINUX_WINSOCK_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define WINSOCK_DEVICE		"/dev/winsock"

/* Grows when a program has to know that something was added. */
#define WINSOCK_ABI_VERSION	1

/**
 * struct winsock_info - what this module can do (WINSOCK_IOC_INFO)
 * @abi_version:	WINSOCK_ABI_VERSION of the running module
 * @ops_max:		closes that one user may have pending in the caller's
 *			network namespace (sysctl net.winsock.ops_max)
 * @close_flags:	every WINSOCK_CLOSE_* flag that CLOSE accepts
 * @timeout_max_ns:	longest timeout that CLOSE accepts, ns
 * @module_version:	version text of the module, NUL-terminated
 */
struct winsock_info {
	__u32	abi_version;
	__u32	ops_max;
	__u64	close_flags;
	__u64	timeout_max_ns;
	char	module_version[32];
};

/* Bits of struct winsock_query.flags. */
#define WINSOCK_QUERY_LINGER		(1U << 0)	/* SO_LINGER is on */
#define WINSOCK_QUERY_NONBLOCK		(1U << 1)	/* the socket's mode */
/* Payload is unacknowledged: a timed close could not finish now. */
#define WINSOCK_QUERY_WOULD_BLOCK	(1U << 2)
/* Other descriptors hold it (see WINSOCK_CLOSE_IF_LAST); never with CLOSING. */
#define WINSOCK_QUERY_SHARED		(1U << 3)
#define WINSOCK_QUERY_STRICT		(1U << 4)	/* net.winsock.strict */
#define WINSOCK_QUERY_CLOSING		(1U << 5)	/* a close is pending */
#define WINSOCK_QUERY_ATTACHED		(1U << 6)	/* the ULP is there */

/**
 * struct winsock_query - what would decide a close now (WINSOCK_IOC_QUERY)
 * @fd:		in: the socket
 * @flags:	in: zero, else EINVAL; out: WINSOCK_QUERY_* bits
 * @state:	TCP state (TCP_ESTABLISHED = 1 ... as in <netinet/tcp.h>); other
 *		families keep theirs by the same numbers; an ATM circuit is 1 or
 *		7, a datagram or raw socket 7
 * @pad:	zero
 * @linger_ns:	SO_LINGER's timeout, ns; meaningful with WINSOCK_QUERY_LINGER
 * @unsent:	payload bytes that send accepted and TCP has not yet given to
 *		the wire; 0 for other families
 * @unacked:	payload bytes not acknowledged by the peer's TCP, @unsent
 *		included; the FIN is no payload. ATM and IrDA: bytes of memory
 *		of the packets that are still the socket's. AF_UNIX: 0
 * @unread:	bytes received after the last one read: a close with any resets
 *		(G7, RFC 1122 4.2.2.13), except for ATM and IrDA; 0 for datagram
 *		and raw sockets
 *
 * No side effect. Error: EINTR (killed while another thread was inside a call
 * on the socket).
 */
struct winsock_query {
	__s32	fd;
	__u32	flags;
	__u32	state;
	__u32	pad;
	__u64	linger_ns;
	__u64	unsent;
	__u64	unacked;
	__u64	unread;
};

/**
 * enum winsock_outcome - how a close ended (struct winsock_record.outcome)
 * @WINSOCK_OUTCOME_GRACEFUL:	released: TCP sends FIN, or no connection
 *		existed
 * @WINSOCK_OUTCOME_DEADLINE:	reset: the linger time passed first (B3)
 * @WINSOCK_OUTCOME_REQUEST:	reset: hard close (H1), OP_ABORT, ABORT_ID, or
 *		the op descriptor was closed without WINSOCK_CLOSE_DETACH
 * @WINSOCK_OUTCOME_PEER:	the connection was dead, or died in the wait
 *		(B5)
 * @WINSOCK_OUTCOME_SHARED:	there is another handle: only the descriptor was
 *		removed (M1)
 * @WINSOCK_OUTCOME_UNREAD:	released with unread data: TCP sends RST (G7)
 * @WINSOCK_OUTCOME_CANCELLED:	taken back: nothing has happened
 * @WINSOCK_OUTCOME_FORCED:	reset: no memory, or too many orphans
 *				or pending closes (net.winsock.ops_max)
 */
enum winsock_outcome {
	WINSOCK_OUTCOME_GRACEFUL = 1,
	WINSOCK_OUTCOME_DEADLINE,
	WINSOCK_OUTCOME_REQUEST,
	WINSOCK_OUTCOME_PEER,
	WINSOCK_OUTCOME_SHARED,
	WINSOCK_OUTCOME_UNREAD,
	WINSOCK_OUTCOME_CANCELLED,
	WINSOCK_OUTCOME_FORCED,
};

/**
 * struct winsock_record - how a close ended
 * @tag:	the @tag of struct winsock_close
 * @elapsed_ns:	from the call to the decision, monotonic clock, without the
 *		time that IF_LAST needs; 0 with linger off and a timeout of zero
 * @unacked:	payload bytes that the peer never acknowledged, at the decision
 * @outcome:	enum winsock_outcome
 * @state:	TCP state that was found at the decision
 * @error:	the socket's pending error then (positive errno), or 0
 * @pad:	zero
 */
struct winsock_record {
	__u64	tag;
	__u64	elapsed_ns;
	__u64	unacked;
	__u32	outcome;
	__u32	state;
	__s32	error;
	__u32	pad;
};

/*
 * struct winsock_close.flags
 *
 * TIMEOUT: @timeout_ns decides instead of SO_LINGER: as if linger were on with
 *	that many ns; 0 is the hard close.
 * DROP_FD: a close that is done takes the caller's descriptor away, and a close
 *	that is pending puts the op descriptor at its number. Only if the number
 *	still refers to the same open file, in one step: a number that another
 *	thread has reused is not touched.
 * IF_LAST: if other descriptors hold the open file (dup, fork, SCM_RIGHTS, also
 *	in flight), this descriptor alone is given up, and the others see
 *	nothing (M1). Threads inside a call on this descriptor do not count.
 *	Without the flag the caller decides for all holders.
 * STRICT: the page's error table by the letter: non-blocking and linger with a
 *	timeout is EWOULDBLOCK whatever is queued, as with net.winsock.strict.
 * CANCEL: a close that is done also ends the calls in which other threads sleep
 *	on this socket: one of them with ECONNABORTED, or ECONNRESET if the
 *	close resets; accept(2) with EINVAL; further ones as after a
 *	shutdown(2); a send that has moved something returns that. If IF_LAST
 *	finds other holders no call ends. A thread in epoll_wait(2) sleeps on:
 *	its event would carry a pointer that the program may have freed.
 * DETACH: when the op descriptor is closed before the end the close goes on; it
 *	is then an orphan, see Documentation/uapi.rst. Without the flag that
 *	resets the connection.
 * BLOCKING, NONBLOCKING: the socket's mode in Winsock's sense, whatever
 *	O_NONBLOCK and WINSOCK_SO_MODE say. Not both.
 */
#define WINSOCK_CLOSE_TIMEOUT		(1U << 0)
#define WINSOCK_CLOSE_DROP_FD		(1U << 1)
#define WINSOCK_CLOSE_IF_LAST		(1U << 2)
#define WINSOCK_CLOSE_STRICT		(1U << 3)
#define WINSOCK_CLOSE_CANCEL		(1U << 4)
#define WINSOCK_CLOSE_DETACH		(1U << 5)
#define WINSOCK_CLOSE_BLOCKING		(1U << 6)
#define WINSOCK_CLOSE_NONBLOCKING	(1U << 7)

/* Longest @timeout_ns: 2^31 seconds, more than SO_LINGER can express. */
#define WINSOCK_TIMEOUT_MAX_NS	(2147483648ULL * 1000000000ULL)

/**
 * struct winsock_close - closesocket (WINSOCK_IOC_CLOSE)
 * @fd:		in: the socket
 * @flags:	in: WINSOCK_CLOSE_*
 * @cookie:	in: the socket's SO_COOKIE, or 0 for any
 * @timeout_ns:	in: with WINSOCK_CLOSE_TIMEOUT, ns from now, at most
 *		WINSOCK_TIMEOUT_MAX_NS; else zero
 * @tag:	in: the caller's own mark, comes back in @record
 * @op_fd:	out: -1 if the close is done, else the op descriptor: @fd itself
 *		with WINSOCK_CLOSE_DROP_FD, else a new one; close-on-exec, and
 *		the caller's to close
 * @pad:	out: zero
 * @record:	out: how the close ended, if it is done
 *
 * The call never waits for the network. It answers 0 with @op_fd -1: decided
 * and carried out; 0 with an op descriptor: the close lingers (B2), and ends
 * when the payload is acknowledged or at the deadline, with a reset (RST on the
 * wire, state CLOSE, nothing in TIME_WAIT). Or it fails, and nothing was begun:
 *
 *   EWOULDBLOCK  non-blocking, linger with a timeout, and payload is not
 *		  acknowledged (N1); the descriptor works as before
 *   ESTALE	  the descriptor is another socket's than @cookie says
 *   EINVAL	  unknown flag, both modes, a timeout out of range
 *   EBUSY	  a close is already pending on the socket
 *   EINTR	  killed while another thread was inside a call on the socket
 *   EBADF	  also: another thread has reused the number
 *   EACCES	  also EPERM: without WINSOCK_CLOSE_IF_LAST or with
 *		  WINSOCK_CLOSE_TIMEOUT, and a security module does not let the
 *		  caller set SO_LINGER; asked since Linux 6.7
 *   ENOMEM, ENFILE, EMFILE (never with WINSOCK_CLOSE_DROP_FD), ENOSPC (the
 *   socket's user has ops_max closes pending): the kernel has no op for it
 *
 * The kernel keeps the deadline, which counts from the call, or from when
 * IF_LAST has looked for other holders, some 100 ms later at most; with
 * WINSOCK_CLOSE_DETACH also if the caller is killed. The reset waits for a
 * thread that holds the socket's lock inside a call.
 *
 * An epoll(7) watch on the socket lives until the close is final, even if its
 * number is the op's by then, and keeps the port for a moment longer:
 * EPOLL_CTL_DEL it first.
 */
struct winsock_close {
	__s32	fd;
	__u32	flags;
	__u64	cookie;
	__u64	timeout_ns;
	__u64	tag;
	__s32	op_fd;
	__u32	pad;
	struct winsock_record record;
};

/**
 * struct winsock_abort - reset the connection now (WINSOCK_IOC_ABORT)
 * @fd:		in: the socket; the descriptor stays open
 * @flags:	in: zero
 * @cookie:	in: the socket's SO_COOKIE, or 0 for any
 *
 * RST for all holders, without touching the shared SO_LINGER. A connection
 * attempt under way is given up. ATM: the circuit is released. Errors: ENOTCONN
 * (no connection: closed, bound or listening, in TCP_REPAIR's mode, datagram
 * and raw sockets), ESTALE (another socket than @cookie says), EINVAL (@flags),
 * EINTR (killed while another thread was inside a call on the socket), EACCES
 * and EPERM (as of CLOSE).
 */
struct winsock_abort {
	__s32	fd;
	__u32	flags;
	__u64	cookie;
};

/**
 * struct winsock_abort_id - reset a pending close (WINSOCK_IOC_ABORT_ID)
 * @id:		in: its number in /proc/net/winsock_pending of the caller's
 *		network namespace
 * @flags:	in: zero
 *
 * As OP_ABORT, for the administrator: CAP_NET_ADMIN over the namespace, else
 * EPERM. ENOENT: no close of that number is pending, or it was decided before.
 * EINVAL (@flags), EINTR (killed while a thread was inside a call on the
 * socket; the reset comes when it leaves).
 */
struct winsock_abort_id {
	__u32	id;
	__u32	flags;
};

#define WINSOCK_IOC_MAGIC	0xBD
#define WINSOCK_IOC_INFO \
	_IOR(WINSOCK_IOC_MAGIC, 0x00, struct winsock_info)
#define WINSOCK_IOC_QUERY \
	_IOWR(WINSOCK_IOC_MAGIC, 0x01, struct winsock_query)
#define WINSOCK_IOC_CLOSE \
	_IOWR(WINSOCK_IOC_MAGIC, 0x02, struct winsock_close)
#define WINSOCK_IOC_ABORT \
	_IOW(WINSOCK_IOC_MAGIC, 0x03, struct winsock_abort)
#define WINSOCK_IOC_ABORT_ID \
	_IOW(WINSOCK_IOC_MAGIC, 0x04, struct winsock_abort_id)

/*
 * An op descriptor stands for a pending close. It polls readable, and stays so,
 * when the close is final: by then the connection has ended, and the kernel has
 * released the socket, so that its port may be bound; a moment later if others
 * hold the socket, an epoll or inotify watches it, it was ever locked, or
 * it is in a multicast group or a sockmap, or was SMC's before. read() gives
 * one struct winsock_record, cut to the size asked for but not below the first
 * version's (EINVAL), the same every time; before the end it waits, or fails
 * with EINTR, or with EAGAIN if the descriptor is O_NONBLOCK. The descriptor
 * passes over fork and SCM_RIGHTS.
 *
 * OP_CANCEL: take the close back without a trace: the record says CANCELLED,
 *	and with WINSOCK_CLOSE_DROP_FD the socket is back at its number, with
 *	the close-on-exec bit that it had. For the process that began the close,
 *	and only while the number that CLOSE gave still is this op: EPERM
 *	otherwise. EALREADY: it was decided before.
 * OP_ABORT: reset now; when it returns the record says REQUEST. For every
 *	holder. EALREADY as above. Both: EINTR if the caller is killed.
 */
#define WINSOCK_IOC_OP_CANCEL	_IO(WINSOCK_IOC_MAGIC, 0x10)
#define WINSOCK_IOC_OP_ABORT	_IO(WINSOCK_IOC_MAGIC, 0x11)

/*
 * The ULP: setsockopt(fd, SOL_TCP, TCP_ULP, "winsock", sizeof("winsock")) on a
 * TCP socket, at any time from socket(2) on. Connections accepted from a
 * listener that is attached are attached. A socket cannot be detached. On an
 * attached socket close(2), dup2(2) over the descriptor, execve(2), exit and a
 * fatal signal end a lingering connection as the page says: drained, then FIN,
 * or RST at the deadline. The thread waits only in close(2), close_range(2),
 * dup2(2) and dup3(2), and only if the socket is blocking. A listener's own
 * close is TCP's, also after it has become a client, whenever it was attached.
 * Documentation/uapi.rst has the rest.
 *
 * Errors, the socket is untouched: ENOENT (module not loaded), EEXIST (another
 * ULP, or attached already), EINVAL (the socket is in a sockmap, or has PSP),
 * EOPNOTSUPP and ENOPROTOOPT (not plain TCP), ENOSPC (TCP's operations were
 * replaced by too many other parties), EACCES and EPERM (a security module
 * refuses setsockopt(2)).
 */
#define WINSOCK_ULP		"winsock"

/*
 * Level of the socket options below; on an attached socket that does not
 * listen, elsewhere they fail with ENOPROTOOPT or EOPNOTSUPP. What was set
 * before listen(2) is inherited. "WS" in ASCII, above all levels of the kernel.
 */
#define SOL_WINSOCK		0x5753

/**
 * struct winsock_so_linger - WINSOCK_SO_LINGER, Windows' struct linger
 * @l_onoff:	linger is on; reads as 0 or 1
 * @l_linger:	timeout in seconds. Stored also with @l_onoff 0 (O4)
 *
 * The same setting as SO_LINGER: what one sets the other reads. A longer native
 * timeout reads as 65535.
 */
struct winsock_so_linger {
	__u16	l_onoff;
	__u16	l_linger;
};

/*
 * Options at SOL_WINSOCK. Sizes below the type's fail with EINVAL, unreadable
 * memory with EFAULT, unknown names with ENOPROTOOPT.
 *
 * LINGER: struct winsock_so_linger.
 * DONTLINGER: int. 1 switches linger off and keeps the timeout; 0 switches it
 *	on with the earlier timeout, which may be 0; if none was ever set, with
 *	WINSOCK_SO_LINGER_DEFAULT seconds (O6). Reads as 1 while linger is off.
 * MODE: int. The socket's mode in Winsock's sense, for layers that keep
 *	O_NONBLOCK set: 1 non-blocking, 0 blocking, -1 as O_NONBLOCK says, the
 *	default; others EINVAL. CLOSE and plain close(2) obey it.
 * INFO: struct winsock_query, read only; fd is -1, and SHARED is not set.
 */
#define WINSOCK_SO_LINGER	1
#define WINSOCK_SO_DONTLINGER	2
#define WINSOCK_SO_MODE		3
#define WINSOCK_SO_INFO		4

/* Seconds. */
#define WINSOCK_SO_LINGER_DEFAULT	5

/*
 * Attribute of an attached socket in sock_diag's INET_DIAG_ULP_INFO (ss -tie),
 * beside the name: struct winsock_query as WINSOCK_SO_INFO gives it.
 */
#define WINSOCK_DIAG		87

#endif /* _UAPI_LINUX_WINSOCK_H */
