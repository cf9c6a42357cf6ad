#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Build and run option_fuzz.c for a while; as TAP.
set -uo pipefail

root=@ROOT@
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mapfile -t sources < <(find "$root/userlib/src" -name '*.c' -not -name startup.c -not -name fork.c)
log=$work/log

if clang-19 -g -O1 -std=gnu11 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=undefined -I"$root/userlib/include" -I"$root/userlib/src" -I"$root/uapi" \
	-o "$work/option_fuzz" "$root/selftests/host/option_fuzz.c" "${sources[@]}" -pthread >"$log" 2>&1 &&
   (cd "$work" && ./option_fuzz -seed=1 -max_total_time=15 -max_len=256 -print_final_stats=1) >"$log" 2>&1; then
	echo "ok 1 option_fuzz: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, nothing found"
else
	echo "not ok 1 option_fuzz"
	tail -n 30 "$log" | sed 's/^/# Expected nothing, got: /'
fi
