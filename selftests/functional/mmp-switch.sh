#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: fast
# timeout: 600
#
# A small domain of MMP with a switch inside, on every kernel: what the module does with
# packets is what is different there.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topologies/mmp.sh
. "$(dirname "$(realpath "$0")")/../topologies/mmp.sh"

readonly second=10.7.0.98

domain() {
	mmp_domain switch
	mmp_node mn2 host
	mmp_veth bs2 air-mn2 mn2 air1
	mmp_ip mn2 link add own type dummy
	mmp_ip mn2 link set own up
	mmp_ip mn2 address add "$second/32" dev own
	mmp_carry_out
	mmp_config n1 'turn = true'
	mmp_start
	second_host
}

second_host() {
	"$mmp_bin/roam" mmp keygen 1 "$mmp_dir/domain.key" "$second" >"$mmp_dir/mn2/keys" || fail "no keys"
	chmod 600 "$mmp_dir/mn2/keys"
	cat >"$mmp_dir/mn2/mmpd.conf" <<-END
		role = "host"
		keys = "$mmp_dir/mn2/keys"
		air = {"air*"}
		state = "$mmp_dir/mn2/state"
		missed = 6
		host { address = {"$second"} key = {1001} }
	END
	mmp_daemon mn2
	wait_for 60 mmp_is mn2 status .state attached
}

# way NODE: names of the nodes from there to the host.
way() {
	mmp_tool "$1" trace "$mmp_coa" | jq -r 'map(.node) | join(" ")'
}

crosses_a_switch() {
	local bs
	for bs in bs1 bs2 bs3; do
		wait_for 60 mmp_is "$bs" status .gateway "$mmp_gw"
	done
	expect_eq "above bs1" "gw1 n1 bs1" "$(mmp_tool bs1 tree | jq -r '[.[] | select(.is != "below") | .node] | join(" ")')"
	expect_eq "above bs3" "gw1 bs3" "$(mmp_tool bs3 tree | jq -r '[.[] | select(.is != "below") | .node] | join(" ")')"
	mmp_move bs1
	expect_eq "way to the host" "gw1 n1 bs1" "$(way gw1)"
	mmp_move bs3
	expect_eq "way past n1" "gw1 bs3" "$(way gw1)"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 20 "$mmp_coa"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -6 -c 1 -W 20 "$mmp_coa6"
	# All neighbours of gw1 are on one link, and are told apart.
	expect_eq "nodes below gw1" "bs3 n1" \
		"$(mmp_tool gw1 tree | jq -r '[.[] | select(.is == "below") | .node] | sort | join(" ")')"
}

# handoffs FAMILY
handoffs() {
	local i
	mmp_move bs1
	mmp_flow 10 50 "$1"
	for i in 3 2 1 3; do
		mmp_move "bs$i"
	done
	mmp_flow_end
	expect_eq "lost on the way down" 0 "$lost_down"
	expect_eq "lost on the way up" 0 "$lost_up"
	expect_eq "twice on the way up" 0 "$twice_up"
}

# Large packets in both directions: cut by cards, put together, checksums in clones.
stream() {
	local sum
	mmp_move bs1
	head -c 3000000 /dev/urandom >"$mmp_dir/sent"
	bg in_ns "${mmp_ns[mn]}" socat -u TCP-LISTEN:7000 "CREATE:$mmp_dir/got"
	wait_for 20 listens mn 7000
	bg in_ns "${mmp_ns[cn]}" socat -u "OPEN:$mmp_dir/sent" "TCP:$mmp_coa:7000"
	mmp_move bs3
	mmp_move bs1
	wait_for 60 got_all
	sum=$(sha256sum <"$mmp_dir/sent")
	expect_eq "what arrived" "$sum" "$(sha256sum <"$mmp_dir/got")"
}

listens() {
	[[ $(in_ns "${mmp_ns[$1]}" ss -Hltn "sport = :$2") ]]
}

got_all() {
	[[ $(stat -c %s "$mmp_dir/got") == 3000000 ]]
}

turned() {
	mmp_get "$1" stats .turned
}

# Between two hosts: where their ways part (n1 has the option), else at the gateway.
turns() {
	local node at_n1 at_gw
	mmp_move bs1
	wait_for 60 mmp_is mn2 status .state attached
	at_n1=$(turned n1) at_gw=$(turned gw1)
	expect_ok in_ns "${mmp_ns[mn2]}" busybox ping -c 3 -W 20 "$mmp_coa"
	(($(turned n1) >= at_n1 + 6)) || fail "not turned at n1"
	expect_eq "turned at the gateway" "$at_gw" "$(turned gw1)"
	mmp_config n1
	kill -HUP "${mmp_pid[n1]}"
	wait_for 20 turns_at_gateway "$at_gw"
	expect_eq "below the gateway" "gw1 n1 bs1" "$(way gw1)"
	mmp_config n1 'turn = true'
	kill -HUP "${mmp_pid[n1]}"
	wait_for 20 turns_at_n1
}

turns_at_gateway() {
	in_ns "${mmp_ns[mn2]}" busybox ping -c 1 -W 5 "$mmp_coa" >/dev/null && (($(turned gw1) > $1))
}

turns_at_n1() {
	local before
	before=$(turned n1)
	in_ns "${mmp_ns[mn2]}" busybox ping -c 1 -W 5 "$mmp_coa" >/dev/null && (($(turned n1) > before))
}

# A reload is refused as a whole where a restart is needed, and packets go on.
reloads() {
	mmp_config n1 'port = 17999'
	kill -HUP "${mmp_pid[n1]}"
	wait_for 20 grep -q "needs a restart" "$mmp_dir/n1/log"
	mmp_config n1 'turn = true'
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 20 "$mmp_coa"
	mmp_config n1 'turn = true' 'criterion = "reliability"' 'timeout = "40s"'
	kill -HUP "${mmp_pid[n1]}"
	wait_for 30 lives_longer
}

lives_longer() {
	in_ns "${mmp_ns[mn]}" busybox ping -c 1 -W 5 "$mmp_cn" >/dev/null
	[[ $(mmp_tool n1 show "$mmp_coa" | jq '.[0].expires_in > 31') == true ]]
}

fixture domain
prove "OPEN-46 MMP-04: a layer-2 switch inside a domain is a transparent hop" crosses_a_switch
prove "MMP-46 OPEN-46: handoffs across it lose nothing, IPv4" handoffs 4
prove "MMP-46 OPEN-46: nor IPv6" handoffs 6
prove "MMP-13 OPEN-01: a TCP stream comes out as it went in" stream
prove "OPEN-49: packets between two hosts turn at the gateway, or by option where their ways part" turns
prove "OPEN-45: a reload changes what it can, and nothing when it cannot" reloads
tests_done
