// SPDX-License-Identifier: LGPL-2.1-or-later
/* fork(). See fork.h. */
#include <stddef.h>

#include "fork.h"

static void (*const fork_files[])(enum fork_phase) = {
	close_fork, startup_fork, socket_fork, wait_fork, record_fork, thread_fork, object_fork,
};

#define FORK_FILES (sizeof(fork_files) / sizeof(fork_files[0]))

static unsigned int fork_count;		/* written where there is one thread */

unsigned int fork_generation(void)
{
	return fork_count;
}

static void fork_prepare(void)
{
	for (size_t i = 0; i < FORK_FILES; i++)
		fork_files[i](FORK_PREPARE);
}

static void fork_parent(void)
{
	for (size_t i = FORK_FILES; i-- > 0;)
		fork_files[i](FORK_PARENT);
}

static void fork_child(void)
{
	fork_count++;
	for (size_t i = FORK_FILES; i-- > 0;)
		fork_files[i](FORK_CHILD);
}

static void fork_register(void)
{
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}

void fork_watch(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fork_register);
}
