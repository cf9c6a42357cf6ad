// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Windows program: the clients of a server that somebody else wrote, and what they and
 * the others of the session see of its sockets' ends.
 *
 *	serves.exe NAME exits|killed|lingers PORT COMMAND
 *
 * COMMAND is a server that answers GET /big with SIZE bytes and ends at GET /exit; where
 * it cannot end itself, or the second argument says "killed", it is killed. Each row is
 * printed; a figure behind it is for the table.
 */
#include "common.h"

#define SIZE		(16LL << 20)
#define LIMIT_S		400
#define LOADS		2

static const char *name;
static struct sockaddr_in server = { AF_INET };
static int count, failed;

static void row(BOOL good, const char *text)
{
	failed += !good;
	printf("%s %d %s: %s\n", good ? "ok" : "not ok", ++count, name, text);
}

static unsigned __stdcall limit(void *unused)
{
	Sleep(LIMIT_S * 1000);
	row(FALSE, "all within the time limit");
	TerminateProcess(GetCurrentProcess(), 2);
	return 0;
}

static SOCKET ask(const char *path)
{
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
	char line[200];
	int size;

	if (connect(s, (struct sockaddr *)&server, sizeof(server))) {
		closesocket(s);
		return INVALID_SOCKET;
	}
	size = snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\nHost: localhost\r\n"
			"Connection: close\r\n\r\n", path);
	send(s, line, size, 0);
	return s;
}

static BOOL whole(void)
{
	SOCKET s = ask("/big");
	long long got;

	if (s == INVALID_SOCKET)
		return FALSE;
	got = drain(s);
	closesocket(s);
	return got >= SIZE && !peer_error;
}

/* A client that has asked for much and reads nothing of it. */
static SOCKET stopped(void)
{
	int buffer = 4096, wait = 20000;
	SOCKET s = ask("/big");

	setsockopt(s, SOL_SOCKET, SO_RCVBUF, (char *)&buffer, sizeof(buffer));
	/* The answer has begun, and is queued. */
	recv(s, block, 1, 0);
	Sleep(1000);
	/* Or it hears no more of it. */
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (char *)&wait, sizeof(wait));
	return s;
}

static volatile LONG loads;

static unsigned __stdcall load(void *unused)
{
	for (int i = 0; i < LOADS; i++)
		if (!whole())
			return 0;
	InterlockedIncrement(&loads);
	return 0;
}

static HANDLE start(const char *command)
{
	SECURITY_ATTRIBUTES inherited = { sizeof(inherited), NULL, TRUE };
	STARTUPINFO info = { sizeof(info) };
	PROCESS_INFORMATION process;
	char line[1000];
	HANDLE input;
	SOCKET s;

	info.dwFlags = STARTF_USESTDHANDLES;
	info.hStdOutput = CreateFile("C:\\server.log", FILE_APPEND_DATA, 3, &inherited, OPEN_ALWAYS, 0,
				     NULL);
	info.hStdError = info.hStdOutput;
	/* Some servers end with their input. */
	CreatePipe(&info.hStdInput, &input, &inherited, 0);
	SetHandleInformation(input, HANDLE_FLAG_INHERIT, 0);
	snprintf(line, sizeof(line), "%s", command);
	if (!CreateProcess(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &info, &process))
		return NULL;
	CloseHandle(info.hStdOutput);
	CloseHandle(info.hStdInput);
	for (int i = 0; i < 1200; i++) {
		if (WaitForSingleObject(process.hProcess, 100) != WAIT_TIMEOUT)
			return NULL;
		s = socket(AF_INET, SOCK_STREAM, 0);
		if (!connect(s, (struct sockaddr *)&server, sizeof(server))) {
			closesocket(s);
			return process.hProcess;
		}
		closesocket(s);
	}
	TerminateProcess(process.hProcess, 1);
	return NULL;
}

int main(int argc, char **argv)
{
	HANDLE threads[3], process;
	BOOL exits, lingers;
	const char *ending;
	double longest;
	long long got;
	SOCKET peer;
	WSADATA data;

	WSAStartup(MAKEWORD(2, 2), &data);
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc < 5)
		return 2;
	name = argv[1];
	exits = strcmp(argv[2], "killed");
	lingers = !strcmp(argv[2], "lingers");
	server.sin_port = htons(atoi(argv[3]));
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CloseHandle((HANDLE)_beginthreadex(NULL, 0, limit, NULL, 0, NULL));

	process = start(argv[4]);
	row(process != NULL, "starts and listens");
	if (!process)
		goto out;
	row(whole(), "an answer of 16 MB comes whole, then FIN");
	peer = stopped();
	for (int i = 0; i < 3; i++)
		threads[i] = (HANDLE)_beginthreadex(NULL, 0, load, NULL, 0, NULL);
	longest = longest_request(3);
	WaitForMultipleObjects(3, threads, TRUE, INFINITE);
	row(loads == 3, "clients that read get all, beside one that does not");
	printf("# %s: meanwhile another's request took %.3f s\n", name, longest);
	linger(peer, 1, 0);
	closesocket(peer);
	row(whole(), "and after that one has reset its connection");
	for (int killed = !exits; killed < 2; killed++) {
		peer = stopped();
		if (killed)
			TerminateProcess(process, 1);
		else
			closesocket(ask("/exit"));
		longest = longest_request(12);
		row(WaitForSingleObject(process, 0) == WAIT_OBJECT_0,
		    killed ? "killed with data queued: it is gone" : "it exits with data queued");
		got = drain(peer);
		ending = !peer_error ? "FIN" : peer_error == WSAECONNRESET ? "a reset" : "no end";
		printf("# %s: %s with data queued, the client gets %lld KB and %s, "
		       "another's request took %.3f s\n",
		       name, killed ? "killed" : "exits", got >> 10, ending, longest);
		/* Without a linger time it ends as it always did; with 8 s by then. */
		if (lingers)
			row(peer_error == WSAECONNRESET, "the connection is reset after 8 s");
		row(longest < 2, "no other program of the session stands still");
		closesocket(peer);
		if (!killed && !(process = start(argv[4])))
			break;
	}
	row(process != NULL, "and the port can be had again");
out:
	printf("1..%d\n", count);
	TerminateProcess(GetCurrentProcess(), failed != 0);
	return 0;
}
