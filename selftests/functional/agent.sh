#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# Mobile IPv4 as a whole: roam-agentd as home agent and twice as foreign agent,
# roam-mnd, a correspondent that knows nothing of it. The network is that of
# mip-topology.sh.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"


world() {
	require tshark tcpdump ssh sshd dnsmasq nft
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	mip_create
	mip_home_start
	mip_foreign_start foreign1
	mip_foreign_start foreign2
	capture_start "$foreign1" eth1 agent.visited1.pcap
	visited1=$capture_pid
	capture_start "$home" any agent.home.pcap
	at_home=$capture_pid
	mip_node_start
	wait_for 60 mip_is_at "foreign $mip_fa1"
	mip_ssh_server
}

# pings FROM TO [OPTION...]
pings() {
	in_ns "${!1}" ping -q -n -c 1 -W 10 "${@:3}" "$2"
}

moves_to() { # BRIDGE PLACE
	mip_move "$1"
	wait_for 60 mip_is_at "$2"
}

# What tshark reads in a capture: one line for each message of Mobile IP.
mip_messages() {
	tshark -r "$ROAM_OUT/$1" -Y mip -T fields -e mip.type -e mip.flags -e mip.life -e mip.homeaddr \
		-e mip.haaddr -e mip.coa -e mip.code 2>/dev/null
}

is_registered() {
	wait_for 30 pings correspondent "$mip_home"
	stop "$visited1"
	stop "$at_home"
	mip_messages agent.visited1.pcap >"$ROAM_OUT/agent.messages"
	expect_match "request" $'1\t0x02\t1800\t'"$mip_home"$'\t'"$mip_agent"$'\t'"$mip_fa1" \
		"$(cat "$ROAM_OUT/agent.messages")"
	expect_match "reply" $'3\t\t1800\t'"$mip_home"$'\t'"$mip_agent"$'\t\t0' \
		"$(cat "$ROAM_OUT/agent.messages")"
	# an advertisement with care-of address, read by somebody else
	expect_match "advertisement" "$mip_fa1" "$(tshark -r "$ROAM_OUT/agent.visited1.pcap" \
		-Y 'icmp.type == 9' -T fields -e icmp.mip.coa 2>/dev/null | sort -u)"
	expect_eq "malformed" "" "$(tshark -r "$ROAM_OUT/agent.visited1.pcap" -Y _ws.malformed 2>/dev/null)"
	# what the node signed goes on as it is, the foreign agent's signature behind it
	local seen relayed
	seen=$(tshark -r "$ROAM_OUT/agent.visited1.pcap" -Y 'mip.type == 1' -T fields -e udp.payload 2>/dev/null | tail -n 1)
	relayed=$(tshark -r "$ROAM_OUT/agent.home.pcap" -Y "mip.type == 1" -T fields -e udp.payload 2>/dev/null | tail -n 1)
	[[ $seen && ${relayed:0:${#seen}} == "$seen" ]] || fail "'$seen' became '$relayed'"
	((${#relayed} > ${#seen})) || fail "the foreign agent did not sign"
	expect_eq "binding" "$mip_fa1 $mip_agent 1800" \
		"$(roam home -j agent show | jq -r '.[] | "\(.care_of) \(.home_agent) \(.lifetime)"')"
	expect_eq "visitor" "$mip_home eth1 1800 direct" \
		"$(roam foreign1 -j agent visitors | jq -r '.[] | "\(.home) \(.link) \(.lifetime) \(.reverse)"')"
}

both_ways() {
	capture_start "$foreign1" eth0 agent.core.pcap ip proto 4 or icmp
	expect_ok pings correspondent "$mip_home"
	expect_ok pings node "$mip_peer" -I "$mip_home"
	# programs that choose no source have the home address, too
	expect_eq "source" "$mip_home" \
		"$(in_ns "$node" ip -j route get "$mip_peer" | jq -r '.[0].prefsrc')"
	capture_stop
	# tunnelled there and back: outer addresses are the agents'
	expect_match "there" "$mip_agent,$mip_peer"$'\t'"$mip_fa1,$mip_home" \
		"$(tshark -r "$ROAM_OUT/agent.core.pcap" -Y icmp -T fields -e ip.src -e ip.dst 2>/dev/null)"
	expect_match "back" "$mip_fa1,$mip_home"$'\t'"$mip_agent,$mip_peer" \
		"$(tshark -r "$ROAM_OUT/agent.core.pcap" -Y icmp -T fields -e ip.src -e ip.dst 2>/dev/null)"
}

moves_with_ssh() {
	abroad
	mip_ssh_open
	local i place
	for i in 1 2 3 4; do
		place=$mip_fa2 bridge=visited2
		((i % 2)) || place=$mip_fa1 bridge=visited1
		capture_start "$home" eth0 "agent.move$i.pcap"
		moves_to "$bridge" "foreign $place"
		mip_ssh_says "after move $i"
		capture_stop
		# MIP-59: what leaves behind the reply goes to the new address only
		expect_eq "to the old address after the reply" "" "$(behind_reply "agent.move$i.pcap" "$place")"
	done
	expect_eq "bindings" 1 "$(roam home -j agent show | jq length)"
}

# Tunnel packets of the home agent behind its reply that do not go to that address.
behind_reply() {
	tshark -r "$ROAM_OUT/$1" -T fields -e frame.number -e ip.proto -e ip.src -e ip.dst -e mip.code 2>/dev/null |
		awk -F'\t' -v coa="$2" -v agent="$mip_agent" '
			$5 == 0 && $5 != "" { replied = 1 }
			replied && $2 ~ /^4(,|$)/ && $3 ~ "^" agent && $4 !~ "^" coa { print $1 }'
}

# Who said on the home link that the home address is his, each once.
claims() {
	tcpdump -n -e -r "$ROAM_OUT/$1" arp 2>/dev/null |
		grep -E "Request who-has $mip_home tell $mip_home|Reply $mip_home is-at|Announcement $mip_home" |
		awk '{ print $2 }' | sort -u
}

mac_in() { # HOST LINK
	ip -n "${!1}" -json link show "$2" | jq -r '.[0].address'
}

# Where each test begins, whatever the one before left.
abroad() {
	mip_is_at "foreign $mip_fa1" || moves_to visited1 "foreign $mip_fa1"
}

returns_home() {
	abroad
	mip_ssh_open
	capture_start "$home" eth1 agent.arp.pcap arp
	local arp=$capture_pid
	moves_to homelink "home $mip_home"
	# "home" is a promise: from here on nothing is lost, nor while neighbours are told again
	expect_eq "bindings" "[]" "$(roam home -j agent show)"
	capture_start "$home" eth1 agent.athome.pcap ip proto 4 or icmp
	expect_match "pings at home" " 0% packet loss" \
		"$(in_ns "$correspondent" ping -q -n -c 150 -i 0.02 -W 10 "$mip_home")"
	mip_ssh_says "at home"
	capture_stop
	expect_eq "tunnelled" 0 "$(packets_in agent.athome.pcap ip proto 4)"
	expect_eq "delivered" 300 "$(packets_in agent.athome.pcap "icmp[0] != 9")"
	moves_to visited1 "foreign $mip_fa1"
	mip_ssh_says "away again"
	capture_stop "$arp"
	# the node when it came, the home agent when it left
	expect_eq "who has the home address" \
		"$(printf '%s\n' "$(mac_in node eth0)" "$(mac_in home eth1)" | sort -u)" \
		"$(claims agent.arp.pcap)"
}

no_reverse() {
	abroad
	on_exit node_again
	node_again 'reverse = no'
	wait_for 60 mip_is_at "foreign $mip_fa1"
	wait_for 30 pings correspondent "$mip_home"
	capture_start "$home" eth0 agent.triangle.pcap
	expect_ok pings node "$mip_peer" -I "$mip_home"
	capture_stop
	expect_eq "tunnelled to the home agent" 0 \
		"$(packets_in agent.triangle.pcap "ip proto 4 and dst $mip_agent")"
}

# node_again [OPTION...]: the daemon with other options.
node_again() {
	daemon_stop node mnd
	mip_node_options=$(printf '%s\n' "$@")
	mip_node_start
}

# dhcp NETNS LINK FIRST LAST ROUTER
dhcp_start() {
	bg in_ns "${!1}" dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --interface="$2" \
		--bind-interfaces --dhcp-range="$3,$4,10m" --dhcp-option=3,"$5" \
		--dhcp-leasefile="$hosts/$1/leases" --pid-file= --user=root --log-dhcp --log-facility=- \
		>"$hosts/$1/dnsmasq" 2>&1
	wait_for 60 grep -qi "DHCP, IP range" "$hosts/$1/dnsmasq"
}

dhcp_client() {
	in_ns "$node" busybox udhcpc -i eth0 -n -q -f -t 5 -T 1 -s "$hosts/node/udhcpc" ||
		fail "no lease"
}

udhcpc_script() {
	cat >"$hosts/node/udhcpc" <<-'END'
		#!/bin/sh
		[ "$1" = bound ] || exit 0
		ip address replace "$ip/$mask" dev "$interface"
		ip route replace default via "$router" dev "$interface"
	END
	chmod 755 "$hosts/node/udhcpc"
}

co_located() {
	abroad
	udhcpc_script
	daemon_stop foreign2 agentd
	on_exit mip_foreign_start foreign2
	dhcp_start foreign2 eth1 192.0.2.140 192.0.2.140 "$mip_fa2"
	mip_ssh_open
	mip_move visited2
	dhcp_client
	wait_for 60 mip_is_at "co-located 192.0.2.140"
	mip_ssh_says "co-located"
	capture_start "$foreign2" eth1 agent.colocated.pcap
	expect_ok pings correspondent "$mip_home"
	expect_ok pings node "$mip_peer" -I "$mip_home"
	capture_stop
	expect_match "tunnelled to the node itself" "$mip_agent,$mip_peer"$'\t'"192.0.2.140,$mip_home" \
		"$(tshark -r "$ROAM_OUT/agent.colocated.pcap" -Y icmp -T fields -e ip.src -e ip.dst 2>/dev/null)"
	in_batch node "address flush dev eth0"
	moves_to visited1 "foreign $mip_fa1"
	mip_ssh_says "by an agent again"
}

behind_nat() {
	abroad
	udhcpc_script
	daemon_stop foreign2 agentd
	on_exit mip_foreign_start foreign2
	in_ns "$foreign2" nft -f - <<-END
		table ip nat {
			chain post {
				type nat hook postrouting priority srcnat;
				oifname "eth0" masquerade
			}
		}
	END
	on_exit in_ns "$foreign2" nft delete table ip nat
	dhcp_start foreign2 eth1 192.0.2.141 192.0.2.141 "$mip_fa2"
	mip_ssh_open
	mip_move visited2
	dhcp_client
	wait_for 60 mip_is_at "co-located 192.0.2.141"
	expect_eq "in UDP" true "$(roam node -j mn show | jq '.[0].udp')"
	expect_eq "encapsulation" udp "$(roam home -j agent show | jq -r '.[0].encapsulation')"
	mip_ssh_says "behind NAT"
	capture_start "$foreign2" eth0 agent.nat.pcap
	expect_ok pings correspondent "$mip_home"
	expect_ok pings node "$mip_peer" -I "$mip_home"
	capture_stop
	expect_eq "without UDP" 0 "$(packets_in agent.nat.pcap ip proto 4)"
	expect_match "in tunnel data" "198.18.0.12,$mip_home" \
		"$(tshark -r "$ROAM_OUT/agent.nat.pcap" -Y 'mip.type == 4' -T fields -e ip.src 2>/dev/null)"
	in_batch node "address flush dev eth0"
	moves_to visited1 "foreign $mip_fa1"
	mip_ssh_says "without NAT again"
}

restarts() {
	abroad
	mip_ssh_open
	local host
	for host in home foreign1; do
		daemon_stop "$host" agentd KILL
		mip_ssh_says "without the daemon of $host"
		daemon "$host" roam-agentd agentd
		mip_ssh_says "with it again"
	done
	expect_eq "binding" "$mip_fa1" "$(roam home -j agent show | jq -r '.[].care_of')"
	expect_eq "visitor" "$mip_home" "$(roam foreign1 -j agent visitors | jq -r '.[].home')"
	daemon_stop node mnd KILL
	mip_ssh_says "without the node's daemon"
	daemon node roam-mnd mnd
	wait_for 60 mip_is_at "foreign $mip_fa1"
	mip_ssh_says "all are back"
}

fixture world
prove "GEN-15 MIP-01 MIP-02 MIP-04 MIP-05 MIP-10 MIP-60 MIP-63 MIP-68 GEN-09: a node registers through a foreign agent, read by tshark" is_registered
prove "MIP-53 MIP-54 MIP-55 OPEN-18: tunnelled there and back" both_ways
prove "MIP-12 MIP-14 MIP-17 MIP-58 MIP-59 MIP-65: ssh outlives moves between foreign agents" moves_with_ssh
prove "MIP-03 MIP-16 MIP-67: at home there is no tunnel, ssh goes on, and nothing is lost from the moment that the node says home" returns_home
prove "MIP-57: without reverse tunnel its own packets go straight" no_reverse
prove "MIP-06 MIP-36 MIP-56: with an address of its own, by DHCP" co_located
prove "OPEN-17: behind a NAT the tunnel is in UDP" behind_nat
prove "OPEN-45: daemons that are killed and started again drop nothing" restarts
tests_done
