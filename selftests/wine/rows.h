/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of closes.c: each a function that returns true, and the claim that it shows. */

/* Options. */

static BOOL options_on(int onoff, int seconds)
{
	SOCKET s = tcp();
	struct linger value;

	linger(s, onoff, seconds);
	value = lingers(s);
	return !value.l_onoff == !onoff && value.l_linger == seconds && dontlingers(s) == !onoff;
}

static BOOL O1(void) { return lingers(tcp()).l_onoff == 0 && lingers(tcp()).l_linger == 0; }
static BOOL O2(void) { return dontlingers(tcp()) == TRUE; }
static BOOL O3a(void) { return options_on(1, 5); }
static BOOL O3b(void) { return options_on(5, 189); }
static BOOL O3c(void) { return options_on(1, 0); }
static BOOL O3d(void) { SOCKET s = tcp(); linger(s, 5, 9); return lingers(s).l_onoff == 5; }
static BOOL O3e(void) { SOCKET s = tcp(); linger(s, 0x100, 9); return lingers(s).l_onoff == 0x100; }
static BOOL O4(void) { return options_on(0, 73); }
static BOOL O5(void)
{
	SOCKET s = tcp();

	linger(s, 1, 5);
	return dontlinger(s, TRUE) == 0 && lingers(s).l_onoff == 0;
}
static BOOL O6(void)
{
	SOCKET s = tcp();

	linger(s, 0, 9);
	dontlinger(s, FALSE);
	return lingers(s).l_onoff && lingers(s).l_linger == 9;
}
static BOOL O8(void)
{
	SOCKET s = tcp();

	linger(s, 1, 30);
	dontlinger(s, TRUE);
	dontlinger(s, FALSE);
	return lingers(s).l_onoff && lingers(s).l_linger == 30;
}
static BOOL O9(void)
{
	SOCKET s = tcp();

	dontlinger(s, TRUE);
	linger(s, 1, 7);
	return lingers(s).l_onoff && lingers(s).l_linger == 7 && !dontlingers(s);
}
static BOOL O10(void)
{
	struct { struct linger value; int more; } value = { { 1, 6 } };
	SOCKET s = tcp();

	return !setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&value, sizeof(value)) &&
	       lingers(s).l_linger == 6;
}
static BOOL O10b(void)
{
	/* More than a page is there: a request to the server of 4 GB would be begun. */
	static struct linger value[4096] = { { 1, 6 } };
	SOCKET s = tcp();

	linger(s, 1, 5);
	return !setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)value, -1) &&
	       lingers(s).l_linger == 6 && closesocket(s) == 0;
}
static BOOL O11(void)
{
	struct linger value = { 1, 6 };

	return setsockopt(tcp(), SOL_SOCKET, SO_LINGER, (char *)&value, 2) &&
	       WSAGetLastError() == WSAEFAULT;
}
static BOOL O12(void)
{
	return setsockopt(tcp(), SOL_SOCKET, SO_LINGER, NULL, 4) && WSAGetLastError() == WSAEFAULT;
}
static BOOL O13(void)
{
	char value[8];
	int size = 8;

	return !getsockopt(tcp(), SOL_SOCKET, SO_LINGER, value, &size) && size == 4;
}
static BOOL O14(void)
{
	char value[8];
	int size = 2;

	return getsockopt(tcp(), SOL_SOCKET, SO_LINGER, value, &size) &&
	       WSAGetLastError() == WSAEFAULT && size == 2;
}
static BOOL O17(void)
{
	struct linger value;
	int size = sizeof(value);
	SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);

	return getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&value, &size) &&
	       WSAGetLastError() == WSAENOPROTOOPT;
}
static BOOL O19(void) { return options_on(1, 65535); }
static BOOL O20(void)
{
	struct sockaddr_in name;
	SOCKET l = listener(&name), a = tcp(), b;

	linger(l, 1, 555);
	connect(a, (struct sockaddr *)&name, sizeof(name));
	b = accept(l, NULL, NULL);
	return lingers(b).l_onoff && lingers(b).l_linger == 555;
}
static BOOL O23(void)
{
	SOCKET s = tcp(), other = duplicate(s);

	linger(s, 1, 12);
	return lingers(other).l_onoff && lingers(other).l_linger == 12;
}

/* The call. */

static BOOL A6a(void) { return not_a_socket(closesocket(INVALID_SOCKET)); }
static BOOL A6b(void) { return not_a_socket(closesocket(0)); }
static BOOL A7(void)
{
	HANDLE event = CreateEvent(NULL, TRUE, FALSE, NULL);

	return not_a_socket(closesocket((SOCKET)event)) && SetEvent(event) &&
	       WaitForSingleObject(event, 0) == WAIT_OBJECT_0;
}
static BOOL A8(void)
{
	SOCKET s = tcp();

	linger(s, 1, 3);
	return closesocket(s) == 0 && not_a_socket(closesocket(s));
}
static BOOL A11(void)
{
	struct pair pair = connected();
	u_long on = 1;

	linger(pair.a, 1, 3);
	closesocket(pair.a);
	return not_a_socket(send(pair.a, block, 1, 0)) && not_a_socket(recv(pair.a, block, 1, 0)) &&
	       not_a_socket(shutdown(pair.a, SD_BOTH)) &&
	       not_a_socket(ioctlsocket(pair.a, FIONBIO, &on)) && not_a_socket(linger(pair.a, 1, 1));
}

/* Linger is off. */

static BOOL G1a(void) { struct pair p = connected(); return at_once(p.a) && peer_sees_fin(p.b); }
static BOOL G1b(void)
{
	struct pair pair = connected();

	nonblocking(pair.a, 1);
	return at_once(pair.a) && peer_sees_fin(pair.b);
}
static BOOL graceful(int seconds, int mode)
{
	struct pair pair = full(0, seconds, mode);

	return at_once(pair.a) && drain(pair.b) == pair.queued && !peer_error;
}
static BOOL G2a(void) { return graceful(0, 0); }
static BOOL G2b(void) { return graceful(0, 1); }
static BOOL G6(void) { return graceful(9, 0); }
static BOOL G7(void)
{
	struct pair pair = connected();

	send(pair.b, block, 10, 0);
	Sleep(100);
	return at_once(pair.a) && peer_sees_reset(pair.b);
}
static BOOL G10(void)
{
	struct pair pair = connected();

	shutdown(pair.a, SD_SEND);
	return peer_sees_fin(pair.b) && at_once(pair.a);
}
static BOOL G11(void) { struct pair p = connected(); closesocket(p.b); Sleep(50); return at_once(p.a); }
static BOOL G12(void)
{
	struct pair pair = connected();

	linger(pair.b, 1, 0);
	closesocket(pair.b);
	Sleep(50);
	return at_once(pair.a);
}

/* {1,0} */

static BOOL hard(struct pair pair) { return at_once(pair.a) && peer_sees_reset(pair.b); }
static struct pair idle(int onoff, int seconds, int mode)
{
	struct pair pair = connected();

	linger(pair.a, onoff, seconds);
	nonblocking(pair.a, mode);
	return pair;
}
static BOOL H1(void) { return hard(idle(1, 0, 0)); }
static BOOL H1b(void)
{
	struct pair pair = idle(1, 0, 0);
	struct sockaddr_in name = name_of(pair.a);

	return at_once(pair.a) && reusable(&name);
}
static BOOL H2(void) { return hard(idle(1, 0, 1)); }
static BOOL H3a(void) { return hard(full(1, 0, 0)); }
static BOOL H3b(void) { return hard(full(1, 0, 1)); }
static BOOL H4(void)
{
	struct pair pair = idle(1, 0, 0);
	int error = 77, size = sizeof(error);

	closesocket(pair.a);
	Sleep(50);
	if (!peer_sees_reset(pair.b) || !peer_sees_reset(pair.b))
		return FALSE;
	getsockopt(pair.b, SOL_SOCKET, SO_ERROR, (char *)&error, &size);
	return error == 0 && send(pair.b, block, 1, 0) < 0 && WSAGetLastError() == WSAECONNRESET;
}
static BOOL H6(void)
{
	struct pair pair = idle(1, 0, 0);
	struct job job = { pair.b };

	start(select_job, &job);
	Sleep(100);
	closesocket(pair.a);
	return done(&job, 5) && job.ret == 1;
}
static BOOL H6b(void)
{
	struct pair pair = idle(1, 0, 0);
	struct job job = { pair.b };

	start(recv_job, &job);
	Sleep(100);
	closesocket(pair.a);
	return done(&job, 5) && job.ret == -1 && job.error == WSAECONNRESET;
}
static BOOL H8(void)
{
	struct pair pair = idle(1, 0, 0);

	send(pair.b, block, 10, 0);
	Sleep(50);
	return hard(pair);
}
static BOOL H9(void)
{
	struct pair pair = idle(1, 0, 0);

	shutdown(pair.b, SD_SEND);
	Sleep(50);
	return hard(pair);
}
static BOOL H11(void)
{
	struct sockaddr_in name;
	SOCKET l = listener(&name);
	struct pair pair = { 0, tcp() };

	linger(l, 1, 0);
	connect(pair.b, (struct sockaddr *)&name, sizeof(name));
	pair.a = accept(l, NULL, NULL);
	return hard(pair);
}
static BOOL H12(void) { return hard(idle(0x100, 0, 0)); }

/* {1,N}, blocking */

static BOOL B1(void) { struct pair p = idle(1, 5, 0); return at_once(p.a) && peer_sees_fin(p.b); }
static BOOL B2(void)
{
	struct pair pair = full(1, 10, 0);
	struct job job = { pair.b, 1 };

	start(drain_job, &job);
	return timed_close(pair.a) == 0 && took > 0.8 && took < 4 && done(&job, 5) &&
	       job.ret == pair.queued && !peer_error;
}
static BOOL B2b(void)
{
	struct pair pair = full(1, 10, 0);
	struct job job = { pair.b, 1 };

	start(drain_job, &job);
	closesocket(pair.a);
	/* When the close returns all is acknowledged, not only sent. */
	return done(&job, 0.5);
}
static BOOL B3(void)
{
	struct pair pair = full(1, 2, 0);

	return timed_close(pair.a) == 0 && took > 1.8 && took < 3;
}
static BOOL B3b(void)
{
	struct pair pair = full(1, 2, 0);

	return closesocket(pair.a) == 0 && peer_sees_reset(pair.b);
}
static BOOL B3c(void)
{
	struct pair pair = full(1, 1, 0);
	struct sockaddr_in name = name_of(pair.a);

	return closesocket(pair.a) == 0 && reusable(&name);
}
static BOOL B3d(void)
{
	struct pair pair = full(1, 1, 0);

	/* Less than all arrives: what was queued here is dropped. */
	return closesocket(pair.a) == 0 && drain(pair.b) < pair.queued;
}
static BOOL B5(void)
{
	struct pair pair = full(1, 20, 0);
	struct job job = { pair.b, 1 };

	start(reset_job, &job);
	return timed_close(pair.a) == 0 && took > 0.8 && took < 3;
}
static BOOL B8(void)
{
	struct pair pair = full(1, 3, 0);
	struct job first = { pair.a }, second = { pair.a, 1 };

	start(close_job, &first);
	start(close_job, &second);
	return done(&first, 10) && done(&second, 1) && first.ret == 0 && second.ret == -1 &&
	       second.error == WSAENOTSOCK && second.end < first.end;
}
static BOOL B9(void)
{
	struct pair pair = full(1, 3, 0);
	struct job job = { pair.a };
	LONG before = apcs;
	HANDLE thread = start(close_job, &job);

	Sleep(500);
	QueueUserAPC(apc, thread, 0);
	Sleep(200);
	return apcs == before + 1 && !done(&job, 0) && done(&job, 10) && job.ret == 0 &&
	       job.end - job.begin > 2.8;
}
static BOOL B9b(void)
{
	struct pair pair = full(1, 2, 0);
	struct job job = { pair.a };
	HANDLE thread = start(close_job, &job);

	for (int i = 0; i < 10; i++) {
		Sleep(100);
		QueueUserAPC(apc, thread, 0);
		SuspendThread(thread);
		ResumeThread(thread);
	}
	/* Signals and APCs neither shorten nor lengthen it, and the reset comes. */
	return done(&job, 5) && job.end - job.begin > 1.8 && job.end - job.begin < 3 &&
	       peer_sees_reset(pair.b);
}
static BOOL B12a(void) { struct sockaddr_in name; SOCKET l = listener(&name); linger(l, 1, 5); return at_once(l); }
static BOOL B12b(void) { SOCKET s = tcp(); linger(s, 1, 5); return at_once(s); }
static BOOL B13(void)
{
	struct pair pair = full(1, 2, 0);

	shutdown(pair.a, SD_SEND);
	return timed_close(pair.a) == 0 && took > 1.8 && took < 3 && peer_sees_reset(pair.b);
}
static BOOL B14(void)
{
	struct sockaddr_in name;
	SOCKET l = listener(&name);
	struct pair pair = { 0, tcp() };

	linger(l, 1, 2);
	connect(pair.b, (struct sockaddr *)&name, sizeof(name));
	pair.a = accept(l, NULL, NULL);
	fill(&pair);
	return timed_close(pair.a) == 0 && took > 1.8 && took < 3 && peer_sees_reset(pair.b);
}
static BOOL B15(void)
{
	struct pair pair = connected();

	linger(pair.a, 1, 2);
	dontlinger(pair.a, TRUE);
	dontlinger(pair.a, FALSE);
	fill(&pair);
	return timed_close(pair.a) == 0 && took > 1.8 && took < 3 && peer_sees_reset(pair.b);
}
static BOOL B16(void)
{
	struct pair one = full(1, 2, 0), two = full(1, 3, 0);
	struct job first = { one.a }, second = { two.a };

	start(close_job, &first);
	start(close_job, &second);
	return done(&first, 10) && done(&second, 10) && first.end - first.begin < 2.8 &&
	       second.end - second.begin > 2.8;
}

/* {1,N}, non-blocking */

static BOOL N1(void) { return would_block(full(1, 5, 1).a); }
static BOOL N1b(void)
{
	struct pair pair = full(1, 5, 1);

	return timed_close(pair.a) == SOCKET_ERROR && took < 0.3;
}
static BOOL N2(void) { struct pair p = idle(1, 5, 1); return at_once(p.a) && peer_sees_fin(p.b); }
static struct pair refused(void)
{
	struct pair pair = full(1, 5, 1);

	if (!would_block(pair.a))
		pair.a = INVALID_SOCKET;
	return pair;
}
static BOOL N3a(void) { return name_of(refused().a).sin_port != 0; }
static BOOL N3b(void) { SOCKET s = refused().a; return lingers(s).l_onoff && lingers(s).l_linger == 5; }
static BOOL N3c(void)
{
	struct pair pair = refused();
	char byte;

	send(pair.b, "x", 1, 0);
	Sleep(50);
	return recv(pair.a, &byte, 1, 0) == 1 && byte == 'x';
}
static BOOL N3d(void)
{
	struct pair pair = refused();
	struct job job = { pair.b };

	start(drain_job, &job);
	Sleep(500);
	return send(pair.a, "x", 1, 0) == 1;
}
static BOOL N4(void)
{
	struct pair pair = refused();
	struct job job = { pair.b };

	if (pair.a == INVALID_SOCKET)
		return FALSE;
	start(drain_job, &job);
	/* The peer gets only data: neither FIN nor RST. */
	return !done(&job, 7);
}
static BOOL N5a(void)
{
	struct pair pair = full(1, 5, 0);
	WSAEVENT event = WSACreateEvent();
	WSANETWORKEVENTS events = { 0 };

	WSAEventSelect(pair.a, event, FD_READ | FD_CLOSE);
	if (!would_block(pair.a))
		return FALSE;
	send(pair.b, "x", 1, 0);
	return WSAWaitForMultipleEvents(1, &event, TRUE, 2000, FALSE) == WSA_WAIT_EVENT_0 &&
	       !WSAEnumNetworkEvents(pair.a, event, &events) && events.lNetworkEvents == FD_READ;
}
static BOOL N5b(void)
{
	struct pair pair = full(1, 5, 1);
	char byte;
	WSABUF buffer = { 1, &byte };
	OVERLAPPED io = { 0 };
	DWORD got, flags = 0;

	io.hEvent = WSACreateEvent();
	WSARecv(pair.a, &buffer, 1, NULL, &flags, &io, NULL);
	if (!would_block(pair.a) || WaitForSingleObject(io.hEvent, 100) != WAIT_TIMEOUT)
		return FALSE;
	send(pair.b, "y", 1, 0);
	return WaitForSingleObject(io.hEvent, 2000) == WAIT_OBJECT_0 &&
	       WSAGetOverlappedResult(pair.a, &io, &got, FALSE, &flags) && got == 1 && byte == 'y';
}
static BOOL N5c(void)
{
	struct pair pair = refused();

	/* The socket is still non-blocking. */
	return recv(pair.a, block, 1, 0) == -1 && WSAGetLastError() == WSAEWOULDBLOCK;
}
static BOOL N6(void)
{
	SOCKET s = full(1, 1, 1).a;

	for (int i = 0; i < 5; i++, Sleep(500))
		if (!would_block(s))
			return FALSE;
	return TRUE;
}
static BOOL N7(void)
{
	struct pair pair = refused();
	struct job job = { pair.b };

	if (pair.a == INVALID_SOCKET)
		return FALSE;
	start(drain_job, &job);
	Sleep(1000);
	return at_once(pair.a) && done(&job, 2) && job.ret == pair.queued && !peer_error;
}
static BOOL N8(void)
{
	struct pair pair = full(1, 2, 1);

	if (!would_block(pair.a))
		return FALSE;
	Sleep(1000);
	nonblocking(pair.a, 0);
	return timed_close(pair.a) == 0 && took > 1.8 && took < 3 && peer_sees_reset(pair.b);
}
static BOOL N9(void)
{
	struct pair pair = refused();

	linger(pair.a, 1, 0);
	return hard(pair);
}
static BOOL N10(void)
{
	struct pair pair = refused();

	dontlinger(pair.a, TRUE);
	return at_once(pair.a) && drain(pair.b) == pair.queued && !peer_error;
}
static BOOL N11(void)
{
	struct pair pair = full(1, 5, 0);

	WSAEventSelect(pair.a, WSACreateEvent(), FD_CLOSE);
	return would_block(pair.a);
}
static BOOL N12(void)
{
	struct sockaddr_in name;
	SOCKET l = listener(&name), s = tcp();
	struct pair pair = { 0 };

	linger(l, 1, 5);
	connect(s, (struct sockaddr *)&name, sizeof(name));
	Sleep(50);
	nonblocking(l, 1);
	pair.a = accept(l, NULL, NULL);
	stuff(&pair);
	return would_block(pair.a);
}
static BOOL N13(void)
{
	struct pair pair = full(1, 2, 0);

	/* A socket for overlapped calls is still blocking. */
	return timed_close(pair.a) == 0 && took > 1.8;
}
static BOOL N15(void)
{
	/* Close as .NET does: once more as blocking, and then hard. */
	struct pair pair = full(1, 1, 1);

	if (closesocket(pair.a) && WSAGetLastError() == WSAEWOULDBLOCK) {
		nonblocking(pair.a, 0);
		return closesocket(pair.a) == 0 && peer_sees_reset(pair.b);
	}
	return FALSE;
}

/* Calls under way. */

static BOOL ends(unsigned (__stdcall *run)(void *), struct pair pair)
{
	struct job job = { pair.a };

	start(run, &job);
	Sleep(300);
	return closesocket(pair.a) == 0 && done(&job, 3) && job.ret == -1;
}
static BOOL P1(void)
{
	struct pair pair = connected();
	char byte;
	WSABUF buffer = { 1, &byte };
	OVERLAPPED io = { 0 };
	DWORD flags = 0;

	io.hEvent = WSACreateEvent();
	WSARecv(pair.a, &buffer, 1, NULL, &flags, &io, NULL);
	return closesocket(pair.a) == 0 && WaitForSingleObject(io.hEvent, 2000) == WAIT_OBJECT_0 &&
	       io.Internal != 0x103;
}
static BOOL port(int onoff, int receives)
{
	struct pair pair = idle(onoff, 5, 0);
	HANDLE port = CreateIoCompletionPort((HANDLE)pair.a, NULL, 123, 0);
	char byte;
	WSABUF buffer = { 1, &byte };
	OVERLAPPED io = { 0 }, *which = NULL;
	DWORD flags = 0, bytes;
	ULONG_PTR key = 0;
	int packets = 0;

	if (receives)
		WSARecv(pair.a, &buffer, 1, NULL, &flags, &io, NULL);
	closesocket(pair.a);
	while (GetQueuedCompletionStatus(port, &bytes, &key, &which, 500) || which) {
		if (key != 123 || which != &io || bytes)
			return FALSE;
		which = NULL;
		packets++;
	}
	return packets == receives;
}
static BOOL P2(void) { return port(0, 1); }
static BOOL P2b(void) { return port(1, 1); }
static BOOL P5(void) { return port(1, 0); }
static BOOL P10a(void) { return ends(recv_job, connected()); }
static BOOL P10b(void) { return ends(send_job, connected()); }
static BOOL P10c(void) { return ends(recv_job, idle(1, 5, 0)); }
static BOOL P10d(void)
{
	/* The call ends when the close begins, not at its end. */
	struct pair pair = full(1, 3, 0);
	struct job job = { pair.a };

	start(recv_job, &job);
	Sleep(300);
	return timed_close(pair.a) == 0 && took > 2.8 && done(&job, 1) && job.ret == -1 &&
	       now() - job.end > 2.5;
}
static BOOL P11a(void) { struct sockaddr_in n; struct pair p = { listener(&n) }; return ends(accept_job, p); }
static BOOL P11b(void)
{
	struct sockaddr_in name = { AF_INET };
	struct pair pair = { socket(AF_INET, SOCK_DGRAM, 0) };

	bind(pair.a, (struct sockaddr *)&name, sizeof(name));
	return ends(recvfrom_job, pair);
}
static BOOL P14(void)
{
	struct pair pair = idle(1, 5, 0);
	struct job job = { pair.a };

	start(select_job, &job);
	Sleep(300);
	return closesocket(pair.a) == 0 && done(&job, 3) && job.ret == 1;
}
static BOOL P16(void)
{
	struct pair pair = idle(1, 5, 0);
	struct job job = { pair.a };

	start(poll_job, &job);
	Sleep(300);
	return closesocket(pair.a) == 0 && done(&job, 3) && (job.ret & POLLNVAL);
}

/* Several handles, processes, events. */

static BOOL M1(void)
{
	struct pair pair = full(1, 5, 1);
	SOCKET other = duplicate(pair.a);

	return at_once(pair.a) && name_of(other).sin_port && would_block(other);
}
static BOOL M1b(void)
{
	struct pair pair = full(1, 5, 0);
	SOCKET other = duplicate(pair.a);
	struct job job = { pair.b };

	if (!at_once(pair.a))
		return FALSE;
	start(drain_job, &job);
	return !done(&job, 2) && at_once(other) && done(&job, 2) && job.ret == pair.queued;
}
static BOOL M2(void)
{
	struct pair pair = full(1, 2, 0);
	SOCKET other = duplicate(pair.a);

	return at_once(pair.a) && timed_close(other) == 0 && took > 1.8 && took < 3 &&
	       peer_sees_reset(pair.b);
}
static BOOL M4(void)
{
	struct pair pair = full(1, 2, 0);
	HANDLE go, process = give(pair.a, &go);

	/* Another process has the last handle, and lingers there. */
	Sleep(1000);
	if (!at_once(pair.a))
		return FALSE;
	SetEvent(go);
	return ended(process, 20) == 20 && peer_sees_reset(pair.b);
}
static BOOL M4b(void)
{
	struct pair pair = full(1, 2, 0);
	HANDLE go, process = give(pair.a, &go);

	Sleep(1000);
	SetEvent(go);
	/* There it was not the last handle, but here it is. */
	return ended(process, 20) == 10 && timed_close(pair.a) == 0 && took > 1.8 && took < 3;
}
static BOOL M4c(void)
{
	struct pair pair = full(1, 2, 1);
	HANDLE go, process = give(pair.a, &go);

	Sleep(1000);
	closesocket(pair.a);
	SetEvent(go);
	return ended(process, 20) == 35;
}
static BOOL M5(void)
{
	struct pair pair = full(1, 2, 0);
	double begin = now();

	/* CloseHandle() waits for nothing, and the deadline holds. */
	CloseHandle((HANDLE)pair.a);
	if (now() - begin > 0.3)
		return FALSE;
	Sleep(3000);
	return peer_sees_reset(pair.b);
}
static BOOL V1(void)
{
	struct pair pair = idle(1, 5, 0);
	WSAEVENT event = WSACreateEvent();

	WSAEventSelect(pair.a, event, FD_CLOSE | FD_READ);
	return closesocket(pair.a) == 0 &&
	       WSAWaitForMultipleEvents(1, &event, TRUE, 500, FALSE) == WSA_WAIT_TIMEOUT &&
	       WSASetEvent(event) && WSACloseEvent(event);
}
static BOOL V1b(void)
{
	struct pair pair = full(1, 2, 0);
	WSAEVENT event = WSACreateEvent();

	WSAEventSelect(pair.a, event, FD_CLOSE);
	WSAEventSelect(pair.a, event, 0);
	nonblocking(pair.a, 0);
	WSAResetEvent(event);
	return timed_close(pair.a) == 0 && took > 1.8 &&
	       WSAWaitForMultipleEvents(1, &event, TRUE, 0, FALSE) == WSA_WAIT_TIMEOUT;
}
/* A program ends with {1,8} and data queued: measure other programs' requests. */
static BOOL session(const char *what, BOOL kills)
{
	struct pair pair;
	HANDLE filled, process = child_that(what, 8, &pair, &filled);
	double longest;

	if (kills)
		TerminateProcess(process, 1);
	longest = longest_request(12);
	printf("# session: %s, another's request took %.3f s\n", what, longest);
	return ended(process, 1) == kills && longest < 0.5;
}
static BOOL X1(void) { return session("exit", FALSE); }
static BOOL X1a(void) { return session("accepted-exit", FALSE); }
static BOOL X1b(void)
{
	struct pair pair;
	HANDLE filled, process = child_that("exit", 2, &pair, &filled);

	ended(process, 20);
	Sleep(4000);
	/* The deadline outlives the program. */
	return peer_sees_reset(pair.b);
}
static BOOL X2(void) { return session("sleep", TRUE); }
static BOOL X2a(void) { return session("accepted-sleep", TRUE); }
static BOOL X3(void)
{
	struct pair pair;
	HANDLE filled, process = child_that("close", 4, &pair, &filled);

	Sleep(1000);
	if (WaitForSingleObject(process, 0) != WAIT_TIMEOUT)
		return FALSE;
	TerminateProcess(process, 1);
	Sleep(5000);
	/* Killed in the wait: the kernel keeps the deadline. */
	return peer_sees_reset(pair.b);
}
static BOOL X4(void)
{
	struct pair pair = full(1, 3, 0);
	struct job job = { pair.a };
	HANDLE thread = start(close_job, &job);

	Sleep(500);
	TerminateThread(thread, 0);
	Sleep(4000);
	/* Killed in the wait, its process lives: the close is taken back. */
	nonblocking(pair.a, 1);
	return name_of(pair.a).sin_port && would_block(pair.a);
}
static BOOL X4b(void)
{
	struct pair pair = full(1, 3, 0);
	struct job job = { pair.a }, reader = { pair.b };
	HANDLE thread = start(close_job, &job);

	Sleep(500);
	TerminateThread(thread, 0);
	Sleep(200);
	start(drain_job, &reader);
	Sleep(4000);
	return send(pair.a, "x", 1, 0) == 1 && at_once(pair.a) && done(&reader, 2) &&
	       reader.ret == pair.queued + 1 && !peer_error;
}
static BOOL X5(void)
{
	struct pair pair;
	HANDLE filled, process = child_that("sleep", 0, &pair, &filled);

	TerminateProcess(process, 1);
	/* {1,0} holds when the process is killed. */
	return peer_sees_reset(pair.b);
}
static BOOL X6(void)
{
	struct pair pair = full(1, 3, 0);
	struct job job = { pair.a };
	double longest;

	start(close_job, &job);
	longest = longest_request(4);
	printf("# session: while a close lingers another request took %.3f s\n", longest);
	return longest < 0.5 && done(&job, 1);
}

/* As full(), but all that was sent is the kernel's, no queue of Wine's has any. */
static struct pair sent(int seconds)
{
	struct pair pair = connected();
	int buffer = 1000000;

	linger(pair.a, 1, seconds);
	setsockopt(pair.a, SOL_SOCKET, SO_SNDBUF, (char *)&buffer, sizeof(buffer));
	for (int i = 0; i < 3; i++)
		pair.queued += send(pair.a, block, sizeof(block), 0);
	return pair;
}
/* Linux programs beside this one, and files of the kernel's, which only Wine has. */
static BOOL hold(const char *what, int port)
{
	char line[MAX_PATH + 40];
	STARTUPINFO info = { sizeof(info) };
	PROCESS_INFORMATION process;

	snprintf(line, sizeof(line), "Z:\\tmp\\t\\hold %s %d 6", what, port);
	if (!CreateProcess(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &info, &process))
		return FALSE;
	Sleep(1500);
	return TRUE;
}
static BOOL X7(void)
{
	/* A thread sits in a page fault inside send(), until 4.5 s from the close. */
	struct pair pair = sent(2);
	struct job job = { pair.a };
	double longest;

	if (!hold("lock", ntohs(name_of(pair.a).sin_port)))
		return FALSE;
	start(close_job, &job);
	longest = longest_request(3);
	printf("# session: while a page fault holds the socket another request took %.3f s\n", longest);
	return longest < 0.5 && !done(&job, 0) && done(&job, 10) && job.ret == 0 &&
	       job.end - job.begin > 3 && peer_sees_reset(pair.b);
}
static BOOL ops_max(const char *value)
{
	FILE *file = fopen("Z:\\proc\\sys\\net\\winsock\\ops_max", "r+");

	return file && fputs(value, file) >= 0 && !fclose(file);
}
static BOOL E1(void)
{
	struct pair one = sent(3), two = sent(3);
	struct job job = { one.a };
	BOOL good;

	if (!ops_max("1"))
		return FALSE;
	start(close_job, &job);
	Sleep(500);
	good = at_once(two.a) && drain(two.b) == two.queued && !peer_error;
	ops_max("131072");
	return good && done(&job, 10) && peer_sees_reset(one.b);
}
static BOOL E2(void)
{
	struct pair pair = sent(3);

	return hold("files", 0) && at_once(pair.a) && drain(pair.b) == pair.queued && !peer_error;
}

#define ROWS \
	ROW(O1, "a new socket: SO_LINGER {0,0}") \
	ROW(O2, "a new socket: SO_DONTLINGER is TRUE") \
	ROW(O3a, "{1,5} is read back") \
	ROW(O3b, "{5,189} is read back") \
	ROW(O3c, "{1,0} is read back") \
	ROW(O3d, "l_onoff 5 is kept as 5") \
	ROW(O3e, "l_onoff 0x100 is kept, and is on") \
	ROW(O4, "{0,73} keeps the time") \
	ROW(O5, "SO_DONTLINGER TRUE switches off") \
	ROW(O6, "SO_DONTLINGER FALSE takes the time of {0,9}") \
	ROW(O8, "SO_DONTLINGER FALSE brings the earlier time back") \
	ROW(O9, "the last writer wins") \
	ROW(O10, "a larger size is taken") \
	ROW(O10b, "a size of -1 is taken, and the value is read back") \
	ROW(O11, "a smaller size is WSAEFAULT") \
	ROW(O12, "no value is WSAEFAULT") \
	ROW(O13, "size 8 reads 4") \
	ROW(O14, "size 2 reads WSAEFAULT") \
	ROW(O17, "a datagram socket has none") \
	ROW(O19, "65535 seconds are kept") \
	ROW(O20, "accept() inherits {1,555}") \
	ROW(O23, "a duplicate has the same") \
	ROW(A6a, "INVALID_SOCKET is WSAENOTSOCK") \
	ROW(A6b, "0 is WSAENOTSOCK") \
	ROW(A7, "an event is WSAENOTSOCK and stays usable") \
	ROW(A8, "twice is WSAENOTSOCK") \
	ROW(A11, "every other call on a closed one is WSAENOTSOCK") \
	ROW(G1a, "linger off, idle: at once, FIN") \
	ROW(G1b, "the same, non-blocking") \
	ROW(G2a, "linger off, data queued: at once, all arrives") \
	ROW(G2b, "the same, non-blocking") \
	ROW(G6, "{0,9}: the time is ignored") \
	ROW(G7, "unread data: RST") \
	ROW(G10, "after shutdown(SD_SEND): at once") \
	ROW(G11, "the peer has closed: at once") \
	ROW(G12, "the peer has reset: at once") \
	ROW(H1, "{1,0}: at once, RST") \
	ROW(H1b, "{1,0}: the port is free") \
	ROW(H2, "{1,0}, non-blocking: at once, RST") \
	ROW(H3a, "{1,0}, data queued: at once, RST") \
	ROW(H3b, "the same, non-blocking") \
	ROW(H4, "the peer is told on every call, SO_ERROR stays 0") \
	ROW(H6, "a peer in select() is woken") \
	ROW(H6b, "a peer in recv() gets WSAECONNRESET") \
	ROW(H8, "{1,0}, unread data: RST") \
	ROW(H9, "{1,0} after the peer's FIN: RST") \
	ROW(H11, "{1,0} inherited by accept(): RST") \
	ROW(H12, "l_onoff 0x100, 0 s: RST") \
	ROW(B1, "{1,5}, idle: at once, FIN") \
	ROW(B2, "the peer reads in time: waits, all arrives, FIN") \
	ROW(B2b, "it returns when all is acknowledged") \
	ROW(B3, "{1,2}, the peer does not read: 0 after 2 s") \
	ROW(B3b, "and the connection is reset") \
	ROW(B3c, "and the port is free") \
	ROW(B3d, "and the rest is gone") \
	ROW(B5, "the peer resets in the wait: returns early") \
	ROW(B8, "a second close in the wait is WSAENOTSOCK") \
	ROW(B9, "an APC runs in the wait, which goes on") \
	ROW(B9b, "APCs and suspension change neither time nor end") \
	ROW(B12a, "a listener with {1,5}: at once") \
	ROW(B12b, "not connected, {1,5}: at once") \
	ROW(B13, "after shutdown(SD_SEND): waits, then RST") \
	ROW(B14, "inherited by accept(): waits, then RST") \
	ROW(B15, "brought back by SO_DONTLINGER: waits, then RST") \
	ROW(B16, "two closes at a time, each its own time") \
	ROW(N1, "non-blocking {1,5}, data queued: WSAEWOULDBLOCK") \
	ROW(N1b, "at once") \
	ROW(N2, "idle: 0 at once, FIN") \
	ROW(N3a, "then getsockname() works") \
	ROW(N3b, "and the option is as it was") \
	ROW(N3c, "and recv() works") \
	ROW(N3d, "and send() works") \
	ROW(N4, "and the peer sees data only") \
	ROW(N5a, "and events come") \
	ROW(N5b, "and an overlapped receive goes on") \
	ROW(N5c, "and the mode is as it was") \
	ROW(N6, "again and again, and no clock runs") \
	ROW(N7, "after the peer has read: 0, FIN") \
	ROW(N8, "as blocking: waits from then, then RST") \
	ROW(N9, "with {1,0}: RST") \
	ROW(N10, "with SO_DONTLINGER TRUE: 0, all arrives") \
	ROW(N11, "non-blocking by WSAEventSelect()") \
	ROW(N12, "non-blocking by the listener") \
	ROW(N13, "a socket for overlapped calls is blocking") \
	ROW(N15, "what .NET does ends in a reset") \
	ROW(P1, "an overlapped receive ends") \
	ROW(P2, "with one packet at the port") \
	ROW(P2b, "the same with {1,5}") \
	ROW(P5, "without a call, no packet") \
	ROW(P10a, "recv() in another thread ends") \
	ROW(P10b, "send() in another thread ends") \
	ROW(P10c, "recv() with {1,5}") \
	ROW(P10d, "when the close begins") \
	ROW(P11a, "accept() in another thread ends") \
	ROW(P11b, "recvfrom() in another thread ends") \
	ROW(P14, "select() in another thread ends") \
	ROW(P16, "WSAPoll() in another thread says POLLNVAL") \
	ROW(M1, "not the last handle: 0 although it would block") \
	ROW(M1b, "the connection lives on") \
	ROW(M2, "the last handle waits, then RST") \
	ROW(M4, "the last is another process'") \
	ROW(M4b, "another process' was not the last") \
	ROW(M4c, "another process' would block") \
	ROW(M5, "CloseHandle() does not wait, the deadline holds") \
	ROW(V1, "no FD_CLOSE, the event stays usable") \
	ROW(V1b, "none after the wait") \
	ROW(X1, "a program exits: nobody else waits") \
	ROW(X1a, "the same with an accepted socket") \
	ROW(X1b, "and its deadline holds") \
	ROW(X2, "a program is killed: nobody else waits") \
	ROW(X2a, "the same with an accepted socket") \
	ROW(X3, "killed in the wait: the deadline holds") \
	ROW(X4, "a thread killed in the wait takes the close back") \
	ROW(X4b, "and the connection goes on") \
	ROW(X5, "{1,0} holds when the process is killed") \
	ROW(X6, "nobody else waits while a close lingers") \
	ROW(X7, "nor while a page fault holds the socket") \
	ROW(E1, "too many closes pending: at once, all arrives, FIN") \
	ROW(E2, "no descriptor for the server: at once, all arrives, FIN")
