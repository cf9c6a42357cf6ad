/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Winsock for Linux: the names of <winsock2.h>, closesocket() with Windows' rules.
 *
 * A SOCKET is a file descriptor. Constants that the kernel has too keep its values (AF_INET6,
 * SOL_SOCKET, SO_*); error numbers are Windows'. Errors are per thread: a failed call returns
 * SOCKET_ERROR or INVALID_SOCKET, and WSAGetLastError() returns the code; errno is left as it was.
 *
 * To the linker every function is winsock_*: the library defines nothing else. See <winsock_libc.h>
 * for the names that libc has as well. A source file that does not include this header keeps libc's
 * calls.
 */
#ifndef WINSOCK2_H
#define WINSOCK2_H

#include <winsock_libc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Types. u_long is the system's: 8 bytes on a 64-bit Linux. */
typedef int SOCKET;
typedef void *HANDLE;
typedef void *LPVOID;
typedef int BOOL;
typedef int INT;
typedef unsigned int UINT;
typedef uint8_t BYTE;
typedef uint16_t WORD;
typedef uint32_t DWORD;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef uint16_t USHORT;
typedef char CHAR;
typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct sockaddr_in6 SOCKADDR_IN6, *PSOCKADDR_IN6, *LPSOCKADDR_IN6;
typedef struct sockaddr_storage SOCKADDR_STORAGE, *PSOCKADDR_STORAGE;
typedef struct in_addr IN_ADDR, *PIN_ADDR;
typedef struct timeval TIMEVAL, *PTIMEVAL, *LPTIMEVAL;
typedef struct hostent HOSTENT, *PHOSTENT, *LPHOSTENT;
typedef unsigned int GROUP;

#ifndef TRUE
#define TRUE	1
#define FALSE	0
#endif
#define WINAPI
#define WSAAPI
#define PASCAL
#ifndef CALLBACK
#define CALLBACK
#endif
#ifndef FAR
#define FAR
#endif
#define INVALID_SOCKET	((SOCKET)-1)
#define SOCKET_ERROR	(-1)

#define MAKEWORD(low, high)	((WORD)(((BYTE)(low)) | ((WORD)((BYTE)(high))) << 8))
#define LOBYTE(word)		((BYTE)((word) & 0xff))
#define HIBYTE(word)		((BYTE)(((word) >> 8) & 0xff))

#define SD_RECEIVE	SHUT_RD
#define SD_SEND		SHUT_WR
#define SD_BOTH		SHUT_RDWR

/* Linger switched the other way round: TRUE means do not linger (O5). */
#define SO_DONTLINGER	((int)(~SO_LINGER))

/* As Linux behaves without SO_REUSEADDR: no other socket may bind there. */
#define SO_EXCLUSIVEADDRUSE	((int)(~SO_REUSEADDR))

/* A message was longer than the buffer: a flag that WSARecv() returns. */
#define MSG_PARTIAL	MSG_TRUNC

/* Seconds that SO_DONTLINGER FALSE sets if no timeout was ever set. */
#define WINSOCK_LINGER_DEFAULT	5

/* Windows' struct, 4 bytes, whatever <sys/socket.h> says. */
struct WINSOCK_SOCKET(linger) {
	unsigned short l_onoff;		/* not zero: linger */
	unsigned short l_linger;	/* seconds, 0 to 65535 */
};
typedef struct WINSOCK_SOCKET(linger) LINGER, *PLINGER, *LPLINGER;

/*
 * Windows' fd_set: a list. A larger FD_SETSIZE has to be defined before this header, and
 * behind <stdlib.h> and others that define it on Linux; select() itself has no limit. The
 * name is a macro, so that C++ knows one type only, wherever libc's was seen.
 */
typedef struct winsock_fd_set {
	u_int fd_count;
	SOCKET fd_array[FD_SETSIZE];
} winsock_fd_set, FD_SET, *PFD_SET, *LPFD_SET;

static __inline__ int winsock_fd_isset(SOCKET s, const FD_SET *set)
{
	u_int i;

	for (i = 0; i < set->fd_count; i++)
		if (set->fd_array[i] == s)
			return 1;
	return 0;
}

/* Adds a socket once, and not to a full set. */
static __inline__ void winsock_fd_add(SOCKET s, FD_SET *set)
{
	if (!winsock_fd_isset(s, set) && set->fd_count < FD_SETSIZE)
		set->fd_array[set->fd_count++] = s;
}

static __inline__ void winsock_fd_remove(SOCKET s, FD_SET *set)
{
	u_int i, kept = 0;

	for (i = 0; i < set->fd_count; i++)
		if (set->fd_array[i] != s)
			set->fd_array[kept++] = set->fd_array[i];
	set->fd_count = kept;
}

#define __WSAFDIsSet		winsock_fd_isset
#ifndef WINSOCK_KEEP_LIBC_NAMES
#define fd_set			winsock_fd_set
#define FD_SET(s, set)		winsock_fd_add(s, set)
#define FD_CLR(s, set)		winsock_fd_remove(s, set)
#define FD_ISSET(s, set)	winsock_fd_isset(s, set)
#define FD_ZERO(set)		((void)((set)->fd_count = 0))
#endif

#define WSADESCRIPTION_LEN	256
#define WSASYS_STATUS_LEN	128

typedef struct WSAData {
	WORD wVersion;
	WORD wHighVersion;
	unsigned short iMaxSockets;
	unsigned short iMaxUdpDg;
	char *lpVendorInfo;
	char szDescription[WSADESCRIPTION_LEN + 1];
	char szSystemStatus[WSASYS_STATUS_LEN + 1];
} WSADATA, *LPWSADATA;

#define WSA_FLAG_OVERLAPPED		0x01	/* no effect: the mode stays blocking (N13) */
#define WSA_FLAG_NO_HANDLE_INHERIT	0x80	/* close on exec */

/* Error numbers. */
#define WSA_OPERATION_ABORTED	995
#define WSABASEERR		10000
#define WSAEINTR		10004
#define WSAEBADF		10009
#define WSAEACCES		10013
#define WSAEFAULT		10014
#define WSAEINVAL		10022
#define WSAEMFILE		10024
#define WSAEWOULDBLOCK		10035
#define WSAEINPROGRESS		10036
#define WSAEALREADY		10037
#define WSAENOTSOCK		10038
#define WSAEDESTADDRREQ		10039
#define WSAEMSGSIZE		10040
#define WSAEPROTOTYPE		10041
#define WSAENOPROTOOPT		10042
#define WSAEPROTONOSUPPORT	10043
#define WSAESOCKTNOSUPPORT	10044
#define WSAEOPNOTSUPP		10045
#define WSAEPFNOSUPPORT		10046
#define WSAEAFNOSUPPORT		10047
#define WSAEADDRINUSE		10048
#define WSAEADDRNOTAVAIL	10049
#define WSAENETDOWN		10050
#define WSAENETUNREACH		10051
#define WSAENETRESET		10052
#define WSAECONNABORTED		10053
#define WSAECONNRESET		10054
#define WSAENOBUFS		10055
#define WSAEISCONN		10056
#define WSAENOTCONN		10057
#define WSAESHUTDOWN		10058
#define WSAETOOMANYREFS		10059
#define WSAETIMEDOUT		10060
#define WSAECONNREFUSED		10061
#define WSAELOOP		10062
#define WSAENAMETOOLONG		10063
#define WSAEHOSTDOWN		10064
#define WSAEHOSTUNREACH		10065
#define WSAENOTEMPTY		10066
#define WSAEPROCLIM		10067
#define WSAEUSERS		10068
#define WSAEDQUOT		10069
#define WSAESTALE		10070
#define WSAEREMOTE		10071
#define WSASYSNOTREADY		10091
#define WSAVERNOTSUPPORTED	10092
#define WSANOTINITIALISED	10093
#define WSAEDISCON		10101
#define WSAENOMORE		10102
#define WSAECANCELLED		10103
#define WSAEINVALIDPROCTABLE	10104
#define WSAEINVALIDPROVIDER	10105
#define WSAEPROVIDERFAILEDINIT	10106
#define WSASYSCALLFAILURE	10107
#define WSASERVICE_NOT_FOUND	10108
#define WSATYPE_NOT_FOUND	10109
#define WSA_E_NO_MORE		10110
#define WSA_E_CANCELLED		10111
#define WSAEREFUSED		10112
#define WSAHOST_NOT_FOUND	11001
#define WSATRY_AGAIN		11002
#define WSANO_RECOVERY		11003
#define WSANO_DATA		11004
#define WSANO_ADDRESS		WSANO_DATA

#ifdef __cplusplus
}
#endif

#include <winsock_async.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * WSAStartup() - before any other call; counted
 * @version:	wanted version, MAKEWORD(2, 2); 1.0 to 2.2 and beyond are served
 * @data:	filled in
 *
 * Return: 0, or the error itself (not through WSAGetLastError): WSAEFAULT without
 * @data, WSAVERNOTSUPPORTED below 1.0, WSASYSNOTREADY where /dev/winsock is missing,
 * may not be opened or is older; winsock_startup_error() of <winsock_ext.h> then says why. There is
 * no fallback to close(2): its rules are not closesocket's.
 */
int WSAStartup(WORD version, LPWSADATA data) WINSOCK_AS(WSAStartup);

/**
 * WSACleanup() - undo one WSAStartup(); the last one destroys every SOCKET that this library
 * made in the process: TCP connections that no other process holds are reset,
 * pending operations go without a notification, blocked calls fail (X2).
 *
 * Return: 0 or SOCKET_ERROR: WSANOTINITIALISED.
 */
int WSACleanup(void) WINSOCK_AS(WSACleanup);

/* The calling thread's last error. */
int WSAGetLastError(void) WINSOCK_AS(WSAGetLastError);
void WSASetLastError(int error) WINSOCK_AS(WSASetLastError);

/*
 * The calls below fail with WSANOTINITIALISED before WSAStartup(), checked before
 * anything else (A3), with WSAENOTSOCK for a value that is no socket (A6, A7), and
 * with WSAEFAULT for pointers that are needed and missing, or too little room for an
 * address. A caught signal ends a blocking call only if its handler calls
 * WSACancelBlockingCall(). No call raises SIGPIPE. What is said at a call comes in
 * addition.
 *
 * Where they succeed send, recv, select, bind, listen, shutdown, getsockopt, setsockopt,
 * getsockname and getpeername set the last error to 0; the other calls leave it.
 */

/**
 * socket() - a SOCKET, or INVALID_SOCKET. The caller owns it until closesocket(). With
 * AF_INET6 it is IPV6_V6ONLY until the program switches that off.
 */
SOCKET WINSOCK_SOCKET(socket)(int af, int type, int protocol) WINSOCK_AS(socket);

/**
 * WSASocket() - socket() with flags, or a duplicate of another process's socket
 * @info: NULL, or from WSADuplicateSocket()
 * @group: 0 (WSAEINVAL)
 *
 * With @info: WSAEINVAL (not for this process, or the socket is closed), WSAEACCES
 * (see WSADuplicateSocket() for what a receiver needs).
 */
SOCKET WSASocketA(int af, int type, int protocol, LPWSAPROTOCOL_INFOA info,
		  GROUP group, DWORD flags) WINSOCK_AS(WSASocketA);
SOCKET WSASocketW(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info,
		  GROUP group, DWORD flags) WINSOCK_AS(WSASocketW);
#define WSASocket WSASocketA

/**
 * bind() - succeeds in spite of TIME_WAITs that a listener of the library left. Two sockets never
 * share a port, unless SO_REUSEADDR says so on both.
 */
int WINSOCK_SOCKET(bind)(SOCKET s, const struct sockaddr *name, int size) WINSOCK_AS(bind);
/** listen() - WSAEINVAL for a socket that is not bound, WSAEISCONN for a connected one. */
int WINSOCK_SOCKET(listen)(SOCKET s, int backlog) WINSOCK_AS(listen);

/**
 * accept() - the new SOCKET has the listener's linger setting and, unlike Linux'
 * accept(2), its non-blocking mode (O20, O22).
 */
SOCKET WINSOCK_SOCKET(accept)(SOCKET s, struct sockaddr *name, int *size) WINSOCK_AS(accept);

/**
 * connect() - WSAEWOULDBLOCK: under way on a non-blocking socket; then WSAEALREADY, and
 * WSAEISCONN once it is connected. WSAEINVAL for a listener. WSAEADDRNOTAVAIL for a stream to
 * INADDR_ANY, in6addr_any or port 0.
 */
int WINSOCK_SOCKET(connect)(SOCKET s, const struct sockaddr *name, int size) WINSOCK_AS(connect);

/**
 * send() - bytes accepted, or SOCKET_ERROR: WSAESHUTDOWN after shutdown(SD_SEND),
 * WSAECONNRESET on every call after the peer's reset (H4), WSAECONNABORTED if the peer had
 * closed; WSAETIMEDOUT after SO_SNDTIMEO, or once if the peer was silent for so long that TCP has
 * given up, then WSAECONNABORTED.
 */
int WINSOCK_SOCKET(send)(SOCKET s, const char *buffer, int size, int flags) WINSOCK_AS(send);
int WINSOCK_SOCKET(sendto)(SOCKET s, const char *buffer, int size, int flags,
		   const struct sockaddr *name, int name_size) WINSOCK_AS(sendto);

/** recv() - bytes, 0 at the peer's FIN, or SOCKET_ERROR as send(). */
int WINSOCK_SOCKET(recv)(SOCKET s, char *buffer, int size, int flags) WINSOCK_AS(recv);
int WINSOCK_SOCKET(recvfrom)(SOCKET s, char *buffer, int size, int flags,
		     struct sockaddr *name, int *name_size) WINSOCK_AS(recvfrom);

/**
 * shutdown() - SD_RECEIVE, SD_SEND or SD_BOTH; never waits (X4): where sends are pending the
 * FIN goes out behind them. WSAEINVAL for another @how, WSAENOTCONN without a connection, for a
 * listener, too.
 */
int WINSOCK_SOCKET(shutdown)(SOCKET s, int how) WINSOCK_AS(shutdown);

/**
 * select() - @timeout is not changed; on an error the sets are not either
 *
 * A socket that another thread closes during the call is reported as readable or writable, if the
 * caller asked for that; else the call fails with WSAENOTSOCK (P14, P15). WSAEINVAL: no socket in
 * any set, or a negative @timeout. WSAENOBUFS: no memory.
 */
int WINSOCK_SELECT(select)(int unused, FD_SET *readable, FD_SET *writable, FD_SET *exceptional,
		   const struct timeval *timeout) WINSOCK_AS(select);

/**
 * WSAPoll() - Linux' constants and Windows' answers
 *
 * POLLIN and POLLRDNORM mean the same, as POLLOUT and POLLWRNORM; the peer's FIN gives POLLHUP,
 * asked for or not. An entry that is no socket gets POLLNVAL and is not counted; a socket that a
 * thread closes during the call is (P16). WSAENOTSOCK: no entry is a socket. WSAEINVAL: @count is
 * 0. WSAENOBUFS: no memory.
 */
typedef struct pollfd WSAPOLLFD, *PWSAPOLLFD, *LPWSAPOLLFD;
int WSAPoll(LPWSAPOLLFD sockets, ULONG count, INT ms) WINSOCK_AS(WSAPoll);

/**
 * getsockopt(), setsockopt() - SO_LINGER takes Windows' 4-byte struct, SO_DONTLINGER
 * any length (claims O1 to O20), SO_RCVTIMEO and SO_SNDTIMEO a DWORD of ms, SO_ERROR
 * gives a WSA number, but 0 after a reset (H4), and what a connect failed with once, or
 * with WSAEventSelect() until the next. WSAENOPROTOOPT for linger on
 * sockets other than SOCK_STREAM and SOCK_SEQPACKET.
 *
 * SO_REUSEADDR and SO_EXCLUSIVEADDRUSE read as the program set them, though a listener has
 * Linux' SO_REUSEADDR in any case; one excludes the other (WSAEINVAL). WSAEFAULT: the value is
 * too short; a BOOL may have any length. Options at the levels of IP and of other protocols have
 * Linux' rules.
 */
int WINSOCK_SOCKET(getsockopt)(SOCKET s, int level, int name, char *value, int *size)
	WINSOCK_AS(getsockopt);
int WINSOCK_SOCKET(setsockopt)(SOCKET s, int level, int name, const char *value, int size)
	WINSOCK_AS(setsockopt);

/** getsockname() - WSAEINVAL for a socket that is not bound. */
int WINSOCK_SOCKET(getsockname)(SOCKET s, struct sockaddr *name, int *size) WINSOCK_AS(getsockname);
int WINSOCK_SOCKET(getpeername)(SOCKET s, struct sockaddr *name, int *size) WINSOCK_AS(getpeername);

/**
 * ioctlsocket() - FIONBIO, FIONREAD, SIOCATMARK; WSAEINVAL for others, and for FIONBIO 0
 * while network events are selected (O24).
 */
int ioctlsocket(SOCKET s, long command, u_long *argument) WINSOCK_AS(ioctlsocket);

/**
 * closesocket() - close, by Windows' rules; see Documentation/closesocket.rst
 *
 * Return: 0 and the SOCKET is gone, or SOCKET_ERROR and it is as it was:
 *   WSAENOTSOCK	also: another close waits on it (B8)
 *   WSAEWOULDBLOCK	non-blocking, linger with a timeout, data not acknowledged (N1)
 *   WSAEINPROGRESS	it would have to wait, in a routine that interrupts a blocking
 *			call (A13)
 *   WSAEINTR		the wait was ended by WSACancelBlockingCall() (A14)
 *   WSAENOBUFS		no memory for the wait, or the user has as many closes pending
 *			as net.winsock.ops_max allows
 *   WSAEMFILE		the system's table of open files is full
 *   WSAEACCES		a security module of the system refuses
 */
int closesocket(SOCKET s) WINSOCK_AS(closesocket);

/**
 * getaddrinfo(), getnameinfo(), gethostbyname() - libc's, and what the first returns is libc's;
 * gethostbyname() returns memory of the thread, valid until its next call there.
 * WSAGetLastError() tells why they failed: WSAHOST_NOT_FOUND, WSATRY_AGAIN, WSANO_RECOVERY,
 * WSANO_DATA, WSAEAFNOSUPPORT, WSAESOCKTNOSUPPORT, WSATYPE_NOT_FOUND (the service), WSAEINVAL
 * (flags), WSAEFAULT (no room), WSA_NOT_ENOUGH_MEMORY.
 */
int WINSOCK_NETDB(getaddrinfo)(const char *node, const char *service,
			       const struct addrinfo *hints, struct addrinfo **result)
	WINSOCK_AS(getaddrinfo);
int WINSOCK_NETDB(getnameinfo)(const struct sockaddr *name, int size, char *node,
			       DWORD node_size, char *service, DWORD service_size, int flags)
	WINSOCK_AS(getnameinfo);
struct hostent *WINSOCK_NETDB(gethostbyname)(const char *name) WINSOCK_AS(gethostbyname);

/**
 * SetHandleInformation(), GetHandleInformation() - do programs that this process starts
 * inherit the descriptor?
 * @handle: a SOCKET as a HANDLE
 * @mask: HANDLE_FLAG_INHERIT, or 0
 *
 * Return: TRUE, or FALSE: ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER.
 */
#define HANDLE_FLAG_INHERIT	1
BOOL SetHandleInformation(HANDLE handle, DWORD mask, DWORD flags) WINSOCK_AS(SetHandleInformation);
BOOL GetHandleInformation(HANDLE handle, LPDWORD flags) WINSOCK_AS(GetHandleInformation);

#ifdef __cplusplus
}
#endif

#endif /* WINSOCK2_H */
