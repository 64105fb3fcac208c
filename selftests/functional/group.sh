#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# Four home agents as one, each with the whole table: any three may fail. The network is
# that of failover-topology.sh.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../failover-topology.sh
. "$lib_dir/failover-topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

readonly many=200

world() {
	require nft
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	modprobe macvlan
	fo_members='{ "198.18.0.1", "198.18.0.2", "198.18.0.3", "198.18.0.4" }'
	# SYNC-06: changes go to the group.
	fo_sync='acks = "all"  multicast = "239.255.10.1"'
	fo_many "$many"
	fo_create 4
	fo_start 1 2 3 4
	wait_for 30 fo_active 1 2 3 4
	wait_for 30 fo_equal 1 2 3 4
	mip_foreign_start foreign1
	mip_node_start
	wait_for 60 mip_is_at "foreign $mip_fa1"
}

registers() { # SECONDS-OR-RATE FILE: in the background
	bg in_ns "$correspondent" "$lib_dir/registrations" "$hosts/node/keys.key" "$fo_vip" "$mip_peer" \
		"$many" 300 "$ROAM_OUT/$1.promised" >"$ROAM_OUT/$1.registrations"
}

# lost NAME N: what was promised and is not at agent N.
lost() {
	fo_bindings "$2" | awk 'NR == FNR { at[$1] = $3; next } !($1 in at) || at[$1] < $2 { print }' \
		- "$ROAM_OUT/$1.promised"
}

counter() {
	roam "agent$1" -j agent counters | jq -r ".[0].$2"
}

counted() {
	(($(counter "$1" "$2") > $3))
}

everywhere() {
	local n active
	wait_for 30 fo_equal 1 2 3 4
	wait_for 20 fo_same_bindings 1 2 3 4
	active=$(fo_active 1 2 3 4)
	for n in 1 2 3 4; do
		expect_eq "members that agent $n knows" 3 "$(roam "agent$n" -j sync show | jq '[.[] | select(.alive)] | length')"
		expect_eq "serves" "$([[ $n == "$active" ]] && echo true || echo false)" "$(fo_sync_of "$n" serves)"
	done
	# One registration is one update to each, and one acknowledgement from each.
	expect_match "mode" group "$(fo_sync_of 1 mode)"
}

# What is for the node may come to any of them, wherever the way leads.
by_any() {
	local n
	wait_for 30 fo_equal 1 2 3 4
	on_exit in_batch correspondent "route replace 10.77.0.0/24 via $fo_vip"
	for n in 1 2 3 4; do
		in_batch correspondent "route replace 10.77.0.0/24 via 198.18.0.$n"
		in_ns "$correspondent" ping -n -c 1 -W 10 "$mip_home" >/dev/null || fail "nothing comes through agent $n, $(fo_of "$n" state)"
	done
	in_batch correspondent "route replace 10.77.0.0/24 via $fo_vip"
}

# One registration is one datagram to the group, and each acknowledges it.
multicast() {
	local active before counted_by
	require tcpdump
	wait_for 30 fo_equal 1 2 3 4
	active=$(fo_active 1 2 3 4)
	before=$(counter "$active" sync_updates_sent)
	counted_by=$(counter "$active" sync_acks_received)
	capture_start "$air" core group.pcap udp port 17986
	roam node mn renew || fail "the node does not register"
	wait_for 20 counted "$active" sync_updates_sent "$before"
	wait_for 20 counted "$active" sync_acks_received "$((counted_by + 2))"
	wait_for 30 fo_equal 1 2 3 4
	capture_stop
	# Type 2 is an update: of the active one, all to the group.
	expect_eq "where updates went" "198.18.0.$active 239.255.10.1" \
		"$(tcpdump -n -r "$ROAM_OUT/group.pcap" 'udp[9] = 2' 2>/dev/null | sed 's/.*IP \([0-9.]*\)\.17986 > \([0-9.]*\)\.17986.*/\1 \2/' | sort -u)"
}

# Three of four fail under registrations, one after the other.
three_of_four_die() {
	local left=(1 2 3 4) active n line
	registers group
	for _ in 1 2 3; do
		wait_for 30 fo_active "${left[@]}"
		active=$(fo_active "${left[@]}")
		wait_for 30 counted "$active" accepted 100
		fo_unplug "$active"
		fo_kill "$active"
		n=()
		for line in "${left[@]}"; do
			((line == active)) || n+=("$line")
		done
		left=("${n[@]}")
	done
	wait_for 30 fo_is "${left[0]}" active
	wait_for 30 counted "${left[0]}" accepted 50
	stop "$bg_pid" INT
	line=$(tail -n 1 "$ROAM_OUT/group.registrations")
	expect_eq "promised and lost ($line)" "" "$(lost group "${left[0]}")"
	in_ns "$correspondent" ping -n -c 1 -W 10 "$mip_home" >/dev/null || fail "no way to the node"
	echo "# $line"
	# They come back, one of them with an old table, and get all of it.
	for n in 1 2 3 4; do
		fo_plug "$n"
		[[ $n == "${left[0]}" ]] || fo_start "$n"
	done
	wait_for 30 fo_equal 1 2 3 4
	for n in 1 2 3 4; do
		expect_eq "lost at agent $n" "" "$(lost group "$n")"
	done
}

one_active() {
	local n
	(($(for n in 1 2 3 4; do fo_of "$n" state; done | grep -c active) == 1))
}

# Two and two, each half with an active agent, then one network again.
partition() {
	local n
	wait_for 30 fo_equal 1 2 3 4
	in_batch air "link add island type bridge forward_delay 0" "link set island up"
	for n in 1 2; do
		in_batch air "link set agent$n-eth0 master island"
	done
	wait_for 30 fo_active 1 2
	wait_for 30 fo_active 3 4
	registers half
	wait_for 30 counted "$(fo_active 3 4)" accepted 100
	stop "$bg_pid" INT
	for n in 1 2; do
		fo_plug "$n"
	done
	wait_for 30 fo_equal 1 2 3 4
	for n in 1 2 3 4; do
		expect_eq "lost at agent $n" "" "$(lost half "$n")"
	done
	wait_for 30 one_active
}

# A fifth of all datagrams is lost in each direction.
loss() {
	local n
	wait_for 30 fo_equal 1 2 3 4
	for n in 1 2 3 4; do
		declare -n ns="agent$n"
		in_ns "$ns" nft 'table ip lossy { chain in { type filter hook input priority 0; udp dport 17986 numgen random mod 5 0 drop; };
			chain out { type filter hook output priority 0; udp dport 17986 numgen random mod 5 0 drop; }; }' ||
			fail "no filter"
	done
	registers lossy
	wait_for 30 counted "$(fo_active 1 2 3 4)" accepted "$(($(counter "$(fo_active 1 2 3 4)" accepted) + 200))"
	stop "$bg_pid" INT
	wait_for 30 fo_equal 1 2 3 4
	for n in 1 2 3 4; do
		declare -n ns="agent$n"
		in_ns "$ns" nft delete table ip lossy
		expect_eq "lost at agent $n" "" "$(lost lossy "$n")"
	done
}

fixture world
prove "TEN-01 GSYN-12 SYNC-01 SYNC-02: each of four agents has the whole table" everywhere
prove "SYNC-06 SYNC-25 STBY-88: an update is one datagram to the group" multicast
prove "STBY-07 STBY-08 STBY-47 TEN-31: what is for the node comes through any agent" by_any
prove "OPEN-57 STBY-95 SYNC-01: three of four agents fail one after the other" three_of_four_die
prove "FAIL-02 OPEN-44 TEN-01: A3, wrong heal: a partition of four agents heals" partition
prove "OPEN-44 TEN-01 SYNC-21 SYNC-27: a fifth of all datagrams between four agents is lost" loss
tests_done
