/* SPDX-License-Identifier: GPL-2.0-only */
/* The wire: TCP segments captured on an interface. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_FIN	0x01
#define WIRE_SYN	0x02
#define WIRE_RST	0x04
#define WIRE_ACK	0x10

/*
 * One segment; ports in host byte order, its time in s by the monotonic clock, the window as in the
 * header, unscaled.
 */
struct wire_segment {
	double time;
	uint16_t from;
	uint16_t to;
	uint32_t seq;
	uint32_t ack;
	uint16_t payload;
	uint16_t window;
	uint8_t flags;
};

struct wire {
	int fd;
	struct wire_segment *segments;
	size_t count;
	size_t room;
};

/* Capture on lo of the present network namespace; exits the program on failure. */
void wire_open(struct wire *wire);
void wire_close(struct wire *wire);

/* Read the captured segments; the queries below do so themselves. */
void wire_collect(struct wire *wire);

/* Drop what was captured so far. */
void wire_reset(struct wire *wire);

/* Count the segments of a direction that have all of @flags. */
size_t wire_count(struct wire *wire, uint16_t from, uint16_t to, uint8_t flags);

/* Count distinct sequence numbers of these: retransmissions count once. */
size_t wire_distinct(struct wire *wire, uint16_t from, uint16_t to, uint8_t flags);

/* Returns the first such segment, or NULL; valid until the next call. */
const struct wire_segment *wire_first(struct wire *wire, uint16_t from, uint16_t to,
				      uint8_t flags);

/* Write a direction as text, "data 65536, FIN, RST", repetitions folded. */
const char *wire_text(struct wire *wire, uint16_t from, uint16_t to, char *text,
		      size_t size);

#endif /* WIRE_H */
