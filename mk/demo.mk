# SPDX-License-Identifier: GPL-2.0-or-later
#
#   make demo [MOVES=20]  real connections on a host that moves, live and as
#                         build/demo/report.html

.PHONY: demo

# What deps installs is needed to build, so that comes in a make of its own.
demo: deps
	+@$(MAKE) --no-print-directory -s userspace
	@scripts/build-modules 6.12 >/dev/null
	@MOVES='$(MOVES)' selftests/demo/demo
