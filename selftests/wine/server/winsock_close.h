/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * closesocket() with a linger time, in wineserver: the part of struct sock, and the functions that
 * sock.c calls. Included before struct sock is defined; winsock_close.c is included at the end of
 * sock.c.
 */
#ifndef WINSOCK_CLOSE_H
#define WINSOCK_CLOSE_H

#include <fcntl.h>
#include <sys/ioctl.h>

#include "wine/winsock_afd.h"
#include "winsock_uapi.h"

struct sock;

struct winsock {
	/*
	 * The linger option as the program set it. The Unix socket has SO_LINGER {1,0} for {1,0},
	 * which never sleeps and holds when the process is killed, and otherwise off: no close(2)
	 * may ever sleep.
	 */
	unsigned short	onoff;
	unsigned short	seconds;
	unsigned int	known : 1;	/* else the Unix socket has it */
	unsigned int	closing : 1;	/* a closesocket waits, or has ended */

	struct async		*async;	/* that closesocket */
	struct async_queue	wait_q;	/* holds it */
	struct timeout_user	*timeout;	/* while the server's queue drains */
	timeout_t		deadline;
	struct fd		*op;	/* while the kernel lingers */
};

static void winsock_init( struct winsock *winsock );
static void winsock_inherit( struct sock *child, struct sock *listener );
static void winsock_last_handle( struct sock *sock );
static void winsock_destroy( struct sock *sock );
static int winsock_ioctl( struct sock *sock, unsigned int code, struct async *async );
static int winsock_is_quiet( struct sock *sock );
static void winsock_reselected( struct sock *sock );
static void winsock_cancelled( struct sock *sock, struct async *async );

#endif
