/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module is written to the newest kernel's API, and to what core.h adds to
 * it. This file adds what older kernels lack, and include/ the headers; only
 * compat/ tests the version. The build includes this file first; in a kernel's
 * tree it is left out.
 */
#ifndef WINSOCK_COMPAT_H
#define WINSOCK_COMPAT_H

#include <linux/slab.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "winsock needs Linux 6.1 or newer"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#include <linux/hrtimer.h>

/* Since 6.13 one call takes the callback, too. */
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *),
	      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#ifndef kzalloc_obj
/* 6.19 takes the object instead of its size. */
#define kzalloc_obj(object) kzalloc(sizeof(object), GFP_KERNEL)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#include <linux/file.h>
#include <linux/sched.h>
#include <net/net_namespace.h>

/* Before 6.6 __fput_sync() was for kernel threads; fput() uses task work. */
static inline void compat_fput_sync(struct file *file)
{
	if (current->flags & PF_KTHREAD)
		__fput_sync(file);
	else
		fput(file);
}

#define __fput_sync compat_fput_sync

/* Before 6.6 a table ended with an empty row, which ours has. */
#define register_net_sysctl_sz(net, path, table, size) \
	register_net_sysctl(net, path, table)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
/*
 * The module calls it to ask the security module, not to set an option. Before
 * 6.7 every exported function that asks also sets: here none asks.
 */
#define do_sock_setsockopt(...) (-EINVAL)
#endif

#include "core.h"

#endif /* WINSOCK_COMPAT_H */
