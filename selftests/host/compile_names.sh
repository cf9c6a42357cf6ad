#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Check which names headers and library take, from libc and from programs, in which languages,
# and that they work where `make install` has put them.
set -uo pipefail

root=@ROOT@
# shellcheck source=selftests/host/tap.sh
. "$root/selftests/host/tap.sh"
cd "$work" || exit 1

archive=$root/userlib/libwinsock.a
flags=(-Wall -Wextra -Werror "-I$root/userlib/include" "-I$root/uapi")
libraries=("$archive" -pthread)
fortified=('-O2' '-O2 -D_FORTIFY_SOURCE=2 -fstack-protector-all')

# only_winsock FILE NM-OPTION...: it defines such names, and no others
only_winsock() {
	nm "${@:2}" --defined-only "$1" | awk 'NF == 3 && $2 ~ /[A-Z]/ && $2 != "A" { print $3 }' |
		sed 's/@.*//' | sort > defined
	grep -qx winsock_closesocket defined && ! grep -v '^winsock_' defined
}

# Map, headers and library have the same names.
listed() {
	sed -nE 's/^\t(winsock_\w+);/\1/p' "$root/userlib/libwinsock.map" | sort > map
	only_winsock "$root/userlib/libwinsock.so.0" -D && diff map defined
}

unloadable() {
	readelf -d "$root/userlib/libwinsock.so.0" | grep NODELETE
}

# An archive behind the library has a name of its internals: the program gets the archive's.
foreign() {
	cat > foreign.c <<-'C'
		int event_set(void) { return 1; }
		int handle_find(void) { return 2; }
		int thread_self(void) { return 3; }
	C
	cat > user.c <<-'C'
		#include <winsock2.h>
		int event_set(void), handle_find(void), thread_self(void);
		int main(void)
		{
			return !WSACreateEvent() || event_set() + handle_find() + thread_self() != 6;
		}
	C
	gcc "${flags[@]}" -c foreign.c &&
		gcc "${flags[@]}" -o user user.c "${libraries[@]}" foreign.o && ./user
}

cat > names.c <<'C'
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <mstcpip.h>

/* A program's own, of which Linux has one each. */
struct options {
	int send, linger, select;
	int (*connect)(int);
};
typedef unsigned int nfds_t;
static int pipe(SOCKET a, SOCKET b) { return a == b; }
static int access(const char *name) { return *name; }
static int poll(void) { return 0; }
static int usleep(double time) { return time != 0; }
static int gettimeofday(int time) { return time; }
static int ioctl(void) { return 0; }

int main(void)
{
	int (*pointer)(SOCKET, const char *, int, int) = &send;
	struct options options = { 1, 2, 3, 0 };
	struct linger linger = { 1, 2 };
	struct addrinfo hints;
	struct ip_mreq group;
	struct tcp_keepalive keep = { 1, 1000, 1000 };
	GUID accepting = WSAID_ACCEPTEX;
	struct pollfd polled = { 0, POLLRDNORM | POLLWRNORM, 0 };
	WSAPOLLFD *same = &polled;
	u_long argument = 1;
	struct fd_set tag;
	fd_set set;
	socklen_t size = sizeof(linger);
	nfds_t none = 0;
	char name[64];

	memset(&hints, 0, sizeof(hints));
	memset(&group, 0, sizeof(group));
	hints.ai_flags = AI_PASSIVE;
	FD_ZERO(&tag);
	FD_ZERO(&set);
	FD_SET(INVALID_SOCKET, &set);
	FD_SET(5, &set);
	FD_SET(5, &set);
	FD_SET(7, &set);
	FD_CLR(5, &set);
	if (set.fd_count != 2 || set.fd_array[0] != INVALID_SOCKET || set.fd_array[1] != 7 ||
	    FD_ISSET(5, &set) || !FD_ISSET(7, &set) || FD_SETSIZE < 1024)
		return 1;
	if (getsockopt(3, SOL_SOCKET, SO_LINGER, (char *)&linger, &size) != SOCKET_ERROR ||
	    WSAGetLastError() != WSANOTINITIALISED || WSAPoll(same, 1, 0) != SOCKET_ERROR ||
	    ioctlsocket(3, FIONBIO, &argument) != SOCKET_ERROR || gethostname(name, sizeof(name)))
		return 2;
	return !pointer || sizeof(linger) != 4 || sizeof(set.fd_array[0]) != sizeof(SOCKET) ||
	       options.send + options.linger + options.select != 6 || options.connect ||
	       pipe(1, 2) + access("") + poll() + usleep(0) + gettimeofday(0) + ioctl() + none ||
	       TCP_NODELAY != 1 || keep.onoff != 1 || accepting.Data2 != 0xcbac;
}
C
sed -n '/^```c$/,/^```$/p' "$root/README.md" | grep -v '^```' > readme.c

# c COMPILER: each standard, README's example with it
c() {
	local standard more failed=0

	for standard in c99 c11 c17 c2x gnu99 gnu11 gnu17; do
		for more in "${fortified[@]}"; do
			# shellcheck disable=SC2086 # words
			"$1" -std=$standard -pedantic $more "${flags[@]}" -o names names.c "${libraries[@]}" &&
				./names &&
				"$1" -std=$standard $more "${flags[@]}" -o readme readme.c "${libraries[@]}" ||
				{ echo "$1 -std=$standard $more: $?"; failed=1; }
		done
	done
	return $failed
}

# A static program has nothing of libc's resolver, of which the linker would warn.
alone() {
	gcc "${flags[@]}" -static -Wl,--fatal-warnings -o alone readme.c "${libraries[@]}" &&
		! nm alone | grep -E ' winsock_(getaddrinfo|WSASend|WSACreateEvent)$'
}

cat > link.h <<'C'
struct Link {
	int linger, socket;
	int send(const char *text);
	int connect(), accept(), bind(), recv(), poll();
	static int select(int value);
};
C
cat > link.cc <<'C'
#include "link.h"
int Link::send(const char *text) { return *text; }
int Link::connect() { return linger; }
int Link::accept() { return socket; }
int Link::bind() { return 0; }
int Link::recv() { return 0; }
int Link::poll() { return 0; }
int Link::select(int value) { return value; }
C
cat > main.cc <<'C'
#include <winsock2.h>
#include <ws2tcpip.h>
#include <functional>
#include <string>
#include "link.h"

static int same(int value) { return value; }
int late(fd_set *set);

/* Behind them a Linux program's headers have what they have. */
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

int main()
{
	int (*pointer)(SOCKET, const char *, int, int) = ::send;
	linger option = { 1, 2 };
	socklen_t size = sizeof(option);
	pollfd polled = { -1, POLLIN, 0 };
	nfds_t count = 1;
	Link link;
	fd_set set;

	FD_ZERO(&set);
	link.linger = link.socket = 0;
	if (link.send("") + link.connect() + link.accept() + link.bind() + link.recv() + link.poll() +
	    Link::select(0) + poll(&polled, count, 0) + late(&set) || !FD_ISSET(3, &set))
		return 1;
#if __cplusplus >= 201103L
	if (std::bind(same, 0)())
		return 2;
#endif
	return same(0) || !pointer || sizeof(option) != 4 || close(-1) != -1 ||
	       getsockopt(3, SOL_SOCKET, SO_LINGER, (char *)&option, &size) != SOCKET_ERROR;
}
C
# The header comes behind libc's headers.
cat > late.cc <<'C'
#include <poll.h>
#include <stdlib.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <winsock2.h>
#include <ws2tcpip.h>

int late(fd_set *set)
{
	int (*pointer)(SOCKET, const char *, int, int) = &send;
	struct linger option = { 1, 2 };
	socklen_t size = sizeof(option);
	timeval none = { 0, 0 };

	FD_SET(3, set);
	return select(0, set, NULL, NULL, &none) != SOCKET_ERROR || !pointer ||
	       sizeof(option) != 4 ||
	       getsockopt(3, SOL_SOCKET, SO_LINGER, (char *)&option, &size) != SOCKET_ERROR ||
	       WSAGetLastError() != WSANOTINITIALISED;
}
C

# cxx COMPILER: methods keep their names, in files that see the headers and in one that does not
cxx() {
	local standard more failed=0

	for standard in c++98 c++11 c++14 c++17 c++20 c++2b gnu++17; do
		for more in "${fortified[@]}"; do
			# shellcheck disable=SC2086 # words
			"$1" -std=$standard $more "${flags[@]}" -o methods main.cc late.cc link.cc \
				"${libraries[@]}" && ./methods || { echo "$1 -std=$standard $more: $?"; failed=1; }
		done
	done
	return $failed
}

# setsize LINES: a program that begins so has a list of 4096
setsize() {
	{ printf '%s\n' "$@"; cat <<-'C'; } > setsize.c
		int main(void)
		{
			fd_set set;

			FD_ZERO(&set);
			for (SOCKET s = 0; s < 5000; s++)
				FD_SET(s, &set);
			return sizeof(set) < 4096 * sizeof(SOCKET) || set.fd_count != 4096 ||
			       FD_SETSIZE != 4096;
		}
	C
	gcc "${flags[@]}" -D_FORTIFY_SOURCE=2 -O2 -fstack-protector-all -o setsize setsize.c && ./setsize
}

# Installed at another place than built for; an installation for the system calls ldconfig.
installed() {
	mkdir -p tree/Documentation bin
	cp -a "$root/userlib" "$root/uapi" tree/
	cp -a "$root/Documentation/man" tree/Documentation/
	mkdir -p tree/kmod
	cp -a "$root/kmod/META" tree/kmod/
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/sh\necho ldconfig >> "%s"\n' "$work/called" > bin/ldconfig
	chmod +x bin/ldconfig
	PATH=$work/bin:$PATH make -s -C tree/userlib install PREFIX="$work/prefix" > make.log &&
		prefix/bin/winsock-run --help &&
		prefix/bin/winsockctl --help &&
		{ [[ ! -w /etc/ld.so.cache ]] || [[ $(cat called) == ldconfig ]]; }
}

staged() {
	rm -f called
	PATH=$work/bin:$PATH make -s -C tree/userlib install DESTDIR="$work/stage" > make.log &&
		[[ ! -e called ]]
}

# As README says it: pkg-config, -std=c99, run.
used() {
	local -x PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig LD_LIBRARY_PATH=$work/prefix/lib

	if command -v pkg-config >/dev/null; then
		# shellcheck disable=SC2046 # words
		gcc -std=c99 -o readme readme.c $(pkg-config --cflags --libs winsock)
	else
		gcc -std=c99 -o readme readme.c -Iprefix/include/winsock -Lprefix/lib -lwinsock
	fi && { ./readme; ldd ./readme | grep "$work/prefix"; }
}

plan 14
check "the archive gives winsock_* to the linker and nothing else" only_winsock "$archive"
check "the shared library has what its map lists" listed
check "it stays when it is closed: its threads do" unloadable
check "a name of our insides is another library's" foreign
for compiler in gcc clang; do
	check "$compiler: every C from C99 on, fortified and not" c $compiler
done
check "a program that closes gets the core alone" alone
for compiler in g++ clang++; do
	check "$compiler: every C++ from C++98 on, methods have their names" cxx $compiler
done
check "FD_SETSIZE is the program's" setsize '#define FD_SETSIZE 4096' '#include <winsock2.h>'
check "also behind <stdlib.h>" setsize '#include <stdlib.h>' '#undef FD_SETSIZE' \
	'#define FD_SETSIZE 4096' '#include <winsock2.h>'
check "what was built for one place works at PREFIX, and ldconfig runs" installed
check "not where it is staged" staged
check "README's program runs from there" used
