#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# kernels: 6.12 6.1
#
# Mobile IPv4 on the kernels that distributions ship: a home agent and two foreign agents,
# one encapsulation after the other, beside an ipip and a gre device in use on the home
# agent. Few and short tests: these guests are emulated.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

world() {
	require tcpdump ssh sshd
	modprobe -a roam_tunnel ipip ip_gre || fail "the modules cannot be loaded"
	mip_create
	local kind n=0
	# In use before us. What comes between the addresses of a tunnel of ours has to be ours.
	for kind in ipip gre; do
		n=$((n + 1))
		in_batch home "link add $kind.9 type $kind local 198.18.0.1 remote 198.18.0.11" \
			"link set $kind.9 up" "address add 10.9.$n.1/30 dev $kind.9"
		in_batch foreign1 "link add $kind.9 type $kind local 198.18.0.11 remote 198.18.0.1" \
			"link set $kind.9 up" "address add 10.9.$n.2/30 dev $kind.9"
	done
	mip_home_options='udp_force = true'
	mip_home_start
	mip_foreign_start foreign1
	mip_foreign_start foreign2
	mip_node_start
	wait_for 120 mip_is_at "foreign $mip_fa1"
	mip_ssh_server
}

pings() { # FROM TO [OPTION...]
	in_ns "${!1}" ping -q -n -c 1 -W 20 "${@:3}" "$2"
}

others_work() {
	expect_ok pings home 10.9.1.2
	expect_ok pings foreign1 10.9.2.1
}

node_again() { # OPTION...
	daemon_stop node mnd
	mip_node_options=$(printf '%s\n' "$@")
	mip_node_start
}

# goes_by PROTOCOL CARE-OF: there and back, in pieces as well; the other tunnels go on.
goes_by() {
	wait_for 60 pings correspondent "$mip_home"
	capture_start "$home" eth0 "stock.$1.pcap" "host $2"
	expect_ok pings correspondent "$mip_home"
	expect_ok pings correspondent "$mip_home" -s 3000
	others_work
	capture_stop
	(($(packets_in "stock.$1.pcap" "src $mip_agent and dst $2 and ip proto $1") > 2)) ||
		fail "nothing there by protocol $1"
	(($(packets_in "stock.$1.pcap" "src $2 and dst $mip_agent and ip proto $1") > 2)) ||
		fail "nothing back by protocol $1"
}

# Through foreign agents; a session lives through a move.
by_agents() { # PROTOCOL [OPTION...]
	on_exit node_again
	node_again "${@:2}"
	mip_move visited1
	wait_for 120 mip_is_at "foreign $mip_fa1"
	goes_by "$1" "$mip_fa1"
	mip_ssh_open
	mip_move visited2
	wait_for 120 mip_is_at "foreign $mip_fa2"
	mip_ssh_says "after the move"
	expect_ok pings node "$mip_peer" -I "$mip_home"
	others_work
}

# place BRIDGE ADDRESS ROUTER: the node is there, with an address of its own.
place() {
	in_batch node "address flush dev eth0"
	mip_move "$1"
	in_batch node "address add $2/25 dev eth0" "route replace default via $3 dev eth0"
	wait_for 120 mip_is_at "co-located $2"
}

# With addresses of its own, in UDP.
by_udp() {
	on_exit node_again
	node_again 'foreign = false' 'nat = "force"'
	on_exit in_batch node "address flush dev eth0"
	place visited1 192.0.2.10 "$mip_fa1"
	goes_by 17 192.0.2.10
	mip_ssh_open
	place visited2 192.0.2.140 "$mip_fa2"
	mip_ssh_says "after the move"
	expect_ok pings node "$mip_peer" -I "$mip_home"
	others_work
}

# What is captured on the home agent's own device is what was inside.
device_shows_what_is_inside() {
	mip_move visited1
	wait_for 120 mip_is_at "foreign $mip_fa1"
	wait_for 60 pings correspondent "$mip_home"
	capture_start "$home" mip0 stock.device.pcap
	expect_ok pings correspondent "$mip_home"
	capture_stop
	expect_eq "requests and replies" 2 "$(packets_in stock.device.pcap "icmp and host $mip_home and host $mip_peer")"
	expect_eq "tunnels" 0 "$(packets_in stock.device.pcap "ip proto 4 or ip proto 47 or udp port 434")"
	(($(in_ns "$home" ip -j -s link show mip0 | jq ".[0].stats64.tx.packets") > 0)) || fail "the device counts nothing"
}

fixture world
prove "GEN-13 MIP-01 MIP-54 MIP-55 MIP-59 OPEN-11: ssh through two foreign agents by IP in IP, beside ipip and gre" by_agents 4
prove "MIP-38 OPEN-11: by GRE" by_agents 47 "gre = true"
prove "OPEN-17 MIP-36: with addresses of its own, in UDP" by_udp
prove "OPEN-50: a capture on the device shows what is inside" device_shows_what_is_inside
tests_done
