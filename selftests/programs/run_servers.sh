#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's servers unchanged, each plain and under winsock-run: the same results; sockets that
# linger are attached; a linger time is kept. `make programs`.
[ -c /dev/winsock ] || exit 4
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
. /t/tap.sh
# shellcheck source=selftests/lib/servers.sh
. /t/servers.sh
# ss needs it.
mkdir -p /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /tmp/empty /var/run /run/sshd /root/.ssh /tmp/ftp
chmod 700 /root /root/.ssh
cat > /etc/passwd <<'S'
root:x:0:0:root:/root:/bin/sh
ftp:x:1002:1002:ftp:/tmp/ftp:/bin/sh
nobody:x:65534:65534:nobody:/tmp/empty:/bin/sh
sshd:x:1003:65534:sshd:/run/sshd:/bin/sh
S
printf 'root:x:0:\nnogroup:x:65534:\n' > /etc/group
cp $www/big /tmp/ftp/
chmod 555 /tmp/ftp

# serve PORT COMMAND...
serve() {
	listens=$1
	shift
	"$@" > /tmp/server 2>&1 &
	server=$!
	wait_for_port "$listens" 200 || { cat /tmp/server; return 1; }
}

# done_with STATUS: the server's end
done_with() {
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	return "$1"
}

same() {
	cmp /tmp/got $www/big
}

# Is a connection of this port attached while it lasts, as it should?
attached() {
	ss -Htanie "sport = :$1" | grep -v LISTEN > /tmp/ss
	if [ -n "$run" ]; then grep -q tcp-ulp-winsock /tmp/ss
	else ! grep -q tcp-ulp-winsock /tmp/ss; fi || { echo "port $1, $run:"; cat /tmp/ss; return 1; }
}

# Run a client that reads nothing for a while. Prints the end of its connection at the server's
# port.
stuck() {
	sleep 1000 | nc 127.0.0.1 "$1" > /dev/null &
	stuck=$!
	sleep 0.1
	kill -STOP $stuck
}

# left PORT: the connections on the server's side
left() {
	ss -Htan state all "sport = :$1" | grep -v -e LISTEN -e TIME-WAIT
}

cat > /tmp/vsftpd.conf <<'S'
listen=YES
listen_port=2121
background=NO
anonymous_enable=YES
local_enable=NO
secure_chroot_dir=/tmp/empty
xferlog_enable=NO
S
vsftpd_of() {
	cp /tmp/vsftpd.conf /tmp/vsftpd.now
	echo "seccomp_sandbox=$1" >> /tmp/vsftpd.now
	serve 2121 $run vsftpd /tmp/vsftpd.now || return
	curl -sS -o /tmp/got ftp://127.0.0.1:2121/big && same
	done_with $?
}
vsftpd_plain() { vsftpd_of NO; }
# Its sandbox kills it, plain too: it does not allow today's fstat(2) of the C library.
vsftpd_sandboxed() {
	vsftpd_of YES
	[ $? = 56 ]
}

nginx_slow() {
	serve 8080 $run nginx -c /tmp/nginx.conf || return
	curl -sS --limit-rate 1M -o /tmp/got http://127.0.0.1:8080/big && same
	done_with $?
}

gone() {
	for _ in $(seq 200); do
		[ -e "/proc/$1" ] || return 0
		sleep 0.1
	done
	return 1
}

# It is a daemon, as it would ignore the signal otherwise. The new master is the old one's
# child.
nginx_upgrade() {
	sed 's/daemon off/daemon on/' /tmp/nginx.conf > /tmp/daemon.conf
	$run /usr/sbin/nginx -c /tmp/daemon.conf && wait_for_port 8080 200 || return
	old=$(cat /tmp/nginx/pid)
	kill -USR2 "$old"
	for _ in $(seq 100); do
		[ -e /tmp/nginx/pid.oldbin ] && [ -e /tmp/nginx/pid ] && break
		sleep 0.1
	done
	kill -QUIT "$old"
	gone "$old" && new=$(cat /tmp/nginx/pid) && [ "$new" != "$old" ] &&
		curl -sS -o /tmp/got http://127.0.0.1:8080/big && same
	status=$?
	kill "$new"
	gone "$new" || status=1
	return $status
}

cat > /tmp/haproxy.conf <<'S'
global
	master-worker
	maxconn 100
defaults
	mode http
	timeout connect 5s
	timeout client 20s
	timeout server 20s
frontend in
	bind 127.0.0.1:8081
	default_backend out
backend out
	option nolinger
	server one 127.0.0.1:8080
S
haproxy_under_load() {
	curl -sS --limit-rate 1M -o /tmp/got http://127.0.0.1:8081/big &
	slow=$!
	ab -n 200 -c 5 http://127.0.0.1:8081/small > /tmp/ab &
	load=$!
	sleep 0.3
	kill -USR2 $server
	wait $load
	wait $slow && same && grep -q 'Failed requests: *0$' /tmp/ab &&
		grep -q 'Complete requests: *200$' /tmp/ab || { tail -n 40 /tmp/ab; false; }
}
haproxy_reload() {
	serve 8080 nginx -c /tmp/nginx.conf || return
	behind=$server
	serve 8081 $run haproxy -W -db -f /tmp/haproxy.conf && haproxy_under_load
	done_with $?
	status=$?
	kill $behind
	wait $behind 2>/dev/null
	return $status
}

redis_all() {
	serve 6379 $run redis-server --port 6379 --dir /tmp/redis --save '' || return
	$run redis-benchmark -q -n 300 -c 10 -t set,get && redis-benchmark -q -k 0 -n 100 -c 5 -t ping
	done_with $?
}

socat_file() {
	serve 9000 $run socat -u OPEN:$www/big TCP-LISTEN:9000,reuseaddr,linger=10 || return
	socat -u TCP:127.0.0.1:9000 STDOUT > /tmp/got && same
	done_with $?
}

# socat writes into a connection whose peer reads nothing, and is killed.
socat_deadline() {
	serve 9000 $run socat -u OPEN:/dev/zero TCP-LISTEN:9000,reuseaddr,linger=2 || return
	stuck 9000
	sleep 1
	attached 9000
	status=$?
	kill $server
	sleep 0.5
	left 9000 | grep -q . || { echo 'gone at once'; status=1; }
	sleep 3
	left 9000 > /tmp/left
	if [ -n "$run" ]; then ! grep . /tmp/left; else grep -q . /tmp/left; fi || status=1
	kill -KILL $stuck
	return $status
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /tmp/key -out /tmp/cert \
	-subj /CN=localhost > /dev/null 2>&1
openssl_file() {
	cd $www || return
	serve 4433 $run openssl s_server -accept 4433 -key /tmp/key -cert /tmp/cert -WWW || return
	curl -sSk -o /tmp/got https://127.0.0.1:4433/big && same
	done_with $?
}

iperf3_both() {
	serve 5201 $run iperf3 -s -1 || return
	$run iperf3 -c 127.0.0.1 -n 5M && $run iperf3 --version > /dev/null
	done_with $?
}

cat > /tmp/server.py <<'S'
import socket, struct
server = socket.create_server(("127.0.0.1", 9001))
while True:
    connection, _ = server.accept()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 10))
    connection.sendall(open("/tmp/www/big", "rb").read())
    connection.close()
S
python_file() {
	serve 9001 $run python3 /tmp/server.py || return
	nc 127.0.0.1 9001 < /dev/null > /tmp/got
	same
	done_with $?
}
python_http() {
	cd $www || return
	serve 8000 $run python3 -m http.server 8000 || return
	curl -sS -o /tmp/got http://127.0.0.1:8000/big && same
	done_with $?
}

# The second connection is reset by SO_LINGER {1, 0}.
cat > /tmp/server.js <<'S'
const net = require('net'), fs = require('fs');
let count = 0;
net.createServer(socket => {
	socket.on('error', () => {});
	if (count++ == 1)
		return socket.resetAndDestroy();
	socket.end(fs.readFileSync('/tmp/www/big'));
}).listen(9002);
S
node_file() {
	serve 9002 $run node /tmp/server.js || return
	nc 127.0.0.1 9002 < /dev/null > /tmp/got
	same && ! python3 -c 'import socket
socket.create_connection(("127.0.0.1", 9002)).recv(1)' 2> /tmp/reset &&
		grep ConnectionResetError /tmp/reset
	done_with $?
}

# Its sockets are non-blocking: under -b the close is refused, and Go does not repeat it.
go_file() {
	serve 9003 $run /t/ways-go serve 127.0.0.1:9003 $www/big || return
	timeout 20 nc 127.0.0.1 9003 < /dev/null > /tmp/got
	same
	done_with $?
}

ssh-keygen -q -t ed25519 -N '' -f /tmp/host
ssh-keygen -q -t ed25519 -N '' -f /tmp/user
cp /tmp/user.pub /root/.ssh/authorized_keys
printf 'HostKey /tmp/host\nPort 2222\nPidFile none\n' > /tmp/sshd_config
sshd_file() {
	serve 2222 $run /usr/sbin/sshd -D -e -f /tmp/sshd_config || return
	$run ssh -i /tmp/user -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		root@127.0.0.1 cat $www/big > /tmp/got && same
	done_with $?
}

# Print the server's messages if it fails.
told() {
	"$@" && return
	status=$?
	cat /tmp/server
	dmesg | grep 'audit.*type=1326' | tail -n 3
	return $status
}

# Function, text.
while read -r function what; do
	for run in '' winsock-run 'winsock-run -b'; do
		try "$what${run:+, $run}" told $function < /dev/null
	done
done <<'S'
vsftpd_plain vsftpd, its sandbox off
vsftpd_sandboxed vsftpd, its sandbox on
nginx_slow nginx, a slow client
nginx_upgrade nginx, a new binary while it runs
haproxy_reload haproxy, reloaded under load, a slow client
redis_all redis, 1,000 requests
socat_file socat, a file over a lingering connection
socat_deadline socat killed, its linger time kept
openssl_file openssl s_server, a file
iperf3_both iperf3, 5 MB
python_file python3, a file over a lingering connection
python_http python3, its HTTP server
node_file node, a file and a reset
go_file Go, a file over a lingering connection
sshd_file sshd and ssh, a file
S
# systemd as a service manager: socket activation, Type=notify and a stop, of a program that
# takes a socket only if it is for its own PID.
mkdir -p /etc/systemd/system
mount -t tmpfs run /run
serve 8080 nginx -c /tmp/nginx.conf
echo guest > /etc/machine-id
cat > /etc/systemd/system/try.socket <<'S'
[Unit]
DefaultDependencies=no
[Socket]
ListenStream=127.0.0.1:7000
S
cat > /etc/systemd/system/try.service <<'S'
[Unit]
DefaultDependencies=no
[Service]
Type=notify
ExecStart=/bin/winsock-run -v /lib/systemd/systemd-socket-proxyd 127.0.0.1:8080
StandardError=file:/tmp/service
S
cat > /etc/systemd/system/lingers.service <<'S'
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/winsock-run /t/ways linger
StandardOutput=file:/tmp/lingers
S
printf '[Unit]\nDefaultDependencies=no\nRequires=try.socket\n' > /etc/systemd/system/try.target
container=guest unshare --pid --fork --mount --mount-proc /lib/systemd/systemd --unit=try.target \
	> /tmp/systemd 2>&1 &
wait_for_port 7000 200

through() {
	curl -sS -o /tmp/got http://127.0.0.1:7000/big && same
}

# systemd mounts a /run of its own.
control() {
	nsenter -t "$(pgrep -o systemd)" -m -p systemctl "$@"
}

main_process() {
	pid=$(control show -p MainPID --value try.service)
	grep "winsock-run: process $pid," /tmp/service
}

stops() {
	control stop try.service && ! pgrep winsock-run
}

service_lingers() {
	control start lingers.service
	cat /tmp/lingers
	grep -q '^all attached' /tmp/lingers
}

try 'a service, activated by its socket' through
try 'it is the main process' main_process
try 'its stop leaves no supervisor' stops
try 'a service that lingers is attached' service_lingers
[ -s /tmp/got ] || sed 's/^/# /' /tmp/systemd /tmp/service
kill $server
wait $server
plan
