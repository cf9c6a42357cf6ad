#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# The users that may use the device, and for which calls: its mode, AppArmor, Landlock, seccomp.
# The rules are those of Documentation/admin.rst, which has them with their reasons.
[ -c /dev/winsock ] || exit 4
. /t/tap.sh

# since MAJOR MINOR: is the kernel at least so new?
since() {
	uname -r | awk -F. -v major="$1" -v minor="$2" \
		'{ exit !($1 > major || $1 == major && $2 + 0 >= minor) }'
}

# sees HOW LINE...: what a program confined so gets; each LINE is "CALL: ERROR, PEER"
sees() {
	# shellcheck disable=SC2086 # words
	/t/confined $1
	status=$?
	shift
	for line in "$@"; do
		grep -qxe "$line" /tmp/out || { echo "wanted: $line"; status=1; }
	done
	return $status
}

# A reset without the right to the socket: on older kernels the module has no hook to call.
if since 6 7; then reset='EACCES, connected'; else reset='done, reset'; fi

try 'a program that is not confined resets what it was handed' sees none \
	'SO_LINGER: done, connected' 'TCP_ULP: done, connected' 'SOL_WINSOCK: done, connected' \
	'open: done, connected' \
	'handed ABORT: done, reset' 'handed ABORT, longer: done, reset' 'handed CLOSE: done, reset' \
	'handed OP_ABORT: done, reset' 'opened ABORT: done, reset' 'opened CLOSE: done, reset'
try 'and closesocket of a shared socket gives up the descriptor alone' sees none \
	'handed closesocket: done, connected' 'opened closesocket: done, connected'

# Attached sockets have a reference to the module until TCP has finished with them.
reload() {
	for _ in $(seq 100); do
		rmmod winsock 2>/dev/null && break
		sleep 0.1
	done
	insmod /t/winsock.ko "$@"
}

mode() {
	reload mode=0660 && chgrp 1000 /dev/winsock && [ "$(stat -c %a /dev/winsock)" = 660 ]
}
try 'mode= gives the device the permissions' mode
try 'a user of its group may use it' sees 'user 1000' 'opened ABORT: done, reset'
try 'another one may not, except what was opened for him' sees 'user 1001' 'open: EACCES, connected' \
	'handed ABORT: done, reset'
reload
try 'without it anybody may' sees 'user 1001' 'opened ABORT: done, reset'

mount -t securityfs none /sys/kernel/security
cat > /tmp/profiles <<'EOP'
abi <kernel>,
profile no-device {
	network inet stream,
}
profile no-network {
	/dev/winsock r,
}
EOP
try 'AppArmor takes the profiles' apparmor_parser -rK /tmp/profiles
try 'AppArmor: a profile without the device cannot open it' sees 'apparmor no-device' \
	'send: done, connected' 'open: EACCES, connected'
try 'AppArmor sees no ioctl: a device that was handed over works' sees 'apparmor no-device' \
	'handed QUERY: done, connected' 'handed ABORT: done, reset' 'handed CLOSE: done, reset'
try 'AppArmor: without network neither options nor the ULP' sees 'apparmor no-network' \
	'send: EACCES, connected' 'SO_LINGER: EACCES, connected' 'TCP_ULP: EACCES, connected' \
	'SOL_WINSOCK: EACCES, connected' \
	'open: done, connected' 'opened QUERY: done, connected'
try 'AppArmor: without network no reset, where the module can ask' \
	sees 'apparmor no-network' "handed ABORT: $reset" "handed ABORT, longer: $reset" \
	"handed CLOSE: $reset" "opened ABORT: $reset" "opened CLOSE: $reset"
try 'AppArmor: a descriptor can always be given up, and an op is not asked for' \
	sees 'apparmor no-network' 'handed closesocket: done, connected' \
	'opened closesocket: done, connected' 'handed OP_ABORT: done, reset'

try 'Landlock: a device without a rule cannot be opened' sees landlock 'open: EACCES, connected' \
	'handed ABORT: done, reset' 'handed OP_ABORT: done, reset'
if since 6 10; then
	try 'Landlock: a rule without ioctl opens a device that does nothing' sees landlock-ioctl \
		'open: done, connected' 'opened QUERY: EACCES, connected' \
		'opened ABORT: EACCES, connected' 'opened CLOSE: EACCES, connected' \
		'handed ABORT: done, reset'
else
	try 'Landlock of this kernel knows no ioctl' fails 4 create_ruleset /t/confined landlock-ioctl
fi

try 'seccomp: calls that are refused by number, whatever their size' sees seccomp \
	'open: done, connected' 'handed QUERY: done, connected' 'handed ABORT: EPERM, connected' \
	'handed ABORT, longer: EPERM, connected' 'handed CLOSE: EPERM, connected' \
	'opened ABORT: EPERM, connected' 'opened CLOSE: EPERM, connected' \
	'TCP_ULP: EPERM, connected' 'SOL_WINSOCK: done, connected'
plan
