#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# winsock-run in the guest: programs of Debian as they are, attached where they linger.
[ -c /dev/winsock ] || exit 4

. /t/tap.sh
# shellcheck source=selftests/lib/servers.sh
. /t/servers.sh

printf 'root:x:0:0:root:/:/bin/sh\nuser:x:1001:1001:user:/:/bin/sh\n' > /etc/passwd
echo 'root:x:0:' > /etc/group

fetch() {
	rm -f /tmp/got
	"$@" -sS -o /tmp/got http://127.0.0.1:8080/big && cmp /tmp/got $www/big
}

load() {
	"$@" http://127.0.0.1:8080/small &&
		grep -q 'Failed requests: *0$' /tmp/out && grep -q 'Complete requests: *300$' /tmp/out
}

winsock-run -v nginx -c /tmp/nginx.conf > /tmp/nginx/log 2>&1 &
nginx=$!
try 'nginx serves under winsock-run' wait_for_port 8080 100
try 'curl fetches 3 MB whole' fetch curl
try 'curl under winsock-run fetches 3 MB whole' fetch winsock-run curl
try 'over IPv6 too' winsock-run curl -sSg -o /tmp/got 'http://[::1]:8080/big'
try 'ab: 300 connections, none fails' load ab -n 300 -c 10
try 'ab: 300 requests over connections kept alive' load ab -k -n 300 -c 10
try 'ab under winsock-run: 300 connections' load winsock-run ab -n 300 -c 10
try 'ab under winsock-run: kept alive' load winsock-run ab -k -n 300 -c 10
kill $nginx
wait $nginx 2>/dev/null
cp /tmp/nginx/log /tmp/out
grep -q 'stays as it is' /tmp/nginx/log
verdict $((! $?)) 'no socket of nginx had to stay as it was'

winsock-run redis-server --port 6379 --dir /tmp/redis --save '' > /tmp/redis/log 2>&1 &
redis=$!
try 'redis serves under winsock-run' wait_for_port 6379 100
try 'redis-benchmark: SET and GET' winsock-run redis-benchmark -q -n 500 -c 10 -t set,get
try 'redis-benchmark: a connection for each' redis-benchmark -q -k 0 -n 300 -c 10 -t ping
kill $redis
wait $redis 2>/dev/null

# Kernel tests, each plain and attached. This one prints only when a close has stalled.
fin_ack_lat() {
	timeout 2 "$@" /t/fin_ack_lat
	killall fin_ack_lat 2>/dev/null
	# The other process may see the end before it is killed.
	! grep -v -e '^server port' -e 'Connection reset by peer$' /tmp/out
}

zerocopy() {
	"$@" /t/msg_zerocopy -4 -t 1 -C 0 -S 127.0.0.1 -D 127.0.0.1 -r tcp > /tmp/receiver 2>&1 &
	sleep 0.2
	"$@" /t/msg_zerocopy -4 -t 1 -C 0 -z -S 127.0.0.1 -D 127.0.0.1 tcp
	wait $!
}

both() {
	what=$1
	shift
	try "$what, plain" "$@"
	try "$what, attached" winsock-run "$@"
}

echo 3 > /proc/sys/net/ipv4/tcp_fastopen
for test in reuseaddr_conflict sk_bind_sendto_listen sk_connect_zero_addr so_netns_cookie tcp_inq; do
	both $test /t/$test
done
for family in -4 -6s; do
	both "tcp_fastopen_backup_key $family" /t/tcp_fastopen_backup_key $family
done
try 'fin_ack_lat, plain' fin_ack_lat
try 'fin_ack_lat, attached' fin_ack_lat winsock-run
try 'msg_zerocopy, plain' zerocopy
try 'msg_zerocopy, attached' zerocopy winsock-run

# ways PROGRAM: how it lingers and closes, plain, attached, and with -b.
ways() {
	try "$1 plain: Linux' linger" fails 0 '^all not attached' /t/$1 linger
	try "$1 plain: and Linux' close" fails 0 '^all orphaned' /t/$1 close
	try "$1 attached: each socket that lingers" fails 0 '^all attached' winsock-run /t/$1 linger
	try "$1 attached: reset at the deadline" fails 0 '^all reset' winsock-run /t/$1 close
	try "$1 with -b: attached too" fails 0 '^all attached' winsock-run -b /t/$1 linger
	try "$1 with -b: each way to close is refused" fails 0 '^all refused' winsock-run -b /t/$1 close
}
for program in ways ways-static ways-musl ways-go; do
	ways $program
done

try 'what is not the last descriptor is closed with -b too' \
	fails 0 'the last one refused' winsock-run -b /t/ways shared
try 'the seccomp filter of a program allows what it did' fails 0 alive winsock-run -b /t/ways sandbox
try 'the program has no child' fails 0 'no child' winsock-run /t/ways alone
# shellcheck disable=SC2016 # the inner shells' PIDs
try 'and the PID that it would have' \
	sh -c 'echo $$ > /tmp/pid; exec winsock-run sh -c "echo \$\$ | cmp - /tmp/pid"'
try 'as entry point of a container' \
	fails 0 '^all attached' unshare -pfm --mount-proc winsock-run /t/ways linger
try 'of one without root' \
	fails 0 '^all attached' su user -c 'unshare -rpfm --mount-proc /bin/winsock-run /t/ways linger'
gone() { winsock-run sh -c "killall -9 winsock-run; exec $*"; }
try 'without the supervisor SO_LINGER fails' fails 1 'setsockopt: broken' gone /t/ways linger
for run in '' winsock-run 'winsock-run -b'; do
	echo "# ${run:-plain}: $($run /t/ways cost)"
done

try 'what lingers at the start is attached' \
	fails 0 '^attached' /t/ways pass winsock-run /t/ways passed
try 'by nobody else' fails 0 '^not attached' /t/ways pass /t/ways passed
cp "$(command -v curl)" /tmp/setuid
chown 1000 /tmp/setuid
chmod 4755 /tmp/setuid
try 'with CAP_SYS_ADMIN a setuid program runs' winsock-run /tmp/setuid --version
try 'and -v says so' fails 0 'with CAP_SYS_ADMIN' winsock-run -v true
try 'a user gets no_new_privs' fails 0 'with no_new_privs' su user -c 'winsock-run -v /t/ways linger'
try 'his sockets are attached' fails 0 '^all attached' su user -c 'winsock-run /t/ways linger'
try 'his setuid programs are refused, and why' fails 126 'setuid' su user -c 'winsock-run /tmp/setuid'
try 'winsock-run in winsock-run' fails 0 '^all attached' winsock-run winsock-run /t/ways linger
try 'and -v says so' fails 0 'the winsock-run around it' winsock-run winsock-run -v true
try 'with -b there can be but one' fails 126 'another supervisor' winsock-run winsock-run -b true
try 'what is not there is not found' fails 127 'not found' winsock-run no-such-program
try 'a file that is no program' fails 126 'Permission denied' winsock-run /etc/passwd
try 'no program: usage' fails 2 'usage' winsock-run
try 'options of the program are the program'\''s' winsock-run curl --version -b

for _ in $(seq 100); do
	[ "$(cat /sys/module/winsock/refcnt)" = 0 ] && break
	sleep 0.1
done
no_supervisor() {
	for _ in $(seq 100); do
		pgrep winsock-run || return 0
		sleep 0.1
	done
	return 1
}
try 'no supervisor is left' no_supervisor
try 'the module goes' rmmod winsock
try 'without the module it says so' fails 126 'not loaded' winsock-run curl
try 'and comes back' insmod /t/winsock.ko
plan
