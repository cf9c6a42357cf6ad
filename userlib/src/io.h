/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sending and receiving: blocking and not, on one buffer or several. */
#ifndef WINSOCK_IO_H
#define WINSOCK_IO_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "handle.h"

enum { IO_RECEIVE, IO_SEND, IO_DIRECTIONS };

/**
 * io_refuse() - must a transfer fail although Linux would let it pass?
 * @direction: IO_*
 *
 * Return: 0, WSAESHUTDOWN (X5), WSAECONNRESET (H4) or WSAECONNABORTED (V5).
 */
int io_refuse(SOCKET s, int direction);

/**
 * io_error_number() - the Winsock error of a failed transfer
 * @number:	its errno
 */
int io_error_number(SOCKET s, int number, int direction);

/* After a receive of 0 bytes: 0 for the peer's FIN, or the error behind it (V5). */
int io_end_error(SOCKET s);

/* The error of an earlier call that has ended the connection, or 0. */
int io_past(SOCKET s);

/*
 * Keep an error of the kernel's, which reports it once, if a connection has died of it. Returns the
 * error of every transfer from now on, or 0.
 */
int io_death(SOCKET s, int number);

/* One recvmsg(2) or sendmsg(2) that does not wait. */
ssize_t io_move(SOCKET s, struct msghdr *message, int flags, int direction);

/* Go on behind the first @moved bytes, which are no more than the buffers have. */
void io_advance(struct msghdr *message, size_t moved);

/**
 * io_transfer() - the whole call, waiting as the socket's mode says
 * @message: the buffers' lengths and addresses are changed
 *
 * Return: bytes, or SOCKET_ERROR with the error set.
 */
ssize_t io_transfer(SOCKET s, struct msghdr *message, int flags, int direction);

#endif /* WINSOCK_IO_H */
