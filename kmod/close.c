// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's CLOSE, ABORT and QUERY. CLOSE decides linger off and the hard
 * close without the socket's lock, which guards nothing that they depend on.
 * Otherwise close_lingering() decides and removes the descriptor under one hold
 * of the lock: of two holders that close at once one is the last.
 *
 * What comments have in parentheses, as (G1 H2), are claims of the page that
 * the module implements: Documentation/claims.rst.
 */
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include <linux/winsock.h>

#include "close.h"
#include "decide.h"
#include "family.h"
#include "handle.h"
#include "netns.h"
#include "op.h"
#include "sockopt.h"

/**
 * struct close_call - one WINSOCK_IOC_CLOSE under way
 * @args:	the caller's arguments
 * @file:	the socket's file, referenced; NULL once that has been dropped
 * @sock:	its socket
 * @sk:		its struct sock
 * @decision:	the decision
 * @op:		for a close that has to wait
 * @op_file:	the op's file
 */
struct close_call {
	struct winsock_close *args;
	struct file *file;
	struct socket *sock;
	struct sock *sk;
	struct winsock_decision decision;
	struct winsock_op *op;
	struct file *op_file;
};

#define CLOSE_MODES	(WINSOCK_CLOSE_BLOCKING | WINSOCK_CLOSE_NONBLOCKING)
#define CLOSE_AS_CLOSE	(WINSOCK_CLOSE_IF_LAST | WINSOCK_CLOSE_TIMEOUT)

static int close_check(const struct winsock_close *args)
{
	if ((args->flags & ~WINSOCK_CLOSE_FLAGS) ||
	    (args->flags & CLOSE_MODES) == CLOSE_MODES)
		return -EINVAL;
	if (args->timeout_ns > WINSOCK_TIMEOUT_MAX_NS ||
	    (args->timeout_ns && !(args->flags & WINSOCK_CLOSE_TIMEOUT)))
		return -EINVAL;
	return 0;
}

/*
 * Is it the socket that the caller means, or has its number been reused? With
 * @reset the call may do more than close(2) of this descriptor, so the security
 * module must let the caller set SO_LINGER. Its hook is not exported, but
 * do_sock_setsockopt() calls it first, and after that fails with EINVAL, for
 * the length is 0. A BPF program would lock the socket; the argument true (a
 * 32-bit call) keeps do_sock_setsockopt() from running one.
 */
static int close_check_socket(struct socket *sock, u64 cookie, bool reset)
{
	int err = 0;

	if (cookie && cookie != atomic64_read(&sock->sk->sk_cookie))
		return -ESTALE;
	if (reset)
		err = do_sock_setsockopt(sock, true, SOL_SOCKET, SO_LINGER,
					 KERNEL_SOCKPTR(NULL), 0);
	return err == -EINVAL ? 0 : err;
}

/* The mode of a lingering close: WINSOCK_FACT_NONBLOCK and _STRICT. */
static u32 close_mode(const struct close_call *call)
{
	u32 flags = call->args->flags;

	if (flags & WINSOCK_CLOSE_BLOCKING)
		return 0;
	if (!(flags & WINSOCK_CLOSE_NONBLOCKING) &&
	    !winsock_sockopt_nonblock(call->sk, call->file))
		return 0;
	if ((flags & WINSOCK_CLOSE_STRICT) ||
	    winsock_netns_strict(sock_net(call->sk)))
		return WINSOCK_FACT_NONBLOCK | WINSOCK_FACT_STRICT;
	return WINSOCK_FACT_NONBLOCK;
}

/*
 * Do other references keep the file open, so that this close has to end the
 * connection itself? Without IF_LAST any holder counts, as the caller decides
 * for all; with IF_LAST and CANCEL they are threads inside calls. @own:
 * references that are the caller's.
 */
static bool close_for_others(const struct close_call *call, long own)
{
	u32 flags = call->args->flags;

	return (!(flags & WINSOCK_CLOSE_IF_LAST) ||
		(flags & WINSOCK_CLOSE_CANCEL)) && file_count(call->file) > own;
}

/* Must this close lock the socket, or will the last fput() do the same? */
static bool close_needs_lock(const struct close_call *call, long own)
{
	if (call->decision.verdict == WINSOCK_VERDICT_RELEASE)
		return close_for_others(call, own);
	if (call->decision.verdict != WINSOCK_VERDICT_ABORT)
		return false;
	/* With the last reference no other thread can change the socket. */
	return !(call->args->flags & WINSOCK_CLOSE_DROP_FD) ||
	       file_count(call->file) > own || !sk_is_tcp(call->sk) ||
	       !winsock_tcp_close_resets(call->sk);
}

static void close_report(struct close_call *call)
{
	struct winsock_decision *decision = &call->decision;

	winsock_report_verdict(call->sk, decision);
	winsock_report_end(call->sk, decision, winsock_outcome(decision));
}

/* Remove the descriptor. Of two threads that close one number one succeeds. */
static int close_drop_fd(const struct close_call *call)
{
	if (!(call->args->flags & WINSOCK_CLOSE_DROP_FD) ||
	    close_fd_if(call->args->fd, call->file))
		return 0;
	return -EBADF;
}

/*
 * Drop one of several handles, and with it the reference of this call, which
 * another holder that closes now would take for a handle.
 */
static int close_handle(struct close_call *call)
{
	if (close_drop_fd(call))
		return -EBADF;
	close_report(call);
	fput(call->file);
	call->file = NULL;
	return 0;
}

/* Carry out what close_decide() has decided without the lock. */
static int close_at_once(struct close_call *call)
{
	bool drop = call->args->flags & WINSOCK_CLOSE_DROP_FD;
	bool locked;
	int err;

	locked = close_needs_lock(call, drop ? WINSOCK_HANDLE_OWN_REFS : 1);
	if (locked && lock_sock_killable(call->sk, MAX_SCHEDULE_TIMEOUT))
		return -EINTR;
	err = close_drop_fd(call);
	if (err)
		goto unlock;
	close_report(call);
	/*
	 * A thread may have entered a call on the socket since. If a fatal
	 * signal ends this wait for the lock, it kills that thread, too, and
	 * the last fput() ends the connection.
	 */
	if (!locked && file_count(call->file) > 1 && close_needs_lock(call, 1))
		locked = !lock_sock_killable(call->sk, MAX_SCHEDULE_TIMEOUT);
	if (locked)
		winsock_carry_out(call->sk, &call->decision,
				  close_for_others(call, 1));
unlock:
	if (locked)
		release_sock(call->sk);
	return err;
}

/* Allocate what a wait needs, before the socket is locked. */
static int close_prepare(struct close_call *call)
{
	struct winsock_close *args = call->args;
	struct winsock_decision *decision = &call->decision;
	struct winsock_op *op;
	int err;

	op = winsock_op_alloc(call->sk, call->sock, call->file,
			      decision->started, decision->timeout_ns,
			      args->tag);
	if (IS_ERR(op))
		return PTR_ERR(op);
	op->detach = args->flags & WINSOCK_CLOSE_DETACH;
	op->dropped = args->flags & WINSOCK_CLOSE_DROP_FD;
	op->cloexec = true;
	op->fd = args->fd;
	if (!op->dropped)
		op->fd = get_unused_fd_flags(O_CLOEXEC);
	err = op->fd;
	if (err < 0)
		goto put_op;
	call->op_file = winsock_opfile_get(op);
	err = PTR_ERR_OR_ZERO(call->op_file);
	if (err)
		goto put_fd;
	call->op = op;
	return 0;

put_fd:
	call->op_file = NULL;
	if (!op->dropped)
		put_unused_fd(op->fd);
put_op:
	winsock_op_put(op);
	return err;
}

/*
 * Release what close_prepare() took. If the wait has begun (@begun), the op's
 * new descriptor (no DROP_FD) stays for device_close() to install.
 */
static void close_unprepare(struct close_call *call, bool begun)
{
	if (!call->op)
		return;
	if (!call->op->dropped && !begun)
		put_unused_fd(call->op->fd);
	if (call->op->dropped || !begun) {
		fput(call->op_file);
		call->op_file = NULL;
	}
	winsock_op_put(call->op);
}

/*
 * Begin to wait; the socket is locked. From replace_fd_if() on other threads
 * can use the op's descriptor: winsock_op_demand() makes them wait for the
 * socket's lock, and so until the op is started.
 */
static int close_begin(struct close_call *call)
{
	struct winsock_op *op = call->op;

	if (winsock_op_busy(call->sock))
		return -EBUSY;
	if (op->dropped &&
	    replace_fd_if(op->fd, call->file, call->op_file, &op->cloexec))
		return -EBADF;
	winsock_report_verdict(call->sk, &call->decision);
	winsock_op_start(op, call->decision.facts.unacked);
	if (call->decision.facts.unsent)
		winsock_tcp_push(call->sk);
	call->args->op_fd = op->fd;
	return 0;
}

/* Carry out what was decided under the lock; the socket is still locked. */
static int close_locked(struct close_call *call)
{
	switch (call->decision.verdict) {
	case WINSOCK_VERDICT_WOULDBLOCK:
		winsock_report_verdict(call->sk, &call->decision);
		return -EWOULDBLOCK;
	case WINSOCK_VERDICT_WAIT:
		return close_begin(call);
	case WINSOCK_VERDICT_DROP:
		return close_handle(call);
	default:
		if (close_drop_fd(call))
			return -EBADF;
		close_report(call);
		winsock_carry_out(call->sk, &call->decision,
				  close_for_others(call, 1));
		return 0;
	}
}

/* Threads of this process may be inside calls on the socket. */
static bool close_has_threads(void)
{
	return atomic_read(&current->files->count) > 1;
}

/*
 * A caller that gives up one of several handles waits for others that do the
 * same. In a process with one thread it waits for a second only: a thread that
 * has the lock for longer is inside a call by another process's handle, so this
 * one can be dropped without the lock.
 */
static long close_lock_time(const struct close_call *call)
{
	return call->decision.verdict == WINSOCK_VERDICT_DROP &&
	       !close_has_threads() ? HZ : MAX_SCHEDULE_TIMEOUT;
}

static int close_lingering(struct close_call *call)
{
	struct winsock_decision *decision = &call->decision;
	struct sock *sk = call->sk;
	bool decided = false;
	int err;

	/* close_locked() may drop the last reference to the file. */
	sock_hold(sk);
	if (decision->bits & WINSOCK_FACT_TIMED)
		decision->started = ktime_get();
	do {
		/* Allocate first: no wait for memory with the lock held. */
		err = 0;
		if (decision->verdict == WINSOCK_VERDICT_WAIT) {
			/* Another holder may have set a linger time since. */
			if (!decision->started) {
				decision->started = ktime_get();
				decision->given |= close_mode(call);
			}
			decision->outstanding = decision->facts.unacked;
			err = close_prepare(call);
		}
		err = err ?: lock_sock_killable(sk, close_lock_time(call));
		if (err == -ETIMEDOUT)
			err = close_handle(call);
		if (err || !call->file)
			break;
		if ((decision->given & WINSOCK_FACT_SHARED) &&
		    !winsock_handle_shared(call->file, call->args->fd,
					   WINSOCK_HANDLE_QUICK))
			decision->given &= ~WINSOCK_FACT_SHARED;
		winsock_decide(sk, decision);
		decided = decision->verdict != WINSOCK_VERDICT_WAIT || call->op;
		if (decided)
			err = close_locked(call);
		release_sock(sk);
	} while (!decided);
	close_unprepare(call, call->args->op_fd >= 0);
	sock_put(sk);
	return err;
}

/* How often may winsock_handle_shared() look again? */
static unsigned int close_looks(const struct close_call *call)
{
	u32 waits = WINSOCK_FACT_TIMED | WINSOCK_FACT_UNACKED;

	if ((call->decision.bits & waits) == waits)
		return WINSOCK_HANDLE_LINGER;
	/* If a thread is taken for a handle, CANCEL does not wake it (P10). */
	if ((call->args->flags & WINSOCK_CLOSE_CANCEL) && close_has_threads())
		return WINSOCK_HANDLE_CALLS;
	return WINSOCK_HANDLE_QUICK;
}

/* Ask the policy, without the lock. @shared: WINSOCK_FACT_SHARED, or 0. */
static void close_ask(struct close_call *call, u32 shared)
{
	struct winsock_decision *decision = &call->decision;
	const struct sock *sk = call->sk;

	decision->given = shared;
	/* Without a linger time the mode does not count (G1 H2). */
	if (decision->timed ? call->args->timeout_ns :
	    sock_flag(sk, SOCK_LINGER) && sk->sk_lingertime)
		decision->given |= close_mode(call);
	winsock_decide(call->sk, decision);
}

static int close_decide(struct close_call *call)
{
	struct winsock_close *args = call->args;
	struct winsock_decision *decision = &call->decision;
	bool as_close = (args->flags & CLOSE_AS_CLOSE) == WINSOCK_CLOSE_IF_LAST;
	u32 shared = 0;
	int err = close_check_socket(call->sock, args->cookie, !as_close);

	if (err)
		return err;
	/* Check before handles are counted: a pending close has a reference. */
	if (winsock_op_busy(call->sock))
		return -EBUSY;
	decision->timed = args->flags & WINSOCK_CLOSE_TIMEOUT;
	decision->timeout_ns = args->timeout_ns;
	decision->started = 0;
	decision->outstanding = 0;
	decision->record.tag = args->tag;
	if ((args->flags & WINSOCK_CLOSE_IF_LAST) &&
	    file_count(call->file) > WINSOCK_HANDLE_OWN_REFS) {
		/* close_looks() goes by the linger time. */
		close_ask(call, 0);
		if (winsock_handle_shared(call->file, args->fd,
					  close_looks(call)))
			shared = WINSOCK_FACT_SHARED;
	}
	/*
	 * A holder may have set SO_LINGER and closed its handle: read the
	 * option after the count that has shown the handle gone.
	 */
	smp_rmb();
	close_ask(call, shared);
	/* To wait, or to see which of two holders is the last, lock. */
	if ((decision->bits & WINSOCK_FACT_LINGER) &&
	    (decision->bits & (WINSOCK_FACT_TIMED | WINSOCK_FACT_SHARED)))
		return close_lingering(call);
	return close_at_once(call);
}

/**
 * winsock_close() - WINSOCK_IOC_CLOSE
 * @args:	in and out, a kernel copy; outputs are set on success
 * @op_file:	set if @args->op_fd is a new descriptor: the caller installs it
 *		there once user space has the number
 *
 * Return: 0 or a negative errno as listed at struct winsock_close. On an error
 * the descriptor and the connection are as they were.
 */
int winsock_close(struct winsock_close *args, struct file **op_file)
{
	struct close_call call __uninitialized;
	int err = close_check(args);

	if (err)
		return err;
	/* The struct is not zeroed: a quick close needs few fields. */
	call.args = args;
	call.op = NULL;
	call.op_file = NULL;
	call.file = winsock_handle_get(args->fd, &call.sock);
	if (IS_ERR(call.file))
		return PTR_ERR(call.file);
	call.sk = call.sock->sk;
	args->op_fd = -1;
	err = close_decide(&call);
	if (!err && args->op_fd < 0)
		args->record = call.decision.record;
	*op_file = call.op_file;
	if (err == -EBUSY)
		winsock_mib_inc(sock_net(call.sk), WINSOCK_MIB_BUSY);
	if (call.file)
		__fput_sync(call.file);
	return err;
}

/* Look a socket up, check and lock it: its file, referenced, or ERR_PTR. */
static struct file *close_lock(int fd, u64 cookie, bool reset,
			       struct socket **sock)
{
	struct file *file = winsock_handle_get(fd, sock);
	int err;

	if (IS_ERR(file))
		return file;
	err = close_check_socket(*sock, cookie, reset) ?:
	      lock_sock_killable((*sock)->sk, MAX_SCHEDULE_TIMEOUT);
	if (!err)
		return file;
	fput(file);
	return ERR_PTR(err);
}

/**
 * winsock_abort() - WINSOCK_IOC_ABORT
 * @args: a kernel copy
 *
 * Return: 0 or a negative errno as listed at struct winsock_abort.
 */
int winsock_abort(const struct winsock_abort *args)
{
	struct winsock_facts facts;
	struct socket *sock;
	struct file *file;
	struct sock *sk;
	int err = 0;

	if (args->flags)
		return -EINVAL;
	file = close_lock(args->fd, args->cookie, true, &sock);
	if (IS_ERR(file))
		return PTR_ERR(file);
	sk = sock->sk;
	winsock_family_snapshot(sk, &facts);
	if (facts.peer || facts.state == TCP_SYN_SENT) {
		winsock_mib_inc(sock_net(sk), WINSOCK_MIB_ABORTED);
		winsock_family_reset(sk);
	} else {
		err = -ENOTCONN;
	}
	release_sock(sk);
	fput(file);
	return err;
}

/**
 * winsock_query() - WINSOCK_IOC_QUERY
 * @args: in and out, a kernel copy
 *
 * Return: 0 or a negative errno as listed at struct winsock_query.
 */
int winsock_query(struct winsock_query *args)
{
	struct socket *sock;
	struct file *file;

	if (args->flags)
		return -EINVAL;
	file = close_lock(args->fd, 0, false, &sock);
	if (IS_ERR(file))
		return PTR_ERR(file);
	winsock_query_fill(sock->sk, file, args);
	release_sock(sock->sk);
	if (winsock_op_busy(sock))
		args->flags |= WINSOCK_QUERY_CLOSING;
	else if (winsock_handle_shared(file, args->fd, WINSOCK_HANDLE_CALLS))
		args->flags |= WINSOCK_QUERY_SHARED;
	fput(file);
	return 0;
}
