// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Socket options. SO_LINGER and SO_DONTLINGER have Windows' shapes and length rules (claims O1 to
 * O25). The table keeps what Linux does not store: l_onoff as it was written, a timeout while
 * linger is off. If the program has changed the kernel's setting without the library, the kernel's
 * counts.
 */
#include <linux/socket.h>
#include <netinet/tcp.h>
#include <sys/uio.h>

#include "handle.h"
#include "io.h"
#include "layer.h"
#include "startup.h"

#include <mswsock.h>

#define OPTION_LINGER_SIZE	((unsigned int)sizeof(struct winsock_linger))

/* The native struct linger, whose name is a macro here. */
struct option_native {
	int onoff;
	int seconds;
};

bool option_readable(const void *memory, size_t size)
{
	char byte[8];
	struct iovec to = { byte, size < sizeof(byte) ? size : sizeof(byte) };
	struct iovec from = { (void *)memory, to.iov_len };

	if (!memory)
		return false;
	if (!size || process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)to.iov_len)
		return true;
	/* If kernel or sandbox lack the call a bad pointer crashes, as in C. */
	return errno == ENOSYS || errno == EPERM;
}

static int option_get_native(SOCKET s, struct option_native *native)
{
	socklen_t size = sizeof(*native);

	return getsockopt(s, SOL_SOCKET, SO_LINGER, native, &size);
}

static int option_set_native(SOCKET s, bool on, int seconds)
{
	struct option_native native = { on, seconds };

	return setsockopt(s, SOL_SOCKET, SO_LINGER, &native, sizeof(native));
}

/*
 * close(2) of a family that the module does not know waits for the whole timeout, in any mode: keep
 * the timeout here, and do not set it.
 */
static bool option_is_kept(SOCKET s, bool on, int seconds)
{
	struct winsock_query query = { .fd = s };

	return on && seconds && socket_option(s, SO_PROTOCOL) != IPPROTO_TCP &&
	       startup_ioctl(WINSOCK_IOC_QUERY, &query) && errno == EOPNOTSUPP;
}

/* Returns 0, HANDLE_KEEPS_LINGER, or -1 with errno. */
static int64_t option_set_timed(SOCKET s, bool on, int seconds)
{
	bool kept = option_is_kept(s, on, seconds);

	if (option_set_native(s, on && !kept, seconds))
		return -1;
	return kept ? HANDLE_KEEPS_LINGER : 0;
}

static unsigned int option_onoff(uint64_t word)
{
	return word >> HANDLE_ONOFF_SHIFT & 0xffff;
}

static unsigned int option_seconds(uint64_t word)
{
	return word >> HANDLE_LINGER_SHIFT & 0xffff;
}

static void option_store(SOCKET s, unsigned int onoff, unsigned int seconds, uint64_t bits)
{
	handle_set(s, HANDLE_LINGER_BITS | HANDLE_KEEPS_LINGER,
		   (uint64_t)onoff << HANDLE_ONOFF_SHIFT |
		   (uint64_t)seconds << HANDLE_LINGER_SHIFT | bits);
}

/* Read the socket's linger struct. Returns 0 or an errno. */
static int option_linger(SOCKET s, struct winsock_linger *value)
{
	uint64_t word = handle_settled(s);
	struct option_native native;

	/* The state may be an earlier socket's. */
	if (word && !handle_verify(s))
		word = 0;
	if (option_get_native(s, &native))
		return errno;
	if (!native.onoff && (word & HANDLE_KEEPS_LINGER)) {
		value->l_onoff = option_onoff(word);
		value->l_linger = option_seconds(word);
	} else if (native.onoff) {
		value->l_onoff = option_onoff(word) ? option_onoff(word) : 1;
		value->l_linger = native.seconds < 65535 ? native.seconds : 65535;
	} else {
		value->l_onoff = 0;
		value->l_linger = word & HANDLE_TIMEOUT ? option_seconds(word)
						       : (unsigned int)native.seconds;
	}
	return 0;
}

static int option_set_linger(SOCKET s, const char *value, int size)
{
	struct winsock_linger linger;
	int64_t kept;

	/* The length is compared unsigned, and only as a minimum (O10, O11). */
	if ((unsigned int)size < OPTION_LINGER_SIZE || !option_readable(value, sizeof(linger)))
		return error_fail(WSAEFAULT);
	memcpy(&linger, value, sizeof(linger));
	kept = option_set_timed(s, linger.l_onoff, linger.l_linger);
	if (kept < 0)
		return error_fail_errno(errno);
	option_store(s, linger.l_onoff, linger.l_linger, HANDLE_TIMEOUT | kept);
	return 0;
}

static int option_get_linger(SOCKET s, char *value, int *size)
{
	struct winsock_linger linger = { 0 };
	int error;

	if (!option_readable(value, 1))
		return error_fail(WSAEFAULT);
	if (*size < (int)OPTION_LINGER_SIZE) {
		/* Windows zeroes as much of the buffer as there is (O14). */
		if (*size > 0)
			memset(value, 0, *size);
		return error_fail(WSAEFAULT);
	}
	error = option_linger(s, &linger);
	if (error)
		return error_fail_errno(error);
	memcpy(value, &linger, sizeof(linger));
	*size = sizeof(linger);
	return 0;
}

/* The timeout that linger gets back when it is switched on without one (O6, O8). */
static unsigned int option_reinstated(SOCKET s, uint64_t word)
{
	struct winsock_linger linger = { 0 };

	if (word & HANDLE_TIMEOUT)
		return option_seconds(word);
	/* setsockopt(2) may have set it; 0 is no timeout that a program has chosen. */
	if (!option_linger(s, &linger) && linger.l_linger)
		return linger.l_linger;
	return WINSOCK_LINGER_DEFAULT;
}

static int option_set_dontlinger(SOCKET s, bool flag)
{
	uint64_t word = handle_settled(s);
	unsigned int seconds = option_reinstated(s, word);
	int64_t kept = option_set_timed(s, !flag, seconds);

	if (kept < 0)
		return error_fail_errno(errno);
	if (flag)
		option_store(s, 0, option_seconds(word), 0);
	else
		option_store(s, 1, seconds, kept | (word & HANDLE_TIMEOUT));
	return 0;
}

/*
 * Keep the program's setting, and set the kernel's for other programs. A listener has SO_REUSEADDR
 * anyway, see socket_bind().
 */
static int option_set_reuse(SOCKET s, int name, int flag)
{
	uint64_t bit = name == SO_REUSEADDR ? HANDLE_REUSES : HANDLE_EXCLUSIVE;
	uint64_t other = HANDLE_REUSES | HANDLE_EXCLUSIVE, word = handle_settled(s);

	if (flag && (word & other & ~bit))
		return error_fail(WSAEINVAL);
	if (name == SO_REUSEADDR && !(!flag && (word & HANDLE_LISTENS)) &&
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &flag, sizeof(flag)))
		return error_fail_errno(errno);
	handle_set(s, bit, flag ? bit : 0);
	return 0;
}

/* The options that are a BOOL. */
static bool option_is_flag(int level, int name)
{
	if (level == IPPROTO_TCP)
		return name == TCP_NODELAY;
	if (level != SOL_SOCKET)
		return false;
	switch (name) {
	case SO_ACCEPTCONN:
	case SO_BROADCAST:
	case SO_DEBUG:
	case SO_DONTLINGER:
	case SO_DONTROUTE:
	case SO_EXCLUSIVEADDRUSE:
	case SO_KEEPALIVE:
	case SO_OOBINLINE:
	case SO_REUSEADDR:
		return true;
	default:
		return false;
	}
}

/* Accept any length, even 0 (O15). */
static int option_set_flag(SOCKET s, int level, int name, const char *value, int size)
{
	unsigned int length = (unsigned int)size < 4 ? size : 4;
	int flag = 0;

	if (!option_readable(value, length))
		return error_fail(WSAEFAULT);
	memcpy(&flag, value, length);
	flag = flag != 0;
	if (level == SOL_SOCKET && name == SO_DONTLINGER)
		return option_set_dontlinger(s, flag);
	if (level == SOL_SOCKET && (name == SO_REUSEADDR || name == SO_EXCLUSIVEADDRUSE))
		return option_set_reuse(s, name, flag);
	if (setsockopt(s, level, name, &flag, sizeof(flag)))
		return error_fail_errno(errno);
	return 0;
}

/* Returns 0 or an errno. */
static int option_flag(SOCKET s, int level, int name, int *flag)
{
	struct winsock_linger linger = { 0 };
	socklen_t length = sizeof(*flag);
	uint64_t bits = handle_settled(s);
	int error;

	if (level == SOL_SOCKET && name == SO_DONTLINGER) {
		error = option_linger(s, &linger);
		*flag = !linger.l_onoff;
		return error;
	}
	if (level == SOL_SOCKET && name == SO_EXCLUSIVEADDRUSE)
		*flag = (bits & HANDLE_EXCLUSIVE) != 0;
	else if (level == SOL_SOCKET && name == SO_REUSEADDR && (bits & HANDLE_OURS))
		*flag = (bits & HANDLE_REUSES) != 0;
	else
		return getsockopt(s, level, name, flag, &length) ? errno : 0;
	return 0;
}

static int option_get_flag(SOCKET s, int level, int name, char *value, int *size)
{
	int flag, error;

	if (*size < 1 || !option_readable(value, 1))
		return error_fail(WSAEFAULT);
	error = option_flag(s, level, name, &flag);
	if (error)
		return error_fail_errno(error);
	flag = flag != 0;
	/* Below the size of a BOOL Windows returns length 1, whatever it wrote (O16). */
	memcpy(value, &flag, *size < 4 ? (*size < 2 ? 1 : 2) : 4);
	*size = *size < 4 ? 1 : 4;
	return 0;
}

/* Windows' timeouts are a DWORD in ms. */
static int option_set_timeout(SOCKET s, int name, const char *value, int size)
{
	struct timeval span;
	DWORD ms;

	if (size < (int)sizeof(ms) || !option_readable(value, sizeof(ms)))
		return error_fail(WSAEFAULT);
	memcpy(&ms, value, sizeof(ms));
	span.tv_sec = ms / 1000;
	span.tv_usec = ms % 1000 * 1000;
	if (setsockopt(s, SOL_SOCKET, name, &span, sizeof(span)))
		return error_fail_errno(errno);
	handle_set(s, 0, HANDLE_TIMED);
	return 0;
}

static int option_get_timeout(SOCKET s, int name, char *value, int *size)
{
	struct timeval span;
	socklen_t length = sizeof(span);
	DWORD ms;

	if (*size < (int)sizeof(ms) || !option_readable(value, sizeof(ms)))
		return error_fail(WSAEFAULT);
	if (getsockopt(s, SOL_SOCKET, name, &span, &length))
		return error_fail_errno(errno);
	ms = span.tv_sec * 1000 + span.tv_usec / 1000;
	memcpy(value, &ms, sizeof(ms));
	*size = sizeof(ms);
	return 0;
}

static void option_copy_buffer(SOCKET from, SOCKET to, int name)
{
	/* Linux returns twice the size that was set. */
	int half = socket_option(from, name) / 2;

	setsockopt(to, SOL_SOCKET, name, &half, sizeof(half));
}

void option_copy(SOCKET from, SOCKET to)
{
	static const int options[][2] = {
		{ SOL_SOCKET, SO_DONTROUTE }, { SOL_SOCKET, SO_KEEPALIVE },
		{ SOL_SOCKET, SO_LINGER }, { SOL_SOCKET, SO_OOBINLINE },
		{ SOL_SOCKET, SO_RCVTIMEO }, { SOL_SOCKET, SO_SNDTIMEO },
		{ IPPROTO_TCP, TCP_NODELAY }, { IPPROTO_TCP, TCP_KEEPIDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL }, { IPPROTO_TCP, TCP_KEEPCNT },
		{ IPPROTO_IP, IP_TOS }, { IPPROTO_IP, IP_TTL },
		{ IPPROTO_IPV6, IPV6_TCLASS }, { IPPROTO_IPV6, IPV6_UNICAST_HOPS },
	};
	int sized = socket_option(from, SO_BUF_LOCK);
	struct timeval value;

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		socklen_t size = sizeof(value);

		if (!getsockopt(from, options[i][0], options[i][1], &value, &size))
			setsockopt(to, options[i][0], options[i][1], &value, size);
	}
	if (sized > 0 && (sized & SOCK_SNDBUF_LOCK))
		option_copy_buffer(from, to, SO_SNDBUF);
	if (sized > 0 && (sized & SOCK_RCVBUF_LOCK))
		option_copy_buffer(from, to, SO_RCVBUF);
}

/* Give the socket of AcceptEx() the options that accept() would have given it (O21). */
static int option_update(SOCKET s, int name, const char *value, int size)
{
	SOCKET listener;

	if (!socket_is_connected(s))
		return error_fail(WSAENOTCONN);
	if (name == SO_UPDATE_CONNECT_CONTEXT)
		return 0;
	if (size < (int)sizeof(listener) || !option_readable(value, sizeof(listener)))
		return error_fail(WSAEFAULT);
	memcpy(&listener, value, sizeof(listener));
	if (!socket_check(listener))
		return SOCKET_ERROR;
	if (socket_option(listener, SO_ACCEPTCONN) <= 0)
		return error_fail(WSAEINVAL);
	option_copy(listener, s);
	handle_set(s, HANDLE_INHERITED, handle_bits(listener) & HANDLE_INHERITED);
	return 0;
}

/* Only sockets with connections linger: neither datagram nor raw ones (O17, O18). */
static bool option_lingers(SOCKET s)
{
	int type = socket_option(s, SO_TYPE);

	return type == SOCK_STREAM || type == SOCK_SEQPACKET;
}

static bool option_is_linger(int level, int name)
{
	return level == SOL_SOCKET && (name == SO_LINGER || name == SO_DONTLINGER);
}

static int option_set(SOCKET s, int level, int name, const char *value, int size)
{
	if (!socket_check(s))
		return SOCKET_ERROR;
	if (option_is_linger(level, name) && !option_lingers(s))
		return error_fail(WSAENOPROTOOPT);
	if (option_is_flag(level, name))
		return option_set_flag(s, level, name, value, size);
	if (level == SOL_SOCKET && name == SO_LINGER)
		return option_set_linger(s, value, size);
	if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO))
		return option_set_timeout(s, name, value, size);
	if (level == SOL_SOCKET &&
	    (name == SO_UPDATE_ACCEPT_CONTEXT || name == SO_UPDATE_CONNECT_CONTEXT))
		return option_update(s, name, value, size);
	if (level == SOL_SOCKET && (unsigned int)size < sizeof(int))
		return error_fail(WSAEFAULT);
	if (setsockopt(s, level, name, value, size))
		return error_fail_errno(errno);
	return 0;
}

static int option_get(SOCKET s, int level, int name, char *value, int *size)
{
	struct handle *handle;
	socklen_t length;
	int error;

	if (!socket_check(s))
		return SOCKET_ERROR;
	if (!option_readable(size, sizeof(*size)))
		return error_fail(WSAEFAULT);
	if (option_is_linger(level, name) && !option_lingers(s))
		return error_fail(WSAENOPROTOOPT);
	if (option_is_flag(level, name))
		return option_get_flag(s, level, name, value, size);
	if (level == SOL_SOCKET && name == SO_LINGER)
		return option_get_linger(s, value, size);
	if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO))
		return option_get_timeout(s, name, value, size);
	if (level == SOL_SOCKET && *size < (int)sizeof(int))
		return error_fail(WSAEFAULT);
	length = *size;
	if (getsockopt(s, level, name, value, &length))
		return error_fail_errno(errno);
	*size = length;
	if (level == SOL_SOCKET && name == SO_ERROR && length == sizeof(error)) {
		memcpy(&error, value, sizeof(error));
		/* Windows leaves a reset to the transfers, which report it each time (H4). */
		if (socket_is_stream(s) && io_death(s, error) &&
		    (error == ECONNRESET || error == EPIPE))
			error = 0;
		error = error_from_errno(error);
		handle = layer_handle(s);
		if (!error && handle)
			error = layer_above()->connect_error(handle);
		memcpy(value, &error, sizeof(error));
	}
	return 0;
}

WINSOCK_API int winsock_setsockopt(SOCKET s, int level, int name, const char *value,
				   int size)
{
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	return error_result(option_set(s, level, name, value, size));
}

WINSOCK_API int winsock_getsockopt(SOCKET s, int level, int name, char *value, int *size)
{
	BORDER;

	STARTED_OR(SOCKET_ERROR);
	return error_result(option_get(s, level, name, value, size));
}
