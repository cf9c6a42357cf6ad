# SPDX-License-Identifier: GPL-2.0-only
# The tests of the kernel's interface, which need no library. In a kernel's tree this is the
# directory's Makefile; outside, selftests/Makefile includes it and adds all others.
TEST_GEN_PROGS := \
	close_async \
	close_graceful \
	close_handles \
	close_hard \
	close_held \
	close_limit \
	close_linger \
	close_nonblock \
	close_number \
	close_orphan \
	close_signal \
	close_states \
	close_survive \
	close_timens \
	close_wait \
	family_datagram \
	family_unix \
	observe_counters \
	observe_pending \
	observe_trace \
	stress_close \
	stress_handles \
	stress_ulp \
	uapi_errors \
	ulp_attach \
	ulp_close \
	ulp_mode \
	ulp_options \
	ulp_unload \
	# end

# 32-bit calls of 64-bit kernels.
X86_64 := $(shell echo __x86_64__ | $(if $(CROSS_COMPILE),$(CROSS_COMPILE)gcc,$(CC)) -E -P -x c - | grep -x 1)
TEST_GEN_PROGS += $(if $(X86_64),uapi_compat)

# Programs that need a debugging kernel.
TEST_DEBUG_PROGS := fault_inject

# The files that they share.
TEST_LIB := dev ends mib net pass trace ulp usage wire

CFLAGS += -O2 -g -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	  -Wno-missing-field-initializers -D_GNU_SOURCE=
CPPFLAGS += -I. -Ilib $(UAPI) -DIN_TREE=$(if $(wildcard ../lib.mk),1,0)
LDFLAGS += -pthread

ifneq ($(wildcard ../lib.mk),)
TEST_GEN_PROGS += $(TEST_DEBUG_PROGS)
UAPI = $(KHDR_INCLUDES)
# The harness of newer kernels: a fixture in a header is not every program's, and what a macro
# ends with is a loop.
CFLAGS += -Wno-unused-function -Wno-misleading-indentation
LDLIBS := -luring
LOCAL_HDRS := $(wildcard *.h lib/*.h)
include ../lib.mk

lib_objects := $(TEST_LIB:%=$(OUTPUT)/lib/%.o)
EXTRA_CLEAN := $(lib_objects) $(OUTPUT)/uapi_compat32
$(TEST_GEN_PROGS): $(lib_objects)

$(OUTPUT)/lib/%.o: lib/%.c $(LOCAL_HDRS)
	@mkdir -p $(@D)
	$(call msg,CC,,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
endif

# The 32-bit program inside uapi_compat, if the processor runs such.
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine)),)
$(OUTPUT)/uapi_compat32: uapi_compat32.c uapi_compat.h
	@mkdir -p $(@D)
	@echo '  CC       $<'
	@$(CC) -m32 $(filter-out -g,$(CFLAGS)) -ffreestanding -fno-stack-protector -fno-pic \
		-no-pie -nostdlib -static $(UAPI) -isystem /usr/include/$$($(CC) -print-multiarch) \
		-o $@ $<

# The linker must not get it as an input.
$(OUTPUT)/uapi_compat $(OUTPUT)/uapi_compat.o: CPPFLAGS += -DUAPI_COMPAT32='"$(OUTPUT)/uapi_compat32"'
$(OUTPUT)/uapi_compat $(OUTPUT)/uapi_compat.o: | $(OUTPUT)/uapi_compat32
endif
