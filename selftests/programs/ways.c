// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that knows nothing of winsock, for winsock-run. It is built static, by glibc and
 * by musl, too.
 *
 * "linger": it switches SO_LINGER on in all possible ways, and prints whether the socket is
 * attached then. "close": it closes a non-blocking, lingering connection whose peer does not
 * read, in all possible ways. The last line of each is their common result: "all attached",
 * "all not attached"; "all refused" (EWOULDBLOCK, the descriptor stays, and closes when the
 * peer has read), "all reset" (closed at once, reset at the deadline), "all orphaned" (as
 * Linux does). Anything else is a failure.
 *
 * "pass COMMAND...": runs it with a lingering connection as descriptor 9, which "passed"
 * checks. "shared": closes a descriptor that is not the last one, then the last. "sandbox":
 * has a seccomp filter of its own. "alone": does it have a child that it did not start?
 * "cost": measures calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range	436
#endif

static const struct linger one_second = { 1, 1 };

static int connected(int *peer)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), small = 4096, client;
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(name);

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(listener, (struct sockaddr *)&name, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&name, &size))
		return -1;
	client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(client, (struct sockaddr *)&name, size))
		return -1;
	*peer = accept(listener, NULL, NULL);
	close(listener);
	return client;
}

/* Ways to switch SO_LINGER on. */

static int by_libc(int fd)
{
	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &one_second, sizeof(one_second));
}

static void *in_thread(void *fd)
{
	return (void *)(intptr_t)by_libc((intptr_t)fd);
}

static int by_thread(int fd)
{
	pthread_t thread;
	void *result = NULL;

	if (pthread_create(&thread, NULL, in_thread, (void *)(intptr_t)fd))
		return -1;
	pthread_join(thread, &result);
	return (intptr_t)result;
}

static int by_child(int fd)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(-by_libc(fd));
	waitpid(child, &status, 0);
	return status ? -1 : 0;
}

#ifdef __x86_64__
static long call32(long number, long a, long b, long c, long d, long e)
{
	long result;

	asm volatile("int $0x80" : "=a"(result)
		     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
	return (int)result;
}

/* Returns memory below 4 GiB. */
static uint32_t *low_memory(void)
{
	uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	memcpy(low + 8, &one_second, sizeof(one_second));
	return low;
}

static int by_i386(int fd)
{
	return call32(366, fd, SOL_SOCKET, SO_LINGER, (long)(low_memory() + 8),
		      sizeof(one_second));
}

static int by_socketcall(int fd)
{
	uint32_t *low = low_memory();

	low[0] = fd;
	low[1] = SOL_SOCKET;
	low[2] = SO_LINGER;
	low[3] = (uintptr_t)(low + 8);
	low[4] = sizeof(one_second);
	return call32(102, 14, (long)low, 0, 0, 0);
}

/* Most kernels lack x32. */
static int by_x32(int fd)
{
	int result = syscall(0x40000000 | 541, fd, SOL_SOCKET, SO_LINGER, &one_second,
			     sizeof(one_second));

	return result && errno == ENOSYS ? by_libc(fd) : result;
}
#endif

/* Ways to close. */

static int by_fclose(int fd)
{
	return fclose(fdopen(fd, "r+"));
}

static int by_dup2(int fd)
{
	return dup2(STDIN_FILENO, fd) < 0 ? -1 : 0;
}

static int by_dup3(int fd)
{
	return syscall(SYS_dup3, STDIN_FILENO, fd, O_CLOEXEC) < 0 ? -1 : 0;
}

static int by_close_range(int fd)
{
	return syscall(SYS_close_range, fd, fd, 0);
}

#ifdef __x86_64__
static int by_close32(int fd)
{
	errno = -call32(6, fd, 0, 0, 0, 0);
	return errno ? -1 : 0;
}
#endif

struct way {
	const char *name;
	int (*run)(int fd);
};

static const struct way to_linger[] = {
	{ "setsockopt", by_libc },
	{ "in a thread", by_thread },
	{ "in a child", by_child },
#ifdef __x86_64__
	{ "i386 setsockopt", by_i386 },
	{ "i386 socketcall", by_socketcall },
	{ "x32 setsockopt", by_x32 },
#endif
	{ NULL, NULL },
};

static const struct way to_close[] = {
	{ "close", close },
	{ "fclose", by_fclose },
	{ "dup2", by_dup2 },
	{ "dup3", by_dup3 },
	{ "close_range", by_close_range },
#ifdef __x86_64__
	{ "i386 close", by_close32 },
#endif
	{ NULL, NULL },
};

static const char *ulp_of(int fd)
{
	char name[16] = "";
	socklen_t size = sizeof(name);

	getsockopt(fd, SOL_TCP, TCP_ULP, name, &size);
	return strcmp(name, "winsock") ? "not attached" : "attached";
}

static const char *linger_by(const struct way *way)
{
	struct linger now;
	socklen_t size = sizeof(now);
	const char *ulp;
	int peer, client = connected(&peer);

	if (way->run(client) ||
	    getsockopt(client, SOL_SOCKET, SO_LINGER, &now, &size) ||
	    now.l_onoff != 1 || now.l_linger != 1)
		return "broken";
	ulp = ulp_of(client);
	close(client);
	close(peer);
	return ulp;
}

static int stuck_connection(int *peer)
{
	static const char block[65536];
	int client = connected(peer);

	by_libc(client);
	fcntl(client, F_SETFL, O_NONBLOCK);
	while (send(client, block, sizeof(block), 0) > 0)
		;
	return client;
}

static const char *close_by(const struct way *way)
{
	static char block[65536];
	int peer, client = stuck_connection(&peer), error;
	struct pollfd reset = { .fd = peer };

	error = way->run(client) ? errno : 0;
	if (!error) {
		/* The reset must come at the deadline, not before. */
		if (poll(&reset, 1, 500))
			return "broken: reset at once";
		poll(&reset, 1, 3000);
		close(peer);
		return reset.revents ? "reset" : "orphaned";
	}
	if (error != EWOULDBLOCK || fcntl(client, F_GETFD) < 0)
		return "broken";
	fcntl(peer, F_SETFL, O_NONBLOCK);
	while (close(client)) {
		while (recv(peer, block, sizeof(block), 0) > 0)
			;
		usleep(1000);
	}
	close(peer);
	return "refused";
}

/* Run a command with a lingering connection as descriptor 9. */
static int pass(char **command)
{
	int peer, client = connected(&peer);

	if (by_libc(client) || dup2(client, 9) < 0)
		return 1;
	execvp(command[0], command);
	return 1;
}

/*
 * Close descriptors that are not the last of their socket: a child has it, or a duplicate is left.
 */
static int close_shared(void)
{
	int peer, client = stuck_connection(&peer), copy;
	pid_t child = fork();

	if (!child)
		return pause();
	if (close(client))
		return 1;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	client = stuck_connection(&peer);
	copy = dup(client);
	if (close(client))
		return 1;
	puts(close(copy) && errno == EWOULDBLOCK ? "the last one refused" : "all closed");
	return 0;
}

/* A sandbox that allows accept(2), and of this socket's options only SO_LINGER. */
static int sandboxed(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_accept4, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	int peer;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 1;
	return by_libc(connected(&peer)) || puts("alive") < 0;
}

static int is_alone(void)
{
	return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD || puts("no child") < 0;
}

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int print_cost(void)
{
	const int rounds = 500;
	long linger = 0, closing = 0, other = 0, start;
	int i, fd;

	for (i = 0; i < rounds; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		start = now();
		by_libc(fd);
		linger += now() - start;
		close(fd);
		fd = open("/dev/null", O_RDONLY);
		start = now();
		close(fd);
		closing += now() - start;
		start = now();
		getppid();
		other += now() - start;
	}
	printf("SO_LINGER %ld ns, close of a file %ld ns, getppid %ld ns\n", linger / rounds,
	       closing / rounds, other / rounds);
	return 0;
}

static int print_passed(void)
{
	return puts(ulp_of(9)) < 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} others[] = {
	{ "passed", print_passed },
	{ "shared", close_shared },
	{ "sandbox", sandboxed },
	{ "alone", is_alone },
	{ "cost", print_cost },
};

int main(int count, char **arguments)
{
	bool lingers = count > 1 && !strcmp(arguments[1], "linger");
	const struct way *way = lingers ? to_linger : to_close;
	const char *first = NULL, *result;
	unsigned int i;

	if (count > 2 && !strcmp(arguments[1], "pass"))
		return pass(arguments + 2);
	for (i = 0; count > 1 && i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(arguments[1], others[i].name))
			return others[i].run();
	alarm(120);
	for (; way->name; way++) {
		result = lingers ? linger_by(way) : close_by(way);
		printf("%s: %s\n", way->name, result);
		fflush(stdout);
		if (!first)
			first = result;
		if (strcmp(first, result) || !strncmp(result, "broken", 6))
			return 1;
	}
	printf("all %s\n", first);
	return 0;
}
