# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# TAP for the scripts that run in a guest: sourced, by busybox' sh and by bash.
count=0

# verdict STATUS NAME
verdict() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then echo "ok $count $2"
	else echo "not ok $count $2"; sed 's/^/# /' /tmp/out 2>/dev/null | tail -n 12; fi
}

# Run the rest of the line; print its output if it fails.
try() {
	name=$1
	shift
	"$@" > /tmp/out 2>&1
	verdict $? "$name"
}

# fails STATUS TEXT COMMAND...: does the command fail with this status and text?
fails() {
	wanted=$1 text=$2
	shift 2
	"$@"
	[ $? = "$wanted" ] || return 1
	grep -q -e "$text" /tmp/out
}

plan() {
	echo "1..$count"
}
