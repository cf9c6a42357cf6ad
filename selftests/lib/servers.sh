# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Servers for the scripts that run Debian's programs in a guest: sourced, by busybox' sh.

www=/tmp/www
mkdir -p $www /tmp/nginx /tmp/redis /var/log/nginx /etc
dd if=/dev/urandom of=$www/big bs=1M count=3 2>/dev/null
echo hello > $www/small
cat > /tmp/nginx.conf <<'S'
user root root;
worker_processes 2;
daemon off;
pid /tmp/nginx/pid;
error_log stderr;
events { }
http {
	access_log off;
	client_body_temp_path /tmp/nginx/1;
	proxy_temp_path /tmp/nginx/2;
	fastcgi_temp_path /tmp/nginx/3;
	uwsgi_temp_path /tmp/nginx/4;
	scgi_temp_path /tmp/nginx/5;
	reset_timedout_connection on;
	server { listen 8080; listen [::1]:8080; root /tmp/www; }
}
S

# wait_for_port PORT TENTHS: until a server listens there, so many tenths of a second at most
wait_for_port() {
	for _ in $(seq "$2"); do
		ss -Htln "sport = :$1" | grep -q . && return
		sleep 0.1
	done
	return 1
}
