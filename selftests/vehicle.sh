# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A vehicle: devices behind one mobile node. Needs lib.sh, topology.sh and mip-topology.sh,
# whose network it takes, with a third foreign agent and a link inside the vehicle:
#
#   visited3 203.0.113.0/24 ---- foreign3 203.0.113.1 -- core 198.18.0.13
#
#   node eth1 192.168.5.1 -- inside -- laptop 192.168.5.10
#                                   -- camera 192.168.5.11
#                                   -- printer 192.168.5.12, plugged in later
#
# The devices are plain hosts: an address, a default route, and nothing of ours.
# shellcheck disable=SC2034 # the tests'
readonly nai=car@example.com mip_fa3=203.0.113.1
foreign3='' laptop='' camera='' printer=''

# vehicle_create: all but the daemons.
vehicle_create() {
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	mip_create
	ns_create foreign3 laptop camera printer
	in_batch air "link add visited3 type bridge forward_delay 0" "link set visited3 up" \
		"link add inside type bridge forward_delay 0" "link set inside up"
	mip_plug foreign3 core eth0 198.18.0.13/24
	mip_plug foreign3 visited3 eth1 $mip_fa3/24
	topology_sysctl foreign3 ipv4/ip_forward=1
	in_batch foreign3 "route add default via 198.18.0.1"
	in_batch home "route add 203.0.113.0/24 via 198.18.0.13"
	mkdir -p "$hosts/foreign3"
	mip_plug node inside eth1 192.168.5.1/24
	device laptop 10
	device camera 11
}

vehicle_agents() {
	mip_home_options='pool = "10.77.0.100-10.77.0.119"
		quiet = 1s'
	mip_home_sections="node \"$nai\" { spi = 300  key = 5 }
		node \"bus@example.com\" { spi = 300  key = 5 }
		node \"lamp@example.com\" { spi = 300  key = 5 }
		node \"10.77.0.6\" { spi = 300  key = 5 }"
	mip_home_start
	# hosts that move each second ask more often than vehicles do
	mip_foreign_sections='session_requests = 0'
	mip_foreign_start foreign1
	mip_foreign_start foreign2
	mip_foreign_start foreign3
}

vehicle_node() {
	mip_node_options="nai = \"$nai\"
		devices \"eth1\" { network = \"192.168.5.0/24\"  linger = 1h ${vehicle_devices:-} }
		session \"camera\" { mac = \"$(mac_in camera)\" }"
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
	in_ns "${!1}" ping -q -n -c 1 -W 1 192.168.5.1 >/dev/null
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

# talk HOST: a connection from the correspondent to a device that repeats what it is told.
talk() {
	local host=$1 home=$1_home
	# For one connection nc becomes cat, so both end together; the runner waits for the last.
	bg in_ns "${!host}" busybox nc -l -p 7000 -e busybox cat
	wait_for 30 listens "$host"
	# bash says that an earlier one still runs, which is meant
	{ coproc talk {
		exec busybox nsenter --net="/run/netns/$correspondent" busybox nc "${!home}" 7000
	}; } 2>/dev/null
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

session_is() { # NAME STATE
	[[ $(field "$1" state) == "$2" ]]
}
