/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs beside the test, run to their end or in the background. */
#ifndef COMMAND_H
#define COMMAND_H

#include <sys/types.h>

/**
 * struct command - a program that runs or ran
 * @pid:	its process
 * @status:	exit status; -1 if a signal ended it
 * @output:	standard output, NUL-terminated, cut off if too long
 * @error:	standard error, likewise
 */
struct command {
	pid_t pid;
	int status;
	char output[16384];
	char error[2048];
	int pipes[2];
};

/*
 * Start @program of the running test's directory as @user (0: unchanged), with arguments up to
 * NULL. It inherits descriptors that are not close-on-exec.
 */
void command_start(struct command *command, uid_t user, const char *program, ...);

/* Wait for its end and read its output. */
void command_finish(struct command *command);

#endif /* COMMAND_H */
