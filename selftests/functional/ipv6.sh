#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# kernels: 6.12
#
# What the other files show with IPv4, over IPv6, where the kernel goes other ways:
# destinations that do not move, connection tracking, narrow paths, home, daemons that
# die. Connections that move and what is on the wire are in path.sh and move.sh.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

readonly fixed6=2001:db8:77::99
readonly home_gateway6=2001:db8:77::1
# As programs write them.
readonly to_mobile="[$permanent6]" to_correspondent="[$correspondent_addr6]"

world() {
	# topology.sh's
	# shellcheck disable=SC2034
	with_ipv6=yes register_at="[$register_addr6]"
	topology_create
	in_batch register "address add $fixed6/128 dev lo nodad"
	in_batch router "route add $fixed6 via $register_addr6"
	register_start
	correspondent_start
	move_to 1
	mobile_start
	wait_for 60 is_registered 6
	echo_serve register 7 pf=ip6
	echo_serve mobile 7 pf=ip6
	echo_serve correspondent 7 pf=ip6
}

arrived() {
	wait_for 60 is_registered 6
	wait_for 60 is_mapped correspondent 6
}

fixed_host_is_asked_for_once() {
	local misses rewritten
	misses=$(counter correspondent lr misses)
	rewritten=$(counter correspondent mangle out_rewritten)
	talk_open first correspondent "[$fixed6]" 7
	expect_eq "state of the mapping" null \
		"$(roam correspondent -j mangle show "$fixed6" | jq -r '.[0].state')"
	talk_open second correspondent "[$fixed6]" 7
	expect_eq "questions" $((misses + 1)) "$(counter correspondent lr misses)"
	expect_eq "packets rewritten" "$rewritten" "$(counter correspondent mangle out_rewritten)"
}

tracked_at() {
	in_ns "${!1}" conntrack -L -f ipv6 -p tcp --sport "$2" 2>/dev/null |
		grep -o -E '(src|dst)=[0-9a-f:]+' | xargs
}

conntrack_sees_permanent_addresses() {
	local host port
	require conntrack nft
	for host in mobile correspondent; do
		in_ns "${!host}" nft 'table ip6 t { chain in { type filter hook input priority 0; ct state invalid counter drop; }; }' ||
			fail "no connection tracking"
		on_exit in_ns "${!host}" nft delete table ip6 t
	done
	talk_open tracked mobile "$to_correspondent" 7
	port=$(sockets mobile dport = :7 | sed -n '$s/.*\]:\([0-9]*\) .*/\1/p')
	for n in 2 3; do
		move_to "$n"
		talk tracked
	done
	for host in mobile correspondent; do
		expect_eq "entries at the $host" \
			"src=$permanent6 dst=$correspondent_addr6 src=$correspondent_addr6 dst=$permanent6" \
			"$(tracked_at "$host" "$port")"
		expect_match "refused as invalid" "packets 0 " \
			"$(in_ns "${!host}" nft list chain ip6 t in)"
	done
}

# large_line NAME: more than fits into one packet.
large_line() {
	local line got
	line=$(head -c 6000 /dev/urandom | base64 -w 0)
	echo "$line" >&"${talk_in[$1]}"
	read -r -t 60 got <&"${talk_out[$1]}" || fail "no answer"
	[[ $got == "$line" ]] || fail "another answer"
}

# The router says "packet too big" about care-of addresses, to each end about the other.
narrow_paths_are_heard_of() {
	local host before=()
	move_to 1
	arrived
	talk_open narrow mobile "$to_correspondent" 7
	for host in mobile correspondent; do
		before+=("$(counter "$host" mangle in_icmp)")
	done
	in_batch router "link set net1 mtu 1300" "link set correspondent mtu 1290"
	on_exit in_batch router "link set net1 mtu 1500" "link set correspondent mtu 1500"
	large_line narrow
	counter_is mobile mangle in_icmp "-gt ${before[0]}" || fail "the mobile host heard nothing"
	counter_is correspondent mangle in_icmp "-gt ${before[1]}" || fail "the correspondent heard nothing"
}

at_home() {
	roam register -j hlr show | jq -e --arg perm "$permanent6" \
		'any(.[]; .permanent == $perm and .care_of == $perm and .at_home)'
}

home_and_away() {
	local n handoff=() before
	veth_pair "$mobile" home "$router" home
	in_batch router "address add $home_gateway6/64 dev home nodad"
	talk_open out mobile "$to_correspondent" 7
	talk_open in correspondent "$to_mobile" 7
	for n in 1 2 3; do
		handoff+=("link set net$n down" "address flush dev net$n scope global")
	done
	in_batch mobile "${handoff[@]}" "address add $permanent6/64 dev home nodad" \
		"route replace default via $home_gateway6"
	wait_for 60 at_home
	wait_for 60 mapping_is correspondent null
	wait_for 60 mapping_is mobile null
	talk out
	talk in
	before=$(counter correspondent mangle out_rewritten)
	talk out
	talk in
	expect_eq "rewritten at home" "$before" "$(counter correspondent mangle out_rewritten)"
	in_batch mobile "link delete home"
	move_to 2
	arrived
	talk out
	talk in
}

# mapping_is HOST STATE
mapping_is() {
	[[ $(roam "$1" -j mangle show "$permanent6" | jq -r '.[0].state') == "$2" ]]
}

daemons_die() {
	local before
	move_to 3
	arrived
	talk_open outbound mobile "$to_correspondent" 7
	talk_open inbound correspondent "$to_mobile" 7
	daemon_stop register hlrd KILL
	daemon_stop correspondent lrd KILL
	daemon_stop mobile lrd KILL
	before=$(counter correspondent mangle out_rewritten)
	talk outbound
	talk inbound
	counter_is correspondent mangle out_rewritten "-gt $before" || fail "nothing was rewritten"
	daemon register roam-hlrd hlrd
	daemon correspondent roam-lrd lrd
	move_to 1
	daemon mobile roam-lrd lrd
	talk outbound
	talk inbound
	arrived
}

fixture world
prove "OPEN-01 MLR-06 MLR-21 MLR-22: a host that does not move is asked for once" \
	fixed_host_is_asked_for_once
prove "OPEN-01 OPEN-10: one conntrack entry with permanent addresses over all moves" \
	conntrack_sees_permanent_addresses
prove "OPEN-01 OPEN-08: both ends hear of a narrow path" narrow_paths_are_heard_of
prove "OPEN-01 OPEN-22 MLR-38: a host comes home and leaves again, its connections live" \
	home_and_away
prove "OPEN-01 OPEN-45 MLR-38: the daemons die, the host moves, its connections live" daemons_die
tests_done
