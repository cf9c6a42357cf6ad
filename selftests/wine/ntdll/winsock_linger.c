/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SO_LINGER in ntdll: where there is the device the server keeps it, and the Unix
 * socket has no more than {1,0}. Part of unix/socket.c.
 *
 * The Unix option is set here and not in the server: setting it takes the socket's
 * lock, which another thread of the program may hold for long, as in a page fault
 * inside send(). A close waits here for that thread, and not in the server.
 */
static BOOL winsock_linger( HANDLE handle, UINT code, const void *in_buffer, UINT in_size,
			    NTSTATUS *status )
{
	const struct WS_linger *linger = in_buffer;
	/* Not the caller's, which of a 32-bit program points to its own until the server answers. */
	IO_STATUS_BLOCK unused;

	if (code == IOCTL_AFD_WINSOCK_CLOSE)
	{
		struct tcp_info info;

		do_getsockopt( handle, &unused, IPPROTO_TCP, TCP_INFO, &info, sizeof(info) );
		return FALSE;
	}
	if (code != IOCTL_AFD_WINE_SET_SO_LINGER && code != IOCTL_AFD_WINE_GET_SO_LINGER) return FALSE;
	if (access( "/dev/winsock", F_OK )) return FALSE;
	*status = STATUS_BAD_DEVICE_TYPE;	/* for the server */
	if (code == IOCTL_AFD_WINE_SET_SO_LINGER && in_size >= sizeof(*linger))
	{
		struct linger native = { linger->l_onoff && !linger->l_linger, 0 };
		NTSTATUS err = do_setsockopt( handle, &unused, SOL_SOCKET, SO_LINGER, &native,
					      sizeof(native) );

		if (err) *status = err;
	}
	return TRUE;
}
