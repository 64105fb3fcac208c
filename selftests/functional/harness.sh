#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The test library tests itself: what it claims to wait for, refuse, report and
# undo. selftests/vm/selftest does the same for the guests from outside.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

namespaces_talk() {
	local left right
	ns_create left right
	veth_pair "$left" eth0 "$right" eth0
	ip -n "$left" address add 192.0.2.1/24 dev eth0
	ip -n "$right" address add 192.0.2.2/24 dev eth0
	capture_start "$right" eth0 harness.pcap icmp
	expect_ok in_ns "$left" ping -c 2 -i 0.2 -W 20 192.0.2.2
	capture_stop
	expect_eq "echo requests captured" 2 \
		"$(tcpdump -n -r "$ROAM_OUT/harness.pcap" 2>/dev/null | grep -c 'echo request')"
}

waiting_ends() {
	expect_fail try_for 1 false
	wait_for 20 true
}

# A test file of its own, so that its failures are not ours.
inner() {
	local library
	library=$(dirname "$(realpath "$0")")/../lib.sh
	env -u TEST bash -c ". $library; $1; prove 'inner' body; tests_done" inner
}

failures_are_reported() {
	expect_match "result" "not ok 1 inner: inner" \
		"$(inner 'body() { expect_eq number 1 2; }')"
	expect_fail inner 'body() { expect_eq number 1 2; }'
	expect_match "what was wrong" "number: expected '1', saw '2'" \
		"$(inner 'body() { expect_eq number 1 2; }')"
	expect_fail inner 'body() { wait_for 1 false; }'
	expect_fail inner 'body() { return 3; }'
	expect_match "result" "ok 1 inner: inner # SKIP no radio" \
		"$(inner 'body() { skip no radio; }')"
	expect_ok inner 'body() { true; }'
}

cleanup_is_in_reverse() {
	expect_match "order" "two.*one" \
		"$(inner 'body() { on_exit echo one; on_exit echo two; false; }' | tr '\n' ' ')"
}

processes_end_with_the_test() {
	local pid
	# shellcheck disable=SC2016 # the inner test's variable
	pid=$(inner 'body() { bg sleep 1000; fail "pid=$bg_pid"; }' | sed -n 's/.*pid=//p')
	expect_match "process" '^[0-9]+$' "$pid"
	expect_fail kill -0 "$pid"
}

prove "namespaces are connected and captured" namespaces_talk
prove "waiting ends" waiting_ends
prove "failures are reported" failures_are_reported
prove "cleanup is in reverse order" cleanup_is_in_reverse
prove "processes end with the test" processes_end_with_the_test
tests_done
