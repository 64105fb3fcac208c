# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kernel modules, built out of tree in build/modules/.
#
#   make modules [KVER=6.1|6.12|latest|fast|uml|release] [KDIR=path]
#
# Without either: for the running kernel where its headers are installed, else
# for 6.12 from the cache.

RUNNING := $(shell uname -r)
KVER ?= $(if $(wildcard /lib/modules/$(RUNNING)/build/Makefile),$(RUNNING),6.12)

.PHONY: modules modules_install modules_clean

modules:
	@scripts/build-modules $(or $(KDIR),$(KVER)) >/dev/null

modules_install: modules
	$(MAKE) -C $(or $(KDIR),/lib/modules/$(KVER)/build) \
		M=$$(scripts/build-modules $(or $(KDIR),$(KVER))) modules_install
	depmod $(if $(KDIR),,$(KVER))

modules_clean:
	rm -rf build/modules
