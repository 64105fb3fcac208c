#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Sessions of devices and programs behind one mobile node, in the vehicle of vehicle.sh.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"
# shellcheck source=../vehicle.sh
. "$lib_dir/vehicle.sh"

world() {
	require nft tcpdump tshark
	vehicle_create
	# the first one shares a key with the home agent, the others do not
	mip_foreign_options='sub_nai = true'
	vehicle_agents
	capture_start "$foreign1" eth1 sessions.pcap
	vehicle_node
}

found_and_reached() {
	wakes laptop
	wakes camera
	active laptop
	active camera camera
	[[ $laptop_home != "$camera_home" ]] || fail "both have $laptop_home"
	expect_match "of the home network" '^10\.77\.0\.1[01][0-9] 10\.77\.0\.1[01][0-9]$' "$laptop_home $camera_home"
	expect_ok pings correspondent "$laptop_home"
	expect_ok pings correspondent "$camera_home"
	# each at its own: the echo is heard by the right one, at its private address
	capture_start "$laptop" eth0 laptop.pcap icmp
	capture_start "$correspondent" eth0 peer.pcap icmp
	expect_ok pings correspondent "$laptop_home"
	expect_ok pings laptop "$mip_peer"
	expect_ok pings camera "$mip_peer"
	capture_stop
	expect_eq "who the peer sees" "$(printf '%s\n' "$laptop_home" "$camera_home" "$laptop_home" | sort -u)" \
		"$(tshark -r "$ROAM_OUT/peer.pcap" -Y 'icmp.type == 8 && ip.dst == '"$mip_peer" -T fields -e ip.src 2>/dev/null |
			cat - <(echo "$laptop_home") | sort -u)"
	expect_eq "the laptop sees its own address" "192.168.5.10" \
		"$(tshark -r "$ROAM_OUT/laptop.pcap" -Y "icmp.type == 8 && ip.src == $mip_peer" -T fields -e ip.dst 2>/dev/null | sort -u)"
	# at the agents
	expect_eq "leases" "$(printf '%s\n' "$nai $(mac_in laptop) $laptop_home" "$nai camera $camera_home" | sort)" \
		"$(roam home -j agent sessions | jq -r '.[] | .nai + " " + .sub_nai + " " + .home' | sort)"
	expect_eq "visitors" "$(printf '%s\n' "$laptop_home" "$camera_home" "$mip_home" | sort)" \
		"$(roam foreign1 -j agent visitors | jq -r '.[].home' | sort)"
}

# The requests, read by somebody else.
as_on_the_wire() {
	local pcap=$ROAM_OUT/sessions.pcap
	wakes camera
	active camera camera
	wait_for 30 grep -q camera "$pcap"
	expect_match "request without an address" $'1\t0.0.0.0\t'"$nai" \
		"$(tshark -r "$pcap" -Y 'mip.type == 1' -T fields -e mip.type -e mip.homeaddr -e mip.nai 2>/dev/null)"
	expect_match "reply with one" $'3\t'"$camera_home"$'\t'"$nai" \
		"$(tshark -r "$pcap" -Y 'mip.type == 3' -T fields -e mip.type -e mip.homeaddr -e mip.nai 2>/dev/null)"
	expect_eq "malformed" "" "$(tshark -r "$pcap" -Y _ws.malformed 2>/dev/null)"
	# the sub-NAI, by the protocol's page
	local words=(-n -X "lua_script:$lib_dir/dissector/roam-session.lua" -r "$pcap" -Y)
	expect_eq "sub-NAI of the camera" "$nai"$'\t'"camera"$'\t'False \
		"$(tshark "${words[@]}" 'mip.type == 1 && roam_session.sub_nai == "camera"' -T fields \
			-e roam_session.nai -e roam_session.sub_nai -e roam_session.behind 2>/dev/null | sort -u | sed 's/\t0$/\tFalse/')"
	expect_eq "malformed names" "" "$(tshark "${words[@]}" roam_session.malformed 2>/dev/null)"
	# and by scapy: both names stand in front of what signs them; the agents sign behind
	local seen
	seen=$(/usr/bin/python3 "$lib_dir/interop/mip" names "$pcap" "$hosts/node/keys.key") || fail "scapy cannot read it: $seen"
	expect_match "request" "request 0.0.0.0 $nai camera 131,134,32 signed" "$seen"
	expect_match "reply" "reply $camera_home $nai camera 131,134,32 signed" "$seen"
	expect_eq "with another key" "" "$(grep -v ' signed$' <<<"$seen")"
}

moves_and_third() {
	wakes laptop
	wakes camera
	active laptop
	active camera camera
	local was="$laptop_home $camera_home" i place
	talk laptop
	talk camera
	for i in 2 3 1; do
		place=mip_fa$i
		moves_to "visited$i" "${!place}"
		says laptop "at $i"
		says camera "at $i"
		if ((i == 3)); then
			device printer 12
			wakes printer
			active printer
			expect_ok pings correspondent "$printer_home"
			expect_ok pings printer "$mip_peer"
		fi
	done
	active laptop
	active camera camera
	expect_eq "addresses" "$was" "$laptop_home $camera_home"
}

ends_alone() {
	wakes laptop
	wakes camera
	active laptop
	active camera camera
	talk laptop
	expect_ok roam node mn session end camera
	wait_for 30 session_is camera ended
	expect_fail in_ns "$correspondent" ping -q -n -c 1 -W 1 "$camera_home"
	says laptop "the camera ended"
	expect_ok pings laptop "$mip_peer"
	# what it sends leaves by nobody's address
	capture_start "$foreign1" eth1 ended.pcap ip src 192.168.5.11 or src "$camera_home"
	expect_fail in_ns "$camera" ping -q -n -c 1 -W 1 "$mip_peer"
	capture_stop
	expect_eq "packets without a session" 0 "$(packets_in ended.pcap)"
	# it is a session again when the user says so, with the same address
	expect_ok roam node mn session add camera
	local was=$camera_home
	active camera camera
	expect_eq "address" "$was" "$camera_home"
	expect_ok pings correspondent "$camera_home"
}

program() {
	ROAM_RUN_DIR=$hosts/node bg in_ns "$node" "$roam_bin/roam" mn session add server -- \
		busybox nc -l -p 7000 -e busybox cat
	local tool=$bg_pid server_home
	active server server
	wait_for 30 pings correspondent "$server_home"
	# another one may use the same port: each has its own address
	coproc talk {
		exec busybox nsenter --net="/run/netns/$correspondent" busybox nc "$server_home" 7000
	}
	on_exit stop "$talk_PID"
	# shellcheck disable=SC2034 # read by name
	server_talk="${talk[0]} ${talk[1]}"
	says server hello
	moves_to visited2 "$mip_fa2"
	says server "at another agent"
	moves_to visited1 "$mip_fa1"
	says server "back again"
	# it has its session's address and no other
	expect_match "what a program sees" '^10\.77\.0\.1[01][0-9]$' \
		"$(roam node mn session add looker -- ip -json -4 address show dev eth0 | jq -r '.[].addr_info[].local')"
	# a name that is taken is refused, and stays with whom it is
	expect_fail roam node mn session add server -- true
	says server "goes on"
	stop "$tool"
	wait_for 30 session_is server ""
}

# Sessions stay what they are while each daemon dies and comes back; packets go on.
restarts() {
	wakes laptop
	wakes camera
	active laptop
	active camera camera
	local was="$laptop_home $camera_home" who
	talk laptop
	for who in "node roam-mnd mnd" "foreign1 roam-agentd agentd" "home roam-agentd agentd"; do
		# shellcheck disable=SC2086 # words
		set -- $who
		daemon_stop "$1" "$3" KILL
		says laptop "without $2 of $1"
		daemon "$1" "$2" "$3"
		wait_for 60 mip_is_at "foreign $mip_fa1"
		active laptop
		active camera camera
		expect_eq "addresses after $2 of $1" "$was" "$laptop_home $camera_home"
		says laptop "$2 of $1 is back"
		expect_ok pings correspondent "$camera_home"
	done
	# what the agents have of it is as before
	expect_ok roam node mn renew
	wait_for 30 are_known "camera $camera_home" "$(mac_in laptop) $laptop_home"
}

# are_known "SUB-NAI ADDRESS"...: by the foreign agent as well as by the home agent.
are_known() {
	local line
	for line; do
		roam foreign1 -j agent visitors | jq -r '.[] | "\(.sub_nai) \(.home)"' | grep -qxF "$line" || return 1
		roam home -j agent sessions | jq -r '.[] | select(.care_of != null) | "\(.sub_nai) \(.home)"' | grep -qxF "$line" || return 1
	done
}

bus_is_at() {
	[[ $(roam bus -j mn sessions | jq -r '.[] | select(.session == "lamp") | "\(.state) \(.care_of)"') == "active $1" ]]
}

# A session of a NAI without sub-NAI: the foreign agent that the home agent trusts names it
# by its link-layer address. Where none does, the node says that name.
is_named_by_the_agent() {
	local was now
	wait_for 60 bus_is_at "$mip_fa1"
	was=$(lamp)
	expect_match "as named" "^$(mac_in bus) 10\.77\.0\.1[01][0-9] $mip_fa1\$" "$was"
	expect_ok pings correspondent "$(cut -d' ' -f2 <<<"$was")"
	in_batch air "link set bus-eth0 master visited2"
	wait_for 60 bus_is_at "$mip_fa2"
	now=$(lamp)
	expect_eq "at another agent" "${was% *} $mip_fa2" "$now"
	expect_ok pings correspondent "$(cut -d' ' -f2 <<<"$was")"
}

lamp() { # sub-NAI, address and care-of address
	roam home -j agent sessions | jq -r '.[] | select(.nai == "lamp@example.com") | .sub_nai + " " + .home + " " + .care_of'
}

# Ten sessions of the same names through two nodes: each has an address of its own.
ten_sessions() {
	local n
	ns_create bus
	mip_plug bus visited1 eth0
	mkdir -p "$hosts/bus"
	{
		sed -e 's/car@/bus@/' -e "s/home = .*/home = \"10.77.0.6\/24\"/" -e '/devices\|session/d' "$hosts/node/mnd.conf"
		for n in 1 2 3 4 5; do
			echo "session \"seat $n\" {}"
		done
		echo 'session "lamp" { nai = "lamp@example.com"  spi = 300  key = 5 }'
	} >"$hosts/bus/mnd.conf"
	daemon bus roam-mnd mnd
	is_named_by_the_agent
	expect_ok roam bus mn session end lamp
	for n in 1 2 3 4 5; do
		expect_ok roam node mn session add "seat $n"
	done
	wait_for 60 eval "((\$(seats | sort -u -k 3 | wc -l) == 10))"
	expect_eq "each name under both" 2 "$(seats | grep -c 'seat_3')"
	expect_eq "at the node" 5 "$(roam bus -j mn sessions | jq '[.[] | select(.state == "active")] | length')"
	for n in $(seats | cut -d' ' -f3); do
		expect_ok pings correspondent "$n"
	done
	# one ends, nine go on
	expect_ok roam bus mn session end "seat 3"
	wait_for 30 eval "((\$(seats | wc -l) == 9))"
	expect_match "the other one's" "$nai seat_3" "$(seats)"
	for n in 1 2 3 4 5; do
		expect_ok roam node mn session end "seat $n"
	done
	daemon_stop bus mnd
}

seats() { # NAI, name, address of those that are there
	roam home -j agent sessions | jq -r '.[] | select(.care_of != null and (.sub_nai | startswith("seat"))) | .nai + " " + .sub_nai + " " + .home' |
		sed 's/seat /seat_/'
}

is_unbound() {
	(($(roam home -j agent show "$mip_home" | jq length) == 0))
}

# Every member that the page about RFC 2006 names is in the JSON of its command, of every row.
objects_of_the_mib() {
	local host=home line command member n=0
	local -A answers
	local -r row="^\\| ([A-Za-z]+) \\| \`roam ([a-z ]+)\` \\| (.*) \\|\$"
	while IFS= read -r line; do
		case $line in
		"## Mobile node") host=node ;;
		"## Foreign agent") host=foreign1 ;;
		"## "*) host=home ;;
		esac
		[[ $line =~ $row ]] || continue
		command=${BASH_REMATCH[2]}
		# shellcheck disable=SC2086 # words
		[[ ${answers[$host $command]-} ]] || answers[$host $command]=$(roam "$host" -j $command)
		for member in ${BASH_REMATCH[3]//[\`,]/ }; do
			n=$((n + 1))
			jq -e --arg m "$member" 'length > 0 and all(has($m))' <<<"${answers[$host $command]}" >/dev/null ||
				fail "${BASH_REMATCH[1]}: '$command' of $host has no $member: ${answers[$host $command]}"
		done
	done <"$lib_dir/../Documentation/protocols/mobile-ip-mib.md"
	((n >= 130)) || fail "only $n objects were found on the page"
	# what they count is counted
	local before after
	before=$(roam node -j mn counters | jq '.[0].deregistrations')
	expect_ok roam node mn leave
	wait_for 30 is_unbound
	expect_ok roam node mn join
	wait_for 60 mip_is_at "foreign $mip_fa1"
	after=$(roam node -j mn counters | jq '.[0].deregistrations')
	((after > before)) || fail "de-registrations: $before, then $after"
	(($(roam home -j agent counters | jq '.[0] | .deregistrations * .deregistration_replies') > 0)) ||
		fail "the home agent counts no de-registration"
	(($(roam foreign1 -j agent counters | jq '.[0] | .visitor_requests * .home_replies') > 0)) ||
		fail "the foreign agent counts no requests"
	(($(roam node -j mn counters | jq '.[0] | .replies * .deregistration_replies') > 0)) ||
		fail "the node counts no replies"
}

fixture world
prove "SES-02 SES-05 SES-07 SES-08 SES-21 SES-27 SES-31 SES-36 SES-38: plain devices are found and reached at addresses of their own" found_and_reached
prove "SES-08 SES-09 SES-12 SES-13 SES-19 SES-37: requests of sessions, read by tshark and by scapy" as_on_the_wire
prove "SES-05 SES-32 SES-34: connections of two devices survive moves through three foreign agents, a third is plugged in meanwhile" moves_and_third
prove "SES-15 SES-18 SES-20 SES-32: a restart of each daemon, and sessions keep addresses and connections" restarts
prove "SES-04 SES-06 SES-11 SES-34 SES-35 TEN-24: ten sessions over two nodes, the same names under two NAIs, one that its foreign agent names" ten_sessions
prove "SES-01 SES-21: a program has a session of its own" program
prove "SES-33 SES-35: one session is ended, the others go on" ends_alone
prove "OPEN-50: each object of RFC 2006 is where its page says" objects_of_the_mib
tests_done
