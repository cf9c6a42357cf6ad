// SPDX-License-Identifier: GPL-2.0-only
/* Wrong input: each gets its errno with all else valid, and the socket is as before. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest_harness.h"

#include <sys/socket.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "net.h"

DEV_REQUIRED;

FIXTURE(errors) {
	int dev;
	struct net_pair pair;
	struct winsock_close call;
};

FIXTURE_SETUP(errors)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	net_enter();
	net_pair_open(&self->pair, NET_V4, false);
	/* A close by mistake would show as a reset. */
	net_linger(self->pair.client, 1, 0);
	self->call = (struct winsock_close){ .fd = self->pair.client,
					     .flags = DEV_CLOSESOCKET };
}

FIXTURE_TEARDOWN(errors)
{
	net_pair_close(&self->pair);
	close(self->dev);
}

#define EXPECT_REFUSED(error) do { \
	EXPECT_EQ(-1, ioctl(self->dev, WINSOCK_IOC_CLOSE, &self->call)); \
	EXPECT_EQ(error, errno); \
	EXPECT_TRUE(net_is_open(self->pair.client)); \
	EXPECT_EQ(1 /* ESTABLISHED */, net_state(self->pair.client)); \
} while (0)

/* claims: A6 */
TEST_F(errors, no_descriptor)
{
	static const int numbers[] = { -1, 1000000, 2147483647, -2147483647 - 1 };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		self->call.fd = numbers[i];
		EXPECT_REFUSED(EBADF);
	}
}

/* claims: A7 */
TEST_F(errors, no_socket)
{
	int others[4], ends[2];

	ASSERT_EQ(0, pipe(ends));
	others[0] = ends[0];
	others[1] = eventfd(0, 0);
	others[2] = open("/dev/null", O_RDONLY);
	others[3] = self->dev;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		self->call.fd = others[i];
		EXPECT_REFUSED(ENOTSOCK);
		EXPECT_TRUE(net_is_open(others[i]));
	}
	/* An O_PATH descriptor gives no access to the file. */
	others[0] = open("/dev/null", O_PATH);
	self->call.fd = others[0];
	EXPECT_REFUSED(EBADF);
	EXPECT_TRUE(net_is_open(others[0]));
}

/* claims: A7 */
TEST_F(errors, a_family_that_is_not_known)
{
	int other = socket(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */);
	struct winsock_query query;

	ASSERT_GE(other, 0);
	self->call.fd = other;
	EXPECT_REFUSED(EOPNOTSUPP);
	EXPECT_TRUE(net_is_open(other));
	EXPECT_EQ(-EOPNOTSUPP, dev_query(self->dev, other, &query));
	EXPECT_EQ(-EOPNOTSUPP, dev_abort(self->dev, other));
}

TEST_F(errors, both_modes)
{
	self->call.flags |= WINSOCK_CLOSE_BLOCKING | WINSOCK_CLOSE_NONBLOCKING;
	EXPECT_REFUSED(EINVAL);
}

TEST_F(errors, unknown_flags)
{
	for (int bit = 0; bit < 32; bit++) {
		if (DEV_CLOSE_FLAGS & (1U << bit))
			continue;
		self->call.flags = DEV_CLOSESOCKET | (1U << bit);
		EXPECT_REFUSED(EINVAL);
	}
}

TEST_F(errors, timeout_out_of_range)
{
	self->call.timeout_ns = 1;
	EXPECT_REFUSED(EINVAL);
	self->call.flags |= WINSOCK_CLOSE_TIMEOUT;
	self->call.timeout_ns = WINSOCK_TIMEOUT_MAX_NS + 1;
	EXPECT_REFUSED(EINVAL);
	self->call.timeout_ns = ~0ULL;
	EXPECT_REFUSED(EINVAL);
}

/* Input values of outputs do not matter: dev_close() sets values that no success leaves. */
TEST_F(errors, outputs_are_written_only)
{
	struct winsock_query query;

	memset(&query, 0xa5, sizeof(query));
	query.fd = self->pair.client;
	query.flags = 0;
	ASSERT_EQ(0, ioctl(self->dev, WINSOCK_IOC_QUERY, &query));
	EXPECT_EQ(0, query.pad);
	EXPECT_EQ(WINSOCK_QUERY_LINGER, query.flags);
	EXPECT_EQ(0, query.linger_ns + query.unsent + query.unacked + query.unread);
	ASSERT_EQ(0, dev_close(self->dev, self->pair.client, DEV_CLOSESOCKET, 0, &self->call));
	EXPECT_EQ(-1, self->call.op_fd);
	EXPECT_EQ(0, self->call.pad);
	EXPECT_EQ(WINSOCK_OUTCOME_REQUEST, self->call.record.outcome);
	EXPECT_EQ(0, self->call.record.elapsed_ns);
	EXPECT_EQ(0, self->call.record.unacked);
	EXPECT_EQ(0, self->call.record.tag);
	EXPECT_EQ(0, self->call.record.error);
	EXPECT_EQ(0, self->call.record.pad);
	EXPECT_EQ(1 /* ESTABLISHED */, self->call.record.state);
}

TEST_F(errors, wild_pointers)
{
	struct winsock_close *constant;
	static void * const wild[] = {
		NULL, (void *)1, (void *)-1L, (void *)0x7fffffffffffL,
		(void *)0xffff888000000000UL, (void *)0x8000000000000000UL,
	};
	static const unsigned long requests[] = {
		WINSOCK_IOC_INFO, WINSOCK_IOC_QUERY, WINSOCK_IOC_CLOSE, WINSOCK_IOC_ABORT,
	};

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++)
		for (size_t j = 0; j < ARRAY_SIZE(requests); j++) {
			EXPECT_EQ(-1, ioctl(self->dev, requests[j], wild[i]));
			EXPECT_EQ(EFAULT, errno);
		}

	/* The memory is readable, but not writable. */
	constant = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, constant);
	*constant = self->call;
	ASSERT_EQ(0, mprotect(constant, 4096, PROT_READ));
	EXPECT_EQ(-1, ioctl(self->dev, WINSOCK_IOC_CLOSE, constant));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(net_is_open(self->pair.client));
	EXPECT_EQ(1, net_state(self->pair.client));
}

TEST_F(errors, structure_at_the_end_of_memory)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	struct winsock_close *split;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, munmap(page + 4096, 4096));
	/* The inputs are in memory, the outputs are not. */
	split = (void *)(page + 4096 - 32);
	memcpy(split, &self->call, 32);
	EXPECT_EQ(-1, ioctl(self->dev, WINSOCK_IOC_CLOSE, split));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(net_is_open(self->pair.client));
	EXPECT_EQ(1, net_state(self->pair.client));
}

TEST_F(errors, unknown_request)
{
	EXPECT_EQ(-1, ioctl(self->dev, _IO(WINSOCK_IOC_MAGIC, 0x7f), &self->call));
	EXPECT_EQ(ENOTTY, errno);
	/* The number and size are right, the type is not. */
	EXPECT_EQ(-1, ioctl(self->dev, _IOWR(WINSOCK_IOC_MAGIC - 1, 2, struct winsock_close),
			    &self->call));
	EXPECT_EQ(ENOTTY, errno);
	/* This request is for op descriptors. */
	EXPECT_EQ(-1, ioctl(self->dev, WINSOCK_IOC_OP_ABORT));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(1, net_state(self->pair.client));
}

/* A structure, and room for a later version. */
struct sized {
	unsigned long request;
	size_t first;		/* size of the first version */
};

static const struct sized sized[] = {
	{ WINSOCK_IOC_INFO, 56 },
	{ WINSOCK_IOC_QUERY, 48 },
	{ WINSOCK_IOC_ABORT, 16 },
	{ WINSOCK_IOC_CLOSE, 80 },
};

/* Returns the same request for a structure of another size. */
static unsigned long resized(unsigned long request, size_t size)
{
	return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), size);
}

static void sized_fill(const struct sized *sized, int fd, unsigned char *memory)
{
	struct winsock_close *call = (void *)memory;

	memset(memory, 0, 256);
	call->fd = fd;
	if (sized->request == WINSOCK_IOC_CLOSE)
		call->flags = DEV_CLOSESOCKET;
}

TEST_F(errors, a_smaller_structure_than_the_first)
{
	unsigned char memory[256] __attribute__((aligned(8)));

	for (size_t i = 0; i < ARRAY_SIZE(sized); i++)
		for (size_t size = 0; size < sized[i].first; size++) {
			sized_fill(&sized[i], self->pair.client, memory);
			EXPECT_EQ(-1, ioctl(self->dev, resized(sized[i].request, size), memory));
			EXPECT_EQ(EINVAL, errno);
		}
	EXPECT_EQ(1, net_state(self->pair.client));
}

TEST_F(errors, a_larger_structure_than_the_kernels)
{
	unsigned char memory[256] __attribute__((aligned(8)));

	for (size_t i = 0; i < ARRAY_SIZE(sized); i++) {
		size_t end = _IOC_SIZE(sized[i].request);

		EXPECT_LE(sized[i].first, end);
		/* A part that the kernel does not know must be zero. */
		for (size_t at = end; i && at < 200; at += 13) {
			sized_fill(&sized[i], self->pair.client, memory);
			memory[at] = 1;
			EXPECT_EQ(-1, ioctl(self->dev, resized(sized[i].request, 200), memory));
			EXPECT_EQ(E2BIG, errno);
		}
		EXPECT_EQ(1, net_state(self->pair.client));
		/* With zeros the call succeeds, and the kernel does not write there. */
		sized_fill(&sized[i], self->pair.client, memory);
		memory[200] = 1;
		EXPECT_EQ(0, ioctl(self->dev, resized(sized[i].request, 200), memory));
		for (size_t at = end; at < 256; at++)
			EXPECT_EQ(at == 200, memory[at]);
		if (sized[i].request != WINSOCK_IOC_ABORT)
			continue;
		net_pair_close(&self->pair);
		net_pair_open(&self->pair, NET_V4, false);
		net_linger(self->pair.client, 1, 0);
	}
	EXPECT_FALSE(net_is_open(self->pair.client));
}

/* claims: A9 */
TEST_F(errors, another_socket_than_the_cookie_says)
{
	uint64_t cookie = dev_cookie(self->pair.client);
	struct winsock_abort abort_call = { .fd = self->pair.client };
	uint64_t others[] = { cookie + 1, dev_cookie(self->pair.server), ~0ULL };

	ASSERT_NE(0, cookie);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		self->call.cookie = others[i];
		EXPECT_REFUSED(ESTALE);
		abort_call.cookie = others[i];
		EXPECT_EQ(-1, ioctl(self->dev, WINSOCK_IOC_ABORT, &abort_call));
		EXPECT_EQ(ESTALE, errno);
		EXPECT_EQ(1, net_state(self->pair.client));
	}
	abort_call.cookie = cookie;
	EXPECT_EQ(0, ioctl(self->dev, WINSOCK_IOC_ABORT, &abort_call));
	self->call.cookie = cookie;
	EXPECT_EQ(0, ioctl(self->dev, WINSOCK_IOC_CLOSE, &self->call));
	EXPECT_FALSE(net_is_open(self->pair.client));
}

TEST_F(errors, a_cookie_of_other_sockets)
{
	int others[] = { socket(AF_UNIX, SOCK_STREAM, 0), socket(AF_INET, SOCK_DGRAM, 0) };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		self->call.fd = others[i];
		/* The cookie was never read: no socket has this one. */
		self->call.cookie = ~0ULL;
		EXPECT_REFUSED(ESTALE);
		EXPECT_TRUE(net_is_open(others[i]));
		self->call.cookie = dev_cookie(others[i]);
		EXPECT_EQ(0, ioctl(self->dev, WINSOCK_IOC_CLOSE, &self->call));
		EXPECT_FALSE(net_is_open(others[i]));
	}
}

TEST_F(errors, flags_that_are_none)
{
	struct winsock_query query = { .fd = self->pair.client, .flags = 1 };
	struct winsock_abort abort_call = { .fd = self->pair.client, .flags = 1 };

	EXPECT_EQ(-1, ioctl(self->dev, WINSOCK_IOC_QUERY, &query));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->dev, WINSOCK_IOC_ABORT, &abort_call));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, net_state(self->pair.client));
}

TEST_F(errors, query_and_abort_of_the_wrong_thing)
{
	struct winsock_query query;
	uint16_t port;
	int listener = net_listen(NET_V4, &port);
	int fresh = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(-EBADF, dev_query(self->dev, -1, &query));
	EXPECT_EQ(-ENOTSOCK, dev_query(self->dev, self->dev, &query));
	EXPECT_EQ(-EBADF, dev_abort(self->dev, -1));
	EXPECT_EQ(-ENOTSOCK, dev_abort(self->dev, self->dev));
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, listener));
	EXPECT_EQ(-ENOTCONN, dev_abort(self->dev, fresh));
	close(listener);
	close(fresh);
}

TEST_F(errors, info_says_what_there_is)
{
	struct winsock_info info;

	memset(&info, 0xa5, sizeof(info));
	ASSERT_EQ(0, dev_info(self->dev, &info));
	EXPECT_EQ(WINSOCK_ABI_VERSION, info.abi_version);
	EXPECT_EQ(131072, info.ops_max);
	EXPECT_EQ(DEV_CLOSE_FLAGS, info.close_flags);
	EXPECT_EQ(WINSOCK_TIMEOUT_MAX_NS, info.timeout_max_ns);
	EXPECT_LT(strnlen(info.module_version, sizeof(info.module_version)),
		  sizeof(info.module_version));
	EXPECT_GT(strlen(info.module_version), 0);
}

/* Root of a user namespace is root of the network namespaces in it. */
TEST_F(errors, the_limit_is_not_the_users_own_to_set)
{
	static const char knob[] = "/proc/sys/net/winsock/ops_max";
	int status;
	pid_t child = fork();

	ASSERT_GE(child, 0);
	if (!child) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
			_exit(2);
		status = open(knob, O_RDWR) < 0 ? errno : 0;
		_exit(status == EACCES && open(knob, O_RDONLY) >= 0 ? 0 : 1);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* Users can make other ones. */
TEST_F(errors, a_new_network_namespace_begins_with_the_first_ones_limit)
{
	static const char knob[] = "/proc/sys/net/winsock/ops_max";
	int first = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC), file;
	char value[16] = "";

	ASSERT_EQ(0, setns(first, CLONE_NEWNET));
	file = open(knob, O_RDWR | O_CLOEXEC);
	ASSERT_EQ(2, write(file, "77", 2));
	EXPECT_EQ(0, unshare(CLONE_NEWUSER | CLONE_NEWNET));
	EXPECT_LT(0, read(open(knob, O_RDONLY | O_CLOEXEC), value, sizeof(value) - 1));
	EXPECT_STREQ("77\n", value);
	ASSERT_EQ(6, pwrite(file, "131072", 6, 0));
}

TEST_F(errors, an_unprivileged_user_may)
{
	int dev;

	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	dev = dev_open();
	ASSERT_GE(dev, 0);
	EXPECT_EQ(0, dev_closesocket(dev, self->pair.client, &self->call));
	EXPECT_EQ(WINSOCK_OUTCOME_REQUEST, self->call.record.outcome);
	close(dev);
}

TEST_HARNESS_MAIN
