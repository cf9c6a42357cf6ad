// SPDX-License-Identifier: LGPL-2.1-or-later
/* fork(). See fork.h. */
#include "close.h"
#include "fork.h"
#include "layer.h"
#include "startup.h"
#include "wait.h"

static unsigned int fork_count;		/* written in a child, which has one thread */

unsigned int fork_generation(void)
{
	return fork_count;
}

static void fork_child(void)
{
	fork_count++;
	startup_unlock();
	thread_forked();
	wait_forked();
	close_forked();
	if (layer_above())
		layer_above()->forked();
}

static void fork_register(void)
{
	pthread_atfork(startup_lock, startup_unlock, fork_child);
}

void fork_watch(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fork_register);
}
