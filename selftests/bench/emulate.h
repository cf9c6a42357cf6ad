/* SPDX-License-Identifier: GPL-2.0-only */
/* A lingering close without the module: a careful program by the calls that Linux has. */
#ifndef BENCH_EMULATE_H
#define BENCH_EMULATE_H

/*
 * Wait until all payload is acknowledged, polling each @poll_ns, then close; or reset at the
 * deadline, @timeout_ns from now. Returns 1 if nothing was lost, 0 if something was, or -1.
 */
int emulate_poll(int fd, long long timeout_ns, long poll_ns);

/*
 * The same without polling: TCP reports in the error queue when a byte is acknowledged. The socket
 * must be armed before it sends its data, which makes each send slower.
 */
void emulate_arm(int fd);
int emulate_notified(int fd, long long timeout_ns);

#endif /* BENCH_EMULATE_H */
