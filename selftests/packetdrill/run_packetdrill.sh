#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# What the wire sees of closes by close(2) on attached sockets, judged by packetdrill.
[ -c /dev/winsock ] || exit 4

count=0
for script in /t/*.pkt; do
	for version in ipv4 ipv6; do
		case $version in
		ipv4) addresses="--local_ip=192.168.0.1 --gateway_ip=192.168.0.1 --netmask_ip=255.255.0.0 --remote_ip=192.0.2.1" ;;
		ipv6) addresses="--local_ip=fd3d:fa7b:d17d::1 --gateway_ip=fd3d:fa7b:d17d:8888::1 --remote_ip=fd3d:fa7b:d17d:8888::2" ;;
		esac
		count=$((count + 1))
		name="$(basename "$script" .pkt) $version"
		# shellcheck disable=SC2086 # several words
		if unshare -n /t/packetdrill --send_omit_free --tolerance_usecs=14000 \
			--ip_version=$version $addresses "$script" > /tmp/out 2>&1; then
			echo "ok $count $name"
		else
			echo "not ok $count $name"
			sed 's/^/# Expected /' /tmp/out
		fi
	done
done
echo "1..$count"
