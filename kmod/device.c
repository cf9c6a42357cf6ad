// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/winsock: copy in, call, copy out. The file itself has no state; authority
 * is the possession of the socket's descriptor.
 */
#include <linux/fault-inject-usercopy.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <linux/winsock.h>

#include "close.h"
#include "device.h"
#include "handle.h"
#include "netns.h"
#include "query.h"

/* The layout is promised; 32-bit callers use the same one. */
static_assert(sizeof(struct winsock_info) == 64);
static_assert(sizeof(struct winsock_query) == 48);
static_assert(sizeof(struct winsock_close) == 64);
static_assert(sizeof(struct winsock_abort) == 8);

static long device_info(struct winsock_info __user *to)
{
	struct winsock_info info = {
		.abi_version	= WINSOCK_ABI_VERSION,
		.features	= WINSOCK_FEATURE_CLOSE | WINSOCK_FEATURE_STRICT |
				  WINSOCK_FEATURE_RESUME | WINSOCK_FEATURE_ASYNC |
				  WINSOCK_FEATURE_ULP | WINSOCK_FEATURE_KEEP |
				  WINSOCK_FEATURE_FAMILIES,
		.ops_max	= winsock_netns_ops_max(current->nsproxy->net_ns),
		.close_flags	= WINSOCK_CLOSE_FLAGS,
		.timeout_max_ns	= WINSOCK_TIMEOUT_MAX_NS,
	};

	strscpy(info.module_version, WINSOCK_VERSION, sizeof(info.module_version));
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long device_query(struct winsock_query __user *to)
{
	struct winsock_query args;
	int err;

	if (copy_from_user(&args, to, sizeof(args)))
		return -EFAULT;
	err = winsock_query(&args);
	if (err)
		return err;
	return copy_to_user(to, &args, sizeof(args)) ? -EFAULT : 0;
}

/*
 * Field by field: copying so few bytes as a string costs more than deciding the close.
 * A close cannot be undone: find out now whether it can be reported.
 */
static int device_close_read(struct winsock_close *args, struct winsock_close __user *from)
{
	if (should_fail_usercopy() || !user_access_begin(from, sizeof(*from)))
		return -EFAULT;
	unsafe_get_user(args->fd, &from->fd, fault);
	unsafe_get_user(args->mode, &from->mode, fault);
	unsafe_get_user(args->flags, &from->flags, fault);
	unsafe_get_user(args->op_fd, &from->op_fd, fault);
	unsafe_get_user(args->timeout_ns, &from->timeout_ns, fault);
	unsafe_get_user(args->tag, &from->tag, fault);
	unsafe_put_user(args->op_fd, &from->op_fd, fault);
	unsafe_put_user(WINSOCK_OUTCOME_NONE, &from->outcome, fault);
	user_access_end();
	args->result = WINSOCK_RESULT_DONE;
	args->outcome = WINSOCK_OUTCOME_NONE;
	args->elapsed_ns = 0;
	args->unacked = 0;
	args->state = 0;
	args->error = 0;
	return 0;
fault:
	user_access_end();
	return -EFAULT;
}

static int device_close_write(struct winsock_close __user *to, const struct winsock_close *args)
{
	if (should_fail_usercopy() || !user_write_access_begin(to, sizeof(*to)))
		return -EFAULT;
	unsafe_put_user(args->op_fd, &to->op_fd, fault);
	unsafe_put_user(args->result, &to->result, fault);
	unsafe_put_user(args->outcome, &to->outcome, fault);
	unsafe_put_user(args->elapsed_ns, &to->elapsed_ns, fault);
	unsafe_put_user(args->unacked, &to->unacked, fault);
	unsafe_put_user(args->state, &to->state, fault);
	unsafe_put_user(args->error, &to->error, fault);
	user_write_access_end();
	return 0;
fault:
	user_write_access_end();
	return -EFAULT;
}

static long device_close(struct winsock_close __user *to)
{
	struct file *op_file = NULL;
	struct winsock_close args;
	int err;

	if (device_close_read(&args, to))
		return -EFAULT;
	err = winsock_close(&args, &to->op_fd, &op_file);
	if (err)
		return err;
	if (!device_close_write(to, &args)) {
		if (op_file)
			fd_install(args.op_fd, op_file);
		return 0;
	}
	/* Memory unmapped in the meantime: closed all the same, so no error. */
	if (op_file) {
		put_unused_fd(args.op_fd);
		fput(op_file);
	}
	return args.result == WINSOCK_RESULT_WOULDBLOCK ? -EFAULT : 0;
}

static long device_abort(const struct winsock_abort __user *from)
{
	struct winsock_abort args;

	if (copy_from_user(&args, from, sizeof(args)))
		return -EFAULT;
	return winsock_abort(&args);
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (cmd) {
	case WINSOCK_IOC_INFO:
		return device_info(argp);
	case WINSOCK_IOC_QUERY:
		return device_query(argp);
	case WINSOCK_IOC_CLOSE:
		return device_close(argp);
	case WINSOCK_IOC_ABORT:
		return device_abort(argp);
	default:
		return -ENOTTY;
	}
}

static int device_open(struct inode *inode, struct file *file)
{
	return winsock_handle_learn(file);
}

static const struct file_operations device_fops = {
	.owner		= THIS_MODULE,
	.open		= device_open,
	.unlocked_ioctl	= device_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice device_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "winsock",
	.fops	= &device_fops,
	.mode	= 0666,
};

int winsock_device_init(void)
{
	return misc_register(&device_misc);
}

void winsock_device_exit(void)
{
	misc_deregister(&device_misc);
}
