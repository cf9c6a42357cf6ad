// SPDX-License-Identifier: LGPL-2.1-or-later
/* winsockctl list: pending closes. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "out.h"

/* A line of CTL_PENDING. */
struct list_entry {
	unsigned int uid;
	int pid;
	char comm[80];
	char local[64];
	char remote[64];
	unsigned int state;
	unsigned long unacked;
	long long elapsed_ms;
	long long left_ms;
	unsigned long long tag;
	unsigned int id;
};

/* The kernel writes blanks and backslashes of a name as \ooo. */
static void list_unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
			char digits[4] = { text[1], text[2], text[3] };

			*to++ = strtoul(digits, NULL, 8);
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = 0;
}

static void list_json(const struct list_entry *entry)
{
	out_object(NULL);
	out_number("uid", entry->uid);
	out_number("pid", entry->pid);
	out_text("comm", entry->comm);
	out_text("local", entry->local);
	out_text("remote", entry->remote);
	out_text("state", state_name(entry->state));
	out_number("unacked", entry->unacked);
	out_number("elapsed_ms", entry->elapsed_ms);
	out_number("left_ms", entry->left_ms);
	out_number("tag", entry->tag);
	out_number("id", entry->id);
	out_end();
}

static void list_line(struct list_entry *entry)
{
	const struct passwd *user = getpwuid(entry->uid);
	char number[16], left[32] = "never";

	for (char *byte = entry->comm; *byte; byte++)
		if ((unsigned char)*byte < 0x20 || *byte == 0x7f)
			*byte = '?';
	snprintf(number, sizeof(number), "%u", entry->uid);
	if (entry->left_ms >= 0)
		snprintf(left, sizeof(left), "%lld.%03lld", entry->left_ms / 1000,
			 entry->left_ms % 1000);
	printf("%-10s %7d %-15s %-23s %-23s %-11s %9lu %10s %10u %llu\n",
	       user ? user->pw_name : number, entry->pid, entry->comm, entry->local,
	       entry->remote, state_name(entry->state), entry->unacked, left, entry->id,
	       entry->tag);
}

void list_run(const struct ctl_options *options)
{
	FILE *file = ctl_proc(CTL_PENDING);
	struct list_entry entry;
	char line[512];

	(void)options;
	/* The head line. */
	if (!fgets(line, sizeof(line), file))
		ctl_fail(CTL_FAILED, CTL_PENDING ": empty");
	if (out_json)
		out_list(NULL);
	else
		printf("%-10s %7s %-15s %-23s %-23s %-11s %9s %10s %10s %s\n", "USER", "PID",
		       "COMMAND", "LOCAL", "REMOTE", "STATE", "UNACKED", "LEFT(s)", "ID", "TAG");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%u %d %79s %63s %63s %u %lu %lld %lld %llu %u", &entry.uid,
			   &entry.pid, entry.comm, entry.local, entry.remote, &entry.state,
			   &entry.unacked, &entry.elapsed_ms, &entry.left_ms,
			   &entry.tag, &entry.id) != 11)
			ctl_fail(CTL_FAILED, CTL_PENDING " is not understood; is this winsockctl as new as the module?");
		list_unescape(entry.comm);
		if (out_json)
			list_json(&entry);
		else
			list_line(&entry);
	}
	if (out_json)
		out_end();
	fclose(file);
}
