/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ATM circuits over the interface of modules/test_atm.c: what is sent on a VCI arrives
 * on the one beside it. Failures of the set-up end the program.
 */
#ifndef ATM_H
#define ATM_H

#include <linux/atmsvc.h>
#include <pthread.h>
#include <stdbool.h>

/* A permanent circuit; -1 and errno if it is in use. */
int atm_permanent(int vci);

/* The interface keeps back what is sent, or lets it go. */
void atm_hold(bool on);

/**
 * struct atm_daemon - the kernel's signalling daemon, as a thread
 * @fd:		its control socket
 * @vci:	given to the next circuit that is asked for
 * @closes:	circuits that the kernel has released
 * @last:	the last message that said so
 * @thread:	the thread
 */
struct atm_daemon {
	int fd;
	int vci;
	unsigned int closes;
	struct atmsvc_msg last;
	pthread_t thread;
};

void atm_daemon_start(struct atm_daemon *daemon, int vci);
void atm_daemon_stop(struct atm_daemon *daemon);

/* A switched circuit, as the daemon sets it up. */
int atm_switched(void);

#endif /* ATM_H */
