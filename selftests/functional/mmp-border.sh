#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Two domains of MMP in one subnet behind a border router: where a host is, the prefix does not
# say. Host routes lead there, set by rtnetlink alone or by FRR's OSPF.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topologies/mmp.sh
. "$(dirname "$(realpath "$0")")/../topologies/mmp.sh"

readonly via1=192.0.2.18 via2=192.0.2.34
readonly frr=/usr/lib/frr

# gateway_config GW NUMBER OTHER
gateway_config() {
	mmp_config "$1" 'timeout = "6s"' "border {
		peers = {\"192.0.2.$((16 * $2 + 1))\", \"$3\"}
		via = \"192.0.2.$((16 * $2 + 2))\"
		via6 = \"2001:db8:f$2::2\"
		refresh = \"3s\"
		routes = true
	}"
}

two_domains() {
	local node
	mmp_domain two
	gateway_config gw1 1 "$via2"
	gateway_config gw2 2 "$via1"
	for node in n1 n2 bs1 bs2 bs3 bs4; do
		mmp_config "$node" 'timeout = "6s"'
	done
	mmp_host_config 'update = "2s"'
	cat >"$mmp_dir/br/mmpd.conf" <<-END
		role = "border"
		name = "br"
		keys = "$mmp_dir/domain.key"
		subnets = {"10.7.0.0/16", "2001:db8:7::/64"}
		state = "$mmp_dir/br/state"
	END
	mmp_daemon br
	mmp_start
}

# at_border FAMILY: by which gateway the border router sends what is for the host.
at_border() {
	local host=$mmp_coa
	[[ $1 == 4 ]] || host=$mmp_coa6
	ip -n "${mmp_ns[br]}" "-$1" route show "$host" | sed -n 's/.* via \([^ ]*\) .*/\1/p'
}

is_at_border() {
	[[ $(at_border "$1") == "$2" ]]
}

none_at_border() {
	[[ ! $(at_border 4) && ! $(at_border 6) ]]
}

# A move to the other domain: no other address, no message but registration, and the path follows.
other_domain() {
	mmp_move bs1
	wait_for 20 is_at_border 4 "$via1"
	wait_for 20 is_at_border 6 2001:db8:f1::2
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$mmp_coa"
	mmp_move bs3
	wait_for 20 is_at_border 4 "$via2"
	wait_for 20 is_at_border 6 2001:db8:f2::2
	wait_for 20 in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 2 "$mmp_coa"
	wait_for 20 in_ns "${mmp_ns[cn]}" busybox ping -6 -c 1 -W 2 "$mmp_coa6"
	expect_eq "movement" other-domain "$(mmp_tool mn handoffs | jq -r '.[-1].movement')"
	# The gateway that it left knows it no more, long before its entry would have ended.
	wait_for 5 gone_from gw1
	expect_eq "at the border router" "$via2" "$(mmp_tool br routes | jq -r --arg h "$mmp_coa" '.[] | select(.host == $h) | .gateway')"
	expect_eq "route of the gateway" 1 "$(ip -n "${mmp_ns[gw2]}" route show "$mmp_coa" | grep -c 'dev to-n2')"
	expect_eq "route of the other one" "" "$(ip -n "${mmp_ns[gw1]}" route show "$mmp_coa")"
	# Inside of the new domain the border router is not concerned.
	mmp_move bs4
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$mmp_coa"
	expect_eq "route" "$via2" "$(at_border 4)"
	expect_eq "movement" inside-domain "$(mmp_tool mn handoffs | jq -r '.[-1].movement')"
}

gone_from() {
	[[ ! $(mmp_tool "$1" show "$mmp_coa" | jq -r '.[0].host // empty') ]]
}

# Signalling of movement inside a domain stays there: nothing of it passes the border router.
stays_inside() {
	mmp_move bs1
	wait_for 20 is_at_border 4 "$via1"
	bg in_ns "${mmp_ns[br]}" tcpdump -i any -n -w "$ROAM_OUT/border.pcap" -U udp port 17436 2>"$mmp_dir/tcpdump.log"
	wait_for 20 grep -q listening "$mmp_dir/tcpdump.log"
	# What the gateways say to the border router again and again is of hosts, not of movements.
	mmp_move bs2
	mmp_move bs1
	mmp_move bs2
	stop "$bg_pid" TERM
	tcpdump -n -r "$ROAM_OUT/border.pcap" "src host $mmp_coa or src host $mmp_gw" 2>/dev/null >"$mmp_dir/border.seen"
	expect_eq "messages of movements at the border router" "" "$(cat "$mmp_dir/border.seen")"
	expect_eq "sequence at the border router is that of the entry" true \
		"$(mmp_tool br routes | jq --arg h "$mmp_coa" '.[] | select(.host == $h) | .sequence > 0')"
}

restarts() {
	mmp_move bs1
	wait_for 20 is_at_border 4 "$via1"
	stop "${mmp_pid[br]}" KILL
	expect_eq "route without the daemon" "$via1" "$(at_border 4)"
	# As after a restart of the whole router.
	ip -n "${mmp_ns[br]}" route del "$mmp_coa"
	mmp_daemon br
	wait_for 30 is_at_border 4 "$via1"
	stop "${mmp_pid[gw1]}" KILL
	mmp_daemon gw1
	wait_for 60 mmp_is mn status .state attached
	wait_for 20 in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 2 "$mmp_coa"
}

# zebra and ospfd in a namespace.
frr_start() {
	local node=$1 dir networks network link program
	# They run as a user of their own, who has to write there.
	dir=$(mktemp -d "/run/frr-$node.XXXXXX")
	on_exit rm -rf "$dir"
	networks=$(ip -n "${mmp_ns[$node]}" -o -4 address show scope global | awk '$2 != "lo" { print $4 }')
	{
		echo "router ospf"
		echo " ospf router-id $2"
		for network in $networks; do
			echo " network $network area 0"
		done
		[[ $node == br ]] || echo " redistribute kernel"
		for link in $(ip -n "${mmp_ns[$node]}" -o -4 address show scope global | awk '$2 != "lo" { print $2 }'); do
			echo "interface $link"
			echo " ip ospf network point-to-point"
			echo " ip ospf hello-interval 1"
			# A machine that stands still for a while is no router that died.
			echo " ip ospf dead-interval 10"
		done
	} >"$dir/ospfd.conf"
	: >"$dir/zebra.conf"
	chown -R frr:frr "$dir"
	for program in zebra ospfd; do
		bg in_ns "${mmp_ns[$node]}" "$frr/$program" -A 127.0.0.1 -P 0 -z "$dir/zserv.api" \
			-i "$dir/$program.pid" -f "$dir/$program.conf" --vty_socket "$dir" --log "file:$dir/$program.log"
		wait_for 20 builtin test -e "$dir/$program.pid"
	done
}

by_ospf() {
	local node
	[[ -x $frr/ospfd ]] || skip "FRR is not installed"
	stop "${mmp_pid[br]}" TERM
	ip -n "${mmp_ns[br]}" route flush proto 77
	ip -n "${mmp_ns[br]}" -6 route flush proto 77
	frr_start br 192.0.2.1
	frr_start gw1 "$via1"
	frr_start gw2 "$via2"
	mmp_move bs1
	wait_for 60 is_at_border 4 "$via1"
	expect_match "who set it" 'proto ospf' "$(ip -n "${mmp_ns[br]}" route show "$mmp_coa")"
	wait_for 20 in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 2 "$mmp_coa"
	mmp_move bs3
	wait_for 60 is_at_border 4 "$via2"
	wait_for 20 in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 2 "$mmp_coa"
	# The host leaves without a word.
	stop "${mmp_pid[mn]}" KILL
	ip -n "${mmp_ns[mn]}" link set air3 down
	wait_for 60 none_at_border
}

# The border router reaches the gateway by a tunnel, as others do by PPPoE; what is of a link
# only goes no further.
backbone_without_ethernet() {
	local br=${mmp_ns[br]} gw=${mmp_ns[gw1]} link_local
	modprobe ipip || skip "a kernel without tunnels"
	mmp_move bs1
	wait_for 20 is_at_border 4 "$via1"
	wait_for 20 is_at_border 6 2001:db8:f1::2
	on_exit ip -n "$br" rule delete to "$mmp_coa" lookup 99
	on_exit ip -n "$br" link delete bb
	on_exit ip -n "$gw" link delete bb
	ip -n "$gw" -batch - <<-END || fail "no tunnel at the gateway"
		link add bb type ipip local $via1 remote 192.0.2.17
		link set bb up
	END
	ip -n "$br" -batch - <<-END || fail "no tunnel at the border router"
		link add bb type ipip local 192.0.2.17 remote $via1
		link set bb up
		route add $mmp_coa dev bb table 99
		rule add to $mmp_coa lookup 99
	END
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -c 1 -W 10 "$mmp_coa"
	link_local=$(ip -n "$br" -6 -j address show scope link to fe80::/10 | jq -r \
		--arg dev "$(ip -n "$br" -6 -j route get "$mmp_coa6" | jq -r '.[0].dev')" \
		'.[] | select(.ifname == $dev) | .addr_info[0].local + "%" + .ifname')
	capture_start "${mmp_ns[mn]}" air1 border.link.pcap "ip6 dst host $mmp_coa6"
	in_ns "$br" ping -6 -q -n -c 2 -i 0.2 -W 1 -I "$link_local" "$mmp_coa6"
	expect_ok in_ns "${mmp_ns[cn]}" busybox ping -6 -c 1 -W 10 "$mmp_coa6"
	capture_stop
	expect_eq "with the source of a link" 0 "$(packets_in border.link.pcap "src net fe80::/10")"
	expect_match "others" '^[1-9]' "$(packets_in border.link.pcap)"
}

departure() {
	mmp_move bs3
	wait_for 20 is_at_border 4 "$via2"
	stop "${mmp_pid[mn]}" KILL
	wait_for 60 none_at_border
}

# What a test starts ends with it.
start_again() {
	local node
	# One test alone: nothing is there yet.
	if [[ ! ${mmp_dir:-} ]]; then
		two_domains
		return
	fi
	for node; do
		mmp_daemon "$node"
	done
	wait_for 60 mmp_is mn status .state attached
}

fixture two_domains
prove "MMP-01 MMP-09 MMP-89 INT-03 TEN-18 OPEN-47: two domains of one subnet: the border router follows a host to the other one" other_domain
prove "INT-10: nothing of a movement inside a domain leaves it" stays_inside
prove "MMP-25 MMP-28: a backbone without Ethernet headers; what is of a link stays there" backbone_without_ethernet
prove "OPEN-45 OPEN-47: a restarted border router, and a restarted gateway" restarts
fixture start_again br gw1
prove "OPEN-47 MMP-31: a host that leaves without a word has no route any more" departure
fixture start_again mn
prove_open "not seen in every run yet" "MMP-10 OPEN-47: the same by FRR's OSPF" by_ospf
tests_done
