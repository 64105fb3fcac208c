#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Two plain routers with address translation, whose tables roam-syncd keeps in step.
#
#   host 192.0.2.50 -- inside -- r1, r2 -- outside -- server 198.51.100.50
#                 192.0.2.100 virtual 198.51.100.100
#
# Ports are translated at random, and what no connection stands for is dropped: a router
# that does not know a connection cannot carry it on by chance.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

readonly vip=192.0.2.100 outside_vip=198.51.100.100 server_address=198.51.100.50
readonly size=$((24 << 20))

router_create() { # N
	mip_plug "r$1" inside eth0 "192.0.2.$1/24"
	mip_plug "r$1" outside eth1 "198.51.100.$1/24"
	topology_sysctl "r$1" ipv4/ip_forward=1
	in_batch "r$1" "link add gtp0 type gtp role ggsn" "link set gtp0 up" "route add 10.60.0.0/24 dev gtp0"
	mkdir -p "$hosts/r$1"
	declare -n ns="r$1"
	in_ns "$ns" nft -f - <<-END || fail "no rules"
		table ip filter {
			set seen { type ipv4_addr; flags dynamic, timeout; timeout 60s; }
			chain nat { type nat hook postrouting priority srcnat
				ip saddr 192.0.2.50 ip protocol { tcp, udp } snat to $outside_vip:20000-60000 fully-random
			}
			chain forward { type filter hook forward priority filter; policy drop
				ip saddr 192.0.2.50 udp dport 7 update @seen { ip daddr }
				ip saddr @seen ip daddr 192.0.2.50 udp dport 7000 accept
				ip daddr 192.0.2.50 udp dport 7000 counter drop
				meta iifname gtp0 accept
				meta oifname gtp0 accept
				ct state established accept
				ip saddr 192.0.2.50 tcp flags & (syn | ack) == syn accept
				ip saddr 192.0.2.50 meta l4proto udp accept
			}
		}
	END
	cat >"$hosts/r$1/standbyd.conf" <<-END
		keys = "$hosts/keys.key"
		state = "$hosts/r$1/counter"
		group "inside" { link = "eth0" number = 10 virtual = "$vip" hello = "100ms" hold = "1500ms" key = 7 priority = 10$1 }
		group "outside" { link = "eth1" number = 11 virtual = "$outside_vip" hello = "100ms" hold = "1500ms" key = 7 priority = 10$1 }
	END
	router_configure "$1"
}

router_configure() {
	cat >"$hosts/r$1/syncd.conf" <<-END
		keys = "$hosts/keys.key"
		look = "1s"
		sync { standby = "inside"  key = 7  hello = "200ms"  retry = "200ms"  dead = "20s" }
		connections { }
		set "ip filter seen" { }
		leases = "$hosts/r$1/leases"
		gtp "gtp0" { }
	END
}

router_start() {
	daemon "r$1" roam-standbyd standbyd
	daemon "r$1" roam-syncd syncd
}

state_of() { # N GROUP
	roam "r$1" -j standby show "$2" | jq -r '.[0].state'
}

is() { # N STATE: in both groups
	[[ $(state_of "$1" inside) == "$2" && $(state_of "$1" outside) == "$2" ]]
}

status_of() { # N MEMBER
	roam "r$1" -j table status | jq -r ".[0].$2"
}

counter() {
	roam "r$1" -j table counters | jq -r ".[0].$2"
}

equal() {
	[[ $(for n in 1 2; do roam "r$n" -j table status | jq -r '.[0] | "\(.synced) \(.digest)"'; done | sort -u | sed 's/ .*//') == true ]]
}

rows() { # N
	roam "r$1" -j table show | jq -r '.[] | select(.table == "connections") | "\(.protocol) \(.source) \(.destination) \(.reply_source) \(.reply_destination)"' | sort
}

has_row() { # N WORDS
	rows "$1" | grep -qF -- "$2"
}

kernel_has() { # N PORT: a connection to that port of the server, by conntrack itself
	declare -n ns="r$1"
	in_ns "$ns" conntrack -L -p "${3:-tcp}" --orig-port-dst "$2" 2>/dev/null | grep -q .
}

crash() { # N: the whole router
	local daemon
	for daemon in syncd standbyd; do
		[[ ! -e $hosts/r$1/$daemon.pid ]] || kill -KILL "$(<"$hosts/r$1/$daemon.pid")"
		rm -f "$hosts/r$1/$daemon.pid"
	done
	in_batch air "link set r$1-eth0 nomaster" "link set r$1-eth1 nomaster"
}

# The first one becomes active in both groups, the second one its standby.
world() {
	local name
	require nft conntrack curl busybox keepalived dnsmasq socat
	modprobe gtp || fail "no module for GTP"
	hosts=$(mktemp -d /run/roam-test.XXXXXX)
	on_exit topology_keep_logs
	ns_create host server air r1 r2 client sgsn
	on_exit topology_stop_daemons
	for name in inside outside; do
		in_batch air "link add $name type bridge forward_delay 0" "link set $name up"
	done
	(umask 077 && "$roam_bin/roam" hlr keygen 7 >"$hosts/keys.key") || fail "keygen does not work"
	router_create 1
	router_create 2
	mip_plug host inside eth0 192.0.2.50/24
	mip_plug server outside eth0 "$server_address/24"
	in_batch host "route add default via $vip"
	router_start 1
	wait_for 30 is 1 active
	router_start 2
	wait_for 30 is 2 standby
	mkdir "$hosts/web"
	head -c "$size" /dev/urandom >"$hosts/web/file"
	bg in_ns "$server" busybox httpd -f -p 80 -h "$hosts/web"
	wait_for 20 in_ns "$host" curl -s -o /dev/null -r 0-1 "http://$server_address/file"
}

one_active() {
	is 1 active || is 2 active
}

# Both run, one is active in both groups, and the tables are equal; $active, $standby.
both() {
	local n
	for n in 1 2; do
		router_configure "$n"
		in_batch air "link set r$n-eth0 master inside" "link set r$n-eth1 master outside"
		[[ ! -e $hosts/r$n/standbyd.pid ]] || continue
		router_start "$n"
		# Else each might get one of the groups.
		[[ -e $hosts/r$((3 - n))/standbyd.pid ]] || wait_for 30 is "$n" active
	done
	wait_for 30 one_active
	active=$(is 1 active && echo 1 || echo 2)
	standby=$((3 - active))
	wait_for 30 is "$standby" standby
	wait_for 30 equal
}

download_begin() {
	rm -f "$hosts/file"
	bg in_ns "$host" curl -sS --limit-rate 3M --max-time 120 -o "$hosts/file" "http://$server_address/file"
	download=$bg_pid
	wait_for 30 downloaded 1000000
}

downloaded() {
	(($(stat -c %s "$hosts/file" 2>/dev/null || echo 0) > $1))
}

download_ends() {
	wait "$download" || fail "the download broke at $(stat -c %s "$hosts/file") bytes"
	cmp "$hosts/file" "$hosts/web/file" || fail "the file is another one"
}

in_step() {
	both
	download_begin
	wait_for 20 has_row "$standby" "$server_address:80"
	wait_for 20 equal
	expect_match "translation" "tcp 192.0.2.50:[0-9]+ $server_address:80 $server_address:80 $outside_vip:[2-6][0-9]{4}" "$(rows "$standby")"
	expect_eq "the same rows" "$(rows "$active")" "$(rows "$standby")"
	# It is in the kernel of the standby router before anything happens.
	kernel_has "$standby" 80 || fail "the kernel of the standby router does not have it"
	download_ends
	# It ends at both.
	wait_for 30 eval "! has_row $standby $server_address:80 && ! kernel_has $standby 80"
}

router_dies() {
	local was
	both
	was=$active
	download_begin
	wait_for 20 has_row "$standby" "$server_address:80"
	crash "$active"
	wait_for 30 is "$standby" active
	! downloaded "$size" || fail "it was over before the router died"
	download_ends
	((was != standby)) || fail "nobody took over"
	(($(counter "$standby" takeovers))) || fail "it did not take over"
}

# What this router itself does is nobody else's, and the messages between routers least.
local_traffic() {
	local n
	both
	declare -n ns="r$active"
	in_ns "$ns" curl -s -o /dev/null -r 0-1 "http://$server_address/file" || fail "no way to the server"
	in_ns "$host" curl -s -o /dev/null -r 0-1 "http://$server_address/file" || fail "no way through"
	kernel_has "$active" 80 || fail "conntrack does not see it"
	for n in "$active" "$standby"; do
		expect_eq "rows of the routers' own at router $n" "" "$(rows "$n" | grep -v "^[a-z]* 192.0.2.50:")"
	done
}

# ---- elements of sets ----

seen() { # N: what the set has there, by the kernel
	declare -n ns="r$1"
	in_ns "$ns" nft -j list set ip filter seen | jq -c '.nftables[] | select(.set) | .set.elem // [] | .[].elem | [.val, .expires]'
}

has_seen() { # N
	[[ $(seen "$1") == *"$server_address"* ]]
}

knock() {
	in_ns "$host" bash -c "echo knock >/dev/udp/$server_address/7" 2>/dev/null
}

ask() { # WORD: from the server to the host
	in_ns "$server" bash -c "echo $1 >/dev/udp/192.0.2.50/7000"
}

asked() { # WORD
	ask "$1"
	grep -qx "$1" "$ROAM_OUT/tables.asked"
}

refused() { # N
	declare -n ns="r$1"
	ask no
	in_ns "$ns" nft list chain ip filter forward | grep -q "dport 7000 counter packets [1-9]"
}

# What a host asked for may answer, through whichever router.
dynamic_list() {
	local left
	both
	in_batch server "route replace 192.0.2.0/24 via $outside_vip"
	bg in_ns "$host" socat -u UDP-RECV:7000,reuseaddr "CREATE:$ROAM_OUT/tables.asked"
	wait_for 20 refused "$active"
	knock
	wait_for 20 has_seen "$active"
	wait_for 20 has_seen "$standby"
	left=$(seen "$standby" | jq '.[1]')
	((left > 0 && left <= 60)) || fail "it ends in $left s"
	wait_for 20 asked before
	crash "$active"
	wait_for 30 is "$standby" active
	wait_for 20 asked after
	declare -n ns="r$standby"
	in_ns "$ns" nft delete element ip filter seen "{ $server_address }"
	both
	# What ended at the active router is not brought back by the other one.
	wait_for 30 eval '! has_seen 1 && ! has_seen 2'
}

# ---- leases of dnsmasq ----

dnsmasq_start() { # N
	elector_run "$1" dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --user=root --interface=eth0 \
		--dhcp-range=192.0.2.150,192.0.2.180,1h --dhcp-leasefile="$hosts/r$1/leases" --log-dhcp --no-ping \
		--pid-file="$hosts/r$1/dnsmasq.pid" --dhcp-host=02:00:00:00:00:77,192.0.2.177
}

has_lease() { # N
	grep -q " $lease " "$hosts/r$1/leases"
}

# RFC 2131 4.3.2: a client whose server is silent asks all of them to go on (REBINDING). A
# server that does not know the lease is silent.
readonly rebind='
import socket, struct, sys
mac, addr = bytes.fromhex(sys.argv[1].replace(":", "")), socket.inet_aton(sys.argv[2])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.bind(("", 68))
s.settimeout(1)
ask = struct.pack(">BBBBIHH", 1, 1, 6, 0, 0x726f616d, 0, 0) + addr + bytes(12) + mac.ljust(16, b"\0") + bytes(192)
s.sendto(ask + bytes.fromhex("63825363 350103") + b"\x3d\x07\x01" + mac + b"\xff", ("255.255.255.255", 67))
reply = s.recv(2048)
print("ack" if reply[16:20] == addr and b"\x35\x01\x05" in reply[240:] else "other")'

rebound() {
	[[ $(in_ns "$client" /usr/bin/python3 -c "$rebind" "$mac" "$lease" 2>/dev/null) == ack ]]
}

lease_at_survivor() {
	both
	mip_plug client inside eth0
	mac=$(in_ns "$client" ip -j link show eth0 | jq -r ".[0].address")
	dnsmasq_start "$active"
	lease=''
	wait_for 30 lease_got
	wait_for 20 has_lease "$active"
	wait_for 20 has_lease "$standby"
	expect_match "row" "^$mac " "$(roam "r$standby" -j table show | jq -r '.[] | select(.table == "leases") | .client')"
	in_batch client "address add $lease/24 dev eth0"
	crash "$active"
	wait_for 30 is "$standby" active
	dnsmasq_start "$standby"
	wait_for 30 rebound
	# And another client does not get it.
	grep -q "^[0-9]* $mac $lease " "$hosts/r$standby/leases" || fail "the survivor's file has another lease"
}

lease_got() {
	lease=$(in_ns "$client" busybox udhcpc -i eth0 -n -q -t 2 -T 1 -s /bin/true 2>&1 | sed -n 's/.*lease of \([0-9.]*\) obtained.*/\1/p')
	[[ $lease ]]
}

# ---- contexts of GTP: a mobile station behind a gateway that has the kernel's own device ----

readonly station=10.60.0.1 sgsn_address=198.51.100.70

context() { # HOST ARGUMENT...
	declare -n ns="$1"
	in_ns "$ns" "$lib_dir/gtp-context" "${@:2}"
}

has_context() { # N
	[[ $(context "r$1" show) == "gtp0 100 200 $station $sgsn_address" ]]
}

has_none() {
	[[ -z $(context r1 show; context r2 show) ]]
}

station_reaches() {
	in_ns "$sgsn" ping -n -c 1 -W 1 -I "$station" 192.0.2.50 >/dev/null
}

station_stays() {
	both
	mip_plug sgsn outside eth0 "$sgsn_address/24"
	in_batch sgsn "link add gtp0 type gtp role sgsn" "link set gtp0 up" "address add $station/32 dev gtp0" \
		"route add 192.0.2.0/24 dev gtp0 src $station"
	context sgsn add gtp0 200 100 "$station" "$outside_vip" || fail "no context at the other end"
	context "r$active" add gtp0 100 200 "$station" "$sgsn_address" || fail "no context at the active router"
	wait_for 20 has_context "$standby"
	expect_eq "row" "64 200 $station $sgsn_address" \
		"$(roam "r$standby" -j table show | jq -r '.[] | select(.table == "gtp") | "\(.tunnel) \(.peer_tunnel) \(.address) \(.peer)"')"
	wait_for 20 station_reaches
	crash "$active"
	wait_for 30 is "$standby" active
	wait_for 20 station_reaches
	# It ends while the other router is away, whose kernel still has it.
	context "r$standby" del gtp0 100 || fail "it does not end"
	has_context "$active" || fail "the router that is away has it no more"
	both
	wait_for 30 has_none
}

# ---- other electors: whoever has the virtual address is active ----

keepalived_start() { # N
	cat >"$hosts/r$1/keepalived.conf" <<-END
		global_defs {
			vrrp_version 3
			vrrp_garp_master_delay 1
			vrrp_notify_fifo $hosts/r$1/elector
		}
		vrrp_instance inside {
			state BACKUP
			nopreempt
			interface eth0
			virtual_router_id 10
			priority 10$1
			advert_int 0.2
			virtual_ipaddress { $vip/24 }
		}
		vrrp_instance outside {
			state BACKUP
			nopreempt
			interface eth1
			virtual_router_id 11
			priority 10$1
			advert_int 0.2
			virtual_ipaddress { $outside_vip/24 }
		}
		vrrp_sync_group both { group { inside outside } }
	END
	elector_run "$1" keepalived --dont-fork --vrrp --log-console -f "$hosts/r$1/keepalived.conf" \
		-p "$hosts/r$1/keepalived.pid-1" -r "$hosts/r$1/keepalived.pid-2"
}

# FRR keeps the address on a device with the virtual MAC, which it makes carry packets where
# the router is the master.
frr_start() { # N
	local dir=$hosts/frr$1 part
	[[ -x /usr/lib/frr/vrrpd ]] || fail "FRR is missing: scripts/install-deps"
	mkdir -p "$dir"
	in_batch "r$1" "link add vrrp4-10 link eth0 address 00:00:5e:00:01:0a type macvlan mode bridge" \
		"address add $vip/24 dev vrrp4-10" "link set vrrp4-10 up" \
		"link add vrrp4-11 link eth1 address 00:00:5e:00:01:0b type macvlan mode bridge" \
		"address add $outside_vip/24 dev vrrp4-11" "link set vrrp4-11 up"
	cat >"$dir/frr.conf" <<-END
		interface eth0
		 vrrp 10 version 3
		 vrrp 10 priority $((200 - $1))
		 vrrp 10 advertisement-interval 200
		 vrrp 10 ip $vip
		interface eth1
		 vrrp 11 version 3
		 vrrp 11 priority $((200 - $1))
		 vrrp 11 advertisement-interval 200
		 vrrp 11 ip $outside_vip
	END
	chmod 755 "$hosts"
	chown -R frr:frr "$dir"
	for part in zebra vrrpd; do
		elector_run "$1" "/usr/lib/frr/$part" -f "$dir/frr.conf" -z "$dir/zserv" --vty_socket "$dir" -i "$dir/$part.pid" -A 127.0.0.1 -P 0 \
			--log stdout
		wait_for 20 test -S "$dir/$part.vty"
	done
}

elector_run() { # N COMMAND...
	declare -n ns="r$1"
	bg in_ns "$ns" "${@:2}" >>"$ROAM_OUT/tables.elector$1.log" 2>&1
}

# All processes in the router's namespace but those of roam.
elector_crash() { # N
	declare -n ns="r$1"
	local pid
	for pid in $(ip netns pids "$ns"); do
		kill -KILL "$pid"
	done
	rm -f "$hosts/r$1"/{syncd,standbyd}.pid
	in_batch air "link set r$1-eth0 nomaster" "link set r$1-eth1 nomaster"
}

# A process that was killed takes no address away.
elector_end() { # N
	elector_crash "$1"
	declare -n ns="r$1"
	in_ns "$ns" sh -c "ip link del vrrp4-10; ip link del vrrp4-11; ip address del $vip/24 dev eth0; ip address del $outside_vip/24 dev eth1
		conntrack -F" 2>/dev/null
}

syncd_state() { # N STATE
	[[ $(status_of "$1" state) == "$2" ]]
}

# It says so by its FIFO, whatever addresses say.
keepalived_fifo() {
	other_elector keepalived 'notify = "elector"  instance = "inside"'
	echo 'INSTANCE "inside" FAULT 102' >"$hosts/r2/elector"
	wait_for 20 syncd_state 2 standby
	echo 'INSTANCE "other" MASTER 102' >"$hosts/r2/elector"
	printf 'INSTANCE "inside" MAS' >"$hosts/r2/elector"
	expect_eq "half a word" standby "$(status_of 2 state)"
	echo 'TER 102' >"$hosts/r2/elector"
	wait_for 20 syncd_state 2 active
}

other_elector() { # NAME [OPTIONS]: "elector" there is the FIFO
	local n
	both
	for n in 1 2; do
		local options=${2:-}
		options=${options//\"elector\"/\"$hosts/r$n/elector\"}
		daemon_stop "r$n" syncd
		daemon_stop "r$n" standbyd
		cat >"$hosts/r$n/syncd.conf" <<-END
			keys = "$hosts/keys.key"
			look = "1s"
			sync {
				virtual = "$vip"  $options  address = "192.0.2.$n"  members = { "192.0.2.$((3 - n))" }
				key = 7  hello = "200ms"  retry = "200ms"  dead = "20s"
			}
			connections { }
		END
		on_exit elector_end "$n"
		"$1_start" "$n"
		daemon "r$n" roam-syncd syncd
		wait_for 30 syncd_state "$n" "$( ((n == 1)) && echo active || echo standby)"
	done
	wait_for 30 equal
	download_begin
	wait_for 40 has_row 2 "$server_address:80"
	elector_crash 1
	wait_for 30 syncd_state 2 active
	! downloaded "$size" || fail "it was over before the router died"
	download_ends
}

fixture world
prove "GSYN-01 GSYN-02 GSYN-03: connections and their translation are at the standby router" in_step
prove "GSYN-04 GSYN-13: a download through two routers with NAT survives its router" router_dies
prove "GSYN-04: a router's own connections are told to nobody" local_traffic
prove "GSYN-06: an element of a set that packets made is at the other router" dynamic_list
prove "GSYN-05: a lease is renewed at the router that survived" lease_at_survivor
prove "GSYN-07: a mobile station's GTP tunnel ends at the router that survived" station_stays
prove "SYNC-05 GSYN-04: the same with keepalived, by its FIFO" keepalived_fifo
prove "SYNC-05 GSYN-04: the same with FRR" other_elector frr
tests_done
