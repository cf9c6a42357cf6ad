#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The words that bash offers behind winsockctl.
set -uo pipefail

root=@ROOT@
# shellcheck source=selftests/host/tap.sh
. "$root/selftests/host/tap.sh"
# shellcheck source=userlib/tools/ctl/completion.bash
. "$root/userlib/tools/ctl/completion.bash"

# offers WANTED WORD...: the words so far, the last to be continued
offers() {
	local wanted=$1

	shift
	COMP_WORDS=(winsockctl "$@")
	COMP_CWORD=$#
	_winsockctl
	echo "wanted '$wanted', got '${COMPREPLY[*]}'"
	[[ ${COMPREPLY[*]} == "$wanted" ]]
}

# A socket among the descriptors, and a file that is none; no other, which the caller may have.
for fd in "/proc/$$/fd/"*; do
	fd=${fd##*/}
	((fd < 3 || fd == 255)) || exec {fd}>&-
done
exec 8<>/dev/udp/127.0.0.1/9 9</dev/null

plan 9
check "every command" offers 'status list watch query abort' ''
check "a command begun" offers query q
check "a command behind an option" offers 'status list watch query abort' --json ''
check "an option begun" offers --json --j
check "nothing behind list" offers '' list ''
check "nothing for a number" offers '' watch --count ''
check "a number is no command" offers watch -n 3 w
check "a socket of a process" offers "$$/8" abort "$$/"
check "what is no socket is not offered" offers '' query "$$/9"
