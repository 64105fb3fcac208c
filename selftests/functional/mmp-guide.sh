#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# A domain of five nodes as the manual's page has it (Documentation/guide/access-network.md):
# its commands and configurations are read from there, and run where the page says.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

export PATH=${ROAM_BIN:-$(realpath "$lib_dir/../build/bin")}:$PATH

# page SECTION N: the Nth block in that section.
page() {
	awk -v section="## $1. " -v want="$2" '
		/^## / { here = index($0, section) == 1; n = 0 }
		!/^    / { open = 0; next }
		here { n += !open; open = 1; if (n == want) print substr($0, 5) }
	' "$(dirname "$lib_dir")/Documentation/guide/access-network.md" |
		sed "s|/etc/roam|$guide_dir/${3:-gw}|g" | grep . || fail "the page has no block $2 in section $1"
}

# types NODE SECTION N: somebody types that there.
types() {
	page "$2" "$3" "$1" >"$guide_dir/typed"
	in_ns "${!1}" sh -e "$guide_dir/typed" || fail "$1: $(<"$guide_dir/typed")"
}

# configured NODE SECTION N: what follows is different on a second base station.
configured() {
	mkdir -p "$guide_dir/$1"
	{
		page "$2" "$3" "$1" | sed "s/\"bs1\"/\"$1\"/"
		echo "state = \"$guide_dir/$1/state\""
	} >"$guide_dir/$1/mmpd.conf"
}

starts() { # NODE
	bg in_ns "${!1}" roam-mmpd -c "$guide_dir/$1/mmpd.conf" -s "$guide_dir/$1/mmpd.sock" 2>"$ROAM_OUT/mmp-guide.$1.log"
}

tool() { # NODE WORD...
	ROAM_RUN_DIR=$guide_dir/$1 in_ns "${!1}" "$(type -P roam)" "${@:2}"
}

by_the_page() {
	local node
	guide_dir=$(mktemp -d /run/roam-guide.XXXXXX)
	on_exit rm -rf "$guide_dir"
	modprobe roam_mmp || fail "roam_mmp cannot be loaded"
	ns_create router gw n1 bs1 bs2 host
	veth_pair "$router" gw "$gw" wan0
	veth_pair "$gw" eth0 "$n1" eth0
	veth_pair "$n1" eth1 "$bs1" eth0
	veth_pair "$n1" eth2 "$bs2" eth0
	veth_pair "$bs1" wlan0 "$host" wlan0
	veth_pair "$bs2" wlan0 "$host" wlan1
	in_ns "$router" ip address add 192.0.2.17/28 dev gw
	in_ns "$gw" ip address add 192.0.2.18/28 dev wan0
	in_ns "$gw" ip route add default via 192.0.2.17
	types gw 1 1
	for node in n1 bs1 bs2 host; do
		mkdir -p "$guide_dir/$node"
	done
	for node in n1 bs1 bs2; do
		cp -p "$guide_dir/gw/mmp.key" "$guide_dir/$node/"
	done
	cp -p "$guide_dir/gw/mmp-host.key" "$guide_dir/host/"
	types gw 2 1
	configured gw 2 2
	types router 2 3
	configured n1 3 1
	configured bs1 4 1
	configured bs2 4 1
	types host 5 1
	configured host 5 2
	for node in host bs2 gw bs1 n1; do
		starts "$node"
	done
	wait_for 30 tool host -j mmp status
	wait_for 30 attached
	wait_for 30 in_ns "$host" ping -q -n -c 1 -W 2 192.0.2.17
	expect_ok in_ns "$router" ping -q -n -c 1 -W 10 10.7.0.99
	# What the page has people look at.
	page 6 2 | while read -r _ line; do
		# shellcheck disable=SC2086 # words
		expect_ok tool gw $line
	done || return 1
	wait_for 30 trace_leads_to "$(where)"
	page 6 3 | sed "s/bs2/$([[ $(where) == bs1 ]] && echo bs2 || echo bs1)/" | while read -r _ line; do
		# shellcheck disable=SC2086
		expect_ok tool host $line
	done || return 1
	wait_for 30 handed_over
	expect_ok in_ns "$router" ping -q -n -c 1 -W 10 10.7.0.99
	for node in gw n1 bs1 bs2; do
		expect_eq "what the doctor finds at $node" "" "$(tool "$node" -j doctor | jq -r '.[] | select(.result == "fail" and (.check | test("mmp"))) | .detail')"
	done
}

attached() {
	[[ $(tool host -j mmp status | jq -r '.[0].state') == attached ]]
}

where() {
	tool host -j mmp status | jq -r '.[0].base_station'
}

trace_leads_to() {
	[[ $(tool gw -j mmp trace 10.7.0.99 | jq -r '[.[].node] | join(" ")') == "gw n1 $1" ]]
}

handed_over() {
	attached && [[ $(tool host -j mmp handoffs | jq length) -ge 2 ]]
}

prove "MMP-03 MMP-22 MMP-36 OPEN-50: by the manual's page, a domain of five nodes is set up, and a host moves in it" by_the_page
tests_done
