// SPDX-License-Identifier: LGPL-2.1-or-later
/* Output in either form. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "out.h"

#define OUT_DEPTH	4

bool out_json;

/* What is open, the innermost last: '}' or ']', and whether it has members. */
static struct {
	char end;
	bool filled;
} out_open[OUT_DEPTH];
static unsigned int out_depth;

/* Bytes that are not ASCII become the code points of their numbers: valid JSON always. */
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

/* For people: nothing of theirs that a terminal would obey. */
static void out_plain(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

/*
 * What stands before a value: a comma and the name, or for people an indent and the
 * name. Their lists are one line.
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

/* What stands behind it. */
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
