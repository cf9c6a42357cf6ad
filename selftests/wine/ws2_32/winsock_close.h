/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wine/winsock_afd.h"

/*
 * Set when this process may have a socket that lingers: it has set the option, or got another's
 * socket. Until then a close costs no more than without the change.
 */
static BOOL winsock_lingers;

static BOOL winsock_may_close( SOCKET s );
