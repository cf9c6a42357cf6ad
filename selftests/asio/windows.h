/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of <windows.h> beside sockets that Asio's Windows back end uses, on pthreads. Not a part
 * of the library: a port has its own.
 */
#ifndef WINDOWS_H
#define WINDOWS_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>

typedef void *PVOID, *HMODULE, *HLOCAL;
typedef char *LPSTR, *LPTSTR;
typedef void (*FARPROC)(void);
typedef union {
	long long QuadPart;
} LARGE_INTEGER;

#define NTAPI
#define __cdecl
#define __stdcall
#define ERROR_OUTOFMEMORY	14
#define ERROR_BAD_UNIT		20
#define SO_CONNECT_TIME		SO_TYPE		/* not 0xffffffff: connected */
#define LANG_NEUTRAL		0
#define SUBLANG_DEFAULT		1
#define MAKELANGID(a, b)	((a) | (b) << 10)
#define _snwprintf		swprintf
#define ZeroMemory(to, size)	memset(to, 0, size)

/* Asio's LONG is a long. */
static inline long InterlockedIncrement(volatile long *to)
{
	return __sync_add_and_fetch(to, 1);
}

static inline long InterlockedDecrement(volatile long *to)
{
	return __sync_sub_and_fetch(to, 1);
}

static inline long InterlockedExchangeAdd(volatile long *to, long value)
{
	return __sync_fetch_and_add(to, value);
}

static inline long InterlockedExchange(volatile long *to, long value)
{
	return __atomic_exchange_n(to, value, __ATOMIC_SEQ_CST);
}

static inline long InterlockedCompareExchange(volatile long *to, long value, long was)
{
	return __sync_val_compare_and_swap(to, was, value);
}

static inline void *InterlockedExchangePointer(void *volatile *to, void *value)
{
	return __atomic_exchange_n(to, value, __ATOMIC_SEQ_CST);
}

static inline void *InterlockedCompareExchangePointer(void *volatile *to, void *value, void *was)
{
	return __sync_val_compare_and_swap(to, was, value);
}

typedef pthread_mutex_t CRITICAL_SECTION;

static inline BOOL InitializeCriticalSectionAndSpinCount(CRITICAL_SECTION *section, DWORD spins)
{
	pthread_mutexattr_t recursive;

	(void)spins;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	return !pthread_mutex_init(section, &recursive);
}

#define InitializeCriticalSection(section)	InitializeCriticalSectionAndSpinCount(section, 0)

static inline void EnterCriticalSection(CRITICAL_SECTION *section)
{
	pthread_mutex_lock(section);
}

static inline void LeaveCriticalSection(CRITICAL_SECTION *section)
{
	pthread_mutex_unlock(section);
}

static inline void DeleteCriticalSection(CRITICAL_SECTION *section)
{
	pthread_mutex_destroy(section);
}

#define TLS_OUT_OF_INDEXES	0xffffffffU

static inline DWORD TlsAlloc(void)
{
	pthread_key_t key;

	return pthread_key_create(&key, NULL) ? TLS_OUT_OF_INDEXES : key;
}

static inline BOOL TlsFree(DWORD key)
{
	return !pthread_key_delete(key);
}

static inline void *TlsGetValue(DWORD key)
{
	return pthread_getspecific(key);
}

static inline BOOL TlsSetValue(DWORD key, void *value)
{
	return !pthread_setspecific(key, value);
}

static inline HANDLE CreateEventW(void *attributes, BOOL manual, BOOL set, const wchar_t *name)
{
	(void)name;
	return CreateEventA(attributes, manual, set, NULL);
}

static inline HANDLE CreateMutexW(void *attributes, BOOL owner, const wchar_t *name)
{
	(void)name;
	return CreateEventA(attributes, FALSE, !owner, NULL);
}

static inline BOOL ReleaseMutex(HANDLE mutex)
{
	return SetEvent(mutex);
}

/* One timer at a time; Asio sets it in the future, in 100 ns. */
struct windows_timer {
	HANDLE event;
	long long due;
};

static inline void *windows_timer_run(void *argument)
{
	struct windows_timer timer = *(struct windows_timer *)argument;

	free(argument);
	Sleep(timer.due / 10000 + 1);
	SetEvent(timer.event);
	return NULL;
}

static inline HANDLE CreateWaitableTimer(void *attributes, BOOL manual, const char *name)
{
	return CreateEventA(attributes, manual, FALSE, name);
}

static inline BOOL SetWaitableTimer(HANDLE event, const LARGE_INTEGER *due, LONG period,
				    void *routine, void *argument, BOOL resume)
{
	struct windows_timer *timer = (struct windows_timer *)malloc(sizeof(*timer));
	pthread_t thread;

	(void)period, (void)routine, (void)argument, (void)resume;
	timer->event = event;
	timer->due = due->QuadPart < 0 ? -due->QuadPart : 0;
	return !pthread_create(&thread, NULL, windows_timer_run, timer) &&
	       !pthread_detach(thread);
}

/* A thread's handle is an event, set at its end. */
struct windows_start {
	unsigned int (*run)(void *argument);
	void *argument;
	HANDLE ended;
};

static inline void *windows_start_run(void *argument)
{
	struct windows_start start = *(struct windows_start *)argument;

	free(argument);
	start.run(start.argument);
	SetEvent(start.ended);
	return NULL;
}

static inline uintptr_t _beginthreadex(void *security, unsigned int stack,
				       unsigned int (*run)(void *), void *argument,
				       unsigned int flags, unsigned int *number)
{
	struct windows_start *start = (struct windows_start *)malloc(sizeof(*start));
	HANDLE ended = CreateEventA(NULL, TRUE, FALSE, NULL);
	pthread_t thread;

	(void)security, (void)stack, (void)flags;
	*start = (struct windows_start){ run, argument, ended };
	if (pthread_create(&thread, NULL, windows_start_run, start) || pthread_detach(thread))
		return 0;
	*number = (unsigned int)thread;
	return (uintptr_t)ended;
}

static inline DWORD GetCurrentThreadId(void)
{
	return (DWORD)pthread_self();
}

/* The system: recent, without details. */
typedef struct {
	DWORD dwOSVersionInfoSize, dwMajorVersion;
} OSVERSIONINFOEX;
#define VER_MAJORVERSION	2
#define VER_GREATER_EQUAL	3

static inline unsigned long long VerSetConditionMask(unsigned long long mask, DWORD what, BYTE how)
{
	(void)what, (void)how;
	return mask;
}

static inline BOOL VerifyVersionInfo(OSVERSIONINFOEX *info, DWORD what, unsigned long long mask)
{
	(void)info, (void)what, (void)mask;
	return TRUE;
}

static inline HMODULE GetModuleHandleA(const char *name)
{
	(void)name;
	return NULL;
}

static inline FARPROC GetProcAddress(HMODULE module, const char *name)
{
	(void)module;
	return strcmp(name, "CancelIoEx") ? NULL : (FARPROC)CancelIoEx;
}

#define FORMAT_MESSAGE_ALLOCATE_BUFFER	0x100
#define FORMAT_MESSAGE_IGNORE_INSERTS	0x200
#define FORMAT_MESSAGE_FROM_SYSTEM	0x1000

static inline DWORD FormatMessageA(DWORD flags, const void *source, DWORD error, DWORD language,
				   char *buffer, DWORD size, va_list *arguments)
{
	(void)flags, (void)source, (void)language, (void)size, (void)arguments;
	return asprintf((char **)buffer, "error %u", error);
}

static inline HLOCAL LocalFree(HLOCAL memory)
{
	free(memory);
	return NULL;
}

/* inet_ntop() and inet_pton() with a port. */
static inline int WSAAddressToStringA(struct sockaddr *name, DWORD size, void *protocol,
				      char *text, DWORD *text_size)
{
	(void)protocol;
	return getnameinfo(name, size, text, *text_size, NULL, 0, NI_NUMERICHOST) ? SOCKET_ERROR
										  : 0;
}

static inline int WSAStringToAddressA(char *text, int family, void *protocol,
				      struct sockaddr *name, int *size)
{
	void *to = family == AF_INET ? (void *)&((struct sockaddr_in *)name)->sin_addr
				     : (void *)&((struct sockaddr_in6 *)name)->sin6_addr;

	(void)protocol;
	memset(name, 0, *size);
	name->sa_family = family;
	return inet_pton(family, text, to) == 1 ? 0 : SOCKET_ERROR;
}

#endif /* WINDOWS_H */
