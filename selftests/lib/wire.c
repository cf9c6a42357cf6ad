// SPDX-License-Identifier: GPL-2.0-only
/* The segments on the wire. See wire.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

/* Only headers are captured; they contain the length of the payload. */
#define WIRE_SNAP	160

void wire_open(struct wire *wire)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex("lo"),
	};
	int room = 64 << 20, on = 1;

	memset(wire, 0, sizeof(*wire));
	wire->fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
	if (wire->fd < 0 ||
	    setsockopt(wire->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(wire->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    bind(wire->fd, (struct sockaddr *)&address, sizeof(address))) {
		printf("# set-up failed: capture: %s\n", strerror(errno));
		fflush(stdout);
		abort();
	}
}

void wire_close(struct wire *wire)
{
	close(wire->fd);
	free(wire->segments);
	wire->fd = -1;
	wire->segments = NULL;
	wire->count = 0;
	wire->room = 0;
}

static void wire_add(struct wire *wire, const struct tcphdr *tcp, size_t length,
		     double time)
{
	struct wire_segment *segment;

	if (wire->count == wire->room) {
		wire->room = wire->room ? 2 * wire->room : 256;
		wire->segments = realloc(wire->segments,
					 wire->room * sizeof(*wire->segments));
		if (!wire->segments)
			abort();
	}
	segment = &wire->segments[wire->count++];
	segment->time = time;
	segment->from = ntohs(tcp->source);
	segment->to = ntohs(tcp->dest);
	segment->seq = ntohl(tcp->seq);
	segment->ack = ntohl(tcp->ack_seq);
	segment->window = ntohs(tcp->window);
	segment->flags = ((const uint8_t *)tcp)[13];
	segment->payload = length - tcp->doff * 4;
}

static void wire_parse(struct wire *wire, const uint8_t *packet, size_t size,
		       size_t length, double time)
{
	const struct ip6_hdr *v6 = (const void *)packet;
	const struct iphdr *v4 = (const void *)packet;
	size_t header;

	if (size >= sizeof(*v4) && v4->version == 4 && v4->protocol == IPPROTO_TCP)
		header = v4->ihl * 4;
	else if (size >= sizeof(*v6) && v4->version == 6 && v6->ip6_nxt == IPPROTO_TCP)
		header = sizeof(*v6);
	else
		return;
	if (size >= header + sizeof(struct tcphdr))
		wire_add(wire, (const void *)(packet + header), length - header, time);
}

static double wire_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* The time of the packet. The kernel stamps it by the wall clock. */
static double wire_time(struct msghdr *message)
{
	struct cmsghdr *part = CMSG_FIRSTHDR(message);
	struct timespec stamp;

	if (!part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS)
		return wire_clock(CLOCK_MONOTONIC);
	memcpy(&stamp, CMSG_DATA(part), sizeof(stamp));
	return stamp.tv_sec + stamp.tv_nsec / 1e9 - wire_clock(CLOCK_REALTIME) +
	       wire_clock(CLOCK_MONOTONIC);
}

void wire_collect(struct wire *wire)
{
	uint8_t packet[WIRE_SNAP] __attribute__((aligned(8)));
	char control[CMSG_SPACE(sizeof(struct timespec))] __attribute__((aligned(8)));
	struct iovec piece = { packet, sizeof(packet) };
	struct sockaddr_ll from;
	ssize_t got;

	for (;;) {
		struct msghdr message = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &piece,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};

		got = recvmsg(wire->fd, &message, MSG_DONTWAIT | MSG_TRUNC);
		if (got < 0)
			return;
		/*
		 * lo shows each packet twice: when it leaves, before the call that sends it
		 * returns, and when it arrives, perhaps in ksoftirqd.
		 */
		if (from.sll_pkttype != PACKET_OUTGOING)
			continue;
		wire_parse(wire, packet, got < WIRE_SNAP ? got : WIRE_SNAP, got,
			   wire_time(&message));
	}
}

void wire_reset(struct wire *wire)
{
	wire_collect(wire);
	wire->count = 0;
}

static bool wire_is(const struct wire_segment *segment, uint16_t from, uint16_t to,
		    uint8_t flags)
{
	return segment->from == from && segment->to == to &&
	       (segment->flags & flags) == flags;
}

size_t wire_count(struct wire *wire, uint16_t from, uint16_t to, uint8_t flags)
{
	size_t count = 0;

	wire_collect(wire);
	for (size_t i = 0; i < wire->count; i++)
		count += wire_is(&wire->segments[i], from, to, flags);
	return count;
}

size_t wire_distinct(struct wire *wire, uint16_t from, uint16_t to, uint8_t flags)
{
	size_t count = 0;

	wire_collect(wire);
	for (size_t i = 0; i < wire->count; i++) {
		const struct wire_segment *segment = &wire->segments[i];
		size_t j = 0;

		if (!wire_is(segment, from, to, flags))
			continue;
		while (j < i && !(wire_is(&wire->segments[j], from, to, flags) &&
				  wire->segments[j].seq == segment->seq))
			j++;
		count += j == i;
	}
	return count;
}

const struct wire_segment *wire_first(struct wire *wire, uint16_t from, uint16_t to,
				      uint8_t flags)
{
	wire_collect(wire);
	for (size_t i = 0; i < wire->count; i++)
		if (wire_is(&wire->segments[i], from, to, flags))
			return &wire->segments[i];
	return NULL;
}

const char *wire_text(struct wire *wire, uint16_t from, uint16_t to, char *text,
		      size_t size)
{
	uint32_t end = 0;
	size_t data = 0, used = 0;
	bool fin = false, started = false;

	wire_collect(wire);
	text[0] = '\0';
	for (size_t i = 0; i <= wire->count; i++) {
		const struct wire_segment *segment = &wire->segments[i];
		bool last = i == wire->count;
		bool mark = !last && wire_is(segment, from, to, 0) &&
			    (((segment->flags & WIRE_FIN) && !fin) ||
			     (segment->flags & WIRE_RST));

		if (!last && wire_is(segment, from, to, 0) && segment->payload &&
		    (!started || (int32_t)(segment->seq + segment->payload - end) > 0)) {
			data += started ? segment->seq + segment->payload - end
					: segment->payload;
			end = segment->seq + segment->payload;
			started = true;
		}
		if ((mark || last) && data) {
			used += snprintf(text + used, size - used, "%s%zu B", used ? ", " : "",
					 data);
			data = 0;
		}
		if (mark && used < size) {
			used += snprintf(text + used, size - used, "%s%s", used ? ", " : "",
					 segment->flags & WIRE_RST ? "RST" : "FIN");
			fin |= segment->flags & WIRE_FIN;
		}
	}
	if (!used)
		snprintf(text, size, "nothing");
	return text;
}
