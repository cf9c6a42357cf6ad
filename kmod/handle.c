// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors: who else holds the open file, and giving one up safely. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "family.h"
#include "handle.h"

#define HANDLE_RETRIES	3

/* How many entries of a queue are looked up among the threads, which may be many too. */
#define HANDLE_LOOKUPS	8

/* The wake function of threads in poll and select; fs/select.c keeps its name. */
static wait_queue_func_t handle_pollwake;

/* That of threads that wait for a packet, which the core keeps to itself, once met. */
static wait_queue_func_t handle_packetwake;

struct handle_count {
	const struct file *file;
	unsigned int entries;
};

struct file *winsock_handle_get(int fd)
{
	struct file *file = fget(fd);
	struct socket *sock;
	int err;

	if (!file)
		return ERR_PTR(-EBADF);
	sock = sock_from_file(file);
	err = sock ? winsock_family_check(sock) : -ENOTSOCK;
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

static int handle_count_entry(const void *arg, struct file *file, unsigned int fd)
{
	struct handle_count *count = (void *)arg;

	if (file == count->file)
		count->entries++;
	return 0;
}

/* Is this a thread of the caller's process? Only the address is looked at. */
static bool handle_is_thread(const void *task)
{
	const struct task_struct *thread;
	bool found = false;

	if (!task)
		return false;
	rcu_read_lock();
	for_each_thread(current, thread) {
		found = thread == task;
		if (found)
			break;
	}
	rcu_read_unlock();
	return found;
}

/*
 * Whose wait-queue entry is this, if it is that of a thread asleep in a system
 * call? Such a thread holds one reference to the file for each entry. Others on
 * the queue (epoll, io_uring, an op) hold none that would end with a call, and have
 * no task there. Anybody may queue any number of those, and the queue is locked: what
 * has an unknown function is looked up @lookups times.
 */
static const struct task_struct *handle_sleeper(const struct wait_queue_entry *entry,
						unsigned int *lookups)
{
	if (entry->func == woken_wake_function ||
	    entry->func == autoremove_wake_function ||
	    entry->func == default_wake_function ||
	    entry->func == READ_ONCE(handle_packetwake))
		return entry->private;
	if (entry->func == handle_pollwake)
		return ((struct poll_wqueues *)entry->private)->polling_task;
	/* There is one such function: from the first look-up on it is known by that. */
	if (READ_ONCE(handle_packetwake) || !*lookups)
		return NULL;
	--*lookups;
	if (!handle_is_thread(entry->private))
		return NULL;
	WRITE_ONCE(handle_packetwake, entry->func);
	return entry->private;
}

/* References that sleeping threads of this process account for. */
static unsigned int handle_refs_in_calls(struct socket *sock)
{
	struct wait_queue_head *head = &sock->wq.wait;
	const struct wait_queue_entry *entry;
	const struct task_struct *task;
	unsigned int refs = 0, lookups = HANDLE_LOOKUPS;

	/* A sleeper takes itself off the queue, so it is alive under the lock. */
	spin_lock_irq(&head->lock);
	list_for_each_entry(entry, &head->head, entry) {
		task = handle_sleeper(entry, &lookups);
		if (task && READ_ONCE(task->files) == current->files)
			refs++;
	}
	spin_unlock_irq(&head->lock);
	return refs;
}

bool winsock_handle_others(struct file *file, int fd)
{
	struct handle_count count = { .file = file };
	unsigned int tries;

	iterate_fd(current->files, 0, handle_count_entry, &count);
	if (count.entries > 1)
		return true;

	for (tries = 0; tries < HANDLE_RETRIES; tries++) {
		unsigned long refs;

		if (atomic_read(&current->files->count) == 1)
			return file_count(file) > WINSOCK_HANDLE_OWN_REFS;

		refs = WINSOCK_HANDLE_OWN_REFS +
		       handle_refs_in_calls(sock_from_file(file));
		if (file_count(file) <= refs)
			return false;
		/* A thread that does not sleep will soon have left its call. */
		usleep_range(50, 100);
	}
	return true;
}

bool winsock_handle_remove(struct file *file, int fd)
{
	struct files_struct *files = current->files;
	struct fdtable *fdt;
	bool ours;

	spin_lock(&files->file_lock);
	ours = files_lookup_fd_locked(files, fd) == file;
	if (ours) {
		fdt = files_fdtable(files);
		rcu_assign_pointer(fdt->fd[fd], NULL);
	}
	spin_unlock(&files->file_lock);
	if (!ours)
		return false;

	/* Until here the number was taken but empty, as before an fd_install. */
	put_unused_fd(fd);
	filp_close(file, files);
	return true;
}

int winsock_handle_learn(struct file *file)
{
	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(head);
	struct poll_wqueues *polls;

	if (READ_ONCE(handle_pollwake))
		return 0;
	polls = kzalloc_obj(*polls);
	if (!polls)
		return -ENOMEM;
	poll_initwait(polls);
	poll_wait(file, &head, &polls->pt);
	WRITE_ONCE(handle_pollwake, polls->inline_entries[0].wait.func);
	poll_freewait(polls);
	kfree(polls);
	return 0;
}
