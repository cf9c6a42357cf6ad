// SPDX-License-Identifier: GPL-2.0-only
/* Programs of 32 and of 64 bits, compiled with the one header, get the same answers. */
#include <sys/mman.h>

#include "closing.h"
#include "uapi_compat.h"

#ifdef UAPI_COMPAT32
/* A program of 32 bits, executed from memory: no second file is installed. */
asm(".pushsection .rodata\n"
    "compat32: .incbin \"" UAPI_COMPAT32 "\"\n"
    "compat32_end:\n"
    ".popsection");
extern const char compat32[], compat32_end[];

static void compat32_run(int dev, const struct net_pair pairs[3], int layout)
{
	char *arguments[] = { "uapi_compat32", NULL };
	int memory = memfd_create("uapi_compat32", MFD_CLOEXEC);

	dup2(dev, UAPI_DEVICE);
	dup2(layout, UAPI_LAYOUT);
	for (int i = 0; i < 3; i++)
		dup2(pairs[i].client, UAPI_ABORT + i);
	if (write(memory, compat32, compat32_end - compat32) == compat32_end - compat32)
		fexecve(memory, arguments, environ);
	_exit(126);
}

TEST_F(closing, a_program_of_32_bits_sees_the_same)
{
	unsigned int seen[ARRAY_SIZE(uapi_layout)];
	struct net_pair pairs[3];
	int ends[2], status;
	pid_t child;

	for (int i = 0; i < 3; i++) {
		net_pair_open(&pairs[i], variant->family, variant->accepted);
		net_pair_into(&pairs[i], TCP_ESTABLISHED, true);
	}
	ASSERT_EQ(0, pipe(ends));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child)
		compat32_run(self->dev, pairs, ends[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	/* The kernel must run such programs. */
	EXPECT_EQ(0, status) TH_LOG("step %d", WEXITSTATUS(status));
	ASSERT_EQ(sizeof(seen), read(ends[0], seen, sizeof(seen)));
	for (size_t i = 0; i < ARRAY_SIZE(uapi_layout); i++) {
		EXPECT_EQ(uapi_layout[i], seen[i]) TH_LOG("number %zu", i);
	}
	EXPECT_EQ(TCP_CLOSE, net_state(pairs[0].client));
	EXPECT_EQ(TCP_CLOSE, net_state(pairs[1].client));
	EXPECT_EQ(TCP_ESTABLISHED, net_state(pairs[2].client));
	for (int i = 0; i < 3; i++)
		net_pair_close(&pairs[i]);
}
#endif

TEST_HARNESS_MAIN
