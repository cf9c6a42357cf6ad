#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What calls of the library cost: select() in user instructions beside libc's, by callgrind, and
# send and recv in system calls, by strace.
set -uo pipefail

root=@ROOT@
# shellcheck source=selftests/host/tap.sh
. "$root/selftests/host/tap.sh"
cd "$root/selftests/host" || exit 1
flags=(-std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra)
gcc "${flags[@]}" -DLIBC -o "$work/libc" call_costs.c &&
	gcc "${flags[@]}" -I../../userlib/include -I../../uapi -o "$work/ours" call_costs.c \
		fake_device.c ../../userlib/libwinsock.a -Wl,--wrap=open,--wrap=ioctl -pthread || exit 1

# instructions PROGRAM COUNT: of the second of two calls
instructions() {
	LD_BIND_NOW=1 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		--toggle-collect=measured "$work/$1" select "$2" 2>&1 |
		sed -n 's/.*Collected : //p'
}

# at_most LIMIT COUNT
at_most() {
	local ours libc

	ours=$(instructions ours "$2") libc=$(instructions libc "$2")
	echo "# select() of $2: $ours instructions, libc's $libc" >&3
	[[ $ours -gt 0 && $libc -gt 0 && $ours -le $(($1 * libc)) ]]
}

# system_calls: the names between one getppid() and the next, a line each
system_calls() {
	strace -o "$work/strace" "$work/ours" calls &&
		awk -F'(' '/^getppid/ { if (on++) print names; names = ""; next }
			on && !/^(---|[+]{3})/ { names = names (names ? " " : "") $1 }' "$work/strace"
}

# asked LINE NAMES: what the system is asked for
asked() {
	[[ $(sed -n "$1p" "$work/calls") == "$2" ]]
}

# waits FIRST LAST: each second one of these lines is a receive that waits at once
waits() {
	for ((line = $1; line <= $2; line += 2)); do
		asked "$line" "fcntl ppoll recvmsg" || return
	done
}

# tries LINE...: receives that try before they wait
tries() {
	for line; do
		asked "$line" "recvmsg fcntl ppoll recvmsg" || return
	done
}

exec 3>&1
plan 7
check "select() of one ready socket: 3 x libc's" at_most 3 1
check "select() of 64: twice libc's" at_most 2 64
system_calls > "$work/calls"
sed 's/^/# /' "$work/calls"
check "a send with room: one system call" asked 1 sendmsg
check "a recv with data: one" asked 2 recvmsg
# The mode belongs to the open file, which others may have: fcntl() asks for it.
check "a recv that waits behind one that waited: three" waits 6 34
check "the first, and each sixteenth behind it: four" tries 4 36
check "a recv with data behind one that waited: three at most" waits 38 38
