/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The system's headers as <winsock2.h> needs them; do not include it alone.
 *
 * <winsock2.h> declares a name that both have, send for one, as the function winsock_send() of the
 * library: as itself, with an assembler name, so that methods, members and pointers of that name
 * keep it. That requires libc's declaration to be out of sight, so its header is included with the
 * name changed. If the program has included that header before, libc's declaration stays, and a
 * macro takes its place.
 */
#ifndef WINSOCK_LIBC_H
#define WINSOCK_LIBC_H

#include <stdint.h>
#include <string.h>

/* WINSOCK_AS(name): declared so, a function is winsock_name to the linker. */
#define WINSOCK_AS(name)	__asm__("winsock_" #name)

/* WINSOCK_SOCKET(name) and so on: the name under which a function of libc's name is declared. */
#if defined(WINSOCK_KEEP_LIBC_NAMES) || defined(_SYS_SOCKET_H)
#define WINSOCK_SOCKET_SEEN
#define WINSOCK_SOCKET(name)	winsock_##name
#else
#define WINSOCK_SOCKET(name)	name
#endif
#if defined(WINSOCK_KEEP_LIBC_NAMES) || defined(_SYS_SELECT_H)
#define WINSOCK_SELECT_SEEN
#define WINSOCK_SELECT(name)	winsock_##name
#else
#define WINSOCK_SELECT(name)	name
#endif
#if defined(WINSOCK_KEEP_LIBC_NAMES) || defined(_NETDB_H)
#define WINSOCK_NETDB_SEEN
#define WINSOCK_NETDB(name)	winsock_##name
#else
#define WINSOCK_NETDB(name)	name
#endif

#ifndef WINSOCK_KEEP_LIBC_NAMES
#define socket		winsock_libc_socket
#define bind		winsock_libc_bind
#define listen		winsock_libc_listen
#define accept		winsock_libc_accept
#define connect		winsock_libc_connect
#define send		winsock_libc_send
#define sendto		winsock_libc_sendto
#define recv		winsock_libc_recv
#define recvfrom	winsock_libc_recvfrom
#define shutdown	winsock_libc_shutdown
#define getsockopt	winsock_libc_getsockopt
#define setsockopt	winsock_libc_setsockopt
#define getsockname	winsock_libc_getsockname
#define getpeername	winsock_libc_getpeername
#define linger		winsock_libc_linger
#define select		winsock_libc_select
#define getaddrinfo	winsock_libc_getaddrinfo
#define getnameinfo	winsock_libc_getnameinfo
#define gethostbyname	winsock_libc_gethostbyname

/* Only the names are hidden: programs have their own. <sys/...> of ours bring them back. */
#ifndef __socklen_t_defined
#define socklen_t	winsock_libc_socklen_t
#endif
#ifndef _SYS_POLL_H
#define poll		winsock_libc_poll
#define nfds_t		winsock_libc_nfds_t
#endif
#endif /* WINSOCK_KEEP_LIBC_NAMES */

/* -std=c99 and the like: they leave out types that Winsock has. */
#ifndef __USE_MISC
#define WINSOCK_STRICT
#define __USE_MISC	1
#endif
#ifndef __USE_XOPEN2K
#define WINSOCK_STRICT_POSIX
#define __USE_XOPEN2K	1
#endif

/* The program may define FD_SETSIZE. */
#ifndef _SYS_SELECT_H
#pragma push_macro("FD_SETSIZE")
#include <sys/select.h>
#undef FD_SETSIZE
#pragma pop_macro("FD_SETSIZE")
#endif
#ifndef FD_SETSIZE
#define FD_SETSIZE	1024
#endif

#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <asm/ioctls.h>
#include <netdb.h>
#include <poll.h>

/* What Microsoft's WSAPoll() is called with; <poll.h> has them for X/Open programs. */
#ifndef POLLRDNORM
#define POLLRDNORM	0x040
#define POLLRDBAND	0x080
#define POLLWRNORM	0x100
#define POLLWRBAND	0x200
#endif

#ifdef WINSOCK_STRICT
#undef __USE_MISC
#undef WINSOCK_STRICT
#endif
#ifdef WINSOCK_STRICT_POSIX
#undef __USE_XOPEN2K
#undef WINSOCK_STRICT_POSIX
#endif

/* <sys/types.h> was there before, without them. */
#ifndef __u_char_defined
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;
#define __u_char_defined
#endif

#ifndef WINSOCK_KEEP_LIBC_NAMES
#undef socket
#undef bind
#undef listen
#undef accept
#undef connect
#undef send
#undef sendto
#undef recv
#undef recvfrom
#undef shutdown
#undef getsockopt
#undef setsockopt
#undef getsockname
#undef getpeername
#undef linger
#undef select
#undef getaddrinfo
#undef getnameinfo
#undef gethostbyname
#undef FD_SET
#undef FD_CLR
#undef FD_ISSET
#undef FD_ZERO
#ifdef socklen_t
#undef socklen_t
#undef __socklen_t_defined
#endif
#ifdef poll
#undef poll
#undef nfds_t
#define WINSOCK_HIDES_POLL
#endif
#ifdef WINSOCK_SOCKET_SEEN
#define socket		winsock_socket
#define bind		winsock_bind
#define listen		winsock_listen
#define accept		winsock_accept
#define connect		winsock_connect
#define send		winsock_send
#define sendto		winsock_sendto
#define recv		winsock_recv
#define recvfrom	winsock_recvfrom
#define shutdown	winsock_shutdown
#define getsockopt	winsock_getsockopt
#define setsockopt	winsock_setsockopt
#define getsockname	winsock_getsockname
#define getpeername	winsock_getpeername
#endif
#ifdef WINSOCK_SELECT_SEEN
#define select		winsock_select
#endif
#ifdef WINSOCK_NETDB_SEEN
#define getaddrinfo	winsock_getaddrinfo
#define getnameinfo	winsock_getnameinfo
#define gethostbyname	winsock_gethostbyname
#endif
#endif /* WINSOCK_KEEP_LIBC_NAMES */
#ifdef WINSOCK_SOCKET_SEEN
#define linger		winsock_linger
#endif

/* Copied from <netinet/tcp.h>, <unistd.h> and <sys/time.h>, which declare too much. */
#ifndef TCP_NODELAY
#define TCP_NODELAY	1
#define TCP_MAXSEG	2
#define TCP_KEEPIDLE	4
#define TCP_KEEPINTVL	5
#define TCP_KEEPCNT	6
#define TCP_FASTOPEN	23
#endif

#ifndef timerisset
#define timerisset(time)	((time)->tv_sec || (time)->tv_usec)
#define timerclear(time)	((time)->tv_sec = (time)->tv_usec = 0)
#define timercmp(a, b, CMP) \
	(((a)->tv_sec == (b)->tv_sec) ? ((a)->tv_usec CMP (b)->tv_usec) : \
					((a)->tv_sec CMP (b)->tv_sec))
#endif

__BEGIN_DECLS
extern int gethostname(char *name, size_t size) __THROW;
__END_DECLS

#endif /* WINSOCK_LIBC_H */
