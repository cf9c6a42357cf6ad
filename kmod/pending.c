// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pending closes of a network namespace, /proc/net/winsock_pending. A
 * reader sees its own; with CAP_NET_ADMIN over the namespace all.
 *
 * An xarray by number. Numbers grow, so that a reader finds its place again in
 * a few steps, however many closes there are, and sees none twice.
 */
#include <linux/capability.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/string_helpers.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sock.h>

#include "decide.h"
#include "family.h"
#include "op.h"

/* Ops that a reader looks at for each hold of the lock. */
#define PENDING_BATCH	64

/**
 * struct pending_netns - a network namespace
 * @ops:	ops by number, also those not started. Its lock is taken in
 *		process context only, with no lock held, and keeps listed ops
 *		from being freed
 * @last:	number of the last one
 */
struct pending_netns {
	struct xarray ops;	/* its lock: see above */
	atomic_t last;
};

/* An open /proc/net/winsock_pending. */
struct pending_reader {
	struct seq_net_private net;	/* first, for seq_file_net() */
	bool all;	/* may see the closes of every user */
	unsigned int looked;	/* at so many ops, shown or not */
};

static unsigned int pending_id;

static struct pending_netns *pending_netns(const struct winsock_op *op)
{
	return net_generic(sock_net(op->sk), pending_id);
}

/**
 * winsock_pending_add() - list an op, which is shown once it is started
 * @op: the op; its @id is set
 *
 * May sleep. Undone by winsock_pending_remove().
 *
 * Return: 0 or -ENOMEM.
 */
int winsock_pending_add(struct winsock_op *op)
{
	struct pending_netns *ns = pending_netns(op);
	int err;

	/* 0 is the reader's header. xa_alloc_cyclic() may begin anew. */
	do {
		op->id = atomic_inc_return(&ns->last) ?:
			 atomic_inc_return(&ns->last);
		err = xa_insert(&ns->ops, op->id, op, GFP_KERNEL);
	} while (err == -EBUSY);
	return err;
}

/**
 * winsock_pending_remove() - take an op off the list
 * @op: an op that is listed
 *
 * Process context. When this returns no reader looks at the op any more.
 */
void winsock_pending_remove(struct winsock_op *op)
{
	xa_erase(&pending_netns(op)->ops, op->id);
}

/**
 * winsock_pending_abort() - reset a pending close
 * @net:	the network namespace
 * @id:		its number there
 *
 * Return: 0, -ENOENT if no close of that number is pending any more, -EINTR.
 */
int winsock_pending_abort(struct net *net, u32 id)
{
	struct pending_netns *ns = net_generic(net, pending_id);
	struct winsock_op *op;
	int err;

	xa_lock(&ns->ops);
	op = xa_load(&ns->ops, id);
	if (op && op->started)
		refcount_inc(&op->refs);
	else
		op = NULL;
	xa_unlock(&ns->ops);
	if (!op)
		return -ENOENT;
	err = winsock_op_demand(op, WINSOCK_OP_ABORTED,
				WINSOCK_OUTCOME_REQUEST);
	winsock_op_put(op);
	return err == -EALREADY ? -ENOENT : err;
}

static bool pending_is_visible(const struct seq_file *seq,
			       const struct winsock_op *op)
{
	const struct pending_reader *reader = seq->private;

	return READ_ONCE(op->started) &&
	       (reader->all || uid_eq(op->user, seq->file->f_cred->uid));
}

/* Find the first op from @*pos on that the reader may see; set @*pos to it. */
static void *pending_find(struct seq_file *seq, loff_t *pos)
{
	struct pending_netns *ns = net_generic(seq_file_net(seq), pending_id);
	struct pending_reader *reader = seq->private;
	struct winsock_op *op;
	unsigned long number;

	lockdep_assert_held(&ns->ops.xa_lock);
	/* No number is larger; a 32-bit long would cut it to 0. */
	while (*pos <= U32_MAX) {
		/*
		 * Every close takes this lock, and lseek(2) passes over all ops
		 * between start and stop. The walk goes on by number.
		 */
		if (++reader->looked % PENDING_BATCH == 0) {
			xa_unlock(&ns->ops);
			cond_resched();
			xa_lock(&ns->ops);
		}
		number = *pos;
		op = xa_find(&ns->ops, &number, U32_MAX, XA_PRESENT);
		if (!op)
			break;
		*pos = number;
		if (pending_is_visible(seq, op))
			return op;
		++*pos;
	}
	return NULL;
}

static void *pending_start(struct seq_file *seq, loff_t *pos)
	__acquires(ops.xa_lock)
{
	struct pending_netns *ns = net_generic(seq_file_net(seq), pending_id);
	struct pending_reader *reader = seq->private;

	reader->all = file_ns_capable(seq->file, seq_file_net(seq)->user_ns,
				      CAP_NET_ADMIN);
	xa_lock(&ns->ops);
	return *pos ? pending_find(seq, pos) : SEQ_START_TOKEN;
}

static void *pending_next(struct seq_file *seq, void *entry, loff_t *pos)
{
	++*pos;
	return pending_find(seq, pos);
}

static void pending_stop(struct seq_file *seq, void *entry)
	__releases(ops.xa_lock)
{
	struct pending_netns *ns = net_generic(seq_file_net(seq), pending_id);

	xa_unlock(&ns->ops);
}

/* Fields may differ in age while the close is being decided. */
static int pending_show(struct seq_file *seq, void *entry)
{
	struct sockaddr_in6 local, remote;
	struct winsock_facts facts;
	struct winsock_op *op = entry;
	s64 left = -1;

	if (entry == SEQ_START_TOKEN) {
		seq_puts(seq, "uid pid comm local remote state unacked elapsed_ms left_ms tag id\n");
		return 0;
	}
	winsock_family_snapshot(op->sk, &facts);
	winsock_names(op->sk, &local, &remote);
	if (READ_ONCE(op->deadline) != KTIME_MAX)
		left = max_t(s64, ktime_ms_delta(op->deadline, ktime_get()), 0);
	seq_printf(seq, "%u %d ", from_kuid_munged(seq_user_ns(seq), op->user),
		   pid_nr_ns(op->pid,
			     proc_pid_ns(file_inode(seq->file)->i_sb)));
	seq_escape(seq, op->comm, " \t\n\\");
	seq_printf(seq, " %pISpc %pISpc %u %u %lld %lld %llu %u\n", &local,
		   &remote, facts.state, facts.unacked,
		   ktime_ms_delta(ktime_get(), op->began), left, op->record.tag,
		   op->id);
	return 0;
}

static const struct seq_operations pending_seq_ops = {
	.start	= pending_start,
	.next	= pending_next,
	.stop	= pending_stop,
	.show	= pending_show,
};

static int __net_init pending_enter(struct net *net)
{
	struct pending_netns *ns = net_generic(net, pending_id);

	xa_init_flags(&ns->ops, XA_FLAGS_ACCOUNT);
	if (!proc_create_net("winsock_pending", 0444, net->proc_net,
			     &pending_seq_ops, sizeof(struct pending_reader)))
		return -ENOMEM;
	return 0;
}

static void __net_exit pending_leave(struct net *net)
{
	struct pending_netns *ns = net_generic(net, pending_id);
	unsigned long first = 0;

	remove_proc_entry("winsock_pending", net->proc_net);
	/* As for the users, see netns_leave(). */
	WARN_ON_ONCE(xa_find(&ns->ops, &first, ULONG_MAX, XA_PRESENT));
	xa_destroy(&ns->ops);
}

struct pernet_operations winsock_pending_ops = {
	.init	= pending_enter,
	.exit	= pending_leave,
	.id	= &pending_id,
	.size	= sizeof(struct pending_netns),
};
