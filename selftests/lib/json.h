/* SPDX-License-Identifier: GPL-2.0-only */
/* Is it JSON? A reader of RFC 8259's grammar that keeps nothing. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>

/* Is the text one value, or a value on each line? */
bool json_is_valid(const char *text);

#endif /* JSON_H */
