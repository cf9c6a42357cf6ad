/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Accepting and connecting by overlapped operations. */
#ifndef MSWSOCK_H
#define MSWSOCK_H

#include <winsock2.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Options at SOL_SOCKET, to be set once the operation has completed
 *
 * SO_UPDATE_ACCEPT_CONTEXT: the value is the listener's SOCKET; the accepted socket gets the
 * options that accept() would have given it, linger included. Until then it keeps those that
 * were set for it before AcceptEx() (O21). SO_UPDATE_CONNECT_CONTEXT needs no value and
 * changes nothing: the socket of ConnectEx() is an ordinary one as soon as it is connected.
 *
 * Errors: WSAENOTCONN (the operation has not completed); WSAEFAULT, WSAENOTSOCK, WSAEINVAL
 * (the value is too short, no socket, no listener).
 */
#define SO_UPDATE_ACCEPT_CONTEXT	0x700B
#define SO_UPDATE_CONNECT_CONTEXT	0x7010

/* The functions' names for WSAIoctl(SIO_GET_EXTENSION_FUNCTION_POINTER). */
#define WSAID_ACCEPTEX \
	{ 0xb5367df1, 0xcbac, 0x11cf, { 0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92 } }
#define WSAID_GETACCEPTEXSOCKADDRS \
	{ 0xb5367df2, 0xcbac, 0x11cf, { 0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92 } }
#define WSAID_CONNECTEX \
	{ 0x25a207b9, 0xddf3, 0x4660, { 0x8e, 0xe9, 0x76, 0xe5, 0x8c, 0x74, 0x06, 0x3e } }

/**
 * AcceptEx() - accept a connection to an existing socket
 * @listener:	listens
 * @s:		a socket of the same family and type, not bound; from the completion on it is
 *		the connection, with the same number, port, events and options
 * @buffer:	the first data, then room for the two addresses
 * @data_size:	bytes in front of the addresses. Not 0: the operation completes with the first data;
 *		other operations of the listener do not wait for that
 * @local_size, @remote_size: each at least 16 more than a sockaddr of the family takes
 * @received:	set to the bytes that came if the operation completes at once; may be NULL
 * @overlapped:	completes at @listener: its port, or hEvent
 *
 * A close of @listener, or of @s, completes it with WSA_OPERATION_ABORTED (P8). A peer that
 * ends the connection, or resets it, before data has come completes it as it would a
 * receive.
 *
 * Return: TRUE, or FALSE: WSA_IO_PENDING; ERROR_INVALID_PARAMETER (no @overlapped);
 * WSAENOTSOCK; WSAEFAULT (@buffer, too little room for an address); WSAEINVAL (@listener does
 * not listen; @s is bound or connected, of another family, or in another AcceptEx());
 * WSAENOBUFS. The completion may say WSAEMFILE: accept(2) needs a descriptor for a moment.
 */
BOOL AcceptEx(SOCKET listener, SOCKET s, LPVOID buffer, DWORD data_size, DWORD local_size,
	      DWORD remote_size, LPDWORD received, LPOVERLAPPED overlapped) WINSOCK_AS(AcceptEx);

typedef BOOL (*LPFN_ACCEPTEX)(SOCKET listener, SOCKET s, LPVOID buffer, DWORD data_size,
			      DWORD local_size, DWORD remote_size, LPDWORD received,
			      LPOVERLAPPED overlapped);

/**
 * GetAcceptExSockaddrs() - the addresses in the buffer of an AcceptEx() that has completed
 * @buffer, @data_size, @local_size, @remote_size: as they were given
 * @local, @remote: set to point into @buffer
 * @local_length, @remote_length: set
 */
void GetAcceptExSockaddrs(LPVOID buffer, DWORD data_size, DWORD local_size, DWORD remote_size,
			  struct sockaddr **local, LPINT local_length, struct sockaddr **remote,
			  LPINT remote_length) WINSOCK_AS(GetAcceptExSockaddrs);

typedef void (*LPFN_GETACCEPTEXSOCKADDRS)(LPVOID buffer, DWORD data_size, DWORD local_size,
					  DWORD remote_size, struct sockaddr **local,
					  LPINT local_length, struct sockaddr **remote,
					  LPINT remote_length);
/**
 * ConnectEx() - connect, and send
 * @s:		a stream socket that is bound
 * @name, @size: the peer
 * @buffer, @buffer_size: sent as soon as there is a connection, as by WSASend(); may be NULL
 * @sent:	set to @buffer_size if the operation completes at once; may be NULL
 *
 * By its pointer only, as on Windows. It never waits, whatever the socket's mode. closesocket()
 * ends the attempt (P9); if it fails the socket is as before.
 *
 * Return: TRUE, or FALSE: WSA_IO_PENDING; ERROR_INVALID_PARAMETER (no @overlapped);
 * WSAENOTSOCK; WSAEFAULT (@name, @buffer); WSAEINVAL (not bound, listening, no stream);
 * WSAEISCONN; WSAENOBUFS; or those of connect(), also by the completion.
 */
typedef BOOL (*LPFN_CONNECTEX)(SOCKET s, const struct sockaddr *name, int size, LPVOID buffer,
			       DWORD buffer_size, LPDWORD sent, LPOVERLAPPED overlapped);

#ifdef __cplusplus
}
#endif

#endif /* MSWSOCK_H */
