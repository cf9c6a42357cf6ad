// SPDX-License-Identifier: GPL-2.0-only
/* Programs beside the test. */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

#define COMMAND_ARGUMENTS	8

static void command_execute(const char *program, char **arguments, uid_t user)
{
	char path[PATH_MAX] = "";
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 64);

	if (length < 0 || (user && setresuid(user, user, user)))
		_exit(125);
	snprintf(strrchr(path, '/') + 1, 64, "%s", program);
	execv(path, arguments);
	_exit(126);
}

void command_start(struct command *command, uid_t user, const char *program, ...)
{
	char *arguments[COMMAND_ARGUMENTS + 2] = { (char *)program };
	int output[2], error[2];
	va_list list;

	va_start(list, program);
	for (int i = 1; i <= COMMAND_ARGUMENTS; i++) {
		arguments[i] = va_arg(list, char *);
		if (!arguments[i])
			break;
	}
	va_end(list);
	if (pipe2(output, O_CLOEXEC) || pipe2(error, O_CLOEXEC)) {
		perror("pipe2");
		exit(1);
	}
	command->pid = fork();
	if (!command->pid) {
		dup2(output[1], 1);
		dup2(error[1], 2);
		command_execute(program, arguments, user);
	}
	close(output[1]);
	close(error[1]);
	command->pipes[0] = output[0];
	command->pipes[1] = error[0];
}

static void command_read(int fd, char *text, size_t size)
{
	size_t length = 0;
	char rest[512];
	ssize_t got;

	while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)) > 0)
		length += got;
	text[length] = 0;
	while (read(fd, rest, sizeof(rest)) > 0)
		;
	close(fd);
}

void command_finish(struct command *command)
{
	int status;

	command_read(command->pipes[0], command->output, sizeof(command->output));
	command_read(command->pipes[1], command->error, sizeof(command->error));
	waitpid(command->pid, &status, 0);
	command->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
