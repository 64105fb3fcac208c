# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kernel modules, built out of tree in build/modules/.
#
#   make modules [KVER=6.1|6.12|latest|fast|uml|release] [KDIR=path]
#
# Without either: for the running kernel where its headers are installed, else
# for 6.12 from the cache.

RUNNING := $(shell uname -r)
HEADERS := $(wildcard /lib/modules/$(RUNNING)/build/Makefile)
# Nobody shall find out by modprobe that the modules are another kernel's.
ifeq ($(HEADERS)$(KDIR)$(KVER),)
NO_HEADERS := modules: there are no headers of the running kernel, so these are for 6.12; \
	for it: apt-get install linux-headers-$(RUNNING)
endif
KVER ?= $(if $(HEADERS),$(RUNNING),6.12)

.PHONY: modules modules_install modules_clean

modules:
	@$(if $(NO_HEADERS),echo "$(NO_HEADERS)")
	@scripts/build-modules $(or $(KDIR),$(KVER)) >/dev/null

INSTALL_FROM = $(or $(KDIR),/lib/modules/$(KVER)/build)

# Only who built the kernel has a key to sign with; without one there is nothing to try.
modules_install: modules
	@test -e $(INSTALL_FROM)/Makefile || { echo "modules: no headers of $(KVER) in $(INSTALL_FROM) to install with;" \
		"apt-get install linux-headers-$(RUNNING), or name a kernel: make install KDIR=path" >&2; exit 1; }
	$(MAKE) -C $(INSTALL_FROM) M=$$(scripts/build-modules $(or $(KDIR),$(KVER))) modules_install \
		$(if $(wildcard $(INSTALL_FROM)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=)
	depmod $(if $(KDIR),,$(KVER))

modules_clean:
	rm -rf build/modules
