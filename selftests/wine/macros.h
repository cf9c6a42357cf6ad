/* SPDX-License-Identifier: GPL-2.0-only */
/* Wine's macros, as spatch needs them to read its functions. */
#define DECL_HANDLER(name) void handle_##name(void)
#define SERVER_START_REQ(name) while (1)
#define SERVER_END_REQ
#define WINAPI
