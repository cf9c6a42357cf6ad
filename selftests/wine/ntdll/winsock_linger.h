/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wine/winsock_afd.h"

static BOOL winsock_linger( HANDLE handle, UINT code, const void *in_buffer, UINT in_size,
			    NTSTATUS *status );
