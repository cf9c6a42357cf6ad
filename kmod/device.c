// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/winsock: copy in, call, copy out. The file itself has no state;
 * authority is the possession of the socket's descriptor.
 */
#include <linux/capability.h>
#include <linux/fault-inject-usercopy.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include <linux/winsock.h>

#include "close.h"
#include "handle.h"
#include "netns.h"
#include "op.h"

/*
 * The layout is promised, and 32-bit callers use the same one. A structure may
 * grow at its end; the first version's size, which is today's, stays valid.
 */
static_assert(sizeof(struct winsock_info) == 56);
static_assert(sizeof(struct winsock_query) == 48);
static_assert(sizeof(struct winsock_record) == 40);
static_assert(sizeof(struct winsock_close) == 80);
static_assert(sizeof(struct winsock_abort) == 16);
static_assert(sizeof(struct winsock_abort_id) == 8);

static int device_write(void __user *to, size_t size, const void *from,
			size_t known)
{
	return copy_to_user(to, from, min(size, known)) ? -EFAULT : 0;
}

static int device_read(void *to, size_t known, const void __user *from,
		       size_t size)
{
	return size < known ? -EINVAL :
			      copy_struct_from_user(to, known, from, size);
}

static long device_info(void __user *to, size_t size)
{
	const struct winsock_netns *ns =
		winsock_netns(current->nsproxy->net_ns);
	struct winsock_info info = {
		.abi_version	= WINSOCK_ABI_VERSION,
		.ops_max	= READ_ONCE(ns->ops_max),
		.close_flags	= WINSOCK_CLOSE_FLAGS,
		.timeout_max_ns	= WINSOCK_TIMEOUT_MAX_NS,
	};

	if (size < sizeof(info))
		return -EINVAL;
	strscpy(info.module_version, WINSOCK_VERSION,
		sizeof(info.module_version));
	return device_write(to, size, &info, sizeof(info));
}

static long device_query(void __user *to, size_t size)
{
	struct winsock_query args;
	int err = device_read(&args, sizeof(args), to, size);

	err = err ?: winsock_query(&args);
	return err ?: device_write(to, size, &args, sizeof(args));
}

static long device_abort(const void __user *from, size_t size)
{
	struct winsock_abort args;
	int err = device_read(&args, sizeof(args), from, size);

	return err ?: winsock_abort(&args);
}

static long device_abort_id(const void __user *from, size_t size)
{
	struct net *net = current->nsproxy->net_ns;
	struct winsock_abort_id args;
	int err = device_read(&args, sizeof(args), from, size);

	if (err)
		return err;
	if (args.flags)
		return -EINVAL;
	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	return winsock_pending_abort(net, args.id);
}

/*
 * Copy today's size field by field: copy_from_user() of so few bytes takes
 * longer than the decision.
 */
static int device_close_read(struct winsock_close *args,
			     struct winsock_close __user *from, size_t size)
{
	if (size != sizeof(*args))
		return device_read(args, sizeof(*args), from, size);
	if (should_fail_usercopy() || !user_access_begin(from, size))
		return -EFAULT;
	unsafe_get_user(args->fd, &from->fd, fault);
	unsafe_get_user(args->flags, &from->flags, fault);
	unsafe_get_user(args->cookie, &from->cookie, fault);
	unsafe_get_user(args->timeout_ns, &from->timeout_ns, fault);
	unsafe_get_user(args->tag, &from->tag, fault);
	/* A close cannot be undone: first see that it can be reported. */
	unsafe_put_user(-1, &from->op_fd, fault);
	unsafe_put_user(0, &from->record.pad, fault);
	user_access_end();
	return 0;
fault:
	user_access_end();
	return -EFAULT;
}

static int device_close_write(struct winsock_close __user *to, size_t size,
			      const struct winsock_close *args)
{
	if (size != sizeof(*args))
		return device_write(to, size, args, sizeof(*args));
	if (should_fail_usercopy() || !user_write_access_begin(to, size))
		return -EFAULT;
	unsafe_put_user(args->op_fd, &to->op_fd, fault);
	unsafe_put_user(args->pad, &to->pad, fault);
	unsafe_put_user(args->record.tag, &to->record.tag, fault);
	unsafe_put_user(args->record.elapsed_ns, &to->record.elapsed_ns, fault);
	unsafe_put_user(args->record.unacked, &to->record.unacked, fault);
	unsafe_put_user(args->record.outcome, &to->record.outcome, fault);
	unsafe_put_user(args->record.state, &to->record.state, fault);
	unsafe_put_user(args->record.error, &to->record.error, fault);
	unsafe_put_user(args->record.pad, &to->record.pad, fault);
	user_write_access_end();
	return 0;
fault:
	user_write_access_end();
	return -EFAULT;
}

static long device_close(struct winsock_close __user *to, size_t size)
{
	struct file *op_file = NULL;
	struct winsock_close args __uninitialized;
	int err = device_close_read(&args, to, size);

	if (err)
		return err;
	args.pad = 0;
	memset(&args.record, 0, sizeof(args.record));
	err = winsock_close(&args, &op_file);
	if (err)
		return err;
	/* The socket is closed even if the memory was unmapped: no error. */
	err = device_close_write(to, size, &args);
	if (op_file && !err) {
		fd_install(args.op_fd, op_file);
	} else if (op_file) {
		put_unused_fd(args.op_fd);
		fput(op_file);
	}
	return 0;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *argp = (void __user *)arg;
	size_t size = _IOC_SIZE(cmd);

	if (_IOC_TYPE(cmd) != WINSOCK_IOC_MAGIC)
		return -ENOTTY;
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(WINSOCK_IOC_CLOSE):
		return device_close(argp, size);
	case _IOC_NR(WINSOCK_IOC_INFO):
		return device_info(argp, size);
	case _IOC_NR(WINSOCK_IOC_QUERY):
		return device_query(argp, size);
	case _IOC_NR(WINSOCK_IOC_ABORT):
		return device_abort(argp, size);
	case _IOC_NR(WINSOCK_IOC_ABORT_ID):
		return device_abort_id(argp, size);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_fops = {
	.owner		= THIS_MODULE,
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

module_param_named(mode, device_misc.mode, ushort, 0);
MODULE_PARM_DESC(mode, "permissions of /dev/winsock (0666)");

int winsock_device_init(void)
{
	return misc_register(&device_misc);
}

void winsock_device_exit(void)
{
	misc_deregister(&device_misc);
}
