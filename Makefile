# SPDX-License-Identifier: GPL-2.0-or-later
#
# roam: IP mobility for Linux. The parts of the build stand in mk/.
#
#   make                  userspace, and modules for KVER= (default: this kernel)
#   make install          both, units, manual pages; DESTDIR=, PREFIX=
#   make demo             a host moves twenty times, on real traffic, in a guest
#   make check            all tests; last line "N passed, N failed, N skipped"
#   make bench            instructions per packet, beside the peers
#   make requirements     the list of requirements against the tests that prove them
#   make clean            everything but the cache of kernels

.PHONY: all install requirements clean help

all: userspace modules

include $(sort $(wildcard mk/*.mk))

install: install-userspace install-files modules_install

requirements:
	@scripts/requirements

clean:
	rm -rf build

help:
	@sed -n '/^#   make/s/^#   //p' Makefile mk/*.mk
