# SPDX-License-Identifier: GPL-2.0-only
# The targets for people: see `make help`. kmod/Kbuild lists the module's files.

VERSION	:= $(shell sed -n 's/^Version: //p' kmod/META)
V	?= 0
PREFIX	?= /usr/local
DESTDIR	?=
T	?=
# The key to sign with; the default is DKMS'.
SIGN_KEY ?= /var/lib/dkms/mok.key
SIGN_CERT ?= /var/lib/dkms/mok.pub
LINT_PACKAGES := sparse shellcheck codespell clang clang-tidy clang-19 libclang-rt-19-dev lld-19 llvm-19 coccinelle mandoc pyflakes3 python3-sphinx
OTHER_PACKAGES := libasio-dev
WINE_PACKAGES = autoconf coccinelle dpkg-dev e2fsprogs gcc-mingw-w64-i686 $(if $(shell command -v npm),,npm)
DEB_PACKAGES := build-essential debhelper dh-dkms dpkg-dev fakeroot lintian linux-source
HOST_TESTS := host% (host%
CHECK_PACKAGES := $(LINT_PACKAGES) $(DEB_PACKAGES) $(OTHER_PACKAGES) strace valgrind
MODE	?=

# The running kernel if its headers are here, else the newest guest kernel's.
GUEST	= $(shell selftests/vm/packages --kernel)
KVER	?= $(if $(wildcard /lib/modules/$(shell uname -r)/build),$(shell uname -r),$(GUEST))
KDIR	?= /lib/modules/$(KVER)/build

BUILD	:= $(CURDIR)/build
OBJ	= $(BUILD)/$(KVER)
MODULE	= $(OBJ)/kmod/winsock.ko
KMAKE	= $(MAKE) -C $(KDIR) M=$(OBJ)/kmod WINSOCK_VERSION=$(VERSION) V=$(V) \
	  $(if $(filter 0,$(V)),--no-print-directory)
# The guest's module, whatever the running kernel is.
FOR_GUEST = $(MAKE) --no-print-directory KVER=$$(selftests/vm/packages --kernel)

.PHONY: all modules lib tests-build check-config load unload reload status
.PHONY: install modules_install install-lib install-uapi uninstall sign dkms-tree deb deb-check
.PHONY: docs man roots tree series tree-check
.PHONY: check quick programs wine demo bench vm-debug race fuzz kunit matrix lint coverage vm-check vm-demo vm-bench vm-wine packages clean distclean help

all: modules lib

help:
	@echo 'make                the module and the library'
	@echo 'make demo           close real connections in a VM, close(2) beside closesocket();'
	@echo '                    the same in pictures: build/demo.html'
	@echo 'make check          every test; closes with one line of counts'
	@echo 'make quick          for daily work: the host'\''s tests, close_* and ulp_* on one kernel'
	@echo 'make programs       servers of Debian, plain and under winsock-run'
	@echo 'make vm-debug       the tests on the newest kernel with KASAN, lockdep, kmemleak, faults'
	@echo 'make race           the races on two processors under KASAN and lockdep, then under KCSAN'
	@echo 'make matrix         the suite on 6.1, 6.12, their -rt flavours, arm64, armhf and 7.3 under'
	@echo '                    its checkers, one table; T=rt-amd64 is one row'
	@echo 'make kunit          the KUnit suites by the kernel'\''s kunit.py'
	@echo 'make roots          demo and check in clean roots of Debian 12, 13 and testing'
	@echo 'make tree           the module in a kernel'\''s source (KSRC=DIR); make series: as patches'
	@echo 'make tree-check     both on the newest source: built, booted, the kernel'\''s own tools'
	@echo 'make lint           checkpatch, sparse, coccinelle, clang-tidy, shellcheck and others'
	@echo 'make docs           the documentation as HTML; make man: the man pages anew'
	@echo 'make fuzz           the fuzzer alone, and the lines it reached'
	@echo 'make coverage       what the last run on the debug kernel reached of the module'
	@echo 'make bench          what closing costs, beside what people would use instead'
	@echo 'make wine           Debian'\''s Wine changed to close by the module, and what its programs see'
	@echo 'make load           insmod on this machine (root); also unload, reload, status'
	@echo 'make install        module, library, headers (root); also modules_install,'
	@echo '                    install-lib, install-uapi, uninstall, dkms-tree'
	@echo 'make deb            Debian packages in build/deb; make deb-check installs and boots them'
	@echo 'make sign           sign the module (SIGN_KEY=, SIGN_CERT=; else by DKMS'\'' key)'
	@echo 'make check-config   does the kernel have what the module needs?'
	@echo 'make clean          what was built; distclean: the fetched kernels too'
	@echo
	@echo 'KVER=x KDIR=dir     build for another kernel     V=1      show the commands'
	@echo 'DESTDIR= PREFIX=    where to install             T=name   one test program'

# Built in a copy for each kernel, so that objects of two kernels never mix.
modules: check-config
	@mkdir -p $(OBJ)/kmod
	@cp -ru $(filter-out kmod/dist kmod/winsock.ko,$(wildcard kmod/*)) $(OBJ)/kmod/
	@cp -ru uapi $(OBJ)/
	@$(KMAKE) modules
	@cmp -s $(MODULE) kmod/winsock.ko || cp $(MODULE) kmod/winsock.ko

check-config:
	@test -n "$(KVER)" && test -e $(KDIR)/Makefile || { \
		echo "no kernel headers for '$(KVER)' ($(KDIR)); set KVER or KDIR, or install linux-headers" >&2; exit 1; }
	@test ! -e $(KDIR)/.config || for option in $$(sed -n 's/^Kernel-Config: //p' kmod/META); do \
		grep -q "^$$option=[ym]" $(KDIR)/.config || { \
			echo "this kernel lacks $$option, which winsock needs" >&2; exit 1; }; done

lib:
	@$(MAKE) --no-print-directory -C userlib

tests-build: lib
	@$(MAKE) --no-print-directory -C selftests OUTPUT=$(BUILD)/selftests

load: modules
	@test ! -d /sys/module/winsock || { echo 'winsock is loaded already; make reload?' >&2; exit 1; }
	@kmod/dist/winsock-load kmod/winsock.ko
	@$(MAKE) --no-print-directory status

unload:
	@test -d /sys/module/winsock || { echo 'winsock is not loaded' >&2; exit 1; }
	@rmmod winsock || { echo 'Still in use: a lingering close is pending, or a program has /dev/winsock open.' >&2; exit 1; }

reload:
	@test ! -d /sys/module/winsock || $(MAKE) --no-print-directory unload
	@$(MAKE) --no-print-directory load

status:
	@if test -d /sys/module/winsock; then \
		echo "winsock $$(cat /sys/module/winsock/version) is loaded, used by $$(cat /sys/module/winsock/refcnt)"; ls -l /dev/winsock; \
	else echo 'winsock is not loaded'; fi

install: modules_install install-lib install-uapi

modules_install: modules
	install -D -m 644 $(MODULE) $(DESTDIR)/lib/modules/$(KVER)/updates/winsock.ko
	test -n "$(DESTDIR)" || depmod $(KVER)

install-lib: lib
	$(MAKE) -C userlib install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

install-uapi:
	install -D -m 644 uapi/linux/winsock.h $(DESTDIR)$(PREFIX)/include/linux/winsock.h

uninstall:
	rm -f $(DESTDIR)/lib/modules/$(KVER)/updates/winsock.ko $(DESTDIR)$(PREFIX)/include/linux/winsock.h
	$(MAKE) -C userlib uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

# Linked anew first, so that there is one signature.
sign:
	@test -r $(SIGN_KEY) && test -r $(SIGN_CERT) || { \
		echo "sign: $(SIGN_KEY) and $(SIGN_CERT) cannot be read; Documentation/admin.rst says how to make a key" >&2; exit 1; }
	@rm -f $(MODULE)
	@$(MAKE) --no-print-directory modules
	@$(KDIR)/scripts/sign-file sha256 $(SIGN_KEY) $(SIGN_CERT) $(MODULE)
	@cp $(MODULE) kmod/winsock.ko
	@echo "kmod/winsock.ko for $(KVER), signed by $(SIGN_KEY)"

# The source for DKMS; then `dkms install winsock/VERSION`.
DKMS_TREE = $(DESTDIR)/usr/src/winsock-$(VERSION)
dkms-tree:
	install -d $(DKMS_TREE)/kmod/compat/include/kunit $(DKMS_TREE)/kmod/compat/include/net $(DKMS_TREE)/kmod/family $(DKMS_TREE)/uapi/linux
	install -m 644 Kbuild Makefile $(DKMS_TREE)
	install -m 644 kmod/*.[ch] kmod/Kbuild kmod/META $(DKMS_TREE)/kmod
	install -m 644 kmod/compat/*.[ch] $(DKMS_TREE)/kmod/compat
	install -m 644 kmod/compat/include/kunit/*.h $(DKMS_TREE)/kmod/compat/include/kunit
	install -m 644 kmod/compat/include/net/*.h $(DKMS_TREE)/kmod/compat/include/net
	install -m 644 kmod/family/*.c $(DKMS_TREE)/kmod/family
	install -m 644 uapi/linux/winsock.h $(DKMS_TREE)/uapi/linux
	kmod/dist/dkms-conf > $(DKMS_TREE)/dkms.conf

deb:
	@selftests/vm/packages $(DEB_PACKAGES)
	@kmod/dist/deb $(BUILD)/deb

deb-check: deb
	@selftests/vm/packages e2fsprogs efitools mmdebstrap openssl ovmf sbsigntool
	@$(MAKE) --no-print-directory -C selftests OUTPUT=$(BUILD)/selftests gen_tar >/dev/null
	@selftests/vm/install $(BUILD)

# The two commands of the README in clean roots of Debian; SUITE= and T= are lists.
roots:
	@selftests/vm/packages mmdebstrap
	@selftests/vm/roots $(BUILD) $(or $(T),demo,check) $(or $(SUITE),bookworm trixie testing)

# Put the module into a kernel's source in KSRC.
tree:
	@test -n "$(KSRC)" || { echo 'tree: KSRC=DIR has to name the source of a kernel' >&2; exit 2; }
	@kmod/dist/tree "$(KSRC)"

# The same as patches with a cover letter, in build/series.
series:
	@test -n "$(KSRC)" || { echo 'series: KSRC=DIR has to name the source of a kernel' >&2; exit 2; }
	@kmod/dist/series "$(KSRC)" $(BUILD)/series

# Try both on the newest source that Debian has.
tree-check: packages
	@selftests/vm/packages sparse clang-19 lld-19 llvm-19 gcc-aarch64-linux-gnu python3-ply rsync python3-sphinx
	@selftests/vm/tree-check $(BUILD)

packages:
	@selftests/vm/packages

# Two steps: GUEST is known only when its headers are there.
check:
	@selftests/vm/packages $(if $(filter-out $(HOST_TESTS),$(T)),,$(CHECK_PACKAGES))
	@$(FOR_GUEST) vm-check T='$(T)'

# Run Debian's servers, plain and under winsock-run.
programs: packages
	@$(FOR_GUEST) vm-check T=run_servers MODE=servers

# Debian's kernels, plain, real-time and of other processors, and the debug kernels.
matrix: packages
	@selftests/vm/packages dwarves gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf \
		libc6-dev-armhf-cross qemu-system-arm mmdebstrap clang-19 lld-19 llvm-19 $(OTHER_PACKAGES)
	@$(MAKE) --no-print-directory tests-build
	@selftests/vm/matrix $(BUILD) $(T)

# Without ulp_unload, whose thousand loads take longer than all others.
quick:
	@selftests/vm/packages $(CHECK_PACKAGES)
	@$(FOR_GUEST) vm-check T='(host/.*|close_.*|ulp_[^u].*)' MODE=test

# The KUnit suites once more, as kernel people run them; `make check` has them already.
kunit: packages
	@selftests/vm/debug kernel $(BUILD)/debug
	@selftests/vm/debug kunit $(BUILD)/debug

lint: packages
	@selftests/vm/packages $(LINT_PACKAGES)
	@selftests/vm/debug kernel $(BUILD)/debug
	@selftests/lint $(BUILD) $$(selftests/vm/packages --kernel)

# DOCS(builder): a warning is an error.
DOCS = sphinx-build -q -W --keep-going -d $(BUILD)/docs/doctrees -b $(1) Documentation $(BUILD)/docs/$(1)

docs:
	@selftests/vm/packages python3-sphinx
	@$(call DOCS,html)
	@echo "build/docs/html/index.html"

# The pages are in the tree, so that an installation needs no sphinx.
man:
	@selftests/vm/packages python3-sphinx
	@rm -rf $(BUILD)/docs/man
	@$(call DOCS,man)
	@cp $(BUILD)/docs/man/*.[1-8] Documentation/man/

# Run the fuzzer alone, then print what it reached.
fuzz: packages
	@selftests/vm/packages gcovr
	@KUNIT=0 $(FOR_GUEST) vm-check T=fuzz_calls MODE=debug
	@selftests/vm/coverage $(BUILD)

# The coverage of the last run on the debug kernel.
coverage:
	@selftests/vm/packages gcovr
	@selftests/vm/coverage $(BUILD)

vm-debug: packages
	@$(FOR_GUEST) vm-check T='$(T)' MODE=debug

race: packages
	@$(FOR_GUEST) vm-check T='$(T)' MODE='kasan kcsan'

demo: packages
	@$(FOR_GUEST) vm-demo

vm-check: modules tests-build
	@selftests/check $(BUILD) $(KVER) $(MODULE) "$(T)" $(MODE)

# The host makes the pictures from the guest's report.
vm-demo: modules lib
	@$(MAKE) --no-print-directory -C selftests OUTPUT=$(BUILD)/selftests demo
	@status=0; selftests/vm/run $(BUILD) $(KVER) $(MODULE) show $(BUILD)/selftests/demo/demo || status=$$?; \
	selftests/demo/page $(BUILD)/vm/show/report $(BUILD)/demo.html && \
	selftests/demo/page --text $(BUILD)/vm/show/report $(BUILD)/demo.txt && \
	{ diff Documentation/demo.txt $(BUILD)/demo.txt || echo "Documentation/demo.txt has it otherwise"; } && \
	echo "The same as ladder diagrams, for a browser: build/demo.html" && exit $$status

bench: packages
	@$(FOR_GUEST) vm-bench T='$(T)'

# T=close,data runs some of them, T=million what takes 16 GB. STORE=3 makes what
# three runs count the stored numbers.
vm-bench: modules lib
	@$(MAKE) --no-print-directory -C selftests OUTPUT=$(BUILD)/selftests bench
	@selftests/bench/run $(BUILD) $(KVER) $(MODULE) $(T)

# Wine of Debian 12 and of 13, built from their source packages. SUITE= is one of them.
wine: packages
	@selftests/vm/packages $(WINE_PACKAGES)
	@$(FOR_GUEST) vm-wine

vm-wine: modules
	@selftests/wine/wine $(BUILD) $(KVER) $(MODULE) $(SUITE)

clean:
	@rm -rf $(BUILD)/[0-9]* $(BUILD)/deb $(BUILD)/selftests $(BUILD)/vm kmod/winsock.ko
	@$(MAKE) --no-print-directory -C userlib clean

distclean: clean
	@rm -rf $(BUILD)
