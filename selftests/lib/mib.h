/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters of the present network namespace, /proc/net/winsock. */
#ifndef MIB_H
#define MIB_H

#define MIB_ROOM	32

/* Counters at one moment, in the file's order. */
struct mib {
	unsigned int count;
	char names[MIB_ROOM][16];
	unsigned long values[MIB_ROOM];
};

/* Read them all; ends the program if there are none. */
void mib_read(struct mib *mib);

/*
 * What has been counted since @mib was read, "Deadline 1 Begun 1 Orphans -1", nothing if
 * nothing has; @mib is then as of now. Valid until the next call.
 */
const char *mib_changes(struct mib *mib);

#endif /* MIB_H */
