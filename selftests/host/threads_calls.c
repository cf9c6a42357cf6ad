// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls that now and then take their time, where the library acts on what they returned.
 * Linked by -Wl,--wrap. See threads.h.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define OFTEN	32
#define TIME_US	300

ssize_t __real_recvmsg(int s, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int s, struct msghdr *message, int flags);
int __real_getsockopt(int s, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int s, int level, int name, void *value, socklen_t *size);

static void calls_stay(void)
{
	static __thread unsigned int turn;
	int saved = errno;

	if (++turn % OFTEN == 0)
		usleep(TIME_US);
	errno = saved;
}

ssize_t __wrap_recvmsg(int s, struct msghdr *message, int flags)
{
	ssize_t result;

	calls_stay();
	result = __real_recvmsg(s, message, flags);
	calls_stay();
	return result;
}

int __wrap_getsockopt(int s, int level, int name, void *value, socklen_t *size)
{
	int result = __real_getsockopt(s, level, name, value, size);

	calls_stay();
	return result;
}
