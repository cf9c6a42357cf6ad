// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "usage.h"

int usage_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

int usage_sockets(const char *key)
{
	FILE *file = fopen("/proc/net/sockstat", "r");
	char line[256], name[16];
	int count = -1, value, length;

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "TCP:", 4))
			continue;
		for (char *at = line + 4; sscanf(at, "%15s %d%n", name, &value, &length) == 2;
		     at += length)
			if (!strcmp(name, key))
				count = value;
	}
	if (file)
		fclose(file);
	return count;
}

long usage_slab(const char *cache)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[512], name[64];
	long count = -1, active;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %ld", name, &active) == 2 && !strcmp(name, cache))
			count = active;
	if (file)
		fclose(file);
	return count;
}

void usage_workers(void (*visit)(const char *directory, const char *name, void *argument),
		   void *argument)
{
	char directory[32], path[48], name[64];
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		FILE *file;

		snprintf(directory, sizeof(directory), "/proc/%.16s", entry->d_name);
		snprintf(path, sizeof(path), "%s/comm", directory);
		file = fopen(path, "r");
		if (file && fgets(name, sizeof(name), file) && !strncmp(name, "kworker", 7)) {
			name[strcspn(name, "\n")] = 0;
			visit(directory, name, argument);
		}
		if (file)
			fclose(file);
	}
	if (proc)
		closedir(proc);
}

int usage_enough(int count)
{
	bool checked = !access("/proc/lockdep_stats", F_OK) ||
		       !access("/sys/kernel/debug/kcsan", F_OK);

	return checked ? count / 20 : count;
}
