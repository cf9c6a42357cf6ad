/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accepting and connecting by overlapped operations: the names by which a program asks
 * WSAIoctl() for them. It has none of them, and says so.
 */
#ifndef MSWSOCK_H
#define MSWSOCK_H

#include <winsock2.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Options at SOL_SOCKET: the socket of AcceptEx() or ConnectEx() becomes an ordinary one. */
#define SO_UPDATE_ACCEPT_CONTEXT	0x700B
#define SO_UPDATE_CONNECT_CONTEXT	0x7010

#define WSAID_ACCEPTEX \
	{ 0xb5367df1, 0xcbac, 0x11cf, { 0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92 } }
#define WSAID_GETACCEPTEXSOCKADDRS \
	{ 0xb5367df2, 0xcbac, 0x11cf, { 0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92 } }
#define WSAID_CONNECTEX \
	{ 0x25a207b9, 0xddf3, 0x4660, { 0x8e, 0xe9, 0x76, 0xe5, 0x8c, 0x74, 0x06, 0x3e } }

typedef BOOL (*LPFN_ACCEPTEX)(SOCKET listener, SOCKET s, LPVOID buffer, DWORD data_size,
			      DWORD local_size, DWORD remote_size, LPDWORD received,
			      LPOVERLAPPED overlapped);
typedef void (*LPFN_GETACCEPTEXSOCKADDRS)(LPVOID buffer, DWORD data_size, DWORD local_size,
					  DWORD remote_size, struct sockaddr **local,
					  LPINT local_length, struct sockaddr **remote,
					  LPINT remote_length);
typedef BOOL (*LPFN_CONNECTEX)(SOCKET s, const struct sockaddr *name, int size, LPVOID buffer,
			       DWORD buffer_size, LPDWORD sent, LPOVERLAPPED overlapped);

#ifdef __cplusplus
}
#endif

#endif /* MSWSOCK_H */
