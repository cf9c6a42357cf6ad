/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters of the present network namespace, /proc/net/winsock. */
#ifndef MIB_H
#define MIB_H

#define MIB_ROOM	32

/* The counters at one moment, in the file's order. */
struct mib {
	unsigned int count;
	char names[MIB_ROOM][16];
	unsigned long values[MIB_ROOM];
};

/* Read all counters; ends the program if there are none. */
void mib_read(struct mib *mib);

/*
 * Returns the changes since @mib was read, such as "Deadline 1 Begun 1 Orphans -1", or "" for none,
 * and reads @mib again. Valid until the next call.
 */
const char *mib_changes(struct mib *mib);

#endif /* MIB_H */
