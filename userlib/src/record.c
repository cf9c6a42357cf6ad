// SPDX-License-Identifier: LGPL-2.1-or-later
/* Records of what sockets have pending. See record.h. */
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cancel.h"
#include "fork.h"
#include "pending.h"
#include "port.h"
#include "record.h"

static pthread_mutex_t record_mutex = PTHREAD_MUTEX_INITIALIZER;
static int record_cancel_state;	/* of who has it */
static struct record *record_list;	/* kept ones */
static _Atomic unsigned int record_count;	/* how many of them */
static uint32_t record_generation;

void record_lock(void)
{
	int state = cancel_disable();

	pthread_mutex_lock(&record_mutex);
	record_cancel_state = state;
}

void record_unlock(void)
{
	int state = record_cancel_state;

	pthread_mutex_unlock(&record_mutex);
	cancel_restore(state);
}

static void record_forget(SOCKET s)
{
	table_set_record(s, NULL);
}

void record_fork(enum fork_phase phase)
{
	/* What is pending is the parent's, and so is the memory of it, to the last record. */
	if (phase == FORK_CHILD) {
		pending_forked();
		table_each_record(record_forget);
		while (record_list) {
			close(record_list->fd);
			record_list = record_list->next;
		}
		atomic_store(&record_count, 0);
	}
	fork_mutex(&record_mutex, phase);
}

struct record *record_find(SOCKET s)
{
	return table_record(s);
}

struct record *record_find_generation(SOCKET s, uint32_t generation)
{
	struct record *record = record_find(s);

	return record && record->generation == generation ? record : NULL;
}

struct record *record_make(SOCKET s)
{
	struct record *record = record_find(s);
	struct stat status;

	if (record)
		return record;
	record = calloc(1, sizeof(*record));
	if (!record || !table_set_record(s, record)) {
		free(record);
		errno = ENOMEM;
		return NULL;
	}
	/*
	 * A close sees the record from now on. One that did not has said before that the
	 * number goes; if that is over as well, the number is gone, or another socket's.
	 */
	if (table_is_going(s) || fstat(s, &status)) {
		table_set_record(s, NULL);
		free(record);
		errno = EBADF;
		return NULL;
	}
	record->fd = s;
	record->generation = ++record_generation;
	record->inode = status.st_ino;
	record->stream = socket_is_stream(s);
	for (int i = 0; i < RECORD_DIRECTIONS; i++)
		record->queues[i].last = &record->queues[i].first;
	return record;
}

struct record *record_take(SOCKET s)
{
	struct record *record = record_find(s);

	if (record)
		table_set_record(s, NULL);
	return record;
}

bool record_restore(struct record *record)
{
	return !record_find(record->fd) && table_set_record(record->fd, record);
}

bool record_keep(struct record *record, int fd)
{
	struct stat status;

	/* Not the number that was just closed, which the program may still try. */
	fd = fcntl(fd, F_DUPFD_CLOEXEC, record->fd + 1);
	if (fd < 0)
		return false;
	/* The number may have got another owner since it was looked up. */
	if (fstat(fd, &status) || status.st_ino != record->inode) {
		close(fd);
		return false;
	}
	record->fd = fd;
	if (!record->kept) {
		record->kept = true;
		record->next = record_list;
		record_list = record;
		atomic_fetch_add(&record_count, 1);
	}
	return true;
}

bool record_any_kept(void)
{
	return atomic_load_explicit(&record_count, memory_order_relaxed);
}

struct record *record_kept(ino_t inode, const struct record *from)
{
	struct record *record = from ? from->next : record_list;

	while (record && inode && record->inode != inode)
		record = record->next;
	return record;
}

void record_free(struct record *record)
{
	struct record **link = &record_list;

	if (record->kept) {
		while (*link != record)
			link = &(*link)->next;
		*link = record->next;
		atomic_fetch_sub(&record_count, 1);
		if (record->fd >= 0)
			close(record->fd);
	}
	port_release(record->port);
	event_put(record->event);
	messages_release(record->messages);
	free(record);
}

int record_twin(ino_t inode)
{
	char wanted[40], target[40], path[40];
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	int twin = -1;
	ssize_t size;

	if (!directory)
		return -1;
	snprintf(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long)inode);
	while (twin < 0 && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%.20s", entry->d_name);
		size = readlink(path, target, sizeof(target) - 1);
		if (size < 0)
			continue;
		target[size] = 0;
		if (!strcmp(target, wanted))
			twin = atoi(entry->d_name);
	}
	closedir(directory);
	return twin;
}
