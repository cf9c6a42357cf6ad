#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What bash offers behind winsockctl.
root=@ROOT@
# shellcheck source=/dev/null
source "$root/userlib/tools/ctl/completion.bash"

count=0
# offers WANTED WORD...: the words so far, the last to be continued
offers() {
	local wanted=$1

	shift
	COMP_WORDS=(winsockctl "$@")
	COMP_CWORD=$#
	_winsockctl
	count=$((count + 1))
	if [[ "${COMPREPLY[*]}" == "$wanted" ]]; then
		echo "ok $count winsockctl $*"
	else
		echo "not ok $count winsockctl $*"
		echo "# Expected '$wanted', got '${COMPREPLY[*]}'"
	fi
}

offers 'status list watch query abort' ''
offers 'query' q
offers 'status list watch query abort' --json ''
offers '--json' --j
offers '' list ''
offers '' watch --count ''
offers 'watch' -n 3 w
# A socket among the descriptors, and a file that is none.
exec 8<>/dev/udp/127.0.0.1/9 9</dev/null
offers "$$/8" abort "$$/"
offers '' query "$$/9"
echo "1..$count"
