# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests. Each target runs alone; check-vm and check-kunit take TEST=word to run
# only tests whose file, function or name contains the word.
#
#   make check                    everything, "N passed, N failed, N skipped" last
#   make check-static             shellcheck, codespell, modules without a warning
#   make check-kunit              kernel unit tests in the debug kernel
#   make check-vm KERNEL=fast     functional tests on fast, 6.12, 6.1, latest or uml;
#                                 VM_TESTS="file ..." for some, CPUS=2 for two CPUs,
#                                 GUEST=name for a guest beside another one
#   make check-debug              the module at work in the debug kernel: moves,
#                                 loading and unloading under traffic, random requests
#   make check-model              models of election and group by spin, and the core beside them
#   make check-harness            a guest that crashes or lies must not pass
#   make check-debian13           README's two commands in a minimal Debian 13
#   make bench                    instructions per packet, in build/bench

KERNEL ?= fast
VM_TESTS = $(wildcard selftests/functional/*.sh selftests/faults/*.sh)

# in_guest KERNEL,NAME,OPTIONS,COMMAND: run the tests, then count the results.
in_guest = status=0; \
	selftests/vm/run --kernel $(1) --name $(2) $(3) -- env TEST='$(TEST)' $(if $(MOVES),MOVES='$(MOVES)') $(if $(CYCLES),CYCLES='$(CYCLES)') $(4) || status=$$?; \
	selftests/ktap build/vm/$(1)/$(2)/output || status=1; \
	exit $$status

.PHONY: check check-static check-kunit check-vm check-debug check-model check-harness check-debian13 bench

check: deps
	@selftests/check

check-static:
	@selftests/static

check-kunit:
	@scripts/build-modules uml >/dev/null
	@$(call in_guest,uml,kunit,--mem 1024 --timeout 900,selftests/vm/kunit \
		build/modules/uml/root/lib/modules/*/updates/*_kunit.ko)

check-vm: $(if $(BUILT),,userspace)
	@scripts/build-modules $(KERNEL) >/dev/null
	@$(call in_guest,$(KERNEL),$(or $(GUEST),check),--timeout 2400 $(if $(CPUS),--cpus $(CPUS)),selftests/vm/run-tests $(VM_TESTS))

check-debug: $(if $(BUILT),,userspace)
	@scripts/build-modules uml >/dev/null
	@$(call in_guest,uml,debug,--mem 1536 --timeout 2400,selftests/vm/debug-tests)

check-model:
	+@$(MAKE) --no-print-directory FLAVOUR=san SAN=$(CHECK_SAN) TEST=election_trace unit-tests
	@selftests/model/run build/check/model build/userspace-san/tests/test_election_trace

check-harness:
	@selftests/vm/selftest $(KERNEL)

check-debian13:
	@scripts/install-deps debian13
	@selftests/debian13

bench: all
	@scripts/build-modules 6.12 >/dev/null
	@selftests/vm/run --kernel 6.12 --name bench --icount --timeout 3600 -- \
		selftests/bench/run
	@mkdir -p build/bench && cp build/vm/6.12/bench/results.json build/vm/6.12/bench/table.txt \
		build/bench/
