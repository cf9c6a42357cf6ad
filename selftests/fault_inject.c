// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation and every user copy on the module's paths fails once, one after the
 * other (/proc/self/fail-nth): the call fails with everything as it was, or succeeds.
 * For kernels with failslab and fail_usercopy, booted with slab_debug=F.
 *
 * Each test expects an exact number of faults, the same at each run: with slab_debug= SLUB
 * has no arrays of objects that it allocates when it likes, the debugging's own caches are
 * excluded, and the data is so little that freeing it is the same work each time.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "pending.h"
#include "ulp.h"

/* Far more than the faults of any path here: the loop ends even if a test is wrong. */
#define MOST	50

FIXTURE(fault) {
	int nth;
	int dev;
	struct net_pair pair;
	struct winsock_close call;
};

static bool fault_set(const char *name, const char *value)
{
	int fd = open(name, O_WRONLY);
	bool done = fd >= 0 && write(fd, value, 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

/* The debugging's own caches are filled by any call that finds them low. */
static size_t fault_caches(void)
{
	size_t count = 0;
	glob_t caches;

	if (glob("/sys/kernel/slab/*/failslab", 0, NULL, &caches))
		return 0;
	for (size_t i = 0; i < caches.gl_pathc; i++)
		count += fault_set(caches.gl_pathv[i],
				   strstr(caches.gl_pathv[i], "/kmemleak_") ||
				   strstr(caches.gl_pathv[i], "/debug_objects_") ? "0" : "1");
	globfree(&caches);
	return count;
}

FIXTURE_SETUP(fault)
{
	/* Let allocations that may sleep fail, too; keep the log for real errors. */
	fault_set("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	fault_set("/sys/kernel/debug/failslab/verbose", "0");
	fault_set("/sys/kernel/debug/fail_usercopy/verbose", "0");
	self->nth = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (self->nth < 0)
		SKIP(return, "no fault injection in this kernel");
	ASSERT_GT(fault_caches(), 0);
	ASSERT_TRUE(fault_set("/sys/kernel/debug/failslab/cache-filter", "Y"));
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	net_enter();
}

FIXTURE_TEARDOWN(fault)
{
	close(self->nth);
	close(self->dev);
	for (int ms = 0; ms < 5000 && dev_references(0) > 0; ms++)
		net_sleep(1);
	EXPECT_EQ(0, dev_references(0));
}

static void fault_arm(int nth, int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", n);

	/* The write that disarms also copies from user space, and may fail. */
	while (pwrite(nth, text, length, 0) != length)
		if (errno != EFAULT)
			_exit(99);
}

/* Did the fault happen? Disarms it. */
static bool fault_hit(int nth)
{
	char text[16] = "";
	ssize_t length = pread(nth, text, sizeof(text) - 1, 0);
	int rest = -1;

	/* The read that asks also copies to user space, and may have failed. */
	if (length <= 0 && errno == EFAULT)
		rest = 1;
	else if (length <= 0 || sscanf(text, "%d", &rest) != 1)
		_exit(98);
	fault_arm(nth, 0);
	return !rest;
}

/*
 * Do @action with the first, second ... fault, until there was nothing left to fail, which
 * is after @faults of them. @before runs before each, @after with result in `err`.
 */
#define EACH_FAULT(faults, before, action, after) do { \
	int n_, err, hits_ = 0; \
	for (n_ = 1; n_ < MOST; n_++) { \
		bool hit_; \
		before; \
		fault_arm(self->nth, n_); \
		errno = 0; \
		err = (action) < 0 ? errno : 0; \
		hit_ = fault_hit(self->nth); \
		(void)err; \
		after; \
		net_pair_close(&self->pair); \
		if (!hit_) \
			break; \
		hits_++; \
	} \
	EXPECT_EQ(faults, hits_); \
} while (0)

#define OPEN() net_pair_open(&self->pair, NET_V4, false)

/* Open a connection with data that the peer does not take: little, see above. */
#define OPEN_UNREAD() do { \
	OPEN(); \
	net_mute(self->pair.server); \
	ASSERT_EQ(4, send(self->pair.client, "data", 4, 0)); \
} while (0)

#define EXPECT_ALIVE() do { \
	struct winsock_query query_; \
	EXPECT_TRUE(net_is_open(self->pair.client)); \
	EXPECT_EQ(0, dev_query(self->dev, self->pair.client, &query_)); \
	EXPECT_EQ(TCP_ESTABLISHED, query_.state); \
	EXPECT_FALSE(query_.flags & WINSOCK_QUERY_CLOSING); \
} while (0)

#define EXPECT_CLEAN(error) \
	EXPECT_TRUE((error) == ENOMEM || (error) == EFAULT || (error) == ENFILE || \
		    (error) == EMFILE) TH_LOG("errno %d", error)

#define LEFT() net_left(self->pair.client_port, self->pair.server_port)

static int close_ioctl(int dev, int fd, unsigned int flags, unsigned long long timeout_ns,
		       struct winsock_close *call)
{
	*call = (struct winsock_close){
		.fd = fd, .timeout_ns = timeout_ns,
		.flags = flags | WINSOCK_CLOSE_TIMEOUT | WINSOCK_CLOSE_DROP_FD |
			 WINSOCK_CLOSE_IF_LAST,
	};
	return ioctl(dev, WINSOCK_IOC_CLOSE, call);
}

/* After a failure the socket is as before, after success it is closed. */
#define EXPECT_ALL_OR_NOTHING() do { \
	if (err) { \
		EXPECT_CLEAN(err); \
		EXPECT_ALIVE(); \
	} else { \
		EXPECT_FALSE(net_is_open(self->pair.client)); \
		EXPECT_EQ(0, LEFT()); \
	} \
} while (0)

TEST_F(fault, a_hard_close)
{
	EACH_FAULT(4, OPEN_UNREAD(),
		   close_ioctl(self->dev, self->pair.client, 0, 0, &self->call),
		   EXPECT_ALL_OR_NOTHING());
}

TEST_F(fault, a_close_that_would_block)
{
	EACH_FAULT(1, OPEN_UNREAD(),
		   close_ioctl(self->dev, self->pair.client, WINSOCK_CLOSE_NONBLOCKING, 10000000,
			       &self->call),
		   ({
			EXPECT_ALIVE();
			if (err != EWOULDBLOCK)
				EXPECT_CLEAN(err);
		   }));
}

TEST_F(fault, a_pending_close)
{
	EACH_FAULT(6, OPEN_UNREAD(),
		   close_ioctl(self->dev, self->pair.client, 0, 10000000, &self->call),
		   ({
			if (err) {
				EXPECT_CLEAN(err);
				EXPECT_ALIVE();
			} else {
				/* If the answer could not be written the op is there, too. */
				EXPECT_TRUE(pending_is_final(self->pair.client, 1000));
				EXPECT_EQ(0, LEFT());
			}
		   }));
}

TEST_F(fault, a_cancel)
{
	EACH_FAULT(0, ({
			OPEN_UNREAD();
			ASSERT_EQ(0, close_ioctl(self->dev, self->pair.client, 0,
						 60 * SECOND_NS, &self->call));
		   }),
		   ioctl(self->call.op_fd, WINSOCK_IOC_OP_CANCEL),
		   ({
			EXPECT_EQ(TCP_ESTABLISHED, LEFT());
			if (err) {
				EXPECT_CLEAN(err);
			} else {
				EXPECT_ALIVE();
			}
		   }));
}

TEST_F(fault, reading_a_record)
{
	struct winsock_record record;

	EACH_FAULT(1, ({
			OPEN_UNREAD();
			ASSERT_EQ(0, close_ioctl(self->dev, self->pair.client, 0, 1000000,
						 &self->call));
			ASSERT_TRUE(pending_is_final(self->call.op_fd, 1000));
		   }),
		   read(self->call.op_fd, &record, sizeof(record)),
		   ({
			if (err)
				EXPECT_EQ(EFAULT, err);
			EXPECT_RECORD(self->call.op_fd, WINSOCK_OUTCOME_DEADLINE);
		   }));
}

TEST_F(fault, asking)
{
	struct winsock_query query;
	struct winsock_info info;

	EACH_FAULT(2, OPEN(), dev_query(self->dev, self->pair.client, &query) ? -1 : 0,
		   EXPECT_ALIVE());
	EACH_FAULT(1, OPEN(), dev_info(self->dev, &info) ? -1 : 0, EXPECT_ALIVE());
}

TEST_F(fault, an_abort)
{
	EACH_FAULT(3, OPEN_UNREAD(),
		   dev_abort(self->dev, self->pair.client) ? -1 : 0,
		   ({
			if (LEFT())
				EXPECT_ALIVE();
		   }));
}

TEST_F(fault, opening_the_device)
{
	int dev = -1;

	EACH_FAULT(2, OPEN(), dev = open(WINSOCK_DEVICE, O_RDONLY),
		   ({
			if (dev >= 0) {
				close(dev);
			} else {
				EXPECT_CLEAN(err);
			}
			EXPECT_ALIVE();
		   }));
}

TEST_F(fault, attaching)
{
	EACH_FAULT(0, OPEN(), setsockopt(self->pair.client, SOL_TCP, TCP_ULP, WINSOCK_ULP, 8),
		   ({
			EXPECT_EQ(!err, ulp_is_attached(self->pair.client));
			if (err)
				EXPECT_CLEAN(err);
			EXPECT_ALIVE();
			EXPECT_EQ(4, send(self->pair.client, "data", 4, 0));
		   }));
}

TEST_F(fault, options)
{
	struct winsock_so_linger linger = { 1, 5 };
	socklen_t size = sizeof(linger);

	EACH_FAULT(1, ({
			OPEN();
			ASSERT_EQ(0, ulp_attach(self->pair.client));
		   }),
		   setsockopt(self->pair.client, SOL_WINSOCK, WINSOCK_SO_LINGER, &linger,
			      sizeof(linger)),
		   ({
			EXPECT_ALIVE();
			EXPECT_EQ(!!err, ulp_get_int(self->pair.client, WINSOCK_SO_DONTLINGER));
		   }));
	EACH_FAULT(2, ({
			OPEN();
			ASSERT_EQ(0, ulp_attach(self->pair.client));
			size = sizeof(linger);
		   }),
		   getsockopt(self->pair.client, SOL_WINSOCK, WINSOCK_SO_LINGER, &linger, &size),
		   ({
			EXPECT_ALIVE();
			if (err)
				EXPECT_EQ(EFAULT, err);
		   }));
}

/* close(2) cannot fail for want of memory: it resets instead. */
TEST_F_TIMEOUT(fault, closing_an_attached_socket, 100)
{
	unsigned int now = 0, later = 0;

	for (int blocking = 0; blocking < 2; blocking++) {
		EACH_FAULT(3, ({
				OPEN_UNREAD();
				ASSERT_EQ(0, ulp_attach(self->pair.client));
				net_linger(self->pair.client, 1, 1);
				net_nonblock(self->pair.client, !blocking);
			   }),
			   close(self->pair.client),
			   ({
				EXPECT_EQ(0, err);
				if (LEFT())
					later++;
				else
					now++;
				EXPECT_EQ(0, net_left_wait(self->pair.client_port,
							   self->pair.server_port, 0, 2000));
				self->pair.client = -1;
			   }));
	}
	TH_LOG("%u reset at once, %u by the deadline in the kernel", now, later);
	EXPECT_GT(now, 1);
	EXPECT_GT(later, 0);
}

TEST_HARNESS_MAIN
