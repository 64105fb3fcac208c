# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is installed beside programs and modules: units, users and folders,
# manual pages, completion, JSON schemas, the netlink specification.
#
#   make uninstall        everything that make install put there, configuration stays

SHARE = $(DESTDIR)$(PREFIX)/share
UNITS = $(DESTDIR)$(PREFIX)/lib/systemd/system
MAN_PAGES := $(patsubst Documentation/man/%.scd,%,$(wildcard Documentation/man/*.scd))

.PHONY: install-files uninstall

build/man/%: Documentation/man/%.scd
	@mkdir -p $(@D)
	scdoc < $< > $@

install-files: $(addprefix build/man/,$(MAN_PAGES))
	install -d $(UNITS) $(SHARE)/man/man8 $(SHARE)/bash-completion/completions \
		$(SHARE)/ynl/specs $(SHARE)/roam/schema $(DESTDIR)$(PREFIX)/lib/sysusers.d \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	install -m 644 packaging/systemd/*.service $(UNITS)
	install -m 644 packaging/systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/roam.conf
	install -m 644 packaging/systemd/tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/roam.conf
	install -m 644 $^ $(SHARE)/man/man8
	install -m 644 packaging/completion/roam $(SHARE)/bash-completion/completions
	install -m 644 Documentation/netlink/specs/*.yaml $(SHARE)/ynl/specs
	install -m 644 Documentation/schema/*.json $(SHARE)/roam/schema
ifeq ($(DESTDIR),)
	systemd-sysusers $(PREFIX)/lib/sysusers.d/roam.conf
	systemd-tmpfiles --create $(PREFIX)/lib/tmpfiles.d/roam.conf
	[ ! -d /run/systemd/system ] || systemctl daemon-reload
endif

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/sbin/,$(U_DAEMONS)) \
		$(addprefix $(DESTDIR)$(PREFIX)/bin/,$(U_TOOLS)) \
		$(addprefix $(UNITS)/,$(notdir $(wildcard packaging/systemd/*.service))) \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d/roam.conf \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/roam.conf \
		$(addprefix $(SHARE)/man/man8/,$(MAN_PAGES)) \
		$(SHARE)/bash-completion/completions/roam \
		$(addprefix $(SHARE)/ynl/specs/,$(notdir $(wildcard Documentation/netlink/specs/*.yaml))) \
		$(addprefix $(SHARE)/roam/schema/,$(notdir $(wildcard Documentation/schema/*.json)))
	-rmdir $(SHARE)/roam/schema $(SHARE)/roam
