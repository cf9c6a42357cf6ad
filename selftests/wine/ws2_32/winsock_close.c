/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* closesocket() in ws2_32: the server is asked before the handle goes. Part of socket.c. */
/* FALSE: the handle stays, and the error is set. */
static BOOL winsock_may_close( SOCKET s )
{
	IO_STATUS_BLOCK io = { { STATUS_PENDING } };
	HANDLE event;
	NTSTATUS status;

	if (!winsock_lingers || !(event = get_sync_event())) return TRUE;
	status = NtDeviceIoControlFile( (HANDLE)s, event, NULL, NULL, &io, IOCTL_AFD_WINSOCK_CLOSE,
					NULL, 0, NULL, 0 );
	/* APCs run in the wait. The status is the first member, whatever it is named. */
	if (status == STATUS_PENDING)
		while ((status = *(volatile NTSTATUS *)&io) == STATUS_PENDING)
			WaitForSingleObjectEx( event, INFINITE, TRUE );
	switch (status)
	{
	case STATUS_DEVICE_NOT_READY:
		SetLastError( WSAEWOULDBLOCK );
		return FALSE;
	case STATUS_INVALID_HANDLE:
		SetLastError( WSAENOTSOCK );
		return FALSE;
	case STATUS_CANCELLED:
		SetLastError( WSAEINTR );
		return FALSE;
	}
	return TRUE;
}
