# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests on the host, to be sourced: a directory $work, and results as TAP.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0

plan() {
	echo "TAP version 13"
	echo "1..$1"
}

# check NAME COMMAND...: the command has to succeed; prints its output if it fails
check() {
	local name=$1

	shift
	count=$((count + 1))
	if "$@" > "$work/log" 2>&1; then
		echo "ok $count $name"
	else
		sed 's/^/# Expected otherwise: /' "$work/log"
		echo "not ok $count $name"
	fi
}
