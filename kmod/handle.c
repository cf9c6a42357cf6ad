// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles: is there another one of the open file?
 *
 * A reference to the file that is not the caller's belongs to a handle, or
 * passes: it goes when a thread leaves a call, or a reader of /proc ends. Most
 * handles are found in the tables of the caller and of its relatives. A
 * reference that is in none of them is watched until it passes, or is taken for
 * a handle.
 */
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/skbuff.h>
#include <linux/wait.h>
#include <net/sock.h>

#include "family.h"
#include "handle.h"

/* A thread inside a call that does not sleep leaves it within these looks. */
#define HANDLE_QUICK_LOOKS	60
#define HANDLE_QUICK_US		3

/* Pause between the looks that follow, if the caller may sleep. */
#define HANDLE_LOOK_US		50

/* The most of these looks, while a relative is on its way to exec or exit. */
#define HANDLE_LOSING_LOOKS	1000

/*
 * Limits of one look: users can make process groups, tables and wait queues as
 * long as they like. A handle beyond a limit is found by the count of
 * references, later but no less surely; a sleeping thread beyond is taken for a
 * handle.
 */
#define HANDLE_TASKS		64
#define HANDLE_SLOTS		1024
#define HANDLE_ENTRIES		1024

/* Threads waiting for the lock that are remembered, to count none twice. */
#define HANDLE_LOCKERS		32

/**
 * winsock_handle_get() - look a socket up by its descriptor
 * @fd:		a descriptor of the caller
 * @sock:	set to its socket, valid as long as the file. The ULP "smc" may
 *		put another socket into the file: do not read it again
 *
 * Return: its file, referenced, or ERR_PTR: -EBADF, -ENOTSOCK, -EOPNOTSUPP.
 */
struct file *winsock_handle_get(int fd, struct socket **sock)
{
	struct file *file = fget(fd);
	int err;

	if (!file)
		return ERR_PTR(-EBADF);
	*sock = sock_from_file(file);
	err = *sock ? winsock_family_check(*sock) : -ENOTSOCK;
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

/*
 * Return the thread of an entry, if it sleeps in a system call: it holds one
 * reference to the file for each entry. Other entries (epoll, io_uring, an op)
 * have no thread, and no reference that ends with a call.
 */
static const struct task_struct *
handle_sleeper(const struct wait_queue_entry *entry)
{
	if (entry->func == woken_wake_function ||
	    entry->func == autoremove_wake_function ||
	    entry->func == default_wake_function)
		return entry->private;
	return poll_entry_task(entry) ?: skb_entry_task(entry);
}

/* Threads of this process inside calls; lockers wait for the lock. */
struct handle_calls {
	unsigned int count;
	unsigned int lockers;
	const struct task_struct *locker[HANDLE_LOCKERS];
};

/*
 * Count the threads in a queue. A thread removes its own entry, so its task
 * exists.
 * A thread woken in recv() waits for the lock before it leaves the socket's
 * queue: the lock's queue is counted first, and no thread twice.
 */
static void handle_count_calls(struct handle_calls *calls, bool lock,
			       const struct wait_queue_head *head)
{
	const struct wait_queue_entry *entry;
	const struct task_struct *task;
	unsigned int entries = 0, i;

	lockdep_assert_held(&head->lock);
	list_for_each_entry(entry, &head->head, entry) {
		if (++entries > HANDLE_ENTRIES ||
		    (lock && calls->lockers == HANDLE_LOCKERS))
			break;
		task = handle_sleeper(entry);
		if (!task || task == current ||
		    READ_ONCE(task->files) != current->files)
			continue;
		for (i = 0; i < calls->lockers && calls->locker[i] != task; i++)
			;
		calls->count += i == calls->lockers;
		if (lock)
			calls->locker[calls->lockers++] = task;
	}
}

/*
 * Do all references but the caller's belong to threads of this process that
 * sleep on the socket, or for its lock? The locks of the two queues keep
 * threads from coming and going, so both counts are of the same moment: no
 * handle can hide behind a thread that has just left.
 */
static bool handle_is_alone(struct file *file)
{
	struct socket *sock = sock_from_file(file);
	struct wait_queue_head *head = &sock->wq.wait;
	struct wait_queue_head *lock = &sock->sk->sk_lock.wq;
	unsigned long refs = WINSOCK_HANDLE_OWN_REFS;
	struct handle_calls calls __uninitialized;
	bool alone;

	if (file_count(file) <= refs)
		return true;
	spin_lock_irq(&head->lock);
	spin_lock(&lock->lock);
	calls.count = 0;
	calls.lockers = 0;
	handle_count_calls(&calls, true, lock);
	handle_count_calls(&calls, false, head);
	alone = file_count(file) <= refs + calls.count;
	spin_unlock(&lock->lock);
	spin_unlock_irq(&head->lock);
	return alone;
}

/*
 * Does @task have the file at the number @fd, and does it keep it (@losing
 * false) or lose it soon (@losing true)? A task without memory exits; one with
 * the caller's memory is between vfork() and exec; one inside exec loses at
 * least what is close-on-exec.
 */
static bool handle_in_task(struct task_struct *task, const struct file *file,
			   int fd, bool losing)
{
	bool found = false, execs;

	task_lock(task);
	/* exec sets it before it changes mm, clears it after closing files. */
	execs = data_race(!!task->in_execve);
	/* Pairs with exec's unlock of file_lock when it has closed files. */
	smp_rmb();
	if (task->files && task->files != current->files &&
	    files_lookup_fd_raw(task->files, fd) == file)
		found = losing == (!task->mm || task->mm == current->mm ||
				   execs);
	task_unlock(task);
	return found;
}

/*
 * fork() keeps numbers: look at the parent and at the caller's process group,
 * where children and siblings usually are.
 */
static bool handle_in_relatives(const struct file *file, int fd, bool losing)
{
	const struct pid *group;
	struct task_struct *task;
	unsigned int tasks = 0;
	bool found;

	rcu_read_lock();
	task = rcu_dereference(current->real_parent);
	found = handle_in_task(task, file, fd, losing);
	group = task_pgrp(current);
	hlist_for_each_entry_rcu(task, &group->tasks[PIDTYPE_PGID],
				 pid_links[PIDTYPE_PGID]) {
		if (found || ++tasks > HANDLE_TASKS)
			break;
		found = handle_in_task(task, file, fd, losing);
	}
	rcu_read_unlock();
	return found;
}

/* Does the caller's table have the file at another of these numbers? */
static bool handle_in_slots(const struct file *file, int fd, int from,
			    int slots)
{
	const struct fdtable *fdt;
	bool found = false;
	int slot, end;

	rcu_read_lock();
	fdt = files_fdtable(current->files);
	end = min_t(int, from + slots, fdt->max_fds);
	for (slot = max(from, 0); slot < end && !found; slot++)
		found = slot != fd && rcu_access_pointer(fdt->fd[slot]) == file;
	rcu_read_unlock();
	return found;
}

/* dup() takes the lowest free number: near 0, or near @fd in a full table. */
static bool handle_in_table(const struct file *file, int fd)
{
	return handle_in_slots(file, fd, fd + 1, HANDLE_SLOTS / 4) ||
	       handle_in_slots(file, fd, fd - HANDLE_SLOTS / 4,
			       HANDLE_SLOTS / 4) ||
	       handle_in_slots(file, fd, 0, HANDLE_SLOTS / 2);
}

/* Do the other references pass? One look that finds none is enough. */
static bool handle_passes(struct file *file, int fd, unsigned int looks)
{
	unsigned int look, us;

	for (look = 0; look < HANDLE_QUICK_LOOKS; look++) {
		udelay(HANDLE_QUICK_US);
		if (handle_is_alone(file))
			return true;
	}
	for (look = 0; looks && look < HANDLE_LOSING_LOOKS; look++) {
		if (look >= looks && !handle_in_relatives(file, fd, true))
			break;
		/* Vary the pause: never in step with a thread that loops. */
		us = HANDLE_LOOK_US + look * 37 % HANDLE_LOOK_US;
		usleep_range(us, us + 1);
		if (handle_is_alone(file))
			return true;
	}
	return false;
}

/**
 * winsock_handle_others() - slow path of winsock_handle_shared()
 * @file:	the file
 * @fd:		the caller's descriptor of it
 * @looks:	how many after the quick ones; the caller sleeps between them
 *
 * Return: true if there is another handle.
 */
bool winsock_handle_others(struct file *file, int fd, unsigned int looks)
{
	struct socket *sock = sock_from_file(file);
	/* Other threads that look count this one as inside a call. */
	DECLARE_WAITQUEUE(entry, current);
	bool passes;

	compat_learn_poll(file);
	compat_learn_packet(sock);
	/* Often there are only sleeping threads: no need to walk tables. */
	if (handle_is_alone(file))
		return false;
	if (handle_in_relatives(file, fd, false) || handle_in_table(file, fd))
		return true;
	add_wait_queue(&sock->wq.wait, &entry);
	passes = handle_passes(file, fd, looks);
	remove_wait_queue(&sock->wq.wait, &entry);
	return !passes;
}
