/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A lingering close without the module: what a careful program can do with the calls
 * that Linux has.
 */
#ifndef BENCH_EMULATE_H
#define BENCH_EMULATE_H

/*
 * Wait until all payload is acknowledged, looking each @poll_ns, then close; or reset
 * at the deadline, @timeout_ns from now. Whether nothing was lost: 1, 0, or -1.
 */
int emulate_poll(int fd, long long timeout_ns, long poll_ns);

/*
 * The same without polling: TCP tells in the error queue when a byte is acknowledged.
 * Only for a socket that was armed before it sent its data, which each send pays for.
 */
void emulate_arm(int fd);
int emulate_notified(int fd, long long timeout_ns);

#endif /* BENCH_EMULATE_H */
