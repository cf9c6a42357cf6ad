#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The library's threads under ThreadSanitizer, under ASan and UBSan with leaks, and under
# helgrind; the device is a stand-in. One result for each tool, as TAP.
set -uo pipefail

root=@ROOT@
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root/selftests/host" || exit 1
sources=(thread_check.c threads_*.c fake_device.c ../../userlib/src/*.c)
flags=(-std=gnu11 -D_GNU_SOURCE -g -O1 -Wall -Wextra -I../../userlib/include -I../../uapi)
count=0

build() {
	gcc "${flags[@]}" "${@:2}" -o "$work/$1" "${sources[@]}" \
		-Wl,--wrap=open,--wrap=ioctl -luring -pthread > "$work/$1.log" 2>&1
}

# check NAME TITLE COMMAND...: every round right, and not a word of the tool's.
check() {
	local name=$1 title=$2
	shift 2
	count=$((count + 1))
	if "$@" >> "$work/$name.log" 2>&1 && ! grep -qE '^not ok|^==|ThreadSanitizer' "$work/$name.log"; then
		echo "ok $count $title: $(awk '/^ok .* rounds$/ { n += $(NF - 1) } END { print n }' "$work/$name.log") rounds"
	else
		head -n 80 "$work/$name.log" | sed 's/^/# Expected nothing, got: /'
		echo "not ok $count $title"
	fi
}

export TSAN_OPTIONS=die_after_fork=0:suppressions=$PWD/tsan.supp
echo "TAP version 13"
echo "1..4"
build plain
check plain "plain" timeout -k 5 60 "$work/plain" 5
build thread -fsanitize=thread
check thread "ThreadSanitizer" timeout -k 5 90 "$work/thread" 8
build address -fsanitize=address,undefined -fno-sanitize-recover=undefined
check address "ASan, UBSan, leaks" timeout -k 5 60 "$work/address" 5
# Suppressions name functions.
build helgrind -fno-inline -fno-optimize-sibling-calls
check helgrind "helgrind" timeout -k 5 90 valgrind --tool=helgrind -q --fair-sched=try \
	--suppressions=helgrind.supp --history-level=approx "$work/helgrind" 8 valgrind
