// SPDX-License-Identifier: GPL-2.0-only
/* ATM circuits over the tests' own interface, and a signalling daemon. */
#include <errno.h>
#include <fcntl.h>
#include <linux/atmdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../modules/test_svc.h"
#include "atm.h"

static int must(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "# set-up failed: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}

static int atm_socket(int family)
{
	struct atm_qos qos = {
		.aal = ATM_AAL5,
		.txtp = { .traffic_class = ATM_UBR, .max_sdu = 8192 },
		.rxtp = { .traffic_class = ATM_UBR, .max_sdu = 8192 },
	};
	int fd = must(socket(family, SOCK_DGRAM, ATM_AAL5), "socket");

	must(setsockopt(fd, SOL_ATM, SO_ATMQOS, &qos, sizeof(qos)), "SO_ATMQOS");
	return fd;
}

int atm_permanent(int vci)
{
	struct sockaddr_atmpvc name = {
		.sap_family = AF_ATMPVC,
		.sap_addr = { .itf = 0, .vpi = 0, .vci = vci },
	};
	int fd = atm_socket(AF_ATMPVC), error;

	if (!connect(fd, (struct sockaddr *)&name, sizeof(name)))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

void atm_hold(bool on)
{
	int fd = must(open("/sys/module/test_atm/parameters/hold", O_WRONLY), "hold");

	must(write(fd, on ? "1" : "0", 1), "hold");
	close(fd);
}

static void *daemon_run(void *argument)
{
	struct atm_daemon *daemon = argument;
	struct test_svc_okay okay = { .vci = daemon->vci };
	struct atmsvc_msg message;

	while (recv(daemon->fd, &message, sizeof(message), 0) == sizeof(message)) {
		switch (message.type) {
		case as_connect:
			memcpy(&okay.vcc, &message.vcc, sizeof(okay.vcc));
			ioctl(daemon->fd, TEST_SVC_OKAY, &okay);
			break;
		case as_close:
			daemon->last = message;
			daemon->closes++;
			message.reply = 0;
			send(daemon->fd, &message, sizeof(message), 0);
			break;
		default:
			break;
		}
	}
	return NULL;
}

void atm_daemon_start(struct atm_daemon *daemon, int vci)
{
	daemon->vci = vci;
	daemon->closes = 0;
	daemon->fd = must(socket(AF_ATMSVC, SOCK_DGRAM, 0), "socket");
	must(ioctl(daemon->fd, ATMSIGD_CTRL, 0), "ATMSIGD_CTRL");
	must(-pthread_create(&daemon->thread, NULL, daemon_run, daemon), "pthread_create");
}

void atm_daemon_stop(struct atm_daemon *daemon)
{
	pthread_cancel(daemon->thread);
	pthread_join(daemon->thread, NULL);
	close(daemon->fd);
}

int atm_switched(void)
{
	struct sockaddr_atmsvc name = { .sas_family = AF_ATMSVC };
	int fd = atm_socket(AF_ATMSVC);

	/* Any number: the daemon ignores it. */
	strcpy(name.sas_addr.pub, "1");
	must(connect(fd, (struct sockaddr *)&name, sizeof(name)), "connect");
	return fd;
}
