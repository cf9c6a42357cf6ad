/* SPDX-License-Identifier: GPL-2.0-only */
/* Resources in use: a comparison before and after shows what was not released. */
#ifndef USAGE_H
#define USAGE_H

/* Count the descriptors of this process; includes one that the function itself opens. */
int usage_descriptors(void);

/*
 * A count of TCP sockets: "inuse" (without TIME_WAIT) of this namespace, "orphan" and "alloc"
 * of all.
 */
int usage_sockets(const char *key);

/* Active objects of a slab cache; -1 if it is unknown. */
long usage_slab(const char *cache);

/* Call @visit for each of the kernel's workers, by its directory in /proc and its name. */
void usage_workers(void (*visit)(const char *directory, const char *name, void *argument),
		   void *argument);

/*
 * How many of @count are enough: where the kernel looks for mistakes (lockdep, KCSAN) a
 * twentieth, as each takes that much longer.
 */
int usage_enough(int count);

#endif /* USAGE_H */
