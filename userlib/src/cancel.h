/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pthread_cancel() while a lock is held, or a list has an entry on the thread's stack, would
 * leave both behind: it waits until that is over. They nest.
 */
#ifndef WINSOCK_CANCEL_H
#define WINSOCK_CANCEL_H

#include <pthread.h>
#include <sys/single_threaded.h>

/* What cancel_restore() wants to have back. */
static inline int cancel_disable(void)
{
	int state = -1;

	/* Nobody is there who could. */
	if (!__libc_single_threaded)
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

static inline void cancel_restore(int state)
{
	if (state >= 0)
		pthread_setcancelstate(state, NULL);
}

#endif /* WINSOCK_CANCEL_H */
