// SPDX-License-Identifier: GPL-2.0-only
/* net/core/datagram.c: which threads wait for a packet. */
#include <linux/compiler.h>
#include <linux/net.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <net/sock.h>

static wait_queue_func_t learned;

/* Static there, and learned here from threads that wait. */
#define receiver_wake_function READ_ONCE(learned)

/* Limit of the entries of a queue, and of the threads, in one search. */
#define COMPAT_LOOKS	1024

/* Limit of the unknown entries that it compares with the threads. */
#define COMPAT_LOOKUPS	8

static bool compat_is_other(const struct wait_queue_entry *entry)
{
	return !entry->private || poll_entry_task(entry) ||
	       entry->func == woken_wake_function ||
	       entry->func == autoremove_wake_function ||
	       entry->func == default_wake_function;
}

/**
 * compat_learn_packet() - find out how threads wait for a packet
 * @sock: a socket that threads of the caller may wait on
 *
 * If an entry has an unknown function, and its private pointer is a thread of
 * the caller, then that is the one: the kernel has no other such function. TCP
 * does not use it.
 */
void compat_learn_packet(struct socket *sock)
{
	wait_queue_func_t funcs[COMPAT_LOOKUPS];
	const void *tasks[COMPAT_LOOKUPS];
	const struct wait_queue_entry *entry;
	const struct task_struct *thread;
	unsigned int looks = 0, count = 0, i;

	if (sk_is_tcp(sock->sk) || receiver_wake_function)
		return;
	/* RCU keeps the tasks until they have been compared. */
	rcu_read_lock();
	spin_lock_irq(&sock->wq.wait.lock);
	list_for_each_entry(entry, &sock->wq.wait.head, entry) {
		if (count == COMPAT_LOOKUPS || ++looks > COMPAT_LOOKS)
			break;
		if (compat_is_other(entry))
			continue;
		funcs[count] = entry->func;
		tasks[count++] = entry->private;
	}
	spin_unlock_irq(&sock->wq.wait.lock);
	for_each_thread(current, thread) {
		if (!count || ++looks > 2 * COMPAT_LOOKS)
			break;
		for (i = 0; i < count; i++)
			if (tasks[i] == thread)
				WRITE_ONCE(learned, funcs[i]);
	}
	rcu_read_unlock();
}

/* From here on the text that a kernel's tree gets, see core.h. */

/**
 * skb_entry_task() - the thread that waits for a packet by an entry
 * @entry: on a wait queue whose lock is held
 *
 * Such a thread is in a call, and holds a reference to the socket's file.
 *
 * Return: the thread, or NULL: the entry is of another wait.
 */
struct task_struct *skb_entry_task(const struct wait_queue_entry *entry)
{
	return entry->func == receiver_wake_function ? entry->private : NULL;
}
EXPORT_SYMBOL_GPL(skb_entry_task);
