// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guided tour of `make demo`: each kind of close of the page's table, by Linux' close(2), by
 * closesocket(), and by close(2) on a socket attached to the ULP, on real connections, with the
 * segments captured on the wire. Exits non-zero if one of the latter two differs from the page.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINSOCK_KEEP_LIBC_NAMES
#include <winsock_ext.h>
#undef linger

#include "blocked.h"
#include "ladder.h"
#include "loop.h"
#include "net.h"
#include "ulp.h"
#include "wire.h"

enum way { WAY_CLOSE, WAY_CLOSESOCKET, WAY_ATTACHED, WAYS };
enum peer { PEER_READS, PEER_DEAF, PEER_LATE, PEER_GONE };
enum twist { TWIST_NONE, TWIST_AGAIN, TWIST_SIGNAL, TWIST_KILL, TWIST_DUP };
enum ending { ENDING_FIN, ENDING_RST, ENDING_NONE };

static const char *const way_names[] = { "close(2)", "closesocket()", "close(2) + ULP" };

/**
 * struct row - one kind of close, and the page's demand on closesocket()
 * @title:	in plain words
 * @page:	the page's demand, in a line
 * @onoff, @seconds, @nonblock: the socket's settings
 * @queue:	is unsent data queued?
 * @peer:	action of the other side
 * @twist:	a further event
 * @error:	the WSA error wanted, or 0
 * @least, @most: the time wanted, s
 * @ending:	segment that ends the connection
 */
struct row {
	const char *title;
	const char *page;
	int onoff;
	int seconds;
	bool nonblock;
	bool queue;
	enum peer peer;
	enum twist twist;
	int error;
	double least;
	double most;
	enum ending ending;
};

static const struct row rows[] = {
	{ "linger off, nothing queued (the default)",
	  "returns at once; FIN", 0, 0, false, false, PEER_READS, TWIST_NONE,
	  0, 0, 0.5, ENDING_FIN },
	{ "linger off, data queued",
	  "returns at once; the data is sent in the background, then FIN",
	  0, 0, false, true, PEER_DEAF, TWIST_NONE, 0, 0, 0.5, ENDING_FIN },
	{ "linger off, data queued, non-blocking socket",
	  "the same: never WSAEWOULDBLOCK", 0, 0, true, true, PEER_DEAF, TWIST_NONE,
	  0, 0, 0.5, ENDING_FIN },
	{ "linger on, 0 s: the hard close, data queued",
	  "returns at once; reset, the data is lost, no TIME_WAIT",
	  1, 0, false, true, PEER_DEAF, TWIST_NONE, 0, 0, 0.5, ENDING_RST },
	{ "linger on, 3 s, the peer begins to read after 1 s",
	  "waits until the data is acknowledged, then FIN",
	  1, 3, false, true, PEER_LATE, TWIST_NONE, 0, 0.8, 2.9, ENDING_FIN },
	{ "linger on, 2 s, the peer never reads",
	  "waits 2 s, then resets before it returns; nothing is left",
	  1, 2, false, true, PEER_DEAF, TWIST_NONE, 0, 2.0, 3.0, ENDING_RST },
	{ "linger on, 2 s, nothing queued, the peer has vanished",
	  "nothing is unsent, so it returns at once",
	  1, 2, false, false, PEER_GONE, TWIST_NONE, 0, 0, 0.5, ENDING_FIN },
	{ "linger on, 2 s, data queued, NON-BLOCKING socket",
	  "WSAEWOULDBLOCK at once, nothing begun, the handle stays valid: try again later",
	  1, 2, true, true, PEER_DEAF, TWIST_AGAIN, WSAEWOULDBLOCK, 0, 0.5, ENDING_FIN },
	{ "linger on, 2 s, the peer never reads, a signal handler runs after 0.5 s",
	  "the wait is alertable: the handler runs, the wait goes on, the deadline stays",
	  1, 2, false, true, PEER_DEAF, TWIST_SIGNAL, 0, 2.0, 3.0, ENDING_RST },
	{ "linger on, 2 s, the peer never reads, the caller is killed after 0.5 s",
	  "the deadline is the kernel's: reset after 2 s all the same",
	  1, 2, false, true, PEER_DEAF, TWIST_KILL, 0, 0.4, 1.0, ENDING_RST },
	{ "one of two handles (dup), hard close, data queued",
	  "only the last handle closes: the connection lives on",
	  1, 0, false, true, PEER_DEAF, TWIST_DUP, 0, 0, 0.5, ENDING_NONE },
};

struct measured {
	int result;
	int error;
	double time;
	bool killed;
	bool open;
	int at_return;
	int at_end;
	size_t received;
	int peer_error;
	size_t fins;
	size_t resets;
	char wire[96];
	/* TWIST_AGAIN: the second call, after the peer has read. */
	bool again;
	int again_result;
};

static const char *const peer_words[] = {
	[PEER_READS] = "has nothing to read",
	[PEER_DEAF] = "does not read",
	[PEER_LATE] = "reads 1 s later",
	[PEER_GONE] = "has vanished: drops all",
};

static volatile double handled;

static void on_alarm(int number)
{
	(void)number;
	handled = net_now();
}

/* The call under test: close(2), or closesocket() and its error. */
static int call_close(struct ladder *ladder, int fd, enum way way, int *error)
{
	int result;

	ladder_say(ladder, "call %s", way == WAY_CLOSESOCKET ? "closesocket()" : "close(2)");
	result = way == WAY_CLOSESOCKET ? closesocket(fd) : close(fd);
	*error = result ? (way == WAY_CLOSESOCKET ? WSAGetLastError() : errno) : 0;
	ladder_say(ladder, "return %s", !result ? "0" : *error == WSAEWOULDBLOCK ?
		   "WSAEWOULDBLOCK" : "failed");
	return result;
}

static void close_killed(struct ladder *ladder, struct net_pair *pair, enum way way,
			 struct measured *seen, double start)
{
	pid_t child = fork();
	int unused;

	if (!child) {
		net_sleep(20);
		call_close(ladder, pair->client, way, &unused);
		_exit(0);
	}
	close(pair->client);
	net_sleep(520);
	ladder_say(ladder, "killed SIGKILL");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	seen->time = net_now() - start;
	seen->killed = true;
	ladder_states(ladder);
	/* Look again after the deadline. */
	net_sleep(2000);
}

static void close_once(const struct row *row, struct ladder *ladder, struct net_pair *pair,
		       enum way way, struct measured *seen)
{
	double start = net_now();

	if (row->twist == TWIST_KILL) {
		close_killed(ladder, pair, way, seen, start);
		return;
	}
	if (row->twist == TWIST_SIGNAL) {
		struct itimerval timer = { .it_value = { 0, 500000 } };

		signal(SIGALRM, on_alarm);
		setitimer(ITIMER_REAL, &timer, NULL);
	}
	seen->result = call_close(ladder, pair->client, way, &seen->error);
	seen->time = net_now() - start;
	if (row->twist != TWIST_SIGNAL)
		return;
	ladder_said(ladder, handled, "note client the signal handler runs");
	/* close(2) returns when the handler has run; look again when the kernel has finished. */
	if (way == WAY_ATTACHED) {
		ladder_states(ladder);
		net_sleep(2000);
	}
}

static void measure(const struct row *row, enum way way, struct measured *seen)
{
	struct net_pair pair;
	struct wire wire;
	struct ladder *ladder;
	pid_t reader = 0;
	WSADATA data;
	int copy = -1;

	net_enter();
	wire_open(&wire);
	if (way == WAY_CLOSESOCKET && WSAStartup(MAKEWORD(2, 2), &data)) {
		fprintf(stderr, "%s\n", winsock_startup_error());
		exit(1);
	}
	net_pair_open(&pair, NET_V4, false);
	ladder = ladder_open(&wire, &pair);
	net_linger(pair.client, row->onoff, row->seconds);
	if (way == WAY_ATTACHED && ulp_attach(pair.client)) {
		fprintf(stderr, "the socket cannot be attached\n");
		exit(1);
	}
	if (row->queue)
		net_stuff(pair.client);
	net_nonblock(pair.client, row->nonblock);
	if (row->peer == PEER_GONE)
		net_mute(pair.server);
	if (row->peer == PEER_LATE)
		reader = net_drain_later(&pair, 1000);
	if (row->twist == TWIST_DUP)
		copy = dup(pair.client);

	ladder_say(ladder, "note server %s", peer_words[row->peer]);
	ladder_states(ladder);
	close_once(row, ladder, &pair, way, seen);
	seen->at_return = net_left(pair.client_port, pair.server_port);
	ladder_states(ladder);
	seen->open = row->twist != TWIST_KILL && net_is_open(pair.client);

	/* The peer reads now, unless it reads by itself. */
	if (row->peer != PEER_LATE)
		ladder_say(ladder, "note server %s",
			   row->peer == PEER_GONE ? "is back, and reads" : "now reads");
	if (row->peer == PEER_GONE)
		net_unmute(pair.server);
	if (row->twist == TWIST_DUP) {
		ladder_say(ladder, "note client shuts down the copy");
		shutdown(copy, SHUT_WR);
	}
	if (reader) {
		seen->received = net_drain_result(reader, &seen->peer_error);
	} else if (seen->open && seen->result) {
		reader = net_drain_later(&pair, 0);
		do {
			net_sleep(20);
			seen->again_result = call_close(ladder, pair.client, way,
							&seen->peer_error);
		} while (seen->again_result && seen->peer_error == WSAEWOULDBLOCK);
		seen->again = true;
		seen->received = net_drain_result(reader, &seen->peer_error);
	} else {
		seen->received = net_drain(pair.server, &seen->peer_error);
	}
	ladder_say(ladder, "note server got %zu B, then %s", seen->received,
		   !seen->peer_error ? "the end" : "ECONNRESET");
	if (pair.server >= 0)
		close(pair.server);
	net_sleep(100);
	seen->at_end = net_left(pair.client_port, pair.server_port);
	ladder_states(ladder);
	seen->fins = wire_distinct(&wire, pair.client_port, pair.server_port, WIRE_FIN);
	seen->resets = wire_count(&wire, pair.client_port, pair.server_port, WIRE_RST);
	wire_text(&wire, pair.client_port, pair.server_port, seen->wire, sizeof(seen->wire));
	ladder_print(ladder, way_names[way]);
	if (row->twist == TWIST_DUP)
		close(copy);
}

/* Fork for each measurement, so that none affects the next. */
static bool run(const struct row *row, enum way way, struct measured *seen)
{
	int ends[2], status;
	pid_t child;
	bool whole;

	memset(seen, 0, sizeof(*seen));
	fflush(stdout);
	if (pipe(ends))
		return false;
	child = fork();
	if (!child) {
		close(ends[0]);
		measure(row, way, seen);
		_exit(write(ends[1], seen, sizeof(*seen)) != sizeof(*seen));
	}
	close(ends[1]);
	whole = child > 0 && read(ends[0], seen, sizeof(*seen)) == sizeof(*seen);
	close(ends[0]);
	return child > 0 && waitpid(child, &status, 0) == child && whole && !status;
}

static const char *amount(size_t bytes, char *text, size_t size)
{
	if (bytes >= 100000)
		snprintf(text, size, "%.1f MB", bytes / 1e6);
	else
		snprintf(text, size, "%zu B", bytes);
	return text;
}

static const char *result_text(const struct measured *seen, enum way way)
{
	if (seen->killed)
		return "(killed)";
	if (!seen->result)
		return "0";
	if (way == WAY_CLOSESOCKET && seen->error == WSAEWOULDBLOCK)
		return "WSAEWOULDBLOCK";
	return "failed";
}

static void print_line(const struct row *row, const struct measured *seen, enum way way)
{
	char received[32], states[48];

	snprintf(states, sizeof(states), "%s", net_state_name(seen->at_return));
	if (seen->at_end != seen->at_return)
		snprintf(states, sizeof(states), "%s, then %s",
			 net_state_name(seen->at_return), net_state_name(seen->at_end));
	printf("   %-14s %-14s %6.3f s%s\n", way_names[way],
	       result_text(seen, way), seen->time,
	       row->twist == TWIST_DUP ? "   (the copy is shut down afterwards)" : "");
	printf("                  wire: %s\n", seen->wire);
	printf("                  left: %-32s peer: %s, then %s\n", states,
	       amount(seen->received, received, sizeof(received)),
	       !seen->peer_error ? "end of stream" : strerror(seen->peer_error));
	if (seen->again)
		printf("                  the handle still worked; closed again after the peer had read: %s\n",
		       seen->again_result ? "failed" : "0");
	if (seen->open && !seen->again)
		printf("                  the handle was left open\n");
}

/*
 * Does it agree with the page? close(2) cannot answer would-block: the kernel lingers for it. Nor
 * can it resume its wait after a signal handler.
 */
static bool kept(const struct row *row, const struct measured *seen, enum way way)
{
	bool attached = way == WAY_ATTACHED;
	bool left = row->twist == TWIST_KILL || (attached && row->twist == TWIST_SIGNAL);
	int error = attached ? 0 : row->error;
	bool ended;

	if (seen->error != error || seen->time > row->most ||
	    (seen->time < row->least && !(attached && left)))
		return false;
	switch (row->ending) {
	case ENDING_FIN:
		ended = seen->fins == 1 && !seen->resets && !seen->peer_error;
		break;
	case ENDING_RST:
		ended = !seen->fins && seen->resets == 1 && !seen->at_end &&
			seen->peer_error == ECONNRESET && (left || !seen->at_return);
		break;
	default:
		/* The copy's own shutdown is the only FIN. */
		ended = seen->at_return == TCP_ESTABLISHED && !seen->resets &&
			!seen->peer_error;
		break;
	}
	if (row->error == WSAEWOULDBLOCK)
		ended = ended && seen->at_return == TCP_ESTABLISHED &&
			(attached || (seen->open && seen->again && !seen->again_result));
	return ended;
}

int main(void)
{
	size_t count = sizeof(rows) / sizeof(rows[0]), good = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("\n"
	       "How does a socket close? Linux' close(2) and Windows' closesocket() disagree in ways\n"
	       "that programs notice. Below, real TCP connections are closed by close(2), by\n"
	       "closesocket() of the kernel module winsock, and by close(2) once more, on a socket\n"
	       "that was attached to the module's ULP, as winsock-run does it for programs that cannot\n"
	       "be changed. For each: the result and the time the call took; what the closing side put\n"
	       "on the wire (captured: data, then FIN for an orderly end or RST for a reset); the TCP\n"
	       "state left behind at the return and at the end; what the other side's recv() got.\n"
	       "\"Left: nothing\" means that not even TIME_WAIT remains.\n");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct measured seen[WAYS];
		bool ok[WAYS], ran = true;

		printf("\n%zu. %s\n   the page: %s\n", i + 1, rows[i].title, rows[i].page);
		printf("@@ ladder row %zu %s\n@@ ladder page %s\n", i + 1, rows[i].title,
		       rows[i].page);
		for (enum way way = 0; way < WAYS && ran; way++) {
			ran = run(&rows[i], way, &seen[way]);
			if (!ran)
				break;
			print_line(&rows[i], &seen[way], way);
			ok[way] = kept(&rows[i], &seen[way], way);
		}
		if (!ran) {
			printf("   this row broke\n");
			continue;
		}
		good += ok[WAY_CLOSESOCKET] && ok[WAY_ATTACHED];
		printf("   closesocket() %s; attached, close(2) %s\n",
		       ok[WAY_CLOSESOCKET] ? "did what the page says" :
		       "DID NOT DO WHAT THE PAGE SAYS",
		       ok[WAY_ATTACHED] ? "did as far as it can" : "DID NOT DO WHAT IT CAN");
	}

	count++;
	good += blocked_show(count);
	count++;
	good += loop_show(count);

	printf("\n"
	       "In short: close(2) blocks a non-blocking socket for its whole linger time and loses the\n"
	       "handle; when the time is over it leaves an orphan that goes on sending; it waits for a\n"
	       "vanished peer although nothing is unsent; a signal or a kill throws the deadline away;\n"
	       "and a thread that is blocked on the socket sleeps on. closesocket() did what the page\n"
	       "says, close(2) on attached sockets what it can, and the loop went on: %zu of %zu rows.\n\n", good, count);
	return good != count;
}
