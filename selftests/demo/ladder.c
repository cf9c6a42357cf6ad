// SPDX-License-Identifier: GPL-2.0-only
/* Events and segments of one connection. See ladder.h. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ladder.h"

#define LADDER_EVENTS	64
#define LADDER_GAP	0.05	/* s: a longer silence ends a burst */
#define LADDER_FEW	4	/* segments: fewer are printed one by one */

struct ladder_event {
	double time;
	char text[96];
};

struct ladder {
	struct wire *wire;
	uint16_t client;
	uint16_t server;
	double start;		/* of the first call, or 0 */
	uint32_t base[2];	/* sequence numbers of the SYNs, the client's first */
	size_t count;
	struct ladder_event events[LADDER_EVENTS];
};

struct ladder *ladder_open(struct wire *wire, const struct net_pair *pair)
{
	struct ladder *ladder = mmap(NULL, sizeof(*ladder), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (ladder == MAP_FAILED)
		abort();
	ladder->wire = wire;
	ladder->client = pair->client_port;
	ladder->server = pair->server_port;
	return ladder;
}

void ladder_said(struct ladder *ladder, double when, const char *text)
{
	struct ladder_event *event = &ladder->events[ladder->count];

	if (ladder->count == LADDER_EVENTS)
		abort();
	ladder->count++;
	event->time = when;
	snprintf(event->text, sizeof(event->text), "%s", text);
	if (!ladder->start && !strncmp(text, "call ", 5))
		ladder->start = when;
}

void ladder_say(struct ladder *ladder, const char *format, ...)
{
	char text[sizeof(ladder->events[0].text)];
	double now = net_now();
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	ladder_said(ladder, now, text);
}

void ladder_states(struct ladder *ladder)
{
	ladder_say(ladder, "state client %s",
		   net_state_name(net_left(ladder->client, ladder->server)));
	ladder_say(ladder, "state server %s",
		   net_state_name(net_left(ladder->server, ladder->client)));
}

static int ladder_by_time(const void *one, const void *other)
{
	const struct ladder_event *a = one, *b = other;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	/* Equal times keep the order of the array. */
	return a < b ? -1 : 1;
}

static bool ladder_is_mine(const struct ladder *ladder, const struct wire_segment *segment)
{
	return (segment->from == ladder->client && segment->to == ladder->server) ||
	       (segment->from == ladder->server && segment->to == ladder->client);
}

/* Returns 0 for a segment of the client, 1 for one of the server. */
static int ladder_direction(const struct ladder *ladder, const struct wire_segment *segment)
{
	return segment->from != ladder->client;
}

static void ladder_print_segment(const struct ladder *ladder,
				 const struct wire_segment *segment)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = {
		{ WIRE_SYN, "SYN" }, { WIRE_FIN, "FIN" }, { WIRE_RST, "RST" },
		{ WIRE_ACK, "ACK" },
	};
	int direction = ladder_direction(ladder, segment);
	char flags[32] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(segment->flags & names[i].bit))
			continue;
		if (flags[0])
			strcat(flags, "+");
		strcat(flags, names[i].name);
	}
	printf("@@ ladder %.6f segment %c %s %u %u %u %u\n", segment->time - ladder->start,
	       direction ? '<' : '>', flags[0] ? flags : "-",
	       segment->seq - ladder->base[direction],
	       segment->flags & WIRE_ACK ? segment->ack - ladder->base[!direction] : 0,
	       segment->payload, segment->window);
}

static bool ladder_is_plain(const struct wire_segment *segment)
{
	return !(segment->flags & (WIRE_SYN | WIRE_FIN | WIRE_RST));
}

/* Returns how many segments from @first on, before the time @until, are one burst. */
static size_t ladder_burst(const struct wire_segment *segments, size_t first, size_t end,
			   double until)
{
	size_t i = first;

	while (i < end && ladder_is_plain(&segments[i]) && segments[i].time < until &&
	       (i == first || segments[i].time - segments[i - 1].time <= LADDER_GAP))
		i++;
	return i - first;
}

static void ladder_print_burst(const struct ladder *ladder,
			       const struct wire_segment *segments, size_t count)
{
	size_t sent[2] = { 0 }, bytes[2] = { 0 };
	int direction;

	for (size_t i = 0; i < count; i++) {
		direction = ladder_direction(ladder, &segments[i]);
		sent[direction] += segments[i].payload > 0;
		bytes[direction] += segments[i].payload;
	}
	direction = bytes[1] > bytes[0];
	printf("@@ ladder %.6f burst %c %.6f %zu %zu %zu\n",
	       segments[0].time - ladder->start, direction ? '<' : '>',
	       segments[count - 1].time - ladder->start, sent[direction], bytes[direction],
	       count - sent[direction]);
}

/* Print the segments before the time @until, from @next on. Returns the following one. */
static size_t ladder_print_until(const struct ladder *ladder,
				 const struct wire_segment *segments, size_t next, size_t end,
				 double until)
{
	while (next < end && segments[next].time < until) {
		size_t count = ladder_burst(segments, next, end, until);

		if (count > LADDER_FEW) {
			ladder_print_burst(ladder, &segments[next], count);
			next += count;
		} else {
			ladder_print_segment(ladder, &segments[next++]);
		}
	}
	return next;
}

void ladder_print(struct ladder *ladder, const char *way)
{
	struct wire_segment *segments;
	size_t count = 0, next = 0;
	double last;

	wire_collect(ladder->wire);
	segments = calloc(ladder->wire->count + 1, sizeof(*segments));
	if (!segments)
		abort();
	for (size_t i = 0; i < ladder->wire->count; i++)
		if (ladder_is_mine(ladder, &ladder->wire->segments[i]))
			segments[count++] = ladder->wire->segments[i];
	for (size_t i = count; i-- > 0;)
		ladder->base[ladder_direction(ladder, &segments[i])] = segments[i].seq;
	last = count ? segments[count - 1].time + 1 : 0;

	qsort(ladder->events, ladder->count, sizeof(ladder->events[0]), ladder_by_time);
	printf("@@ ladder way %s\n", way);
	for (size_t i = 0; i < ladder->count; i++) {
		const struct ladder_event *event = &ladder->events[i];

		next = ladder_print_until(ladder, segments, next, count, event->time);
		printf("@@ ladder %.6f %s\n", event->time - ladder->start, event->text);
	}
	ladder_print_until(ladder, segments, next, count, last);
	fflush(stdout);
	free(segments);
}
