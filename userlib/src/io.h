/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sending and receiving: blocking and not, on one buffer or several. */
#ifndef WINSOCK_IO_H
#define WINSOCK_IO_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "internal.h"

/**
 * io_refuse() - must a transfer fail although Linux would let it pass?
 * @receive: which direction
 *
 * Return: 0, WSAESHUTDOWN (X5) or WSAECONNRESET (H4).
 */
int io_refuse(SOCKET s, bool receive);

/**
 * io_error_number() - what a failed transfer is called in Winsock
 * @number:	its errno
 * @shut:	TABLE_SHUT_SEND or _RECEIVE, whichever direction it was, or 0
 */
int io_error_number(SOCKET s, int number, uint64_t shut);

/* Go on behind the @moved bytes that are done; they are no more than the buffers have. */
void io_advance(struct msghdr *message, size_t moved);

/**
 * io_send(), io_receive() - the whole call, waiting as the socket's mode says
 * @message: the buffers' lengths and addresses are used up
 *
 * Return: bytes, or SOCKET_ERROR with the error set.
 */
int io_send(SOCKET s, struct msghdr *message, int flags);
int io_receive(SOCKET s, struct msghdr *message, int flags);

#endif /* WINSOCK_IO_H */
