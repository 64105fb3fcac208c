#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: native
# timeout: 300
#
# Addresses at arrival: a server of DRCP, hosts that come and go, beside the DHCP client and
# server of the archive. It needs no module.
#
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
roam_bin=${ROAM_BIN:-$(realpath "$(dirname "$0")/../../build/bin")}
server='' host=''

network() {
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit keep_logs
	mkdir "$hosts/server" "$hosts/host"
	ns_create server host
	veth_pair "$server" eth0 "$host" eth0
	ip -n "$server" address add 192.0.2.1/26 dev eth0
	(umask 077 && "$roam_bin/roam" mmp keygen 1 >"$hosts/key" && host_keys "$hosts/key" >"$hosts/host.key")
	serve_start 'first = "192.0.2.10" last = "192.0.2.13"'
	on_exit drcpd_stop server
	client_start
	on_exit drcpd_stop host
}

# host_keys FILE: what the host gets of a domain key.
host_keys() {
	"$roam_bin/roam" drcp keygen 1 "$1" 02:00:00:00:00:05
}

keep_logs() {
	cp "$hosts/server/log" "$ROAM_OUT/drcp.server.log"
	cp "$hosts/host/log" "$ROAM_OUT/drcp.host.log"
	rm -rf "$hosts"
}

drcpd_start() {
	busybox nsenter --net="/run/netns/${!1}" -- "$roam_bin/roam-drcpd" -c "$hosts/$1/drcpd.conf" \
		-s "$hosts/$1/drcpd.sock" -v >>"$hosts/$1/log" 2>&1 &
	echo "$!" >"$hosts/$1/pid"
	disown
	wait_for 20 answers "$1"
}

drcpd_stop() {
	stop "$(<"$hosts/$1/pid")" "${2:-TERM}"
}

answers() {
	drcp "$1" status | grep -q '"daemon"'
}

# drcp HOST COMMAND...
drcp() {
	ROAM_RUN_DIR=$hosts/$1 in_ns "${!1}" "$roam_bin/roam" -j drcp "${@:2}"
}

# serve_configure POOL-OPTIONS
serve_configure() {
	cat >"$hosts/server/drcpd.conf" <<-END
		role = "server"
		links = {"eth0"}
		keys = "$hosts/key"
		store = "$hosts/server/leases"
		period = "200ms"
		pool "192.0.2.0/26" { $1 router = "192.0.2.1" lease = "1h" }
	END
}

serve_start() {
	serve_configure "$1"
	drcpd_start server
}

client_start() {
	cat >"$hosts/host/drcpd.conf" <<-END
		role = "client"
		links = {"eth0"}
		client = "02:00:00:00:00:05"
		keys = "${1:-$hosts/host.key}"
		dhcp_wait = "1s"
	END
	drcpd_start host
}

address() {
	ip -n "$host" -j address show dev eth0 | jq -r '[.[0].addr_info[] | select(.family == "inet")][0].local // ""'
}

has_address() {
	[[ $(address) == 192.0.2.[1-5][0-9] ]]
}

leases() {
	drcp server show | jq length
}

host_is_configured() {
	wait_for 20 has_address
	expect_match "default route" 'via 192.0.2.1 ' "$(ip -n "$host" route show default) "
	expect_ok in_ns "$host" ping -c 1 -W 5 192.0.2.1
	expect_eq "leases" 1 "$(leases)"
	expect_eq "what the client says" "$(address)" "$(drcp host status | jq -r '.[0].address')"
}

wire_is_the_page_s() {
	local before
	capture_start "$server" eth0 drcp.pcap 'udp port 17438'
	before=$(address)
	drcp host leave
	in_link down
	in_link up
	wait_for 20 has_address
	expect_eq "the address" "$before" "$(address)"
	wait_for 20 seen 4
	capture_stop
	# Nothing is a broadcast, and all has the hop limit of the link.
	expect_eq "broadcasts" 0 "$(packets_in drcp.pcap 'ether broadcast')"
	expect_eq "hop limits other than 255" 0 "$(packets_in drcp.pcap 'ip6[7] != 255')"
	# Each type but decline, and none that the page calls malformed.
	expect_eq "types" "1 2 3 4 5" "$(drcp_fields 'roam_drcp' roam_drcp.type | sort -u | xargs)"
	expect_eq "malformed" "" "$(drcp_fields 'roam_drcp.malformed' roam_drcp.malformed)"
	expect_eq "checksums that are wrong" "" "$(tshark -r "$ROAM_OUT/drcp.pcap" -o udp.check_checksum:TRUE \
		-Y 'udp.checksum.status == 0' -T fields -e frame.number 2>/dev/null)"
}

# drcp_fields FILTER FIELD: by the dissector that was written from the page.
drcp_fields() {
	tshark -n -r "$ROAM_OUT/drcp.pcap" -X "lua_script:$lib_dir/dissector/roam-drcp.lua" \
		-Y "$1" -T fields -e "$2" 2>/dev/null
}

seen() {
	(($(packets_in drcp.pcap) >= $1))
}

in_link() {
	ip -n "$host" link set eth0 "$1"
}

same_subnet_keeps_the_address() {
	local before requests
	wait_for 20 has_address
	before=$(address)
	requests=$(drcp server counters | jq '.[0].received_request')
	in_link down
	in_link up
	wait_for 20 said 'kept address'
	expect_eq "the address" "$before" "$(address)"
	expect_eq "requests" "$requests" "$(drcp server counters | jq '.[0].received_request')"
}

said() {
	grep -q "$1" "$hosts/host/log"
}

# How long it takes from the link to the address, beside DHCP on the same link.
address_is_fast() {
	local drcp_ms dhcp_ms began
	require dnsmasq udhcpc
	drcp host leave
	wait_for 20 no_address
	drcpd_stop host
	began=${EPOCHREALTIME/./}
	client_start
	wait_for 20 has_address
	drcp_ms=$(sed -n 's/.*configured address=.* after \([0-9]*\) ms/\1/p' "$hosts/host/log" | tail -n 1)
	drcpd_stop host
	ip -n "$host" address flush dev eth0
	bg in_ns "$server" dnsmasq -k -C /dev/null --port=0 --bind-interfaces --interface=eth0 --pid-file= \
		--dhcp-leasefile="$hosts/dnsmasq.leases" --dhcp-range=192.0.2.30,192.0.2.40,1h >"$hosts/dnsmasq.log" 2>&1
	wait_for 20 dhcp_listens
	began=${EPOCHREALTIME/./}
	in_ns "$host" udhcpc -q -n -f -i eth0 -s /bin/true >"$hosts/udhcpc.log" 2>&1 || fail "$(<"$hosts/udhcpc.log")"
	dhcp_ms=$(((${EPOCHREALTIME/./} - began) / 1000))
	echo "from the question to the address: DRCP $drcp_ms ms, udhcpc and dnsmasq $dhcp_ms ms"
	((drcp_ms < dhcp_ms)) || fail "DRCP took $drcp_ms ms, DHCP $dhcp_ms ms"
	client_start
	wait_for 20 has_address
}

no_address() {
	[[ ! $(address) ]]
}

dhcp_listens() {
	in_ns "$server" ss -Hlun 'sport = :67' | grep -q .
}

# Somebody configured by hand what the server gives: it is noticed while the address is in use.
conflict_brings_another_address() {
	local before declined
	wait_for 20 has_address
	before=$(address)
	declined=$(drcp server counters | jq '.[0].declined')
	drcp host leave
	wait_for 20 no_address
	ip -n "$server" address add "$before/32" dev eth0
	on_exit ip -n "$server" address del "$before/32" dev eth0
	in_link down
	in_link up
	wait_for 20 has_other_address "$before"
	wait_for 20 said 'conflict address'
	expect_eq "addresses that were declined" $((declined + 1)) "$(drcp server counters | jq '.[0].declined')"
	expect_eq "addresses that are held" "\"$before\"" "$(drcp server show | jq '.[] | select(.held) | .address')"
}

has_other_address() {
	has_address && [[ $(address) != "$1" ]]
}

server_restart_keeps_leases() {
	local before
	before=$(drcp server show | jq -c '[.[] | {address, client}]')
	drcpd_stop server KILL
	serve_start 'first = "192.0.2.10" last = "192.0.2.13"'
	expect_eq "leases" "$before" "$(drcp server show | jq -c '[.[] | {address, client}]')"
	expect_ok has_address
}

pool_grows_while_it_runs() {
	local before
	before=$(leases)
	serve_configure 'first = "192.0.2.10" last = "192.0.2.50"'
	kill -HUP "$(<"$hosts/server/pid")"
	wait_for 20 grep -q 'eload' "$hosts/server/log"
	expect_eq "leases" "$before" "$(leases)"
	expect_ok has_address
}

pool_is_replaced_while_it_runs() {
	sed -i 's|^pool .*|pool "198.51.100.0/26" { first = "198.51.100.30" last = "198.51.100.40" router = "198.51.100.1" lease = "1h" }|' \
		"$hosts/server/drcpd.conf"
	kill -HUP "$(<"$hosts/server/pid")"
	wait_for 20 has_replaced
	expect_eq "addresses" 1 "$(ip -n "$host" -4 -j address show dev eth0 | jq '[.[0].addr_info[]] | length')"
	serve_configure 'first = "192.0.2.10" last = "192.0.2.50"'
	kill -HUP "$(<"$hosts/server/pid")"
	wait_for 20 has_address
}

has_replaced() {
	[[ $(address) == 198.51.100.3[0-9] || $(address) == 198.51.100.40 ]]
}

wrong_key_gets_nothing() {
	drcp host leave
	wait_for 20 no_address
	drcpd_stop host
	(umask 077 && "$roam_bin/roam" mmp keygen 1 >"$hosts/other" && host_keys "$hosts/other" >"$hosts/host.other")
	client_start "$hosts/host.other"
	wait_for 20 dhcp_may
	expect_ok no_address
	(($(drcp server counters | jq '.[0].drop_auth') > 0)) || fail "the server took it"
	(($(drcp host counters | jq '.[0].drop_auth') > 0)) || fail "the client took it"
	drcpd_stop host
	client_start
	wait_for 20 has_address
}

dhcp_may() {
	[[ $(drcp host status | jq '.[0].dhcp') == true ]]
}

restored() {
	drcp host counters | jq '.[0].restored'
}

more_restored() {
	(($(restored) > $1))
}

# Another manager flushes the interface.
address_taken_away_comes_back() {
	local before times
	wait_for 20 has_address
	before=$(address)
	times=$(restored)
	ip -n "$host" address flush dev eth0
	wait_for 20 more_restored "$times"
	wait_for 20 has_exactly "$before"
	wait_for 20 reaches_server
}

has_exactly() {
	[[ $(address) == "$1" ]]
}

reaches_server() {
	in_ns "$host" ping -c 1 -W 1 192.0.2.1 >/dev/null
}

interface_goes_and_comes() {
	local before
	wait_for 20 has_address
	before=$(address)
	in_link down
	ip -n "$host" link set eth0 name other
	ip -n "$host" link set other name eth0
	in_link up
	wait_for 20 reaches_server
	expect_eq "address of a renamed one" "$before" "$(address)"
	ip -n "$host" link del eth0
	veth_pair "$server" eth0 "$host" eth0
	ip -n "$server" address add 192.0.2.1/26 dev eth0
	wait_for 20 reaches_server
	expect_eq "address of a new one" "$before" "$(address)"
}

server_restarts_in_the_middle() {
	local before
	wait_for 20 has_address
	before=$(address)
	kill -s STOP "$(<"$hosts/server/pid")"
	drcp host leave
	in_link down
	in_link up
	drcpd_stop server KILL
	serve_start 'first = "192.0.2.10" last = "192.0.2.50"'
	wait_for 20 has_address
	expect_eq "address" "$before" "$(address)"
}

thousand_hosts_arrive() {
	drcpd_stop server
	serve_configure 'first = "192.0.2.10" last = "192.0.2.50"'
	sed -i 's|^pool .*|&\npool "10.20.0.0/16" { first = "10.20.0.1" last = "10.20.7.255" }|' "$hosts/server/drcpd.conf"
	drcpd_start server
	in_ns "$host" "$lib_dir/arrivals" eth0 "$hosts/key" 10.20.0.0/16 1000 1000 >"$hosts/arrivals" || fail "$(<"$hosts/arrivals")"
	echo "answered, addresses, ms until the last one, longest ms that one waited: $(<"$hosts/arrivals")"
	expect_match "answered, addresses" '^1000 1000 ' "$(<"$hosts/arrivals")"
	(($(leases) >= 1000)) || fail "$(leases) leases"
	drcpd_stop server
	serve_start 'first = "192.0.2.10" last = "192.0.2.50"'
}

# What cannot be kept is not promised, and asked for again later.
full_store_promises_nothing() {
	drcp host leave
	wait_for 20 no_address
	drcpd_stop server
	mkdir -p "$hosts/disk"
	mount -t tmpfs -o size=1m none "$hosts/disk"
	on_exit umount "$hosts/disk"
	serve_configure 'first = "192.0.2.10" last = "192.0.2.50"'
	sed -i "s|^store = .*|store = \"$hosts/disk/leases\"|" "$hosts/server/drcpd.conf"
	drcpd_start server
	dd if=/dev/zero of="$hosts/disk/fill" bs=4k 2>/dev/null
	drcp host join
	wait_for 20 said 'refused .*status=later'
	expect_ok no_address
	rm "$hosts/disk/fill"
	wait_for 20 has_address
	drcpd_stop server
	serve_start 'first = "192.0.2.10" last = "192.0.2.50"'
}

# Of IPv6 a host has its own number in the prefix.
ipv6_address_comes_alike() {
	drcpd_stop host
	ip -n "$host" address flush dev eth0 scope global
	drcpd_stop server
	ip -n "$server" address add 2001:db8:5::1/64 dev eth0 nodad
	serve_configure 'first = "192.0.2.10" last = "192.0.2.50"'
	sed -i 's|^pool .*|pool "2001:db8:5::/64" { lease = "1h" }|' "$hosts/server/drcpd.conf"
	drcpd_start server
	client_start
	# Its number is not that of its interface, as if somebody brought its request.
	wait_for 20 drops_source
	expect_fail has_address6
	sed -i '1i relays = yes' "$hosts/server/drcpd.conf"
	kill -HUP "$(<"$hosts/server/pid")"
	wait_for 20 has_address6
	wait_for 20 in_ns "$host" ping -6 -c 1 -W 1 2001:db8:5::1
	expect_match "default route" 'via fe80::' "$(ip -n "$host" -6 route show default)"
	drcpd_stop host
	drcpd_stop server
	ip -n "$host" -6 address flush dev eth0 scope global
	serve_start 'first = "192.0.2.10" last = "192.0.2.50"'
	client_start
	wait_for 20 has_address
}

drops_source() {
	(($(drcp server counters | jq '.[0].drop_source') > 0))
}

has_address6() {
	ip -n "$host" -6 address show dev eth0 scope global | grep -q 'inet6 2001:db8:5:'
}

second_manager_is_found() {
	require udhcpc
	expect_match "before" '"ok"' "$(doctor | jq -c '[.[] | select(.check == "interface") | .result]')"
	bg in_ns "$host" udhcpc -f -i eth0 -s /bin/true >"$ROAM_OUT/udhcpc.log" 2>&1
	wait_for 20 udhcpc_is_found
}

doctor() {
	ROAM_RUN_DIR=$hosts/host in_ns "$host" "$roam_bin/roam" -j doctor || :
}

udhcpc_is_found() {
	doctor | jq -e '.[] | select(.check == "interface" and .result == "fail") | .detail | test("udhcpc manages eth0")' >/dev/null
}

# The server above configures the inner node's interface, and the one there what is below.
two_levels() {
	# shellcheck disable=SC2034 # drcpd_start takes them by name
	local inner=$host inner_server=$host leaf
	ns_create leaf
	veth_pair "$host" eth1 "$leaf" eth0
	mkdir "$hosts/inner_server" "$hosts/leaf"
	wait_for 20 has_address
	cat >"$hosts/inner_server/drcpd.conf" <<-END
		role = "server"
		links = {"eth1"}
		keys = "$hosts/key"
		store = "$hosts/inner_server/leases"
		pool "198.51.100.0/26" { first = "198.51.100.10" last = "198.51.100.20" }
	END
	capture_start "$leaf" eth0 leaf.pcap 'udp port 17438'
	drcpd_start inner_server
	on_exit drcpd_stop inner_server
	(umask 077 && "$roam_bin/roam" drcp keygen 1 "$hosts/key" \
		"$(ip -n "$leaf" -j link show eth0 | jq -r '.[0].address')" >"$hosts/leaf.key")
	printf '%s\n' 'role = "client"' 'links = {"eth0"}' "keys = \"$hosts/leaf.key\"" >"$hosts/leaf/drcpd.conf"
	drcpd_start leaf
	on_exit drcpd_stop leaf
	wait_for 20 leaf_has_address
	expect_ok has_address
	wait_for 20 advertised
	expect_eq "period where none is set, ms" 1000 "$(tshark -n -r "$ROAM_OUT/leaf.pcap" \
		-X "lua_script:$lib_dir/dissector/roam-drcp.lua" -Y roam_drcp.period -T fields -e roam_drcp.period \
		2>/dev/null | sort -u)"
}

advertised() {
	(($(packets_in leaf.pcap 'ip6[49] == 1') >= 2))
}

leaf_has_address() {
	ip -n "$leaf" address show dev eth0 | grep -q -E 'inet 198.51.100.(1[0-9]|20)/26'
}

fixture network
prove "MMP-77 MMP-80 MMP-81: a host that arrives has an address, a route, and a lease" host_is_configured
prove "MMP-80: messages on the wire are those of the protocol page" wire_is_the_page_s
prove "MMP-82 MMP-88 MMP-89: in its subnet a host keeps its address, and asks nothing" same_subnet_keeps_the_address
prove "MMP-81: an address is there sooner than by DHCP" address_is_fast
prove "MMP-81: a server that is killed has given no address in vain" server_restart_keeps_leases
prove "MMP-81: an address that somebody else has is given up for another one" conflict_brings_another_address
prove "MMP-81: a pool grows while the server runs" pool_grows_while_it_runs
prove "MMP-81 MMP-90: a pool that is replaced while the server runs brings another address" pool_is_replaced_while_it_runs
prove "MMP-77: who has another key gives and gets no address" wrong_key_gets_nothing
prove "MMP-81: an address that another manager takes away is there again" address_taken_away_comes_back
prove "MMP-81: an interface that is renamed, or goes and comes, has its address again" interface_goes_and_comes
prove "MMP-81: a server that restarts in the middle gives the address of before" server_restarts_in_the_middle
prove "MMP-81: a thousand hosts that arrive within a second are served" thousand_hosts_arrive
prove "MMP-81: a server whose disk is full promises nothing" full_store_promises_nothing
prove "OPEN-01 MMP-81 SEC-43: an address of IPv6 comes the same way, and where no router is named to its client alone" ipv6_address_comes_alike
prove "OPEN-50: the doctor names who else manages the interface" second_manager_is_found
prove "MMP-79 MMP-80 D-17: servers on two levels configure an inner node and what is below it" two_levels
tests_done
