#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The pages that `make demo` draws, on what was recorded of a real one (ladder.txt: rows 6
# and 8). The pictures in Documentation are of that record: PICTURES=1 makes them anew.
set -uo pipefail

root=@ROOT@
[[ -d $root ]] || root=$(dirname "$(readlink -f "$0")")/../..
page=$root/selftests/demo/page
record=$root/selftests/host/ladder.txt
pictures=$root/Documentation/pictures
if [[ ${PICTURES:-} == 1 ]]; then
	"$page" --row 6 "$record" "$pictures/deadline.svg" &&
		exec "$page" --row 8 "$record" "$pictures/nonblocking.svg"
	exit 1
fi
# shellcheck source=selftests/host/tap.sh
. "$root/selftests/host/tap.sh"

# drawn ROW PICTURE: the picture in Documentation is this row of the record
drawn() {
	"$page" --row "$1" "$record" "$work/$2" && cmp "$work/$2" "$pictures/$2"
}

# says FILE TEXT...: the texts are in it, in this order
says() {
	python3 - "$@" <<-'PYTHON'
	import sys
	import xml.etree.ElementTree
	tree = xml.etree.ElementTree.parse(sys.argv[1])
	texts = [text.text for text in tree.iter('{http://www.w3.org/2000/svg}text')]
	at = 0
	for wanted in sys.argv[2:]:
	    if wanted not in texts[at:]:
	        sys.exit(f'no "{wanted}" from {at} on in {texts}')
	    at = texts.index(wanted, at) + 1
	PYTHON
}

alone() {
	"$page" "$record" "$work/demo.html" && [[ $(grep -c '<svg' "$work/demo.html") == 6 ]] &&
		! grep -E '<script|<link|<img|https?:|url\(|@import' "$work/demo.html"
}

# refused MESSAGE PAGE-ARGUMENT...: it says so, and the old result is still there
refused() {
	local message=$1

	shift
	echo old > "$work/out"
	! "$page" "$@" "$work/out" 2> "$work/error" && grep -F "$message" "$work/error" &&
		[[ $(cat "$work/out") == old ]]
}

# sorted: a row in which all ways do the same is shown last, with nothing marked
sorted() {
	local way

	way=$(sed -n '/ row 8 /,$d; / way closesocket()$/,/ way close(2) + ULP$/p' "$record" | sed '$d')
	{
		echo '@@ ladder row 1 the same'
		printf '%s\n' "$way" "$way" "$way"
		cat "$record"
	} > "$work/more"
	"$page" "$work/more" "$work/more.html" &&
		[[ $(grep -oE '<h[23]( id="row[0-9]+")?>|<mark>RST' "$work/more.html" | tr '\n' ' ') == \
		'<h2> <h3 id="row6"> <mark>RST <mark>RST <h3 id="row8"> <h2> <h3 id="row1"> <h2> ' ]]
}

# worded: the page about the demo has the record's rows
worded() {
	"$page" --text "$record" "$work/record.txt" &&
		diff "$work/record.txt" <(awk -v RS= -v ORS='\n\n' '/^(6|8)\. /' "$root/Documentation/demo.txt" |
			sed '$d')
}

plan 10
check "the picture of the deadline is of the record" drawn 6 deadline.svg
check "the picture of the non-blocking close is of the record" drawn 8 nonblocking.svg
check "close(2) sends on after its deadline, closesocket() resets before it returns" \
	says "$work/deadline.svg" 'close(2)' 'close(2) is called' 'returned 0 after 2.006 s' \
	FIN_WAIT1 '789 segments, 1,615,872 B' 'FIN, seq 1,622,017 behind 2,048 B' TIME_WAIT \
	'closesocket()' 'closesocket() is called' 'window probe' RST 'returned 0 after 2.001 s' \
	'nothing left'
check "WSAEWOULDBLOCK, and a second call that closes" \
	says "$work/nonblocking.svg" 'closesocket()' 'WSAEWOULDBLOCK after 0.000 s' \
	'closesocket() is called' 'FIN, seq 1,622,017' 'returned 0 after 0.000 s'
check "what the demo shows, in words, is of the record" worded
check "the page needs nothing from elsewhere" alone
check "it begins with the rows that differ, and marks what does" sorted
sed '4s/segment >/segment/' "$record" > "$work/broken"
check "a broken line is told by its number" refused 'broken:4: not a line' "$work/broken"
echo 'no ladder' > "$work/empty"
check "so is a report without any" refused 'no ladder in it' "$work/empty"
check "and one that is not there" refused 'No such file' "$work/missing"
