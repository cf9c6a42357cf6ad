// SPDX-License-Identifier: GPL-2.0-only
/* The examples of overlapped I/O run against each other. */
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "dev.h"
#include "net.h"

#define main iocp_echo
#define begin iocp_begin
#include "../userlib/examples/iocp_echo.c"
#undef main
#undef begin

#define main overlapped_client
#define begin client_begin
#include "../userlib/examples/overlapped_client.c"
#undef main
#undef begin

DEV_REQUIRED;

#define CLIENTS		4
#define PORT		7777

static pid_t start(int (*program)(int argc, char **argv), int argc, char **argv)
{
	pid_t child = fork();

	if (!child)
		_exit(program(argc, argv));
	return child;
}

/* claims: P2 B2 */
TEST(clients_get_back_what_they_sent_and_the_server_ends)
{
	char *server_arguments[] = { "iocp_echo", "7777", "4", NULL };
	char *client_arguments[] = { "overlapped_client", "7777", NULL };
	pid_t server, clients[CLIENTS];
	int status;

	net_enter();
	server = start(iocp_echo, 3, server_arguments);
	ASSERT_GT(server, 0);
	/* Once the server listens its port is taken. */
	for (int ms = 0; ms < 5000 && !net_bind_error(NET_V4, PORT); ms += 10)
		net_sleep(10);
	net_sleep(100);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = start(overlapped_client, 2, client_arguments);
	for (int i = 0; i < CLIENTS; i++) {
		ASSERT_EQ(clients[i], waitpid(clients[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	ASSERT_EQ(server, waitpid(server, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
