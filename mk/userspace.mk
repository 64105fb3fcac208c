# SPDX-License-Identifier: GPL-2.0-or-later
#
# Daemons, tool and their library.
#
#   make userspace                          build/bin/roam*
#   make install-userspace DESTDIR= PREFIX= daemons to sbin, the tool to bin
#   make check-unit TEST=word               unit tests under ASan and UBSan
#   make check-fuzz TEST=word FUZZ_SECONDS=10
#
# Everything is built by the same rules in three flavours: plain, san
# (SAN=address,undefined) and fuzz (clang, libFuzzer), each in a directory of
# its own. The goals below call make again for the flavour they need.

SAN ?=
FLAVOUR ?= $(if $(SAN),san,plain)
PREFIX ?= /usr
DESTDIR ?=
FUZZ_SECONDS ?= 10
FUZZ_CC ?= clang
CHECK_SAN := address,undefined

dir_plain := build/userspace
dir_san := build/userspace-san
dir_fuzz := build/fuzz
bin_plain := build/bin
bin_san := build/bin-san
bin_fuzz := build/fuzz/bin
U := $(dir_$(FLAVOUR))
BIN := $(bin_$(FLAVOUR))

U_PACKAGES := libmnl libuv nettle libconfuse jansson sqlite3 ncursesw libcares libnetfilter_conntrack
U_CFLAGS = -std=gnu11 -Wall -Wextra -Werror -O2 -g -fstack-protector-strong \
	-D_FORTIFY_SOURCE=2 -D_GNU_SOURCE= -MMD -MP \
	-Iuserspace -Iuserspace/lib -Ikernel/include/uapi \
	$(shell pkg-config --cflags $(U_PACKAGES)) $(cflags_$(FLAVOUR))
U_LIBS = $(shell pkg-config --libs $(U_PACKAGES)) -lm
# -O1: what counts is how long compiler and tests take together.
cflags_san = -O1 -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
# warnings are the business of the other flavours' compiler
cflags_fuzz = -w -fsanitize=fuzzer-no-link,$(CHECK_SAN) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
ldflags_san = -fsanitize=$(SAN)
ldflags_fuzz = -fsanitize=fuzzer,$(CHECK_SAN)
cc_fuzz = $(FUZZ_CC)
U_CC = $(or $(cc_$(FLAVOUR)),$(CC))
U_LINK = $(U_CC) $(CFLAGS) $(LDFLAGS) $(ldflags_$(FLAVOUR)) -Wl,--as-needed

# U_LIB_DIRS narrows the library while one part of it does not build.
U_LIB_DIRS ?= $(wildcard userspace/lib/*)
U_LIB := $(U)/libroam.a
u_objects = $(patsubst userspace/%.c,$(U)/%.o,$(wildcard $(1)))
U_LIB_OBJECTS := $(call u_objects,$(addsuffix /*.c,$(U_LIB_DIRS)))

# A program appears with its first source.
src_roam-hlrd := userspace/hlrd/*.c
src_roam-lrd := userspace/lrd/*.c
src_roam-agentd := userspace/agentd/*.c
src_roam-mnd := userspace/mnd/*.c
src_roam-standbyd := userspace/standbyd/*.c
src_roam-syncd := userspace/syncd/*.c
src_roam-mmpd := userspace/mmpd/*.c
src_roam-drcpd := userspace/drcpd/*.c
src_roam-sipd := userspace/sipd/*.c
src_roam-rtp := userspace/rtp/*.c
src_roam := userspace/roam/*.c userspace/roam/cmd/*.c
U_DAEMONS := $(foreach p,$(addprefix roam-,hlrd lrd agentd mnd standbyd syncd mmpd sipd drcpd),\
	$(if $(wildcard $(src_$(p))),$(p)))
U_TOOLS := $(foreach p,roam roam-rtp,$(if $(wildcard $(src_$(p))),$(p)))

# A test in C is linked to the library, one in Python runs the programs.
U_TESTS := $(sort $(patsubst userspace/tests/test_%.c,%,\
	$(wildcard userspace/tests/test_*.c)))
U_PY_TESTS := $(sort $(patsubst userspace/tests/test_%.py,%,\
	$(wildcard userspace/tests/test_*.py)))
U_FUZZERS := $(sort $(patsubst userspace/fuzz/fuzz_%.c,%,\
	$(wildcard userspace/fuzz/fuzz_*.c)))
U_TEST_BINS := $(U_TESTS:%=$(U)/tests/test_%)
U_FUZZ_BINS := $(U_FUZZERS:%=$(U)/bin/fuzz_%)
u_chosen = $(if $(TEST),$(foreach t,$(1),$(if $(findstring $(TEST),$(t)),$(t))),$(1))

.PHONY: userspace install-userspace clean-userspace check-unit check-fuzz \
	unit-tests fuzzers

userspace: $(addprefix $(BIN)/,$(U_DAEMONS) $(U_TOOLS))

$(U)/%.o: userspace/%.c
	@mkdir -p $(@D)
	$(U_CC) $(U_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# The module's header rewriting, with what it needs of the kernel.
$(U)/tests/test_rewrite.o $(U)/fuzz/fuzz_rewrite.o $(U)/tests/test_encap.o $(U)/fuzz/fuzz_encap.o: CPPFLAGS += -Iuserspace/tests/shim

# libre, and what it takes to check certificates, are roam-sipd's alone. Its headers do
# not say that they need these definitions.
$(U)/sipd/%.o $(U)/fuzz/fuzz_sip.o: CPPFLAGS += $(shell pkg-config --cflags libre) \
	-DHAVE_INTTYPES_H -DHAVE_STDBOOL_H -DHAVE_INET6 -DUSE_OPENSSL
$(BIN)/roam-sipd $(U)/bin/fuzz_sip: U_LIBS += $(shell pkg-config --libs libre openssl)

# Anew each time: an archive keeps members whose source is gone.
$(U_LIB): $(U_LIB_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

define u_program
$(BIN)/$(1): $(call u_objects,$(src_$(1))) $(U_LIB)
	@mkdir -p $$(@D)
	$$(U_LINK) -o $$@ $$^ $$(U_LIBS)
endef
$(foreach p,$(U_DAEMONS) $(U_TOOLS),$(eval $(call u_program,$(p))))

# The tool with more daemons than there are, for test_tool.py.
U_MANY := $(BIN)/test-roam-many
$(U_MANY): $(call u_objects,$(src_roam)) $(U)/tests/many_daemons.o $(U_LIB)
	@mkdir -p $(@D)
	$(U_LINK) -o $@ $^ $(U_LIBS)

$(U_TEST_BINS): %: %.o $(U_LIB)
	$(U_LINK) -o $@ $^ $(U_LIBS) $(shell pkg-config --libs cmocka)

$(U_FUZZ_BINS): $(U)/bin/%: $(U)/fuzz/%.o $(U_LIB)
	@mkdir -p $(@D)
	$(U_LINK) -o $@ $(filter %.o,$^) $(U_LIB) $(U_LIBS)

# All of roam-sipd that messages reach.
$(U)/bin/fuzz_sip: $(addprefix $(U)/sipd/,ua.o leg.o dialog.o call.o media.o server.o)

unit-tests: $(filter $(addprefix %/test_,$(call u_chosen,$(U_TESTS))),$(U_TEST_BINS)) \
	$(if $(call u_chosen,$(U_PY_TESTS)),userspace $(U_MANY))
fuzzers: $(filter $(addprefix %/fuzz_,$(call u_chosen,$(U_FUZZERS))),$(U_FUZZ_BINS))

check-unit:
	+@$(MAKE) --no-print-directory FLAVOUR=san SAN=$(CHECK_SAN) unit-tests
	@BIN=$(bin_san) userspace/tests/run $(dir_san)/tests build/check/unit \
		$(call u_chosen,$(U_TESTS) $(U_PY_TESTS))

check-fuzz:
	+@$(MAKE) --no-print-directory FLAVOUR=fuzz SAN= fuzzers
	@userspace/fuzz/run $(bin_fuzz) build/check/fuzz $(FUZZ_SECONDS) \
		$(call u_chosen,$(U_FUZZERS))

install-userspace: userspace
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin
	$(if $(U_DAEMONS),install -m 755 $(addprefix $(BIN)/,$(U_DAEMONS)) \
		$(DESTDIR)$(PREFIX)/sbin)
	$(if $(U_TOOLS),install -m 755 $(addprefix $(BIN)/,$(U_TOOLS)) \
		$(DESTDIR)$(PREFIX)/bin)

clean-userspace:
	rm -rf build/userspace build/userspace-san build/bin build/bin-san \
		build/fuzz build/check/unit build/check/fuzz

-include $(shell find $(U) -name '*.d' 2>/dev/null)
