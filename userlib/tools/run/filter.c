// SPDX-License-Identifier: LGPL-2.1-or-later
/* The system calls that stop, for every ABI that the kernel has beside the native one. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"

#ifndef __NR_close_range
#define __NR_close_range	436
#endif
#define X32	0x40000000

static const struct {
	uint32_t arch;
	uint32_t number;
	enum run_trap trap;
} calls[] = {
#ifdef __x86_64__
	{ AUDIT_ARCH_X86_64, 54, TRAP_LINGER },
	{ AUDIT_ARCH_X86_64, 3, TRAP_CLOSE },
	{ AUDIT_ARCH_X86_64, 33, TRAP_DUP },
	{ AUDIT_ARCH_X86_64, 292, TRAP_DUP },
	{ AUDIT_ARCH_X86_64, 436, TRAP_CLOSE_RANGE },
	{ AUDIT_ARCH_X86_64, X32 | 541, TRAP_LINGER },
	{ AUDIT_ARCH_X86_64, X32 | 3, TRAP_CLOSE },
	{ AUDIT_ARCH_X86_64, X32 | 33, TRAP_DUP },
	{ AUDIT_ARCH_X86_64, X32 | 292, TRAP_DUP },
	{ AUDIT_ARCH_X86_64, X32 | 436, TRAP_CLOSE_RANGE },
#endif
#if defined(__x86_64__) || defined(__i386__)
	{ AUDIT_ARCH_I386, 366, TRAP_LINGER },
	{ AUDIT_ARCH_I386, 102, TRAP_SOCKETCALL },
	{ AUDIT_ARCH_I386, 6, TRAP_CLOSE },
	{ AUDIT_ARCH_I386, 63, TRAP_DUP },
	{ AUDIT_ARCH_I386, 330, TRAP_DUP },
	{ AUDIT_ARCH_I386, 436, TRAP_CLOSE_RANGE },
#elif defined(__aarch64__)
	{ AUDIT_ARCH_AARCH64, 208, TRAP_LINGER },
	{ AUDIT_ARCH_AARCH64, 57, TRAP_CLOSE },
	{ AUDIT_ARCH_AARCH64, 24, TRAP_DUP },
	{ AUDIT_ARCH_AARCH64, 436, TRAP_CLOSE_RANGE },
	{ AUDIT_ARCH_ARM, 294, TRAP_LINGER },
	{ AUDIT_ARCH_ARM, 6, TRAP_CLOSE },
	{ AUDIT_ARCH_ARM, 63, TRAP_DUP },
	{ AUDIT_ARCH_ARM, 358, TRAP_DUP },
	{ AUDIT_ARCH_ARM, 436, TRAP_CLOSE_RANGE },
#else
	/* One ABI, or several alike: a call that stops needlessly goes on. */
	{ 0, __NR_setsockopt, TRAP_LINGER },
	{ 0, __NR_close, TRAP_CLOSE },
	{ 0, __NR_dup3, TRAP_DUP },
	{ 0, __NR_close_range, TRAP_CLOSE_RANGE },
#endif
};

#define CALLS	(sizeof(calls) / sizeof(calls[0]))

enum run_trap filter_trap(uint32_t arch, uint32_t number)
{
	unsigned int i;

	for (i = 0; i < CALLS; i++)
		if ((calls[i].arch == arch || !calls[i].arch) && calls[i].number == number)
			return calls[i].trap;
	return TRAP_NONE;
}

struct condition {
	uint32_t offset;
	uint32_t value;
};

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ARGUMENT(n)	(offsetof(struct seccomp_data, args[n]) + 4)
#else
#define ARGUMENT(n)	offsetof(struct seccomp_data, args[n])
#endif

/* Stop the call if all conditions hold. */
static struct sock_filter *stop_where(struct sock_filter *at, const struct condition *conditions,
				      unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						     conditions[i].offset);
		*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						     conditions[i].value, 0,
						     2 * (count - 1 - i) + 1);
	}
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	return at;
}

static struct sock_filter *stop_call(struct sock_filter *at, unsigned int call)
{
	struct condition conditions[4];
	unsigned int count = 0;

	if (calls[call].arch)
		conditions[count++] = (struct condition){
			offsetof(struct seccomp_data, arch), calls[call].arch };
	conditions[count++] = (struct condition){
		offsetof(struct seccomp_data, nr), calls[call].number };
	if (calls[call].trap == TRAP_LINGER) {
		conditions[count++] = (struct condition){ ARGUMENT(1), SOL_SOCKET };
		conditions[count++] = (struct condition){ ARGUMENT(2), SO_LINGER };
	} else if (calls[call].trap == TRAP_SOCKETCALL) {
		conditions[count++] = (struct condition){ ARGUMENT(0), SYS_SETSOCKOPT };
	}
	return stop_where(at, conditions, count);
}

/*
 * For a number whose verdict depends on no argument the kernel does not run the filter: calls that
 * never stop cost nothing more.
 */
int filter_install(bool would_block)
{
	struct sock_filter code[CALLS * 9 + 1], *at = code;
	struct sock_fprog program = { .filter = code };
	unsigned int i;
	int listener;

	for (i = 0; i < CALLS; i++)
		if (would_block || calls[i].trap < TRAP_CLOSE)
			at = stop_call(at, i);
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = at - code;
	/* Otherwise each signal of Go's scheduler restarts a stopped call. */
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			   SECCOMP_FILTER_FLAG_NEW_LISTENER |
			   SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
	return listener < 0 ? -errno : listener;
}
