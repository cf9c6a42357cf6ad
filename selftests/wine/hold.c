// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Linux program that rows of closes.exe start.
 *
 *	hold lock PORT SECONDS	take the socket with that local port from its owner, and
 *				sit in send() on memory that does not arrive, which keeps the
 *				socket's lock: a page fault of that length
 *	hold files 0 SECONDS	no new descriptor for wineserver
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int find(int port)
{
	struct dirent *process, *number;
	DIR *all = opendir("/proc");

	while ((process = readdir(all))) {
		char path[300], target[40];
		int pid = atoi(process->d_name);
		DIR *fds;

		if (!pid || pid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd", pid);
		fds = opendir(path);
		while (fds && (number = readdir(fds))) {
			struct sockaddr_in name = { 0 }, peer;
			socklen_t size = sizeof(name), peer_size = sizeof(peer);
			int fd;

			if (readlinkat(dirfd(fds), number->d_name, target, sizeof(target)) < 7 ||
			    target[0] != 's')
				continue;
			fd = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0),
				     atoi(number->d_name), 0);
			if (!getsockname(fd, (void *)&name, &size) && name.sin_family == AF_INET &&
			    ntohs(name.sin_port) == port &&
			    !getpeername(fd, (void *)&peer, &peer_size))
				return fd;
			close(fd);
		}
		if (fds)
			closedir(fds);
	}
	return -1;
}

static void *send_it(void *memory)
{
	int *fd = memory;

	send(*fd, memory + 4096, 4096, 0);
	return NULL;
}

static int hold_lock(int port, int seconds)
{
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC), fd = find(port);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t thread;
	char *memory;

	memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*(int *)memory = fd;
	range.range.start = (unsigned long)memory + 4096;
	range.range.len = 4096;
	if (fd < 0 || ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &range) ||
	    pthread_create(&thread, NULL, send_it, memory))
		return 1;
	sleep(seconds);
	_exit(0);
}

static int hold_files(int seconds)
{
	struct dirent *process;
	DIR *all = opendir("/proc");

	while ((process = readdir(all))) {
		struct rlimit none = { 0 }, before;
		char path[300], name[20] = "";
		FILE *file;
		int pid = atoi(process->d_name);

		snprintf(path, sizeof(path), "/proc/%s/comm", process->d_name);
		file = pid ? fopen(path, "r") : NULL;
		if (!file || !fgets(name, sizeof(name), file) || strncmp(name, "wineserver", 10))
			continue;
		if (prlimit(pid, RLIMIT_NOFILE, NULL, &before))
			return 1;
		none.rlim_max = before.rlim_max;
		prlimit(pid, RLIMIT_NOFILE, &none, NULL);
		sleep(seconds);
		return prlimit(pid, RLIMIT_NOFILE, &before, NULL);
	}
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	return strcmp(argv[1], "files") ? hold_lock(atoi(argv[2]), atoi(argv[3])) :
					  hold_files(atoi(argv[3]));
}
