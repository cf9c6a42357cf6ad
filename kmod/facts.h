/* SPDX-License-Identifier: GPL-2.0-only */
/* What a close is decided by, whatever the socket's family. */
#ifndef WINSOCK_FACTS_H
#define WINSOCK_FACTS_H

#include <linux/types.h>

struct sock;

/**
 * struct winsock_facts - a snapshot of a socket
 * @state:	the socket's state, by TCP's numbers
 * @can_linger:	the family has closes that linger
 * @linger:	SO_LINGER is on, and means something
 * @peer:	there is a peer that a reset would reach
 * @dead:	there was a connection and it died (reset, timed out, refused)
 * @unread_resets: a release with received data unread resets (G7)
 * @error:	pending socket error, positive errno or 0; not consumed
 * @linger_ns:	SO_LINGER's timeout, ns
 * @unacked:	bytes sent that have not left our side, in the family's sense
 * @unsent:	bytes that TCP has not yet given to the wire, part of @unacked
 * @unread:	received bytes that nobody has read
 * @lost:	what may have been lost on a connection that is dead, at most.
 *		TCP's sequence numbers never acknowledged; a FIN may be among
 *		them, TCP no longer tells
 */
struct winsock_facts {
	u8 state;
	bool can_linger;
	bool linger;
	bool peer;
	bool dead;
	bool unread_resets;
	int error;
	u64 linger_ns;
	u32 unacked;
	u32 unsent;
	u32 unread;
	u32 lost;
};

void winsock_facts_gather(const struct sock *sk, struct winsock_facts *facts);

#endif /* WINSOCK_FACTS_H */
