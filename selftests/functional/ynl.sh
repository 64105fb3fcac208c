#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# The kernel's own netlink client, tools/net/ynl of the packaged kernel source,
# drives the module by nothing but our specification: it knows no line of our
# code, and our code none of it.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

spec=$(dirname "$(realpath "$0")")/../../Documentation/netlink/specs/roam_mangle.yaml
session=$(realpath "$(dirname "$(realpath "$0")")/../ynl-session")
roam_bin=$(realpath "$(dirname "$(realpath "$0")")/../../build/bin/roam")
cli=''

# The source tree lies in the cache: make check-vm fetches it before the guest
# starts, since the guest has no network.
one_namespace() {
	local tree
	tree=$(realpath "${ROAM_CACHE:-$HOME/.cache/roam}"/source/*/tree 2>/dev/null | tail -n 1)
	cli=$tree/tools/net/ynl/pyynl/cli.py
	# Before 6.14 it lay one folder up.
	[[ -e $cli ]] || cli=$tree/tools/net/ynl/cli.py
	[[ -e $cli ]] || skip "no kernel source in the cache: selftests/vm/fetch source"
	modprobe roam_mangle || fail "roam_mangle cannot be loaded"
	ns_create host
	dir=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit rm -rf "$dir"
	mkfifo "$dir/request" "$dir/answer"
	exec {ynl_to}<>"$dir/request" {ynl_from}<>"$dir/answer"
	bg in_ns "$host" /usr/bin/python3 "$session" "$cli" "$spec" "$dir/request" >"$dir/answer"
}

# ynl ARGUMENT...: its answer as JSON, and its exit status.
ynl() {
	local line IFS=$'\x1f'
	echo "$*" >&"$ynl_to"
	while IFS= read -r -t 60 -u "$ynl_from" line; do
		[[ $line != $'\x04'* ]] || return "${line#?}"
		echo "$line"
	done
	fail "the client does not answer"
}

# sees WHAT EXPECTED FILTER ARGUMENT...: the filter of the answer.
sees() {
	local answer
	answer=$(ynl "${@:4}") || fail "$1: $answer"
	expect_eq "$1" "$2" "$(jq -c "$3" <<<"$answer")"
}

# refused WHAT REGEX ARGUMENT...: the kernel's sentence.
refused() {
	local answer
	! answer=$(ynl "${@:3}" 2>&1) || fail "$1 was accepted: $answer"
	expect_match "$1" "$2" "$answer"
}

mapping_is_set_shown_and_deleted() {
	local one='{"mapping": [{"perm4": "203.0.113.5", "coa4": "192.0.2.9", "role": "remote", "lifetime": 60000, "seq": 7}]}'
	sees "set" 1 .applied --do mapping-set --json "$one"
	sees "get" '["203.0.113.5","192.0.2.9","remote","valid",7]' \
		'.mapping[0] | [.perm4, .coa4, .role, .state, .seq]' \
		--do mapping-get --json '{"mapping": [{"perm4": "203.0.113.5"}]}'
	# Several of one request, in one answer of a dump or in several.
	sees "bulk" 2 .applied --do mapping-set --json \
		'{"mapping": [{"perm4": "203.0.113.6", "coa4": "192.0.2.10"}, {"perm4": "203.0.113.7", "state": "null"}]}'
	sees "dump" '["203.0.113.5 192.0.2.9","203.0.113.6 192.0.2.10","203.0.113.7 null"]' \
		'[.[].mapping[] | "\(.perm4) \(.coa4)"] | sort' --dump mapping-get
	sees "delete" 1 .applied --do mapping-del --json '{"mapping": [{"perm4": "203.0.113.5"}]}'
	sees "what is left" 2 '[.[].mapping[]] | length' --dump mapping-get
	sees "delete all" 2 .applied --do mapping-del --json '{"all": true}'
	sees "dump of nothing" 0 '[.[].mapping[]?] | length' --dump mapping-get
}

both_families_and_modes_are_told() {
	sees "set" 1 .applied --do mapping-set --json \
		'{"mapping": [{"perm6": "2001:db8:77::5", "coa6": "2001:db8:9::1", "mode": "literal", "lifetime": 60000}]}'
	sees "get" '["2001:db8:77::5","2001:db8:9::1","literal"]' \
		'.mapping[0] | [.perm6, .coa6, .mode]' \
		--do mapping-get --json '{"mapping": [{"perm6": "2001:db8:77::5"}]}'
	# Our own tool reads the same from it.
	expect_eq "roam" "2001:db8:77::5 2001:db8:9::1 literal" "$("$roam_bin" -n "$host" -j mangle show |
		jq -r '.[] | "\(.permanent) \(.care_of) \(.mode)"')"
	sees "delete" 1 .applied --do mapping-del --json '{"mapping": [{"perm6": "2001:db8:77::5"}]}'
}

other_objects_are_driven() {
	ynl --do range-set --json '{"range": [{"addr4": "203.0.113.0", "prefix-len": 24}]}' >/dev/null ||
		fail "range-set"
	sees "ranges" '["203.0.113.0",24]' '.range[0] | [.addr4, .["prefix-len"]]' \
		--do range-get --json '{"all": true}'
	ynl --do config-set --json '{"config": {"grace": 4000, "hold-policy": "drop", "protocol": [6, 17]}}' \
		>/dev/null || fail "config-set"
	sees "config" '[4000,"drop",[6,17]]' '.config | [.grace, .["hold-policy"], .protocol]' \
		--do config-get --json '{"all": true}'
	sees "own address" 1 .applied --do mapping-set --json \
		'{"mapping": [{"perm4": "203.0.113.5", "coa4": "192.0.2.9", "role": "own"}]}'
	sees "peer" 1 .applied --do peer-set --json \
		'{"peer": [{"own4": "203.0.113.5", "addr4": "198.51.100.2", "mode": "roam"}]}'
	sees "peers" '["203.0.113.5","198.51.100.2","roam",1]' \
		'.[0].peer[0] | [.own4, .addr4, .mode, .told]' --dump peer-get
	sees "counters" '[1,1]' '.stats | [.mappings, .peers]' --do stats-get --json '{"all": true}'
	sees "peer gone" 1 .applied --do peer-del --json '{"all": true}'
	ynl --do mapping-del --json '{"all": true}' >/dev/null
}

# The sweeper would have slept for the ten minutes that it had been told before.
correspondents_are_forgotten() {
	sees "own address" 1 .applied --do mapping-set --json \
		'{"mapping": [{"perm4": "203.0.113.5", "coa4": "192.0.2.9", "role": "own"}]}'
	sees "correspondent" 1 .applied --do peer-set --json \
		'{"peer": [{"own4": "203.0.113.5", "addr4": "198.51.100.2", "mode": "roam"}]}'
	ynl --do config-set --json '{"config": {"peer-time": 1000}}' >/dev/null || fail "config-set"
	wait_for 30 nobody_is_known
	ynl --do config-set --json '{"config": {"peer-time": 600000}}' >/dev/null
	ynl --do mapping-del --json '{"all": true}' >/dev/null
}

nobody_is_known() {
	[[ $(ynl --do stats-get --json '{"all": true}' | jq .stats.peers) == 0 ]]
}

# What the kernel says about a wrong request arrives, with the attribute.
refusals_are_told() {
	refused "no mapping" "mapping" --do mapping-set
	refused "missing address" "missing" --do mapping-set --json '{"mapping": [{"coa4": "192.0.2.9"}]}'
	refused "prefix length" "prefix-len|range|offs" --do range-set --json \
		'{"range": [{"addr4": "203.0.113.0", "prefix-len": 200}]}'
	refused "exclusive" "exist" --do mapping-set --json \
		'{"exclusive": true, "mapping": [{"perm4": "203.0.113.8", "state": "null"}, {"perm4": "203.0.113.8", "state": "null"}]}'
	ynl --do mapping-del --json '{"all": true}' >/dev/null
	sees "nothing was set" 0 '[.[].mapping[]?] | length' --dump mapping-get
}

events_are_heard() {
	local events=$ROAM_OUT/ynl.events
	bg in_ns "$host" python3 -u "$cli" --spec "$spec" --no-schema --output-json --subscribe events >"$events"
	# It says nothing when it is ready: repeat until the first event comes.
	wait_for 120 event_comes "$events"
	ynl --do mapping-set --json '{"mapping": [{"perm4": "203.0.113.9", "coa4": "192.0.2.20", "seq": 3}]}' >/dev/null
	ynl --do mapping-set --json '{"mapping": [{"perm4": "203.0.113.9", "coa4": "192.0.2.21", "seq": 4}]}' >/dev/null
	ynl --do mapping-del --json '{"mapping": [{"perm4": "203.0.113.9"}]}' >/dev/null
	wait_for 60 told_of 203.0.113.9 deleted "$events"
	expect_eq "events" '["new 192.0.2.20","moved 192.0.2.21","deleted 192.0.2.21"]' \
		"$(events_about 203.0.113.9 "$events")"
}

event_comes() {
	ynl --do mapping-set --json '{"mapping": [{"perm4": "203.0.113.10", "state": "null"}]}' >/dev/null
	ynl --do mapping-del --json '{"mapping": [{"perm4": "203.0.113.10"}]}' >/dev/null
	test -s "$1"
}

events_about() {
	jq -c -s --arg perm "$1" '[.[] | select(.name == "mapping-ntf") | .msg |
		select(.mapping[0].perm4 == $perm) | "\(.reason) \(.mapping[0].coa4)"]' "$2"
}

told_of() {
	events_about "$1" "$3" | grep -q "$2"
}

# The same client without the right to change the network.
others_are_refused() {
	local answer
	! answer=$(in_ns "$host" setpriv --bounding-set=-net_admin --inh-caps=-net_admin \
		python3 "$cli" --spec "$spec" --no-schema --do stats-get --json '{"all": true}' 2>&1) ||
		fail "accepted: $answer"
	expect_match "refusal" "not permitted" "$answer"
}

fixture one_namespace
prove "GEN-06 OPEN-34: the kernel's client sets, shows and deletes mappings" mapping_is_set_shown_and_deleted
prove "GEN-06 OPEN-01: the kernel's client knows both families and modes" both_families_and_modes_are_told
prove "GEN-06: the kernel's client drives all other objects" other_objects_are_driven
prove "MLR-35: a shorter peer-time holds for correspondents that are known" correspondents_are_forgotten
prove "OPEN-34: the kernel's client is told why it is refused" refusals_are_told
prove "GEN-06 OPEN-50: the kernel's client hears events" events_are_heard
prove "OPEN-34: the kernel's client without the right is refused" others_are_refused
tests_done
