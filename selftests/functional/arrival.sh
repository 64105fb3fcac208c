#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Arrival in a sub-network, whole: link, beacon, advertisement, address, registration, by
# roam-mmpd and roam-drcpd together.
#
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topologies/mmp.sh
. "$lib_dir/topologies/mmp.sh"
# shellcheck source=../topologies/arrival.sh
. "$lib_dir/topologies/arrival.sh"
mmp_beacon=200ms mmp_air_beacon=200ms

network() {
	local n
	arrival_network
	for n in 1 2 3; do
		mmp_air "bs$n" "$n"
	done
	mmp_carry_out
	for n in 1 2 3; do
		ip -n "${mmp_ns[mn]}" link set "air$n" down
	done
	arrival_start
	arrival_host '"air1", "air2", "air3"'
	arrival_drcpd mn
	mmp_daemon mn
}

# go BS: the host's radio leaves where it is, and is there.
go() {
	local n
	for n in 1 2 3; do
		[[ bs$n == "$1" ]] || ip -n "${mmp_ns[mn]}" link set "air$n" down
	done
	ip -n "${mmp_ns[mn]}" link set "air${1#bs}" up
}

reaches_everybody() {
	expect_ok in_ns "${mmp_ns[mn]}" busybox ping -c 1 -W 10 "$mmp_cn"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$(arrival_address)"
}

# events LINK: the kinds of messages on that link of the host in the order in which each came first.
# What the server says to everybody before the host asks is no answer to it.
events() {
	tshark -n -r "$ROAM_OUT/flow.pcap" -X "lua_script:$lib_dir/dissector/roam-drcp.lua" \
		-X "lua_script:$lib_dir/dissector/roam-mmp.lua" \
		-Y "sll.ifindex == $(index_of "$1")" -T fields -e roam_mmp.type -e roam_drcp.type 2>/dev/null |
		awk -F'\t' '
			BEGIN { split("gateway-beacon beacon registration cache-update route-update ack", mmp, " ")
				split("advertisement solicitation request assignment release decline", drcp, " ") }
			{ kind = $1 != "" ? mmp[$1] : drcp[$2] }
			kind == "solicitation" { asked = 1 }
			kind == "advertisement" && !asked { next }
			kind == "route-update" { next }
			!seen[kind]++ { printf "%s%s", sep, kind; sep = " " }'
}

index_of() {
	ip -n "${mmp_ns[mn]}" -j link show "$1" | jq '.[0].ifindex'
}

# Figure 5: two domains, then another base station in the second one.
flow_is_figure_5() {
	local at7 at8
	capture_start "${mmp_ns[mn]}" any flow.pcap 'udp port 17436 or udp port 17438'
	go bs1
	wait_for 30 arrival_at bs1 7
	at7=$(arrival_address)
	reaches_everybody
	go bs2
	wait_for 30 arrival_at bs2 8
	at8=$(arrival_address)
	reaches_everybody
	go bs3
	wait_for 30 arrival_at bs3 8
	expect_eq "address after another base station" "$at8" "$(arrival_address)"
	reaches_everybody
	stop "$capture_pid"
	echo "addresses: $at7, then $at8"
	expect_eq "first domain" "beacon solicitation advertisement request assignment registration ack" "$(events air1)"
	expect_eq "second domain" "beacon solicitation advertisement request assignment registration ack" "$(events air2)"
	expect_eq "other base station" "beacon cache-update ack" "$(events air3)"
}

# when FILTER: the time of the first such message of the capture, in ms since 1970.
when() {
	tshark -n -r "$ROAM_OUT/order.pcap" -X "lua_script:$lib_dir/dissector/roam-drcp.lua" \
		-X "lua_script:$lib_dir/dissector/roam-mmp.lua" -Y "$1" -T fields -e frame.time_epoch 2>/dev/null |
		awk 'NR == 1 { printf "%.3f\n", $1 * 1000 }'
}

# changed PATTERN: when the kernel said the first line with that, in the same form.
changed() {
	awk -v pattern="$1" '$0 ~ pattern { print substr($1, 2, length($1) - 2); exit }' "$ROAM_OUT/changes" |
		sed 's/T/ /' | xargs -I {} date -u -d {} +%s%3N.000
}

behind() {
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && b >= a - 1) }'
}

# What follows the host's source, as roam-lrd and roam-sipd do, sees the new address when the
# gateway has acknowledged it, and not before; the old one is there until then.
order_is_kept() {
	local old new adv assigned added ack preferred removed
	go bs2
	wait_for 30 arrival_at bs2 8
	old=$(arrival_address)
	capture_start "${mmp_ns[mn]}" any order.pcap 'udp port 17436 or udp port 17438'
	bg ip -n "${mmp_ns[mn]}" -ts monitor address route >"$ROAM_OUT/changes"
	go bs1
	wait_for 30 arrival_at bs1 7
	wait_for 30 grep -q "Deleted.*inet $old/" "$ROAM_OUT/changes"
	stop "$capture_pid"
	new=$(arrival_address)
	adv=$(when 'roam_drcp.type == 3')
	assigned=$(when 'roam_drcp.type == 4')
	ack=$(when 'roam_mmp.type == 6 && sll.pkttype == 0')
	added=$(changed "inet $new/")
	preferred=$(changed "default via .* src $new")
	removed=$(changed "Deleted.*inet $old/")
	cat "$ROAM_OUT/changes"
	awk -v q="$adv" -v a="$assigned" -v d="$added" -v k="$ack" -v p="$preferred" 'BEGIN {
		printf "from the request: assignment %.1f ms, address %.1f ms, acknowledged %.1f ms, preferred %.1f ms\n",
			a - q, d - q, k - q, p - q }'
	behind "$assigned" "$added" || fail "the address was there before it was given"
	behind "$added" "$ack" || fail "acknowledged before there was an address"
	behind "$ack" "$preferred" || fail "preferred before it was acknowledged"
	behind "$preferred" "$removed" || fail "the old address went before"
}

# The second subnet gives addresses of IPv6 for a while: the host goes there and back.
other_family() {
	local conf=$mmp_dir/gw2/drcpd.conf
	go bs1
	wait_for 30 arrival_at bs1 7
	cp "$conf" "$conf.before"
	on_exit serve_again "$conf"
	sed -i 's|^pool .*|pool "2001:db8:8::/64" { lease = "1h" }|' "$conf"
	stop "${arrival_pid[gw2]}"
	arrival_drcpd gw2
	go bs2
	wait_for 30 is_at_bs2_by_ipv6
	expect_eq "addresses of IPv4" "" "$(arrival_address)"
	expect_ok in_ns "${mmp_ns[mn]}" busybox ping -6 -c 1 -W 10 "$mmp_cn6"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -6 -c 1 -W 10 "$(address6)"
	expect_eq "entry at the gateway" "$(address6)" "$(mmp_tool gw2 show "$(address6)" | jq -r '.[0].host')"
	go bs1
	wait_for 30 arrival_at bs1 7
	reaches_everybody
	expect_eq "addresses of IPv6" "" "$(address6)"
}

serve_again() {
	mv "$1.before" "$1"
	stop "${arrival_pid[gw2]}"
	arrival_drcpd gw2
}

address6() {
	ip -n "${mmp_ns[mn]}" -6 -j address show dev own scope global | jq -r '[.[].addr_info[]?.local // empty] | join(" ")'
}

is_at_bs2_by_ipv6() {
	mmp_at bs2 && [[ $(address6) == 2001:db8:8:* ]]
}

requests() {
	arrival_drcp_get gw2 counters '.[0].received_request'
}

address_stays_inside() {
	local before asked n
	go bs2
	wait_for 30 arrival_at bs2 8
	before=$(arrival_address)
	asked=$(requests)
	for n in bs3 bs2 bs3; do
		go "$n"
		wait_for 30 arrival_at "$n" 8
		expect_eq "address" "$before" "$(arrival_address)"
	done
	expect_eq "requests at the server" "$asked" "$(requests)"
	reaches_everybody
}

has_lease() {
	[[ $(arrival_drcp_get mn show '.[0].address // ""') == "$1" && $(arrival_address) == "$1" ]]
}

# A daemon that starts again finds what it had; the one without the other goes on alone.
restarts_are_no_move() {
	local before
	go bs2
	wait_for 30 arrival_at bs2 8
	before=$(arrival_address)
	stop "${arrival_pid[mn]}"
	arrival_drcpd mn
	wait_for 30 has_lease "$before"
	reaches_everybody
	stop "${mmp_pid[mn]}"
	stop "${arrival_pid[mn]}"
	ip -n "${mmp_ns[mn]}" address flush dev own
	arrival_drcpd mn
	wait_for 30 has_lease "$before"
	mmp_daemon mn
	wait_for 30 arrival_at bs2 8
	expect_eq "address" "$before" "$(arrival_address)"
	reaches_everybody
}

fixture network
prove "INT-11 INT-04 MMP-87 MMP-88 MMP-90 MMP-91 MMP-92: figure 5 message by message: two domains, then another base station" flow_is_figure_5
prove "INT-08 INT-07 OPEN-23: the source changes when the gateway has acknowledged, and the old address stays until then" order_is_kept
prove "MMP-82 MMP-78 INT-16: inside the subnet the address stays, and the server behind relays is asked nothing" address_stays_inside
prove "OPEN-01 MMP-77 MMP-90 MMP-91: from a subnet of IPv4 into one of IPv6 and back, addresses and registrations" other_family
prove "INT-07 OPEN-45: daemons that start again keep the address, and each goes on without the other" restarts_are_no_move
tests_done
