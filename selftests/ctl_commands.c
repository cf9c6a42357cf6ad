// SPDX-License-Identifier: GPL-2.0-only
/* winsockctl: each command as text and as JSON, its exit status, its messages. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "command.h"
#include "json.h"
#include "pending.h"

#define USER		1000

/* Exit status, as in winsockctl(8). */
#define DONE		0
#define FAILED		1
#define USAGE		2
#define NO_MODULE	3
#define DENIED		4

FIXTURE(ctl) {
	int dev;
	struct net_pair pair;
	struct winsock_close call;
	struct command command;
};

/* winsockctl in the background must not hold the socket. */
static void open_pair(struct net_pair *pair)
{
	net_pair_open(pair, NET_V4, false);
	fcntl(pair->client, F_SETFD, FD_CLOEXEC);
}

FIXTURE_SETUP(ctl)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	net_enter();
	open_pair(&self->pair);
}

FIXTURE_TEARDOWN(ctl)
{
	net_pair_close(&self->pair);
	close(self->dev);
}

#define START_AS(user, ...) \
	command_start(&self->command, user, "winsockctl", __VA_ARGS__, NULL)

#define RUN_AS(user, ...) ({ \
	START_AS(user, __VA_ARGS__); \
	command_finish(&self->command); \
	self->command.status; \
})

#define RUN(...) RUN_AS(0, __VA_ARGS__)

#define HAS(text, part) \
	EXPECT_NE(NULL, strstr(text, part)) TH_LOG("no \"%s\" in: %s", part, text)

#define SAYS(part)	HAS(self->command.output, part)
#define COMPLAINS(part)	HAS(self->command.error, part)

#define IS_JSON() \
	EXPECT_TRUE(json_is_valid(self->command.output)) TH_LOG("%s", self->command.output)

/* Write a descriptor's number as an argument. */
#define NUMBER(text, ...) snprintf(text, sizeof(text), __VA_ARGS__)

TEST(the_reader_of_json_refuses_what_is_none)
{
	EXPECT_TRUE(json_is_valid("{\"a\":[1,-2,{}],\"b\":\"\\u0041\\\"\"}\n[true]\n"));
	EXPECT_FALSE(json_is_valid(""));
	EXPECT_FALSE(json_is_valid("{\"a\":1,}"));
	EXPECT_FALSE(json_is_valid("{a:1}"));
	EXPECT_FALSE(json_is_valid("[1 2]"));
	EXPECT_FALSE(json_is_valid("{\"a\":\"\n\"}"));
	EXPECT_FALSE(json_is_valid("[01]"));
	EXPECT_FALSE(json_is_valid("[1"));
}

TEST_F(ctl, status)
{
	struct winsock_info info;
	char interface[32];

	ASSERT_EQ(0, dev_info(self->dev, &info));
	ASSERT_EQ(0, CLOSE());
	for (uid_t user = 0; user <= USER; user += USER) {
		ASSERT_EQ(DONE, RUN_AS(user, "status"));
		SAYS(info.module_version);
		SAYS("limits:\n  pending_each_user: 131072\n");
		SAYS("strict: no\n");
		SAYS("  Graceful: 1\n");
		SAYS("  Deadline: 0\n");
		EXPECT_STREQ("", self->command.error);
		ASSERT_EQ(DONE, RUN_AS(user, "--json", "status"));
		IS_JSON();
		NUMBER(interface, "\"interface\":%u,", info.abi_version);
		SAYS(interface);
		SAYS("\"strict\":false");
		SAYS("\"counters\":{\"Plain\":0,\"Graceful\":1,");
	}
}

TEST_F(ctl, list)
{
	char local[32], pid[32];

	prctl(PR_SET_NAME, "we\\ird\"\n\x1b\xff x");
	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	NUMBER(local, "127.0.0.1:%u", self->pair.client_port);
	NUMBER(pid, " %d ", getpid());
	ASSERT_EQ(DONE, RUN("list"));
	SAYS("USER ");
	SAYS(local);
	SAYS(pid);
	SAYS("ESTABLISHED");
	SAYS("we\\ird\"??\xff x");
	SAYS(" 59.");
	EXPECT_EQ(NULL, strchr(self->command.output, 0x1b));
	ASSERT_EQ(DONE, RUN("list", "-j"));
	IS_JSON();
	SAYS(local);
	SAYS("\"comm\":\"we\\\\ird\\\"\\u000a\\u001b\\u00ff x\"");
	SAYS("\"uid\":0,");

	/* The user sees no closes of others. */
	ASSERT_EQ(DONE, RUN_AS(USER, "list", "--json"));
	EXPECT_STREQ("[]\n", self->command.output);
	ASSERT_EQ(DONE, RUN_AS(USER, "list"));
	EXPECT_EQ(NULL, strstr(self->command.output, local));
	close(self->call.op_fd);
}

TEST_F(ctl, query_a_socket)
{
	char fd[16], far[32], local[32];
	size_t queued = net_stuff(self->pair.client);

	NUMBER(fd, "%d", self->pair.client);
	NUMBER(far, "%d/%d", getpid(), self->pair.client);
	NUMBER(local, "127.0.0.1:%u", self->pair.client_port);
	net_linger(self->pair.client, 1, 7);
	fcntl(self->pair.client, F_SETFD, 0);
	ASSERT_EQ(DONE, RUN("query", fd));
	SAYS("kind: socket\nstate: ESTABLISHED\n");
	SAYS(local);
	SAYS("linger: yes\nlinger_ms: 7000\n");
	SAYS("would_wait: yes\n");
	EXPECT_GT(queued, 0);
	ASSERT_EQ(DONE, RUN("query", far, "--json"));
	IS_JSON();
	SAYS("\"kind\":\"socket\"");
	SAYS(local);
	SAYS("\"linger_ms\":7000,");
	SAYS("\"attached\":false");
	/* The query has changed nothing. */
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
}

TEST_F(ctl, query_a_pending_close)
{
	char far[32];

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, SECOND_NS);
	NUMBER(far, "%d/%d", getpid(), self->call.op_fd);
	ASSERT_EQ(DONE, RUN("query", far));
	EXPECT_STREQ("kind: pending close\nfinal: no\n", self->command.output);
	EXPECT_TRUE(pending_is_final(self->call.op_fd, 5000));
	ASSERT_EQ(DONE, RUN("query", far));
	SAYS("final: yes\noutcome: deadline\nstate: ESTABLISHED\n");
	ASSERT_EQ(DONE, RUN("-j", "query", far));
	IS_JSON();
	SAYS("\"final\":true,\"outcome\":\"deadline\"");
	close(self->call.op_fd);
}

TEST_F(ctl, abort_a_socket)
{
	char far[32];
	int error;

	net_stuff(self->pair.client);
	NUMBER(far, "%d/%d", getpid(), self->pair.client);
	ASSERT_EQ(DONE, RUN("abort", far));
	EXPECT_STREQ("", self->command.output);
	net_drain(self->pair.server, &error);
	EXPECT_EQ(ECONNRESET, error);
	EXPECT_TRUE(net_is_open(self->pair.client));
	EXPECT_EQ(FAILED, RUN("abort", far));
	COMPLAINS("has no connection to reset");
}

TEST_F(ctl, abort_a_pending_close)
{
	struct winsock_record record;
	char far[32];

	net_stuff(self->pair.client);
	BEGIN(WINSOCK_CLOSE_DROP_FD, 60 * SECOND_NS);
	NUMBER(far, "%d/%d", getpid(), self->call.op_fd);
	ASSERT_EQ(DONE, RUN("abort", "--json", far));
	EXPECT_STREQ("{\"aborted\":\"pending close\"}\n", self->command.output);
	ASSERT_EQ(sizeof(record), read(self->call.op_fd, &record, sizeof(record)));
	EXPECT_EQ(WINSOCK_OUTCOME_REQUEST, record.outcome);
	EXPECT_EQ(FAILED, RUN("abort", far));
	COMPLAINS("was decided before");
	close(self->call.op_fd);
}

TEST_F(ctl, targets_that_are_none)
{
	char text[32];

	EXPECT_EQ(USAGE, RUN("query", "socket"));
	COMPLAINS("neither FD, PID/FD nor #ID");
	EXPECT_EQ(USAGE, RUN("query", "1/2/3"));
	EXPECT_EQ(USAGE, RUN("query", "0/3"));
	EXPECT_EQ(USAGE, RUN("query", "99999999999"));
	EXPECT_EQ(USAGE, RUN("query", ""));
	EXPECT_EQ(FAILED, RUN("query", "999"));
	COMPLAINS("descriptor 999 is not open here; of another process it is PID/999");
	EXPECT_EQ(FAILED, RUN("query", "0"));
	COMPLAINS("not a socket");
	EXPECT_EQ(FAILED, RUN("query", "4194303/0"));
	COMPLAINS("there is no process 4194303");
	NUMBER(text, "%d/999", getpid());
	EXPECT_EQ(FAILED, RUN("abort", text));
	COMPLAINS("has no descriptor 999");
	NUMBER(text, "%d/%d", getpid(), socket(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */));
	EXPECT_EQ(FAILED, RUN("query", text));
	COMPLAINS("of a kind that winsock does not close");
	NUMBER(text, "%d/%d", getpid(), self->pair.client);
	EXPECT_EQ(DENIED, RUN_AS(USER, "abort", text));
	COMPLAINS("rights of a debugger");
	EXPECT_EQ(TCP_ESTABLISHED, net_state(self->pair.client));
}

TEST_F(ctl, words_that_are_no_command)
{
	EXPECT_EQ(USAGE, RUN("--no-such-option"));
	EXPECT_EQ(USAGE, RUN("--json"));
	COMPLAINS("usage:");
	EXPECT_EQ(USAGE, RUN("close"));
	COMPLAINS("no such command");
	EXPECT_EQ(USAGE, RUN("list", "1"));
	EXPECT_EQ(USAGE, RUN("query"));
	COMPLAINS("which descriptor?");
	EXPECT_EQ(USAGE, RUN("list", "--all"));
	EXPECT_EQ(USAGE, RUN("watch", "-n", "0"));
	EXPECT_EQ(USAGE, RUN("watch", "-n", "-1"));
	EXPECT_EQ(DONE, RUN("--help"));
	SAYS("usage:");
	EXPECT_EQ(DONE, RUN("--version"));
	SAYS("winsockctl ");
}

static unsigned int instances(void)
{
	DIR *directory = opendir("/sys/kernel/tracing/instances");
	struct dirent *entry;
	unsigned int count = 0;

	while (directory && (entry = readdir(directory)))
		count += !strncmp(entry->d_name, "winsockctl-", 11);
	if (directory)
		closedir(directory);
	return count;
}

/* Mount tracefs once for all. */
static int need_tracefs(void)
{
	if (!access("/sys/kernel/tracing/instances", F_OK))
		return 0;
	return mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
}

TEST_F(ctl, watch_outcomes)
{
	char local[32];

	ASSERT_EQ(0, need_tracefs());
	NUMBER(local, " graceful 127.0.0.1:%u > ", self->pair.client_port);
	START_AS(0, "watch", "-n", "1");
	net_sleep(1000);
	EXPECT_EQ(1, instances());
	ASSERT_EQ(0, CLOSE());
	command_finish(&self->command);
	EXPECT_EQ(DONE, self->command.status);
	SAYS(" outcome ");
	SAYS(local);
	SAYS(" unacked 0 after 0.");
	EXPECT_EQ(NULL, strstr(self->command.output, "verdict"));
	EXPECT_STREQ("", self->command.error);
	EXPECT_EQ(0, instances());
}

/* Events of another network namespace are not shown, and a signal ends the watch cleanly. */
TEST_F(ctl, watch_decisions_as_json)
{
	struct net_pair other;
	int status;
	pid_t child;

	ASSERT_EQ(0, need_tracefs());
	START_AS(0, "--json", "watch", "--all");
	net_sleep(1000);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		net_enter();
		net_pair_open(&other, NET_V6, false);
		_exit(dev_closesocket(self->dev, other.client, &self->call));
	}
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
	net_linger(self->pair.client, 1, 0);
	ASSERT_EQ(0, CLOSE());
	net_sleep(500);
	kill(self->command.pid, SIGINT);
	command_finish(&self->command);
	EXPECT_EQ(DONE, self->command.status);
	IS_JSON();
	SAYS("{\"event\":\"verdict\"");
	SAYS("\"verdict\":\"abort\",\"facts\":\"linger|peer\"");
	SAYS("{\"event\":\"outcome\"");
	SAYS("\"outcome\":\"request\"");
	EXPECT_EQ(NULL, strstr(self->command.output, "[::1]"));
	EXPECT_EQ(0, instances());
}

TEST_F(ctl, watch_counters_without_rights)
{
	ASSERT_EQ(0, need_tracefs());
	START_AS(USER, "watch", "--count", "1");
	net_sleep(1000);
	ASSERT_EQ(0, CLOSE());
	command_finish(&self->command);
	EXPECT_EQ(DONE, self->command.status);
	EXPECT_STREQ("Graceful +1, 1\n", self->command.output);
	COMPLAINS("watching the counters instead");
	net_pair_close(&self->pair);

	open_pair(&self->pair);
	START_AS(USER, "watch", "-j", "-n1");
	net_sleep(1000);
	ASSERT_EQ(0, CLOSE());
	command_finish(&self->command);
	EXPECT_STREQ("{\"counter\":\"Graceful\",\"more\":1,\"value\":2}\n", self->command.output);
}

/* A machine without the module, and a container without the device. */
TEST_F(ctl, without_the_module)
{
	static const char *const commands[] = { "status", "query", "abort" };

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount("/dev/null", WINSOCK_DEVICE, NULL, MS_BIND, NULL));
	chmod(WINSOCK_DEVICE, 0600);
	EXPECT_EQ(DENIED, RUN_AS(USER, "status"));
	COMPLAINS("no permission");
	chmod(WINSOCK_DEVICE, 0666);
	ASSERT_EQ(0, umount(WINSOCK_DEVICE));
	ASSERT_EQ(0, mount("none", "/dev", "tmpfs", 0, NULL));
	EXPECT_EQ(NO_MODULE, RUN("status"));
	COMPLAINS("loaded, but there is no /dev/winsock here");
	ASSERT_EQ(0, mount("none", "/sys/module", "tmpfs", 0, NULL));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(NO_MODULE, i ? RUN(commands[i], "0") : RUN(commands[i]));
		COMPLAINS("not loaded (modprobe winsock)");
	}
	ASSERT_EQ(0, mount("none", "/proc", "tmpfs", 0, NULL));
}

TEST_HARNESS_MAIN
