#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Sessions of devices and programs behind one mobile node. The network is that of
# mip-topology.sh, with a third foreign agent, and a link inside the vehicle:
#
#   visited3 203.0.113.0/24 ---- foreign3 203.0.113.1 -- core 198.18.0.13
#
#   node eth1 192.168.5.1 -- inside -- laptop 192.168.5.10
#                                   -- camera 192.168.5.11
#                                   -- printer 192.168.5.12, plugged in later
#
# The devices are plain hosts: an address, a default route, and nothing of ours.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

readonly nai=car@example.com mip_fa3=203.0.113.1
# shellcheck disable=SC2034 # by name
foreign3='' laptop='' camera='' printer=''

world() {
	require nft tcpdump tshark
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	mip_create
	ns_create foreign3 laptop camera printer
	in_batch air "link add visited3 type bridge forward_delay 0" "link set visited3 up" \
		"link add inside type bridge forward_delay 0" "link set inside up"
	mip_plug foreign3 core eth0 198.18.0.13/24
	mip_plug foreign3 visited3 eth1 "$mip_fa3/24"
	topology_sysctl foreign3 ipv4/ip_forward=1
	in_batch foreign3 "route add default via 198.18.0.1"
	in_batch home "route add 203.0.113.0/24 via 198.18.0.13"
	mkdir -p "$hosts/foreign3"
	mip_plug node inside eth1 192.168.5.1/24
	device laptop 10
	device camera 11
	mip_home_options='pool = "10.77.0.100-10.77.0.119"
		quiet = 1s'
	mip_home_sections="node \"$nai\" { spi = 300  key = 5 }"
	mip_home_start
	# hosts that move each second ask more often than vehicles do
	mip_foreign_sections='session_requests = 0'
	mip_foreign_start foreign1
	mip_foreign_start foreign2
	mip_foreign_start foreign3
	mip_node_options="nai = \"$nai\"
		devices \"eth1\" { network = \"192.168.5.0/24\"  linger = 1h }
		session \"camera\" { mac = \"$(mac_in camera)\" }"
	capture_start "$foreign1" eth1 sessions.pcap
	mip_node_start
	wait_for 60 mip_is_at "foreign $mip_fa1"
}

# device HOST NUMBER: it is plugged in.
device() {
	mip_plug "$1" inside eth0 "192.168.5.$2/24"
	in_batch "$1" "route add default via 192.168.5.1"
}

mac_in() { # HOST
	ip -n "${!1}" -json link show eth0 | jq -r '.[0].address'
}

# What a device does when it is switched on: it looks for its router.
wakes() {
	in_ns "${!1}" ping -q -n -c 1 -W 1 192.168.5.1
}

# field NAME MEMBER: of the session of that name at the node.
field() {
	roam node -j mn sessions | jq -r ".[] | select(.session == \"$1\") | .$2"
}

is_active() {
	[[ $(field "$1" state) == active ]]
}

# active HOST [NAME]: its session is there; its address is in the variable HOST_home.
active() {
	local name=${2:-$(mac_in "$1")}
	wait_for 30 is_active "$name"
	printf -v "$1_home" %s "$(field "$name" home)"
}

pings() { # FROM TO
	in_ns "${!1}" ping -q -n -c 1 -W 5 "$2"
}

# Where all sessions are, as the node says.
all_at() {
	[[ $(roam node -j mn sessions | jq -r '[.[] | select(.state != "ended") | .care_of] | unique | join(" ")') == "$1" ]]
}

moves_to() { # BRIDGE CARE-OF
	mip_move "$1"
	wait_for 60 mip_is_at "foreign $2"
	wait_for 30 all_at "$2"
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
}

# talk HOST: a connection from the correspondent to a device that repeats what it is told.
talk() {
	local host=$1 home=$1_home
	# For one connection nc becomes cat, so both end together; the runner waits for the last.
	bg in_ns "${!host}" busybox nc -l -p 7000 -e busybox cat
	wait_for 30 listens "$host"
	coproc talk {
		exec busybox nsenter --net="/run/netns/$correspondent" busybox nc "${!home}" 7000
	}
	# shellcheck disable=SC2034
	printf -v "$1_talk" '%s %s' "${talk[0]}" "${talk[1]}"
	on_exit stop "$talk_PID"
	exec {keep_in}<&"${talk[0]}" {keep_out}>&"${talk[1]}"
	printf -v "$1_talk" '%s %s' "$keep_in" "$keep_out"
	says "$host" hello
}

listens() {
	[[ $(in_ns "${!1}" ss -Hltn 'sport = :7000') ]]
}

says() { # HOST TEXT
	local ends=$1_talk answer=
	read -r from to <<<"${!ends}"
	echo "$2" >&"$to"
	read -r -t 30 answer <&"$from"
	expect_eq "what $1 repeats" "$2" "$answer"
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
	stop "$tool"
	wait_for 30 session_is server ""
}

session_is() { # NAME STATE
	[[ $(field "$1" state) == "$2" ]]
}

fixture world
prove "SES-02 SES-05 SES-07 SES-08 SES-21 SES-27 SES-31 SES-36 SES-38: plain devices are found and reached at addresses of their own" found_and_reached
prove "SES-08 SES-09 SES-12 SES-19: requests of sessions, read by tshark" as_on_the_wire
prove "SES-05 SES-32 SES-34: connections of two devices survive moves through three foreign agents, a third is plugged in meanwhile" moves_and_third
prove "SES-01 SES-21: a program has a session of its own" program
prove "SES-33 SES-35: one session is ended, the others go on" ends_alone
tests_done
