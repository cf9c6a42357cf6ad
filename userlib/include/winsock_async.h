/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of <winsock2.h> that does not block: overlapped I/O, events, network
 * events, completion ports, APCs. Included by <winsock2.h>; do not include it alone.
 *
 * Handles of this part (WSAEVENT, completion ports, threads) are numbers above all
 * descriptors and cost none, so the calls tell a HANDLE that is a cast SOCKET from them. A
 * handle that was closed, or never was one, gives ERROR_INVALID_HANDLE. WSAGetLastError() and
 * GetLastError() are the same value.
 *
 * The first operation that stays pending, or network-event association, of a process
 * starts one helper thread, which blocks all signals and runs nothing of the program; a
 * process that needs neither has none.
 *
 * fork(): a child has its parent's sockets as further handles to them, with their
 * options, and events of its own that are as its parent's were. Nothing else of this part:
 * operations, associations, ports and queued routines stay the parent's.
 */
#ifndef WINSOCK_ASYNC_H
#define WINSOCK_ASYNC_H

#ifdef __cplusplus
extern "C" {
#endif

typedef uintptr_t ULONG_PTR, DWORD_PTR, *PULONG_PTR, *PDWORD_PTR;
typedef DWORD *LPDWORD, *PDWORD;
typedef ULONG *PULONG;
typedef INT *LPINT;
typedef short SHORT;

#define INVALID_HANDLE_VALUE	((HANDLE)(intptr_t)-1)
#define INFINITE		0xffffffffU

#define ERROR_SUCCESS			0
#define ERROR_TOO_MANY_OPEN_FILES	4
#define ERROR_ACCESS_DENIED		5
#define ERROR_INVALID_HANDLE		6
#define ERROR_NOT_ENOUGH_MEMORY		8
#define ERROR_HANDLE_EOF		38
#define ERROR_NOT_SUPPORTED		50
#define ERROR_NETNAME_DELETED		64
#define ERROR_INVALID_PARAMETER		87
#define ERROR_BROKEN_PIPE		109
#define ERROR_SEM_TIMEOUT		121
#define ERROR_INSUFFICIENT_BUFFER	122
#define ERROR_ALREADY_EXISTS		183
#define ERROR_MORE_DATA			234
#define ERROR_ABANDONED_WAIT_0		735
#define ERROR_OPERATION_ABORTED		995
#define ERROR_IO_INCOMPLETE		996
#define ERROR_IO_PENDING		997
#define ERROR_NOT_FOUND			1168
#define ERROR_CONNECTION_REFUSED	1225
#define ERROR_NETWORK_UNREACHABLE	1231
#define ERROR_HOST_UNREACHABLE		1232
#define ERROR_PORT_UNREACHABLE		1234
#define ERROR_CONNECTION_ABORTED	1236
#define ERROR_RETRY			1237
#define WAIT_TIMEOUT			258
#define WAIT_IO_COMPLETION		192

#define WSA_INVALID_HANDLE		ERROR_INVALID_HANDLE
#define WSA_NOT_ENOUGH_MEMORY		ERROR_NOT_ENOUGH_MEMORY
#define WSA_INVALID_PARAMETER		ERROR_INVALID_PARAMETER
#define WSA_IO_INCOMPLETE		ERROR_IO_INCOMPLETE
#define WSA_IO_PENDING			ERROR_IO_PENDING

DWORD GetLastError(void) WINSOCK_AS(GetLastError);
void SetLastError(DWORD error) WINSOCK_AS(SetLastError);

/**
 * CloseHandle() - give up a WSAEVENT, completion port or thread handle
 *
 * Threads that wait on a closed port get ERROR_ABANDONED_WAIT_0; the associations of a closed event
 * end. A SOCKET is closed without what closesocket() does (M5): its operations and associations are
 * dropped, and the call neither waits nor refuses: the kernel lingers, to the deadline. Where it
 * cannot (no memory, ops_max, a family that the module does not know) the close is close(2)'s.
 * Return: TRUE, or FALSE: ERROR_INVALID_HANDLE.
 */
BOOL CloseHandle(HANDLE handle) WINSOCK_AS(CloseHandle);

/*
 * APCs: routines that run in a given thread, in one of its alertable waits: SleepEx(),
 * WSAWaitForMultipleEvents() and GetQueuedCompletionStatusEx() if asked to be, and every
 * call of this library that really blocks, closesocket() among them (B9, X3). The
 * former end when a routine has run, the blocking calls go on with their deadline.
 * A routine that interrupts a blocking call may not make one itself: that fails with
 * WSAEINPROGRESS where it would have to wait, and does nothing (A13, B10).
 */
typedef void (*PAPCFUNC)(ULONG_PTR data);

/**
 * QueueUserAPC() - have a routine run in a thread
 * @thread: from winsock_thread_self(), or GetCurrentThread()
 *
 * Routines run in the order in which they were queued, once each; what is queued when
 * the thread ends does not run. Return: not 0, or 0: ERROR_INVALID_HANDLE (no thread
 * handle, or the thread has ended), ERROR_NOT_ENOUGH_MEMORY.
 */
DWORD QueueUserAPC(PAPCFUNC routine, HANDLE thread, ULONG_PTR data) WINSOCK_AS(QueueUserAPC);

/** GetCurrentThread() - a value that means the calling thread wherever it is used. */
HANDLE GetCurrentThread(void) WINSOCK_AS(GetCurrentThread);

/**
 * SleepEx() - sleep for @ms; INFINITE: for ever
 *
 * Return: 0 after the time, WAIT_IO_COMPLETION if @alertable and a routine has run.
 */
DWORD SleepEx(DWORD ms, BOOL alertable) WINSOCK_AS(SleepEx);
void Sleep(DWORD ms) WINSOCK_AS(Sleep);

/**
 * WSACancelBlockingCall() - end the calling thread's blocking call with WSAEINTR
 *
 * To be called from an APC or a signal handler that interrupts the call. A connect so
 * ended goes on in the background; a lingering closesocket leaves the SOCKET and the
 * connection as they were, to be closed again (A14). Return: 0, or SOCKET_ERROR:
 * WSAEINVAL if the thread is in no blocking call.
 */
int WSACancelBlockingCall(void) WINSOCK_AS(WSACancelBlockingCall);

/* Events. */
typedef HANDLE WSAEVENT, *LPWSAEVENT;
#define WSA_INVALID_EVENT	((WSAEVENT)NULL)
#define WSA_MAXIMUM_WAIT_EVENTS	64
#define WSA_WAIT_FAILED		0xffffffffU
#define WSA_WAIT_EVENT_0	0
#define WSA_WAIT_TIMEOUT	WAIT_TIMEOUT
#define WSA_WAIT_IO_COMPLETION	WAIT_IO_COMPLETION
#define WSA_INFINITE		INFINITE

/**
 * WSACreateEvent() - a manual-reset event, not signalled
 *
 * Return: the event, the caller's until WSACloseEvent(), or WSA_INVALID_EVENT:
 * WSA_NOT_ENOUGH_MEMORY.
 */
WSAEVENT WSACreateEvent(void) WINSOCK_AS(WSACreateEvent);
BOOL WSASetEvent(WSAEVENT event) WINSOCK_AS(WSASetEvent);
BOOL WSAResetEvent(WSAEVENT event) WINSOCK_AS(WSAResetEvent);
BOOL WSACloseEvent(WSAEVENT event) WINSOCK_AS(WSACloseEvent);

/**
 * WSAWaitForMultipleEvents() - wait for one or all of up to 64 events
 *
 * Return: WSA_WAIT_EVENT_0 + the index that ended the wait, or the lowest signalled (0 with @all),
 * WSA_WAIT_TIMEOUT, WSA_WAIT_IO_COMPLETION, or WSA_WAIT_FAILED: WSA_INVALID_HANDLE,
 * WSA_INVALID_PARAMETER (@count; no @events; with @all one of them twice), WSA_NOT_ENOUGH_MEMORY.
 */
DWORD WSAWaitForMultipleEvents(DWORD count, const WSAEVENT *events, BOOL all, DWORD ms,
			       BOOL alertable) WINSOCK_AS(WSAWaitForMultipleEvents);

/*
 * The same by their names in <windows.h>. An event that CreateEvent() makes with @manual FALSE is
 * reset by the one wait that it ends. @attributes is ignored; a named event fails with
 * ERROR_NOT_SUPPORTED.
 */
#define WAIT_OBJECT_0		WSA_WAIT_EVENT_0
#define WAIT_FAILED		WSA_WAIT_FAILED
#define MAXIMUM_WAIT_OBJECTS	WSA_MAXIMUM_WAIT_EVENTS
HANDLE CreateEventA(LPVOID attributes, BOOL manual, BOOL set, const char *name)
	WINSOCK_AS(CreateEventA);
#define CreateEvent CreateEventA
BOOL SetEvent(HANDLE event) WINSOCK_AS(WSASetEvent);
BOOL ResetEvent(HANDLE event) WINSOCK_AS(WSAResetEvent);
DWORD WaitForSingleObject(HANDLE event, DWORD ms) WINSOCK_AS(WaitForSingleObject);
DWORD WaitForMultipleObjects(DWORD count, const HANDLE *events, BOOL all, DWORD ms)
	WINSOCK_AS(WaitForMultipleObjects);

/* Overlapped I/O. */
typedef struct winsock_overlapped {
	ULONG_PTR Internal;		/* the library's; 0x103 while pending */
	ULONG_PTR InternalHigh;		/* bytes transferred */
	DWORD Offset;			/* the library's */
	DWORD OffsetHigh;		/* the library's */
	HANDLE hEvent;			/* a WSAEVENT or NULL; low bit set: not to the port */
} OVERLAPPED, *LPOVERLAPPED, WSAOVERLAPPED, *LPWSAOVERLAPPED;

#define STATUS_PENDING	0x103
#define HasOverlappedIoCompleted(overlapped) \
	(__atomic_load_n(&(overlapped)->Internal, __ATOMIC_ACQUIRE) != STATUS_PENDING)

typedef struct winsock_buf {
	ULONG len;
	CHAR *buf;
} WSABUF, *LPWSABUF;

typedef void (*LPWSAOVERLAPPED_COMPLETION_ROUTINE)(DWORD error, DWORD transferred,
						   LPWSAOVERLAPPED overlapped, DWORD flags);

/**
 * WSASend(), WSASendTo(), WSARecv(), WSARecvFrom() - transfer, overlapped or not
 * @buffers:	read during the call only; what they point to is the operation's until
 *		it completes
 * @overlapped:	the operation's until it completes; NULL without @routine: the call is a
 *		plain send or recv on several buffers
 * @routine:	or NULL; runs as an APC of the calling thread
 *
 * Operations on a socket are carried out in the order of the calls, receives and sends
 * apart from each other, blocking mode or not. Each that returned 0 or WSA_IO_PENDING
 * completes exactly once: @routine, or else the socket's completion port, and
 * overlapped->hEvent. closesocket() of the process's last handle completes what is
 * pending with WSA_OPERATION_ABORTED and 0 bytes (P1 to P3), possibly after it
 * returned (P4). A thread that ends takes its operations with it, those on a port
 * excepted (P22).
 *
 * Return: 0 (done; it completes all the same) or SOCKET_ERROR: WSA_IO_PENDING, or what send() and
 * recv() say, WSAEFAULT, WSAEINVAL (no buffer, or more than 1024; @routine, and the socket has a
 * completion port), WSAENOBUFS; then nothing completes later. With WSAEMSGSIZE, a datagram that did
 * not fit, the flags are MSG_PARTIAL.
 */
int WSASend(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
	    LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
	WINSOCK_AS(WSASend);
int WSASendTo(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
	      const struct sockaddr *to, int to_size, LPWSAOVERLAPPED overlapped,
	      LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) WINSOCK_AS(WSASendTo);
int WSARecv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
	    LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
	WINSOCK_AS(WSARecv);
int WSARecvFrom(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
		struct sockaddr *from, LPINT from_size, LPWSAOVERLAPPED overlapped,
		LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) WINSOCK_AS(WSARecvFrom);

/**
 * WSAGetOverlappedResult() - how did an operation end?
 * @wait: wait for it, if it has no completion routine
 *
 * The socket may be closed by now. Return: TRUE with *@transferred and *@flags, or
 * FALSE: WSA_IO_INCOMPLETE, or the operation's own error.
 */
BOOL WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD transferred,
			    BOOL wait, LPDWORD flags) WINSOCK_AS(WSAGetOverlappedResult);

/**
 * CancelIoEx() - cancel one operation of a socket, or all of this process
 * @file: the SOCKET as a HANDLE
 *
 * The operations complete with WSA_OPERATION_ABORTED, unless they have completed before. Return:
 * TRUE, or FALSE: ERROR_NOT_FOUND (nothing pending), ERROR_INVALID_HANDLE.
 */
BOOL CancelIoEx(HANDLE file, LPOVERLAPPED overlapped) WINSOCK_AS(CancelIoEx);

/* For WSAIoctl(): a GUID of <mswsock.h> gives a pointer to its function. */
#define SIO_GET_EXTENSION_FUNCTION_POINTER	0xC8000006U

/**
 * CancelIo() - cancel the operations of a socket that the calling thread began
 *
 * Return: TRUE, also if there is none, or FALSE: ERROR_INVALID_HANDLE.
 */
BOOL CancelIo(HANDLE file) WINSOCK_AS(CancelIo);

/* GetOverlappedResult() - the same without flags; an error has the system's name, as at a port */
BOOL GetOverlappedResult(HANDLE file, LPOVERLAPPED overlapped, LPDWORD transferred, BOOL wait)
	WINSOCK_AS(GetOverlappedResult);

/**
 * WSAIoctl() - ioctlsocket() with buffers
 * @code:	FIONBIO, FIONREAD, SIOCATMARK; SIO_KEEPALIVE_VALS and SIO_UDP_CONNRESET of
 *		<mstcpip.h>; SIO_GET_EXTENSION_FUNCTION_POINTER
 * @returned:	bytes in @out
 * @overlapped:	NULL, as @routine: all of these are done at once
 *
 * Return: 0, or SOCKET_ERROR: WSAEFAULT (a buffer is too small), WSAEOPNOTSUPP (another @code,
 * @overlapped), WSAEINVAL (FIONBIO 0 while network events are selected; a GUID that is none
 * of <mswsock.h>).
 */
int WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size,
	     LPDWORD returned, LPWSAOVERLAPPED overlapped,
	     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) WINSOCK_AS(WSAIoctl);

/* Completion ports. */
typedef struct winsock_overlapped_entry {
	ULONG_PTR lpCompletionKey;
	LPOVERLAPPED lpOverlapped;
	ULONG_PTR Internal;		/* the operation's error by the system's name, or 0 */
	DWORD dwNumberOfBytesTransferred;
} OVERLAPPED_ENTRY, *LPOVERLAPPED_ENTRY;

/**
 * CreateIoCompletionPort() - make a port, associate a socket, or both
 * @file:	a SOCKET as a HANDLE, or INVALID_HANDLE_VALUE
 * @port:	an existing port, or NULL for a new one
 * @key:	comes back with each completion of @file
 * @threads:	accepted and without effect
 *
 * The association ends with closesocket(). Return: the port, the caller's until
 * CloseHandle(), or NULL: ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER (the socket
 * has a port; @port without @file), ERROR_NOT_ENOUGH_MEMORY.
 */
HANDLE CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads)
	WINSOCK_AS(CreateIoCompletionPort);

/**
 * GetQueuedCompletionStatus() - take one packet, in the order of the completions
 *
 * Return: TRUE; FALSE with *@overlapped set: an operation that failed, GetLastError() is its
 * error by the system's name: ERROR_NETNAME_DELETED (the peer's reset), ERROR_CONNECTION_ABORTED,
 * ERROR_CONNECTION_REFUSED, ERROR_SEM_TIMEOUT (WSAETIMEDOUT), ERROR_NETWORK_UNREACHABLE,
 * ERROR_HOST_UNREACHABLE, of a datagram ERROR_MORE_DATA (cut short) and ERROR_PORT_UNREACHABLE;
 * otherwise Winsock's. FALSE with NULL there: WAIT_TIMEOUT, ERROR_ABANDONED_WAIT_0 (a thread has
 * closed the port), ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER (a pointer is NULL),
 * ERROR_NOT_ENOUGH_MEMORY.
 */
BOOL GetQueuedCompletionStatus(HANDLE port, LPDWORD transferred, PULONG_PTR key,
			       LPOVERLAPPED *overlapped, DWORD ms)
	WINSOCK_AS(GetQueuedCompletionStatus);

/**
 * GetQueuedCompletionStatusEx() - take up to @count packets
 *
 * Return: TRUE with *@removed of them, or FALSE with 0: as above, and
 * WAIT_IO_COMPLETION if @alertable and a routine has run.
 */
BOOL GetQueuedCompletionStatusEx(HANDLE port, LPOVERLAPPED_ENTRY entries, ULONG count,
				 PULONG removed, DWORD ms, BOOL alertable)
	WINSOCK_AS(GetQueuedCompletionStatusEx);

/** PostQueuedCompletionStatus() - queue a packet; FALSE: ERROR_INVALID_HANDLE,
 * ERROR_NOT_ENOUGH_MEMORY. */
BOOL PostQueuedCompletionStatus(HANDLE port, DWORD transferred, ULONG_PTR key,
				LPOVERLAPPED overlapped) WINSOCK_AS(PostQueuedCompletionStatus);

/* Network events. */
#define FD_READ_BIT		0
#define FD_WRITE_BIT		1
#define FD_OOB_BIT		2
#define FD_ACCEPT_BIT		3
#define FD_CONNECT_BIT		4
#define FD_CLOSE_BIT		5
#define FD_MAX_EVENTS		10
#define FD_READ			(1 << FD_READ_BIT)
#define FD_WRITE		(1 << FD_WRITE_BIT)
#define FD_OOB			(1 << FD_OOB_BIT)
#define FD_ACCEPT		(1 << FD_ACCEPT_BIT)
#define FD_CONNECT		(1 << FD_CONNECT_BIT)
#define FD_CLOSE		(1 << FD_CLOSE_BIT)
#define FD_ALL_EVENTS		((1 << FD_MAX_EVENTS) - 1)

typedef struct winsock_network_events {
	long lNetworkEvents;
	int iErrorCode[FD_MAX_EVENTS];
} WSANETWORKEVENTS, *LPWSANETWORKEVENTS;

/**
 * WSAEventSelect() - have an event signalled when something happens on a socket
 * @events: FD_* bits; 0 cancels the association
 *
 * Makes the socket non-blocking, and it stays so. An event is signalled once, and again after the
 * call that it invites to: FD_READ after a receive that leaves data, FD_WRITE after a send that
 * failed with WSAEWOULDBLOCK, FD_ACCEPT after accept(). FD_CLOSE is signalled when the data before
 * it was read: 0 after a FIN, WSAECONNABORTED after a reset (H7), once, and never after
 * closesocket() (V1). Accepted sockets have the listener's association. Return: 0, or SOCKET_ERROR:
 * WSAENOTSOCK, WSAEINVAL (@events, or no event where one is needed), WSAENOBUFS.
 */
int WSAEventSelect(SOCKET s, WSAEVENT event, long events) WINSOCK_AS(WSAEventSelect);

/**
 * WSAEnumNetworkEvents() - read and clear what has happened on a socket
 * @event: reset, if not NULL
 */
int WSAEnumNetworkEvents(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS events)
	WINSOCK_AS(WSAEnumNetworkEvents);

/*
 * Passing a socket on. WSADuplicateSocket() fills in @info for the process @pid, which
 * gets it by any channel between the two, and calls WSASocket(FROM_PROTOCOL_INFO,
 * FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, info, 0, 0). Until then the SOCKET must stay
 * open. The receiver takes the descriptor with pidfd_getfd(2): it needs Linux 5.6, the
 * same user, and what ptrace(2) calls attach permission; where Yama restricts that
 * (kernel.yama.ptrace_scope), it has to be an ancestor, or named by prctl(PR_SET_PTRACER).
 * A descriptor that came by SCM_RIGHTS is a SOCKET without any of this.
 */
typedef struct winsock_guid {
	uint32_t Data1;
	uint16_t Data2;
	uint16_t Data3;
	uint8_t Data4[8];
} GUID;

#define MAX_PROTOCOL_CHAIN	7
#define WSAPROTOCOL_LEN		255
#define FROM_PROTOCOL_INFO	(-1)

typedef struct winsock_protocol_chain {
	int ChainLen;
	DWORD ChainEntries[MAX_PROTOCOL_CHAIN];
} WSAPROTOCOLCHAIN;

typedef struct winsock_protocol_info {
	DWORD dwServiceFlags1;
	DWORD dwServiceFlags2;
	DWORD dwServiceFlags3;
	DWORD dwServiceFlags4;
	DWORD dwProviderFlags;
	GUID ProviderId;		/* which socket of which process */
	DWORD dwCatalogEntryId;
	WSAPROTOCOLCHAIN ProtocolChain;
	int iVersion;
	int iAddressFamily;
	int iMaxSockAddr;
	int iMinSockAddr;
	int iSocketType;
	int iProtocol;
	int iProtocolMaxOffset;
	int iNetworkByteOrder;
	int iSecurityScheme;
	DWORD dwMessageSize;
	DWORD dwProviderReserved;
	CHAR szProtocol[WSAPROTOCOL_LEN + 1];
} WSAPROTOCOL_INFOA, *LPWSAPROTOCOL_INFOA, WSAPROTOCOL_INFOW, *LPWSAPROTOCOL_INFOW,
  WSAPROTOCOL_INFO, *LPWSAPROTOCOL_INFO;

/** WSADuplicateSocket() - 0, or SOCKET_ERROR: WSAENOTSOCK, WSAEFAULT, WSAEINVAL (@pid). */
int WSADuplicateSocketA(SOCKET s, DWORD pid, LPWSAPROTOCOL_INFOA info)
	WINSOCK_AS(WSADuplicateSocketA);
int WSADuplicateSocketW(SOCKET s, DWORD pid, LPWSAPROTOCOL_INFOW info)
	WINSOCK_AS(WSADuplicateSocketW);
#define WSADuplicateSocket WSADuplicateSocketA

DWORD GetCurrentProcessId(void) WINSOCK_AS(GetCurrentProcessId);

#ifdef __cplusplus
}
#endif

#endif /* WINSOCK_ASYNC_H */
