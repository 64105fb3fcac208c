#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# A vehicle as the manual's page has it (Documentation/guide/vehicle.md): the configuration
# of home agent, node and dnsmasq is read from there. The network is that of vehicle.sh.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"
# shellcheck source=../vehicle.sh
. "$lib_dir/vehicle.sh"

# page SECTION N: the Nth block of configuration in that section.
page() {
	awk -v section="## $1" -v want="$2" '
		/^## / { here = index($0, section) == 1; n = 0 }
		!/^    / { open = 0; next }
		here { n += !open; open = 1; if (n == want) print substr($0, 5) }
	' "$(dirname "$lib_dir")/Documentation/guide/vehicle.md"
}

# The page's names of links and files are those of the test.
at_home() {
	{
		echo "keys = \"$hosts/home/keys.key\""
		echo "store = \"$hosts/home/agent.db\""
		echo "agent \"198.18.0.11\" { spi = 400  key = 9 }"
		echo "agent \"$mip_fa1\" { spi = 400  key = 9 }"
		page "1. The home agent" 1 | sed '/^home /a link = "eth1"'
	} >"$hosts/home/agentd.conf"
	daemon home roam-agentd agentd
}

# node_runs BLOCK-OF-DEVICES: other options of the link of devices, in the page's words.
node_runs() {
	{
		echo "keys = \"$hosts/node/keys.key\""
		page "2. The vehicle" 1 | sed -e 's/"wlan0", "wwan0"/"eth0"/' \
			-e "s/02:00:00:00:00:0b/$(mac_in camera)/" -e "/network = /a $1"
	} >"$hosts/node/mnd.conf"
	daemon node roam-mnd mnd
	wait_for 60 mip_is_at "foreign $mip_fa1"
}

# dnsmasq_runs BLOCK
dnsmasq_runs() {
	page "3. What addresses" "$1" | sed -e "s|/run/roam/hosts|$hosts/node/hosts|" -e /^group=/d >"$hosts/node/dnsmasq.conf"
	bg in_ns "$node" dnsmasq --keep-in-foreground --conf-file="$hosts/node/dnsmasq.conf" --port=0 --bind-interfaces \
		--dhcp-leasefile="$hosts/node/leases" --pid-file= --user=root --log-dhcp --log-facility=- >"$hosts/node/dnsmasq.log" 2>&1
	dnsmasq_pid=$bg_pid
	wait_for 30 dnsmasq_listens
}

dnsmasq_listens() {
	[[ $(in_ns "$node" ss -Hlun 'sport = :67') ]]
}

world() {
	require nft dnsmasq udhcpc tshark
	vehicle_create
	at_home
	for host in foreign1 foreign2 foreign3; do
		mip_foreign_sections='session_requests = 0'
		mip_foreign_start "$host"
	done
}

without_address() { # HOST
	ip -n "${!1}" address flush dev eth0
	ip -n "${!1}" route flush dev eth0
	ip -n "${!1}" link set eth0 up
}

# dhcp_gets HOST SCRIPT: one try of its client.
dhcp_gets() {
	in_ns "${!1}" udhcpc -q -n -f -t 6 -T 1 -i eth0 -s "$2" >"$hosts/udhcpc.log" 2>&1
}

# Nothing but the lease says that it is there: it does not even take its address.
found_by_lease() {
	node_runs "leases = \"$hosts/node/leases\""
	dnsmasq_runs 1
	without_address laptop
	wait_for 30 dhcp_gets laptop /bin/true
	active laptop
	expect_match "its private address" '^192\.168\.5\.1[0-9][0-9]$' "$(field "$(mac_in laptop)" device)"
	expect_ok in_batch laptop "address add $(field "$(mac_in laptop)" device)/24 dev eth0" "route add default via 192.168.5.1"
	expect_ok pings correspondent "$laptop_home"
	expect_ok pings laptop "$mip_peer"
	stop "$dnsmasq_pid"
	daemon_stop node mnd
}

client_script() {
	cat >"$hosts/udhcpc" <<-'END'
		#!/bin/sh
		[ "$1" = bound ] || exit 0
		ip address replace "$ip/$mask" dev "$interface"
		ip route replace default via "$router" dev "$interface"
	END
	chmod 755 "$hosts/udhcpc"
}

given_by_dhcp() {
	client_script
	node_runs "hosts = \"$hosts/node/hosts\""
	dnsmasq_runs 3
	without_address camera
	wait_for 30 dhcp_gets camera "$hosts/udhcpc"
	active camera camera
	expect_match "of the home network" '^10\.77\.0\.1[0-9][0-9]$' "$camera_home"
	expect_eq "what the device has" "$camera_home" \
		"$(ip -n "$camera" -json -4 address show dev eth0 | jq -r '.[].addr_info[].local')"
	expect_ok pings camera "$mip_peer"
	expect_ok pings correspondent "$camera_home"
	# its router is a neighbour that is far away, and so is a host of the home network
	expect_ok pings camera "$mip_agent"
	# a device with a private address is beside it
	device printer 12
	wakes printer
	active printer
	expect_ok pings printer "$camera_home"
	local was=$camera_home
	talk camera
	moves_to visited2 "$mip_fa2"
	says camera "at the second agent"
	# the lease goes on, with the same address
	wait_for 30 dhcp_gets camera "$hosts/udhcpc"
	active camera camera
	expect_eq "address after the move" "$was" "$camera_home"
	says camera "with a new lease"
	# what it is told is gone with its session
	expect_ok roam node mn session end camera
	wait_for 30 session_is camera ended
	expect_fail in_ns "$camera" ping -q -n -c 1 -W 1 "$mip_peer"
	[[ ! -e $hosts/node/hosts/$(mac_in camera) ]] || fail "dnsmasq is still told of the camera"
	moves_to visited1 "$mip_fa1"
	stop "$dnsmasq_pid"
	daemon_stop node mnd
}

conf() { # LINK NAME: of the node
	in_ns "$node" cat "/proc/sys/net/ipv4/conf/$1/$2"
}

rests() {
	[[ "$(conf eth0 forwarding) $(conf eth1 forwarding)" == "0 0" ]]
}

# The router forwards for sessions, also behind a restart, and only as long as there are any.
as_it_was() {
	node_runs "linger = 1h"
	without_address laptop
	in_batch laptop "address add 192.168.5.10/24 dev eth0" "route add default via 192.168.5.1"
	wakes laptop
	active laptop
	expect_eq "with a session" "1 1" "$(conf eth0 forwarding) $(conf eth1 forwarding)"
	daemon_stop node mnd
	expect_eq "without the daemon" "1 1" "$(conf eth0 forwarding) $(conf eth1 forwarding)"
	expect_ok pings correspondent "$laptop_home"
	node_runs "linger = 1h"
	in_batch laptop "link set eth0 down"
	for name in $(roam node -j mn sessions | jq -r '.[].session'); do
		expect_ok roam node mn session end "$name"
	done
	# one that was ended is remembered while its device may still be there
	daemon_stop node mnd
	in_ns "$node" ip neigh flush dev eth1
	node_runs "linger = 1h"
	wait_for 30 rests
}

fixture world
prove "SES-05 SES-07 SES-16: by the manual's page, a lease of dnsmasq begins a device's session" found_by_lease
prove "SES-05 SES-07 SES-21 SES-32: by the manual's page, a device gets its session's address by DHCP, and keeps it" given_by_dhcp
prove "SES-21: the node forwards while it has sessions, and then as before" as_it_was
tests_done
