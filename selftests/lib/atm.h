/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ATM circuits over the interface of modules/test_atm.c: a packet sent on a VCI arrives on the one
 * beside it. If the set-up fails the program ends.
 */
#ifndef ATM_H
#define ATM_H

#include <linux/atmsvc.h>
#include <pthread.h>
#include <stdbool.h>

/* Open a permanent circuit. Returns -1 and errno if it is in use. */
int atm_permanent(int vci);

/* Make the interface hold back sent packets, or release them. */
void atm_hold(bool on);

/**
 * struct atm_daemon - the kernel's signalling daemon, as a thread
 * @fd:		its control socket
 * @vci:	VCI of the next circuit that the kernel asks for
 * @closes:	circuits that the kernel has released
 * @last:	the last message of such a release
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

/* Open a switched circuit, which the daemon sets up. */
int atm_switched(void);

#endif /* ATM_H */
