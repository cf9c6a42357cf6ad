// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * TCP_INFO as of Linux 4.1, in a file of its own: <linux/tcp.h>, which has all fields, and
 * <netinet/tcp.h> exclude each other.
 */
#include <linux/bpf.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tcpinfo.h"

int tcpinfo_state(int fd, bool *moved)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return -1;
	/* If connect() succeeded, at least the SYN was acknowledged. */
	*moved = info.tcpi_bytes_acked || info.tcpi_bytes_received;
	return info.tcpi_state;
}

bool tcpinfo_connect_failed(int fd)
{
	bool moved;

	return tcpinfo_state(fd, &moved) == BPF_TCP_CLOSE && !moved;
}

bool tcpinfo_peer_is_done(int fd)
{
	bool moved;
	int state = tcpinfo_state(fd, &moved);

	return state != BPF_TCP_ESTABLISHED && state != BPF_TCP_FIN_WAIT1 &&
	       state != BPF_TCP_FIN_WAIT2;
}
