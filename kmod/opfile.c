// SPDX-License-Identifier: GPL-2.0-only
/* The descriptor of an op: poll, read, cancel, abort; and finding a wait again. */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include <linux/winsock.h>

#include "handle.h"
#include "op.h"
#include "opfile.h"

static __poll_t opfile_poll(struct file *file, poll_table *table)
{
	struct winsock_op *op = file->private_data;

	poll_wait(file, &op->waiters, table);
	return winsock_op_is_final(op) ? EPOLLIN | EPOLLRDNORM : 0;
}

static ssize_t opfile_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	struct winsock_op *op = file->private_data;
	struct winsock_record record = { 0 };
	int err;

	if (size < sizeof(record))
		return -EINVAL;
	if (!winsock_op_is_final(op)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(op->waiters, winsock_op_is_final(op));
		if (err)
			return err;
	}
	record.outcome = op->record.outcome;
	record.error = op->record.error;
	record.elapsed_ns = ktime_to_ns(op->record.elapsed);
	record.unacked = op->record.unacked;
	record.state = op->record.state;
	record.tag = op->record.tag;
	return copy_to_user(to, &record, sizeof(record)) ? -EFAULT : sizeof(record);
}

/*
 * Ask for @what and wait for the end, which comes at once. Of several who ask one
 * is answered 0, if the op really ended that way.
 */
static int opfile_demand(struct winsock_op *op, u8 what, u32 outcome)
{
	if (!winsock_op_fire(op, what))
		return -EALREADY;
	wait_event(op->waiters, winsock_op_is_final(op));
	return op->record.outcome == outcome ? 0 : -EALREADY;
}

static long opfile_cancel(struct winsock_op *op, s32 __user *to)
{
	struct file *file = NULL;
	int fd = -1, err;

	if (op->dropped) {
		fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0)
			return fd;
	}
	if (put_user(fd, to)) {
		err = -EFAULT;
		goto put_fd;
	}
	/* Keeps the socket, and its last release out of a worker, where it lingered. */
	spin_lock_irq(&op->lock);
	if (op->file)
		file = get_file(op->file);
	spin_unlock_irq(&op->lock);

	err = file ? opfile_demand(op, WINSOCK_OP_CANCELLED, WINSOCK_OUTCOME_CANCELLED)
		   : -EALREADY;
	if (!err && fd >= 0) {
		fd_install(fd, file);
		return 0;
	}
	if (file)
		fput(file);
put_fd:
	if (fd >= 0)
		put_unused_fd(fd);
	return err;
}

static long opfile_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct winsock_op *op = file->private_data;

	switch (cmd) {
	case WINSOCK_IOC_OP_CANCEL:
		return opfile_cancel(op, (s32 __user *)arg);
	case WINSOCK_IOC_OP_ABORT:
		return opfile_demand(op, WINSOCK_OP_ABORTED, WINSOCK_OUTCOME_REQUEST);
	default:
		return -ENOTTY;
	}
}

static int opfile_release(struct inode *inode, struct file *file)
{
	struct winsock_op *op = file->private_data;

	if (op->detach)
		winsock_op_abandon(op);
	else if (!winsock_op_is_final(op))
		winsock_op_fire(op, WINSOCK_OP_ABORTED);
	winsock_op_put(op);
	return 0;
}

static const struct file_operations opfile_fops = {
	.owner		= THIS_MODULE,
	.poll		= opfile_poll,
	.read		= opfile_read,
	.unlocked_ioctl	= opfile_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.release	= opfile_release,
	.llseek		= noop_llseek,
};

struct file *winsock_opfile_get(struct winsock_op *op)
{
	struct file *file;

	refcount_inc(&op->refs);
	file = anon_inode_getfile("[winsock]", &opfile_fops, op, O_RDONLY | O_CLOEXEC);
	if (IS_ERR(file))
		winsock_op_put(op);
	return file;
}

bool winsock_opfile_publish(struct winsock_op *op, s32 __user *op_fd)
{
	struct file *file;
	s32 old;
	int fd;

	/* A resumed wait has one already. */
	if (get_user(old, op_fd))
		return false;
	if (old >= 0)
		return true;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return false;
	file = winsock_opfile_get(op);
	if (IS_ERR(file))
		goto put_fd;
	if (put_user(fd, op_fd))
		goto put_file;
	fd_install(fd, file);
	return true;

put_file:
	fput(file);
put_fd:
	put_unused_fd(fd);
	return false;
}

void winsock_opfile_unpublish(struct winsock_op *op, s32 __user *op_fd)
{
	struct file *file;
	s32 fd;

	if (get_user(fd, op_fd) || fd < 0)
		return;
	file = fget(fd);
	if (!file)
		return;
	if (file->f_op == &opfile_fops && file->private_data == op &&
	    winsock_handle_remove(file, fd))
		put_user(-1, op_fd);
	fput(file);
}

struct winsock_op *winsock_opfile_resume(int op_fd, struct socket *sock)
{
	struct file *file = fget(op_fd);
	struct winsock_op *op;
	int err = 0;

	if (!file)
		return ERR_PTR(-EINVAL);
	if (file->f_op != &opfile_fops) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	op = file->private_data;
	refcount_inc(&op->refs);
	fput(file);

	spin_lock_irq(&op->lock);
	if (op->sk != sock->sk)
		err = -EINVAL;
	else if (op->attached)
		err = -EBUSY;
	else
		op->attached = true;
	spin_unlock_irq(&op->lock);
	if (err) {
		winsock_op_put(op);
		return ERR_PTR(err);
	}
	return op;
}
