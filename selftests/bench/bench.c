// SPDX-License-Identifier: GPL-2.0-only
/* Shared by the benchmarks. See bench.h. */
#include <fcntl.h>
#include <linux/random.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

void bench_row(const struct bench_row *row)
{
	printf("@row\t%s\t%s\t%.9g\t%.9g\t%g\t%s\t%s\n", row->key, row->unit, row->value,
	       row->base, row->limit, row->what, row->against);
}

const char *bench_name(const char *format, ...)
{
	char *name;
	va_list arguments;

	va_start(arguments, format);
	bench_must(vasprintf(&name, format, arguments), "memory");
	va_end(arguments);
	return name;
}

void bench_must(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

void bench_setting(const char *path, const char *value)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(value, file) < 0 || fclose(file)) {
		perror(path);
		exit(1);
	}
}

void bench_random(void)
{
	enum { SEED = 32 };
	union {
		struct rand_pool_info info;
		char room[sizeof(struct rand_pool_info) + SEED];
	} seed = { .info = { .entropy_count = 8 * SEED, .buf_size = SEED } };
	int fd = open("/dev/random", O_WRONLY | O_CLOEXEC);

	bench_must(fd, "/dev/random");
	bench_must(ioctl(fd, RNDADDENTROPY, &seed), "RNDADDENTROPY");
	close(fd);
}

double bench_memory(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "r");
	size_t length = strlen(name);
	char line[128];
	double kilobytes = 0;

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, length) && line[length] == ':')
			kilobytes = atof(line + length + 1);
	fclose(file);
	return kilobytes * 1024;
}
