/* SPDX-License-Identifier: GPL-2.0-only */
/* Sequences for the fuzzer to begin with; fuzz_step() says what the bytes mean. */
#ifndef CORPUS_H
#define CORPUS_H

#include <stddef.h>

#define SEQUENCE(...) { (const unsigned char[]){ __VA_ARGS__ }, \
			sizeof((const unsigned char[]){ __VA_ARGS__ }) }

static const struct {
	const unsigned char *bytes;
	size_t length;
} corpus[] = {
	/* a close, drained */
	SEQUENCE(6, 9, 8, 0, 12, 0, 0, 67, 3),
	/* stuffed, deadline */
	SEQUENCE(7, 0, 12, 0, 0, 67, 2, 21, 90, 18, 200),
	/* stuffed, would-block, then drained */
	SEQUENCE(7, 0, 12, 0, 0, 131, 2, 8, 0, 12, 0, 0, 131, 2),
	/* pending, cancelled; pending, aborted; pending, read */
	SEQUENCE(7, 0, 12, 0, 0, 67, 4, 16, 0, 12, 0, 0, 65, 4, 17, 0, 18, 200),
	SEQUENCE(7, 0, 12, 0, 0, 99, 3, 21, 90, 18, 200, 19, 0),
	/* attached, lingering, closed by close(2) */
	SEQUENCE(1, 0, 2, 9, 5, 3, 7, 0, 11, 0, 21, 60),
	SEQUENCE(1, 0, 2, 3, 7, 0, 11, 0),
	/* options */
	SEQUENCE(1, 0, 3, 0, 1, 4, 3, 3, 0, 2, 4, 1, 3, 0, 3, 4, 1, 4, 0, 4, 64, 0, 4, 0, 1, 64, 0),
	/* dup, the peer's reset, shutdown, abort, query */
	SEQUENCE(10, 0, 7, 0, 12, 0, 0, 71, 3, 9, 3, 14, 0),
	SEQUENCE(7, 0, 20, 3, 12, 0, 0, 67, 2),
	SEQUENCE(7, 0, 15, 0, 14, 0, 22, 0, 2, 214, 1),
	/* the right cookie, a wrong one; a larger structure, a smaller one */
	SEQUENCE(7, 0, 12, 0, 3, 67, 3, 12, 0, 1, 67, 3),
	SEQUENCE(7, 0, 12, 0, 60, 67, 3, 16, 0, 12, 0, 16, 67, 3),
	/* a client becomes a listener */
	SEQUENCE(1, 0, 23, 3, 14, 0, 11, 0),
};

#endif /* CORPUS_H */
