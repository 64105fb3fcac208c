#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# A domain of MMP at work: daemons in every role, the module, real packets.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topologies/mmp.sh
. "$(dirname "$(realpath "$0")")/../topologies/mmp.sh"

domain() {
	mmp_domain b
	mmp_start
	wait_for 60 mmp_is bs1 uplinks 'map(select(.class == "primary" or .class == "secondary")) | length' 2
	mmp_move bs1
}

# entry NODE: downlinks of the host's entry there, as names of interfaces.
entry() {
	mmp_tool "$1" show "$mmp_coa" | jq -r '.[0].downlinks | map(.link) | join(" ")'
}

# uplink_of BS: the node that its primary uplink leads to.
uplink_of() {
	mmp_get "$1" uplinks '.[] | select(.class == "primary") | .node'
}

wires_itself_up() {
	local bs node
	for bs in bs1 bs2 bs3 bs4; do
		wait_for 30 mmp_is "$bs" status .gateway "$mmp_gw"
	done
	node=$(uplink_of bs1)
	expect_match "node above bs1" '^n[12]$' "$node"
	expect_eq "path that bs1 sees" "gw1 $node bs1" \
		"$(mmp_tool bs1 tree | jq -r 'map(.node) | join(" ")')"
	expect_eq "entry at the gateway" "to-$node" "$(entry gw1)"
	expect_eq "entry at the node" "to-bs1" "$(entry "$node")"
	expect_eq "entry at the base station" air "$(entry bs1)"
	expect_ok in_ns "${mmp_ns[mn]}" busybox ping -c 1 -W 10 "$mmp_cn"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$mmp_coa"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -6 -c 1 -W 10 "$mmp_coa6"
}

semisoft() {
	local i
	mmp_move bs1
	mmp_flow 8 200 "$1"
	for i in 2 3 4 1 3 2; do
		mmp_move "bs$i"
	done
	mmp_flow_end
	mmp_tool mn handoffs | jq -c '.[-6:][] | [.to, .handoff, .took, .period_ms, .skew_ms]'
	expect_eq "lost on the way down" 0 "$lost_down"
	expect_eq "lost on the way up" 0 "$lost_up"
	expect_eq "twice on the way up" 0 "$twice_up"
	((twice_down > 0)) || fail "no packet went both ways"
}

fixture domain
prove "MMP-03 MMP-06 MMP-22 MMP-24 MMP-25 MMP-27 MMP-28 MMP-34 OPEN-01: a domain wires itself up and carries packets both ways" \
	wires_itself_up
prove "MMP-46 MMP-13 MMP-45 MMP-47: semi-soft handoffs lose no packet" semisoft 4
prove "MMP-46 OPEN-01: nor over IPv6" semisoft 6
tests_done
