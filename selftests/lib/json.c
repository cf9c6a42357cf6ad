// SPDX-License-Identifier: GPL-2.0-only
/* Is it JSON? One function for each rule of the grammar; each returns the text behind. */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "json.h"

static const char *json_value(const char *at);

static const char *json_blank(const char *at)
{
	return at ? at + strspn(at, " \t\r\n") : NULL;
}

static const char *json_string(const char *at)
{
	if (!at || *at++ != '"')
		return NULL;
	for (; *at != '"'; at++) {
		if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e)
			return NULL;
		if (*at != '\\')
			continue;
		at++;
		if (*at == 'u') {
			for (int i = 1; i <= 4; i++)
				if (!isxdigit((unsigned char)at[i]))
					return NULL;
			at += 4;
		} else if (!*at || !strchr("\"\\/bfnrt", *at)) {
			return NULL;
		}
	}
	return at + 1;
}

static const char *json_number(const char *at)
{
	size_t digits;

	at += *at == '-';
	digits = strspn(at, "0123456789");
	return digits && (at[0] != '0' || digits == 1) ? at + digits : NULL;
}

/* The content of brackets: values, or members if they have names. */
static const char *json_several(const char *at, char end, bool named)
{
	at = json_blank(at + 1);
	if (*at == end)
		return at + 1;
	for (;;) {
		if (named) {
			at = json_blank(json_string(json_blank(at)));
			if (!at || *at++ != ':')
				return NULL;
		}
		at = json_blank(json_value(at));
		if (!at || (*at != ',' && *at != end))
			return NULL;
		if (*at++ == end)
			return at;
	}
}

static const char *json_value(const char *at)
{
	static const char *const words[] = { "true", "false", "null" };

	at = json_blank(at);
	if (*at == '{')
		return json_several(at, '}', true);
	if (*at == '[')
		return json_several(at, ']', false);
	if (*at == '"')
		return json_string(at);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(at, words[i], strlen(words[i])))
			return at + strlen(words[i]);
	return json_number(at);
}

bool json_is_valid(const char *text)
{
	if (!*json_blank(text))
		return false;
	while (text && *text)
		text = json_blank(json_value(text));
	return text;
}
