// SPDX-License-Identifier: LGPL-2.1-or-later
/* winsockctl status: module, limits, counters. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/winsock.h>

#include "ctl.h"
#include "out.h"

unsigned int status_counters(struct ctl_counter *counters)
{
	FILE *file = ctl_proc(CTL_COUNTERS);
	unsigned int count = 0;

	while (count < CTL_COUNTERS_MAX &&
	       fscanf(file, "%31s %lu", counters[count].name, &counters[count].value) == 2)
		count++;
	fclose(file);
	return count;
}

/* Read a number from a file. Returns @missing if there is none. */
static long status_number(const char *path, long missing)
{
	FILE *file = fopen(path, "re");
	long value;

	if (!file)
		return missing;
	if (fscanf(file, "%ld", &value) != 1)
		value = missing;
	fclose(file);
	return value;
}

void status_run(const struct ctl_options *options)
{
	struct ctl_counter counters[CTL_COUNTERS_MAX];
	struct winsock_info info = { 0 };
	unsigned int count;
	int device = ctl_device();
	long references;

	(void)options;
	if (ioctl(device, WINSOCK_IOC_INFO, &info))
		ctl_fail(CTL_FAILED, WINSOCK_DEVICE ": %s", strerror(errno));
	close(device);
	count = status_counters(counters);

	out_object(NULL);
	out_text("module", info.module_version);
	out_number("interface", info.abi_version);
	references = status_number("/sys/module/winsock/refcnt", -1);
	if (references >= 0)
		out_number("references", references);
	out_object("limits");
	out_number("pending_each_user", info.ops_max);
	out_number("timeout_s", info.timeout_max_ns / 1000000000);
	out_end();
	out_flag("strict", status_number("/proc/sys/net/winsock/strict", 0));
	out_object("counters");
	for (unsigned int i = 0; i < count; i++)
		out_number(counters[i].name, counters[i].value);
	out_end();
	out_end();
}
