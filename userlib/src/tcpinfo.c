// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What TCP_INFO tells since Linux 4.1. On its own: <linux/tcp.h>, which has all of it, and
 * <netinet/tcp.h>, which <winsock2.h> includes, exclude each other.
 */
#include <linux/bpf.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tcpinfo.h"

bool tcpinfo_connect_failed(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return false;
	/* Where there was a connection the SYN at least was acknowledged. */
	return info.tcpi_state == BPF_TCP_CLOSE && !info.tcpi_bytes_acked;
}
