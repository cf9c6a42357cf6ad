/* SPDX-License-Identifier: GPL-2.0-only */
/* Is the thread in a system call that closes? */
#ifndef WINSOCK_COMPAT_SYSCALL_H
#define WINSOCK_COMPAT_SYSCALL_H

#include <linux/compat.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>	/* task_pt_regs() of arm64 */
#include <asm/syscall.h>
#include <asm/unistd.h>

/* 32-bit numbers, which no header of all kernels has. */
#if defined(CONFIG_X86)
#define COMPAT_NR_DUP3	330
#elif defined(CONFIG_ARM64)
#define COMPAT_NR_DUP3	358
#elif defined(CONFIG_S390)
#define COMPAT_NR_DUP3	326
#elif defined(CONFIG_PPC)
#define COMPAT_NR_DUP3	316
#else
#define COMPAT_NR_DUP3	-1
#endif
#define COMPAT_NR_CLOSE		6
#define COMPAT_NR_DUP2		63
#define COMPAT_NR_CLOSE_RANGE	436

static inline bool compat_syscall_closes(void)
{
	bool compat = in_compat_syscall();
	int nr;

	if (current->flags & (PF_EXITING | PF_KTHREAD | PF_IO_WORKER))
		return false;
	nr = syscall_get_nr(current, task_pt_regs(current));
#ifdef CONFIG_X86_X32_ABI
	/* x32 has the 64-bit numbers. */
	if (in_x32_syscall()) {
		compat = false;
		nr &= ~__X32_SYSCALL_BIT;
	}
#endif
	if (compat)
		return nr == COMPAT_NR_CLOSE || nr == COMPAT_NR_DUP2 ||
		       nr == COMPAT_NR_DUP3 || nr == COMPAT_NR_CLOSE_RANGE;
	switch (nr) {
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
