# SPDX-License-Identifier: GPL-2.0-or-later
#
#   make demo [MOVES=20]  real connections on a host that moves, live and as
#                         build/demo/report.html; then the acts of selftests/demo/acts,
#                         with ACT=word only those whose name contains it

.PHONY: demo

# What deps installs is needed to build, so that comes in a make of its own.
demo: deps
	+@$(MAKE) --no-print-directory -s userspace
	@$(if $(ACT),,scripts/build-modules 6.12 >/dev/null)
	@scripts/build-modules fast >/dev/null
	@MOVES='$(MOVES)' ACT='$(ACT)' selftests/demo/demo
