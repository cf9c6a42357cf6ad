#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Without the module or the right to use it: each message has to name a remedy. Last in its
# guest, which loads no more modules afterwards.
[ -c /dev/winsock ] || exit 4
. /t/tap.sh

load=/t/winsock-load

try 'a program with kTLS works' /t/ktls
try 'under winsock-run too' winsock-run /t/ktls
try 'a socket that lingers gets none' fails 3 'kTLS: File exists' winsock-run /t/ktls linger
try 'what has kTLS stays as it is, and -v says why' \
	fails 0 'stays as it is: it has kTLS' winsock-run -v /t/ktls run true
try 'so does what is there at the start' \
	fails 0 'socket 9 .*stays as it is: it has kTLS' /t/ktls run winsock-run -v true

mkdir -p /etc
echo 'user:x:1000:1000:user:/:/bin/sh' >> /etc/passwd
scope=/proc/sys/kernel/yama/ptrace_scope
echo 1 > $scope
try 'Yama at 1: the program itself' fails 1 'in a thread: attached' su -c '/bin/winsock-run /t/ways linger' user
try 'and not its children, which -v says' \
	fails 1 'stays as it is: Operation not permitted' su -c '/bin/winsock-run -v /t/ways linger' user
echo 2 > $scope
try 'at 2 nothing' fails 126 'cannot be taken: Operation not permitted' su -c '/bin/winsock-run true' user
try 'root as ever' fails 0 '^all attached' winsock-run /t/ways linger
echo 0 > $scope

cp /bin/curl /tmp/wine
try 'Wine does not run so, and is told why' fails 126 'no close would wait.*wine.rst' winsock-run /tmp/wine

mv /dev/winsock /tmp/winsock
try 'a container without the device: the library says to pass it' \
	fails 1 'is loaded, but .*--device /dev/winsock' /t/close_epoll
try 'winsock-run -b too' fails 126 '-b needs .*--device /dev/winsock' winsock-run -b curl --version
try 'without -b it needs no device' winsock-run curl --version
mv /tmp/winsock /dev/winsock

for _ in $(seq 100); do
	[ "$(cat /sys/module/winsock/refcnt)" = 0 ] && break
	sleep 0.1
done
rmmod winsock
try 'no module: the library says to load it' fails 1 'load the kernel module winsock (modprobe' /t/close_epoll
try 'the loader says that none is installed' fails 1 'no module is installed for Linux.*linux-headers' $load
try 'or not built' fails 1 'run make first' $load /t/no-such.ko
try 'a module for another kernel: for which' \
	fails 1 "was built for Linux 5.*this is $(uname -r)" $load /t/other-kernel.ko
try 'not root' fails 1 'only root' su -c "$load /t/winsock.ko" user
try 'root of a container' fails 1 'on the host.*--device /dev/winsock' unshare -r $load /t/winsock.ko
# A real disable would prevent the unload at the end.
disabled() {
	echo 1 > /tmp/disabled
	unshare -rm sh -c "mount -o bind /tmp/disabled /proc/sys/kernel/modules_disabled && $load /t/winsock.ko"
}
try 'no modules any more' fails 1 'no more modules until it boots again' disabled
try 'the loader loads it' $load /t/winsock.ko
try 'and again' $load /t/winsock.ko

# Set it with the module loaded, so that the module can be unloaded in the end.
echo 1 > /sys/module/module/parameters/sig_enforce
mount -t tmpfs none /sys/module
try 'only signed modules: Secure Boot, and what to do' \
	fails 1 'Secure Boot.*mokutil --import.*make sign' $load /t/winsock.ko
umount /sys/module
plan
