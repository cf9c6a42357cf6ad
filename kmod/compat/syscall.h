/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is the thread in a system call that closes? Numbers are the architecture's.
 */
#ifndef WINSOCK_COMPAT_SYSCALL_H
#define WINSOCK_COMPAT_SYSCALL_H

#include <linux/compat.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

static inline bool compat_syscall_closes(void)
{
	if (current->flags & (PF_EXITING | PF_KTHREAD | PF_IO_WORKER))
		return false;
	/* The numbers of 32-bit calls are in no header that all have. */
	if (in_compat_syscall())
		return !current->in_execve;
	switch (syscall_get_nr(current, task_pt_regs(current))) {
	case __NR_close:
	case __NR_close_range:
	case __NR_dup3:
#ifdef __NR_dup2
	case __NR_dup2:
#endif
		return true;
	default:
		return false;
	}
}

#endif /* WINSOCK_COMPAT_SYSCALL_H */
