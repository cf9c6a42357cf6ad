/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Output as "name: value" lines, or JSON. Objects and lists nest; names are for members of objects,
 * NULL in lists and at the top.
 */
#ifndef OUT_H
#define OUT_H

#include <stdbool.h>

extern bool out_json;	/* set before anything is written */

void out_object(const char *name);
void out_list(const char *name);
void out_end(void);	/* end the innermost object or list */

void out_text(const char *name, const char *value);
void out_number(const char *name, long long value);
void out_flag(const char *name, bool value);

/* Flush; exit with CTL_FAILED if a write has failed. */
void out_flush(void);

#endif /* OUT_H */
