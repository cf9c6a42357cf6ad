// SPDX-License-Identifier: GPL-2.0-only
/* fs/file.c: close or replace a descriptor if it is still a file's. */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

/* From here on the text that a kernel's tree gets, see core.h. */

/**
 * close_fd_if() - close a descriptor if it is still a file's
 * @fd:		the descriptor
 * @file:	the file it must refer to; the caller holds a reference
 *
 * Comparing and removing is one step under the table's lock: a number that
 * another thread has reused since the lookup is not touched.
 *
 * Return: true if it was removed; the table's reference is then dropped.
 */
bool close_fd_if(unsigned int fd, struct file *file)
{
	struct files_struct *files = current->files;
	struct fdtable *fdt;
	bool same;

	spin_lock(&files->file_lock);
	same = files_lookup_fd_locked(files, fd) == file;
	if (same) {
		fdt = files_fdtable(files);
		rcu_assign_pointer(fdt->fd[fd], NULL);
	}
	spin_unlock(&files->file_lock);
	if (!same)
		return false;

	/* Until here the number is taken but empty, as before fd_install(). */
	put_unused_fd(fd);
	filp_close(file, files);
	return true;
}
EXPORT_SYMBOL_GPL(close_fd_if);

/**
 * replace_fd_if() - put another file at a descriptor that is still a file's
 * @fd:		the descriptor
 * @file:	the file it must refer to; the caller holds a reference
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
 * may hold a socket's lock.
 *
 * Return: 0 or -EBADF.
 */
int replace_fd_if(unsigned int fd, struct file *file, struct file *with,
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
EXPORT_SYMBOL_GPL(replace_fd_if);
