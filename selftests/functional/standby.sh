#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# kernels: native
#
# Routers that serve one address, as hosts see them. Each router is a namespace with
# its own roam-standbyd; two switches, which are bridges, join them: "inside" with a
# host whose default route is the virtual address, and "outside" with a server that
# reaches the host by the virtual address there. No module of ours is needed, and an
# emulated processor keeps no time: it runs on the machine itself.
# shellcheck source=../lib.sh
. "$(dirname "$(realpath "$0")")/../lib.sh"

PATH=${ROAM_BIN:-$(realpath "$lib_dir/../build/bin")}:$PATH
# ms. The machine may stand still for a while: what would count a false timeout as a
# failure is "patient".
hellos=100 holds=500
readonly vip=192.0.2.100 vmac=00:00:0c:07:ac:0a outside_vip=198.51.100.100
readonly dissector=$lib_dir/dissector/roam-standby.lua

# ---- the network ----

# router N: namespace r1..r5 with eth0 inside and eth1 outside, and a folder.
router() {
	local n=$1 ns
	ns_create "r$n"
	declare -n ns="r$n"
	join "$ns" eth0 "$inside" "in$n" "192.0.2.$n/24"
	join "$ns" eth1 "$outside" "out$n" "198.51.100.$n/24"
	in_ns "$ns" sysctl -qw net.ipv4.ip_forward=1
	mkdir -p "$dir/$n"
}

# join NS IF SWITCH PORT ADDRESS
join() {
	veth_pair "$1" "$2" "$3" "$4"
	in_ns "$3" ip link set "$4" master switch0 || fail "no switch"
	in_ns "$1" ip address add "$5" dev "$2"
}

network() {
	local ns
	require roam-standbyd roam gojq tcpdump
	dir=$(mktemp -d)
	on_exit rm -rf "$dir"
	ns_create inside outside host server
	for ns in "$inside" "$outside"; do
		in_ns "$ns" ip link add switch0 type bridge || fail "no bridges here"
		in_ns "$ns" ip link set switch0 up
	done
	for ns in 1 2 3 4 5; do
		router "$ns"
	done
	join "$host" eth0 "$inside" host 192.0.2.50/24
	join "$server" eth0 "$outside" server 198.51.100.50/24
	in_ns "$host" ip route add default via "$vip"
	in_ns "$server" ip route add default via "$outside_vip"
	(umask 077 && echo "7 000102030405060708090a0b0c0d0e0f" >"$dir/keys")
	(umask 077 && echo "7 ffffffffffffffffffffffffffffffff" >"$dir/wrong")
}

# group NAME LINK NUMBER VIRTUAL [OPTION...]: in the words of the configuration.
group() {
	echo "group \"$1\" { link = \"$2\" number = $3 virtual = \"$4\" hello = \"${hellos}ms\" hold = \"${holds}ms\" key = 7 ${*:5} }"
}

# configure N TEXT...: what all have in common stands in front.
configure() {
	cat >"$dir/$1/standbyd.conf" <<-END
		keys = "$dir/keys"
		state = "$dir/$1/counter"
		${*:2}
	END
}

# start N...: with the configurations that are there; pids are in $pid1...
start() {
	local n
	for n; do
		declare -n ns="r$n"
		ROAM_RUN_DIR=$dir/$n bg in_ns "$ns" roam-standbyd -c "$dir/$n/standbyd.conf" \
			2>>"$ROAM_OUT/standby.r$n.log"
		printf -v "pid$n" %s "$bg_pid"
	done
	for n; do
		wait_for 20 asks "$n" status
	done
}

patient() {
	hellos=300 holds=2500
}

# Both groups, router N with priority 100 + N.
start_plain() {
	local n
	for n; do
		configure "$n" "$(group office eth0 10 "$vip" "priority = $((100 + n))")" \
			"$(group out eth1 11 "$outside_vip" "priority = $((100 + n))")"
	done
	start "$@"
	wait_for 20 settled office "$@"
	wait_for 20 settled out "$@"
}

# asks N WORDS...
asks() {
	ROAM_RUN_DIR=$dir/$1 roam -j standby "${@:2}"
}

# of N GROUP MEMBER
of() {
	asks "$1" show "$2" | jq -r ".[0].$3"
}

is() {
	[[ $(of "$1" "$2" "$3") == "$4" ]]
}

# states GROUP N...: sorted, in one line.
states() {
	local n
	for n in "${@:2}"; do
		of "$n" "$1" state
	done | sort | xargs
}

settled() {
	local want="active standby" n
	for ((n = 3; n < $#; n++)); do
		want="active$(printf ' listen%.0s' $(seq $(($# - 3)))) standby"
	done
	[[ $(states "$@") == "$want" ]]
}

# holder GROUP ROLE N...: the router that has it.
holder() {
	local n
	for n in "${@:3}"; do
		if is "$n" "$1" state "$2"; then
			echo "$n"
			return
		fi
	done
	return 1
}

counter() {
	asks "$1" counters | jq -r ".[0].$2"
}

counted() {
	(($(counter "$1" "$2") > $3))
}

# has_address N: the virtual address is on this router.
has_address() {
	declare -n ns="r$1"
	[[ $(in_ns "$ns" ip -o address show to "$vip/32") ]]
}

# neighbour NS ADDRESS: MAC address that a host believes.
neighbour() {
	in_ns "$1" ip neigh show "$2" | sed -n 's/.* lladdr \([0-9a-f:]*\) .*/\1/p'
}

mac_of() {
	in_ns "$1" ip -o link show eth0 | sed 's/.*ether \([0-9a-f:]*\) .*/\1/'
}

# pings begin: the host's 100 a second through both virtual addresses. lost: how many
# were not answered.
pings_begin() {
	in_ns "$host" ping -n -c 1 -W 5 198.51.100.50 >/dev/null || fail "no way to the server"
	bg in_ns "$host" ping -n -i 0.01 -D 198.51.100.50 >"$ROAM_OUT/standby.ping"
	pings=$bg_pid
}

pings_go_on() {
	local seen
	seen=$(wc -l <"$ROAM_OUT/standby.ping")
	wait_for 20 eval "((\$(wc -l <$ROAM_OUT/standby.ping) > $seen + 20))"
}

lost() {
	stop "$pings" INT
	sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$ROAM_OUT/standby.ping" |
		while read -r sent received; do
			echo $((sent - received))
		done
}

# ---- roles ----

five_routers() {
	start_plain 1 2 3 4 5
	expect_eq "states" "active listen listen listen standby" "$(states office 1 2 3 4 5)"
	# Who came first stays, as preemption is off; who is standby is the best of the rest.
	local active standby n
	active=$(holder office active 1 2 3 4 5)
	standby=$(holder office standby 1 2 3 4 5)
	for n in 1 2 3 4 5; do
		expect_eq "router $n: active" "192.0.2.$active" "$(of "$n" office active)"
		expect_eq "router $n: standby" "192.0.2.$standby" "$(of "$n" office standby)"
	done
	in_ns "$host" ping -n -c 1 -W 5 "$vip" >/dev/null || fail "the virtual address is silent"
	expect_eq "the host's neighbour" "$vmac" "$(neighbour "$host" "$vip")"
	for n in 1 2 3 4 5; do
		declare -n ns="r$n"
		in_ns "$host" ping -n -c 1 -W 5 "192.0.2.$n" >/dev/null || fail "router $n does not answer at its own address"
		expect_eq "its own MAC address" "$(mac_of "$ns")" "$(neighbour "$host" "192.0.2.$n")"
		((n == active)) || ! has_address "$n" || fail "router $n has the virtual address"
	done
	# All but two fail, one after the other.
	pings_begin
	for _ in 1 2 3; do
		active=$(holder office active 1 2 3 4 5)
		declare -n victim="pid$active"
		kill -KILL "$victim"
		local left=()
		for n in 1 2 3 4 5; do
			[[ ! $(asks "$n" status 2>/dev/null) ]] || left+=("$n")
		done
		wait_for 20 settled office "${left[@]}"
		pings_go_on
	done
	local gone
	gone=$(lost)
	echo "# $gone pings lost in three crashes"
	((gone <= 30)) || fail "$gone of 100 pings a second lost in three crashes"
}

resigns() {
	local before after
	patient
	start_plain 1 2
	before=$(holder office active 1 2)
	after=$((3 - before))
	expect_eq "refusal" "refused" "$(asks "$after" resign office 2>&1 | jq -r .error.code)"
	pings_begin
	asks "$before" resign office pause 60s >/dev/null || fail "it does not resign"
	wait_for 20 is "$after" office state active
	asks "$before" resign out pause 60s >/dev/null
	wait_for 20 is "$after" out state active
	wait_for 20 is "$before" office state standby
	! has_address "$before" || fail "who resigned has the address"
	pings_go_on
	before=$(lost)
	echo "# $before pings lost"
	# A holdtime of silence would cost 250.
	((before <= 60)) || fail "$before of 100 pings a second lost by two resignations"
	expect_match "why" "STBY-T07.Standby the active router resigned" \
		"$(asks "$after" history office | jq -r '.[] | select(.to == "active") | "\(.cell) \(.reason)"')"
}

link_cut() {
	local before after
	start_plain 1 2
	before=$(holder office active 1 2)
	after=$((3 - before))
	in_ns "$inside" ip link set "in$before" down
	on_exit in_ns "$inside" ip link set "in$before" up
	wait_for 20 is "$after" office state active
	expect_eq "the other side goes on" "virgin" "$(of "$before" office state)"
	wait_for 20 in_ns "$host" ping -n -c 1 -W 1 "$vip"
	in_ns "$inside" ip link set "in$before" up
	wait_for 20 is "$before" office state standby
}

# It is stopped, not killed: the watcher takes the address away, and when it runs
# again it listens before it does anything.
stopped() {
	local before after
	start_plain 1 2
	before=$(holder office active 1 2)
	after=$((3 - before))
	declare -n victim="pid$before"
	kill -STOP "$victim"
	wait_for 20 is "$after" office state active
	wait_for 20 eval "! has_address $before"
	kill -CONT "$victim"
	wait_for 20 is "$before" office state standby
	expect_eq "who is active" active "$(of "$after" office state)"
	counted "$before" fences 0 || fail "it did not fence itself"
	expect_eq "coups" 0 "$(counter "$before" sent_coup)"
	# A standby router that was stopped takes nothing over.
	# Longer than the holdtime, by its own time.
	kill -STOP "$victim"
	busybox sleep 0.6
	kill -CONT "$victim"
	wait_for 20 settled office 1 2
	expect_eq "who is active" active "$(of "$after" office state)"
}

partition() {
	start_plain 1 2
	local active
	active=$(holder office active 1 2)
	in_ns "$host" ping -n -c 1 -W 5 "$vip" >/dev/null
	# The switch's port lets nothing of router 1 through, in either direction.
	in_ns "$inside" ip link set in1 nomaster
	on_exit in_ns "$inside" ip link set in1 master switch0
	wait_for 20 is 1 office state active
	wait_for 20 is 2 office state active
	# The host learned something else, and asks nobody: only an announcement tells it.
	in_ns "$host" ip neigh replace "$vip" lladdr 02:00:00:00:00:aa nud stale dev eth0
	in_ns "$inside" ip link set in1 master switch0
	wait_for 20 settled office 1 2
	expect_eq "the better one" active "$(of 2 office state)"
	wait_for 20 eval "[[ \$(neighbour $host $vip) == $vmac ]]"
	in_ns "$host" ping -n -c 1 -W 5 "$vip" >/dev/null || fail "nobody answers after the heal"
	expect_eq "the host's neighbour" "$vmac" "$(neighbour "$host" "$vip")"
	counted 2 sent_coup 0 || fail "no coup ended it"
	wait_for 20 counted 2 announced 2
}

one_way() {
	local active
	require nft
	start_plain 1 2
	active=$(holder office active 1 2)
	declare -n ns="r$active"
	# It hears all and is not heard.
	in_ns "$ns" nft 'table netdev cut { chain out { type filter hook egress device eth0 priority 0; udp dport 17985 drop; }; }' ||
		skip "no egress hook here"
	wait_for 20 is $((3 - active)) office state active
	# The better one of the two that say that they are active stays, once it is heard.
	in_ns "$ns" nft delete table netdev cut
	wait_for 20 settled office 1 2
}

preemption() {
	patient
	configure 1 "$(group office eth0 10 "$vip" priority = 100)"
	configure 2 "$(group office eth0 10 "$vip" priority = 110)"
	configure 3 "$(group office eth0 10 "$vip" priority = 120 preempt = true preempt_delay = \"1s\")"
	start 1
	wait_for 20 is 1 office state active
	start 2
	wait_for 20 is 2 office state standby
	capture_start "$host" eth0 standby.coup.pcap udp port 17985
	start 3
	wait_for 20 is 3 office state active
	# The standby router did not move up: the Resign was for the other one alone.
	wait_for 20 settled office 1 2 3
	# Who was active speaks, and yields to the better one.
	wait_for 20 is 1 office state listen
	wait_for 20 is 2 office state standby
	expect_eq "who thought that the active one resigned" "" \
		"$(asks 2 history office | jq -r '.[] | select(.to == "active" and (.cell | startswith("STBY-T07")))')"
	expect_eq "cell" STBY-T06 "$(asks 3 history office | jq -r '[.[] | select(.to == "active")][0].cell' | cut -d. -f1)"
	capture_stop
	expect_eq "coups on the wire" 1 "$(tshark -n -r "$ROAM_OUT/standby.coup.pcap" -X "lua_script:$dissector" -Y 'roam_standby.type == 1' 2>/dev/null | wc -l)"
	# The Resign is unicast, so that the host's port does not see it.
	expect_eq "resigns that a host sees" 0 "$(tshark -n -r "$ROAM_OUT/standby.coup.pcap" -X "lua_script:$dissector" -Y 'roam_standby.type == 2' 2>/dev/null | wc -l)"
	# Forbidden for a time it does not happen.
	asks 3 resign office pause 60s >/dev/null
	wait_for 20 is 2 office state active
	asks 3 preempt office >/dev/null
	wait_for 20 is 3 office state active
	asks 3 preempt office off >/dev/null || fail "preemption cannot be forbidden"
	expect_eq "preemption" false "$(of 3 office preempt)"
}

tracking() {
	configure 1 "$(group office eth0 10 "$vip" priority = 110 preempt = true 'track_link "eth1" { decrement = 20 }')"
	configure 2 "$(group office eth0 10 "$vip" priority = 100 preempt = true 'track_route "203.0.113.0/24" { decrement = 5 }')"
	in_ns "$r2" ip route add 203.0.113.0/24 via 198.51.100.50
	on_exit in_ns "$r2" ip route delete 203.0.113.0/24
	start 1 2
	wait_for 20 is 1 office state active
	in_ns "$outside" ip link set out1 down
	on_exit in_ns "$outside" ip link set out1 up
	wait_for 20 is 2 office state active
	expect_eq "priority" 90 "$(of 1 office priority)"
	in_ns "$outside" ip link set out1 up
	wait_for 20 is 1 office state active
	in_ns "$r2" ip route delete 203.0.113.0/24
	wait_for 20 is 2 office priority 95
}

# Two groups of which each router serves one, and one is standby for the other.
cross_backup() {
	local n
	patient
	for n in 1 2; do
		configure "$n" "$(group a eth0 1 192.0.2.101 "priority = $((100 + 10 * n)) preempt = true")" \
			"$(group b eth0 2 192.0.2.102 "priority = $((130 - 10 * n)) preempt = true")"
	done
	start 1 2
	wait_for 20 is 2 a state active
	wait_for 20 is 1 b state active
	wait_for 20 is 1 a state standby
	wait_for 20 is 2 b state standby
	in_ns "$host" ping -n -c 1 -W 5 192.0.2.101 >/dev/null || fail "group a is silent"
	in_ns "$host" ping -n -c 1 -W 5 192.0.2.102 >/dev/null || fail "group b is silent"
	kill -KILL "$pid1"
	wait_for 20 is 2 b state active
	expect_eq "the other role" active "$(of 2 a state)"
}

# One router is standby for two others, and takes what fails.
shared_standby() {
	patient
	configure 1 "$(group a eth0 1 192.0.2.101 "priority = 120 preempt = true")"
	configure 2 "$(group b eth0 2 192.0.2.102 "priority = 120 preempt = true")"
	configure 3 "$(group a eth0 1 192.0.2.101)" "$(group b eth0 2 192.0.2.102)"
	start 1 2
	wait_for 20 is 1 a state active
	wait_for 20 is 2 b state active
	start 3
	wait_for 20 is 3 a state standby
	wait_for 20 is 3 b state standby
	kill -KILL "$pid2"
	wait_for 20 is 3 b state active
	expect_eq "its other role" standby "$(of 3 a state)"
	wait_for 20 in_ns "$host" ping -q -n -c 1 -W 1 192.0.2.102
	kill -KILL "$pid1"
	wait_for 20 is 3 a state active
	wait_for 20 in_ns "$host" ping -q -n -c 1 -W 1 192.0.2.101
}

many_groups() {
	local n text=
	for ((n = 1; n <= 255; n++)); do
		text+="group \"g$n\" { link = \"eth0\" number = $n virtual = \"192.0.3.$n\" hello = \"1s\" hold = \"3s\" key = 7 }"$'\n'
	done
	configure 1 "$text"
	start 1
	wait_for 60 eval "((\$(asks 1 status | jq '.[0].active') == 255))"
	wait_for 60 eval "((\$(in_ns $r1 ip -o address show | grep -c 192.0.3.) == 255))"
	in_ns "$host" ip route add 192.0.3.0/24 dev eth0
	in_ns "$host" ping -n -c 1 -W 5 192.0.3.200 >/dev/null || fail "group 200 is silent"
	expect_eq "its MAC address" 00:00:0c:07:ac:c8 "$(neighbour "$host" 192.0.3.200)"
}

# ---- processor time ----

# ticks PID...: 100 a second, of the threads that run in front of others.
ticks() {
	local pid stat
	for pid; do
		stat=$(</proc/"$pid"/task/"$pid"/stat) || return
		# shellcheck disable=SC2086
		set -- ${stat##*) }
		echo $((${12} + ${13}))
	done | awk '{ n += $1 } END { print n + 0 }'
}

# Both processors are busy, the kernel's lock is taken nearly all the time, links come
# and go, a router stops and wakes, roles change: whatever waits must sleep, as it runs
# in front of all others, and whom it waits for may be one of them.
never_spins() {
	local n before after pids rounds=0
	start_plain 1 2
	ns_create busy
	bg in_ns "$busy" bash -c 'while :; do ip link add name busy0 type veth peer name busy1; ip link del busy0; done'
	for n in 1 2; do
		bg bash -c 'while :; do :; done'
	done
	# shellcheck disable=SC2207 # one word each
	pids=("$pid1" "$pid2" $(pgrep -P "$pid1,$pid2"))
	before=$(ticks "${pids[@]}")
	SECONDS=0
	while ((SECONDS < 6)); do
		n=$((1 + rounds++ % 2))
		asks "$n" resign office >/dev/null
		declare -n victim="pid$n"
		kill -STOP "$victim"
		busybox sleep 0.6
		kill -CONT "$victim"
		in_ns "$inside" ip link set "in$n" down
		busybox sleep 0.1
		in_ns "$inside" ip link set "in$n" up
	done
	after=$(ticks "${pids[@]}")
	echo "$((after - before)) ticks in $SECONDS s, $rounds rounds; each: $(for n in "${pids[@]}"; do ticks "$n"; done | xargs)"
	((after - before < 10 * SECONDS)) || fail "$((after - before)) hundredths of a second in $SECONDS s"
	for n in "${pids[@]}"; do
		expect_match "what starts from it does not run in front" "RESET_ON_FORK|SCHED_OTHER" "$(chrt -p "$n")"
	done
	wait_for 30 settled office 1 2
}

# ---- the wire ----

on_the_wire() {
	local active
	patient
	capture_start "$host" eth0 standby.own.pcap udp port 17985 or arp
	start_plain 1 2 3
	active=$(holder office active 1 2 3)
	in_ns "$host" ping -n -c 1 -W 5 "$vip" >/dev/null
	asks "$active" resign office pause 60s >/dev/null
	wait_for 20 settled office 1 2 3
	capture_stop
	tshark -n -r "$ROAM_OUT/standby.own.pcap" -X "lua_script:$dissector" -Y roam_standby -T fields \
		-e ip.dst -e ip.ttl -e ip.src -e roam_standby.sender -e roam_standby.state -e roam_standby.type \
		-e eth.src -e roam_standby.malformed -e _ws.malformed 2>/dev/null >"$ROAM_OUT/standby.fields"
	(($(wc -l <"$ROAM_OUT/standby.fields") > 10)) || fail "nothing was captured"
	expect_eq "malformed" "" "$(cut -f 8- "$ROAM_OUT/standby.fields" | tr -d '\t\n')"
	# STBY-22, STBY-23: the group, from primary addresses, from this link.
	expect_eq "to the group" 224.0.0.2 "$(cut -f 1 "$ROAM_OUT/standby.fields" | sort -u | grep -v '^192.0.2.[1-5]$' | xargs)"
	expect_eq "hops" 255 "$(cut -f 2 "$ROAM_OUT/standby.fields" | sort -u)"
	expect_eq "sources that are no sender" "" "$(awk -F'\t' '$3 != $4' "$ROAM_OUT/standby.fields")"
	expect_eq "silent states that speak" "" "$(awk -F'\t' '$6 == 0 && $5 < 3' "$ROAM_OUT/standby.fields")"
	# The watcher's may follow, where the daemon did not run for too long.
	awk -F'\t' -v who="192.0.2.$active" '$6 == 2 && $1 == "224.0.0.2" && $4 == who' "$ROAM_OUT/standby.fields" |
		grep -q . || fail "no Resign went to the group"
	awk -F'\t' -v mac="$vmac" '$5 == 5 && $7 == mac' "$ROAM_OUT/standby.fields" | grep -q . ||
		fail "no hello has the virtual MAC address as source"
	# STBY-94: nobody says that the virtual address is at another MAC address.
	expect_eq "other MAC addresses of the virtual one" "$vmac" \
		"$(tshark -n -r "$ROAM_OUT/standby.own.pcap" -Y "arp.src.proto_ipv4 == $vip" -T fields -e arp.src.hw_mac 2>/dev/null | sort -u)"
}

# Another form of the same election, judged by a decoder of others.
hsrp() {
	local form=$1 protocol=$2 n
	for n in 1 2; do
		configure "$n" "group \"office\" { link = \"eth0\" number = 10 virtual = \"$vip\" protocol = \"$form\" $3 hello = \"1s\" hold = \"3s\" priority = 10$n }"
	done
	capture_start "$host" eth0 "standby.$form.pcap" udp port 1985
	start 1 2
	wait_for 30 settled office 1 2
	capture_stop
	tshark -n -r "$ROAM_OUT/standby.$form.pcap" -T fields -e "$protocol.priority" -e "$protocol.virt_ip$4" \
		-e "$protocol.auth_data" -e _ws.malformed -Y hsrp 2>/dev/null >"$ROAM_OUT/standby.fields"
	(($(wc -l <"$ROAM_OUT/standby.fields") > 3)) || fail "the decoder does not know it"
	expect_eq "malformed" "" "$(cut -f 4 "$ROAM_OUT/standby.fields" | tr -d '\n')"
	expect_eq "priorities" "101 102" "$(cut -f 1 "$ROAM_OUT/standby.fields" | sort -u | xargs)"
	expect_eq "virtual addresses" "$vip" "$(cut -f 2 "$ROAM_OUT/standby.fields" | sort -u)"
	in_ns "$host" ping -n -c 1 -W 5 "$vip" >/dev/null || fail "the virtual address is silent"
}

hsrp_md5() {
	(umask 077 && echo "a password" >"$dir/md5" && echo "another one" >"$dir/md5.wrong")
	hsrp hsrp hsrp "md5 = \"$dir/md5\"" ""
	configure 3 "group \"office\" { link = \"eth0\" number = 10 virtual = \"$vip\" protocol = \"hsrp\" md5 = \"$dir/md5.wrong\" hello = \"1s\" hold = \"3s\" priority = 200 preempt = true }"
	start 3
	wait_for 20 counted 3 drop_auth 0
	wait_for 20 counted 1 drop_auth 0
	settled office 1 2 || fail "a wrong password moved a role"
}

# ---- attacks ----

# A message as one that has the key would sign it; FIELD=VALUE overrides.
# shellcheck disable=SC2016
readonly forge='
import hashlib, hmac, ipaddress, socket, struct, sys, time
f = dict(type=1, state=5, priority=255, group=10, key=7, hello=100, hold=500, ttl=255, counter=1 << 62,
         sender="192.0.2.50", vip="192.0.2.100", secret="000102030405060708090a0b0c0d0e0f", raw="")
f.update(a.split("=", 1) for a in sys.argv[1:])
n = lambda name: int(f[name])
mapped = lambda a: ipaddress.IPv6Address("::ffff:" + a).packed
m = struct.pack("!BBBBHHIIIIQQ", 1, n("type"), n("state"), n("priority"), n("group"), 0, n("key"), n("hello"),
                n("hold"), 0, n("counter"), 0) + mapped(f["vip"]) + mapped(f["sender"])
if n("key"):
    m += hmac.new(bytes.fromhex(f["secret"]), m, hashlib.sha256).digest()[:16]
if f["raw"]:
    m = bytes.fromhex(f["raw"])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, n("ttl"))
for _ in range(5):
    s.sendto(m, ("224.0.0.2", 17985))
'

forged() {
	in_ns "$host" /usr/bin/python3 -c "$forge" "$@"
}

attacks() {
	local n before
	start_plain 1 2
	before="$(holder office active 1 2) $(holder office standby 1 2)"
	for n in 1 2; do
		expect_eq "drops before" 0 "$(counter "$n" drop_auth)"
	done
	capture_start "$host" eth0 standby.replay.pcap udp port 17985 and host "192.0.2.${before% *}"
	wait_for 20 eval "((\$(packets_in standby.replay.pcap) > 3))"
	capture_stop
	forged secret=ffffffffffffffffffffffffffffffff
	forged key=0
	forged key=8
	forged ttl=64
	forged group=99
	forged sender=192.0.2.51
	forged hold=100
	forged vip=224.0.0.1
	forged raw=00
	# With the right key, but from one who is not there: not proved, so not believed.
	forged
	# Recorded ones, from another place: their sender is somebody else.
	forged raw="$(tshark -n -r "$ROAM_OUT/standby.replay.pcap" -T fields -e udp.payload -c 1 2>/dev/null)"
	for n in drop_auth drop_key drop_hops drop_group drop_sender drop_timers drop_address drop_length drop_unproved; do
		wait_for 20 counted 1 "$n" 0
	done
	expect_eq "roles" "$before" "$(holder office active 1 2) $(holder office standby 1 2)"
	for n in 1 2; do
		expect_eq "coups that counted at $n" 0 "$(counter "$n" event_coup_higher)"
	done
}

# Recorded messages sent again, as they were on the wire, from the sender's own port.
replayed() {
	local active standby replays
	patient
	start_plain 1 2
	active=$(holder office active 1 2)
	standby=$((3 - active))
	capture_start "$inside" "in$active" standby.replay.pcap udp port 17985 and dst 224.0.0.2
	asks "$active" resign office pause 60s >/dev/null
	wait_for 20 is "$standby" office state active
	wait_for 20 is "$active" office state standby
	capture_stop
	# The active one's Resign, and its hellos as active router, again. Their checksum
	# was left to the device, so what was captured has none: 0 says that.
	in_ns "$host" /usr/bin/python3 - "$ROAM_OUT/standby.replay.pcap" <<-'END'
		import socket, struct, sys
		data = open(sys.argv[1], "rb").read()
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("eth0", 0))
		at = 24
		while at < len(data):
		    size = struct.unpack("<I", data[at + 8:at + 12])[0]
		    frame = bytearray(data[at + 16:at + 16 + size])
		    frame[40:42] = b"\0\0"
		    s.send(frame)
		    at += 16 + size
	END
	wait_for 20 counted "$standby" drop_replay 0
	expect_eq "roles" "active standby" "$(of "$standby" office state) $(of "$active" office state)"
	# What was recorded of the other one was a replay as well.
	replays=$(counter "$active" drop_replay)
	# After a restart it knows nobody and believes nobody before a proof.
	declare -n victim="pid$standby"
	stop "$victim"
	start "$standby"
	wait_for 20 settled office 1 2
	counted "$standby" sent_probe 0 || fail "nobody was probed"
	# Who restarted counts on above all that it said before.
	expect_eq "replays seen by the other" "$replays" "$(counter "$active" drop_replay)"
}

wrong_key() {
	configure 1 "$(group office eth0 10 "$vip")"
	configure 2 "keys = \"$dir/wrong\" $(group office eth0 10 "$vip" priority = 200 preempt = true)"
	start 1
	wait_for 20 is 1 office state active
	start 2
	wait_for 20 counted 1 drop_auth 3
	expect_eq "role" active "$(of 1 office state)"
	expect_eq "events" 0 "$(counter 1 event_active_higher)"
}

# ---- around it ----

asked_by_name() {
	start_plain 1 2
	local active answer
	active=$(holder office active 1 2)
	answer=$(in_ns "$host" roam -j standby query office link eth0) || fail "no answer"
	expect_eq "virtual address" "$vip" "$(jq -r '.[0].virtual' <<<"$answer")"
	expect_eq "active" "192.0.2.$active" "$(jq -r '.[0].active' <<<"$answer")"
	expect_eq "standby" "192.0.2.$((3 - active))" "$(jq -r '.[0].standby' <<<"$answer")"
	expect_fail in_ns "$host" roam standby query nobody link eth0
}

swapped_mac() {
	local n own
	for n in 1 2; do
		configure "$n" "$(group office eth0 10 "$vip" "priority = 10$n" mac = \"swap\")"
	done
	own=$(mac_of "$r2")
	start 2
	wait_for 20 is 2 office state active
	wait_for 20 eval "[[ \$(mac_of $r2) == $vmac ]]"
	in_ns "$host" ping -n -c 1 -W 5 "$vip" >/dev/null || fail "silent"
	in_ns "$host" ping -n -c 1 -W 5 192.0.2.2 >/dev/null || fail "its own address is silent"
	expect_eq "own address is at" "$vmac" "$(neighbour "$host" 192.0.2.2)"
	start 1
	wait_for 20 is 1 office state standby
	asks 2 resign office pause 60s >/dev/null
	wait_for 20 is 1 office state active
	wait_for 20 eval "[[ \$(mac_of $r2) == $own ]]"
	in_ns "$host" ping -n -c 1 -W 5 192.0.2.2 >/dev/null || fail "its own address is silent"
	wait_for 20 eval "[[ \$(neighbour $host 192.0.2.2) == $own ]]"
	in_ns "$host" ping -n -c 1 -W 5 "$vip" >/dev/null || fail "silent after the change"
}

redirects() {
	local before
	in_ns "$r1" sysctl -qw net.ipv4.conf.all.send_redirects=1 net.ipv4.conf.eth0.send_redirects=1
	before=$(in_ns "$r1" sysctl -n net.ipv4.conf.eth0.arp_ignore)
	configure 1 "$(group office eth0 10 "$vip")"
	start 1
	wait_for 20 is 1 office state active
	expect_eq "while it runs" "0 0" "$(in_ns "$r1" sysctl -n net.ipv4.conf.all.send_redirects net.ipv4.conf.eth0.send_redirects | xargs)"
	stop "$pid1"
	expect_eq "behind it" "1 1 $before" "$(in_ns "$r1" sysctl -n net.ipv4.conf.all.send_redirects net.ipv4.conf.eth0.send_redirects net.ipv4.conf.eth0.arp_ignore | xargs)"
	expect_eq "devices left" "" "$(in_ns "$r1" ip -o link show type macvlan)"
	start 1
	wait_for 20 is 1 office state active
	kill -KILL "$pid1"
	# The watcher does the same for a daemon that crashed.
	wait_for 20 eval "[[ \$(in_ns $r1 sysctl -n net.ipv4.conf.eth0.send_redirects) == 1 ]]"
	! has_address 1 || fail "the address survives the crash"
}

learns_timers() {
	configure 1 "$(group office eth0 10 "$vip" priority = 200)"
	configure 2 "group \"office\" { link = \"eth0\" number = 10 key = 7 hello = \"1s\" hold = \"3s\" }"
	start 2
	wait_for 20 is 2 office state learn
	expect_match "advice" "at least one" "$(of 2 office problem)"
	start 1
	wait_for 20 is 2 office state standby
	expect_eq "hellotime" "$hellos" "$(of 2 office hello_ms)"
	expect_eq "address" "$vip" "$(of 2 office virtual)"
	# What changes at the active router is there with its next hello.
	configure 1 "$(group office eth0 10 192.0.2.110 priority = 200 preempt = true)"
	kill -HUP "$pid1"
	wait_for 20 is 1 office virtual 192.0.2.110
	wait_for 20 is 1 office state active
	wait_for 20 is 2 office virtual 192.0.2.110
}

mistakes() {
	local text
	check() {
		configure 1 "$1"
		text=$(roam-standbyd -n -c "$dir/1/standbyd.conf" 2>&1)
		expect_match "$1" "$2" "$text"
	}
	check "" "no group"
	check 'group "a" { link = "eth0" virtual = "192.0.2.100" }' "option 'key'"
	check 'group "a" { link = "eth0" virtual = "192.0.2.100" key = 7 priority = 256 }' "256 is not from 0 to 255"
	check 'group "a" { link = "eth0" virtual = "192.0.2.100" key = 7 hello = "1s" hold = "1s" }' "not more than hello"
	check 'group "a" { link = "eth0" virtual = "192.0.2.100" key = 7 hello = "1s" hold = "2s" }' "less than three times"
	check 'group "a" { link = "eth0" virtual = "192.0.2.100" key = 7 hello = "1ms" }' "from 3ms"
	check 'group "a" { link = "eth0" virtual = "192.0.2.100" protocol = "hsrp" }' "can read the password"
	check 'group "a" { link = "eth0" virtual = "192.0.2.100" protocol = "hrsp" }' "did you mean 'hsrp'"
	check 'group "a" { virtual = "192.0.2.100" key = 7 }' "needs an interface"
	check 'group "a" { link = "eth0" key = 7 } group "b" { link = "eth0" key = 7 }' "has number 0"
	check 'group "a" { link = "eth0" virtual = "192.0.2.100" key = 7 }' ": ok"
	start 1
	expect_eq "defaults" "3000 10000" "$(of 1 a hello_ms) $(of 1 a hold_ms)"
}

# ---- others on the segment ----

beside_keepalived() {
	require keepalived
	cat >"$dir/keepalived.conf" <<-END
		global_defs {
			router_id test
		}
		vrrp_instance V {
			state BACKUP
			interface eth0
			virtual_router_id 10
			priority 100
			advert_int 0.1
			version 3
			use_vmac
			virtual_ipaddress {
				192.0.2.120/32
			}
		}
	END
	configure 1 "$(group office eth0 10 "$vip" priority = 200)"
	configure 2 "$(group office eth0 10 "$vip" priority = 100)"
	start 1 2
	bg in_ns "$r2" keepalived -n -D -f "$dir/keepalived.conf" --pid "$dir/k.pid" --vrrp_pid "$dir/v.pid" >"$ROAM_OUT/standby.keepalived.log" 2>&1
	wait_for 30 in_ns "$host" ping -n -c 1 -W 1 192.0.2.120
	wait_for 20 settled office 1 2
	in_ns "$host" ping -n -c 1 -W 5 "$vip" >/dev/null || fail "ours is silent beside it"
	expect_eq "its MAC address" 00:00:5e:00:01:0a "$(neighbour "$host" 192.0.2.120)"
	expect_eq "our MAC address" "$vmac" "$(neighbour "$host" "$vip")"
	asks 1 resign office pause 60s >/dev/null
	wait_for 20 is 2 office state active
	in_ns "$host" ping -n -c 1 -W 5 "$vip" >/dev/null || fail "ours is silent on the router of both"
	in_ns "$host" ping -n -c 1 -W 5 192.0.2.120 >/dev/null || fail "keepalived's is silent"
}

fixture network
prove "STBY-01 STBY-02 STBY-03 STBY-04 STBY-05 STBY-10 STBY-45 STBY-54 STBY-91 GSYN-13 STBY-95: five routers, three of which crash" five_routers
prove "STBY-53 STBY-56 STBY-58 GEN-07: the active router resigns" resigns
prove "STBY-43 STBY-55 STBY-64: a link is cut and comes back" link_cut
prove "FAIL-01 STBY-50 OPEN-43 OPEN-44: A3, scheduling delay: a router that was stopped gives way, and takes nothing over" stopped
prove "FAIL-02 FAIL-03 OPEN-44 STBY-76: A3, wrong heal and stale ARP: a switch falls apart and heals" partition
prove "STBY-76 OPEN-44: an active router that is heard no more" one_way
prove "STBY-70 STBY-71 STBY-72 STBY-19 STBY-74: a coup" preemption
prove "STBY-40: what is tracked moves the role" tracking
prove "STBY-11 STBY-12 STBY-14: two groups that back each other up" cross_backup
prove "STBY-13: one router is standby for two" shared_standby
prove "STBY-15: 255 groups on one link" many_groups
prove "OPEN-43 GEN-09: whatever waits sleeps" never_spins
prove "STBY-21 STBY-22 STBY-23 STBY-34 STBY-94 GEN-09: the wire, by another decoder" on_the_wire
prove "OPEN-54 D-05: HSRP as others decode it" hsrp hsrp hsrp 'text = "secret"' ""
prove "OPEN-54: HSRP version 2 as others decode it" hsrp hsrp2 hsrp2 'text = "secret"' ""
prove "STBY-29 OPEN-54: HSRP with MD5" hsrp_md5
prove "OPEN-31 STBY-30 STBY-31: forged messages change nothing and are counted" attacks
prove "OPEN-29 OPEN-42: recorded messages, and a restart" replayed
prove "STBY-29: a wrong key" wrong_key
prove "STBY-16 STBY-17 STBY-18: a host asks by the group's name" asked_by_name
prove "STBY-92 OPEN-16: the link's own MAC address is swapped" swapped_mac
prove "STBY-93 STBY-52 OPEN-45: redirects, and what is left behind" redirects
prove "STBY-37 STBY-44 STBY-49 STBY-N13: minimal information is learned" learns_timers
prove "D-01 D-02 STBY-35 STBY-36 STBY-38 GEN-05: mistakes in the configuration" mistakes
prove "OPEN-54: keepalived on the same segment" beside_keepalived
tests_done
