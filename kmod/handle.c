// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles: is there another one of the open file? Remove or replace one safely.
 *
 * A reference to the file that is not the caller's belongs to a handle, or
 * passes: a thread is inside a call, or reads /proc. Most handles are found in
 * the tables of the caller and of its relatives. A reference that is in none of
 * them is watched until it passes, or is taken for a handle.
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
#include <linux/slab.h>
#include <linux/wait.h>
#include <net/sock.h>

#include "family.h"
#include "handle.h"

/* A thread inside a call that does not sleep leaves it within these looks. */
#define HANDLE_QUICK_LOOKS	60
#define HANDLE_QUICK_US		3

/* Pause between the looks that follow, if the caller may sleep. */
#define HANDLE_LOOK_US		50

/* Limit of those looks while a relative is on its way to exec or exit. */
#define HANDLE_LOSING_LOOKS	1000

/*
 * Limits of one look: users can make process groups, tables and wait queues as
 * long as they like. A handle beyond is found by the count, later but no less
 * surely; a sleeping thread beyond is taken for a handle.
 */
#define HANDLE_TASKS		64
#define HANDLE_SLOTS		1024
#define HANDLE_ENTRIES		1024

/* Unknown entries of a queue that are compared with the caller's threads. */
#define HANDLE_LOOKUPS		8

/* Threads waiting for the lock that are remembered, to count none twice. */
#define HANDLE_LOCKERS		32

/* The wake function of threads in poll and select, static in fs/select.c. */
static wait_queue_func_t handle_pollwake;

/* The one of threads that wait for a packet, static in net/core/datagram.c. */
static wait_queue_func_t handle_packetwake;

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

/* The wake function of a thread that looks for handles, inside a call, too. */
static int handle_looks(struct wait_queue_entry *entry, unsigned int mode,
			int sync, void *key)
{
	return 0;
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
	    entry->func == default_wake_function ||
	    entry->func == handle_looks ||
	    entry->func == READ_ONCE(handle_packetwake))
		return entry->private;
	if (entry->func == handle_pollwake)
		return ((struct poll_wqueues *)entry->private)->polling_task;
	return NULL;
}

/* Threads of this process inside calls; lockers wait for the lock. */
struct handle_calls {
	unsigned int count;
	unsigned int lockers;
	const struct task_struct *locker[HANDLE_LOCKERS];
};

/*
 * Count the threads in a queue. Each removes its own entry, so the tasks exist.
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
 * Learn the wake function of threads that wait for a packet: an unknown
 * function in an entry whose private pointer is a thread of the caller. The
 * kernel has one such function, which TCP does not use.
 */
static void handle_learn_packetwake(struct socket *sock)
{
	wait_queue_func_t funcs[HANDLE_LOOKUPS];
	const void *tasks[HANDLE_LOOKUPS];
	const struct wait_queue_entry *entry;
	const struct task_struct *thread;
	unsigned int entries = 0, count = 0, i;

	if (sk_is_tcp(sock->sk) || READ_ONCE(handle_packetwake))
		return;
	/* RCU keeps the tasks until they have been compared. */
	rcu_read_lock();
	spin_lock_irq(&sock->wq.wait.lock);
	list_for_each_entry(entry, &sock->wq.wait.head, entry) {
		if (count == HANDLE_LOOKUPS || ++entries > HANDLE_ENTRIES)
			break;
		if (!entry->private || entry->func == handle_pollwake ||
		    handle_sleeper(entry))
			continue;
		funcs[count] = entry->func;
		tasks[count++] = entry->private;
	}
	spin_unlock_irq(&sock->wq.wait.lock);
	for_each_thread(current, thread) {
		if (!count || ++entries > 2 * HANDLE_ENTRIES)
			break;
		for (i = 0; i < count; i++)
			if (tasks[i] == thread)
				WRITE_ONCE(handle_packetwake, funcs[i]);
	}
	rcu_read_unlock();
}

/*
 * Does @task have the file at the same number, to keep it or (@losing) about to
 * lose it? A task without memory exits; one with the caller's memory is between
 * vfork() and exec; one inside exec loses at least what is close-on-exec.
 */
static bool handle_in_task(struct task_struct *task, const struct file *file,
			   int fd, bool losing)
{
	bool found = false, execs;

	task_lock(task);
	/* Set before mm changes, cleared after files were closed. */
	execs = data_race(!!task->in_execve);
	smp_rmb(); /* pairs with the unlock of file_lock after that */
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
	struct wait_queue_entry entry;
	bool passes;

	handle_learn_packetwake(sock);
	/* Before tables are walked: often there are only sleeping threads. */
	if (handle_is_alone(file))
		return false;
	if (handle_in_relatives(file, fd, false) || handle_in_table(file, fd))
		return true;
	init_waitqueue_func_entry(&entry, handle_looks);
	entry.private = current;
	add_wait_queue(&sock->wq.wait, &entry);
	passes = handle_passes(file, fd, looks);
	remove_wait_queue(&sock->wq.wait, &entry);
	return !passes;
}

/**
 * winsock_handle_is() - does a number of the caller's table refer to a file?
 * @file:	the file; the caller holds a reference
 * @fd:		the number
 *
 * Return: true if it does, now.
 */
bool winsock_handle_is(const struct file *file, int fd)
{
	bool is;

	rcu_read_lock();
	is = files_lookup_fd_raw(current->files, fd) == file;
	rcu_read_unlock();
	return is;
}

/**
 * winsock_handle_remove() - remove a descriptor if it is still the file's
 * @file:	the file it must refer to; the caller holds a reference
 * @fd:		the descriptor
 *
 * Comparing and removing is one step under the table's lock: a number that
 * another thread has reused since the lookup is not touched.
 *
 * Return: true if it was removed; the table's reference is then dropped.
 */
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

	/* Until here the number is taken but empty, as before fd_install(). */
	put_unused_fd(fd);
	filp_close(file, files);
	return true;
}

/**
 * winsock_handle_replace() - put another file at a number that is still @file's
 * @file:	the file it must refer to; the caller holds a reference
 * @fd:		the number
 * @with:	the file to stand there; the table gets a reference of its own
 * @cloexec:	in: close-on-exec for @with; out, on success: what @file had
 *
 * Comparing and replacing is one step under the table's lock, as dup2() does
 * it; the number is taken all the time. A lookup without the lock gets either
 * file: it takes a reference, reads the slot again, and drops a file that is no
 * longer there. rcu_assign_pointer() makes @with complete before a lookup sees
 * it. io_uring goes on using a file that it has registered.
 *
 * Drops the table's reference to @file, which is not the last one: the caller
 * may hold the socket's lock.
 *
 * Return: 0 or -EBADF.
 */
int winsock_handle_replace(struct file *file, int fd, struct file *with,
			   bool *cloexec)
{
	struct files_struct *files = current->files;
	struct fdtable *fdt;
	bool before;

	spin_lock(&files->file_lock);
	if (files_lookup_fd_locked(files, fd) != file) {
		spin_unlock(&files->file_lock);
		return -EBADF;
	}
	fdt = files_fdtable(files);
	before = test_bit(fd, fdt->close_on_exec);
	__assign_bit(fd, fdt->close_on_exec, *cloexec);
	rcu_assign_pointer(fdt->fd[fd], get_file(with));
	spin_unlock(&files->file_lock);
	*cloexec = before;
	filp_close(file, files);
	return 0;
}

/**
 * winsock_handle_learn() - learn the wake function of poll and select
 * @file: any open file
 *
 * Must run before winsock_handle_shared(); does its work once.
 *
 * Return: 0 or -ENOMEM.
 */
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
