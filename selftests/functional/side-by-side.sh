#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# One network with both: home agents that stand in for each other, and registers of MIP-LR on
# the same machines. One host has an address of each kind. The network is that of
# failover-topology.sh, with a second foreign agent:
#
#   visited2 192.0.2.128/25 -- foreign2 .129, 198.18.0.12
#
# Both registers are told where the host is, each by its own address; who asks does so at the
# virtual address, which one of them has.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../failover-topology.sh
. "$lib_dir/failover-topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

# shellcheck disable=SC2034 # topology.sh's
foreign2='' visits=20

second_network() {
	local n
	ns_create foreign2
	in_batch air "link add visited2 type bridge forward_delay 0" "link set visited2 up"
	mip_plug foreign2 core eth0 198.18.0.12/24
	mip_plug foreign2 visited2 eth1 "$mip_fa2/25"
	topology_sysctl foreign2 ipv4/ip_forward=1
	in_batch foreign2 "route add default via $fo_vip"
	for n in agent1 agent2 correspondent foreign1; do
		in_batch "$n" "route add 192.0.2.128/25 via 198.18.0.12"
	done
	in_batch foreign2 "route add 192.0.2.0/25 via 198.18.0.11"
	# Where the permanent address is at home nobody is: a route for the first look-up.
	in_batch correspondent "route add $permanent_prefix via $fo_vip"
	mkdir -p "$hosts/foreign2"
	cp -p "$hosts/foreign1/keys.key" "$hosts/foreign2/keys.key"
}

register_at_agent() { # N
	cat >"$hosts/agent$1/hlrd.conf" <<-END
		keys = "$hosts/agent$1/hlr.key"
		store = "$hosts/agent$1/hlr.db"
		host "node" { key = 1  permanent = {"$permanent"} }
		host "correspondent" { key = 2 }
	END
	daemon "agent$1" roam-hlrd hlrd
}

keys_of_registers() {
	local host id=0 n
	for host in node correspondent; do
		id=$((id + 1))
		(umask 077 && "$roam_bin/roam" hlr keygen "$id" >"$hosts/$host/lr.key") || fail "no key"
	done
	for n in 1 2; do
		(umask 077 && cat "$hosts/node/lr.key" "$hosts/correspondent/lr.key" >"$hosts/agent$n/hlr.key")
	done
}

# comes BRIDGE ROUTER: the node's cable, and another care-of address of its own.
comes() {
	visits=$((visits + 1))
	care_of=${2%.*}.$((${2##*.} + visits))
	mip_move "$1"
	in_batch node "address flush dev eth0 scope global" "address add $care_of/25 dev eth0" \
		"route replace default via $2 dev eth0 metric 500"
}

mapping_client() { # HOST KEY REGISTER... -- LINE...
	local host=$1 key=$2
	shift 2
	{
		echo "keys = \"$hosts/$host/lr.key\""
		echo "permanent = {\"$permanent_prefix\"}"
		while [[ $1 != -- ]]; do
			echo "register \"$1\" { key = $key }"
			shift
		done
		printf '%s\n' "${@:2}"
	} >"$hosts/$host/lrd.conf"
	daemon "$host" roam-lrd lrd
}

world() {
	local n
	require socat
	modprobe -a roam_tunnel roam_mangle || fail "the modules cannot be loaded"
	modprobe macvlan
	fo_hello=200 fo_hold=2500
	fo_sync='wait = "5s"  dead = "20s"'
	fo_create 2
	second_network
	keys_of_registers
	fo_start 1 2
	wait_for 30 fo_active 1 2
	register_at_agent 1
	register_at_agent 2
	mip_foreign_start foreign1
	mip_foreign_start foreign2
	comes visited1 "$mip_fa1"
	mip_node_start
	mapping_client node 1 198.18.0.1 198.18.0.2 -- "mobile { address = {\"$permanent\"} announce_time = 5s }"
	mapping_client correspondent 2 "$fo_vip" -- "correspondent { }"
	wait_for 60 both_know "foreign $mip_fa1"
}

# registered_at N: that register knows the present care-of address.
registered_at() {
	roam "agent$1" -j hlr show | jq -e --arg coa "$care_of" \
		'map([.permanent, .care_of]) == [["'"$permanent"'", $coa]]'
}

# Each mechanism knows where its address is, and nothing of the other one.
both_know() {
	mip_is_at "$1" && registered_at 1 && registered_at 2 &&
		[[ $(fo_bindings "$(fo_active 1 2)" | cut -d ' ' -f 1) == "$mip_home" ]]
}

served_by_address() {
	echo_serve node 7000
	talk_open home correspondent "$mip_home" 7000
	talk_open permanent correspondent "$permanent" 7000
	expect_eq "addresses of its connections" "$mip_home $permanent" \
		"$(sockets node 'sport = :7000' | sed 's/:.*//' | sort | xargs)"
	# One by rewriting, which the home agent has no part in; the other by its tunnel.
	wait_for 20 mapped_here
	expect_eq "mappings at the correspondent" "$permanent" "$(roam correspondent -j mangle show | jq -r '.[].permanent')"
	comes visited2 "$mip_fa2"
	wait_for 60 both_know "foreign $mip_fa2"
	talk home
	talk permanent
	wait_for 20 mapped_here
	# What the host begins has the address that its policy says, or the one that a program chose.
	echo_serve correspondent 7001
	talk_open chosen node "$mip_peer" 7001 "bind=$mip_home"
	talk_open usual node "$mip_peer" 7001
	expect_eq "addresses of what it began" "$mip_home $permanent" \
		"$(sockets correspondent 'sport = :7001' | awk '{ print $2 }' | sed 's/:.*//' | sort | xargs)"
	comes visited1 "$mip_fa1"
	wait_for 60 both_know "foreign $mip_fa1"
	for _ in 1 2; do
		talk home
		talk permanent
		talk chosen
		talk usual
	done
}

mapped_here() {
	[[ $(mapped_at correspondent) == "$care_of" ]]
}

# The machine that has the virtual address crashes: agent, register and elector.
register_fails() {
	local active standby before care_of
	care_of=$(ip -n "$node" -json -4 address show dev eth0 | jq -r '.[0].addr_info[0].local')
	active=$(fo_active 1 2) && standby=$((3 - active))
	before=$(counter "agent$standby" hlr queries)
	echo_serve node 7002
	fo_kill "$active"
	daemon_stop "agent$active" hlrd KILL
	# It asks at the virtual address, of which it knows nothing but that.
	daemon_stop correspondent lrd
	roam correspondent mangle flush
	daemon correspondent roam-lrd lrd
	wait_for 30 fo_is "$standby" active
	talk_open again correspondent "$permanent" 7002
	counter_is "agent$standby" hlr queries "-gt $before" || fail "the other register was not asked"
	expect_eq "mapping" "$care_of" "$(mapped_at correspondent)"
	# And the host goes on.
	comes visited2 "$mip_fa2"
	wait_for 30 registered_at "$standby"
	wait_for 30 mip_is_at "foreign $mip_fa2"
	talk again
}

fixture world
prove "INT-17: home agents and registers on one network, a host with an address of each: both move with it, each by its own" served_by_address
prove_open "its last change was not run often enough yet" "INT-18: registers behind the virtual address: who asks gets an answer when the machine that had it has crashed" register_fails
tests_done
