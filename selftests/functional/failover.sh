#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# Home agents as one: roam-standbyd says who serves the virtual address, roam-agentd
# keeps the tables of the others in step. The network is that of failover-topology.sh.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"
# shellcheck source=../topology.sh
. "$lib_dir/topology.sh"
# shellcheck source=../failover-topology.sh
. "$lib_dir/failover-topology.sh"
# shellcheck source=../mip-topology.sh
. "$lib_dir/mip-topology.sh"

readonly many=500

world() {
	require tcpdump nft ssh sshd
	modprobe roam_tunnel || fail "roam_tunnel cannot be loaded"
	modprobe macvlan
	fo_many "$many"
	# No room for one more: what replaces an entry finds its place in a full table as well.
	fo_nodes+=$'\n'"nodes_max = $((many + 1))"
	# On a busy machine nobody is given up, nor answered without, before its time: what
	# was promised meanwhile would be one agent's alone.
	fo_hello=200 fo_hold=2500
	fo_sync='wait = "5s"  dead = "20s"'
	fo_home='pool = "10.77.9.1-10.77.9.9"'
	fo_nodes+=$'\n''node "car@example.com" { spi = 300  key = 5 }'
	fo_home_link=homelink
	fo_create 2
	fo_start 1 2
	wait_for 30 fo_pair
	mip_foreign_start foreign1
	mip_node_start
	wait_for 60 mip_is_at "foreign $mip_fa1"
	mip_ssh_server
}

fo_pair() {
	[[ $(for n in 1 2; do fo_of "$n" state; done 2>/dev/null | sort | xargs) == "active standby" ]]
}

# Both run, one of them is active, and the tables are equal; $active and $standby.
both() {
	local n
	for n in 1 2; do
		[[ -e $hosts/agent$n/standbyd.pid ]] || fo_start "$n"
		fo_plug "$n"
	done
	wait_for 30 fo_pair
	wait_for 30 fo_equal 1 2
	active=$(fo_active 1 2)
	standby=$((3 - active))
}

in_step() {
	both
	expect_match "binding" "$mip_home $mip_fa1 " "$(fo_bindings "$active")"
	wait_for 20 fo_same_bindings 1 2
	# What packets need is there before the address is.
	expect_eq "module at the standby" "$mip_home" "$(roam "agent$standby" -j tunnel show | jq -r '.[].home')"
	expect_eq "equal" "true true" \
		"$(for n in 1 2; do roam "agent$n" -j sync show | jq -r '.[0].equal'; done | xargs)"
	expect_eq "said by roam-standbyd" true "$(fo_of "$standby" tables.complete)"
	expect_match "the doctor" "has the same tables" "$(roam "agent$standby" doctor)"
	expect_match "refusal at the standby" "another agent is the active one" \
		"$(roam "agent$standby" -j agent end "$mip_home" 2>&1)"
	# Each change, acknowledged before the node hears of it.
	local before served
	before=$(fo_counter "$active" sync_acks_received)
	served=$(fo_counter "$standby" accepted)
	roam node mn renew || fail "the node does not register"
	wait_for 20 fo_counted "$active" sync_acks_received "$before"
	expect_eq "registrations at the standby" "$served" "$(fo_counter "$standby" accepted)"
	wait_for 20 fo_equal 1 2
	wait_for 20 fo_same_bindings 1 2
}

# fo_counted N COUNTER MIN: it is above that.
fo_counted() {
	(($(fo_counter "$1" "$2") > $3))
}

# fo_counters COUNTER: of both agents.
fo_counters() {
	echo $(($(fo_counter 1 "$1") + $(fo_counter 2 "$1")))
}

fo_counter() {
	roam "agent$1" -j agent counters | jq -r ".[0].$2"
}

killed() {
	local served
	both
	served=$(fo_counter "$standby" accepted)
	mip_ssh_open
	fo_pings_begin
	fo_kill "$active"
	wait_for 30 fo_is "$standby" active
	mip_ssh_says "after the crash"
	fo_pings_go_on
	echo "# $(fo_lost) of 100 pings a second were lost"
	expect_match "binding at the new one" "$mip_home $mip_fa1 " "$(fo_bindings "$standby")"
	expect_eq "registrations at the new one" "$served" "$(fo_counter "$standby" accepted)"
	# It registers at the new one, which nobody told it of.
	roam node mn renew
	wait_for 20 fo_counted "$standby" accepted 0
	# The other one comes back, and has what happened meanwhile.
	both
	expect_eq "who is active" "$active" "$(fo_active 1 2)"
	wait_for 20 fo_same_bindings 1 2
	mip_ssh_says "after the return"
}

resigned() {
	both
	mip_ssh_open
	fo_pings_begin
	roam "agent$active" standby resign home pause 60s >/dev/null || fail "it does not resign"
	wait_for 30 fo_is "$standby" active
	mip_ssh_says "after the resignation"
	fo_pings_go_on
	echo "# $(fo_lost) of 100 pings a second were lost"
	both
}

fo_leases() { # N
	roam "agent$1" -j agent sessions | jq -r '.[] | "\(.nai) \(.sub_nai) \(.home) \(.free_in != null)"' | sort
}

leases_are() { # N LINES
	[[ $(fo_leases "$1") == "$2" ]]
}

session_home() { # NAME
	roam node -j mn sessions | jq -r ".[] | select(.session == \"$1\" and .state == \"active\") | .home"
}

has_session() {
	[[ $(session_home "$1") ]]
}

# Names and addresses of sessions are at the other agent before a session has its own.
sessions_stay() {
	local camera was=$hosts/node/mnd.conf.was
	both
	cp "$hosts/node/mnd.conf" "$was"
	printf 'nai = "car@example.com"\nsession "camera" {}\n' >>"$hosts/node/mnd.conf"
	daemon_signal node mnd HUP
	wait_for 30 has_session camera
	camera=$(session_home camera)
	expect_eq "at the standby" "car@example.com camera $camera false" "$(fo_leases "$standby")"
	fo_kill "$active"
	wait_for 30 fo_is "$standby" active
	# the new one gives nobody else that address, and it to nobody else
	expect_ok roam node mn session add laptop
	wait_for 60 has_session laptop
	[[ $(session_home laptop) != "$camera" ]] || fail "two sessions have $camera"
	both
	wait_for 20 leases_are "$standby" "$(fo_leases "$active")"
	expect_ok roam node mn session end laptop
	expect_ok roam node mn session end camera
	wait_for 20 eval "[[ ! \$(roam node -j mn sessions | jq -r '.[].session' | grep laptop) ]]"
	# that its addresses rest is known to both as well
	wait_for 20 eval "[[ \$(fo_leases $active) =~ 'camera $camera true' ]]"
	wait_for 20 leases_are "$standby" "$(fo_leases "$active")"
	mv "$was" "$hosts/node/mnd.conf"
	daemon_signal node mnd HUP
	wait_for 60 mip_is_at "foreign $mip_fa1"
}

# Hosts on the home link send to the one that serves, and to the next one without asking again.
neighbours() {
	both
	is_neighbours "$active"
	neighbour_reaches || fail "a host on the home link does not reach the node"
	roam "agent$active" standby resign home pause 60s >/dev/null || fail "it does not resign"
	wait_for 30 fo_is "$standby" active
	wait_for 20 knows_router "$standby"
	neighbour_reaches || fail "a host on the home link does not reach the node any more"
	is_neighbours "$standby"
	both
}

neighbour_reaches() {
	in_ns "$neighbour" busybox ping -c 3 -W 5 "$mip_home"
}

link_address() {
	ip -n "$1" -j link show "$2" | jq -r '.[0].address'
}

# knows_router N: the neighbour sends to it what is for the node.
knows_router() {
	declare -n ns="agent$1"
	[[ $(ip -n "$neighbour" -j neigh show "$mip_home" | jq -r '.[0].lladdr') == $(link_address "$ns" eth1) ]]
}

# is_neighbours N: it alone answers for the node.
is_neighbours() {
	local mac
	declare -n ns="agent$1"
	mac=$(link_address "$ns" eth1)
	expect_eq "who answers for the node" "$mac" "$(in_ns "$neighbour" busybox arping -b -c 2 -w 5 -I eth0 "$mip_home" |
		grep -o -i '[0-9a-f:]\{17\}' | sort -u | xargs)"
}

# Its cable is pulled; both serve for a while, and only one is heard.
unplugged() {
	both
	mip_ssh_open
	local was=$active
	fo_unplug "$active"
	wait_for 30 fo_is "$standby" active
	mip_ssh_says "after the cut"
	roam node mn renew
	wait_for 30 mip_ssh_says "renewed"
	fo_plug "$was"
	both
	wait_for 20 fo_same_bindings 1 2
	mip_ssh_says "after the heal"
}

standby_hears_not() { # TYPES: of messages of sync
	declare -n ns="agent$standby"
	in_ns "$ns" nft "table ip cut { chain in { type filter hook input priority 0; udp dport 17986 @th,72,8 { $1 } drop; }; }" ||
		fail "no filter"
	on_exit in_ns "$ns" nft delete table ip cut
}

standby_hears_all() {
	declare -n ns="agent$standby"
	in_ns "$ns" nft delete table ip cut
}

# Deletes that were not replicated, updates that were lost: the digest shows it.
divergence() {
	both
	local repaired before accepted
	accepted=$(fo_counter "$active" accepted)
	repaired=$(fo_counters sync_leaves_repaired)
	# No update arrives, whatever is repeated; everything else does.
	standby_hears_not 2
	before=$(fo_bindings "$standby")
	roam node mn renew
	# OPEN-57: it is answered though nobody acknowledges.
	wait_for 20 eval "[[ \$(fo_bindings $active) != \"$before\" ]]"
	wait_for 20 fo_equal 1 2
	wait_for 20 fo_same_bindings 1 2
	(($(fo_counters sync_leaves_repaired) > repaired)) || fail "nothing was repaired by the digests"
	wait_for 20 fo_counted "$active" accepted "$accepted"
	standby_hears_all
}

downloads_more() { # MIN
	fo_counted "$standby" sync_downloads "$1"
}

# As long as it takes: the node may register once more meanwhile.
fetched() {
	roam "agent$standby" sync fetch "$1" >/dev/null
	fo_same_bindings 1 2
}

# Neither updates nor digests of ranges arrive, so that a download alone can mend it.
fetch() {
	both
	local before downloads
	standby_hears_not "2, 7, 8"
	before=$(fo_bindings "$standby")
	roam node mn renew
	wait_for 20 eval "[[ \$(fo_bindings $active) != \"$before\" ]]"
	downloads=$(fo_counter "$standby" sync_downloads)
	roam "agent$standby" sync fetch 192.0.2.99 || fail "the agent does not ask"
	wait_for 20 downloads_more "$downloads"
	expect_eq "what came of another home agent" "$before" "$(fo_bindings "$standby")"
	wait_for 30 fetched "$fo_vip"
	standby_hears_all
	expect_match "a word that is none" "no IP address" "$(roam "agent$standby" sync fetch there 2>&1)"
}

# The active one loses its cable and its processes while hundreds of nodes register:
# whatever was promised is at the other one.
nothing_lost() {
	local round lost before line total=0
	both
	for round in 1 2 3; do
		# A node's mapping needs its key: all have the same one.
		bg in_ns "$correspondent" "$lib_dir/registrations" "$hosts/node/keys.key" "$fo_vip" "$mip_peer" \
			"$many" 1000 "$ROAM_OUT/failover.promised" >"$ROAM_OUT/failover.registrations"
		before=$(fo_counter "$active" accepted)
		wait_for 30 fo_counted "$active" accepted "$((before + 700))"
		fo_unplug "$active"
		fo_kill "$active"
		wait_for 30 fo_is "$standby" active
		stop "$bg_pid" INT
		line=$(tail -n 1 "$ROAM_OUT/failover.registrations")
		total=$((total + $(cut -d' ' -f2 <<<"$line")))
		fo_bindings "$standby" | awk 'NR == FNR { at[$1] = $3; next } !($1 in at) || at[$1] < $2 { print }' \
			- "$ROAM_OUT/failover.promised" >"$ROAM_OUT/failover.lost"
		lost=$(wc -l <"$ROAM_OUT/failover.lost")
		expect_eq "promised and lost in round $round ($line)" 0 "$lost"
		both
	done
	echo "# $total registrations promised, none lost"
}

# A request to the own address of the one that stands by.
asked_at_standby() {
	local served
	both
	served=$(fo_counter "$standby" accepted)
	: >"$ROAM_OUT/failover.standby"
	bg in_ns "$correspondent" "$lib_dir/registrations" "$hosts/node/keys.key" "$fo_vip" "$mip_peer" \
		10 100 "$ROAM_OUT/failover.standby" "198.18.0.$standby" >/dev/null
	roam node mn renew || fail "the node does not register"
	roam node mn renew || fail "the node does not register"
	stop "$bg_pid" INT
	expect_eq "served" "$served" "$(fo_counter "$standby" accepted)"
	expect_eq "promised" "" "$(cat "$ROAM_OUT/failover.standby")"
}

# restart N: its agentd, with what stands in fo_store and fo_sync.
restart() {
	daemon_stop "agent$1" agentd
	fo_agent "$1"
}

store_of() { # N STATE
	[[ $(roam "agent$1" -j agent status | jq -r '.[0].store') == "$2" ]]
}

# The disk of the standby is full: it says so, promises nothing, and writes all of it later.
full_disk() {
	local late usual=$fo_sync
	both
	mkdir "$hosts/disk"
	mount -t tmpfs -o size=2m none "$hosts/disk" || fail "no small disk"
	on_exit umount -q -l "$hosts/disk"
	# Not the long wait of the other tests, in which a node would ask again.
	fo_sync='wait = "300ms"  dead = "20s"'
	fo_store=$hosts/disk/agent.db restart "$standby"
	restart "$active"
	both
	dd if=/dev/zero of="$hosts/disk/fill" bs=4k 2>/dev/null
	late=$(fo_counter "$active" sync_released_late)
	roam node mn renew || fail "the node is not answered"
	wait_for 20 fo_counted "$active" sync_released_late "$late"
	wait_for 20 store_of "$standby" failing
	expect_match "why" "full|no space" "$(roam "agent$standby" -j agent status | jq -r '.[0].store_error')"
	expect_match "the log" "in memory only and not acknowledged" "$(cat "$hosts/agent$standby/log")"
	# In memory it is there, for what may happen to the other one.
	wait_for 20 fo_same_bindings 1 2
	rm "$hosts/disk/fill"
	wait_for 20 store_of "$standby" ok
	late=$(fo_counter "$active" sync_acks_received)
	roam node mn renew || fail "the node does not register"
	wait_for 20 fo_counted "$active" sync_acks_received "$late"
	wait_for 20 fo_same_bindings 1 2
	# It has it from its own disk when it begins anew and hears nobody.
	late=$(fo_bindings "$standby" | grep "^$mip_home ")
	declare -n ns="agent$standby"
	kill -KILL "$(<"$hosts/agent$standby/agentd.pid")"
	rm "$hosts/agent$standby/agentd.pid"
	in_ns "$ns" nft 'table ip cut { chain in { type filter hook input priority 0; udp dport 17986 drop; }; }' || fail "no filter"
	fo_store=$hosts/disk/agent.db fo_agent "$standby"
	expect_eq "from the disk" "$late" "$(fo_bindings "$standby" | grep "^$mip_home ")"
	in_ns "$ns" nft delete table ip cut
	fo_sync=$usual
	restart "$standby"
	restart "$active"
	both
	umount "$hosts/disk"
}

attacks() {
	both
	local key
	expect_eq "before" 0 "$(fo_counter "$active" drop_sync_auth)"
	for key in forged truncated "other group"; do
		in_ns "$correspondent" /usr/bin/python3 - "198.18.0.$active" "$key" <<-'END'
			import os, socket, struct, sys
			m = struct.pack(">BBBBHHIIQQQQ", 1, 2, 0, 0, 99 if sys.argv[2] == "other group" else 1, 0, 7, 0, 5, 0, 1, 4)
			m += socket.inet_pton(socket.AF_INET6, "::ffff:198.18.0.100") + bytes(8)
			m = m[:40] if sys.argv[2] == "truncated" else m + os.urandom(16)
			s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			for _ in range(5):
			    s.sendto(m, (sys.argv[1], 17986))
		END
	done
	wait_for 20 fo_counted "$active" drop_sync_auth 0
	wait_for 20 fo_counted "$active" drop_sync_length 0
	expect_eq "members" 1 "$(roam "agent$active" -j sync show | jq length)"
	fo_equal 1 2 || fail "it changed something"
}

fixture world
prove "STBY-09 STBY-48 STBY-79 STBY-80 STBY-82 STBY-83 STBY-65 STBY-66: tables are in step, in the module too" in_step
prove "STBY-84 STBY-85 STBY-87 STBY-95: the active agent crashes, and comes back" killed
prove "STBY-53 STBY-56: the active agent resigns" resigned
prove "SES-18 SES-32 STBY-82: sessions keep their addresses when the agent that gave them fails" sessions_stay
prove "STBY-95 OPEN-44: hosts on the home link follow the one that serves" neighbours
prove "STBY-76 OPEN-44: the active agent's cable is pulled" unplugged
prove "FAIL-07 OPEN-57 TEN-22: A3, silent divergence: what was not replicated is repaired" divergence
prove "SYNC-49 SYNC-51 GEN-07: an operator asks for what one home agent registered" fetch
prove "OPEN-57: nothing that was promised is lost" nothing_lost
prove "STBY-06: a request to the one that stands by" asked_at_standby
prove "OPEN-57 STBY-83: the disk of the one that stands by is full" full_disk
prove "OPEN-31 STBY-30 SYNC-64: forged messages between agents" attacks
tests_done
