#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The library's threads under ThreadSanitizer, under ASan and UBSan with leaks, and under
# helgrind; the device is a stand-in. One result for each tool, as TAP.
set -uo pipefail

root=@ROOT@
# shellcheck source=selftests/host/tap.sh
. "$root/selftests/host/tap.sh"
cd "$root/selftests/host" || exit 1
sources=(thread_check.c threads_*.c fake_*.c ../../userlib/src/*.c ../../userlib/src/async/*.c)
flags=(-std=gnu11 -D_GNU_SOURCE -g -O1 -Wall -Wextra -I../../userlib/include -I../../userlib/src -I../../uapi)

build() {
	gcc "${flags[@]}" "${@:2}" -o "$work/$1" "${sources[@]}" \
		-Wl,--wrap=open,--wrap=ioctl,--wrap=recvmsg,--wrap=getsockopt -pthread > "$work/$1.log" 2>&1
}

# quiet NAME COMMAND...: every round succeeds, and the tool prints nothing.
quiet() {
	if "${@:2}" > "$work/$1.out" 2>&1 &&
	   ! grep -qE '^not ok|^==|ThreadSanitizer' "$work/$1.out"; then
		return 0
	fi
	cat "$work/$1.log" "$work/$1.out"
	return 1
}

export TSAN_OPTIONS=die_after_fork=0:suppressions=$PWD/tsan.supp
plan 4
build plain
check "the library's threads" quiet plain timeout -k 5 300 "$work/plain" 5
build thread -fsanitize=thread
check "the same under ThreadSanitizer" quiet thread timeout -k 5 300 "$work/thread" 8
build address -fsanitize=address,undefined -fno-sanitize-recover=undefined
check "under ASan and UBSan, with leaks" quiet address timeout -k 5 300 "$work/address" 5
# Suppressions name functions.
build helgrind -fno-inline -fno-optimize-sibling-calls
check "under helgrind" quiet helgrind timeout -k 5 300 valgrind --tool=helgrind -q --fair-sched=try \
	--suppressions=helgrind.supp --history-level=approx "$work/helgrind" 8 valgrind
