# SPDX-License-Identifier: GPL-2.0-or-later
#
# Install what is missing of the packages to build and test with.

.PHONY: deps deps-build

deps:
	@scripts/install-deps build test

deps-build:
	@scripts/install-deps build
