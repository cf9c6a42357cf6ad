#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The packages and the tarball of tests: do they build, is lintian silent, is the tree as
# it was? `make deb-check` installs and boots them.
set -uo pipefail

root=@ROOT@
output=$(readlink -f "${OUTPUT:-$root/build/selftests}")
# shellcheck source=selftests/host/tap.sh
. "$root/selftests/host/tap.sh"
cd "$root" || exit 1

tree() {
	find . -path ./build -prune -o -path ./.git -prune -o -type f -printf '%p %T@\n' | sort
}

clean() {
	tree > "$work/after"
	diff "$work/before" "$work/after"
}

# Each file that userlib installs is in a package, under the same name.
shipped() {
	make -s -C userlib install PREFIX=/usr DESTDIR="$work/root" >/dev/null &&
		for package in "$output"/../deb/*.deb; do
			dpkg-deb --fsys-tarfile "$package" | tar -t
		done | sed 's|.*/||; s|\.gz$||' | sort -u > "$work/packaged" &&
		find "$work/root" -not -type d -printf '%f\n' | sort -u |
			comm -23 - "$work/packaged" > "$work/missing" &&
		! grep . "$work/missing"
}

# dkms.conf names the kernels that META does.
kernels() {
	local pattern kver

	pattern=$(kmod/dist/dkms-conf | sed -n 's/^BUILD_EXCLUSIVE_KERNEL="\(.*\)"/\1/p')
	for kver in 6.1.0-56-cloud-amd64 6.2.1 6.12.90+deb12-amd64 7.0.1 7.3.4 10.0.1; do
		[[ $kver =~ $pattern ]] || { echo "$kver is not built for"; return 1; }
	done
	for kver in 4.19.0-6.1 5.10.0-30-amd64 5.4.6.1 6.0.12; do
		[[ ! $kver =~ $pattern ]] || { echo "$kver is built for"; return 1; }
	done
}

# The programs run where they are unpacked, and skip without the module.
tarball() {
	make -s -C selftests OUTPUT="$output" INSTALL_PATH="$work/install" gen_tar >/dev/null &&
		mkdir "$work/tar" && tar -xf "$work"/install/kselftest-packages/kselftest.tar.gz \
			-C "$work/tar" &&
		"$work/tar/run_kselftest.sh" -t winsock:close_linger -t winsock:winsock_api > "$work/run" &&
		[[ -c /dev/winsock || $(grep -c '^ok . selftests: winsock: .* # SKIP' "$work/run") == 2 ]]
}

plan 5
tree > "$work/before"
check 'the packages build, and lintian is silent' kmod/dist/deb "$output/../deb"
check 'the tree is as it was' clean
check 'what userlib installs is packaged' shipped
check 'dkms.conf: from the oldest supported kernel on' kernels
check 'the tests run from their tarball' tarball
