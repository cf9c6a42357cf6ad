// SPDX-License-Identifier: GPL-2.0-only
/* The descriptor of an op: poll, read, cancel, abort. */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <linux/winsock.h>

#include "op.h"

static __poll_t opfile_poll(struct file *file, poll_table *table)
{
	struct winsock_op *op = file->private_data;

	poll_wait(file, &op->waiters, table);
	return winsock_op_is_final(op) ? EPOLLIN | EPOLLRDNORM : 0;
}

static ssize_t opfile_read(struct file *file, char __user *to, size_t size,
			   loff_t *pos)
{
	struct winsock_op *op = file->private_data;

	/* Once the record grows, compare with the size that it has today. */
	if (size < sizeof(op->record))
		return -EINVAL;
	if (!winsock_op_is_final(op) && (file->f_flags & O_NONBLOCK))
		return -EAGAIN;
	if (wait_event_interruptible(op->waiters, winsock_op_is_final(op)))
		return -ERESTARTSYS;
	size = sizeof(op->record);
	return copy_to_user(to, &op->record, size) ? -EFAULT : size;
}

/* Cancel puts the socket into the table of the process that closed it. */
static bool opfile_may_cancel(struct file *file)
{
	const struct winsock_op *op = file->private_data;
	bool named;

	rcu_read_lock();
	named = files_lookup_fd_raw(current->files, op->fd) == file;
	rcu_read_unlock();
	return named && op->pid == task_tgid(current);
}

static long opfile_cancel(struct file *file)
{
	struct winsock_op *op = file->private_data;
	struct file *socket = NULL;
	int err;

	if (!opfile_may_cancel(file))
		return -EPERM;
	/* replace_fd_if() drops the table's reference, perhaps @file's last. */
	get_file(file);
	/* Keep the socket's file when the op drops it. */
	spin_lock_irq(&op->lock);
	if (op->file)
		socket = get_file(op->file);
	spin_unlock_irq(&op->lock);
	if (!socket) {
		err = -EALREADY;
		goto put_file;
	}
	err = winsock_op_demand(op, WINSOCK_OP_CANCELLED,
				WINSOCK_OUTCOME_CANCELLED);
	if (!err) {
		if (op->dropped &&
		    replace_fd_if(op->fd, file, socket, &op->cloexec))
			err = -EPERM;
		/* The op's reference, which a cancel takes over. */
		fput(socket);
	}
	fput(socket);
put_file:
	fput(file);
	return err;
}

static long opfile_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (_IOC_TYPE(cmd) != WINSOCK_IOC_MAGIC)
		return -ENOTTY;
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(WINSOCK_IOC_OP_CANCEL):
		return opfile_cancel(file);
	case _IOC_NR(WINSOCK_IOC_OP_ABORT):
		return winsock_op_demand(file->private_data,
					 WINSOCK_OP_ABORTED,
					 WINSOCK_OUTCOME_REQUEST);
	default:
		return -ENOTTY;
	}
}

static int opfile_release(struct inode *inode, struct file *file)
{
	struct winsock_op *op = file->private_data;

	/* An op that was not started is still close_unprepare()'s. */
	if (op->started && op->detach)
		winsock_orphan_add(op);
	else if (op->started)
		winsock_op_fire(op, WINSOCK_OP_ABORTED);
	winsock_op_put(op);
	return 0;
}

static const struct file_operations opfile_fops = {
	.owner		= THIS_MODULE,
	.poll		= opfile_poll,
	.read		= opfile_read,
	.unlocked_ioctl	= opfile_ioctl,
	.compat_ioctl	= opfile_ioctl,
	.release	= opfile_release,
	.llseek		= noop_llseek,
};

/**
 * winsock_opfile_get() - make a file for an op
 * @op: the op; the file takes a reference
 *
 * Return: the file, which the caller installs or puts, or ERR_PTR.
 */
struct file *winsock_opfile_get(struct winsock_op *op)
{
	struct file *file;

	refcount_inc(&op->refs);
	file = anon_inode_getfile("[winsock]", &opfile_fops, op,
				  O_RDONLY | O_CLOEXEC);
	if (IS_ERR(file))
		winsock_op_put(op);
	return file;
}
