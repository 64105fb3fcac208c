#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
#
# Figures 2B and 2C together: two gateways, two nodes below both, base stations below both of
# these. A gateway dies, and its hosts go on by the other one.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topologies/mmp.sh
. "$(dirname "$(realpath "$0")")/../topologies/mmp.sh"

readonly via1=192.0.2.18 via2=192.0.2.34

# gateway_config GW NUMBER OTHER
gateway_config() {
	mmp_config "$1" "border {
		peers = {\"192.0.2.$((16 * $2 + 1))\", \"$3\"}
		via = \"192.0.2.$((16 * $2 + 2))\"
		via6 = \"2001:db8:f$2::2\"
	}"
}

two_gateways() {
	mmp_domain bc
	gateway_config gw1 1 "$via2"
	gateway_config gw2 2 "$via1"
	cat >"$mmp_dir/br/mmpd.conf" <<-END
		role = "border"
		name = "br"
		keys = "$mmp_dir/domain.key"
		subnets = {"10.7.0.0/16", "2001:db8:7::/64"}
		state = "$mmp_dir/br/state"
	END
	mmp_daemon br
	mmp_start
	wait_for 60 mmp_is n1 uplinks 'map(.gateway) | unique | length' 2
	wait_for 60 mmp_is n2 uplinks 'map(.gateway) | unique | length' 2
}

# The gateway that the host is at, as the border router has it.
gateway_of_host() {
	mmp_tool br routes | jq -r --arg h "$mmp_coa" '.[] | select(.host == $h) | .gateway' |
		sed "s/$via1/gw1/; s/$via2/gw2/"
}

is_at_gateway() {
	[[ $(gateway_of_host) == "$1" ]]
}

gateways_are_classed() {
	local node
	mmp_move bs1
	for node in n1 n2; do
		expect_eq "primary gateways of $node" 1 \
			"$(mmp_tool "$node" uplinks | jq 'map(select(.class == "primary")) | length')"
		expect_eq "gateways of $node" "$mmp_gw $mmp_gw2" \
			"$(mmp_tool "$node" uplinks | jq -r 'map(.gateway) | unique | join(" ")')"
	done
	# Lower nodes hear of the primary one alone, by each of the two above.
	wait_for 30 mmp_is bs1 uplinks 'map(select(.class == "primary" or .class == "secondary")) | length' 2
	expect_match "gateway" '^gw[12]$' "$(gateway_of_host)"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$mmp_coa"
}

# Everything in it stands still; its links stay up.
dies() {
	local dead other
	mmp_move bs1
	wait_for 20 in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 2 "$mmp_coa"
	dead=$(gateway_of_host)
	[[ $dead == gw1 ]] && other=gw2 || other=gw1
	mmp_flow 14 100
	kill -s STOP "${mmp_pid[$dead]}"
	in_ns "${mmp_ns[$dead]}" busybox sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
	ip -n "${mmp_ns[$dead]}" link set border down
	mmp_flow_end
	expect_eq "gateway" "$other" "$(gateway_of_host)"
	expect_eq "base station" bs1 "$(mmp_get mn status .base_station)"
	expect_eq "state" attached "$(mmp_get mn status .state)"
	((gap_down < 9000 && gap_up < 9000)) || fail "outage of $gap_down and $gap_up ms"
	ip -n "${mmp_ns[$dead]}" link set border up
	in_ns "${mmp_ns[$dead]}" busybox sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	kill -s CONT "${mmp_pid[$dead]}"
	wait_for 60 mmp_is n1 uplinks 'map(select(.class == "primary" or .class == "secondary") | .gateway) | unique | length' 2
}

fixture two_gateways
prove "MMP-07 MMP-08 MMP-62 MMP-65 MMP-66 MMP-67: two gateways of one domain are classed, and one of them used" gateways_are_classed
prove "MMP-68 MMP-69 MMP-70 TEN-16: a gateway dies; hosts keep their address and go on by the other one, and the border router follows" \
	dies
tests_done
