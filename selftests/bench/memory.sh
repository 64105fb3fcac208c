# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the benchmarks that count what an entry takes: sourced, not run.

memory_now() {
	awk '/^(SUnreclaim|Percpu|VmallocUsed):/ { sum += $2 } END { print sum * 1024 }' \
		/proc/meminfo
}

# memory: bytes of the kernel, once what RCU frees and tables that grow have settled.
memory() {
	local i before='' after
	after=$(memory_now)
	for ((i = 0; i < 20; i++)); do
		[[ $before != "$after" ]] || break
		before=$after
		sleep 1
		after=$(memory_now)
	done
	echo "$after"
}
