// SPDX-License-Identifier: GPL-2.0-only
/*
 * The closesocket path: gather facts, ask the policy, carry the verdict out.
 *
 * Until the verdict nothing changes; from then on nothing can fail. That order
 * is what makes "a failed call leaves everything as it was" true.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include <linux/winsock.h>

#include "close.h"
#include "facts.h"
#include "family.h"
#include "handle.h"
#include "op.h"
#include "opfile.h"
#include "policy.h"
#include "report.h"
#include "sockopt.h"
#include "tcp.h"

/**
 * struct close_call - one WINSOCK_IOC_CLOSE under way
 * @args:	the caller's arguments
 * @file:	the socket's file, referenced; NULL once it was given up
 * @sock:	its socket
 * @started:	when a close that may have to wait came in; 0 for others
 * @shared:	others hold the file, and the caller cares
 * @timeout_ns:	linger time, valid where @facts are
 * @lingers:	linger is on, for the socket or for this call; likewise
 * @facts:	as of the last look
 * @bits:	the facts that the verdict was asked for by, WINSOCK_FACT_*
 * @op_file:	an op's file for the caller, to be installed
 */
struct close_call {
	struct winsock_close *args;
	struct file *file;
	struct socket *sock;
	ktime_t started;
	bool shared;
	u64 timeout_ns;
	bool lingers;
	struct winsock_facts facts;
	u32 bits;
	struct file *op_file;
};

static int close_check(const struct winsock_close *args)
{
	if (args->mode > WINSOCK_MODE_NONBLOCKING ||
	    (args->flags & ~WINSOCK_CLOSE_FLAGS) || args->op_fd < -1)
		return -EINVAL;
	if ((args->flags & WINSOCK_CLOSE_DETACH) &&
	    !(args->flags & WINSOCK_CLOSE_ASYNC))
		return -EINVAL;
	if (args->timeout_ns > WINSOCK_TIMEOUT_MAX_NS ||
	    (args->timeout_ns && !(args->flags & WINSOCK_CLOSE_TIMEOUT)))
		return -EINVAL;
	return 0;
}

/* What the caller wants of a close that lingers. */
static u32 close_mode(const struct close_call *call)
{
	const struct winsock_close *args = call->args;
	bool nonblock = args->mode == WINSOCK_MODE_NONBLOCKING;

	/* Wine-like layers keep O_NONBLOCK set whatever the Winsock mode. */
	if (args->mode == WINSOCK_MODE_FROM_FILE)
		nonblock = call->file->f_flags & O_NONBLOCK;
	if (!nonblock)
		return 0;
	if ((args->flags & WINSOCK_CLOSE_STRICT) || winsock_sockopt_strict(call->sock->sk))
		return WINSOCK_FACT_NONBLOCK | WINSOCK_FACT_STRICT;
	return WINSOCK_FACT_NONBLOCK;
}

static enum winsock_verdict close_verdict(struct close_call *call)
{
	struct winsock_facts *facts = &call->facts;
	bool given = call->args->flags & WINSOCK_CLOSE_TIMEOUT;
	u32 bits = call->shared ? WINSOCK_FACT_SHARED : 0;

	winsock_family_snapshot(call->sock->sk, facts);
	call->timeout_ns = given ? call->args->timeout_ns : facts->linger_ns;
	call->lingers = facts->linger || (given && facts->can_linger);
	/* Without, nothing else counts (G1). */
	if (call->lingers) {
		bits |= WINSOCK_FACT_LINGER | close_mode(call) | winsock_facts_bits(facts);
		if (call->timeout_ns)
			bits |= WINSOCK_FACT_TIMED;
	}
	call->bits = bits;
	return winsock_policy_verdict(bits);
}

/* Inlined it is next to nothing while nobody traces. */
static __always_inline void close_tell(const struct close_call *call,
				       enum winsock_verdict verdict)
{
	winsock_report_verdict(call->sock->sk, &call->facts, call->bits, verdict,
			       call->timeout_ns, call->args->tag);
}

/* The answer to what needs no wait, as of before it is carried out. */
static void close_report(struct close_call *call, enum winsock_verdict verdict)
{
	struct winsock_close *args = call->args;

	close_tell(call, verdict);
	args->result = WINSOCK_RESULT_WOULDBLOCK;
	if (verdict == WINSOCK_VERDICT_WOULDBLOCK)
		return;

	args->result = WINSOCK_RESULT_DONE;
	args->outcome = winsock_report_decided(verdict, &call->facts);
	args->elapsed_ns = 0;
	if (call->started)
		args->elapsed_ns = ktime_to_ns(ktime_sub(ktime_get(), call->started));
	args->unacked = call->facts.unacked;
	args->state = call->facts.state;
	args->error = call->facts.error;
	winsock_report_outcome(call->sock->sk, args->outcome, &call->facts, args->unacked,
			       args->elapsed_ns, args->tag);
}

static int close_start(struct close_call *call, struct winsock_op *op)
{
	int err = winsock_op_start(op, call->facts.unacked,
				   !(call->args->flags & WINSOCK_CLOSE_ASYNC));

	if (!err)
		close_tell(call, WINSOCK_VERDICT_WAIT);
	return err;
}

static void close_disconnect(struct sock *sk, bool reset)
{
	lock_sock(sk);
	winsock_family_disconnect(sk, reset);
	release_sock(sk);
}

/*
 * The close is decided and the connection not reset. Give up the descriptor; if
 * that leaves nobody, the last fput() releases the socket and its family does the rest.
 */
static void close_let_go(struct close_call *call, bool release, bool reset)
{
	const struct winsock_close *args = call->args;
	bool others;

	if (args->flags & WINSOCK_CLOSE_DROP_FD)
		winsock_handle_remove(call->file, args->fd);
	if (!release)
		return;

	/*
	 * Who still has it: holders for whom the caller decided, or threads inside
	 * a call. A release would wait for them for ever; end the connection now.
	 */
	others = file_count(call->file) > 1;
	if (others && (!(args->flags & WINSOCK_CLOSE_IF_LAST) ||
		       (args->flags & WINSOCK_CLOSE_CANCEL)))
		close_disconnect(call->sock->sk, reset);
}

/*
 * The hard close. If ours is the last reference, nobody can change the socket any more,
 * and the release that follows resets just as well.
 */
static void close_abort(struct close_call *call)
{
	const struct winsock_close *args = call->args;
	struct sock *sk = call->sock->sk;

	if ((args->flags & WINSOCK_CLOSE_DROP_FD) &&
	    winsock_handle_remove(call->file, args->fd) &&
	    file_count(call->file) == 1 && sk_is_tcp(sk) && winsock_tcp_close_resets(sk))
		return;
	lock_sock(sk);
	/* Decided: the release that follows is part of this close, and lingers no more. */
	sock_reset_flag(sk, SOCK_LINGER);
	winsock_family_reset(sk);
	release_sock(sk);
}

static int close_wait(struct close_call *call, struct winsock_op *op,
		      s32 __user *op_fd)
{
	struct winsock_close *args = call->args;
	struct winsock_op_record record;
	int err = winsock_op_wait(op, op_fd, &record);

	if (err)
		return err;
	args->result = WINSOCK_RESULT_DONE;
	args->outcome = record.outcome;
	args->elapsed_ns = ktime_to_ns(record.elapsed);
	args->unacked = record.unacked;
	args->state = record.state;
	args->error = record.error;
	args->op_fd = -1;
	/* Taken back from a signal handler: everything is as it was. */
	if (record.outcome == WINSOCK_OUTCOME_CANCELLED)
		return 0;
	/* A worker that has carried it out while a handler ran has told the others. */
	close_let_go(call, op->by_waiter && winsock_op_released(record.outcome),
		     record.outcome == WINSOCK_OUTCOME_UNREAD);
	return 0;
}

/* Carry out what needs no wait. */
static void close_finish(struct close_call *call, enum winsock_verdict verdict)
{
	close_report(call, verdict);
	if (verdict == WINSOCK_VERDICT_ABORT)
		close_abort(call);
	else if (verdict != WINSOCK_VERDICT_WOULDBLOCK)
		close_let_go(call, verdict == WINSOCK_VERDICT_RELEASE,
			     call->args->outcome == WINSOCK_OUTCOME_UNREAD);
}

/*
 * Decide a close that lingers, under the socket lock. *@wait is set if a wait was begun
 * on @op before the lock was dropped, or is needed and @op is missing.
 */
static int close_decide(struct close_call *call, struct winsock_op *op, bool *wait)
{
	struct sock *sk = call->sock->sk;
	enum winsock_verdict verdict;
	int err = 0;

	lock_sock(sk);
	verdict = close_verdict(call);
	*wait = verdict == WINSOCK_VERDICT_WAIT;
	if (*wait && op)
		err = close_start(call, op);
	/* Drained: the release must not wait for the FIN's ACK (B4). */
	if (verdict == WINSOCK_VERDICT_RELEASE)
		sock_reset_flag(sk, SOCK_LINGER);
	release_sock(sk);
	if (!*wait)
		close_finish(call, verdict);
	return err;
}

/* The wait in the caller's thread. */
static int close_blocking(struct close_call *call, struct winsock_op *op,
			  s32 __user *op_fd)
{
	bool wait;
	int err;

	/* A killed caller leaves the close behind; only its deadline ends it. */
	op->detach = true;
	err = close_decide(call, op, &wait);
	if (!wait || err)
		return err;
	if (call->facts.unsent)
		winsock_tcp_push(call->sock->sk);
	return close_wait(call, op, op_fd);
}

/* The wait in the kernel, its end told by a descriptor. */
static int close_async(struct close_call *call, struct winsock_op *op)
{
	struct winsock_close *args = call->args;
	struct file *file;
	bool wait;
	int fd, err;

	op->detach = args->flags & WINSOCK_CLOSE_DETACH;
	op->dropped = args->flags & WINSOCK_CLOSE_DROP_FD;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = winsock_opfile_get(op);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_fd;
	}
	err = close_decide(call, op, &wait);
	if (!wait || err)
		goto put_file;

	if (call->facts.unsent)
		winsock_tcp_push(call->sock->sk);
	args->result = WINSOCK_RESULT_PENDING;
	args->outcome = WINSOCK_OUTCOME_NONE;
	args->op_fd = fd;
	close_let_go(call, false, false);
	call->op_file = file;
	return 0;

put_file:
	/* It was never begun: nothing is to be ended, nor goes on. */
	op->final = true;
	fput(file);
put_fd:
	put_unused_fd(fd);
	return err;
}

static int close_lingering(struct close_call *call, s32 __user *op_fd)
{
	struct winsock_op *op;
	bool wait;
	int err;

	call->started = ktime_get();
	err = close_decide(call, NULL, &wait);
	if (!wait)
		return err;

	/* Ask again afterwards: the facts may have changed while we allocated. */
	op = winsock_op_alloc(call->sock->sk, call->sock, call->file, call->started,
			      call->timeout_ns, call->args->tag);
	if (IS_ERR(op))
		return PTR_ERR(op);
	if (call->args->flags & WINSOCK_CLOSE_ASYNC)
		err = close_async(call, op);
	else
		err = close_blocking(call, op, op_fd);
	winsock_op_put(op);
	return err;
}

/*
 * One handle of several just goes (M1). Whether it is that is decided and carried out
 * under one hold of the socket's lock, the caller's own reference included: of several
 * holders that close in the same moment exactly one finds itself to be the last.
 */
static void close_give_up(struct close_call *call)
{
	struct sock *sk = call->sock->sk;

	sock_hold(sk);
	lock_sock(sk);
	call->shared = winsock_handle_shared_now(call->file, call->args->fd);
	if (call->shared) {
		close_report(call, close_verdict(call));
		winsock_handle_remove(call->file, call->args->fd);
		fput(call->file);
		call->file = NULL;
	}
	release_sock(sk);
	sock_put(sk);
}

static int close_begin(struct close_call *call, s32 __user *op_fd)
{
	const struct winsock_close *args = call->args;
	enum winsock_verdict verdict;

	/* First: a pending close would look like another holder. */
	if (winsock_op_busy(call->sock))
		return -EBUSY;
	call->started = 0;
	call->shared = (args->flags & WINSOCK_CLOSE_IF_LAST) &&
		       winsock_handle_shared(call->file, args->fd);
	if (call->shared && (args->flags & WINSOCK_CLOSE_DROP_FD)) {
		close_give_up(call);
		if (call->shared)
			return 0;
	}
	/*
	 * Nothing that the socket lock guards decides about linger off (G1), the hard
	 * close (H1) and one handle of several (M1).
	 */
	verdict = close_verdict(call);
	if (call->lingers && verdict != WINSOCK_VERDICT_ABORT &&
	    verdict != WINSOCK_VERDICT_DROP)
		return close_lingering(call, op_fd);
	close_finish(call, verdict);
	return 0;
}

static int close_resume(struct close_call *call, s32 __user *op_fd)
{
	struct winsock_op *op = winsock_opfile_resume(call->args->op_fd, call->sock);
	int err;

	if (IS_ERR(op))
		return PTR_ERR(op);
	err = close_wait(call, op, op_fd);
	winsock_op_put(op);
	return err;
}

int winsock_close(struct winsock_close *args, s32 __user *op_fd,
		  struct file **op_file)
{
	struct close_call call;
	int err = close_check(args);

	if (err)
		return err;
	call.args = args;
	call.op_file = NULL;
	call.file = winsock_handle_get(args->fd);
	if (IS_ERR(call.file))
		return PTR_ERR(call.file);
	call.sock = sock_from_file(call.file);

	if (args->op_fd >= 0)
		err = close_resume(&call, op_fd);
	else
		err = close_begin(&call, op_fd);
	*op_file = call.op_file;
	if (err == -EBUSY)
		winsock_mib_inc(sock_net(call.sock->sk), WINSOCK_MIB_BUSY);
	if (call.file)
		compat_fput_close(call.file);
	return err;
}

int winsock_abort(const struct winsock_abort *args)
{
	struct winsock_facts facts;
	struct file *file;
	struct sock *sk;
	int err = 0;

	if (args->flags)
		return -EINVAL;
	file = winsock_handle_get(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);

	sk = sock_from_file(file)->sk;
	lock_sock(sk);
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
