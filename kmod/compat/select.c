// SPDX-License-Identifier: GPL-2.0-only
/* fs/select.c: which threads sleep in poll(2) and select(2). */
#include <linux/compiler.h>
#include <linux/poll.h>
#include <linux/wait.h>

static wait_queue_func_t learned;

/* Static there, and learned here from a poll of our own. */
#define pollwake READ_ONCE(learned)

/**
 * compat_learn_poll() - find out how poll and select sleep
 * @file: any open file
 */
void compat_learn_poll(struct file *file)
{
	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(head);
	struct poll_wqueues polls;

	if (pollwake)
		return;
	poll_initwait(&polls);
	poll_wait(file, &head, &polls.pt);
	WRITE_ONCE(learned, polls.inline_entries[0].wait.func);
	poll_freewait(&polls);
}

/* From here on the text that a kernel's tree gets, see core.h. */

/**
 * poll_entry_task() - the thread that sleeps in poll or select by an entry
 * @entry: on a wait queue whose lock is held
 *
 * Such a thread holds a reference to the file that it polls for each entry.
 *
 * Return: the thread, or NULL: the entry is no poll's.
 */
struct task_struct *poll_entry_task(const struct wait_queue_entry *entry)
{
	const struct poll_wqueues *polls = entry->private;

	return entry->func == pollwake ? polls->polling_task : NULL;
}
EXPORT_SYMBOL_GPL(poll_entry_task);
