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
	ip_in correspondent address add "$correspondent_addr"/28 dev eth0
	ip_in correspondent route add default via 198.51.100.1
	ip_in router address add 198.51.100.1/28 dev eth0
	ip_in router address add 192.0.2.1/28 dev eth1
	ip_in router address add 192.0.2.17/28 dev eth2
	ip_in router address add 192.0.2.33/28 dev eth3
	ip_in router route add 203.0.113.0/24 via "$agent_addr"
	ip_in router route add 198.51.100.64/28 via "$fa_addr"
	ip_in router route add 198.51.100.80/28 via "$fb_addr"
	ip_in agent address add "$agent_addr"/28 dev eth0
	ip_in agent address add 203.0.113.1/24 dev eth1
	ip_in agent route add default via 192.0.2.1
	ip_in neighbour address add "$neighbour_addr"/24 dev eth0
	ip_in neighbour route add default via 203.0.113.1
	ip_in fa address add "$fa_addr"/28 dev eth0
	ip_in fa address add 198.51.100.65/28 dev eth1
	ip_in fa route add default via 192.0.2.17
	ip_in fb address add "$fb_addr"/28 dev eth0
	ip_in fb address add 198.51.100.81/28 dev eth1
	ip_in fb route add default via 192.0.2.33
	ip_in mobile link set eth0 address "$mobile_mac"
	ip_in mobile link set eth1 address "$mobile_mac2"
	ip_in mobile address add "$home"/32 dev eth0
	# A link without an address takes no packet whose way back is another one.
	ip_in mobile address add 198.51.100.86/28 dev eth1
	ip_in mobile route add default via 198.51.100.65 dev eth0 onlink src "$home"
	# Agents do not resolve the home address: nobody would answer.
	in_ns "$mobile" sysctl -qw net.ipv4.conf.all.arp_ignore=8
	for ns in agent fa fb mobile; do
		ip_in "$ns" link add roam0 type roam
		ip_in "$ns" link set roam0 up
	done
}

# register ENCAP [WORD...]: by way of the first foreign agent.
register() {
	roam agent tunnel replace "$home" via "$fa_addr" from "$agent_addr" encap "$1" \
		home-link eth1 "${@:2}" || fail "binding"
	roam fa tunnel visitors replace "$home" on eth1 mac "$mobile_mac" agent "$agent_addr" \
		care-of "$fa_addr" encap "$1" || fail "visitor"
}

forget() {
	roam agent tunnel flush
	roam fa tunnel visitors flush
	roam fb tunnel visitors flush
	roam mobile tunnel visitors flush
}

# reaches NS ADDRESS [OPTION...]: a ping comes back.
reaches() {
	in_ns "${!1}" ping -q -n -c 1 -W 20 "${@:3}" "$2"
}


# The first header of each packet whose inner one has these: "SRC,SRC DST,DST PROTO,...".
inside() { # FILE FILTER
	tshark -r "$ROAM_OUT/$1" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -Y "$2" -T fields \
		-e ip.src -e ip.dst -e ip.proto -e ip.checksum.status -e _ws.malformed 2>/dev/null
}

# What tshark makes of an echo request in each kind of tunnel.
declare -A seen_as=(
	[ipip]="$agent_addr,SOURCE $fa_addr,$home 4,1 1,1"
	[gre]="$agent_addr,SOURCE $fa_addr,$home 47,1 1,1"
	[udp]="$agent_addr,SOURCE $fa_addr,$home 17,1 1,1"
)

delivers() { # ENCAP
	local fields want before
	on_exit forget
	register "$1"
	before=$(tunnelled)
	capture_start "$router" eth2 "tunnel.$1.pcap"
	expect_ok reaches correspondent "$home"
	expect_ok reaches neighbour "$home"
	expect_ok reaches agent "$home"
	# One in pieces, one just short of what must be split, one that is split.
	expect_ok reaches correspondent "$home" -s 4000
	expect_ok reaches correspondent "$home" -s 1400
	expect_ok reaches correspondent "$home" -s 1470 -M dont
	capture_stop
	# Six pings, of which some are more than one packet.
	(($(tunnelled) >= before + 6)) || fail "the device counts $(tunnelled) packets, after $before"
	if [[ $1 == minimal ]]; then
		(($(packets_in tunnel.minimal.pcap "ip proto 55") > 3)) || fail "no minimal encapsulation"
		is_minimal
		return
	fi
	fields=$(inside "tunnel.$1.pcap" "icmp.type == 8 && frame.len < 400" | tr '\t\n' '  ')
	want=${seen_as[$1]/SOURCE/$correspondent_addr}
	expect_match "what tshark sees" "$want" "$fields"
	expect_match "of the neighbour" "${seen_as[$1]/SOURCE/$neighbour_addr}" "$fields"
	expect_eq "malformed" "" "$(tshark -r "$ROAM_OUT/tunnel.$1.pcap" -Y _ws.malformed 2>/dev/null)"
}

# tunnelled: packets that the device of the agent has sent.
tunnelled() {
	ip -n "$agent" -j -s link show dev roam0 | jq '.[0].stats64.tx.packets'
}

# tshark does not know protocol 55: its header by hand (RFC 2004 3).
is_minimal() {
	/usr/bin/python3 - "$ROAM_OUT/tunnel.minimal.pcap" <<-END || fail "not as RFC 2004 has it"
		import socket, struct, sys
		data = open(sys.argv[1], 'rb').read()
		at, found = 24, 0
		while at < len(data):
		    size = struct.unpack('<I', data[at + 8:at + 12])[0]
		    ip = data[at + 16 + 14:at + 16 + size]
		    at += 16 + size
		    if ip[9] != 55:
		        continue
		    ihl = (ip[0] & 15) * 4
		    fwd = ip[ihl:ihl + 12]
		    words = struct.unpack('!6H', fwd if fwd[1] & 0x80 else fwd[:8] + bytes(4))
		    total = sum(words)
		    total = (total & 0xffff) + (total >> 16)
		    assert (total & 0xffff) + (total >> 16) == 0xffff, fwd.hex()
		    assert fwd[0] == 1 and not fwd[1] & 0x7f, fwd.hex()
		    assert socket.inet_ntoa(ip[12:16]) == '$agent_addr'
		    assert socket.inet_ntoa(ip[16:20]) == '$fa_addr'
		    assert socket.inet_ntoa(fwd[4:8]) == '$home'
		    source = socket.inet_ntoa(fwd[8:12]) if fwd[1] & 0x80 else '$agent_addr'
		    assert source in ('$correspondent_addr', '$neighbour_addr', '192.0.2.2', '203.0.113.1'), source
		    found += 1
		assert found > 3, found
	END
}

listens() { # NS PORT
	in_ns "${!1}" ss -H -l -t -n "sport = :$2" | grep -q .
}

# A file through the tunnel, and one back; byte by byte the same.
streams() { # ENCAP
	on_exit forget
	register "$1" reverse
	head -c 3000000 /dev/urandom >"$ROAM_OUT/sent"
	on_exit rm -f "$ROAM_OUT/sent" "$ROAM_OUT/came" "$ROAM_OUT/back"
	bg in_ns "$mobile" socat "TCP-LISTEN:9,reuseaddr,bind=$home" "SYSTEM:cat >'$ROAM_OUT/came'; cat '$ROAM_OUT/came'"
	wait_for 10 listens mobile 9
	in_ns "$correspondent" timeout 60 socat -t 30 - "TCP:$home:9" <"$ROAM_OUT/sent" >"$ROAM_OUT/back" ||
		fail "no connection"
	expect_ok cmp "$ROAM_OUT/sent" "$ROAM_OUT/came"
	expect_ok cmp "$ROAM_OUT/sent" "$ROAM_OUT/back"
}

move_leaves_nothing_behind() {
	local late
	on_exit forget
	register ipip
	bg in_ns "$correspondent" ping -q -n -i 0.01 "$home" >/dev/null
	wait_for 10 more_than fa delivered 5
	roam fb tunnel visitors add "$home" on eth1 mac "$mobile_mac2" agent "$agent_addr" care-of "$fb_addr"
	capture_start "$router" any "tunnel.move.pcap" "ip proto 4"
	# Done when the tool has returned: nothing goes to the old address after it.
	roam agent tunnel replace "$home" via "$fb_addr" from "$agent_addr" home-link eth1
	late=$(counter fa decapsulated)
	wait_for 10 more_than fb delivered 20
	expect_eq "late for the old care-of address" "$late" "$(counter fa decapsulated)"
	stop "$bg_pid"
	capture_stop "$capture_pid"
}

more_than() { # NS COUNTER N
	(($(counter "$1" "$2") > $3))
}


# paced NS LINK: its queue holds back what is to leave later, and must not take the time of
# arrival, which captures have packets bear, for that.
paced() {
	modprobe sch_fq
	in_ns "${!1}" tc qdisc replace dev "$2" root fq || fail "no queue on $2"
	on_exit in_ns "${!1}" tc qdisc delete dev "$2" root
}

# ---- reverse tunnelling ----

# Both styles; the correspondent sees the home address, the router only the tunnel.
back_by_direct_delivery() {
	on_exit forget
	register "$1" reverse
	roam fa tunnel visitors replace "$home" on eth1 mac "$mobile_mac" agent "$agent_addr" \
		care-of "$fa_addr" encap "$1" reverse direct
	capture_start "$router" eth2 tunnel.back.pcap
	expect_ok reaches mobile "$correspondent_addr" -I "$home"
	capture_stop
	expect_eq "packets outside of the tunnel" 0 "$(packets_in tunnel.back.pcap "src host $home")"
	(($(counter fa reversed) > 0)) || fail "nothing went back"
}

# A neighbour of the visitor's that takes its home address has another link-layer one.
other_host_cannot_use_the_tunnel() {
	local spoofed
	back_by_direct_delivery ipip
	ip_in mobile link set eth0 address 02:00:5e:00:53:99
	on_exit ip_in mobile link set eth0 address "$mobile_mac"
	spoofed=$(counter fa drop_spoofed)
	expect_fail reaches mobile "$correspondent_addr" -I "$home" -W 1
	(($(counter fa drop_spoofed) > spoofed)) || fail "nothing was dropped"
}

back_by_encapsulating_delivery() {
	on_exit forget
	register ipip reverse
	roam fa tunnel visitors replace "$home" on eth1 mac "$mobile_mac" agent "$agent_addr" \
		care-of "$fa_addr" reverse encapsulating
	ip_in mobile link add out type ipip local "$home" remote "$fa_addr" dev eth0
	on_exit ip_in mobile link delete out
	ip_in mobile link set out up
	ip_in mobile route add "$correspondent_addr" dev out src "$home"
	paced fa eth0
	capture_start "$router" eth2 tunnel.encapsulated.pcap
	expect_ok reaches mobile "$correspondent_addr" -I "$home"
	# What is not encapsulated goes its own way.
	expect_ok reaches mobile 198.51.100.1 -I "$home"
	capture_stop
	expect_eq "to the correspondent outside of the tunnel" 0 \
		"$(packets_in tunnel.encapsulated.pcap "src host $home and dst host $correspondent_addr")"
	expect_eq "not encapsulated" 1 \
		"$(packets_in tunnel.encapsulated.pcap "src host $home and dst host 198.51.100.1")"
}

# Without T, from elsewhere, by another kind of tunnel, of somebody else: dropped.
home_agent_checks_who_sends() {
	local spoofed
	on_exit forget
	register ipip
	roam fa tunnel visitors replace "$home" on eth1 mac "$mobile_mac" agent "$agent_addr" \
		care-of "$fa_addr" reverse direct
	spoofed=$(counter agent drop_spoofed)
	expect_fail reaches mobile "$correspondent_addr" -I "$home" -W 1
	(($(counter agent drop_spoofed) > spoofed)) || fail "without T it passed"
	register gre reverse
	roam fa tunnel visitors replace "$home" on eth1 mac "$mobile_mac" agent "$agent_addr" \
		care-of "$fa_addr" reverse direct
	spoofed=$(counter agent drop_spoofed)
	expect_fail reaches mobile "$correspondent_addr" -I "$home" -W 1
	(($(counter agent drop_spoofed) > spoofed)) || fail "another encapsulation passed"
}

# ---- a mobile node with a care-of address of its own ----

colocated() { # ENCAP
	on_exit forget
	local ports=()
	[[ $1 != udp ]] || ports=(own-port 434 peer-port 4444)
	roam agent tunnel replace "$home" via 198.51.100.70 from "$agent_addr" encap "$1" "${ports[@]}" \
		home-link eth1 colocated reverse
	[[ $1 != udp ]] || ports=(own-port 4444)
	ip_in mobile address add 198.51.100.70/28 dev eth0
	on_exit ip_in mobile address delete 198.51.100.70/28 dev eth0
	# Its own address there is one that it answers for.
	in_ns "$mobile" sysctl -qw net.ipv4.conf.all.arp_ignore=0
	on_exit in_ns "$mobile" sysctl -qw net.ipv4.conf.all.arp_ignore=8
	ip_in mobile rule add from "$home" lookup 77
	on_exit ip_in mobile rule delete from "$home" lookup 77
	ip_in mobile route add default dev roam0 table 77
	on_exit ip_in mobile route flush table 77
	roam mobile tunnel visitors add "$home" own agent "$agent_addr" care-of 198.51.100.70 encap "$1" \
		"${ports[@]}" reverse direct
	expect_ok reaches correspondent "$home"
	expect_ok reaches mobile "$correspondent_addr" -I "$home"
	# The agent itself answers as well: a keepalive, where it is UDP.
	expect_ok reaches mobile "$agent_addr" -I "$home"
	[[ $1 != udp ]] || (($(counter agent keepalives) > 0)) || fail "no keepalive was counted"
	(($(counter mobile reversed) > 1)) || fail "nothing went back"
}

# ---- the home link ----

neighbour_knows() { # MAC
	in_ns "$neighbour" ip neighbour show "$home" | grep -q "$1"
}

home_link_is_answered_for() {
	local mac said replies
	# What the tests before have registered is announced for two seconds more.
	wait_for 20 announces_no_more
	said=$(counter agent announcements)
	mac=$(in_ns "$agent" ip -o link show eth1 | sed 's/.*ether \([^ ]*\).*/\1/')
	on_exit forget
	roam agent tunnel config set announce-count 2 announce-time 50ms
	in_ns "$neighbour" ip neighbour replace "$home" lladdr 02:00:5e:00:53:77 dev eth0 nud reachable
	on_exit in_ns "$neighbour" ip neighbour flush dev eth0
	capture_start "$neighbour" eth0 tunnel.arp.pcap arp
	register ipip
	wait_for 10 neighbour_knows "$mac"
	in_ns "$neighbour" ip neighbour flush dev eth0
	expect_ok reaches neighbour "$home"
	replies=$(counter agent arp_replies)
	((replies > 0)) || fail "no answer"
	# A host that is at home is nobody's business.
	in_ns "$neighbour" busybox arping -q -c 1 -w 1 -I eth0 "$away"
	expect_eq "answers" "$replies" "$(counter agent arp_replies)"
	roam agent tunnel del "$home" mac "$mobile_mac"
	wait_for 10 neighbour_knows "$mobile_mac"
	wait_for 10 announced $((said + 4))
	capture_stop
	expect_eq "said twice each" 4 "$(packets_in tunnel.arp.pcap "arp[6:2] == 1 and arp[14:4] == arp[24:4]")"
	roam agent tunnel config set announce-count 3 announce-time 1s
}

# Nothing is said for longer than announcements are apart.
announces_no_more() {
	local before
	before=$(counter agent announcements)
	! try_for 2 more_than agent announcements "$before"
}

announced() {
	(($(counter agent announcements) == $1))
}

virtual_home_network() {
	on_exit forget
	ip_in agent address delete 203.0.113.1/24 dev eth1
	on_exit ip_in agent address add 203.0.113.1/24 dev eth1
	ip_in agent route add 203.0.113.0/24 dev roam0
	on_exit ip_in agent route delete 203.0.113.0/24 dev roam0
	roam agent tunnel replace "$home" via "$fa_addr" from "$agent_addr"
	roam fa tunnel visitors replace "$home" on eth1 mac "$mobile_mac" agent "$agent_addr" care-of "$fa_addr"
	expect_ok reaches correspondent "$home"
	expect_match "who is not away" "Destination Host Unreachable" \
		"$(in_ns "$correspondent" ping -n -c 1 -W 2 "$away" 2>&1)"
}

node_at_home_is_left_alone() {
	local before
	on_exit forget
	register ipip
	before=$(counter agent encapsulated)
	expect_ok reaches correspondent "$neighbour_addr"
	expect_eq "encapsulated" "$before" "$(counter agent encapsulated)"
}

broadcast_is_seen_away() {
	on_exit forget
	register ipip broadcast
	# The wrapped copy is for the mobile node, which takes it out itself.
	roam mobile tunnel visitors add "$home" own agent "$agent_addr" care-of "$home"
	paced agent eth0
	capture_start "$mobile" roam0 tunnel.broadcast.pcap "udp port 5555 or udp port 5556"
	# What goes to a group stays at home: multicast to who is away is not built (MIP-70).
	bg in_ns "$neighbour" bash -c "while :; do echo hello | socat -u - UDP-DATAGRAM:239.1.1.1:5556
		echo hello | socat -u - UDP-DATAGRAM:203.0.113.255:5555,broadcast; busybox sleep 0.3; done"
	wait_for 10 more_than agent broadcasts 1
	stop "$bg_pid"
	capture_stop
	(($(packets_in tunnel.broadcast.pcap "udp port 5555") > 0)) || fail "no broadcast came"
	expect_eq "of a group" 0 "$(packets_in tunnel.broadcast.pcap "udp port 5556")"
}

each_care_of_address_gets_a_copy() {
	on_exit forget
	register ipip
	roam fb tunnel visitors add "$home" on eth1 mac "$mobile_mac2" agent "$agent_addr" care-of "$fb_addr"
	roam agent tunnel replace "$home" via "$fa_addr" from "$agent_addr" via "$fb_addr" from "$agent_addr" \
		encap gre home-link eth1
	capture_start "$mobile" any tunnel.copies.pcap "icmp and dst host $home"
	# Both copies are answered, which ping calls a duplicate.
	expect_match "answers" "1 duplicates" \
		"$(in_ns "$correspondent" ping -q -n -c 2 -i 0.3 "$home" 2>&1)"
	capture_stop
	expect_eq "copies" 4 "$(packets_in tunnel.copies.pcap)"
}

# ---- packet size and errors ----

path_is_narrow() {
	on_exit forget
	register ipip
	ip_in router link set eth2 mtu 1300
	on_exit ip_in router link set eth2 mtu 1500
	# Does not fit the tunnel; the router says so to the agent, the agent to the sender.
	expect_match "the first" "mtu = 1280|Message too long|message too long" \
		"$(in_ns "$correspondent" ping -n -c 3 -i 0.3 -W 1 -M "do" -s 1400 "$home" 2>&1)"
	(($(counter agent relayed) > 0)) || fail "no error was relayed"
	expect_match "what the sender has learned" "mtu 1280" \
		"$(in_ns "$correspondent" ip route get "$home")"
	on_exit in_ns "$correspondent" ip route flush cache
	in_ns "$agent" ip route flush cache
}

unreachable_is_relayed() {
	on_exit forget
	register ipip
	ip_in router route add prohibit "$fa_addr"/32
	on_exit ip_in router route delete prohibit "$fa_addr"/32
	expect_match "an error" "Destination Host Unreachable|Packet filtered" \
		"$(in_ns "$correspondent" ping -n -c 2 -i 0.3 -W 1 "$home" 2>&1)"
	(($(counter agent relayed) > 0)) || fail "no error was relayed"
}

marks_survive() {
	on_exit forget
	register ipip
	capture_start "$router" eth2 tunnel.tos.pcap "ip proto 4"
	expect_ok reaches correspondent "$home" -Q 0xb9
	capture_stop
	expect_eq "outer and inner" "0xb9,0xb9" \
		"$(tcpdump -n -v -r "$ROAM_OUT/tunnel.tos.pcap" "src host $agent_addr" 2>/dev/null | grep -o 'tos 0x[0-9a-f]*' | cut -d' ' -f2 | xargs | tr ' ' ,)"
}

tunnels_do_not_loop() {
	on_exit forget
	roam agent tunnel replace "$home" via "$away" from "$agent_addr"
	roam agent tunnel replace "$away" via "$home" from "$agent_addr"
	in_ns "$correspondent" ping -q -n -c 1 -W 1 "$home"
	(($(counter agent drop_loop) > 0)) || fail "nothing was dropped"
	# The exit of the tunnel is the source: it would come back.
	roam agent tunnel replace "$home" via "$correspondent_addr" from "$agent_addr"
	local loops
	loops=$(counter agent drop_loop)
	in_ns "$correspondent" ping -q -n -c 1 -W 1 "$home"
	(($(counter agent drop_loop) > loops)) || fail "it came back"
}

# Each agent is a hop, as core/forward.c counts: the router takes the first.
time_to_live_is_counted() {
	on_exit forget
	register ipip
	local hops
	hops=$(in_ns "$correspondent" ping -n -c 1 -W 20 -t 2 "$home")
	expect_match "two hops" "From $agent_addr .*Time to live exceeded" "$hops"
	hops=$(in_ns "$correspondent" ping -n -c 1 -W 20 -t 3 "$home")
	expect_match "three hops" "From [0-9.]* .*Time to live exceeded" "$hops"
	expect_ok reaches correspondent "$home" -t 4
}

others_tunnels_work_beside() {
	on_exit forget
	register ipip
	local kind
	for kind in ipip gre; do
		ip_in agent link add "$kind".9 type "$kind" local "$agent_addr" remote "$correspondent_addr"
		on_exit ip_in agent link delete "$kind".9
		ip_in agent link set "$kind".9 up
		ip_in agent address add 10.9.9.1/30 dev "$kind".9
		ip_in correspondent link add "$kind".9 type "$kind" local "$correspondent_addr" remote "$agent_addr"
		on_exit ip_in correspondent link delete "$kind".9
		ip_in correspondent link set "$kind".9 up
		ip_in correspondent address add 10.9.9.2/30 dev "$kind".9
		expect_ok reaches correspondent 10.9.9.1
		ip_in agent link set "$kind".9 down
		ip_in correspondent link set "$kind".9 down
	done
	expect_ok reaches correspondent "$home"
}

# Between the addresses of a tunnel of ours another device sends, and receives nothing: what
# comes there has to be ours (roam.8).
same_addresses_are_ours() {
	local dropped
	on_exit forget
	register ipip
	ip_in agent link add same type ipip local "$agent_addr" remote "$fa_addr"
	on_exit ip_in agent link delete same
	ip_in agent link set same up
	ip_in agent address add 10.9.9.1/30 dev same
	ip_in fa link add same type ipip local "$fa_addr" remote "$agent_addr"
	on_exit ip_in fa link delete same
	ip_in fa link set same up
	ip_in fa address add 10.9.9.2/30 dev same
	dropped=$(counter fa drop_not_visitor)
	expect_fail in_ns "$agent" ping -q -n -c 1 -W 1 10.9.9.2
	expect_eq "dropped, and counted" $((dropped + 1)) "$(counter fa drop_not_visitor)"
	expect_ok reaches correspondent "$home"
	# it is the device's again when there is no such tunnel any more
	forget
	wait_for 10 in_ns "$agent" ping -q -n -c 1 -W 1 10.9.9.2
}

# ---- what is on the path of the outer packet ----

# Its route is chosen as the inner one's marks want: here by way of the home link.
outer_route_follows() {
	on_exit forget
	register ipip
	ip_in agent route add default via "$neighbour_addr" dev eth1 table 99
	on_exit ip_in agent route flush table 99
	ip_in agent rule add tos 0x10 lookup 99
	on_exit ip_in agent rule delete tos 0x10 lookup 99
	ip_in agent rule add fwmark 7 lookup 99
	on_exit ip_in agent rule delete fwmark 7 lookup 99
	expect_ok reaches correspondent "$home"
	capture_start "$neighbour" eth0 tunnel.route.pcap "ip proto 4"
	in_ns "$correspondent" ping -q -n -c 1 -W 1 -Q 0x10 "$home"
	in_ns "$agent" ping -q -n -c 1 -W 1 -m 7 -I 203.0.113.1 "$home"
	expect_ok reaches correspondent "$home"
	capture_stop
	expect_eq "outer packets on the other way" 2 "$(packets_in tunnel.route.pcap)"
}

# spoof NS LOCAL REMOTE: an ipip device of somebody who is on the path.
spoof() {
	ip_in "$1" link add spoof type ipip local "$2" remote "$3"
	on_exit ip_in "$1" link delete spoof
	ip_in "$1" link set spoof up
}

# At $fb_addr a node is registered, and tunnels back: as itself, then as another one.
registered_node_speaks_for_itself() {
	local before spoofed
	on_exit forget
	register ipip reverse
	roam agent tunnel add "$away" via "$fb_addr" from "$agent_addr" home-link eth1 reverse
	spoof fb "$fb_addr" "$agent_addr"
	ip_in fb route add "$correspondent_addr" dev spoof
	ip_in fb address add "$away"/32 dev spoof
	on_exit ip_in fb address flush dev spoof
	before=$(counter agent decapsulated)
	spoofed=$(counter agent drop_spoofed)
	in_ns "$fb" ping -q -n -c 1 -W 1 -I "$away" "$correspondent_addr"
	expect_eq "what is its own passes" $((before + 1)) "$(counter agent decapsulated)"
	ip_in fb address add "$home"/32 dev spoof
	in_ns "$fb" ping -q -n -c 1 -W 1 -I "$home" "$correspondent_addr"
	expect_eq "what is another's passes" $((before + 1)) "$(counter agent decapsulated)"
	expect_eq "dropped" $((spoofed + 1)) "$(counter agent drop_spoofed)"
}

# Whoever can reach the foreign agent can send it a tunnel.
foreign_agent_checks_who_sends() {
	local delivered
	on_exit forget
	register ipip
	expect_ok reaches correspondent "$home"
	spoof correspondent "$correspondent_addr" "$fa_addr"
	ip_in correspondent route add "$home" dev spoof
	delivered=$(counter fa delivered)
	# Another kind of tunnel may be here for it; there is none.
	in_ns "$correspondent" ping -q -n -c 1 -W 1 "$home"
	expect_eq "delivered" "$delivered" "$(counter fa delivered)"
}

# A registration that is renewed, or replaced as a whole, under traffic.
renewal_loses_nothing() {
	local i
	on_exit forget
	register ipip
	bg in_ns "$correspondent" ping -q -n -c 200 -i 0.01 -W 20 "$home" >"$ROAM_OUT/tunnel.renewal"
	for ((i = 0; i < 10; i++)); do
		register gre
		register ipip lifetime 60s
	done
	wait "$bg_pid"
	expect_match "lost" " 0% packet loss" "$(cat "$ROAM_OUT/tunnel.renewal")"
}

# What the whole host has of rp_filter does not cut what the tables have checked.
strict_filter_passes_it() {
	in_ns "$agent" sysctl -qw net.ipv4.conf.all.rp_filter=1
	on_exit in_ns "$agent" sysctl -qw net.ipv4.conf.all.rp_filter=2
	back_by_direct_delivery ipip
}

# ---- what else a host has between the wire and the module ----

# What a policy wants to come by ESP does not come in clear out of a tunnel.
policy_is_asked() {
	local ns there="src $agent_addr dst $fa_addr" dropped
	local require="tmpl $there proto esp mode transport level required"
	on_exit forget
	register ipip
	for ns in agent fa; do
		on_exit ip_in "$ns" xfrm policy flush
		on_exit ip_in "$ns" xfrm state flush
		in_ns "${!ns}" ip xfrm state add src "$agent_addr" dst "$fa_addr" proto esp spi 0x101 mode transport \
			enc "cbc(aes)" "0x$(printf '%032d' 1)" auth "hmac(sha256)" "0x$(printf '%064d' 2)" ||
			skip "a kernel without IPsec"
	done
	# shellcheck disable=SC2086 # words
	ip_in fa xfrm policy add $there proto 4 dir in $require
	dropped=$(counter fa drop_spoofed)
	in_ns "$correspondent" ping -q -n -c 2 -i 0.2 -W 1 "$home" && fail "taken in clear"
	expect_eq "dropped" $((dropped + 2)) "$(counter fa drop_spoofed)"
	# shellcheck disable=SC2086 # words
	ip_in agent xfrm policy add $there proto 4 dir out $require
	expect_ok reaches correspondent "$home"
}

# Each forwarding router writes itself into the header.
options_pass() {
	local ping
	on_exit forget
	register ipip
	ping=$(in_ns "$correspondent" ping -n -c 1 -W 20 -R "$home") || fail "record route: $ping"
	expect_match "the home agent in the record" "($agent_addr|203\.0\.113\.1)[[:space:]]" "$ping"
	expect_ok reaches correspondent "$home" -T tsandaddr
}

# A firewall that admits a tunnel once: conntrack was there before us.
connections_are_remembered() {
	on_exit in_ns "$fa" nft flush ruleset
	on_exit forget
	in_ns "$fa" nft -f - <<-END || fail "no rules"
		table ip t {
			chain i {
				type filter hook input priority 0; policy drop;
				ct mark 7 accept
				ct state new limit rate 1/hour burst 1 packets ct mark set 7 accept
			}
		}
	END
	register ipip
	expect_ok reaches correspondent "$home"
	expect_ok reaches correspondent "$home"
}

# raw_on_device: frames of a program that writes what it likes.
raw_on_device() {
	in_ns "$agent" /usr/bin/python3 - "$correspondent_addr" "$home" "$@" <<-'END'
		import socket, struct, sys
		s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
		src, dst = (socket.inet_aton(a) for a in sys.argv[1:3])
		for frame in sys.argv[3:]:
		    first, total, length = (int(word, 0) for word in frame.split(","))
		    header = struct.pack("!BBHHHBBH", first, 0, total, 0, 0, 64, 17, 0) + src + dst
		    s.sendto((header + bytes(length))[:length], ("roam0", 0x800))
	END
}

# First byte, total length, length of the frame.
malformed_is_dropped() {
	local before
	on_exit forget
	roam agent tunnel replace "$home" via "$fa_addr" from "$agent_addr" encap minimal
	before=$(counter agent drop_malformed)
	expect_ok raw_on_device 0x4f,20,20 0x4f,60,20 0x44,20,20 0x65,20,20 0x45,40,20 0x45,10,20 0x46,20,24
	expect_eq "dropped" $((before + 7)) "$(counter agent drop_malformed)"
	before=$(counter agent encapsulated)
	expect_ok raw_on_device 0x45,20,20 0x46,24,24 0x4f,60,60
	expect_eq "encapsulated" $((before + 3)) "$(counter agent encapsulated)"
}

# ---- entries ----

entries_end() {
	on_exit forget
	local status
	bg in_ns "$agent" "$roam_bin/roam" -j monitor tunnel >"$ROAM_OUT/tunnel.events"
	# The first may be gone before the monitor listens.
	wait_for 20 end_is_told
	status=$(roam agent -j tunnel show "$home")
	expect_eq "shown" "[]" "$status"
}

end_is_told() {
	register ipip lifetime 100ms
	wait_for 10 binding_gone
	grep -q '"event": *"expired"' "$ROAM_OUT/tunnel.events"
}

binding_gone() {
	[[ $(counter agent bindings) == 0 ]]
}

many_at_once() {
	on_exit forget
	local i
	for ((i = 0; i < 20000; i++)); do
		echo "tunnel add 198.18.$((i / 250)).$((i % 250)) via 192.0.2.$((i % 30 + 100)) from $agent_addr"
	done >"$ROAM_OUT/tunnel.batch"
	on_exit rm -f "$ROAM_OUT/tunnel.batch"
	expect_ok roam agent -b "$ROAM_OUT/tunnel.batch"
	expect_eq "bindings" 20000 "$(counter agent bindings)"
	expect_eq "tunnels, which they share" 30 "$(counter agent endpoints)"
	expect_eq "shown" 20000 "$(roam agent -j tunnel show | jq length)"
	expect_eq "deleted" 20000 "$(roam agent -j tunnel flush | jq '.[0].applied')"
	expect_eq "tunnels" 0 "$(counter agent endpoints)"
}

refusals() {
	on_exit forget
	local out
	refused_with() { # SENTENCE WORD...
		out=$(roam agent tunnel "${@:2}" 2>&1) && fail "'${*:2}' passed"
		[[ $out == *"$1"* ]] || fail "'${*:2}': $out"
	}
	refused_with "no IPv4 address" add 2001:db8::1 via "$fa_addr" from "$agent_addr"
	refused_with "not the unicast address" add 224.0.0.1 via "$fa_addr" from "$agent_addr"
	refused_with "the same" add "$home" via "$home" from "$agent_addr"
	refused_with "two ends" add "$home" via "$agent_addr" from "$agent_addr"
	refused_with "twice" add "$home" via "$fa_addr" from "$agent_addr" via "$fa_addr" from "$agent_addr"
	refused_with "only UDP" add "$home" via "$fa_addr" from "$agent_addr" encap gre own-port 5
	refused_with "no device of kind roam" add "$home" via "$fa_addr" from "$agent_addr" dev eth0
	refused_with "no such binding" del "$home"
	refused_with "needs link" visitors add "$home" agent "$agent_addr" care-of "$fa_addr"
	refused_with "on no link" visitors add "$home" own on eth0 mac "$mobile_mac" agent "$agent_addr" care-of "$fa_addr"
	refused_with "between a visitor" visitors add "$home" own agent "$agent_addr" care-of "$fa_addr" reverse encapsulating
	refused_with "Ethernet" visitors add "$home" on lo mac "$mobile_mac"
	expect_ok roam agent tunnel add "$home" via "$fa_addr" from "$agent_addr"
	refused_with "exists" add "$home" via "$fa_addr" from "$agent_addr"
	# One or the other serves an address (TEN-28).
	out=$(roam agent mangle add "$home" via 192.0.2.9 2>&1) && fail "both"
	expect_match "the refusal" "not by both" "$out"
	expect_ok roam agent mangle add "$away" via 192.0.2.9
	on_exit roam agent mangle flush
	refused_with "not by both" add "$away" via "$fa_addr" from "$agent_addr"
	out=$(in_ns "$agent" setpriv --reuid=65534 --regid=65534 --clear-groups "$roam_bin/roam" tunnel flush 2>&1) && fail "nobody may"
	expect_match "the refusal" "ermitted" "$out"
}

device_goes() {
	on_exit forget
	register ipip
	ip_in agent link delete roam0
	on_exit ip_in agent link set roam0 up
	on_exit ip_in agent link add roam0 type roam
	expect_eq "bindings" 0 "$(counter agent bindings)"
	expect_ok reaches fa "$agent_addr"
}

fixture world

prove "GEN-03 MIP-53 MIP-54 MIP-55: what is for a node that is away reaches it by IP in IP" delivers ipip
prove "MIP-38: by GRE, beside ip_gre" delivers gre
prove "MIP-37: by minimal encapsulation" delivers minimal
prove "OPEN-17: by UDP" delivers udp
prove "OPEN-04: a stream through IP in IP" streams ipip
prove "OPEN-04: a stream through GRE" streams gre
prove "OPEN-04: a stream through minimal encapsulation" streams minimal
prove "OPEN-04: a stream through UDP" streams udp
prove "MIP-59: after a move no packet goes to the old care-of address" move_leaves_nothing_behind
prove "MIP-54: reverse tunnel by direct delivery" back_by_direct_delivery ipip
prove "MIP-38: reverse tunnel by GRE" back_by_direct_delivery gre
prove "MIP-55: who takes a visitor's home address has not its link-layer address" other_host_cannot_use_the_tunnel
prove "MIP-57: reverse tunnel by encapsulating delivery; the rest goes straight" back_by_encapsulating_delivery
prove "MIP-54: a home agent takes from a tunnel only what was agreed on" home_agent_checks_who_sends
prove "MIP-36 MIP-56: a node with a care-of address of its own" colocated ipip
prove "MIP-36 OPEN-17: the same by UDP; keepalives" colocated udp
prove "MIP-53: ARP on the home link, when a node leaves and comes back" home_link_is_answered_for
prove "MIP-53: a home network without a link" virtual_home_network
prove "MIP-53: a host at home is delivered as before" node_at_home_is_left_alone
prove "MIP-35 MIP-70: broadcasts of the home link reach the node, multicast does not" broadcast_is_seen_away
prove "MIP-34: a copy to each care-of address" each_care_of_address_gets_a_copy
prove "OPEN-07 OPEN-08: a narrow path, and its error at the sender" path_is_narrow
prove "OPEN-08: an unreachable care-of address, and its error at the sender" unreachable_is_relayed
prove "OPEN-06: type of service outside as inside" marks_survive
prove "OPEN-09: tunnels that lead into themselves" tunnels_do_not_loop
prove "OPEN-09: each agent counts the time to live, and tells when it is over" time_to_live_is_counted
prove "OPEN-11: tunnels of ipip and ip_gre work beside" others_tunnels_work_beside
prove "OPEN-11: what comes between the addresses of a tunnel of ours is not another device's" same_addresses_are_ours
prove "OPEN-15: the outer packet takes the way of its mark and type of service" outer_route_follows
prove "MIP-54 OPEN-09: a node that is registered cannot speak for another one" registered_node_speaks_for_itself
prove "MIP-55 MIP-58: a foreign agent takes tunnels from a visitor's home agents only" foreign_agent_checks_who_sends
prove "MIP-13: a registration that is renewed under traffic loses nothing" renewal_loses_nothing
prove "OPEN-11: a reverse tunnel passes a host with strict reverse-path filtering" strict_filter_passes_it
prove "OPEN-12 MIP-55: a tunnel that an IPsec policy wants protected is not taken in clear" policy_is_asked
prove "MIP-53 MIP-55: packets that record their route or the time pass a tunnel" options_pass
prove "OPEN-10 MIP-55: connection tracking that was there first keeps the tunnel in its table" connections_are_remembered
prove "OPEN-35 MIP-37: a malformed packet does not enter a tunnel" malformed_is_dropped
prove "OPEN-50: a lifetime ends, and is told" entries_end
prove "OPEN-14: many bindings at once share tunnels" many_at_once
prove "OPEN-34 TEN-28: what is refused, and why" refusals
prove "OPEN-14: a device goes, and what used it" device_goes
tests_done
