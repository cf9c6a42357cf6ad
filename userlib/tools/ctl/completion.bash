# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Completion of winsockctl(8): commands, options, and the sockets and pending closes
# among the descriptors of processes that may be looked into.

# PID/FD words that continue $1.
_winsockctl_targets()
{
	local fd pid=${1%%/*} name

	if [[ $1 != */* ]]; then
		compgen -W "$(cd /proc && printf '%s/ ' [0-9]*)" -- "$1"
		return
	fi
	for fd in "/proc/$pid/fd/"*; do
		name=$(readlink "$fd" 2>/dev/null)
		[[ $name == socket:* || $name == 'anon_inode:[winsock]' ]] &&
			compgen -W "$pid/${fd##*/}" -- "$1"
	done
}

_winsockctl()
{
	local word=${COMP_WORDS[COMP_CWORD]} command='' i

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-n | --count) ((i++)) ;;
		-*) ;;
		*) command=${command:-${COMP_WORDS[i]}} ;;
		esac
	done
	[[ ${COMP_WORDS[COMP_CWORD - 1]} == -n || ${COMP_WORDS[COMP_CWORD - 1]} == --count ]] &&
		return
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '--json --all --count --help --version' -- "$word")
	elif [[ -z $command ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'status list watch query abort' -- "$word")
	elif [[ $command == query || $command == abort ]]; then
		mapfile -t COMPREPLY < <(_winsockctl_targets "$word")
		[[ ${COMPREPLY[0]-} != */ ]] || compopt -o nospace 2>/dev/null
	fi
}

complete -F _winsockctl winsockctl
