// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * winsock-run: run a program that cannot be changed with its TCP sockets attached to
 * the kernel's ULP "winsock". See winsock-run(1).
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/winsock.h>

#include "run.h"

/* As the shell: not executable, not found. */
#define CANNOT_RUN	126
#define NOT_FOUND	127

#ifndef RUN_LIBDIR
#define RUN_LIBDIR	"/usr/local/lib"
#endif

static void usage(FILE *to)
{
	fprintf(to,
		"usage: winsock-run [-bv] PROGRAM [ARGUMENT ...]\n"
		"  -b  close(2) of a non-blocking lingering socket with unacknowledged data\n"
		"      fails with EWOULDBLOCK and leaves it open, as closesocket() on Windows\n"
		"  -v  say which sockets could not be attached\n"
		"  -h, --help  this text\n");
}

__attribute__((format(printf, 2, 3), noreturn))
static void give_up(int status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("winsock-run: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(status);
}

/* Does the kernel have the ULP, and may we? */
static void check_kernel(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		give_up(CANNOT_RUN, "no TCP here: %s", strerror(errno));
	if (setsockopt(fd, SOL_TCP, TCP_ULP, WINSOCK_ULP, sizeof(WINSOCK_ULP))) {
		if (errno == ENOENT)
			give_up(CANNOT_RUN, "the kernel module winsock is not loaded "
				"(modprobe winsock; of a container, on its host)");
		give_up(CANNOT_RUN, "sockets cannot be attached: %s", strerror(errno));
	}
	close(fd);
}

/* Only -b asks the device; the ULP needs none. */
static void check_device(void)
{
	int fd = open(WINSOCK_DEVICE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		give_up(CANNOT_RUN, "-b needs " WINSOCK_DEVICE ": %s (into a container it has to be "
			"passed: docker run --device " WINSOCK_DEVICE ")", strerror(errno));
	close(fd);
}

/* PROGRAM as execvp() would find it. */
static void find_program(const char *name, char path[PATH_MAX])
{
	const char *directories = getenv("PATH"), *end;
	struct stat status;

	if (!directories)
		directories = "/bin:/usr/bin";
	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		if (access(path, F_OK))
			give_up(NOT_FOUND, "%s: %s", name, strerror(errno));
		if (access(path, X_OK))
			give_up(CANNOT_RUN, "%s: %s", name, strerror(errno));
		return;
	}
	for (;; directories = end + 1) {
		end = strchrnul(directories, ':');
		snprintf(path, PATH_MAX, "%.*s/%s",
			 end == directories ? 1 : (int)(end - directories),
			 end == directories ? "." : directories, name);
		if (!access(path, X_OK) && !stat(path, &status) && S_ISREG(status.st_mode))
			return;
		if (!*end)
			give_up(NOT_FOUND, "%s: not found", name);
	}
}

/* The loader ignores LD_PRELOAD where the program gains rights. */
static void check_rights(int fd, const char *path)
{
	struct stat status;

	if (fstat(fd, &status))
		give_up(CANNOT_RUN, "%s: %s", path, strerror(errno));
	if (((status.st_mode & S_ISUID) && status.st_uid != getuid()) ||
	    ((status.st_mode & S_ISGID) && status.st_gid != getgid()))
		give_up(CANNOT_RUN, "%s is setuid or setgid: nothing can be preloaded into it",
			path);
	if (getuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		give_up(CANNOT_RUN, "%s has file capabilities: nothing can be preloaded into it",
			path);
}

/* Has the ELF file an interpreter? Both classes have their fields at other places. */
static bool elf_is_dynamic(int fd, const unsigned char *head)
{
	bool wide = head[EI_CLASS] == ELFCLASS64;
	const Elf64_Ehdr *header64 = (const void *)head;
	const Elf32_Ehdr *header32 = (const void *)head;
	unsigned int count = wide ? header64->e_phnum : header32->e_phnum;
	size_t size = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	off_t at = wide ? (off_t)header64->e_phoff : (off_t)header32->e_phoff;
	uint32_t type;

	for (; count; count--, at += size)
		if (pread(fd, &type, sizeof(type), at) == sizeof(type) && type == PT_INTERP)
			return true;
	return false;
}

static void check_program(const char *path, unsigned int depth)
{
	_Alignas(Elf64_Ehdr) unsigned char head[256] = { 0 };
	char interpreter[PATH_MAX], *end;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	/* Execute-only: nothing is known, so nothing is said. */
	if (fd < 0)
		return;
	check_rights(fd, path);
	if (read(fd, head, sizeof(head) - 1) < 4)
		give_up(CANNOT_RUN, "%s: not a program", path);
	if (!memcmp(head, "#!", 2) && depth) {
		end = (char *)head + 2 + strspn((char *)head + 2, " \t");
		snprintf(interpreter, sizeof(interpreter), "%.*s",
			 (int)strcspn(end, " \t\n"), end);
		close(fd);
		check_program(interpreter, depth - 1);
		return;
	}
	if (memcmp(head, ELFMAG, SELFMAG) != 0) {
		close(fd);
		return;
	}
	if (head[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
		give_up(CANNOT_RUN, "%s is a %d-bit program, the shim is not", path,
			head[EI_CLASS] == ELFCLASS32 ? 32 : 64);
	if (!elf_is_dynamic(fd, head))
		give_up(CANNOT_RUN, "%s is statically linked: nothing can be preloaded into it",
			path);
	close(fd);
}

/* Beside this program, where it was built, or where it is installed. */
static void find_shim(char path[PATH_MAX])
{
	char self[PATH_MAX] = "", *slash;

	if (readlink("/proc/self/exe", self, sizeof(self) - sizeof(RUN_SHIM)) > 0) {
		slash = strrchr(self, '/');
		memcpy(slash + 1, RUN_SHIM, sizeof(RUN_SHIM));
	}
	snprintf(path, PATH_MAX, "%s",
		 self[0] && !access(self, R_OK) ? self : RUN_LIBDIR "/winsock/" RUN_SHIM);
	if (access(path, R_OK))
		give_up(CANNOT_RUN, "%s: %s", path, strerror(errno));
	/* The loader splits at both. */
	if (strpbrk(path, " :"))
		give_up(CANNOT_RUN, "%s: a path with spaces or colons cannot be preloaded", path);
}

static void set_environment(const char *shim, bool would_block, bool verbose)
{
	const char *others = getenv("LD_PRELOAD");
	char *preload;

	if (asprintf(&preload, "%s%s%s", shim, others && *others ? ":" : "",
		     others ? others : "") < 0 ||
	    setenv("LD_PRELOAD", preload, 1) ||
	    setenv(RUN_WOULD_BLOCK, would_block ? "1" : "0", 1) ||
	    setenv(RUN_VERBOSE, verbose ? "1" : "0", 1))
		give_up(CANNOT_RUN, "out of memory");
	free(preload);
}

int main(int count, char **arguments)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	char program[PATH_MAX], shim[PATH_MAX];
	bool would_block = false, verbose = false;
	int option;

	/* Options behind PROGRAM are the program's. */
	while ((option = getopt_long(count, arguments, "+bvh", options, NULL)) != -1) {
		switch (option) {
		case 'b':
			would_block = true;
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind == count) {
		usage(stderr);
		return 2;
	}
	check_kernel();
	if (would_block)
		check_device();
	find_program(arguments[optind], program);
	check_program(program, 1);
	find_shim(shim);
	set_environment(shim, would_block, verbose);
	execv(program, arguments + optind);
	give_up(CANNOT_RUN, "%s: %s", program, strerror(errno));
}
