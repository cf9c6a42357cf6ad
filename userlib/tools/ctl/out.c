// SPDX-License-Identifier: LGPL-2.1-or-later
/* Output as text or JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "out.h"

#define OUT_DEPTH	4

bool out_json;

/* Open objects and lists, the innermost last: '}' or ']', and whether it has members. */
static struct {
	char end;
	bool filled;
} out_open[OUT_DEPTH];
static unsigned int out_depth;

/* A byte that is not ASCII is written as the code point of its number: the JSON is always valid. */
static void out_string(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;

	putchar('"');
	for (; *byte; byte++) {
		if (*byte == '"' || *byte == '\\')
			printf("\\%c", *byte);
		else if (*byte < 0x20 || *byte >= 0x7f)
			printf("\\u%04x", *byte);
		else
			putchar(*byte);
	}
	putchar('"');
}

/* Write a program's text without control characters, which a terminal would obey. */
static void out_plain(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

/*
 * Write what stands before a value: a comma and the name, or in text an indent and the name. A list
 * in text is one line.
 */
static void out_name(const char *name)
{
	bool filled = out_depth && out_open[out_depth - 1].filled;

	if (out_depth)
		out_open[out_depth - 1].filled = true;
	if (out_json && filled)
		putchar(',');
	if (out_json && name) {
		out_string(name);
		putchar(':');
	}
	if (!out_json && name)
		printf("%*s%s:", (int)(out_depth - 1) * 2, "", name);
	if (!out_json && out_depth)
		putchar(' ');
}

/* Write what stands behind a value. */
static void out_line(void)
{
	if (!out_json && out_depth && out_open[out_depth - 1].end == '}')
		putchar('\n');
}

static void out_begin(const char *name, char start, char end)
{
	if (out_depth == OUT_DEPTH)
		ctl_fail(CTL_FAILED, "nested too deeply");
	if (out_json) {
		out_name(name);
		putchar(start);
	} else if (name) {
		printf("%*s%s:%s", (int)(out_depth - 1) * 2, "", name, end == '}' ? "\n" : "");
	}
	out_open[out_depth].end = end;
	out_open[out_depth++].filled = false;
}

void out_object(const char *name)
{
	out_begin(name, '{', '}');
}

void out_list(const char *name)
{
	out_begin(name, '[', ']');
}

void out_end(void)
{
	char end = out_open[--out_depth].end;

	if (out_json)
		putchar(end);
	else if (end == ']' && out_depth)
		putchar('\n');
	if (out_json && !out_depth)
		putchar('\n');
}

void out_text(const char *name, const char *value)
{
	out_name(name);
	if (out_json)
		out_string(value);
	else
		out_plain(value);
	out_line();
}

void out_number(const char *name, long long value)
{
	out_name(name);
	printf("%lld", value);
	out_line();
}

void out_flag(const char *name, bool value)
{
	out_name(name);
	if (out_json)
		fputs(value ? "true" : "false", stdout);
	else
		fputs(value ? "yes" : "no", stdout);
	out_line();
}

void out_flush(void)
{
	if (fflush(stdout) || ferror(stdout))
		ctl_fail(CTL_FAILED, "standard output: %s", strerror(errno));
}
