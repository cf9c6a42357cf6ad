// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Windows program that checks closesocket(), claim by claim, as far as a program under
 * Wine can see it. The IDs are those of Documentation/claims.rst.
 *
 * Both ends of each connection are this program's. Each row has a thread of its own and
 * LIMIT_S seconds; one that hangs fails, and the next goes on.
 *
 *	closes.exe [TEXT]	the rows, or those whose name has TEXT in it
 *	closes.exe -CHILD ...	another process of some rows
 */
#include "common.h"

#define LIMIT_S		40
#define SO_DONTLINGER_	((int)~SO_LINGER)

struct pair {
	SOCKET a;		/* the end to close */
	SOCKET b;		/* its peer */
	long long queued;	/* bytes that a has sent */
};

static char myself[MAX_PATH];

static struct linger lingers(SOCKET s)
{
	struct linger value = { 77, 77 };
	int size = sizeof(value);

	getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&value, &size);
	return value;
}

static int dontlinger(SOCKET s, BOOL value)
{
	return setsockopt(s, SOL_SOCKET, SO_DONTLINGER_, (char *)&value, sizeof(value));
}

static BOOL dontlingers(SOCKET s)
{
	BOOL value = 77;
	int size = sizeof(value);

	getsockopt(s, SOL_SOCKET, SO_DONTLINGER_, (char *)&value, &size);
	return value;
}

static SOCKET tcp(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static SOCKET listener(struct sockaddr_in *name)
{
	SOCKET s = tcp();
	int size = sizeof(*name), buffer = 4096;

	memset(name, 0, sizeof(*name));
	name->sin_family = AF_INET;
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(s, SOL_SOCKET, SO_RCVBUF, (char *)&buffer, sizeof(buffer));
	bind(s, (struct sockaddr *)name, sizeof(*name));
	listen(s, 10);
	getsockname(s, (struct sockaddr *)name, &size);
	return s;
}

static struct pair connected(void)
{
	struct sockaddr_in name;
	SOCKET l = listener(&name);
	struct pair pair = { tcp() };
	int buffer = 4096;

	setsockopt(pair.a, SOL_SOCKET, SO_SNDBUF, (char *)&buffer, sizeof(buffer));
	connect(pair.a, (struct sockaddr *)&name, sizeof(name));
	pair.b = accept(l, NULL, NULL);
	closesocket(l);
	return pair;
}

/*
 * Send until no more is taken, also after a while: Wine 10 has a queue of its own beside the
 * kernel's. The socket is non-blocking.
 */
static void stuff(struct pair *pair)
{
	int sent;

	for (int refused = 0; refused < 4; ) {
		sent = send(pair->a, block, sizeof(block), 0);
		if (sent > 0) {
			pair->queued += sent;
			refused = 0;
		} else if (WSAGetLastError() != WSAENOBUFS) {
			Sleep(100);
			refused++;
		}
	}
}

/* The same; the socket is blocking afterwards. */
static void fill(struct pair *pair)
{
	nonblocking(pair->a, 1);
	stuff(pair);
	nonblocking(pair->a, 0);
}

/* Returns a connection with {onoff, seconds} and mode, more sent than the peer takes. */
static struct pair full(int onoff, int seconds, int mode)
{
	struct pair pair = connected();

	linger(pair.a, onoff, seconds);
	fill(&pair);
	nonblocking(pair.a, mode);
	return pair;
}

static BOOL peer_sees_fin(SOCKET s)
{
	drain(s);
	return peer_error == 0;
}

static BOOL peer_sees_reset(SOCKET s)
{
	drain(s);
	return peer_error == WSAECONNRESET;
}

/* Call closesocket and measure it. */
static double took;

static int timed_close(SOCKET s)
{
	double start = now();
	int ret = closesocket(s);

	took = now() - start;
	return ret;
}

static BOOL at_once(SOCKET s)
{
	return timed_close(s) == 0 && took < 0.3;
}

static BOOL would_block(SOCKET s)
{
	WSASetLastError(0);
	return closesocket(s) == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK;
}

static BOOL not_a_socket(int ret)
{
	return ret == SOCKET_ERROR && WSAGetLastError() == WSAENOTSOCK;
}

/* A thread that makes one call, later or for long. */
struct job {
	SOCKET s;
	double after;
	int ret, error;
	double begin, end;
	HANDLE thread;
};

static HANDLE start(unsigned (__stdcall *run)(void *), struct job *job)
{
	job->thread = (HANDLE)_beginthreadex(NULL, 0, run, job, 0, NULL);
	return job->thread;
}

static BOOL done(struct job *job, double seconds)
{
	return WaitForSingleObject(job->thread, seconds * 1000) == WAIT_OBJECT_0;
}

#define JOB(name, call)							\
static unsigned __stdcall name(void *private)				\
{									\
	struct job *job = private;					\
									\
	Sleep(job->after * 1000);					\
	job->begin = now();						\
	job->ret = (int)(call);						\
	job->error = WSAGetLastError();					\
	job->end = now();						\
	return 0;							\
}

static int send_all(SOCKET s)
{
	int sent;

	while ((sent = send(s, block, sizeof(block), 0)) > 0)
		;
	return sent;
}

static int select_one(SOCKET s)
{
	fd_set set = { 1, { s } };

	return select(0, &set, NULL, NULL, NULL);
}

static int poll_one(SOCKET s)
{
	WSAPOLLFD fd = { s, POLLRDNORM };

	return WSAPoll(&fd, 1, 20000) == 1 ? fd.revents : -1;
}

JOB(close_job, closesocket(job->s))
JOB(recv_job, recv(job->s, (char [10]){ 0 }, 10, 0))
JOB(send_job, send_all(job->s))
JOB(accept_job, accept(job->s, NULL, NULL))
JOB(recvfrom_job, recvfrom(job->s, (char [10]){ 0 }, 10, 0, NULL, NULL))
JOB(select_job, select_one(job->s))
JOB(poll_job, poll_one(job->s))
JOB(drain_job, drain(job->s) & 0x7fffffff)
JOB(reset_job, (linger(job->s, 1, 0), closesocket(job->s)))

/* Start another process of this program. */
static HANDLE spawn(const char *arguments)
{
	char line[1000];
	STARTUPINFO info = { sizeof(info) };
	PROCESS_INFORMATION process;

	snprintf(line, sizeof(line), "\"%s\" %s", myself, arguments);
	if (!CreateProcess(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &info, &process))
		return NULL;
	CloseHandle(process.hThread);
	return process.hProcess;
}

static HANDLE named_event(const char *name)
{
	return CreateEvent(NULL, TRUE, FALSE, name);
}

/*
 * Start a child that connects to this port, or ("accepted-") accepts a connection from it,
 * sets {1,SECONDS}, fills, signals, and does @what. Wine's programs keep no descriptor of an
 * accepted socket: the server has the only one.
 */
static HANDLE child_that(const char *what, int seconds, struct pair *pair, HANDLE *filled)
{
	static int number;
	struct sockaddr_in name;
	SOCKET l = listener(&name);
	char line[200], event[60];
	HANDLE process;
	int buffer = 4096;

	snprintf(event, sizeof(event), "filled%d-%lu", number++, GetCurrentProcessId());
	*filled = named_event(event);
	snprintf(line, sizeof(line), "-%s %d %d %s", what, ntohs(name.sin_port), seconds, event);
	pair->a = INVALID_SOCKET;
	if (!strncmp(what, "accepted-", 9)) {
		closesocket(l);
		process = spawn(line);
		pair->b = tcp();
		setsockopt(pair->b, SOL_SOCKET, SO_RCVBUF, (char *)&buffer, sizeof(buffer));
		while (connect(pair->b, (struct sockaddr *)&name, sizeof(name)))
			Sleep(100);
	} else {
		process = spawn(line);
		pair->b = accept(l, NULL, NULL);
		closesocket(l);
	}
	WaitForSingleObject(*filled, 20000);
	return process;
}

static int child(int argc, char **argv)
{
	struct sockaddr_in name = { AF_INET, htons(atoi(argv[2])) };
	struct pair pair = { tcp() };
	HANDLE filled = named_event(argv[4]);
	const char *what = argv[1] + 1;
	int buffer = 4096;

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(pair.a, SOL_SOCKET, SO_SNDBUF, (char *)&buffer, sizeof(buffer));
	if (!strncmp(what, "accepted-", 9)) {
		what += 9;
		bind(pair.a, (struct sockaddr *)&name, sizeof(name));
		listen(pair.a, 1);
		pair.a = accept(pair.a, NULL, NULL);
	} else {
		connect(pair.a, (struct sockaddr *)&name, sizeof(name));
	}
	linger(pair.a, 1, atoi(argv[3]));
	fill(&pair);
	SetEvent(filled);
	if (!strcmp(what, "exit"))
		ExitProcess(0);
	if (!strcmp(what, "close"))
		return closesocket(pair.a);
	Sleep(INFINITE);
	return 0;
}

/* The child that gets a duplicate: argv is the file with the protocol info. */
static int heir(int argc, char **argv)
{
	WSAPROTOCOL_INFO info;
	HANDLE go = named_event(argv[3]);
	FILE *file = fopen(argv[2], "rb");
	SOCKET s;
	double begin;

	if (!file || fread(&info, sizeof(info), 1, file) != 1)
		return 99;
	fclose(file);
	s = WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, 0);
	if (s == INVALID_SOCKET)
		return 98;
	WaitForSingleObject(go, 20000);
	begin = now();
	if (closesocket(s))
		return WSAGetLastError() == WSAEWOULDBLOCK ? 35 : 97;
	return now() - begin > 0.5 ? 20 : 10;
}

static HANDLE give(SOCKET s, HANDLE *go)
{
	static int number;
	char path[MAX_PATH], event[60], line[600];
	STARTUPINFO info = { sizeof(info) };
	PROCESS_INFORMATION process;
	WSAPROTOCOL_INFO protocol;
	FILE *file;

	snprintf(path, sizeof(path), "C:\\give%d-%lu", number, GetCurrentProcessId());
	snprintf(event, sizeof(event), "go%d-%lu", number++, GetCurrentProcessId());
	*go = named_event(event);
	snprintf(line, sizeof(line), "\"%s\" -heir %s %s", myself, path, event);
	if (!CreateProcess(NULL, line, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &info, &process))
		return NULL;
	WSADuplicateSocket(s, process.dwProcessId, &protocol);
	file = fopen(path, "wb");
	fwrite(&protocol, sizeof(protocol), 1, file);
	fclose(file);
	ResumeThread(process.hThread);
	CloseHandle(process.hThread);
	return process.hProcess;
}

static DWORD ended(HANDLE process, double seconds)
{
	DWORD code = 1000;

	if (WaitForSingleObject(process, seconds * 1000) == WAIT_OBJECT_0)
		GetExitCodeProcess(process, &code);
	return code;
}

static SOCKET duplicate(SOCKET s)
{
	WSAPROTOCOL_INFO info;

	WSADuplicateSocket(s, GetCurrentProcessId(), &info);
	return WSASocket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, 0);
}

/* Can the connection's port be bound again? Nothing of it may be left. */
static BOOL reusable(const struct sockaddr_in *name)
{
	SOCKET s = tcp();
	BOOL ret = bind(s, (const struct sockaddr *)name, sizeof(*name)) == 0;

	closesocket(s);
	return ret;
}

static struct sockaddr_in name_of(SOCKET s)
{
	struct sockaddr_in name = { 0 };
	int size = sizeof(name);

	getsockname(s, (struct sockaddr *)&name, &size);
	return name;
}

static volatile LONG apcs;

static void CALLBACK apc(ULONG_PTR unused)
{
	InterlockedIncrement(&apcs);
}

#include "rows.h"

struct row {
	const char *name;
	BOOL (*run)(void);
};

struct result {
	const struct row *row;
	HANDLE known;
	BOOL good;
};

#define ROW(name, text) { #name " " text, name },
static const struct row rows[] = {
	ROWS
};

static unsigned __stdcall run(void *private)
{
	struct result *result = private;

	result->good = result->row->run();
	SetEvent(result->known);
	/* Other threads may still use this thread's stack. */
	Sleep(INFINITE);
	return 0;
}

int main(int argc, char **argv)
{
	WSADATA data;
	int failed = 0, count = 0;

	WSAStartup(MAKEWORD(2, 2), &data);
	GetModuleFileName(NULL, myself, sizeof(myself));
	if (argc > 1 && !strcmp(argv[1], "-heir"))
		return heir(argc, argv);
	if (argc > 1 && argv[1][0] == '-')
		return child(argc, argv);
	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct result *result;

		if (argc > 1 && !strstr(rows[i].name, argv[1]))
			continue;
		result = calloc(1, sizeof(*result));
		result->row = &rows[i];
		result->known = CreateEvent(NULL, TRUE, FALSE, NULL);
		CloseHandle((HANDLE)_beginthreadex(NULL, 0, run, result, 0, NULL));
		if (WaitForSingleObject(result->known, LIMIT_S * 1000) != WAIT_OBJECT_0)
			printf("# hangs: %s\n", rows[i].name);
		if (!result->good)
			printf("# the last close took %.3f s, the last peer's error was %d\n", took,
			       peer_error);
		failed += !result->good;
		printf("%s %d %s\n", result->good ? "ok" : "not ok", ++count, rows[i].name);
	}
	printf("1..%d\n", count);
	fflush(stdout);
	/* Do not wait for threads that still hang. */
	TerminateProcess(GetCurrentProcess(), failed != 0);
	return failed != 0;
}
