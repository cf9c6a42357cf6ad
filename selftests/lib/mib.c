// SPDX-License-Identifier: GPL-2.0-only
/* The counters of the present network namespace. */
#include <stdio.h>
#include <stdlib.h>

#include "mib.h"

void mib_read(struct mib *mib)
{
	FILE *file = fopen("/proc/net/winsock", "r");
	unsigned int i = 0;

	if (!file) {
		perror("/proc/net/winsock");
		exit(1);
	}
	while (i < MIB_ROOM && fscanf(file, "%15s %lu", mib->names[i], &mib->values[i]) == 2)
		i++;
	mib->count = i;
	fclose(file);
}

const char *mib_changes(struct mib *mib)
{
	static char text[256];
	struct mib now;
	size_t length = 0;

	mib_read(&now);
	text[0] = 0;
	for (unsigned int i = 0; i < now.count; i++) {
		long more = now.values[i] - mib->values[i];

		if (more && length < sizeof(text))
			length += snprintf(text + length, sizeof(text) - length, "%s%s %ld",
					   length ? " " : "", now.names[i], more);
	}
	*mib = now;
	return text;
}
