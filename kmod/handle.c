// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors: other holders of the open file, and removing one safely.
 *
 * A count of references above what the caller accounts for is a handle, or a
 * reference that passes. A handle is usually found in a table near the caller;
 * what is in none of them is looked at until it has passed, or has not.
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

/* A call that does not sleep returns within these. */
#define HANDLE_QUICK_LOOKS	60
#define HANDLE_QUICK_US		3

/* Between the looks that follow, of a caller that may sleep for the answer. */
#define HANDLE_LOOK_US		50

/* So many in all for a child that is on its way to exec or exit. */
#define HANDLE_LOSING_LOOKS	1000

/*
 * A user can make process groups, tables and wait queues as long as he likes: a
 * look goes so far. A handle beyond is found by the count, later but no less
 * surely; a sleeper beyond is taken for a handle.
 */
#define HANDLE_TASKS		64
#define HANDLE_SLOTS		1024
#define HANDLE_ENTRIES		1024

/* How many entries of a queue are looked up among the threads. */
#define HANDLE_LOOKUPS		8

/* How many threads that wait for the lock are looked up in the other queue. */
#define HANDLE_LOCKERS		32

/* The wake function of threads in poll and select, static in fs/select.c. */
static wait_queue_func_t handle_pollwake;

/* The one of threads that wait for a packet, static in net/core/datagram.c. */
static wait_queue_func_t handle_packetwake;

/**
 * winsock_handle_get() - look a socket up by its descriptor
 * @fd:		a descriptor of the caller
 * @sock:	set to its socket, which stays as long as the file. The ULP
 *		"smc" puts another socket into the file: do not read it again
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

/* A thread that looks queues itself: it is inside a call, too. */
static int handle_looks(struct wait_queue_entry *entry, unsigned int mode,
			int sync, void *key)
{
	return 0;
}

/*
 * The thread that an entry belongs to, if that thread sleeps in a system call:
 * it holds one reference to the file for each entry. Other entries (epoll,
 * io_uring, an op) have no task, and no reference that ends with a call.
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

/* Threads of this process inside calls; the first wait for the lock. */
struct handle_calls {
	unsigned int count;
	unsigned int lockers;
	const struct task_struct *locker[HANDLE_LOCKERS];
};

/*
 * Those in a queue: other threads, which take themselves off: they are alive.
 * A thread that is woken in recv() goes for the lock before it leaves the
 * socket's queue, so the lock's comes first, and none is counted twice.
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
 * Do calls of this process account for what references are not the caller's?
 * Its threads sleep on the socket, or for its lock. Under the locks of the two
 * queues they neither come nor go, so that the count is of the same moment: no
 * handle can hide behind a sleeper that has just left.
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
 * The wake function of threads that wait for a packet is learned from an entry
 * with an unknown function whose private pointer is a thread of the caller.
 * There is one such function. TCP does not use it.
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
	/* No task that is found in the queue is freed before it is compared. */
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
 * Has this process the file at the same number, to keep it or about to lose it?
 * A process without memory exits; one with the caller's memory is between
 * vfork() and exec; one inside exec loses at least what is close-on-exec.
 */
static bool handle_in_task(struct task_struct *task, const struct file *file,
			   int fd, bool losing)
{
	bool found = false, execs;

	task_lock(task);
	/* Set before the memory changes, and until files have been closed. */
	execs = data_race(!!task->in_execve);
	smp_rmb(); /* with the table's lock, released between those two */
	if (task->files && task->files != current->files &&
	    files_lookup_fd_raw(task->files, fd) == file)
		found = losing == (!task->mm || task->mm == current->mm ||
				   execs);
	task_unlock(task);
	return found;
}

/*
 * fork() keeps numbers: the parent, and the caller's process group, where
 * children, siblings and parent usually are.
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

/* Has the caller's table the file at another of so many numbers? */
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

/* dup() takes the lowest free number: in a full table the next one. */
static bool handle_in_table(const struct file *file, int fd)
{
	return handle_in_slots(file, fd, fd + 1, HANDLE_SLOTS / 4) ||
	       handle_in_slots(file, fd, fd - HANDLE_SLOTS / 4,
			       HANDLE_SLOTS / 4) ||
	       handle_in_slots(file, fd, 0, HANDLE_SLOTS / 2);
}

/* The least of many looks: does what else there is pass? */
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
		/* Twice as long at most, and never in step with a loop. */
		us = HANDLE_LOOK_US + look * 37 % HANDLE_LOOK_US;
		usleep_range(us, us + 1);
		if (handle_is_alone(file))
			return true;
	}
	return false;
}

/**
 * winsock_handle_others() - behind winsock_handle_shared()
 * @file:	the file
 * @fd:		the caller's descriptor of it
 * @looks:	so many after the quick ones, for which the caller sleeps
 *
 * Return: true if there is another handle.
 */
bool winsock_handle_others(struct file *file, int fd, unsigned int looks)
{
	struct socket *sock = sock_from_file(file);
	struct wait_queue_entry entry;
	bool passes;

	handle_learn_packetwake(sock);
	/* Before tables are walked: often all that is there is sleepers. */
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
 * winsock_handle_remove() - give a descriptor up if it is still the file's
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
 * file: it takes a reference, reads the slot again and lets a file go that has
 * left it since, and rcu_assign_pointer() has @with complete before it is seen.
 * A file that io_uring has registered is not looked up here any more.
 *
 * The table's reference to @file is dropped, which is not the last one. The
 * caller may hold the socket's lock.
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
 * winsock_handle_learn() - find out how poll and select sleep
 * @file: any open file
 *
 * Needed before winsock_handle_shared(); does the work once.
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
