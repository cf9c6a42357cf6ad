#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Do Windows sources compile unchanged, in C and C++, here and with mingw-w64?
set -uo pipefail

root=@ROOT@
# shellcheck source=selftests/host/tap.sh
. "$root/selftests/host/tap.sh"

flags=(-Wall -Wextra -Werror -I "$root/userlib/include" -I "$root/uapi")
plan 17
for example in echo_server iocp_echo lingering_client overlapped_client; do
	source=$root/userlib/examples/$example.c
	check "$example as C11" gcc -std=gnu11 "${flags[@]}" -o "$work/$example" \
		"$source" "$root/userlib/libwinsock.a" -pthread
	check "$example as C++17" g++ -std=gnu++17 -x c++ "${flags[@]}" -c -o "$work/x.o" "$source"
	check "$example for Windows, unchanged" x86_64-w64-mingw32-gcc -Wall -o "$work/x.exe" \
		"$source" -lws2_32
done

cat > "$work/native.c" <<'C'
#include <sys/socket.h>
#include <winsock2.h>
int main(void)
{
	struct linger windows = { 1, 2 };
	return sizeof(windows) == 4 && sizeof(SOCKET) == 4 && SO_DONTLINGER == ~SO_LINGER ? 0 : 1;
}
C
source=$root/selftests/host/af_irda.c
check "<af_irda.h> as C11" gcc -std=gnu11 "${flags[@]}" -c -o "$work/x.o" "$source"
check "<af_irda.h> as C++17" g++ -std=gnu++17 -x c++ "${flags[@]}" -c -o "$work/x.o" "$source"
check "<af_irda.h> has Windows' numbers and sizes" x86_64-w64-mingw32-gcc -Wall -c \
	-o "$work/x.o" "$source"
check "struct linger is Windows' after <sys/socket.h>" gcc "${flags[@]}" -o "$work/native" "$work/native.c"
check "and has 4 bytes" "$work/native"
