/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wine/winsock_afd.h"

/*
 * This process may have a socket that lingers: it has set the option, or was given
 * another's socket. Before that a close costs nothing more than it did.
 */
static BOOL winsock_lingers;

static BOOL winsock_may_close( SOCKET s );
