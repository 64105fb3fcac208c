#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# kernels: fast 6.12
#
# What people have on their hosts: containers, VPNs, proxies, two uplinks, a second
# network. All of it works as it did without roam, and the way back is open.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$(dirname "$(realpath "$0")")/../topology.sh"

world() {
	topology_start
	echo_serve correspondent 7
	plain_host
	echo_serve plain 7
}

readonly plain_addr=198.51.100.130
plain=''

# A host behind the router without roam.
plain_host() {
	ns_create plain
	ip link add eth0 netns "$plain" type veth peer name plain netns "$router" || fail "no link"
	in_batch router "link set plain up" "address add 198.51.100.129/26 dev plain"
	in_batch plain "link set eth0 up" "address add $plain_addr/26 dev eth0" \
		"route add default via 198.51.100.129"
}

# container HOST: what "docker run -p 8080:7" sets up there; its namespace is $box.
container() {
	ns_create box
	ip link add docker0 netns "${!1}" type bridge
	ip link add eth0 netns "$box" type veth peer name vbox netns "${!1}"
	on_exit ip -n "${!1}" link delete docker0
	in_batch "$1" "link set vbox master docker0 up" "address add 172.17.0.1/16 dev docker0" \
		"link set docker0 up"
	in_batch box "link set eth0 up" "address add 172.17.0.2/16 dev eth0" \
		"route add default via 172.17.0.1"
	topology_sysctl "$1" ipv4/ip_forward=1
	on_exit topology_sysctl "$1" ipv4/ip_forward=0
	in_ns "${!1}" nft -f - <<-END || fail "no translation"
		table ip docker {
			chain pre {
				type nat hook prerouting priority -100;
				fib daddr type local tcp dport 8080 dnat to 172.17.0.2:7
			}
			chain post {
				type nat hook postrouting priority 100;
				ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
			}
		}
	END
	on_exit in_ns "${!1}" nft delete table ip docker
	echo_serve box 7
}

published_port_of_a_correspondent() {
	local box
	container correspondent
	talk_open published mobile "$correspondent_addr" 8080
	expect_eq "address of the connection" "$permanent" "$(local_addresses 8080)"
	expect_eq "what the container sees" "$permanent" \
		"$(sockets box sport = :7 | sed 's/.* \(.*\):.*/\1/')"
	move_to 2
	talk published
	talk_open again mobile "$correspondent_addr" 8080
	move_to 1
	talk published
	talk again
	wait_for 60 is_registered
}

# local_addresses PORT: of the mobile host's connections to it.
local_addresses() {
	sockets mobile dport = ":$1" | cut -d: -f1 | sort -u
}

containers_of_a_mobile_host() {
	local box
	place_now
	container mobile
	talk_open out box "$correspondent_addr" 7
	talk_open plainly box "$plain_addr" 7
	talk_open in plain "$care_of" 8080
	talk_open roaming correspondent "$permanent" 8080
	talk_open down mobile 172.17.0.2 7
	echo_serve mobile 9
	talk_open up box 172.17.0.1 9
	talk_open across box "$care_of" 9
	talk out
}

own_addresses_answer() {
	local addr
	place_now
	echo_serve mobile 10
	for addr in 127.0.0.1 "$permanent" "$care_of"; do
		talk_open "own.$addr" mobile "$addr" 10
	done
	# A server at just that address, too.
	echo_serve mobile 11 "bind=$care_of"
	talk_open own.bound mobile "$care_of" 11
}

# A printer, a company's network in a tunnel: what is behind another link than that of
# the care-of address.
other_links_keep_their_addresses() {
	local nas
	ns_create nas
	veth_pair "$mobile" lan0 "$nas" eth0
	on_exit ip -n "$mobile" link delete lan0
	in_batch mobile "address add 10.9.0.2/24 dev lan0"
	in_batch nas "address add 10.9.0.1/24 dev eth0"
	echo_serve nas 7
	wait_for 30 way_is 10.9.0.1 "src 10.9.0.2"
	talk_open nas mobile 10.9.0.1 7
	expect_eq "address the NAS sees" 10.9.0.2 \
		"$(sockets nas sport = :7 | sed 's/.* \(.*\):.*/\1/')"
	# It has no way to the care-of address, and needs none after a move.
	move_to 3
	talk nas
	wait_for 60 is_registered
	wait_for 30 way_is "$correspondent_addr" "src $permanent "
}

# way_is TO TEXT: the kernel's answer to a connection contains it.
way_is() {
	[[ $(ip -n "$mobile" route get "$1" ipproto tcp 2>&1) == *"$2"* ]]
}

# What sshuttle and transparent proxies do.
redirected_connections_arrive() {
	in_ns "$mobile" nft -f - <<-END || fail "no translation"
		table ip proxy {
			chain out {
				type nat hook output priority -100;
				tcp dport 2000 dnat to 127.0.0.1:12
			}
		}
	END
	on_exit in_ns "$mobile" nft delete table ip proxy
	echo_serve mobile 12
	talk_open proxied mobile "$correspondent_addr" 2000
	talk_open proxied2 mobile "$plain_addr" 2000
}

# two_links: the mobile host has net1 and net2 at once.
two_links() {
	in_batch mobile "link set net1 up" "link set net2 up" "address flush dev net1 scope global" \
		"address flush dev net2 scope global" "address add 192.0.2.3/26 dev net1" \
		"address add 192.0.2.68/26 dev net2"
	on_exit back_to_one
}

back_to_one() {
	topology_sysctl mobile ipv4/conf/all/ignore_routes_with_linkdown=0
	in_batch router "link set net1 up" "link set net2 up"
	while ip -n "$mobile" route delete default 2>/dev/null; do :; done
	move_to 1
	wait_for 60 is_registered
}

way_with_a_dead_part() {
	move_to 1
	two_links
	topology_sysctl mobile ipv4/conf/all/ignore_routes_with_linkdown=1
	ip -n "$router" link set net2 down
	ip -n "$mobile" route replace default nexthop via 192.0.2.1 dev net1 \
		nexthop via 192.0.2.65 dev net2 || fail "no multipath route"
	wait_for 30 mirror_has "nexthop via 192.0.2.65"
	talk_open ecmp mobile "$correspondent_addr" 7
	expect_eq "address of the connection" "$permanent" "$(local_addresses 7)"
	# A network manager sets it again meanwhile.
	ip -n "$mobile" route replace default metric 100 nexthop via 192.0.2.1 dev net1 \
		nexthop via 192.0.2.65 dev net2
	ip -n "$mobile" route delete default metric 0
	wait_for 30 mirror_has "metric 100"
	talk ecmp
}

mirror_has() {
	ip -n "$mobile" route show table 7700 | grep -q "$1"
}

moves() {
	roam mobile -j lr counters | jq '.[0].moves'
}

moved_more() {
	(($(moves) > $1))
}

two_equal_default_routes() {
	local before other where here_link n=0
	two_links
	while ip -n "$mobile" route delete default 2>/dev/null; do :; done
	in_batch mobile "route add default via 192.0.2.1 dev net1 metric 1024" \
		"route prepend default via 192.0.2.65 dev net2 metric 1024"
	wait_for 60 settled
	before=$(moves)
	# The kernel prefers the first one, and that is the other one now and then.
	other="via 192.0.2.65 dev net2"
	here_link=net1
	[[ $(place4) == 192.0.2.3 ]] || { other="via 192.0.2.1 dev net1" && here_link=net2; }
	for where in prepend append prepend; do
		n=$((n + 1))
		in_batch mobile "route delete default $other" \
			"route $where default $other metric 1024" "route add unreachable 198.18.$n.0/24"
		on_exit ip -n "$mobile" route delete unreachable "198.18.$n.0/24"
		# What came last is mirrored: it has looked.
		wait_for 30 mirror_has "unreachable 198.18.$n.0/24"
		expect_eq "ways of TCP" 2 "$(ip -n "$mobile" route show table 7700 default | wc -l)"
		expect_match "first way of TCP" "dev ${here_link}" \
			"$(ip -n "$mobile" route show table 7700 default | head -n 1)"
	done
	talk_open steady mobile "$correspondent_addr" 7
	expect_eq "moves" "$before" "$(moves)"
	# The one that it uses, which the kernel would not take, loses its carrier.
	before=$(moves)
	ip -n "$router" link set "$here_link" down
	wait_for 30 moved_more "$before"
}

place4() {
	roam mobile -j lr status | jq -r '.[0].care_of'
}

settled() {
	[[ $(place4) == 192.0.2.3 || $(place4) == 192.0.2.68 ]]
}

# A network whose packets are smaller, and nobody says so.
smaller_packets_after_a_move() {
	local ask=$hosts/ask
	move_to 1
	bg in_ns "$correspondent" socat TCP-LISTEN:14,fork,reuseaddr \
		SYSTEM:'while read -r n; do head -c 200000 /dev/zero; done'
	wait_for 60 port_open correspondent 14
	in_batch router "link set net3 mtu 1300"
	on_exit ip -n "$router" link set net3 mtu 1500
	ip -n "$mobile" link set net3 mtu 1300
	on_exit ip -n "$mobile" link set net3 mtu 1500
	in_ns "$router" nft -f - <<-END || fail "no filter"
		table ip silent {
			chain out { type filter hook output priority 0; icmp type destination-unreachable drop; }
		}
	END
	on_exit in_ns "$router" nft delete table ip silent
	mkfifo "$ask"
	bg in_ns "$mobile" /usr/bin/python3 -c '
import socket, sys
s = socket.create_connection((sys.argv[1], 14))
for line in open(sys.argv[2]):
    s.sendall(b"x\n")
    n = 0
    while n < 200000:
        n += len(s.recv(65536))
    open(sys.argv[2] + "." + line.strip(), "w").close()
' "$correspondent_addr" "$ask"
	exec {asking}>"$ask"
	echo one >&"$asking"
	wait_for 30 test -e "$ask.one"
	move_to 3
	echo two >&"$asking"
	wait_for 30 test -e "$ask.two"
	# Back in a network of full size it goes on as well.
	move_to 1
	echo three >&"$asking"
	wait_for 30 test -e "$ask.three"
	exec {asking}>&-
	wait_for 60 is_registered
}

# ---- rules of others ----

# What wg-quick sets up for a tunnel that takes all: it leaves out the priorities.
vpn_up() {
	ip -n "$mobile" link add wg0 type dummy
	on_exit ip -n "$mobile" link delete wg0
	in_batch mobile "link set wg0 up" "address add 10.8.0.2/24 dev wg0" \
		"route add default dev wg0 table 51820" "rule add not fwmark 0xca6c table 51820" \
		"rule add table main suppress_prefixlength 0"
	on_exit in_batch mobile "rule delete not fwmark 0xca6c table 51820" \
		"rule delete table main suppress_prefixlength 0"
}

# own_rules: "PRIORITY TABLE" of the rules that lead TCP to a table of its own.
own_rules() {
	ip -n "$mobile" rule show | awk '/ipproto tcp lookup 7700/ { sub(":", "", $1); print $1 }' | xargs
}

vpn_takes_all() {
	way_is "$correspondent_addr" "dev wg0" &&
		[[ $(ip -n "$mobile" route get "$correspondent_addr") == *"dev wg0"* ]]
}

vpn_first() {
	daemon_stop mobile lrd
	expect_ok roam mobile lr leave
	vpn_up
	daemon mobile roam-lrd lrd
	wait_for 30 vpn_takes_all
	expect_eq "place of the rule" 32765 "$(own_rules)"
	expect_match "order of the rules" "from all not fwmark|not from all fwmark" \
		"$(ip -n "$mobile" rule show | grep -B 99 'lookup 7700' | grep 51820)"
	expect_eq "doctor" warn "$(diagnosis mobile "routing rule")"
}

vpn_afterwards() {
	wait_for 30 way_is "$correspondent_addr" "src $permanent "
	expect_eq "place of the rule" 7700 "$(own_rules)"
	vpn_up
	wait_for 30 vpn_takes_all
}

# Rules that come and go, before and behind ours.
rules_are_followed() {
	wait_for 30 way_is "$correspondent_addr" "src $permanent "
	in_batch mobile "route add default dev lo table 99" \
		"rule add to $plain_addr lookup 99 priority 20000"
	on_exit ip -n "$mobile" route delete default dev lo table 99
	on_exit ip -n "$mobile" rule delete priority 20000
	wait_for 30 way_is "$plain_addr" "dev lo"
	wait_for 30 own_rule_is 20002
	wait_for 30 way_is "$correspondent_addr" "src $permanent "
	in_batch mobile "rule add to $plain_addr lookup 99 priority 32765" "rule delete priority 20000"
	on_exit ip -n "$mobile" rule delete to "$plain_addr" priority 32765
	wait_for 30 own_rule_is 32765
	wait_for 30 way_is "$plain_addr" "dev lo"
	wait_for 30 way_is "$correspondent_addr" "src $permanent "
	ip -n "$mobile" rule delete to "$plain_addr" priority 32765
	wait_for 30 own_rule_is 7700
	ip -n "$mobile" rule add to "$plain_addr" lookup 99 priority 20000
}

own_rule_is() {
	[[ $(own_rules) == "$1" ]]
}

diagnosis() {
	roam "$1" -j doctor | jq -r --arg check "$2" '.[] | select(.check == $check) | .result' | sort -u | xargs
}

# ---- the way back ----

# as_before: what a host has that never saw roam.
as_before() {
	! ip -n "$mobile" rule show | grep -q 7700 &&
		! ip -n "$mobile" -6 rule show | grep -q 7700 &&
		[[ -z $(ip -n "$mobile" route show table 7700 2>/dev/null) ]] &&
		[[ -z $(ip -n "$mobile" -6 route show table 7700 2>/dev/null) ]] &&
		! ip -n "$mobile" link show roam0 2>/dev/null &&
		[[ $(roam mobile -j mangle show | jq 'map(select(.role == "own")) | length') == 0 ]]
}

leaving_takes_all_back() {
	place_now
	talk_open stays mobile "$correspondent_addr" 7
	expect_ok roam mobile lr leave
	wait_for 30 as_before
	talk_open meanwhile mobile "$correspondent_addr" 7
	expect_match "addresses" "$care_of" "$(local_addresses 7)"
	expect_ok roam mobile lr join
	wait_for 60 is_registered
	wait_for 30 way_is "$correspondent_addr" "src $permanent "
	talk stays
	talk meanwhile
}

# The daemon has ended, and left what open connections need.
leaving_without_the_daemon() {
	place_now
	daemon_stop mobile lrd
	expect_eq "place of the rule" 7700 "$(own_rules)"
	expect_ok roam mobile lr leave
	as_before || fail "something stays"
	talk_open alone mobile "$correspondent_addr" 7
	expect_match "its address" "$care_of" "$(local_addresses 7)"
	daemon mobile roam-lrd lrd
	wait_for 60 is_registered
	wait_for 30 way_is "$correspondent_addr" "src $permanent "
}

# The way back: leave, stop, unload. The module is the whole machine's.
unloading_takes_all_back() {
	place_now
	roam mobile lr leave || fail "cannot leave"
	daemon_stop mobile lrd
	wait_for 30 as_before
	talk_open before mobile "$correspondent_addr" 7
	daemon_stop correspondent lrd
	modprobe -r roam_mangle || fail "cannot unload"
	on_exit modprobe roam_mangle
	talk before
	talk_open unloaded mobile "$correspondent_addr" 7
	expect_eq "its address" "$care_of" "$(local_addresses 7)"
}

# The image of the mobile host is started a second time, elsewhere: everybody is told.
clone_is_told() {
	local clone
	ns_create clone
	ip link add eth0 netns "$clone" type veth peer name clone netns "$router" || fail "no link"
	in_batch router "link set clone up" "address add 198.51.100.193/26 dev clone"
	in_batch clone "link set eth0 up" "address add 198.51.100.194/26 dev eth0" "route add default via 198.51.100.193"
	mkdir "$hosts/clone"
	daemon_stop mobile lrd
	on_exit mobile_as_before
	mobile_options='lifetime = 6s' mobile_start
	cp "$hosts/mobile/keys.key" "$hosts/clone/"
	sed "s|$hosts/mobile|$hosts/clone|" "$hosts/mobile/lrd.conf" >"$hosts/clone/lrd.conf"
	daemon clone roam-lrd lrd
	on_exit daemon_stop clone lrd
	wait_for 60 log_says register "mn=$permanent goes back and forth between .*: two hosts use key 1 of host mobile"
	wait_for 60 log_says mobile "has it at 198.51.100.194 again, by the key of this host"
	expect_match "doctor at the host" 'another host, at 198.51.100.194, registers' "$(roam mobile doctor)"
	expect_match "doctor at the register" 'went back and forth between two hosts with one key' "$(roam register doctor)"
}

log_says() {
	grep -q "$2" "$hosts/$1/log"
}

mobile_as_before() {
	daemon_stop mobile lrd
	mobile_start
	place_now
	wait_for 60 is_registered
}

# The module goes while the daemon runs: it notices, and takes back what it set.
module_goes_under_the_daemon() {
	modprobe roam_mangle
	daemon correspondent roam-lrd lrd
	daemon mobile roam-lrd lrd
	place_now
	wait_for 60 is_registered
	sysctl -qw kernel.modprobe=/bin/false
	on_exit sysctl -qw kernel.modprobe="$(command -v modprobe)"
	modprobe -r roam_mangle || fail "cannot unload"
	wait_for 30 way_is "$correspondent_addr" "src $care_of"
	talk_open bare mobile "$correspondent_addr" 7
	expect_match "log" "was unloaded" "$(tail -n 5 "$hosts/mobile/log")"
}

fixture world
prove "HOST-01: a port that a correspondent publishes answers, and its connections survive moves" \
	published_port_of_a_correspondent
prove "HOST-02: containers of a mobile host reach out, and are reached" containers_of_a_mobile_host
prove "HOST-03: a mobile host reaches itself by each of its addresses" own_addresses_answer
prove "HOST-04: what is behind another link sees the address of that link" \
	other_links_keep_their_addresses
prove "HOST-05: connections that a proxy of the host redirects arrive" redirected_connections_arrive
prove "HOST-06: of two ways of which one is dead the other serves" way_with_a_dead_part
prove "HOST-07: two default routes of one metric are no reason to move" two_equal_default_routes
prove "HOST-10: a download goes on in a network whose packets are smaller, unsaid" \
	smaller_packets_after_a_move
prove "HOST-08: a VPN that was there first takes all TCP" vpn_first
prove "HOST-08: a VPN that comes later takes all TCP" vpn_afterwards
prove "HOST-08: rules of others come first, wherever they are put" rules_are_followed
prove "HOST-11: two hosts with one key are told of at the register, at the host and by the doctor" clone_is_told
prove "HOST-09: roam lr leave takes everything back, roam lr join brings it again" \
	leaving_takes_all_back
prove "HOST-09: roam lr leave takes everything back when the daemon has ended" \
	leaving_without_the_daemon
prove "HOST-09: without daemon and module everything is as before" unloading_takes_all_back
prove "HOST-09: a daemon whose module goes takes everything back" module_goes_under_the_daemon
tests_done
