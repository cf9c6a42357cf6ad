/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The events of a connection for a ladder diagram: those at both ends and the segments
 * captured between them, as "@@ ladder" lines on standard output. The host makes
 * build/demo.html of them (selftests/demo/page); `make demo` does not show them.
 *
 *   @@ ladder row N TITLE
 *   @@ ladder page WHAT THE PAGE SAYS
 *   @@ ladder way NAME
 *   @@ ladder T call|return|killed TEXT
 *   @@ ladder T state|note client|server TEXT
 *   @@ ladder T segment >|< FLAGS SEQ ACK LENGTH WINDOW
 *   @@ ladder T burst >|< T2 SEGMENTS BYTES ACKS
 *
 * T is seconds since the (first) call began. > is from the end that closes, the client.
 * SEQ and ACK count from the SYN. A burst is many segments with data in one direction and
 * acknowledgements in the other, in quick succession and with no event between.
 */
#ifndef LADDER_H
#define LADDER_H

#include <stddef.h>
#include <stdint.h>

#include "net.h"
#include "wire.h"

struct ladder;

/*
 * Make a ladder of the pair's connection, which @wire captures from the SYN on. Children that are
 * forked later share it. Never freed: a process draws one.
 */
struct ladder *ladder_open(struct wire *wire, const struct net_pair *pair);

/* Record an event now; @format begins with a word of the list above. */
void ladder_say(struct ladder *ladder, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Record an event of the time @when (net_now()). */
void ladder_said(struct ladder *ladder, double when, const char *text);

/* Record the TCP state of both ends. */
void ladder_states(struct ladder *ladder);

/* Print all of it, as one way of the present row. */
void ladder_print(struct ladder *ladder, const char *way);

#endif /* LADDER_H */
