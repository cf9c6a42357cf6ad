// SPDX-License-Identifier: GPL-2.0-only
/* The one function that programs of today want of a DLL that Wine 8.0 has not. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *data, SIZE_T size)
{
	return RtlGenRandom(data, size);
}
