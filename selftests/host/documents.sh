#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Does the documentation say what there is? The interface's page against the header, and
# the tests that the differences name. (That it can be built is for lint to see.)
set -uo pipefail

root=@ROOT@
reference=$root/selftests/host/reference.py
header=$root/uapi/linux/winsock.h
uapi=$root/Documentation/uapi.rst
differences=$root/Documentation/differences.rst
# shellcheck source=selftests/host/tap.sh
. "$root/selftests/host/tap.sh"

# seen EXPRESSION TEXT: changed so by sed, the header is told from the page
seen() {
	sed "$1" "$header" > "$work/winsock.h"
	! cmp -s "$header" "$work/winsock.h" &&
		! "$reference" "$work/winsock.h" "$uapi" > "$work/seen" &&
		grep -F "$2" "$work/seen"
}

# named: each "``program``: ``test``, ``test``" of the differences is there
named() {
	local program test missing=0

	while read -r program test; do
		grep -qE "^TEST(_F)?(_TIMEOUT)?\((\w+, )?$test\b" "$root/selftests/$program.c" || {
			echo "$program has no test $test"
			missing=1
		}
	done < <(tr '\n' ' ' < "$differences" | tr -s ' ' |
		grep -oE '``\w+``: ``\w+``(, ``\w+``)*' | tr -d '`:,' |
		awk '{ for (i = 2; i <= NF; i++) print $1, $i }')
	return $missing
}

# cells: each ``test`` in the table of the families is there
cells() {
	local test missing=0

	while read -r test; do
		grep -qE "^TEST(_F)?\((\w+, )?$test\)" "$root"/selftests/{family_*.c,winsock_*.c,connected.h} || {
			echo "there is no test $test"
			missing=1
		}
	done < <(sed -n '/^   \* - AF_UNIX/,/^The library takes/p' "$root/Documentation/families.rst" |
		grep -oE '``[a-z_]+``' | tr -d '`' | grep -vE '^(family|winsock|stress)_[a-z]+$' | sort -u)
	return $missing
}

# each: every reading has its tests
each() {
	local readings tests

	readings=$(sed -n '/^Readings$/,/^Claims without/p' "$differences" |
		grep -B 1 '^   ' | grep -c '^[^ -]')
	tests=$(grep -c '^   :Tests: ' "$differences")
	echo "$readings readings, $tests of them with tests"
	[[ $readings -gt 0 && $readings == "$tests" ]]
}

plan 11
check "the page of the interface is what the header says" "$reference" "$header" "$uapi"
check "it would see a field more" seen 's/^\t__u32	abi_version;/&\n\t__u32	more;/' more
check "fields exchanged" seen '/__u32	abi_version;/{N;s/\(.*\)\n\(.*\)/\2\n\1/}' \
	"struct winsock_info"
check "another type" seen 's/__s32	error;/__u32	error;/' "struct winsock_close: type of error"
check "another value" seen 's/WINSOCK_OUTCOME_PEER		4/WINSOCK_OUTCOME_PEER		9/' \
	"value of WINSOCK_OUTCOME_PEER"
check "another request" seen 's/_IO(WINSOCK_IOC_MAGIC, 0x11)/_IO(WINSOCK_IOC_MAGIC, 0x12)/' \
	"value of WINSOCK_IOC_OP_ABORT"
check "a name more" seen 's/^#define WINSOCK_DEVICE.*/&\n#define WINSOCK_MORE 1/' WINSOCK_MORE
check "an error more" seen 's/EINVAL (@pad)/EXDEV (@pad)/' EXDEV
check "the tests that the differences name are there" named
check "and every reading names one" each
check "so are those that the families name" cells
