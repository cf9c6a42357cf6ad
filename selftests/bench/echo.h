/* SPDX-License-Identifier: GPL-2.0-only */
/* An echo server's round trip: the library's completion port, epoll, liburing. */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

void bench_echo(void);

#endif /* BENCH_ECHO_H */
