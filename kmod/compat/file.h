/* SPDX-License-Identifier: GPL-2.0-only */
/* What a kernel without epoll has no field for. */
#ifndef WINSOCK_COMPAT_FILE_H
#define WINSOCK_COMPAT_FILE_H

#include <linux/fs.h>

/* Does an epoll watch the file? Without another reference none comes. */
static inline bool compat_file_watched(const struct file *file)
{
#ifdef CONFIG_EPOLL
	return READ_ONCE(file->f_ep);
#else
	return false;
#endif
}

#endif /* WINSOCK_COMPAT_FILE_H */
