#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Does the documentation agree with the sources? Its examples are compiled, its names searched
# in the headers, its tests in the programs. (lint checks that it can be built.)
set -uo pipefail

root=@ROOT@
pages=$root/Documentation
differences=$pages/differences.rst
# shellcheck source=selftests/host/tap.sh
. "$root/selftests/host/tap.sh"

# compiles PAGE: its C blocks are one source
compiles() {
	awk '/^\.\. code-block:: c$/ { block = 1; next }
		/^[^ ]/ { block = 0 }
		block { print }' "$1" > "$work/example.c"
	[[ -s $work/example.c ]] &&
		cc -fsyntax-only -Wall -Wextra -Werror -I"$root/uapi" "$work/example.c"
}

# all TEXT COMMAND [WORD...]: the command succeeds with each line of stdin, and those words before
# it; for others the text is printed, with the line at its @
all() {
	local text=$1 line missing=0

	shift
	while read -r line; do
		# shellcheck disable=SC2086 # a line may be several words
		"$@" $line || {
			echo "${text/@/$line}"
			missing=1
		}
	done
	return $missing
}

# known FILE...: what these name of the interface the header has; WINSOCK_CLOSE_* is a beginning
known() {
	all 'the header has no @' in_header < <(grep -ohE \
		'\b(SOL_)?WINSOCK_((IOC|CLOSE|QUERY|OUTCOME|SO|MODE|RESULT|FEATURE|DIAG)_[A-Z_]*)?' \
		"$@" | sort -u)
}

in_header() {
	grep -qE "\b${1/%_/_\\w+}\b" "$root/uapi/linux/winsock.h"
}

# observed PAGE: counters, fields of a pending close and of the tracepoints
observed() {
	all '@ is not there' in_page "$1" < <(cd "$root/kmod" && {
		sed -nE 's/.*"([A-Z]\w+)", ?.*/\1/p' netns.c
		sed -nE 's/.*seq_puts\(seq, "(.*)\\n"\).*/\1/p' pending.c | tr ' ' '\n'
		sed -nE 's/.*__(field|array)\(u[0-9]+, (\w+).*/\2/p' trace.h
	})
}

in_page() {
	grep -q "\`\`$2\`\`" "$1"
}

# seen COMMAND PAGE FROM TO: the command fails for the page so changed by sed
seen() {
	sed "s/$3/$4/" "$pages/$2" > "$work/page.rst"
	! cmp -s "$pages/$2" "$work/page.rst" && ! "$1" "$work/page.rst"
}

# named: each "``program``: ``test``, ``test``" of the differences is there
named() {
	all 'there is no test: @' is_test < <(tr '\n' ' ' < "$differences" | tr -s ' ' |
		grep -oE '``\w+``: ``\w+``(, ``\w+``)*' | tr -d '`:,' |
		awk '{ for (i = 2; i <= NF; i++) print $1, $i }')
}

is_test() {
	grep -qE "^TEST(_F)?(_TIMEOUT)?\((\w+, )?$2\b" "$root/selftests/$1.c"
}

# cells: each ``program`` in the table of the families is there
cells() {
	all 'there is no program @' is_program < <(
		sed -n '/^   \* - TCP/,/^The library takes/p' "$pages/closesocket.rst" |
		grep -oE '``[a-z]+_[a-z]+``' | tr -d '`' | sort -u)
}

is_program() {
	[[ -e $root/selftests/$1.c ]]
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

# shown PAGE: each row of the demo stands in demo.txt or in the page, and no other
shown() {
	diff <(sed -nE 's/^\t\{ "(.*)",$/\1/p; s/.*"\\n%u\. (.*)\\n"$/\1/p' \
		"$root"/selftests/demo/{demo,blocked,loop}.c) \
		<(sed -nE 's/^ *[0-9]+\. (.*)$/\1/p' "$pages/demo.txt" <(grep '^   ' "$1"))
}

# decided: the table of closesocket has the claims of the policy's rows, in their order
decided() {
	diff <(sed -nE 's/^\t  "([A-Z0-9 ]+): .*/\1/p' "$root/kmod/policy.c") \
		<(sed -nE '/^Facts .* Claims$/,/^Release$/s/^.{77}([A-Z0-9 ]+)$/\1/p' "$1")
}

# cased: the cases of closesocket(3) have the claims of the policy's rows
cased() {
	diff <(sed -nE 's/^\t  "([A-Z0-9 ]*[0-9]): .*/\1/p' "$root/kmod/policy.c" |
		tr ' ' '\n' | sort -u) \
		<(sed -nE 's/^\S.* \(([A-Z0-9 ]+)\)$/\1/p' "$1" | tr ' ' '\n' | sort -u)
}

# since PAGE: the security module is asked as of the kernel that compat.h names
since() {
	local version

	version=$(awk -F '[(,) ]+' '/KERNEL_VERSION/ { version = $5 "." $6 }
		/define do_sock_setsockopt/ { print version }' "$root/kmod/compat/compat.h")
	all '@ names another' grep -qE "since (Linux )?$version\b" <<-END
		$1
		$root/uapi/linux/winsock.h
	END
}

# defaults: the library's header cannot include the kernel's
defaults() {
	diff <(valued WINSOCK_SO_LINGER_DEFAULT "$root/uapi/linux/winsock.h") \
		<(valued WINSOCK_LINGER_DEFAULT "$root/userlib/include/winsock2.h")
}

# valued NAME FILE
valued() {
	grep -E "^#define $1\s" "$2" | grep -oE '[0-9]+$'
}

# oldest PAGE: it names the oldest kernel that the module is built for
oldest() {
	local version

	version=$(sed -nE 's/^#if LINUX_VERSION_CODE < KERNEL_VERSION\((.*), (.*), 0\)$/\1.\2/p' \
		"$root/kmod/compat/compat.h" | head -n 1)
	all '@ names another' grep -q "Linux $version or newer" <<-END
		$1
		$root/kmod/compat/compat.h
	END
}

# mapped: the library's page has the codes of its table of errno, where they are no namesakes
mapped() {
	diff <(sed -nE 's/^\t\{ (E\w+), (WSAE?\w+) \},$/\1 \2/p' "$root/userlib/src/error.c" |
		awk '"WSA" $1 != $2' | sort) \
		<(sed -nE 's/^((E[A-Z]+,? )+) *(WSA\w+)$/\3 \1/p' "$1" | tr -d , |
		awk '{ for (i = 2; i <= NF; i++) if ("WSA" $i != $1) print $i, $1 }' | sort)
}

# reset: the states that can be reset are those of the policy
reset() {
	diff <(sed -nE 's/^\t\[TCP_(\w+)\]\s*= WINSOCK_STATE_PEER.*/\1/p' "$root/kmod/policy.c" | sort) \
		<(sed -n '/^"peer" is a state/,/^$/p' "$1" | grep -oE '\b[A-Z_0-9]{7,}\b' | sort)
}

# numbered: requests have the numbers that a filter names
numbered() {
	local magic

	magic=$(sed -nE 's/^#define WINSOCK_IOC_MAGIC\s+0x(\w+)/\L\1/p' "$root/uapi/linux/winsock.h")
	diff <(sed -nE "/^#define WINSOCK_IOC_\w+ /{N;s/.*IOC_(\w+) .*MAGIC, 0x(\w+), .*/0x$magic\2 \1/p}" \
		"$root/uapi/linux/winsock.h") <(tr '\n' ' ' < "$1" | tr -s ' ' |
		grep -oE '0x[0-9a-f]{4}( is)? [A-Z_]+' | sed 's/ is//')
}

# listed: each call that the headers declare is in a man page
listed() {
	all 'no man page has @' in_man_page "$@" < <(
		sed -nE 's/.*WINSOCK_AS\((\w+)\);.*/\1/p; s/^[^ ].* \*?(winsock_\w+)\(.*\);$/\1/p' \
		"$root"/userlib/include/*.h | grep -v '^closesocket_ex$' | sort -u)
}

in_man_page() {
	local name=${*: -1}

	grep -qE "\b(${name%[AW]}|$name)\(\)" "${@:1:$#-1}"
}

# pages: each page of ours that anything names is there
pages() {
	all 'there is no @' is_file < <(cd "$root" && grep -rIohE \
		'\bDocumentation/[a-z_-]+\.(rst|txt)' kmod uapi userlib selftests Makefile README.md |
		sort -u)
}

is_file() {
	[[ -e $root/$1 ]]
}

# bounded: the module's numbers stand where they are promised
bounded() {
	all 'not as in the module: @' is_bound <<-END
		Documentation/admin.rst netns NETNS_OPS_MAX
		Documentation/uapi.rst orphan ORPHAN_LINGER_MAX_S
		uapi/linux/winsock.h orphan ORPHAN_LINGER_MAX_S
		userlib/include/winsock2.h orphan ORPHAN_LINGER_MAX_S
		Documentation/internals.rst orphan ORPHAN_BATCH
		Documentation/closesocket.rst handle HANDLE_TASKS
		Documentation/closesocket.rst handle HANDLE_SLOTS
		Documentation/closesocket.rst handle HANDLE_ENTRIES
		Documentation/closesocket.rst handle HANDLE_LOCKERS
	END
}

# is_bound PAGE FILE NAME
is_bound() {
	local number

	number=$(sed -nE "s/^#define $3\s+([0-9]+).*/\1/p" "$root/kmod/$2.c")
	[[ -n $number ]] && tr -d , < "$root/$1" | grep -w "$number" > /dev/null
}

plan 27
check "the examples compile" compiles "$pages/uapi.rst"
check "a field that is not there would be seen" seen compiles uapi.rst '\.fd = ' '.fdd = '
check "the names are there" known "$pages"/*.rst "$pages"/man/*.rst "$root/README.md"
check "one that is not would be seen" seen known uapi.rst WINSOCK_IOC_CLOSE WINSOCK_IOC_CLOSED
check "so is what can be observed" observed "$pages/admin.rst"
check "a counter that is not would be seen" seen observed admin.rst '``NoMem``' '``Mem``'
check "the tests that the differences name are there" named
check "and every reading names one" each
check "so are the programs that the families name" cells
check "the first page has the demo's rows" shown "$pages/index.rst"
check "a row that is not would be seen" seen shown index.rst 'is blocked on' 'sleeps on'
check "the contract has the policy's rows" decided "$pages/closesocket.rst"
check "a claim that is missing would be seen" seen decided closesocket.rst ' N1 N6$' ' N1'
check "so have the cases of closesocket(3)" cased "$pages/man/closesocket.3.rst"
check "one that is missing would be seen" seen cased man/closesocket.3.rst 'N1 N6)$' 'N1)'
check "the README names the oldest kernel" oldest "$root/README.md"
check "the security module is asked since one version" since "$pages/admin.rst"
check "another one would be seen" seen since admin.rst 'since 6.7: *since 6.7' 'since 6.6'
check "the two names of SO_DONTLINGER's default have one value" defaults
check "the states that can be reset are the policy's" reset "$pages/closesocket.rst"
check "a state that is missing would be seen" seen reset closesocket.rst 'FIN_WAIT2, ' ''
check "the requests have their numbers" numbered "$pages/admin.rst"
check "the calls are in man pages" listed "$pages"/man/*.rst
check "pages that are named are there" pages
check "the bounds are the module's" bounded
check "the codes are the library's" mapped "$pages/library.rst"
check "a code that is missing would be seen" seen mapped library.rst '^EPERM ' 'EPERMS '
