/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors over AF_UNIX sockets. */
#ifndef PASS_H
#define PASS_H

/* Send a descriptor with one byte. Returns 1, or -1 with errno. */
int pass_send(int channel, int fd);

/* Receive a descriptor. Returns it, or -1. */
int pass_receive(int channel);

#endif /* PASS_H */
