/* SPDX-License-Identifier: GPL-2.0-only */
/* What is in use: compared before and after, it shows what was not given back. */
#ifndef USAGE_H
#define USAGE_H

/* Descriptors of this process; one that is open for the look counts each time. */
int usage_descriptors(void);

/*
 * A count of TCP sockets: "inuse" (without TIME_WAIT) of this namespace, "orphan" and "alloc"
 * of all.
 */
int usage_sockets(const char *key);

/* Active objects of a slab cache; -1 if it is unknown. */
long usage_slab(const char *cache);

#endif /* USAGE_H */
