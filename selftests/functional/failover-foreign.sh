#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Two foreign agents as one, 192.0.2.100 on the link of the node and 198.18.0.20 on the
# other side. The network is that of mip-topology.sh, with fa1 and fa2 in the place of its
# foreign agents:
#
#   core ---- fa1 198.18.0.21, 192.0.2.21 ---- visited1 ---- node
#        \--- fa2 198.18.0.22, 192.0.2.22 ---/
#
# and fa3 likewise in the last test.
#
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

readonly fa_virtual=192.0.2.100 fa_core=198.18.0.20
# On a busy machine nobody is given up before its time.
readonly fa_hello=200 fa_hold=2000

world() {
	require tcpdump ssh sshd
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	modprobe macvlan
	mip_create
	local host n
	ns_create fa1 fa2 fa3
	for host in home correspondent; do
		in_batch "$host" "route replace 192.0.2.0/25 via $fa_core"
	done
	(umask 077 && "$roam_bin/roam" hlr keygen 7 >"$hosts/fa.key")
	for n in 3 2 1; do
		mip_plug "fa$n" core eth0 "198.18.0.2$n/24"
		mip_plug "fa$n" visited1 eth1 "192.0.2.2$n/25"
		topology_sysctl "fa$n" ipv4/ip_forward=1
		in_batch "fa$n" "route add default via 198.18.0.1"
		mkdir -p "$hosts/fa$n"
		((n < 3)) || continue
		fa_start "$n"
		# Else each might be active on one side.
		wait_for 30 one_active
	done
	wait_for 30 fa_pair
	mip_home_start
	mip_node_start
	wait_for 60 mip_is_at "foreign $fa_virtual"
	mip_ssh_server
}

fa_group() { # NAME LINK NUMBER ADDRESS PRIORITY
	cat <<-END
		group "$1" { link = "$2" number = $3 virtual = "$4" hello = "${fa_hello}ms" hold = "${fa_hold}ms" key = 7 priority = $5 }
	END
}

fa_start() { # N
	cat >"$hosts/fa$1/standbyd.conf" <<-END
		keys = "$hosts/fa.key"
		state = "$hosts/fa$1/counter"
		$(fa_group visited eth1 20 "$fa_virtual" "10$1")
		$(fa_group core eth0 21 "$fa_core" "10$1")
	END
	cat >"$hosts/fa$1/agentd.conf" <<-END
		keys = "$hosts/fa.key"
		store = "$hosts/fa$1/agent.db"
		device = "mip0"
		pending_timeout = "60s"
		foreign "eth1" { address = "$fa_virtual"  care_of = "$fa_virtual"  interval = 2s }
		sync { standby = "visited"  key = 7  hello = "200ms"  retry = "200ms"  ${fa_sync:-} }
	END
	daemon "fa$1" roam-standbyd standbyd
	daemon "fa$1" roam-agentd agentd
}

# Who is active in both groups; nobody while they differ.
fa_active() {
	local n
	for n in 1 2 3; do
		[[ $(roam "fa$n" -j standby show 2>/dev/null | jq -r '[.[].state] | unique | join(" ")') != active ]] || echo "$n"
	done
}

one_active() {
	[[ $(fa_active) ]]
}

fa_pair() {
	[[ $(fa_active) && $(for n in 1 2; do
		roam "fa$n" -j sync status | jq -r '.[0] | "\(.state) \(.synced)"'
	done | sort | xargs) == "active true standby true" ]]
}

# Both run, one of them is active, and the tables are equal; $active and $standby.
both() {
	local n
	for n in 1 2; do
		in_batch air "link set fa$n-eth0 master core" "link set fa$n-eth1 master visited1"
		[[ -e $hosts/fa$n/standbyd.pid ]] || fa_start "$n"
	done
	wait_for 30 fa_pair
	active=$(fa_active)
	standby=$((3 - active))
}

# fa_dies N: its cables are pulled, its processes killed.
fa_dies() {
	in_batch air "link set fa$1-eth0 nomaster" "link set fa$1-eth1 nomaster"
	kill -KILL "$(<"$hosts/fa$1/agentd.pid")" "$(<"$hosts/fa$1/standbyd.pid")"
	rm "$hosts/fa$1"/*.pid
}

fa_serves() { # N
	[[ $(fa_active) == *"$1"* && $(roam "fa$1" -j sync status | jq -r '.[0].serves') == true ]]
}

# fa_visitors N: all that is known of each, but for what counts on.
fa_visitors() {
	roam "fa$1" -j agent visitors | jq -c 'sort_by(.home) | map(del(.expires_in))'
}

fa_same_visitors() {
	[[ $(fa_visitors 1) == "$(fa_visitors 2)" && $(fa_visitors 1) != "[]" ]]
}

home_accepted() {
	roam home -j agent counters | jq '.[0].accepted'
}

# fa_asks HOME AGENT: a node on the link asks all agents there (RFC 5944 3.6.1.1).
fa_asks() {
	in_ns "$node" /usr/bin/python3 - "$@" "$fa_virtual" <<-'END'
		import socket, struct, sys, time
		home, agent, care_of = map(socket.inet_aton, sys.argv[1:])
		ident = int(time.time() + 2208988800) << 32
		data = struct.pack(">BBH4s4s4sQ", 1, 2, 600, home, agent, care_of, ident)
		data += struct.pack(">BBI", 32, 36, 300) + bytes(32)
		udp = struct.pack(">HHHH", 434, 434, 8 + len(data), 0) + data
		ip = bytearray(struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 255, 17, 0, home, socket.inet_aton("224.0.0.11")))
		total = sum(struct.unpack(">10H", ip))
		total = (total & 0xffff) + (total >> 16)
		ip[10:12] = struct.pack(">H", ~((total & 0xffff) + (total >> 16)) & 0xffff)
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("eth0", 0))
		s.send(bytes.fromhex("01005e00000b") + s.getsockname()[4] + b"\x08\0" + bytes(ip) + udp)
	END
}

fa_has() { # N WHAT HOME
	roam "fa$1" -j agent "$2" | jq -e --arg home "$3" 'any(.[]; .home == $home)' >/dev/null
}

# The node, its home agent and the tunnel know one agent.
are_one() {
	both
	expect_eq "the home agent's tunnel" "$mip_home $fa_virtual" \
		"$(roam home -j agent show | jq -r '.[] | "\(.home) \(.care_of)"')"
	wait_for 20 fa_same_visitors
	expect_eq "module at the standby" "$mip_home" \
		"$(roam "fa$standby" -j tunnel visitors show | jq -r '.[].home')"
	in_ns "$correspondent" ping -q -n -c 3 -W 10 "$mip_home" || fail "no way to the node"
	in_ns "$node" ping -q -n -c 3 -W 10 -I "$mip_home" "$mip_peer" || fail "no way from the node"
}

# A tunnel that the network leads to the one that stands by ends at the node as well.
by_the_standby() {
	both
	on_exit in_batch home "route replace 192.0.2.0/25 via $fa_core"
	in_batch home "route replace 192.0.2.0/25 via 198.18.0.2$standby"
	in_ns "$correspondent" ping -q -n -c 3 -W 10 "$mip_home" || fail "no way to the node"
}

# Sessions go on, and the node need not register.
visitors_stay() {
	local before
	both
	wait_for 20 fa_same_visitors
	mip_ssh_open
	before=$(home_accepted)
	fa_dies "$active"
	wait_for 30 fa_serves "$standby"
	mip_ssh_says "after the takeover"
	in_ns "$node" ping -q -n -c 3 -W 10 -I "$mip_home" "$mip_peer" || fail "no way from the node"
	expect_eq "registrations since" 0 "$(($(home_accepted) - before))"
	mip_is_at "foreign $fa_virtual" || fail "the node thinks it is elsewhere: $(mip_place)"
}

# Who comes back fetches the table before it serves again.
joins_late() {
	both
	wait_for 20 fa_same_visitors
	mip_ssh_open
	fa_dies "$active"
	wait_for 30 fa_serves "$standby"
	mip_ssh_says "by the one that came back"
}

# A home agent that answers when it is told to: its only word is "yes".
late_agent() {
	cat >"$hosts/late-agent" <<-'END'
		import os, socket, struct, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind((sys.argv[1], 434))
		open(sys.argv[3] + ".ready", "w").close()
		data, source = s.recvfrom(2000)
		open(sys.argv[3], "w").close()
		while not os.path.exists(sys.argv[2]):
		    time.sleep(0.05)
		reply = struct.pack(">BBH", 3, 0, 600) + data[4:12] + data[16:24]
		s.sendto(reply + struct.pack(">BBI", 32, 36, 300) + bytes(32), source)
	END
	bg in_ns "$correspondent" /usr/bin/python3 "$hosts/late-agent" "$mip_peer" "$hosts/answer" "$hosts/asked"
	wait_for 30 test -e "$hosts/asked.ready"
}

# The one that serves fails between a request and its reply: the other one knows the
# request, hands the reply to the node and has a visitor then.
fails_in_between() {
	both
	late_agent
	fa_asks 10.77.1.77 "$mip_peer"
	wait_for 30 test -e "$hosts/asked"
	wait_for 20 fa_has "$active" pending 10.77.1.77
	wait_for 20 fa_has "$standby" pending 10.77.1.77
	expect_eq "link of its own" eth1 "$(roam "fa$standby" -j agent pending | jq -r '.[0].link')"
	fa_dies "$active"
	wait_for 30 fa_serves "$standby"
	fa_has "$standby" pending 10.77.1.77 || fail "the request is lost"
	capture_start "$node" eth0 foreign.reply.pcap "udp src port 434"
	touch "$hosts/answer"
	wait_for 30 fa_has "$standby" visitors 10.77.1.77
	capture_stop
	(($(packets_in foreign.reply.pcap "dst 10.77.1.77") == 1)) || fail "the node got no reply"
}

all_same() {
	[[ $(fa_visitors 1) != "[]" && $(for n in 1 2 3; do fa_visitors "$n"; done | sort -u | wc -l) == 1 ]]
}

all_synced() {
	[[ $(for n in 1 2 3; do roam "fa$n" -j sync status | jq -r '.[0].synced'; done | xargs) == "true true true" ]]
}

# Three that tell each other by multicast; two of them die, the third one has never served.
in_group() {
	local n
	both
	for n in 1 2; do
		daemon_stop "fa$n" agentd
		daemon_stop "fa$n" standbyd
	done
	fa_sync='mode = "group"  multicast = "239.255.10.9"'
	for n in 1 2 3; do
		fa_start "$n"
	done
	wait_for 30 one_active
	wait_for 30 all_synced
	roam node mn renew
	wait_for 30 all_same
	for n in 1 2; do
		fa_dies "$n"
	done
	wait_for 30 fa_serves 3
	in_ns "$correspondent" ping -q -n -c 3 -W 10 "$mip_home" || fail "no way to the node"
	in_ns "$node" ping -q -n -c 3 -W 10 -I "$mip_home" "$mip_peer" || fail "no way from the node"
}

fixture world
prove "FAR-01 FAR-02 FAR-03: two foreign agents are one to node, home agent and tunnel" are_one
prove "FAR-05: a tunnel that is led to the one that stands by" by_the_standby
prove "FAR-02 FAR-08: a foreign agent dies, sessions go on without a registration" visitors_stay
prove "FAR-04: an agent that comes back has the visitors" joins_late
prove "FAR-06 TEN-22 STBY-79: a foreign agent fails between request and reply" fails_in_between
prove "FAR-07 STBY-88: three foreign agents have the visitors by multicast, any of them serves" in_group
tests_done
