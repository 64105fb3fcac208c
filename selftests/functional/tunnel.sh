#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# roam_tunnel by itself, driven by the tool: a home agent with a home link, two foreign
# agents, a mobile node, a correspondent.
#
#   correspondent                                     neighbour
#   198.51.100.2                                      203.0.113.9
#        |                                                 | home link
#     router ------- 192.0.2.0/28 ---- .2 home agent .1 ---+ 203.0.113.0/24
#        |  \
#        |   +------ 192.0.2.32/28 --- .34 second foreign agent ---+ 198.51.100.80/28
#        |                                                         | eth1
#        +---------- 192.0.2.16/28 --- .18 foreign agent ------- mobile node 203.0.113.5
#                                         198.51.100.64/28    eth0
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

readonly correspondent_addr=198.51.100.2 neighbour_addr=203.0.113.9
readonly agent_addr=192.0.2.2 fa_addr=192.0.2.18 fb_addr=192.0.2.34
readonly home=203.0.113.5 away=203.0.113.77
roam_bin=$(realpath "$lib_dir/../build/bin")
readonly roam_bin
mobile_mac=02:00:5e:00:53:05
mobile_mac2=02:00:5e:00:53:06

# roam NS WORD...: the tool in a namespace.
roam() {
	in_ns "${!1}" "$roam_bin/roam" "${@:2}"
}

# counter NS NAME: of the module.
counter() {
	roam "$1" -j tunnel stats | jq -r ".[0].$2"
}

# ip_in NS WORD...
ip_in() {
	in_ns "${!1}" ip "${@:2}" || fail "ip ${*:2} in $1"
}

# shellcheck disable=SC2034 # read by their names
world() {
	require tshark iperf3 tcpdump nft
	modprobe -a roam_tunnel ipip ip_gre roam_mangle
	ns_create correspondent router agent neighbour fa fb mobile
	veth_pair "$correspondent" eth0 "$router" eth0
	veth_pair "$router" eth1 "$agent" eth0
	veth_pair "$router" eth2 "$fa" eth0
	veth_pair "$router" eth3 "$fb" eth0
	veth_pair "$agent" eth1 "$neighbour" eth0
	veth_pair "$fa" eth1 "$mobile" eth0
	veth_pair "$fb" eth1 "$mobile" eth1
	local ns
	for ns in router agent fa fb; do
		in_ns "${!ns}" sysctl -qw net.ipv4.ip_forward=1
	done
	for ns in correspondent router agent neighbour fa fb mobile; do
		# What a distribution sets.
		in_ns "${!ns}" sysctl -qw net.ipv4.conf.all.rp_filter=2 \
			net.ipv4.conf.default.rp_filter=2
	done
	ip_in correspondent address add $correspondent_addr/28 dev eth0
	ip_in correspondent route add default via 198.51.100.1
	ip_in router address add 198.51.100.1/28 dev eth0
	ip_in router address add 192.0.2.1/28 dev eth1
	ip_in router address add 192.0.2.17/28 dev eth2
	ip_in router address add 192.0.2.33/28 dev eth3
	ip_in router route add 203.0.113.0/24 via $agent_addr
	ip_in router route add 198.51.100.64/28 via $fa_addr
	ip_in router route add 198.51.100.80/28 via $fb_addr
	ip_in agent address add $agent_addr/28 dev eth0
	ip_in agent address add 203.0.113.1/24 dev eth1
	ip_in agent route add default via 192.0.2.1
	ip_in neighbour address add $neighbour_addr/24 dev eth0
	ip_in neighbour route add default via 203.0.113.1
	ip_in fa address add $fa_addr/28 dev eth0
	ip_in fa address add 198.51.100.65/28 dev eth1
	ip_in fa route add default via 192.0.2.17
	ip_in fb address add $fb_addr/28 dev eth0
	ip_in fb address add 198.51.100.81/28 dev eth1
	ip_in fb route add default via 192.0.2.33
	ip_in mobile link set eth0 address $mobile_mac
	ip_in mobile link set eth1 address $mobile_mac2
	ip_in mobile address add $home/32 dev lo
	ip_in mobile route add default via 198.51.100.65 dev eth0 onlink src $home
	# Agents do not resolve the home address: nobody would answer.
	in_ns "$mobile" sysctl -qw net.ipv4.conf.all.arp_ignore=8
	for ns in agent fa fb mobile; do
		ip_in "$ns" link add roam0 type roam
		ip_in "$ns" link set roam0 up
	done
}

# register ENCAP [WORD...]: by way of the first foreign agent.
register() {
	roam agent tunnel replace $home via $fa_addr from $agent_addr encap "$1" \
		home-link eth1 "${@:2}" || fail "binding"
	roam fa tunnel visitors replace $home on eth1 mac $mobile_mac agent $agent_addr \
		care-of $fa_addr || fail "visitor"
}

forget() {
	roam agent tunnel flush
	roam fa tunnel visitors flush
	roam fb tunnel visitors flush
	roam mobile tunnel visitors flush
}

# reaches NS ADDRESS [OPTION...]: a ping comes back.
reaches() {
	in_ns "${!1}" ping -q -n -c 1 -W 2 "${@:3}" "$2"
}

delivers() { # ENCAP PROTOCOL
	local fields
	on_exit forget
	register "$1"
	capture_start "$router" eth2 "tunnel.$1.pcap"
	expect_ok reaches correspondent $home
	expect_ok reaches neighbour $home
	expect_ok reaches agent $home
	capture_stop
	fields=$(tshark -r "$ROAM_OUT/tunnel.$1.pcap" -Y "ip.dst == $home && icmp.type == 8" \
		-T fields -e ip.src -e ip.dst -e ip.proto -e _ws.malformed 2>/dev/null)
	expect_eq "echo requests in the tunnel" 3 "$(wc -l <<<"$fields")"
	echo "$fields"
}

fixture world

test "MIP-53 MIP-54 MIP-55: what is for a node that is away reaches it by IP in IP" \
	delivers ipip 4
tests_done
